#include "io/json_source.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "io/bad_rows.h"
#include "io/json_parse.h"
#include "io/path_fields.h"
#include "io/record_window.h"
#include "io/value_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_BYTES = 3 };

struct json_source {
    struct source base;
    struct record_window window;
    struct json_parser parser;
    struct bad_rows *bad;
    bool *is_filled; /* owned: fields that come from the path */
    bool in_rows;    /* of the open split the first line has been found */
    const char *path;
    uint64_t *offsets; /* owned, BATCH_ROWS */
};

/* All fields null where that is possible, and the text in BAD_ROWS_COLUMN. */
static void keep_bad_row(struct json_source *json, struct batch *batch, const uint8_t *line,
                         size_t length)
{
    const barks_schema *schema = batch->base.schema;
    uint32_t row = batch->base.row_count;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].nullable)
            put_null(&batch->base.columns[i], row);
        else
            put_zero(&batch->base.columns[i], row);
    }
    int32_t corrupt = json->parser.left_out;
    if (corrupt < 0)
        return;
    batch_forget_uncounted(batch); /* its validity bit; then the others again */
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].nullable && (int32_t)i != corrupt)
            put_null(&batch->base.columns[i], row);
    ((barks_str *)batch->base.columns[corrupt].values)[row] =
        barks_str_of((const char *)line, length);
}

/* The line at the window's beginning, of length bytes; *out_row: it is a row now. */
BARKS_CHECKED static barks_status *take_line(struct json_source *json, struct batch *batch,
                                             size_t length, bool *out_row)
{
    const uint8_t *line = json->window.block->bytes + json->window.begin;
    size_t text_bytes = length;
    size_t spaces = 0;
    if (text_bytes > 0 && line[text_bytes - 1] == '\r')
        text_bytes--;
    while (spaces < text_bytes && (line[spaces] == ' ' || line[spaces] == '\t'))
        spaces++;
    *out_row = false;
    if (spaces == text_bytes)
        return NULL;
    json->parser.at = line;
    json->parser.end = line + text_bytes;
    json->parser.batch = batch;
    bool good = false;
    BARKS_TRY(json_parse_row(&json->parser, &good));
    *out_row = good;
    if (good) {
        if (json->parser.left_out >= 0)
            put_null(&batch->base.columns[json->parser.left_out], batch->base.row_count);
        return NULL;
    }
    batch_forget_uncounted(batch);
    BARKS_TRY(bad_rows_take(json->bad, &json->window, json->parser.reason, text_bytes, out_row));
    if (*out_row)
        keep_bad_row(json, batch, line, text_bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *begin_split(struct json_source *json)
{
    const struct split *split = &json->window.splits[json->window.next_split];
    BARKS_TRY(record_window_open(&json->window, split->begin > 0 ? split->begin - 1 : 0));
    json->in_rows = split->begin == 0;
    json->path = split->path;
    return NULL;
}

/* Steps over a byte-order mark, or over the line of the split before. */
static void find_rows(struct json_source *json)
{
    struct record_window *window = &json->window;
    const uint8_t *begin = window->block->bytes + window->begin;
    const uint8_t *newline = NULL;
    if (!json->in_rows) {
        newline = memchr(begin, '\n', window->end - window->begin);
        window->begin =
            newline != NULL ? (size_t)(newline - window->block->bytes) + 1 : window->end;
        json->in_rows = newline != NULL;
    } else if (record_window_offset(window, window->begin) == 0 &&
               window->end - window->begin >= MARK_BYTES &&
               memcmp(begin, "\xef\xbb\xbf", MARK_BYTES) == 0) {
        window->begin += MARK_BYTES;
    }
}

/* Rows out of the open split; *out_done: hand the batch out. */
BARKS_CHECKED static barks_status *fill_from_split(struct json_source *json, struct batch *batch,
                                                   bool *out_done)
{
    struct record_window *window = &json->window;
    size_t searched = 0; /* of the line that comes next: no newline in there */
    while (batch->base.row_count < BATCH_ROWS) {
        const uint8_t *newline = NULL;
        if (window->begin < window->end) {
            find_rows(json);
            const uint8_t *begin = window->block->bytes + window->begin + searched;
            newline = memchr(begin, '\n', window->end - window->begin - searched);
        }
        if (newline == NULL && window->at_end && window->begin < window->end)
            newline = window->block->bytes + window->end; /* the last line ends with the file */
        if (newline == NULL) {
            if (window->at_end || record_window_offset(window, window->begin) >= window->body_end) {
                record_window_close(window);
                *out_done = batch->base.row_count > 0;
                return NULL;
            }
            searched = window->end - window->begin;
            BARKS_TRY(record_window_more(window, batch->base.row_count > 0, out_done));
            if (*out_done)
                return NULL;
            continue;
        }
        if (!record_window_has_record(window)) {
            record_window_close(window);
            *out_done = batch->base.row_count > 0;
            return NULL;
        }
        bool is_row = false;
        searched = 0;
        size_t length = (size_t)(newline - window->block->bytes) - window->begin;
        BARKS_TRY(take_line(json, batch, length, &is_row));
        if (is_row)
            json->offsets[batch->base.row_count++] = record_window_offset(window, window->begin);
        window->begin += length + 1;
        if (window->begin > window->end)
            window->begin = window->end;
    }
    *out_done = true;
    return NULL;
}

BARKS_CHECKED static barks_status *fill(struct json_source *json, struct batch *batch)
{
    bool done = false;
    while (!done) {
        if (json->window.split == NULL) {
            if (json->window.next_split == json->window.split_count)
                return NULL;
            BARKS_TRY(begin_split(json));
        }
        BARKS_TRY(fill_from_split(json, batch, &done));
    }
    return batch->base.row_count > 0 ? batch_keep_block(batch, json->window.block) : NULL;
}

BARKS_CHECKED static barks_status *json_next(struct source *source, struct batch *batch)
{
    struct json_source *json = (struct json_source *)source; /* base comes first */
    batch_clear(batch);
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = fill(json, batch);
    source->file_bytes = json->window.file_bytes;
    if (status != NULL) {
        batch_forget_uncounted(batch);
        batch_truncate(batch, 0);
        return status;
    }
    source->row_count += batch->base.row_count;
    return NULL;
}

static void json_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct json_source *json = (const struct json_source *)source;
    *out_place = (struct source_place){.path = json->path, .offset = json->offsets[row]};
}

static void json_close(struct source *source)
{
    struct json_source *json = (struct json_source *)source;
    record_window_drop(&json->window);
    free(json->is_filled);
    free(json->offsets);
    free(json);
}

static const struct source_ops json_ops = {
    .next = json_next, .place = json_place, .close = json_close};

barks_status *json_source_open(struct pool *pool, const struct source_options *options,
                               const barks_schema *schema, const struct split *splits,
                               size_t split_count, struct bad_rows *bad, struct source **out_source)
{
    struct json_source *json = calloc(1, sizeof *json);
    if (json == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read JSON");
    json->base = (struct source){.ops = &json_ops, .schema = schema};
    json->bad = bad;
    json->offsets = calloc(BATCH_ROWS, sizeof *json->offsets);
    json->is_filled = calloc((size_t)schema->field_count + 1, sizeof *json->is_filled);
    json->parser.strict = options->strict;
    json->parser.left_out = -1;
    json->parser.is_filled = json->is_filled;
    if (options->bad_rows == BAD_ROWS_KEEP)
        json->parser.left_out = schema_find(schema, BAD_ROWS_COLUMN);
    barks_status *status = record_window_init(&json->window, pool, splits, split_count,
                                              options->chunk_bytes, options->record_bytes_max);
    if (status == NULL && (json->offsets == NULL || json->is_filled == NULL))
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to read JSON");
    for (uint32_t i = 0;
         status == NULL && options->partitioned && split_count > 0 && i < schema->field_count; i++)
        json->is_filled[i] = path_has_field(splits[0].path, schema->fields[i].name);
    if (status != NULL) {
        json_close(&json->base);
        return status;
    }
    *out_source = &json->base;
    return NULL;
}
