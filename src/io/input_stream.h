/* Bytes of a file in order, decompressed where it is compressed. */
#pragma once

#include "barks/status.h"
#include "io/file_reader.h"

#include <stddef.h>
#include <stdint.h>

struct input_stream;
struct pool;
struct split;

struct input_stream_ops {
    barks_status *(*read)(struct input_stream *stream, uint8_t *out, size_t wanted_bytes,
                          size_t *out_read_bytes);
    void (*close)(struct input_stream *stream); /* frees what the kind holds, and the stream */
};

/* The head of each kind. Threads: one owner at a time. */
struct input_stream {
    const struct input_stream_ops *ops;
    struct pool *pool;
    struct file_reader reader; /* its position is what was taken of the file */
};

/* Opens the file of a split; begin is where to start, 0 for a compressed file. The split must
 * outlive the stream. Errors: as file_reader_open and pool_acquire. */
BARKS_CHECKED barks_status *input_stream_open(struct pool *pool, const struct split *split,
                                              uint64_t begin, struct input_stream **out_stream);

/* Reads up to wanted_bytes, 0 at the end alone.
 * Errors: as file_reader_read; BARKS_BAD_INPUT, with path and offset, for compressed bytes that are
 * cut or damaged. */
BARKS_CHECKED static inline barks_status *input_stream_read(struct input_stream *stream,
                                                            uint8_t *out, size_t wanted_bytes,
                                                            size_t *out_read_bytes)
{
    return stream->ops->read(stream, out, wanted_bytes, out_read_bytes);
}

void input_stream_close(struct input_stream *stream); /* NULL is fine */

/* The kinds. On success each has moved *reader into its stream; on failure it is still the
 * caller's. */
enum { STREAM_BUFFER_BYTES = 256 * 1024 }; /* compressed bytes held at a time, from the pool */
BARKS_CHECKED barks_status *gzip_stream_create(struct pool *pool, struct file_reader *reader,
                                               struct input_stream **out_stream);
BARKS_CHECKED barks_status *zstd_stream_create(struct pool *pool, struct file_reader *reader,
                                               struct input_stream **out_stream);
/* In a build without the library these fail (BARKS_BAD_INPUT): compression_detect says so first. */
BARKS_CHECKED barks_status *bz2_stream_create(struct pool *pool, struct file_reader *reader,
                                              struct input_stream **out_stream);
BARKS_CHECKED barks_status *xz_stream_create(struct pool *pool, struct file_reader *reader,
                                             struct input_stream **out_stream);
BARKS_CHECKED barks_status *lz4_stream_create(struct pool *pool, struct file_reader *reader,
                                              struct input_stream **out_stream);
BARKS_CHECKED barks_status *snappy_stream_create(struct pool *pool, struct file_reader *reader,
                                                 struct input_stream **out_stream);
