#include "io/json_parse.h"

#include "barks/str.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "io/value_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SEEN_WORDS = SCHEMA_FIELDS_MAX / 64 };

BARKS_CHECKED static barks_status *parse_any(struct json_parser *parser, barks_column *column,
                                             bool nullable, uint32_t row, unsigned depth,
                                             const char *name);

static bool is_good(const struct json_parser *parser) { return parser->reason[0] == '\0'; }

static void fault(struct json_parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fault(struct json_parser *parser, const char *format, ...)
{
    va_list arguments;
    if (!is_good(parser))
        return; /* the first one is the cause */
    va_start(arguments, format);
    vsnprintf(parser->reason, sizeof parser->reason, format, arguments);
    va_end(arguments);
}

static uint8_t next_byte(struct json_parser *parser)
{
    while (parser->at < parser->end && (*parser->at == ' ' || *parser->at == '\t' ||
                                        *parser->at == '\r' || *parser->at == '\n'))
        parser->at++;
    return parser->at < parser->end ? *parser->at : 0;
}

static bool take(struct json_parser *parser, uint8_t byte)
{
    if (next_byte(parser) != byte || parser->at == parser->end)
        return false;
    parser->at++;
    return true;
}

static bool take_word(struct json_parser *parser, const char *word)
{
    size_t length = strlen(word);
    (void)next_byte(parser);
    if ((size_t)(parser->end - parser->at) < length || memcmp(parser->at, word, length) != 0)
        return false;
    parser->at += length;
    return true;
}

/* ---- strings ---- */

/* A string's bytes between its quotes; *out_escaped: not as they stand. */
static bool take_raw_string(struct json_parser *parser, const uint8_t **out_bytes,
                            size_t *out_length, bool *out_escaped)
{
    *out_escaped = false;
    if (!take(parser, '"'))
        return false;
    const uint8_t *begin = parser->at;
    while (parser->at < parser->end && *parser->at != '"') {
        if (*parser->at < 0x20) {
            fault(parser, "a string holds the control character %u unescaped", *parser->at);
            return false;
        }
        if (*parser->at == '\\') {
            *out_escaped = true;
            parser->at++;
        }
        parser->at++;
    }
    if (parser->at >= parser->end) {
        parser->at = parser->end;
        fault(parser, "a string is not closed");
        return false;
    }
    *out_bytes = begin;
    *out_length = (size_t)(parser->at - begin);
    parser->at++;
    return true;
}

static int32_t hex4(const uint8_t *at, const uint8_t *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i] | 0x20;
        int32_t digit = at[i] >= '0' && at[i] <= '9' ? at[i] - '0'
                        : c >= 'a' && c <= 'f'       ? c - 'a' + 10
                                                     : -1;
        if (digit < 0)
            return -1;
        value = 16 * value + digit;
    }
    return value;
}

static size_t put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 63));
        out[2] = (uint8_t)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 63));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 63));
    out[3] = (uint8_t)(0x80 | (code & 63));
    return 4;
}

/* What follows "\u" at *at: one character, of two escapes where they are a pair of surrogates; half
 * a pair is U+FFFD. False: no hexadecimal digits. */
static bool unescape_unicode(const uint8_t **at, const uint8_t *end, uint32_t *out_code)
{
    int32_t code = hex4(*at, end);
    if (code < 0)
        return false;
    *at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        int32_t low = hex4(*at + 2, end);
        if (low >= 0xdc00 && low < 0xe000) {
            *at += 6;
            *out_code = 0x10000 + (((uint32_t)code - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
            return true;
        }
    }
    *out_code = code >= 0xd800 && code < 0xe000 ? 0xfffd : (uint32_t)code;
    return true;
}

/* Writes what the escaped bytes stand for, which is never longer. False: an unknown escape. */
static bool unescape(const uint8_t *bytes, size_t length, uint8_t *out, size_t *out_length)
{
    static const char names[] = "\"\\/bfnrt";
    static const char letters[] = "\"\\/\b\f\n\r\t";
    const uint8_t *end = bytes + length;
    size_t n = 0;
    while (bytes < end) {
        if (*bytes != '\\') {
            out[n++] = *bytes++;
            continue;
        }
        if (++bytes == end)
            return false;
        uint8_t name = *bytes++;
        const char *known = name != 0 ? strchr(names, name) : NULL;
        uint32_t code = 0;
        if (known != NULL)
            out[n++] = (uint8_t)letters[known - names];
        else if (name == 'u' && unescape_unicode(&bytes, end, &code))
            n += put_utf8(out + n, code);
        else
            return false;
    }
    *out_length = n;
    return true;
}

BARKS_CHECKED static barks_status *parse_string(struct json_parser *parser, barks_str *out,
                                                const char *name)
{
    const uint8_t *bytes = NULL;
    size_t length = 0;
    bool escaped = false;
    if (!take_raw_string(parser, &bytes, &length, &escaped)) {
        fault(parser, "'%.60s' is no string", name);
        return NULL;
    }
    if (escaped) {
        void *made = NULL;
        BARKS_TRY(batch_make_bytes(parser->batch, length, &made));
        if (!unescape(bytes, length, made, &length))
            fault(parser, "'%.60s' holds an escape that JSON does not have", name);
        bytes = made;
    }
    *out = barks_str_of((const char *)bytes, length);
    return NULL;
}

/* ---- values that no field takes ---- */

static void skip_number(struct json_parser *parser)
{
    const uint8_t *begin = parser->at;
    while (parser->at < parser->end && memchr("0123456789+-.eE", *parser->at, 15) != NULL)
        parser->at++;
    if (parser->at == begin)
        fault(parser, "'%.10s' is no value of JSON",
              parser->at < parser->end ? (const char[]){(char)*parser->at, 0} : "");
}

static void skip_value(struct json_parser *parser, unsigned depth)
{
    const uint8_t *bytes = NULL;
    size_t length = 0;
    bool escaped = false;
    uint8_t first = next_byte(parser);
    if (depth >= JSON_DEPTH_MAX) {
        fault(parser, "it nests deeper than %d", JSON_DEPTH_MAX);
        return;
    }
    if (first == '"') {
        (void)take_raw_string(parser, &bytes, &length, &escaped);
        return;
    }
    if (first != '{' && first != '[') {
        if (!take_word(parser, "true") && !take_word(parser, "false") && !take_word(parser, "null"))
            skip_number(parser);
        return;
    }
    uint8_t last = first == '{' ? '}' : ']';
    parser->at++;
    if (take(parser, last))
        return;
    do {
        if (first == '{' &&
            (!take_raw_string(parser, &bytes, &length, &escaped) || !take(parser, ':')))
            fault(parser, "a key and ':' are missing in an object");
        skip_value(parser, depth + 1);
    } while (is_good(parser) && take(parser, ','));
    if (is_good(parser) && !take(parser, last))
        fault(parser, "a '%c' is missing", last);
}

/* ---- values ---- */

static bool is_number_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' ||
           byte == 'e' || byte == 'E';
}

BARKS_CHECKED static barks_status *parse_number(struct json_parser *parser, barks_column *column,
                                                uint32_t row, const char *name)
{
    barks_type_id id = column->type->id;
    bool is_real = id == BARKS_F32 || id == BARKS_F64;
    barks_str text = barks_str_of("", 0);
    uint8_t first = next_byte(parser);
    if (first == '"' && is_real) { /* what numbers of JSON cannot say */
        BARKS_TRY(parse_string(parser, &text, name));
        bool is_word = !barks_str_is_inline(text) || text.length < 3 ||
                       memchr("nNiI-", barks_str_bytes(&text)[0], 5) == NULL;
        if (is_word)
            fault(parser, "'%.60s' is a string, and no %s", name, type_id_name(id));
    } else {
        const uint8_t *begin = parser->at;
        while (parser->at < parser->end && is_number_byte(*parser->at))
            parser->at++;
        text = barks_str_of((const char *)begin, (size_t)(parser->at - begin));
    }
    if (!is_good(parser))
        return NULL;
    bool is_number = text.length > 0;
    if (!is_number) /* show what is there */
        text = barks_str_of((const char *)parser->at, (size_t)(parser->end - parser->at));
    if (!is_number || first == '+' ||
        !parse_value(barks_str_bytes(&text), text.length, column, row))
        fault(parser, "'%.60s' is '%.*s', which is no %s", name,
              (int)(text.length < 30 ? text.length : 30), barks_str_bytes(&text), type_id_name(id));
    return NULL;
}

BARKS_CHECKED static barks_status *parse_list(struct json_parser *parser, barks_column *column,
                                              uint32_t row, unsigned depth, const char *name)
{
    barks_list_slice slice = {.offset = column->item_count};
    if (!take(parser, '[')) {
        fault(parser, "'%.60s' is no array", name);
        return NULL;
    }
    bool more = !take(parser, ']');
    while (more && is_good(parser)) {
        BARKS_TRY(column_reserve_items(parser->batch, column, 1));
        BARKS_TRY(
            parse_any(parser, &column->children[0], false, column->item_count, depth + 1, name));
        column->item_count++;
        slice.length++;
        more = take(parser, ',');
        if (!more && is_good(parser) && !take(parser, ']'))
            fault(parser, "a ']' is missing in '%.60s'", name);
    }
    ((barks_list_slice *)column->values)[row] = slice;
    return NULL;
}

/* The field of a key that is at `at`; *out_field -1: none. */
BARKS_CHECKED static barks_status *take_key(struct json_parser *parser, const barks_schema *schema,
                                            uint32_t expected, int32_t *out_field)
{
    const uint8_t *bytes = NULL;
    size_t length = 0;
    bool escaped = false;
    *out_field = -1;
    if (!take_raw_string(parser, &bytes, &length, &escaped)) {
        fault(parser, "a key is missing");
        return NULL;
    }
    if (escaped) {
        void *made = NULL;
        BARKS_TRY(batch_make_bytes(parser->batch, length, &made));
        if (!unescape(bytes, length, made, &length))
            fault(parser, "a key holds an escape that JSON does not have");
        bytes = made;
    }
    for (uint32_t i = 0; i < schema->field_count; i++) { /* most often it is the first look */
        uint32_t field = (expected + i) % schema->field_count;
        const char *name = schema->fields[field].name;
        if (strnlen(name, length + 1) == length && memcmp(name, bytes, length) == 0) {
            *out_field = (int32_t)field;
            break;
        }
    }
    if (*out_field < 0 && parser->strict)
        fault(parser, "no field has the key '%.*s'", (int)(length < 60 ? length : 60),
              (const char *)bytes);
    if (is_good(parser) && !take(parser, ':'))
        fault(parser, "a ':' is missing after a key");
    return NULL;
}

/* Fields that no key has named. */
static void fill_missing(struct json_parser *parser, barks_column *columns,
                         const barks_schema *schema, uint32_t row, const uint64_t *seen,
                         unsigned depth)
{
    for (uint32_t i = 0; i < schema->field_count && is_good(parser); i++) {
        if ((seen[i / 64] >> (i % 64) & 1) != 0)
            continue;
        bool is_left = depth == 0 && ((int32_t)i == parser->left_out ||
                                      (parser->is_filled != NULL && parser->is_filled[i]));
        if (is_left)
            continue;
        if (schema->fields[i].nullable)
            put_null(&columns[i], row);
        else
            fault(parser, "the key '%.60s' is missing, and its field is not optional",
                  schema->fields[i].name);
    }
}

BARKS_CHECKED static barks_status *parse_object(struct json_parser *parser, barks_column *columns,
                                                const barks_schema *schema, uint32_t row,
                                                unsigned depth, const char *name)
{
    uint64_t seen[SEEN_WORDS] = {0};
    uint32_t expected = 0;
    if (!take(parser, '{')) {
        fault(parser, "'%.60s' is no object", name);
        return NULL;
    }
    bool more = !take(parser, '}');
    while (more && is_good(parser)) {
        int32_t field = -1;
        BARKS_TRY(take_key(parser, schema, expected, &field));
        bool is_left =
            depth == 0 && field >= 0 &&
            (field == parser->left_out || (parser->is_filled != NULL && parser->is_filled[field]));
        if (!is_good(parser)) {
            break;
        } else if (field < 0 || is_left) {
            skip_value(parser, depth + 1);
        } else if ((seen[field / 64] >> (field % 64) & 1) != 0) {
            fault(parser, "the key '%.60s' comes twice", schema->fields[field].name);
        } else {
            seen[field / 64] |= UINT64_C(1) << (field % 64);
            expected = (uint32_t)field + 1;
            BARKS_TRY(parse_any(parser, &columns[field], schema->fields[field].nullable, row,
                                depth + 1, schema->fields[field].name));
        }
        more = is_good(parser) && take(parser, ',');
        if (!more && is_good(parser) && !take(parser, '}'))
            fault(parser, "a ',' or '}' is missing");
    }
    if (is_good(parser))
        fill_missing(parser, columns, schema, row, seen, depth);
    return NULL;
}

BARKS_CHECKED static barks_status *parse_any(struct json_parser *parser, barks_column *column,
                                             bool nullable, uint32_t row, unsigned depth,
                                             const char *name)
{
    if (depth > JSON_DEPTH_MAX) {
        fault(parser, "it nests deeper than %d", JSON_DEPTH_MAX);
        return NULL;
    }
    if (take_word(parser, "null")) {
        if (nullable)
            put_null(column, row);
        else
            fault(parser, "'%.60s' is null, and %s", name, "its field is not optional");
        return NULL;
    }
    switch (column->type->id) {
    case BARKS_BOOL: {
        bool is_true = take_word(parser, "true");
        if (!is_true && !take_word(parser, "false"))
            fault(parser, "'%.60s' is no bool", name);
        ((uint8_t *)column->values)[row] = is_true;
        return NULL;
    }
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return parse_number(parser, column, row, name);
    case BARKS_STR:
    case BARKS_BYTES:
        return parse_string(parser, (barks_str *)column->values + row, name);
    case BARKS_LIST:
        return parse_list(parser, column, row, depth, name);
    case BARKS_STRUCT:
        return parse_object(parser, column->children, column->type->fields, row, depth, name);
    }
    return NULL;
}

barks_status *json_parse_row(struct json_parser *parser, bool *out_good)
{
    parser->reason[0] = '\0';
    BARKS_TRY(parse_object(parser, parser->batch->base.columns, parser->batch->base.schema,
                           parser->batch->base.row_count, 0, "the line"));
    (void)next_byte(parser);
    if (is_good(parser) && parser->at != parser->end)
        fault(parser, "something follows the object");
    *out_good = is_good(parser);
    return NULL;
}
