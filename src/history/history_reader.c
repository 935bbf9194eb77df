/* The format is written out at the head of history_record.h. */
#include "history/history_reader.h"

#include "base/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((size_t)4 << 30)

static void begin(const char *path, uint8_t *bytes, size_t size_bytes, struct history_reader *out)
{
    *out = (struct history_reader){.path = path, .bytes = bytes};
    unpacker_init(&out->in, bytes, size_bytes);
}

barks_status *history_open_bytes(const char *name, const void *bytes, size_t size_bytes,
                                 struct history_reader *out_reader)
{
    uint8_t *copy = malloc(size_bytes + 1);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for '%s' of %zu bytes", name, size_bytes);
    if (size_bytes > 0)
        memcpy(copy, bytes, size_bytes);
    begin(name, copy, size_bytes, out_reader);
    return NULL;
}

BARKS_CHECKED static barks_status *read_file(int file, const char *path,
                                             struct history_reader *out_reader)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        BARKS_FAIL(BARKS_IO, "cannot read '%s': it is no file", path);
    size_t size_bytes = (size_t)about.st_size, at = 0;
    if (size_bytes > FILE_BYTES_MAX)
        BARKS_FAIL(BARKS_LIMIT, "'%s' has %zu bytes, over the limit of 4 GiB for an event log",
                   path, size_bytes);
    uint8_t *bytes = malloc(size_bytes + 1);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for '%s' of %zu bytes", path, size_bytes);
    while (at < size_bytes) { /* what is written meanwhile is not looked at */
        ssize_t got = read(file, bytes + at, size_bytes - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerror(errno));
        }
        if (got == 0)
            break;
        at += (size_t)got;
    }
    begin(path, bytes, at, out_reader);
    return NULL;
}

barks_status *history_open(const char *path, struct history_reader *out_reader)
{
    *out_reader = (struct history_reader){0};
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not keep us */
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerror(errno));
    barks_status *status = read_file(file, path, out_reader);
    close(file);
    return status;
}

/* The next frame; false at the end, cut or not. */
static bool next_frame(struct history_reader *reader, uint64_t *out_kind, uint64_t *out_checksum,
                       const uint8_t **out_body, size_t *out_body_bytes)
{
    size_t begin_offset = reader->in.offset;
    if (reader->is_cut || begin_offset == reader->in.size_bytes)
        return false;
    *out_kind = unpack_u64(&reader->in);
    *out_checksum = unpack_u64(&reader->in);
    *out_body = unpack_bytes(&reader->in, out_body_bytes);
    if (reader->in.failed == NULL && *out_body != NULL)
        return true;
    reader->is_cut = true;
    reader->cut_offset = begin_offset;
    return false;
}

BARKS_CHECKED static barks_status *begin_with(struct history_reader *reader,
                                              const struct history_record *record)
{
    if (record->kind != KIND_JOB)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is no event log of barks, or its beginning is damaged",
                   reader->path);
    reader->has_begun = true;
    return NULL;
}

/* A record that cannot be read is damaged; but the first one says what the file is at all. */
BARKS_CHECKED static barks_status *pass_over(struct history_reader *reader, barks_status *status)
{
    barks_code code = barks_status_code(status);
    if (code == BARKS_BAD_INPUT && reader->has_begun) {
        barks_status_free(status);
        reader->damaged_count++;
        return NULL;
    }
    return barks_status_new(code, status, BARKS_HERE, "cannot read '%s'", reader->path);
}

barks_status *history_next(struct history_reader *reader, struct history_record *out_record,
                           bool *out_more)
{
    uint64_t kind = 0, checksum = 0;
    const uint8_t *body = NULL;
    size_t body_bytes = 0;
    *out_record = (struct history_record){0};
    *out_more = false;
    while (next_frame(reader, &kind, &checksum, &body, &body_bytes)) {
        bool is_known = false;
        barks_status *status = NULL;
        if (history_checksum(kind, body, body_bytes) != checksum)
            status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE, "it is damaged");
        else
            status = history_record_unpack(kind, body, body_bytes, out_record, &is_known);
        if (status != NULL) {
            BARKS_TRY(pass_over(reader, status));
            continue;
        }
        reader->unknown_count += !is_known;
        if (!is_known && reader->has_begun)
            continue;
        if (!reader->has_begun) {
            status = begin_with(reader, out_record);
            if (status != NULL)
                history_record_drop(out_record);
            BARKS_TRY(status);
        }
        *out_more = true;
        return NULL;
    }
    return reader->has_begun ? NULL : begin_with(reader, out_record);
}

void history_reader_drop(struct history_reader *reader)
{
    if (reader->bytes != NULL)
        unpacker_drop(&reader->in);
    free(reader->bytes);
    *reader = (struct history_reader){0};
}
