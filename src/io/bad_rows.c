#include "io/bad_rows.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "io/json_text.h"
#include "io/quarantine.h"
#include "io/record_window.h"
#include "io/system_error.h"
#include "io/value_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXCERPT_BYTES = 60 }; /* of a bad record, in its error */

barks_status *bad_rows_init(struct bad_rows *bad, struct pool *pool, enum bad_rows_mode mode,
                            const struct quarantine_place *place, uint32_t partition)
{
    *bad = (struct bad_rows){.mode = mode, .pool = pool};
    if (mode != BAD_ROWS_QUARANTINE)
        return NULL;
    bad->path = quarantine_hidden_path(place, partition);
    bad->path_now = quarantine_attempt_path(place, partition);
    bad->path_old = quarantine_path(place, partition);
    if (bad->path != NULL && bad->path_now != NULL && bad->path_old != NULL)
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

BARKS_CHECKED static barks_status *fail_many(const struct bad_rows *bad)
{
    BARKS_FAIL(BARKS_BAD_INPUT,
               "%" PRIu64 " rows of one partition are bad, more than .max_bad = %" PRIu64
               "; the last: %s",
               bad->count, bad->most, bad->last);
}

static void keep_row(struct batch *batch, int32_t corrupt_field, const char *text, size_t length)
{
    const barks_schema *schema = batch->base.schema;
    uint32_t row = batch->base.row_count;
    for (uint32_t i = 0; i < schema->field_count; i++)
        if ((int32_t)i == corrupt_field)
            ((barks_str *)batch->base.columns[i].values)[row] = barks_str_of(text, length);
        else if (schema->fields[i].nullable)
            put_null(&batch->base.columns[i], row);
        else
            put_zero(&batch->base.columns[i], row);
}

barks_status *bad_rows_take(struct bad_rows *bad, const struct bad_record *record,
                            struct batch *batch, bool *out_is_row)
{
    const struct record_window *window = record->window;
    const char *text = (const char *)window->block->bytes + window->begin;
    const char *path = window->split->path;
    uint64_t offset = record_window_offset(window, window->begin);
    batch_forget_uncounted(batch);
    if (bad == NULL || bad->mode == BAD_ROWS_FAIL)
        return fail_bad(window, record->reason, text, record->length);
    snprintf(bad->last, sizeof bad->last, "byte %" PRIu64 " of '%.150s', %.110s", offset, path,
             record->reason);
    bad->count++;
    if (bad->most > 0 && bad->count > bad->most)
        return fail_many(bad);
    *out_is_row = bad->mode == BAD_ROWS_KEEP;
    if (*out_is_row)
        keep_row(batch, record->corrupt_field, text, record->length);
    return bad->mode == BAD_ROWS_QUARANTINE
               ? put_aside(bad, path, offset, record->reason, text, record->length)
               : NULL;
}

/* An empty file of the hidden name says that the old one goes. */
BARKS_CHECKED static barks_status *mark_to_go(struct bad_rows *bad)
{
    uint64_t file_bytes = 0;
    if (access(bad->path_old, F_OK) != 0)
        return NULL;
    BARKS_TRY(file_writer_open(&bad->writer, bad->pool, bad->path));
    return file_writer_close(&bad->writer, false, &file_bytes);
}

barks_status *bad_rows_finish(struct bad_rows *bad)
{
    uint64_t file_bytes = 0;
    if (bad->mode != BAD_ROWS_QUARANTINE)
        return NULL;
    if (bad->count == 0)
        return mark_to_go(bad);
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
    free(bad->path_old);
    *bad = (struct bad_rows){0};
}
