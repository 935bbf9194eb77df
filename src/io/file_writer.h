/* A file that is written once, from its beginning to its end, through a large buffer. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

enum { WRITER_BUFFER_BYTES = 1024 * 1024 };

/* Begins zeroed, ends with file_writer_drop. Threads: one owner at a time.
 * Invariant: used_bytes <= WRITER_BUFFER_BYTES; path is NULL exactly where no file is open. */
struct file_writer {
    char *path; /* owned */
    int descriptor;
    struct pool *pool;
    char *buffer; /* owned, of the pool */
    size_t used_bytes;
    uint64_t written_bytes; /* handed to the system; the size of the file after file_writer_close */
};

/* Makes the file, or empties it. Errors: BARKS_IO, BARKS_LIMIT, with path, cause and remedy; as
 * pool_acquire. */
BARKS_CHECKED barks_status *file_writer_open(struct file_writer *writer, struct pool *pool,
                                             const char *path);

/* The same of a file that is not there yet; one that is stays as it is, and is an error. */
BARKS_CHECKED barks_status *file_writer_open_new(struct file_writer *writer, struct pool *pool,
                                                 const char *path);

/* Writes out what is buffered. Errors: BARKS_LIMIT: disk full, quota; BARKS_IO: the rest. With
 * path, bytes, remedy. */
BARKS_CHECKED barks_status *file_writer_flush(struct file_writer *writer);

/* Room for bytes, which are at most WRITER_BUFFER_BYTES: at *out_at, until the next call. The
 * caller says with file_writer_advance how many he used. Errors: as file_writer_flush. */
BARKS_CHECKED static inline barks_status *file_writer_room(struct file_writer *writer, size_t bytes,
                                                           char **out_at)
{
    if (__builtin_expect(WRITER_BUFFER_BYTES - writer->used_bytes < bytes, 0))
        BARKS_TRY(file_writer_flush(writer));
    *out_at = writer->buffer + writer->used_bytes;
    return NULL;
}

static inline void file_writer_advance(struct file_writer *writer, const char *end)
{
    writer->used_bytes = (size_t)(end - writer->buffer);
}

/* Any number of bytes. Errors: as file_writer_flush. */
BARKS_CHECKED barks_status *file_writer_put(struct file_writer *writer, const void *bytes,
                                            size_t size_bytes);

/* Writes the rest, with sync waits until it is on the device, and closes: some file systems tell
 * only then that the disk is full. The writer is closed also when it fails. Errors: as
 * file_writer_flush. */
BARKS_CHECKED barks_status *file_writer_close(struct file_writer *writer, bool sync,
                                              uint64_t *out_file_bytes);

/* Closes without writing what is buffered; the file stays. */
void file_writer_drop(struct file_writer *writer);

bool file_writer_is_sound(const struct file_writer *writer);
