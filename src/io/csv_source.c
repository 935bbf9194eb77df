#include "io/csv_source.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "io/bad_rows.h"
#include "io/byte_order_mark.h"
#include "io/csv_parse.h"
#include "io/record_window.h"
#include "io/value_parse.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX = 65536,
};

struct csv_source {
    struct source base;
    struct record_window window;
    struct csv_machine machine;
    struct csv_parser parser;
    const struct source_options *options;
    struct bad_rows *bad;
    bool in_rows;        /* of the open split the first record has been found */
    uint32_t skip_lines; /* of the open file, still to be skipped */
    bool header_is_next;
    enum csv_state state;    /* while the first record is looked for */
    uint8_t comment;         /* 0: none */
    const char *header_path; /* of the file that the parser's columns are from, by name */
    const char *path;        /* of the rows of the last batch */
    uint64_t *offsets;       /* owned, BATCH_ROWS: of these rows, in the text */
};

BARKS_CHECKED static barks_status *take_bad(struct csv_source *csv, struct batch *batch,
                                            enum parsed *out_parsed, const uint8_t **out_next)
{
    const uint8_t *begin = csv->window.block->bytes + csv->window.begin;
    const uint8_t *next = csv_record_end(&csv->parser);
    if (next == NULL) {
        *out_parsed = PARSED_INCOMPLETE;
        return NULL;
    }
    size_t length = (size_t)(next - begin);
    bool keep = false;
    if (length > 0 && begin[length - 1] == '\n')
        length--;
    if (length > 0 && begin[length - 1] == '\r')
        length--;
    char reason[200];
    snprintf(reason, sizeof reason, "column %" PRIu32 ": %s", csv->parser.fault.column + 1,
             csv->parser.fault.reason);
    struct bad_record record = {.window = &csv->window,
                                .length = length,
                                .reason = reason,
                                .corrupt_field = csv->parser.corrupt_field};
    BARKS_TRY(bad_rows_take(csv->bad, &record, batch, &keep));
    *out_next = next;
    *out_parsed = keep ? PARSED_BAD : PARSED_NOTHING;
    return NULL;
}

/* One record, comment or empty line. */
BARKS_CHECKED static barks_status *take_record(struct csv_source *csv, struct batch *batch,
                                               enum parsed *out_parsed, const uint8_t **out_next)
{
    const uint8_t *begin = csv->window.block->bytes + csv->window.begin;
    const uint8_t *end = csv->window.block->bytes + csv->window.end;
    const uint8_t *line = begin + (*begin == '\r');
    if (csv->comment != 0 && *begin == csv->comment) {
        const uint8_t *newline = memchr(begin, '\n', (size_t)(end - begin));
        *out_parsed = newline != NULL || csv->window.at_end ? PARSED_NOTHING : PARSED_INCOMPLETE;
        *out_next = newline != NULL ? newline + 1 : end;
        return NULL;
    }
    if (line < end && *line == '\n' &&
        (csv->parser.column_count > 1 || csv->parser.column_count == 0 ||
         !csv->parser.columns[0].nullable)) {
        *out_parsed = PARSED_NOTHING;
        *out_next = line + 1;
        return NULL;
    }
    BARKS_TRY(csv_parse_record(&csv->parser, batch, out_parsed, out_next));
    if (*out_parsed == PARSED_INCOMPLETE && batch->base.row_count < batch->capacity_rows)
        batch_forget_uncounted(batch); /* nulls of a row that is not there */
    if (*out_parsed == PARSED_BAD)
        return take_bad(csv, batch, out_parsed, out_next);
    if (*out_parsed == PARSED_ROW && csv->parser.corrupt_field != NO_FIELD)
        put_null(&batch->base.columns[csv->parser.corrupt_field], batch->base.row_count);
    return NULL;
}

/* ---- splits ---- */

BARKS_CHECKED static barks_status *begin_split(struct csv_source *csv)
{
    const struct split *split = &csv->window.splits[csv->window.next_split];
    bool first = split->begin == 0;
    BARKS_TRY(record_window_open_text(&csv->window, csv->options->multiline ? 0 : 1));
    csv->state = first ? CSV_ROW : CSV_PLAIN;
    if (!first && csv->options->multiline)
        csv->state = (enum csv_state)split->start_state;
    csv->in_rows = false;
    csv->skip_lines = first ? csv->options->skip : 0;
    csv->header_is_next = first && csv->options->header;
    csv->path = split->path;
    return NULL;
}

/* Steps over a byte-order mark and lines to be skipped. False: more has to be read. */
static bool pass_head(struct csv_source *csv)
{
    struct record_window *window = &csv->window;
    if (record_window_offset(window, window->begin) == 0) {
        const uint8_t *begin = window->block->bytes + window->begin;
        size_t left = window->end - window->begin;
        if (mark_may_begin(begin, left) && !window->at_end)
            return false;
        if (mark_begins(begin, left))
            window->begin += MARK_BYTES;
    }
    while (csv->skip_lines > 0) {
        const uint8_t *begin = window->block->bytes + window->begin;
        const uint8_t *newline = memchr(begin, '\n', window->end - window->begin);
        if (newline == NULL && !window->at_end)
            return false;
        window->begin =
            newline != NULL ? (size_t)(newline - window->block->bytes) + 1 : window->end;
        csv->skip_lines = newline != NULL ? csv->skip_lines - 1 : 0;
    }
    return true;
}

/* The header of the open file must be the one that the columns were taken from. */
BARKS_CHECKED static barks_status *check_header(const struct csv_source *csv)
{
    const struct source_options *options = csv->options;
    if (options->names == NULL || options->columns != CSV_SAME_COLUMNS)
        return NULL;
    struct csv_record header = {0};
    barks_status *status = csv_read_header(csv->window.pool, options, csv->window.split, &header);
    for (uint32_t i = 0; status == NULL && (i < header.count || i < options->name_count); i++) {
        const char *found = i < header.count ? header.values[i] : "nothing";
        const char *wanted = i < options->name_count ? options->names[i] : "nothing";
        if (i >= header.count || i >= options->name_count || strcmp(found, wanted) != 0)
            status = barks_status_new(
                BARKS_BAD_INPUT, NULL, BARKS_HERE,
                "column %" PRIu32 " of '%s' is %s, but in the first file it is %s: read files of "
                "other columns with .columns = BARKS_COLUMNS_BY_NAME",
                i + 1, csv->window.split->path, found, wanted);
    }
    csv_record_drop(&header);
    return status;
}

/* The columns of the open file, by its own header. */
BARKS_CHECKED static barks_status *take_columns(struct csv_source *csv)
{
    const struct split *split = csv->window.split;
    if (csv->options->columns == CSV_SAME_COLUMNS ||
        (csv->header_path != NULL && strcmp(csv->header_path, split->path) == 0))
        return NULL;
    struct csv_record header = {0};
    BARKS_TRY(csv_read_header(csv->window.pool, csv->options, split, &header));
    barks_status *status =
        csv_parser_take_header(&csv->parser, csv->base.schema, split->path, &header);
    csv_record_drop(&header);
    csv->header_path = status == NULL ? split->path : NULL;
    return status;
}

/* Goes on in a record of the split before. Where quotes hold no newlines, each newline ends one;
 * nobody then knows whether the split begins between quotes, so they say nothing here. */
static void pass_rest_of_record(struct csv_source *csv)
{
    struct record_window *window = &csv->window;
    const uint8_t *begin = window->block->bytes + window->begin;
    size_t left = window->end - window->begin;
    if (csv->options->multiline) {
        window->begin += csv_machine_find_row(&csv->machine, &csv->state, begin, left);
        return;
    }
    const uint8_t *newline = memchr(begin, '\n', left);
    window->begin += newline != NULL ? (size_t)(newline - begin) + 1 : left;
    csv->state = newline != NULL ? CSV_ROW : CSV_PLAIN;
}

/* Finds where the split's first record begins. */
BARKS_CHECKED static barks_status *find_rows(struct csv_source *csv)
{
    struct record_window *window = &csv->window;
    bool full = false;
    BARKS_TRY(record_window_more(window, false, &full)); /* and there is a block */
    while (!pass_head(csv))
        BARKS_TRY(record_window_more(window, false, &full));
    while (csv->state != CSV_ROW && !(window->at_end && window->begin == window->end)) {
        pass_rest_of_record(csv);
        if (csv->state != CSV_ROW && window->begin == window->end) {
            if (window->end_offset >= window->body_end)
                break;
            BARKS_TRY(record_window_more(window, false, &full));
        }
    }
    while (csv->header_is_next) {
        bool empty = window->begin == window->end;
        const uint8_t *next = empty ? NULL : csv_record_end(&csv->parser);
        if (next == NULL && !window->at_end) {
            BARKS_TRY(record_window_more(window, false, &full));
            continue;
        }
        if (next != NULL) {
            const uint8_t *begin = window->block->bytes + window->begin;
            bool is_comment = csv->comment != 0 && *begin == csv->comment;
            window->begin = (size_t)(next - window->block->bytes);
            if (is_comment || *begin == '\n' || (*begin == '\r' && begin[1] == '\n'))
                continue;
            BARKS_TRY(check_header(csv));
        }
        csv->header_is_next = false;
    }
    csv->in_rows = true;
    return NULL;
}

/* Rows out of the open split; *out_done: hand the batch out. */
BARKS_CHECKED static barks_status *fill_from_split(struct csv_source *csv, struct batch *batch,
                                                   bool *out_done)
{
    struct record_window *window = &csv->window;
    while (batch->base.row_count < BATCH_ROWS) {
        if (window->begin == window->end && !window->at_end &&
            window->end_offset < window->body_end) {
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
        enum parsed parsed = PARSED_NOTHING;
        const uint8_t *next = NULL;
        BARKS_TRY(take_record(csv, batch, &parsed, &next));
        if (parsed == PARSED_INCOMPLETE) {
            BARKS_TRY(record_window_more(window, batch->base.row_count > 0, out_done));
            if (*out_done)
                return NULL;
            continue;
        }
        if (parsed != PARSED_NOTHING)
            csv->offsets[batch->base.row_count++] = record_window_offset(window, window->begin);
        window->begin = (size_t)(next - window->block->bytes);
    }
    *out_done = true;
    return NULL;
}

BARKS_CHECKED static barks_status *fill(struct csv_source *csv, struct batch *batch)
{
    bool done = false;
    while (!done) {
        if (csv->window.split == NULL) {
            if (csv->window.next_split == csv->window.split_count)
                return NULL;
            BARKS_TRY(begin_split(csv));
            BARKS_TRY(take_columns(csv));
            BARKS_TRY(find_rows(csv));
        }
        BARKS_TRY(fill_from_split(csv, batch, &done));
    }
    return csv->window.block != NULL && batch->base.row_count > 0
               ? batch_keep_block(batch, csv->window.block)
               : NULL;
}

BARKS_CHECKED static barks_status *csv_next(struct source *source, struct batch *batch)
{
    struct csv_source *csv = (struct csv_source *)source; /* base comes first */
    assert(schema_equal(batch->base.schema, source->schema));
    batch_clear(batch);
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = fill(csv, batch);
    source->file_bytes = csv->window.file_bytes;
    if (status != NULL) {
        batch_forget_uncounted(batch);
        batch_truncate(batch, 0);
        return status;
    }
    source->row_count += batch->base.row_count;
    return NULL;
}

static void csv_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct csv_source *csv = (const struct csv_source *)source;
    *out_place = (struct source_place){.path = csv->path, .offset = csv->offsets[row]};
}

static void csv_close(struct source *source)
{
    struct csv_source *csv = (struct csv_source *)source;
    record_window_drop(&csv->window);
    csv_parser_drop(&csv->parser);
    free(csv->offsets);
    free(csv);
}

static const struct source_ops csv_ops = {.next = csv_next, .place = csv_place, .close = csv_close};

/* ---- opening ---- */

barks_status *csv_source_check(const struct source_options *options, const barks_schema *schema)
{
    if (options->name_count > COLUMNS_MAX || schema->field_count > COLUMNS_MAX)
        BARKS_FAIL(BARKS_INVALID, "CSV is read with at most %d columns", COLUMNS_MAX);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        barks_type_id id = schema->fields[i].type->id;
        if (id == BARKS_LIST || id == BARKS_STRUCT)
            BARKS_FAIL(BARKS_INVALID,
                       "field '%s' is a %s, which CSV cannot hold: read it as str, or read JSON",
                       schema->fields[i].name, type_id_name(id));
    }
    for (uint32_t i = 0; i < options->name_count; i++)
        for (uint32_t j = i + 1; j < options->name_count; j++)
            if (schema_find(schema, options->names[i]) >= 0 &&
                strcmp(options->names[i], options->names[j]) == 0)
                BARKS_FAIL(BARKS_INVALID, "columns %u and %u are both named '%s'", (unsigned)i + 1,
                           (unsigned)j + 1, options->names[i]);
    char separator = options->separator != 0 ? options->separator : ',';
    char quote = options->quote != 0 ? options->quote : '"';
    if (separator == '\n' || separator == '\r' || quote == '\n' || quote == '\r' ||
        options->escape == '\n' || options->comment == '\n' || separator == quote ||
        (options->escape != 0 && (options->escape == separator || options->escape == quote)))
        BARKS_FAIL(BARKS_INVALID, "separator, quote and escape must be three characters, none of "
                                  "them the end of a line (a doubled quote needs no escape)");
    return NULL;
}

barks_status *csv_source_open(struct pool *pool, const struct source_options *options,
                              const barks_schema *schema, const struct split *splits,
                              size_t split_count, struct bad_rows *bad, struct source **out_source)
{
    BARKS_TRY(csv_source_check(options, schema));
    struct csv_source *csv = calloc(1, sizeof *csv);
    if (csv == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read CSV");
    csv->base = (struct source){.ops = &csv_ops, .schema = schema};
    csv->options = options;
    csv->bad = bad;
    csv->comment = (uint8_t)options->comment;
    csv_machine_init(&csv->machine, options);
    csv->offsets = calloc(BATCH_ROWS, sizeof *csv->offsets);
    barks_status *status = record_window_init(&csv->window, pool, splits, split_count,
                                              options->chunk_bytes, options->record_bytes_max);
    if (status == NULL && csv->offsets == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to read CSV");
    if (status == NULL)
        status = csv_parser_init(&csv->parser, options, &csv->machine, &csv->window, schema);
    if (status != NULL) {
        csv_close(&csv->base);
        return status;
    }
    *out_source = &csv->base;
    return NULL;
}
