#include "io/file_reader.h"

#include "io/split.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    AHEAD_BYTES =
        8 * 1024 *
        1024, /* asked for at once at the start, where the kernel would begin with 128 KiB */
    ADVISED_FILE_BYTES = 1024 * 1024,
    READ_BYTES_MAX = 1 << 30, /* Linux reads at most 2 GiB at a time */
};

BARKS_CHECKED static barks_status *fail_truncated(const struct file_reader *reader,
                                                  uint64_t now_bytes)
{
    BARKS_FAIL(BARKS_IO,
               "'%s' ends at byte %ju, but had %ju bytes when the job began: it was cut meanwhile; "
               "run the job "
               "again once nothing changes its input",
               reader->path, (uintmax_t)now_bytes, (uintmax_t)reader->file_bytes);
}

BARKS_CHECKED static barks_status *check_unchanged(const struct file_reader *reader,
                                                   const struct split *split)
{
    struct stat info;
    if (fstat(reader->descriptor, &info) != 0)
        BARKS_FAIL(BARKS_IO, "cannot look at '%s': %s", reader->path, system_text(errno));
    uint64_t now_bytes = (uint64_t)info.st_size; /* never negative */
    int64_t now_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if (now_bytes < split->file_bytes)
        return fail_truncated(reader, now_bytes);
    /* A file that has grown was appended to, as logs are: it is read up to its old end. */
    if (now_bytes == split->file_bytes && now_ns != split->mtime_ns)
        BARKS_FAIL(BARKS_IO,
                   "'%s' was changed since the job began, or this host has another copy of it: run "
                   "the job again "
                   "once nothing changes its input",
                   reader->path);
    return NULL;
}

barks_status *file_reader_open(struct file_reader *reader, const struct split *split,
                               uint64_t position)
{
    int descriptor = -1;
    do
        descriptor = open(split->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) {
        int error = errno;
        BARKS_FAIL(system_code(error), "cannot open '%s': %s%s", split->path, system_text(error),
                   system_remedy(error));
    }
    *reader = (struct file_reader){
        .descriptor = descriptor,
        .path = split->path,
        .position = position,
        .file_bytes = split->file_bytes,
    };
    if (split->file_bytes >= ADVISED_FILE_BYTES) { /* advice that is refused costs speed alone */
        uint64_t left_bytes = split->end > position ? split->end - position : 0;
        (void)posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
        (void)posix_fadvise(descriptor, (off_t)position, /* split_unpack: < 2^63 */
                            left_bytes < AHEAD_BYTES ? (off_t)left_bytes : AHEAD_BYTES,
                            POSIX_FADV_WILLNEED);
    }
    return check_unchanged(reader, split);
}

barks_status *file_reader_read(struct file_reader *reader, uint8_t *out, size_t wanted_bytes,
                               size_t *out_read_bytes)
{
    size_t read_bytes = 0;
    if (wanted_bytes > reader->file_bytes - reader->position)
        wanted_bytes = (size_t)(reader->file_bytes - reader->position);
    while (read_bytes < wanted_bytes) {
        size_t step =
            wanted_bytes - read_bytes < READ_BYTES_MAX ? wanted_bytes - read_bytes : READ_BYTES_MAX;
        ssize_t got = pread(reader->descriptor, out + read_bytes, step,
                            (off_t)reader->position); /* < file_bytes < 2^63 */
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int error = errno;
            BARKS_FAIL(system_code(error), "cannot read '%s' at byte %ju: %s%s", reader->path,
                       (uintmax_t)reader->position, system_text(error), system_remedy(error));
        }
        if (got == 0)
            return fail_truncated(reader, reader->position);
        read_bytes += (size_t)got;
        reader->position += (size_t)got;
    }
    *out_read_bytes = read_bytes;
    return NULL;
}

void file_reader_drop(struct file_reader *reader)
{
    if (reader->path != NULL)
        (void)close(reader->descriptor); /* it was read, nothing can be lost */
    *reader = (struct file_reader){.descriptor = -1};
}
