/* zstd (RFC 8878): frames one after the other, skippable ones among them. */
#include "base/pool.h"
#include "io/input_stream.h"

#include <zstd.h>

#include <stdbool.h>
#include <stdlib.h>

struct zstd_stream {
    struct input_stream base;
    ZSTD_DStream *decoder; /* owned */
    ZSTD_inBuffer input;
    uint8_t *buffer; /* owned, STREAM_BUFFER_BYTES of the pool */
    uint64_t reserved_bytes;
    bool in_frame;
};

/* The decoder allocates by itself when it meets a frame of a larger window (at most 128 MiB, zstd's
 * own limit); that is counted as soon as it is seen. */
BARKS_CHECKED static barks_status *count_memory(struct zstd_stream *zstd)
{
    uint64_t held_bytes = ZSTD_sizeof_DStream(zstd->decoder);
    if (held_bytes > zstd->reserved_bytes) {
        BARKS_TRY_DOING(pool_reserve(zstd->base.pool, held_bytes - zstd->reserved_bytes),
                        "decompress '%s'", zstd->base.reader.path);
        zstd->reserved_bytes = held_bytes;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *refill(struct zstd_stream *zstd)
{
    size_t read_bytes = 0;
    BARKS_TRY(file_reader_read(&zstd->base.reader, zstd->buffer, STREAM_BUFFER_BYTES, &read_bytes));
    zstd->input = (ZSTD_inBuffer){.src = zstd->buffer, .size = read_bytes};
    return NULL;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): what zstd writes to, through its own struct. */
BARKS_CHECKED static barks_status *zstd_read(struct input_stream *stream, uint8_t *out,
                                             size_t wanted_bytes, size_t *out_read_bytes)
{
    struct zstd_stream *zstd = (struct zstd_stream *)stream; /* base comes first */
    ZSTD_outBuffer output = {.dst = out, .size = wanted_bytes};
    while (output.pos < output.size) {
        if (zstd->input.pos == zstd->input.size)
            BARKS_TRY(refill(zstd));
        if (zstd->input.size == 0 && !zstd->in_frame)
            break;
        size_t before = output.pos;
        size_t result = ZSTD_decompressStream(zstd->decoder, &output, &zstd->input);
        if (ZSTD_isError(result))
            BARKS_FAIL(
                BARKS_BAD_INPUT, "the zstd file '%s' is damaged near byte %ju: %s",
                zstd->base.reader.path,
                (uintmax_t)(zstd->base.reader.position - (zstd->input.size - zstd->input.pos)),
                ZSTD_getErrorName(result));
        BARKS_TRY(count_memory(zstd));
        zstd->in_frame = result != 0;
        if (zstd->input.size == 0 && zstd->in_frame && output.pos == before)
            BARKS_FAIL(
                BARKS_BAD_INPUT,
                "the zstd file '%s' is cut: it ends after %ju bytes in the middle of a frame; copy "
                "it again",
                zstd->base.reader.path, (uintmax_t)zstd->base.reader.position);
    }
    *out_read_bytes = output.pos;
    return NULL;
}

static void zstd_close(struct input_stream *stream)
{
    struct zstd_stream *zstd = (struct zstd_stream *)stream;
    (void)ZSTD_freeDStream(zstd->decoder); /* cannot fail */
    pool_release(zstd->base.pool, zstd->buffer, STREAM_BUFFER_BYTES);
    pool_unreserve(zstd->base.pool, zstd->reserved_bytes);
    file_reader_drop(&zstd->base.reader);
    free(zstd);
}

static const struct input_stream_ops zstd_ops = {.read = zstd_read, .close = zstd_close};

barks_status *zstd_stream_create(struct pool *pool, struct file_reader *reader,
                                 struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_acquire(pool, STREAM_BUFFER_BYTES, &buffer));
    struct zstd_stream *zstd = calloc(1, sizeof *zstd);
    ZSTD_DStream *decoder = zstd != NULL ? ZSTD_createDStream() : NULL;
    if (decoder == NULL) {
        free(zstd);
        pool_release(pool, buffer, STREAM_BUFFER_BYTES);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    zstd->base = (struct input_stream){.ops = &zstd_ops, .pool = pool, .reader = *reader};
    zstd->decoder = decoder;
    zstd->buffer = buffer;
    *reader = (struct file_reader){.descriptor = -1};
    barks_status *status = count_memory(zstd);
    if (status != NULL) {
        zstd_close(&zstd->base); /* the path is the split's: it outlives the reader */
        return status;
    }
    *out_stream = &zstd->base;
    return NULL;
}
