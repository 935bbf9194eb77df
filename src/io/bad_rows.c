#include "io/bad_rows.h"

#include "io/json_text.h"
#include "io/record_window.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXCERPT_BYTES = 60 }; /* of a bad record, in its error */

barks_status *bad_rows_init(struct bad_rows *bad, struct pool *pool, enum bad_rows_mode mode,
                            const char *directory, uint32_t partition)
{
    static _Atomic uint32_t next; /* several jobs of a process may read the same partition */
    char host[64] = "";
    *bad = (struct bad_rows){.mode = mode, .pool = pool};
    if (mode != BAD_ROWS_QUARANTINE)
        return NULL;
    if (asprintf(&bad->path, "%s/bad-%05" PRIu32 ".json", directory, partition) < 0)
        bad->path = NULL;
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0'; /* without it the name is as good on one host */
    if (asprintf(&bad->path_now, "%s/.bad-%05" PRIu32 ".json.%s-%ld-%" PRIu32, directory, partition,
                 host, (long)getpid(),
                 atomic_fetch_add_explicit(&next, 1, memory_order_relaxed)) < 0)
        bad->path_now = NULL;
    if (bad->path != NULL && bad->path_now != NULL)
        return NULL;
    bad_rows_drop(bad);
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory to put bad rows aside");
}

BARKS_CHECKED static barks_status *put_aside(struct bad_rows *bad, const char *path,
                                             uint64_t offset, const char *reason, const void *text,
                                             size_t size_bytes)
{
    char number[48];
    if (bad->writer.path == NULL)
        BARKS_TRY_DOING(file_writer_open(&bad->writer, bad->pool, bad->path_now),
                        "put a bad row aside");
    BARKS_TRY(file_writer_put(&bad->writer, "{\"file\":", 8));
    BARKS_TRY(json_put_text(&bad->writer, path, strlen(path)));
    int length = snprintf(number, sizeof number, ",\"byte\":%" PRIu64 ",\"reason\":", offset);
    BARKS_TRY(file_writer_put(&bad->writer, number, (size_t)length));
    BARKS_TRY(json_put_text(&bad->writer, reason, strlen(reason)));
    BARKS_TRY(file_writer_put(&bad->writer, ",\"text\":", 8));
    BARKS_TRY(json_put_text(&bad->writer, text, size_bytes));
    return file_writer_put(&bad->writer, "}\n", 2);
}

BARKS_CHECKED static barks_status *fail_bad(const struct record_window *window, const char *reason,
                                            const char *text, size_t length)
{
    uint64_t offset = record_window_offset(window, window->begin);
    uint64_t line = record_window_line(window->pool, window->split, offset);
    const char *newline = memchr(text, '\n', length);
    if (newline != NULL)
        length = (size_t)(newline - text);
    BARKS_FAIL(BARKS_BAD_INPUT,
               "line %" PRIu64 " of '%s', %s; the row begins with '%.*s'. Mend it, or read it with "
               ".bad_rows = BARKS_DROP_BAD, BARKS_KEEP_BAD or BARKS_QUARANTINE_BAD",
               line, window->split->path, reason,
               (int)(length < EXCERPT_BYTES ? length : EXCERPT_BYTES), text);
}

barks_status *bad_rows_take(struct bad_rows *bad, const struct record_window *window,
                            const char *reason, size_t length, bool *out_keep)
{
    const char *text = (const char *)window->block->bytes + window->begin;
    const char *path = window->split->path;
    uint64_t offset = record_window_offset(window, window->begin);
    if (bad == NULL || bad->mode == BAD_ROWS_FAIL)
        return fail_bad(window, reason, text, length);
    if (bad->count == 0)
        snprintf(bad->first, sizeof bad->first, "byte %" PRIu64 " of '%.150s', %.110s", offset,
                 path, reason);
    bad->count++;
    *out_keep = bad->mode == BAD_ROWS_KEEP;
    return bad->mode == BAD_ROWS_QUARANTINE ? put_aside(bad, path, offset, reason, text, length)
                                            : NULL;
}

barks_status *bad_rows_finish(struct bad_rows *bad)
{
    uint64_t file_bytes = 0;
    if (bad->mode != BAD_ROWS_QUARANTINE)
        return NULL;
    if (bad->count == 0) {
        if (unlink(bad->path) != 0 && errno != ENOENT)
            BARKS_FAIL(system_code(errno), "cannot remove the old '%s': %s%s", bad->path,
                       system_text(errno), system_remedy(errno));
        return NULL;
    }
    BARKS_TRY(file_writer_close(&bad->writer, false, &file_bytes));
    if (rename(bad->path_now, bad->path) != 0)
        BARKS_FAIL(system_code(errno), "cannot name the bad rows '%s': %s%s", bad->path,
                   system_text(errno), system_remedy(errno));
    return NULL;
}

void bad_rows_drop(struct bad_rows *bad)
{
    if (bad->writer.path != NULL) {
        file_writer_drop(&bad->writer);
        (void)unlink(bad->path_now); /* what an attempt that failed has left */
    }
    free(bad->path);
    free(bad->path_now);
    *bad = (struct bad_rows){0};
}
