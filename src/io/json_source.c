#include "io/json_source.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "io/bad_rows.h"
#include "io/byte_order_mark.h"
#include "io/delimited.h"
#include "io/json_array.h"
#include "io/json_parse.h"
#include "io/path_fields.h"
#include "io/value_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct json_source {
    struct source base;
    struct delimited lines;
    struct json_array array;
    bool wants_array; /* every file has to be one */
    bool is_array;    /* the open file is one */
    bool is_known;    /* is_array is known */
    struct json_parser parser;
    struct bad_rows *bad;
    bool *is_filled; /* owned: fields that come from the path */
    const char *path;
    uint64_t *offsets; /* owned, BATCH_ROWS */
};

/* The line at the window's beginning, of length bytes; *out_row: it is a row now. */
BARKS_CHECKED static barks_status *take_line(struct json_source *json, struct batch *batch,
                                             size_t length, bool *out_row)
{
    const uint8_t *line = json->lines.window.block->bytes + json->lines.window.begin;
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
    struct bad_record record = {.window = &json->lines.window,
                                .length = text_bytes,
                                .reason = json->parser.reason,
                                .corrupt_field = json->parser.left_out};
    return bad_rows_take(json->bad, &record, batch, out_row);
}

BARKS_CHECKED static barks_status *begin_split(struct json_source *json)
{
    const struct split *split = &json->lines.window.splits[json->lines.window.next_split];
    BARKS_TRY(delimited_open(&json->lines));
    json->array = (struct json_array){0};
    json->is_array = json->wants_array;
    json->is_known = json->wants_array || split->begin > 0;
    json->path = split->path;
    return NULL;
}

/* Finds out whether the file that begins is an array; spaces before that are passed. */
BARKS_CHECKED static barks_status *look_at_head(struct json_source *json)
{
    struct record_window *window = &json->lines.window;
    const struct split *split = window->split;
    uint8_t first = 0;
    bool is_full = false;
    while (first == 0 && !window->at_end) {
        BARKS_TRY(record_window_more(window, false, &is_full));
        const uint8_t *begin = window->block->bytes + window->begin;
        size_t left = window->end - window->begin;
        if (!mark_may_begin(begin, left) || window->at_end)
            first = json_first_byte(begin, left);
    }
    json->is_array = first == '[';
    json->is_known = true;
    if (json->is_array && split->compression == COMPRESSION_NONE && split->end < split->file_bytes)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "'%s' is one array, which many spaces hide: read it with .array = true",
                   split->path);
    return NULL;
}

/* The next line, or the next value of an array, at the window's beginning. */
BARKS_CHECKED static barks_status *find_record(struct json_source *json, bool batch_uses_block,
                                               enum record_found *out_found, size_t *out_length)
{
    struct record_window *window = &json->lines.window;
    if (!json->is_known)
        BARKS_TRY(look_at_head(json));
    if (!json->is_array)
        return delimited_find(&json->lines, batch_uses_block, out_found, out_length);
    return json_array_find(&json->array, window, batch_uses_block, out_found, out_length);
}

/* Rows out of the open split; *out_done: hand the batch out. */
BARKS_CHECKED static barks_status *fill_from_split(struct json_source *json, struct batch *batch,
                                                   bool *out_done)
{
    struct record_window *window = &json->lines.window;
    enum record_found found = RECORD_FOUND;
    size_t length = 0;
    *out_done = true;
    while (batch->base.row_count < BATCH_ROWS) {
        bool is_row = false;
        BARKS_TRY(find_record(json, batch->base.row_count > 0, &found, &length));
        if (found != RECORD_FOUND) {
            *out_done = found == RECORD_FULL || batch->base.row_count > 0;
            return NULL;
        }
        BARKS_TRY(take_line(json, batch, length, &is_row));
        if (is_row)
            json->offsets[batch->base.row_count++] = record_window_offset(window, window->begin);
        if (json->is_array)
            window->begin += length;
        else
            delimited_pass(&json->lines, length);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fill(struct json_source *json, struct batch *batch)
{
    bool done = false;
    while (!done) {
        if (json->lines.window.split == NULL) {
            if (json->lines.window.next_split == json->lines.window.split_count)
                return NULL;
            BARKS_TRY(begin_split(json));
        }
        BARKS_TRY(fill_from_split(json, batch, &done));
    }
    return batch->base.row_count > 0 ? batch_keep_block(batch, json->lines.window.block) : NULL;
}

BARKS_CHECKED static barks_status *json_next(struct source *source, struct batch *batch)
{
    struct json_source *json = (struct json_source *)source; /* base comes first */
    batch_clear(batch);
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = fill(json, batch);
    source->file_bytes = json->lines.window.file_bytes;
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
    record_window_drop(&json->lines.window);
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
    json->lines.separator = (const uint8_t *)"\n";
    json->lines.separator_bytes = 1;
    json->wants_array = options->array;
    json->parser.strict = options->strict;
    json->parser.left_out = -1;
    json->parser.is_filled = json->is_filled;
    if (options->bad_rows == BAD_ROWS_KEEP)
        json->parser.left_out = schema_find(schema, BAD_ROWS_COLUMN);
    barks_status *status = record_window_init(&json->lines.window, pool, splits, split_count,
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
