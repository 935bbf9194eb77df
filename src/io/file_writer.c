#include "io/file_writer.h"

#include "base/disk_space.h"
#include "base/pool.h"
#include "io/system_error.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WRITE_BYTES_MAX = 1 << 30 }; /* Linux writes at most 2 GiB at a time */

BARKS_CHECKED static barks_status *open_as(struct file_writer *writer, struct pool *pool,
                                           const char *path, int how)
{
    void *buffer = NULL;
    BARKS_TRY_DOING(pool_acquire(pool, WRITER_BUFFER_BYTES, &buffer), "write '%s'", path);
    char *copy = strdup(path);
    int descriptor =
        copy != NULL ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | how, 0666) : -1;
    if (descriptor < 0) {
        int error = copy != NULL ? errno : ENOMEM;
        free(copy);
        pool_release(pool, buffer, WRITER_BUFFER_BYTES);
        BARKS_FAIL(system_code(error), "cannot create '%s': %s%s", path, system_text(error),
                   system_remedy(error));
    }
    *writer = (struct file_writer){
        .path = copy, .descriptor = descriptor, .pool = pool, .buffer = buffer};
    assert(file_writer_is_sound(writer));
    return NULL;
}

barks_status *file_writer_open(struct file_writer *writer, struct pool *pool, const char *path)
{
    return open_as(writer, pool, path, O_TRUNC);
}

barks_status *file_writer_open_new(struct file_writer *writer, struct pool *pool, const char *path)
{
    return open_as(writer, pool, path, O_EXCL);
}

/* wanted_bytes: of the call that failed. */
BARKS_CHECKED static barks_status *fail_write(const struct file_writer *writer, int error,
                                              uint64_t wanted_bytes)
{
    char space[DISK_SPACE_TEXT_BYTES];
    disk_space_text(writer->descriptor, error, wanted_bytes, space);
    BARKS_FAIL(system_code(error), "cannot write '%s' after %ju bytes: %s%s%s", writer->path,
               (uintmax_t)writer->written_bytes, system_text(error), space, system_remedy(error));
}

BARKS_CHECKED static barks_status *write_all(struct file_writer *writer, const char *bytes,
                                             size_t size_bytes)
{
    while (size_bytes > 0) {
        size_t step = size_bytes < WRITE_BYTES_MAX ? size_bytes : WRITE_BYTES_MAX;
        ssize_t written = write(writer->descriptor, bytes, step);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_write(writer, errno, step);
        if (written == 0) /* a file takes a byte or says why not; without this a broken one would be
                             an endless loop */
            return fail_write(writer, EIO, step);
        bytes += written;
        size_bytes -= (size_t)written;
        writer->written_bytes += (size_t)written;
    }
    return NULL;
}

barks_status *file_writer_flush(struct file_writer *writer)
{
    size_t size_bytes = writer->used_bytes;
    writer->used_bytes = 0; /* also after an error: the file is lost then, and room is promised */
    return write_all(writer, writer->buffer, size_bytes);
}

barks_status *file_writer_put(struct file_writer *writer, const void *bytes, size_t size_bytes)
{
    if (size_bytes > WRITER_BUFFER_BYTES - writer->used_bytes)
        BARKS_TRY(file_writer_flush(writer));
    if (size_bytes >= WRITER_BUFFER_BYTES)
        return write_all(writer, bytes, size_bytes);
    if (size_bytes > 0)
        memcpy(writer->buffer + writer->used_bytes, bytes, size_bytes);
    writer->used_bytes += size_bytes;
    assert(file_writer_is_sound(writer));
    return NULL;
}

barks_status *file_writer_close(struct file_writer *writer, bool sync, uint64_t *out_file_bytes)
{
    barks_status *status = file_writer_flush(writer);
    if (status == NULL && sync && fsync(writer->descriptor) != 0)
        status = fail_write(writer, errno, 0);
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    if (close(descriptor) != 0 && errno != EINTR &&
        status == NULL) /* EINTR: Linux has closed it all the same */
        status = fail_write(writer, errno, 0);
    if (status == NULL)
        *out_file_bytes = writer->written_bytes;
    file_writer_drop(writer);
    return status;
}

void file_writer_drop(struct file_writer *writer)
{
    if (writer->path == NULL)
        return;
    if (writer->descriptor >= 0)
        (void)close(writer->descriptor); /* the file is given up */
    pool_release(writer->pool, writer->buffer, WRITER_BUFFER_BYTES);
    free(writer->path);
    *writer = (struct file_writer){0};
}

bool file_writer_is_sound(const struct file_writer *writer)
{
    return writer->used_bytes <= WRITER_BUFFER_BYTES &&
           (writer->path == NULL) == (writer->buffer == NULL) &&
           (writer->path != NULL || writer->used_bytes == 0);
}
