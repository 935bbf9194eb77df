#include "io/csv_source.h"

#include "barks/str.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "io/bad_rows.h"
#include "io/record_window.h"
#include "io/value_parse.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    COLUMNS_MAX = 65536,
    MARK_BYTES = 3, /* of a byte-order mark */
    NO_FIELD = -1,
};

/* A column of the file, and the field that it fills. */
struct csv_column {
    int32_t field;
    barks_type_id type;
    bool nullable;
};

/* Why a record is no row. */
struct csv_fault {
    char reason[160];
    uint32_t column;
};

struct csv_source {
    struct source base;
    struct record_window window;
    struct csv_machine machine;
    const struct source_options *options;
    struct bad_rows *bad;
    struct csv_column *columns; /* owned */
    uint32_t column_count;
    int32_t corrupt_field; /* BAD_ROWS_COLUMN, or NO_FIELD */
    bool in_rows;          /* of the open split the first record has been found */
    uint32_t skip_lines;   /* of the open file, still to be skipped */
    bool header_is_next;
    enum csv_state state; /* while the first record is looked for */
    uint8_t separator, quote, escape, comment;
    size_t null_text_bytes;
    struct csv_fault fault;
    const char *path;  /* of the rows of the last batch */
    uint64_t *offsets; /* owned, BATCH_ROWS: of these rows, in the text */
};

enum parsed { PARSED_ROW, PARSED_INCOMPLETE, PARSED_BAD, PARSED_NOTHING };

/* ---- values ---- */

/* The separator or newline that ends a value without quotes; there is a newline at the window's
 * end. */
static inline const uint8_t *find_end(const uint8_t *at, uint8_t separator)
{
#if defined(__SSE2__)
    const __m128i separators = _mm_set1_epi8((char)separator);
    const __m128i newlines = _mm_set1_epi8('\n');
    for (;; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned found = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, separators), _mm_cmpeq_epi8(bytes, newlines)));
        if (found != 0)
            return at + __builtin_ctz(found);
    }
#else
    while (*at != separator && *at != '\n')
        at++;
    return at;
#endif
}

static enum parsed fault_at(struct csv_source *csv, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum parsed fault_at(struct csv_source *csv, uint32_t column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(csv->fault.reason, sizeof csv->fault.reason, format, arguments);
    va_end(arguments);
    csv->fault.column = column;
    return PARSED_BAD;
}

/* An integer of up to 18 digits, with its end; *at unchanged where it is something else. */
static inline bool quick_integer(const uint8_t **at, int64_t *out)
{
    const uint8_t *p = *at + (**at == '-');
    const uint8_t *digits = p;
    uint64_t value = 0;
    for (unsigned digit = 0; (digit = (unsigned)*p - '0') <= 9; p++)
        value = 10 * value + digit;
    if (p - digits > 18 || p == digits)
        return false;
    *out = **at == '-' ? -(int64_t)value : (int64_t)value;
    *at = p;
    return true;
}

/* A decimal number that both fits 2^53 and has at most 22 places is one exact division away
 * (Clinger 1990). */
static inline bool quick_real(const uint8_t **at, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const uint8_t *p = *at + (**at == '-');
    const uint8_t *digits = p;
    const uint8_t *point = NULL;
    uint64_t value = 0;
    for (;; p++) {
        unsigned digit = (unsigned)*p - '0';
        if (digit <= 9)
            value = 10 * value + digit;
        else if (*p == '.' && point == NULL)
            point = p;
        else
            break;
    }
    size_t count = (size_t)(p - digits) - (point != NULL);
    size_t places = point != NULL ? (size_t)(p - point) - 1 : 0;
    if (count == 0 || count > 18 || value >> 53 != 0)
        return false;
    double real = (double)value / powers[places];
    *out = **at == '-' ? -real : real;
    *at = p;
    return true;
}

/* Is at the end of a value? At \r too, where \n follows. */
static inline bool ends_value(const uint8_t *at, uint8_t separator)
{
    return *at == separator || *at == '\n' || (*at == '\r' && at[1] == '\n');
}

/* The common values of numbers, in one pass. False: look at it more slowly. */
static inline bool quick_value(const uint8_t **at, uint8_t separator, barks_type_id type,
                               const barks_column *column, uint32_t row)
{
    const uint8_t *p = *at;
    int64_t integer = 0;
    double real = 0;
    if (type == BARKS_I64 || type == BARKS_I32) {
        if (!quick_integer(&p, &integer) || !ends_value(p, separator))
            return false;
        if (type == BARKS_I64)
            ((int64_t *)column->values)[row] = integer;
        else if (integer >= INT32_MIN && integer <= INT32_MAX)
            ((int32_t *)column->values)[row] = (int32_t)integer;
        else
            return false;
    } else if (type == BARKS_F64) {
        if (!quick_real(&p, &real) || !ends_value(p, separator))
            return false;
        ((double *)column->values)[row] = real;
    } else {
        return false;
    }
    *at = p;
    return true;
}

static enum parsed store_value(struct csv_source *csv, struct batch *batch, uint32_t c,
                               const uint8_t *bytes, size_t length, bool is_null)
{
    const struct csv_column *column = &csv->columns[c];
    uint32_t row = batch->base.row_count;
    if (column->field == NO_FIELD)
        return PARSED_ROW;
    const barks_column *to = &batch->base.columns[column->field];
    const char *name = batch->base.schema->fields[column->field].name;
    if (is_null) {
        if (!column->nullable)
            return fault_at(csv, c, "column '%.60s' is empty, and its field is not optional", name);
        put_null(to, row);
        return PARSED_ROW;
    }
    if (parse_value((const char *)bytes, length, to, row))
        return PARSED_ROW;
    return fault_at(csv, c, "column '%.60s' is '%.*s', which is no %s", name,
                    (int)(length < 40 ? length : 40), (const char *)bytes,
                    type_id_name(column->type));
}

/* The text between quotes without what doubled or escaped it. */
BARKS_CHECKED static barks_status *undouble(struct csv_source *csv, struct batch *batch,
                                            const uint8_t *bytes, size_t length,
                                            const uint8_t **out_bytes, size_t *out_length)
{
    void *made = NULL;
    BARKS_TRY(batch_make_bytes(batch, length, &made));
    uint8_t *to = made;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if ((bytes[i] == csv->quote || (csv->escape != 0 && bytes[i] == csv->escape)) &&
            i + 1 < length)
            i++;
        to[n++] = bytes[i];
    }
    *out_bytes = made;
    *out_length = n;
    return NULL;
}

/* From the byte after the opening quote to the closing one; NULL: it is not in the window. */
static const uint8_t *find_quote(const struct csv_source *csv, const uint8_t *at,
                                 const uint8_t *end, bool *out_doubled)
{
    while (at < end) {
        const uint8_t *quote = at;
        if (csv->escape == 0) {
            quote = memchr(at, csv->quote, (size_t)(end - at));
        } else {
            while (quote < end && *quote != csv->quote && *quote != csv->escape)
                quote++;
        }
        if (quote == NULL || quote >= end)
            return NULL;
        bool escapes = csv->escape != 0 && *quote == csv->escape && csv->escape != csv->quote;
        if (!escapes && (quote + 1 >= end || quote[1] != csv->quote))
            return quote;
        *out_doubled = true;
        at = quote + 2;
    }
    return NULL;
}

/* A value in quotes that begins at *at. */
BARKS_CHECKED static barks_status *quoted_value(struct csv_source *csv, struct batch *batch,
                                                uint32_t c, const uint8_t **at,
                                                enum parsed *out_parsed)
{
    const uint8_t *end = csv->window.block->bytes + csv->window.end;
    const uint8_t *begin = *at + 1;
    bool doubled = false;
    const uint8_t *close = find_quote(csv, begin, end, &doubled);
    if (close == NULL || close + 1 >= end) {
        *out_parsed = PARSED_INCOMPLETE;
        if (close == NULL && csv->window.at_end)
            *out_parsed = fault_at(csv, c, "a quote is not closed");
        if (close == NULL || !csv->window.at_end)
            return NULL;
    }
    *at = close + 1;
    if (!ends_value(*at, csv->separator)) {
        *out_parsed = fault_at(csv, c, "'%c' follows a closing quote",
                               **at >= ' ' && **at <= '~' ? **at : '?');
        return NULL;
    }
    const uint8_t *bytes = begin;
    size_t length = (size_t)(close - begin);
    if (doubled && csv->columns[c].field != NO_FIELD)
        BARKS_TRY(undouble(csv, batch, begin, length, &bytes, &length));
    *out_parsed = PARSED_ROW;
    if (csv->columns[c].field == NO_FIELD)
        return NULL;
    *out_parsed = store_value(csv, batch, c, bytes, length, false);
    return NULL;
}

/* A value without quotes that begins at *at. */
static inline enum parsed plain_value(struct csv_source *csv, struct batch *batch, uint32_t c,
                                      const uint8_t **at)
{
    const uint8_t *begin = *at;
    const uint8_t *end = find_end(begin, csv->separator);
    size_t length = (size_t)(end - begin);
    if (*end == '\n' && length > 0 && end[-1] == '\r')
        length--;
    *at = begin + length;
    if (*end == '\n' && end == csv->window.block->bytes + csv->window.end && !csv->window.at_end)
        return PARSED_INCOMPLETE; /* the window's own newline */
    const struct csv_column *column = &csv->columns[c];
    if (column->type == BARKS_STR && length > 0 && csv->null_text_bytes == 0 &&
        column->field != NO_FIELD) {
        ((barks_str *)batch->base.columns[column->field].values)[batch->base.row_count] =
            barks_str_of((const char *)begin, length);
        return PARSED_ROW;
    }
    bool is_null = length == 0 || (csv->null_text_bytes == length &&
                                   memcmp(begin, csv->options->null_text, length) == 0);
    return store_value(csv, batch, c, begin, length, is_null);
}

/* ---- records ---- */

/* Takes the end of a value that is at `at`; *out_last: it was the record's. */
static inline const uint8_t *pass_end(const uint8_t *at, bool *out_last)
{
    *out_last = *at == '\n' || *at == '\r';
    return at + 1 + (*at == '\r');
}

/* Parses the record at the window's beginning into the batch's next row; *out_next is behind it. */
BARKS_CHECKED static barks_status *parse_record(struct csv_source *csv, struct batch *batch,
                                                enum parsed *out_parsed, const uint8_t **out_next)
{
    const uint8_t *at = csv->window.block->bytes + csv->window.begin;
    const uint8_t *end = csv->window.block->bytes + csv->window.end;
    enum parsed parsed = PARSED_ROW;
    bool last = false;
    for (uint32_t c = 0; c < csv->column_count; c++) {
        const struct csv_column *column = &csv->columns[c];
        if (last) {
            *out_parsed = fault_at(csv, c, "the row has %" PRIu32 " columns instead of %" PRIu32, c,
                                   csv->column_count);
            return NULL;
        }
        if (column->field == NO_FIELD || csv->null_text_bytes > 0 || /* "-1" may be null */
            !quick_value(&at, csv->separator, column->type, &batch->base.columns[column->field],
                         batch->base.row_count)) {
            if (*at == csv->quote && !csv->options->no_quotes)
                BARKS_TRY(quoted_value(csv, batch, c, &at, &parsed));
            else
                parsed = plain_value(csv, batch, c, &at);
            if (parsed != PARSED_ROW) {
                *out_parsed = parsed;
                return NULL;
            }
        }
        at = pass_end(at, &last);
        if (at > end && !csv->window.at_end) { /* what ended it was the window's newline */
            *out_parsed = PARSED_INCOMPLETE;
            return NULL;
        }
    }
    *out_next = at > end ? end : at;
    *out_parsed = PARSED_ROW;
    if (!last)
        *out_parsed = fault_at(csv, csv->column_count, "the row has more than %" PRIu32 " columns",
                               csv->column_count);
    return NULL;
}

/* The end of the record at the window's beginning, whatever it holds; NULL: not in the window. */
static const uint8_t *skip_record(const struct csv_source *csv)
{
    const uint8_t *begin = csv->window.block->bytes + csv->window.begin;
    size_t size_bytes = csv->window.end - csv->window.begin;
    enum csv_state state = (enum csv_state)csv->machine.next[CSV_ROW][*begin];
    size_t used = 1 + csv_machine_find_row(&csv->machine, &state, begin + 1, size_bytes - 1);
    return state == CSV_ROW || csv->window.at_end ? begin + used : NULL;
}

/* All fields of the batch's next row null, where that is possible, and the text in BAD_ROWS_COLUMN:
 * then what can be read of it. */
static void keep_bad_row(struct csv_source *csv, struct batch *batch, const uint8_t *begin,
                         size_t length)
{
    const barks_schema *schema = batch->base.schema;
    uint32_t row = batch->base.row_count;
    batch_forget_uncounted(batch);
    for (uint32_t c = 0; c < csv->column_count; c++) {
        int32_t field = csv->columns[c].field;
        if (field != NO_FIELD && schema->fields[field].nullable)
            put_null(&batch->base.columns[field], row);
        else if (field != NO_FIELD)
            put_zero(&batch->base.columns[field], row);
    }
    if (csv->corrupt_field != NO_FIELD)
        ((barks_str *)batch->base.columns[csv->corrupt_field].values)[row] =
            barks_str_of((const char *)begin, length);
}

BARKS_CHECKED static barks_status *take_bad(struct csv_source *csv, struct batch *batch,
                                            enum parsed *out_parsed, const uint8_t **out_next)
{
    const uint8_t *begin = csv->window.block->bytes + csv->window.begin;
    const uint8_t *next = skip_record(csv);
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
    snprintf(reason, sizeof reason, "column %" PRIu32 ": %s", csv->fault.column + 1,
             csv->fault.reason);
    BARKS_TRY(bad_rows_take(csv->bad, &csv->window, reason, length, &keep));
    *out_next = next;
    *out_parsed = keep ? PARSED_BAD : PARSED_NOTHING;
    if (keep)
        keep_bad_row(csv, batch, begin, length);
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
        (csv->column_count > 1 || csv->column_count == 0 || !csv->columns[0].nullable)) {
        *out_parsed = PARSED_NOTHING;
        *out_next = line + 1;
        return NULL;
    }
    BARKS_TRY(parse_record(csv, batch, out_parsed, out_next));
    if (*out_parsed != PARSED_ROW && batch->base.row_count < batch->capacity_rows)
        batch_forget_uncounted(batch); /* nulls of a row that is not there */
    if (*out_parsed == PARSED_BAD)
        return take_bad(csv, batch, out_parsed, out_next);
    if (*out_parsed == PARSED_ROW && csv->corrupt_field != NO_FIELD)
        put_null(&batch->base.columns[csv->corrupt_field], batch->base.row_count);
    return NULL;
}

/* ---- splits ---- */

BARKS_CHECKED static barks_status *begin_split(struct csv_source *csv)
{
    const struct split *split = &csv->window.splits[csv->window.next_split];
    bool first = split->begin == 0;
    uint64_t from = split->begin - (first || csv->options->multiline ? 0 : 1);
    BARKS_TRY(record_window_open(&csv->window, from));
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
        if (window->end < MARK_BYTES && !window->at_end)
            return false;
        if (window->end - window->begin >= MARK_BYTES &&
            memcmp(window->block->bytes + window->begin, "\xef\xbb\xbf", MARK_BYTES) == 0)
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

/* The header must be the one that the columns were taken from. */
BARKS_CHECKED static barks_status *check_header(const struct csv_source *csv, const uint8_t *next)
{
    const struct source_options *options = csv->options;
    if (options->names == NULL)
        return NULL;
    struct csv_record header = {0};
    barks_status *status = csv_read_first(csv->window.pool, options, csv->window.split, &header);
    (void)next;
    for (uint32_t i = 0; status == NULL && (i < header.count || i < options->name_count); i++) {
        const char *found = i < header.count ? header.values[i] : "nothing";
        const char *wanted = i < options->name_count ? options->names[i] : "nothing";
        if (i >= header.count || i >= options->name_count || strcmp(found, wanted) != 0)
            status = barks_status_new(
                BARKS_BAD_INPUT, NULL, BARKS_HERE,
                "column %" PRIu32 " of '%s' is %s, but in the first file it is %s: read files of "
                "other columns apart, and unite them by barks_union",
                i + 1, csv->window.split->path, found, wanted);
    }
    csv_record_drop(&header);
    return status;
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
        window->begin +=
            csv_machine_find_row(&csv->machine, &csv->state, window->block->bytes + window->begin,
                                 window->end - window->begin);
        if (csv->state != CSV_ROW && window->begin == window->end) {
            if (window->end_offset >= window->body_end)
                break;
            BARKS_TRY(record_window_more(window, false, &full));
        }
    }
    while (csv->header_is_next) {
        bool empty = window->begin == window->end;
        const uint8_t *next = empty ? NULL : skip_record(csv);
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
            BARKS_TRY(check_header(csv, next));
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
    free(csv->columns);
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

BARKS_CHECKED static barks_status *map_columns(struct csv_source *csv, const barks_schema *schema)
{
    const struct source_options *options = csv->options;
    uint32_t field_count = 0;
    csv->corrupt_field = NO_FIELD;
    if (options->bad_rows == BAD_ROWS_KEEP)
        csv->corrupt_field = schema_find(schema, BAD_ROWS_COLUMN);
    uint32_t count = options->names != NULL ? options->name_count : schema->field_count;
    csv->columns = calloc((size_t)count + 1, sizeof *csv->columns);
    if (csv->columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read CSV");
    for (uint32_t c = 0; c < count; c++) {
        int32_t field = (int32_t)c;
        if (options->names != NULL)
            field = schema_find(schema, options->names[c]);
        if (field == csv->corrupt_field && field != NO_FIELD) {
            if (options->names == NULL)
                continue; /* it is no column of the file */
            field = NO_FIELD;
        }
        csv->columns[field_count++] = (struct csv_column){
            .field = field,
            .type = field != NO_FIELD ? schema->fields[field].type->id : BARKS_STR,
            .nullable = field == NO_FIELD || schema->fields[field].nullable,
        };
    }
    csv->column_count = field_count;
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
    csv->separator = options->separator != 0 ? (uint8_t)options->separator : ',';
    csv->quote = options->quote != 0 ? (uint8_t)options->quote : '"';
    csv->escape = (uint8_t)options->escape;
    csv->comment = (uint8_t)options->comment;
    csv->null_text_bytes = options->null_text != NULL ? strlen(options->null_text) : 0;
    csv_machine_init(&csv->machine, options);
    csv->offsets = calloc(BATCH_ROWS, sizeof *csv->offsets);
    barks_status *status = record_window_init(&csv->window, pool, splits, split_count,
                                              options->chunk_bytes, options->record_bytes_max);
    if (status == NULL && csv->offsets == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to read CSV");
    if (status == NULL)
        status = map_columns(csv, schema);
    if (status != NULL) {
        csv_close(&csv->base);
        return status;
    }
    *out_source = &csv->base;
    return NULL;
}
