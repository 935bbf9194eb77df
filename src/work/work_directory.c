#include "work/work_directory.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/scope.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

BARKS_CHECKED static barks_status *fail_no_memory(const char *path)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the work directory '%s'", path);
}

BARKS_CHECKED static barks_status *fail_write(const char *path, int error)
{
    BARKS_FAIL(system_code(error), "cannot write '%s': %s%s", path, system_text(error),
               system_remedy(error));
}

/* ---- small files ---- */

struct file_head {
    char kind[16];
    uint64_t check; /* of the bytes */
    uint64_t size_bytes;
};
#define SMALL_FILE_BYTES_MAX (UINT64_C(1) << 32)

BARKS_CHECKED static barks_status *write_all(int file, const char *path, const void *bytes,
                                             size_t size_bytes)
{
    const uint8_t *at = bytes;
    while (size_bytes > 0) {
        ssize_t written = write(file, at, size_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail_write(path, written < 0 ? errno : ENOSPC);
        at += written;
        size_bytes -= (size_t)written;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *write_new(const char *path, const struct file_head *head,
                                             const void *bytes)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return fail_write(path, errno);
    barks_status *status = write_all(file, path, head, sizeof *head);
    if (status == NULL)
        status = write_all(file, path, bytes, head->size_bytes);
    if (close(file) != 0 && status == NULL)
        status = fail_write(path, errno);
    return status;
}

barks_status *work_write_file(const struct work *work, const char *path, const char *kind,
                              const void *bytes, size_t size_bytes)
{
    char *temporary = NULL;
    struct file_head head = {.check = hash_bytes(bytes, size_bytes), .size_bytes = size_bytes};
    snprintf(head.kind, sizeof head.kind, "%s", kind);
    if (asprintf(&temporary, "%s.%016" PRIx64, path, work->session) < 0)
        return fail_no_memory(path);
    barks_status *status = write_new(temporary, &head, bytes);
    if (status == NULL && rename(temporary, path) != 0)
        status = fail_write(path, errno);
    if (status != NULL)
        unlink(temporary);
    free(temporary);
    return status;
}

BARKS_CHECKED static barks_status *read_exactly(int file, const char *path, void *out,
                                                size_t size_bytes)
{
    uint8_t *at = out;
    while (size_bytes > 0) {
        ssize_t got = read(file, at, size_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            BARKS_FAIL(BARKS_BAD_INPUT, "'%s' cannot be read: %s", path, system_text(errno));
        if (got == 0)
            BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is cut short", path);
        at += got;
        size_bytes -= (size_t)got;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *read_open(int file, const char *path, const char *kind,
                                             uint8_t **out_bytes, size_t *out_size_bytes)
{
    struct file_head head;
    BARKS_TRY(read_exactly(file, path, &head, sizeof head));
    char wanted[sizeof head.kind] = "";
    snprintf(wanted, sizeof wanted, "%s", kind);
    if (memcmp(head.kind, wanted, sizeof wanted) != 0 || head.size_bytes > SMALL_FILE_BYTES_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is no file of this kind", path);
    uint8_t *bytes = malloc(head.size_bytes + 1);
    if (bytes == NULL)
        return fail_no_memory(path);
    barks_status *status = read_exactly(file, path, bytes, head.size_bytes);
    if (status == NULL && hash_bytes(bytes, head.size_bytes) != head.check)
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                  "'%s' does not have the checksum that was written with it", path);
    if (status != NULL) {
        free(bytes);
        return status;
    }
    *out_bytes = bytes;
    *out_size_bytes = head.size_bytes;
    return NULL;
}

barks_status *work_read_file(const char *path, const char *kind, uint8_t **out_bytes,
                             size_t *out_size_bytes)
{
    *out_bytes = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (file < 0)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' cannot be read: %s", path, system_text(errno));
    barks_status *status = read_open(file, path, kind, out_bytes, out_size_bytes);
    close(file); /* it was only read */
    return status;
}

/* ---- the directory ---- */

static const char mark_format[] = "barks work directory, format %d\n";

BARKS_CHECKED static barks_status *check_empty(const char *path)
{
    BARKS_AUTO(directory_reader) reader = {0};
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    BARKS_TRY_DOING(directory_open(&reader, path), "read the work directory '%s'", path);
    BARKS_TRY(directory_next(&reader, &name, &kind));
    /* What a job that makes it at the same time has written is no reason. */
    while (name != NULL && strncmp(name, WORK_MARK_NAME, strlen(WORK_MARK_NAME)) == 0)
        BARKS_TRY(directory_next(&reader, &name, &kind));
    if (name != NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "'%s' is no work directory of barks, since it holds '%s': give an empty "
                   "directory, or one that is to be made (--barks-work)",
                   path, name);
    return NULL;
}

/* *out_is_new: there is no mark, and nothing else. */
BARKS_CHECKED static barks_status *check_mark(const char *path, bool *out_is_new)
{
    char text[64] = "", *mark = NULL;
    int format = 0;
    if (asprintf(&mark, "%s/" WORK_MARK_NAME, path) < 0)
        return fail_no_memory(path);
    FILE *file = fopen(mark, "re");
    int error = errno;
    free(mark);
    *out_is_new = file == NULL;
    if (file == NULL && error != ENOENT)
        BARKS_FAIL(system_code(error), "cannot read the work directory '%s': %s%s", path,
                   system_text(error), system_remedy(error));
    if (file == NULL)
        return check_empty(path);
    bool is_right =
        fgets(text, sizeof text, file) != NULL && sscanf(text, mark_format, &format) == 1;
    fclose(file); /* it was only read */
    if (!is_right || format != WORK_FORMAT)
        BARKS_FAIL(BARKS_INVALID,
                   "the work directory '%s' is of another version of barks (format %d, here %d): "
                   "give another one, or remove it",
                   path, format, WORK_FORMAT);
    return NULL;
}

BARKS_CHECKED static barks_status *write_mark(const struct work *work)
{
    char text[64], *mark = NULL, *temporary = NULL;
    int length = snprintf(text, sizeof text, mark_format, WORK_FORMAT);
    barks_status *status = NULL;
    if (asprintf(&mark, "%s/" WORK_MARK_NAME, work->path) < 0)
        return fail_no_memory(work->path);
    if (asprintf(&temporary, "%s.%016" PRIx64, mark, work->session) < 0) {
        free(mark);
        return fail_no_memory(work->path);
    }
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error = errno;
    if (file >= 0)
        status = write_all(file, temporary, text, (size_t)length);
    if (file >= 0 && close(file) != 0 && status == NULL)
        status = fail_write(temporary, errno);
    if (status == NULL && (file < 0 || rename(temporary, mark) != 0)) {
        error = file < 0 ? error : errno;
        status = barks_status_new(system_code(error), NULL, BARKS_HERE,
                                  "cannot write in the work directory '%s': %s%s", work->path,
                                  system_text(error), system_remedy(error));
    }
    if (file >= 0 && status != NULL)
        unlink(temporary);
    free(mark);
    free(temporary);
    return status;
}

BARKS_CHECKED static barks_status *make_directory(const char *path)
{
    struct stat info;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode)))
        return NULL;
    int error = errno;
    if (error == EEXIST)
        BARKS_FAIL(BARKS_INVALID, "'%s' is a file, and a work directory is wanted", path);
    BARKS_FAIL(system_code(error), "cannot make the work directory '%s': %s%s", path,
               system_text(error), system_remedy(error));
}

barks_status *work_check(const char *path)
{
    bool is_new = false;
    BARKS_TRY(check_mark(path, &is_new));
    if (is_new)
        BARKS_FAIL(BARKS_INVALID, "'%s' is no work directory of barks", path);
    return NULL;
}

barks_status *work_open(const char *path, struct work *out_work)
{
    BARKS_AUTO(work) work = {.session = hash_combine(wall_ns(), (uint64_t)getpid())};
    bool is_new = false;
    BARKS_TRY(make_directory(path));
    BARKS_TRY(check_mark(path, &is_new));
    if (getrandom(&work.session, sizeof work.session, GRND_NONBLOCK) < 0)
        work.session = hash_combine(wall_ns(), (uint64_t)getpid());
    work.path = realpath(path, NULL);
    if (work.path == NULL)
        BARKS_FAIL(system_code(errno), "cannot reach the work directory '%s': %s", path,
                   system_text(errno));
    BARKS_TRY(write_mark(&work)); /* always: so that one learns at the start whether it can be */
    *out_work = work;
    work = (struct work){0};
    return NULL;
}

void work_drop(struct work *work)
{
    free(work->path);
    *work = (struct work){0};
}

/* ---- names ---- */

char *work_stage_path(const struct work *work, const char *stage, const char *name)
{
    char *path = NULL;
    int length = name == NULL ? asprintf(&path, "%s/%s", work->path, stage)
                              : asprintf(&path, "%s/%s/%s", work->path, stage, name);
    return length < 0 ? NULL : path;
}

void work_file_name(const struct work *work, uint32_t slot, uint32_t executor,
                    char out[WORK_FILE_NAME_BYTES])
{
    snprintf(out, WORK_FILE_NAME_BYTES, "%016" PRIx64 "-%" PRIu32 "-%" PRIu32, work->session, slot,
             executor);
}

barks_status *work_make_stage(const struct work *work, const char *stage)
{
    char *path = work_stage_path(work, stage, NULL);
    if (path == NULL)
        return fail_no_memory(work->path);
    barks_status *status = NULL;
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        status = fail_write(path, errno);
    free(path);
    return status;
}
