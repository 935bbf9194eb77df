#include "io/csv_parse.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "io/digits.h"
#include "io/path_fields.h"
#include "io/record_window.h"
#include "io/value_parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* ---- which columns fill which fields ---- */

/* The field that a name stands for, but for the one that bad rows fill. */
static int32_t field_of(const struct csv_parser *parser, const barks_schema *schema,
                        const char *name)
{
    int32_t field = schema_find(schema, name);
    return field == parser->corrupt_field ? NO_FIELD : field;
}

BARKS_CHECKED static barks_status *reserve_columns(struct csv_parser *parser, uint32_t count,
                                                   const barks_schema *schema)
{
    free(parser->columns);
    free(parser->missing);
    parser->columns = calloc((size_t)count + 1, sizeof *parser->columns);
    parser->missing = calloc((size_t)schema->field_count + 1, sizeof *parser->missing);
    parser->column_count = parser->missing_count = 0;
    if (parser->columns == NULL || parser->missing == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read CSV");
    return NULL;
}

static enum csv_quick quick_of(barks_type_id type)
{
    return type == BARKS_I64    ? CSV_QUICK_I64
           : type == BARKS_I32  ? CSV_QUICK_I32
           : type == BARKS_F64  ? CSV_QUICK_F64
           : type == BARKS_BOOL ? CSV_QUICK_BOOL
           : type == BARKS_STR  ? CSV_QUICK_STR
                                : CSV_SLOW;
}

static void add_column(struct csv_parser *parser, const barks_schema *schema, int32_t field)
{
    struct csv_column *column = &parser->columns[parser->column_count++];
    *column = (struct csv_column){.field = field, .type = BARKS_STR, .nullable = true};
    if (field == NO_FIELD)
        return;
    column->type = schema->fields[field].type->id;
    column->nullable = schema->fields[field].nullable;
    if (parser->null_text_bytes == 0) /* "-1" may be null */
        column->quick = quick_of(column->type);
}

barks_status *csv_parser_init(struct csv_parser *parser, const struct source_options *options,
                              const struct csv_machine *machine, const struct record_window *window,
                              const barks_schema *schema)
{
    *parser = (struct csv_parser){
        .window = window,
        .options = options,
        .machine = machine,
        .corrupt_field = NO_FIELD,
        .separator = options->separator != 0 ? (uint8_t)options->separator : ',',
        .quote = options->quote != 0 ? (uint8_t)options->quote : '"',
        .escape = (uint8_t)options->escape,
        .null_text_bytes = options->null_text != NULL ? strlen(options->null_text) : 0,
    };
    if (options->bad_rows == BAD_ROWS_KEEP)
        parser->corrupt_field = schema_find(schema, BAD_ROWS_COLUMN);
    uint32_t count = options->names != NULL ? options->name_count : schema->field_count;
    BARKS_TRY(reserve_columns(parser, count, schema));
    for (uint32_t c = 0; c < count; c++)
        if (options->names != NULL)
            add_column(parser, schema, field_of(parser, schema, options->names[c]));
        else if ((int32_t)c != parser->corrupt_field) /* it is no column of the file */
            add_column(parser, schema, (int32_t)c);
    return NULL;
}

void csv_parser_drop(struct csv_parser *parser)
{
    free(parser->columns);
    free(parser->missing);
    *parser = (struct csv_parser){0};
}

BARKS_CHECKED static barks_status *check_field(const struct csv_parser *parser,
                                               const barks_schema *schema, const char *path,
                                               const struct csv_record *header, uint32_t c)
{
    int32_t field = parser->columns[c].field;
    if (field == NO_FIELD && parser->options->columns == CSV_BY_NAME_STRICT)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "column %" PRIu32 " of '%s' is '%s', and no field is: leave it out by .columns "
                   "= BARKS_COLUMNS_BY_NAME, or add a field",
                   c + 1, path, header->values[c]);
    for (uint32_t d = 0; d < c && field != NO_FIELD; d++)
        if (parser->columns[d].field == field)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "columns %" PRIu32 " and %" PRIu32 " of '%s' are both named '%s'", d + 1,
                       c + 1, path, schema->fields[field].name);
    return NULL;
}

barks_status *csv_parser_take_header(struct csv_parser *parser, const barks_schema *schema,
                                     const char *path, const struct csv_record *header)
{
    BARKS_TRY(reserve_columns(parser, header->count, schema));
    for (uint32_t c = 0; c < header->count; c++) {
        add_column(parser, schema, field_of(parser, schema, header->values[c]));
        BARKS_TRY(check_field(parser, schema, path, header, c));
    }
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_field *field = &schema->fields[i];
        bool is_there = (int32_t)i == parser->corrupt_field ||
                        (parser->options->partitioned && path_has_field(path, field->name));
        for (uint32_t c = 0; c < header->count && !is_there; c++)
            is_there = parser->columns[c].field == (int32_t)i;
        if (!is_there && !field->nullable)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "'%s' has no column '%s', and its field is not optional: make it optional "
                       "('%s?' in text), so that it is null there",
                       path, field->name, field->name);
        if (!is_there)
            parser->missing[parser->missing_count++] = i;
    }
    return NULL;
}

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

static enum parsed fault_at(struct csv_parser *parser, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum parsed fault_at(struct csv_parser *parser, uint32_t column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->fault.reason, sizeof parser->fault.reason, format, arguments);
    va_end(arguments);
    parser->fault.column = column;
    return PARSED_BAD;
}

/* An integer of up to 18 digits, with its end; *at unchanged where it is something else. */
static inline bool quick_integer(const uint8_t **at, int64_t *out)
{
    const uint8_t *p = *at + (**at == '-');
    uint64_t value = 0;
    size_t count = take_digits(&p, &value);
    if (count == 0 || count > 18)
        return false;
    *out = **at == '-' ? -(int64_t)value : (int64_t)value;
    *at = p;
    return true;
}

/* A decimal number that both fits 2^53 and has at most 22 places is one exact division away
 * (Clinger 1990). */
static inline bool quick_real(const uint8_t **at, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    const uint8_t *p = *at + (**at == '-');
    uint64_t value = 0;
    size_t count = take_digits(&p, &value), places = 0;
    if (*p == '.') {
        p++;
        places = take_digits(&p, &value);
        count += places;
    }
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

static inline bool quick_bool(const uint8_t **at, uint8_t *out)
{
    bool is_true = memcmp(*at, "true", 4) == 0;
    if (!is_true && memcmp(*at, "false", 5) != 0)
        return false;
    *out = is_true;
    *at += is_true ? 4 : 5;
    return true;
}

/* A text without quotes, of one byte or more: its end. */
static inline bool quick_text(const uint8_t **at, uint8_t separator, barks_str *out)
{
    const uint8_t *begin = *at, *end = find_end(begin, separator);
    if (end > begin && *end == '\n' && end[-1] == '\r')
        end--;
    if (end == begin)
        return false;
    *out = barks_str_of((const char *)begin, (size_t)(end - begin));
    *at = end;
    return true;
}

/* The common forms of values, in one pass, to *at. False: look at it more slowly. What is stored
 * counts only where the value ends there. */
static inline bool quick_value(const struct csv_parser *parser, const struct csv_column *column,
                               const struct batch *batch, const uint8_t **at)
{
    int64_t integer = 0;
    uint32_t row = batch->base.row_count;
    if (column->quick == CSV_SLOW)
        return false;
    void *values = batch->base.columns[column->field].values;
    switch (column->quick) {
    case CSV_QUICK_I64:
        return quick_integer(at, &((int64_t *)values)[row]);
    case CSV_QUICK_I32:
        if (!quick_integer(at, &integer) || integer < INT32_MIN || integer > INT32_MAX)
            return false;
        ((int32_t *)values)[row] = (int32_t)integer;
        return true;
    case CSV_QUICK_F64:
        return quick_real(at, &((double *)values)[row]);
    case CSV_QUICK_BOOL:
        return quick_bool(at, &((uint8_t *)values)[row]);
    case CSV_QUICK_STR:
        return (**at != parser->quote || parser->options->no_quotes) &&
               quick_text(at, parser->separator, &((barks_str *)values)[row]);
    case CSV_SLOW:
        break;
    }
    return false;
}

static enum parsed store_value(struct csv_parser *parser, struct batch *batch, uint32_t c,
                               const uint8_t *bytes, size_t length, bool is_null)
{
    const struct csv_column *column = &parser->columns[c];
    uint32_t row = batch->base.row_count;
    if (column->field == NO_FIELD)
        return PARSED_ROW;
    const barks_column *to = &batch->base.columns[column->field];
    const char *name = batch->base.schema->fields[column->field].name;
    if (is_null) {
        if (!column->nullable)
            return fault_at(parser, c, "column '%.60s' is empty, and its field is not optional",
                            name);
        put_null(to, row);
        return PARSED_ROW;
    }
    if (parse_value((const char *)bytes, length, to, row))
        return PARSED_ROW;
    return fault_at(parser, c, "column '%.60s' is '%.*s', which is no %s", name,
                    (int)(length < 40 ? length : 40), (const char *)bytes,
                    type_id_name(column->type));
}

/* The text between quotes without what doubled or escaped it. */
BARKS_CHECKED static barks_status *undouble(struct csv_parser *parser, struct batch *batch,
                                            const uint8_t *bytes, size_t length,
                                            const uint8_t **out_bytes, size_t *out_length)
{
    void *made = NULL;
    BARKS_TRY(batch_make_bytes(batch, length, &made));
    uint8_t *to = made;
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if ((bytes[i] == parser->quote || (parser->escape != 0 && bytes[i] == parser->escape)) &&
            i + 1 < length)
            i++;
        to[n++] = bytes[i];
    }
    *out_bytes = made;
    *out_length = n;
    return NULL;
}

/* From the byte after the opening quote to the closing one; NULL: it is not in the window. */
static const uint8_t *find_quote(const struct csv_parser *parser, const uint8_t *at,
                                 const uint8_t *end, bool *out_doubled)
{
    while (at < end) {
        const uint8_t *quote = at;
        if (parser->escape == 0) {
            quote = memchr(at, parser->quote, (size_t)(end - at));
        } else {
            while (quote < end && *quote != parser->quote && *quote != parser->escape)
                quote++;
        }
        if (quote == NULL || quote >= end)
            return NULL;
        bool escapes =
            parser->escape != 0 && *quote == parser->escape && parser->escape != parser->quote;
        if (!escapes && (quote + 1 >= end || quote[1] != parser->quote))
            return quote;
        *out_doubled = true;
        at = quote + 2;
    }
    return NULL;
}

/* A value in quotes that begins at *at. */
BARKS_CHECKED static barks_status *quoted_value(struct csv_parser *parser, struct batch *batch,
                                                uint32_t c, const uint8_t **at,
                                                enum parsed *out_parsed)
{
    const uint8_t *end = parser->window->block->bytes + parser->window->end;
    const uint8_t *begin = *at + 1;
    bool doubled = false;
    const uint8_t *close = find_quote(parser, begin, end, &doubled);
    if (close == NULL || close + 1 >= end) {
        *out_parsed = PARSED_INCOMPLETE;
        if (close == NULL && parser->window->at_end)
            *out_parsed = fault_at(parser, c, "a quote is not closed");
        if (close == NULL || !parser->window->at_end)
            return NULL;
    }
    *at = close + 1;
    if (!ends_value(*at, parser->separator)) {
        *out_parsed = fault_at(parser, c, "'%c' follows a closing quote",
                               **at >= ' ' && **at <= '~' ? **at : '?');
        return NULL;
    }
    const uint8_t *bytes = begin;
    size_t length = (size_t)(close - begin);
    if (doubled && parser->columns[c].field != NO_FIELD)
        BARKS_TRY(undouble(parser, batch, begin, length, &bytes, &length));
    *out_parsed = PARSED_ROW;
    if (parser->columns[c].field == NO_FIELD)
        return NULL;
    *out_parsed = store_value(parser, batch, c, bytes, length, false);
    return NULL;
}

/* A value without quotes that begins at *at. */
static inline enum parsed plain_value(struct csv_parser *parser, struct batch *batch, uint32_t c,
                                      const uint8_t **at)
{
    const uint8_t *begin = *at;
    const uint8_t *end = find_end(begin, parser->separator);
    size_t length = (size_t)(end - begin);
    if (*end == '\n' && length > 0 && end[-1] == '\r')
        length--;
    *at = begin + length;
    if (*end == '\n' && end == parser->window->block->bytes + parser->window->end &&
        !parser->window->at_end)
        return PARSED_INCOMPLETE; /* the window's own newline */
    bool is_null = length == 0 || (parser->null_text_bytes == length &&
                                   memcmp(begin, parser->options->null_text, length) == 0);
    return store_value(parser, batch, c, begin, length, is_null);
}

/* ---- records ---- */

/* Takes the end of a value that is at `at`; *out_last: it was the record's. */
static inline const uint8_t *pass_end(const uint8_t *at, bool *out_last)
{
    *out_last = *at == '\n' || *at == '\r';
    return at + 1 + (*at == '\r');
}

/* The end of the record at the window's beginning, whatever it holds; NULL: not in the window. */
const uint8_t *csv_record_end(const struct csv_parser *parser)
{
    const uint8_t *begin = parser->window->block->bytes + parser->window->begin;
    size_t size_bytes = parser->window->end - parser->window->begin;
    enum csv_state state = (enum csv_state)parser->machine->next[CSV_ROW][*begin];
    size_t used = 1 + csv_machine_find_row(parser->machine, &state, begin + 1, size_bytes - 1);
    return state == CSV_ROW || parser->window->at_end ? begin + used : NULL;
}

/* Column c is not there, of a row of `present` ones: null, where short rows are wished. */
static enum parsed fill_short(struct csv_parser *parser, struct batch *batch, uint32_t present,
                              uint32_t c)
{
    const struct csv_column *column = &parser->columns[c];
    if (parser->options->ragged == CSV_RAGGED_BAD)
        return fault_at(parser, c, "the row has %" PRIu32 " columns instead of %" PRIu32, present,
                        parser->column_count);
    if (column->field == NO_FIELD)
        return PARSED_ROW;
    if (!column->nullable)
        return fault_at(parser, c,
                        "the row has %" PRIu32 " columns, and the field '%.60s' is not optional",
                        present, batch->base.schema->fields[column->field].name);
    put_null(&batch->base.columns[column->field], batch->base.row_count);
    return PARSED_ROW;
}

/* More columns than there should be. */
static enum parsed pass_long(struct csv_parser *parser, const uint8_t **out_next)
{
    if (parser->options->ragged != CSV_RAGGED_ANY)
        return fault_at(parser, parser->column_count, "the row has more than %" PRIu32 " columns",
                        parser->column_count);
    *out_next = csv_record_end(parser);
    return *out_next != NULL ? PARSED_ROW : PARSED_INCOMPLETE;
}

barks_status *csv_parse_record(struct csv_parser *parser, struct batch *batch,
                               enum parsed *out_parsed, const uint8_t **out_next)
{
    const uint8_t *at = parser->window->block->bytes + parser->window->begin;
    const uint8_t *end = parser->window->block->bytes + parser->window->end;
    enum parsed parsed = PARSED_ROW;
    uint32_t present = 0; /* columns of a short row */
    bool last = false;
    for (uint32_t c = 0; c < parser->column_count; c++) {
        const struct csv_column *column = &parser->columns[c];
        if (last) {
            present = present == 0 ? c : present;
            *out_parsed = fill_short(parser, batch, present, c);
            if (*out_parsed != PARSED_ROW)
                return NULL;
            continue;
        }
        const uint8_t *quick = at;
        if (quick_value(parser, column, batch, &quick)) {
            if (*quick == parser->separator) { /* in the window, for what follows it is none */
                at = quick + 1;
                continue;
            }
            last = *quick == '\n' && quick < end;
            if (last) {
                at = quick + 1;
                continue;
            }
        }
        if (*at == parser->quote && !parser->options->no_quotes)
            BARKS_TRY(quoted_value(parser, batch, c, &at, &parsed));
        else
            parsed = plain_value(parser, batch, c, &at);
        if (parsed != PARSED_ROW) {
            *out_parsed = parsed;
            return NULL;
        }
        at = pass_end(at, &last);
        if (at > end && !parser->window->at_end) { /* what ended it was the window's newline */
            *out_parsed = PARSED_INCOMPLETE;
            return NULL;
        }
    }
    *out_next = at > end ? end : at;
    *out_parsed = PARSED_ROW;
    if (!last)
        *out_parsed = pass_long(parser, out_next);
    for (uint32_t i = 0; i < parser->missing_count; i++)
        put_null(&batch->base.columns[parser->missing[i]], batch->base.row_count);
    return NULL;
}
