#include "batch/value_text.h"

#include "base/buffer.h"
#include "batch/schema.h"
#include "batch/shortest_digits.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t i64_text(int64_t value, char out[NUMBER_TEXT_BYTES])
{
    char digits[NUMBER_TEXT_BYTES];
    size_t count = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    size_t length = 0;
    if (value < 0)
        out[length++] = '-';
    while (count > 0)
        out[length++] = digits[--count];
    out[length] = 0;
    return length;
}

/* A number taken apart: 0.digits times 10 to the point. */
struct decimal {
    char digits[20];
    size_t digit_count;
    int point;
};

/* From "d.ddde[+-]xx", without zeros at its end; '.' may be whatever the locale has there. */
static struct decimal decimal_of(const char *scientific)
{
    struct decimal decimal = {0};
    const char *at = scientific;
    for (; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && decimal.digit_count < sizeof decimal.digits)
            decimal.digits[decimal.digit_count++] = *at;
    decimal.point = (int)strtol(at + 1, NULL, 10) + 1;
    while (decimal.digit_count > 1 && decimal.digits[decimal.digit_count - 1] == '0')
        decimal.digit_count--;
    return decimal;
}

/* digits / 10^places; the last digit is no 0. */
static struct decimal decimal_of_digits(uint64_t digits, int places)
{
    struct decimal decimal = {0};
    char reversed[sizeof decimal.digits];
    for (; digits > 0; digits /= 10)
        reversed[decimal.digit_count++] = (char)('0' + digits % 10);
    for (size_t i = 0; i < decimal.digit_count; i++)
        decimal.digits[i] = reversed[decimal.digit_count - 1 - i];
    decimal.point = (int)decimal.digit_count - places;
    return decimal;
}

/* PostgreSQL's choice between both forms. */
enum { POINT_MIN = -3, POINT_MAX = 15 };

static size_t write_decimal(const struct decimal *decimal, bool negative,
                            char out[NUMBER_TEXT_BYTES])
{
    size_t length = 0;
    int point = decimal->point;
    int count = (int)decimal->digit_count;
    if (negative)
        out[length++] = '-';
    if (point < POINT_MIN || point > POINT_MAX) {
        out[length++] = decimal->digits[0];
        if (count > 1)
            out[length++] = '.';
        for (int i = 1; i < count; i++)
            out[length++] = decimal->digits[i];
        int written = snprintf(out + length, NUMBER_TEXT_BYTES - length, "e%+03d", point - 1);
        return length + (size_t)written;
    }
    if (point <= 0) {
        out[length++] = '0';
        out[length++] = '.';
        for (int i = point; i < 0; i++)
            out[length++] = '0';
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point && i > 0)
            out[length++] = '.';
        char digit = '0';
        if (i < count)
            digit = decimal->digits[i];
        out[length++] = digit;
    }
    out[length] = 0;
    return length;
}

static size_t write_special(double value, char out[NUMBER_TEXT_BYTES])
{
    const char *text = isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity";
    size_t length = strlen(text);
    memcpy(out, text, length + 1);
    return length;
}

size_t f64_text(double value, char out[NUMBER_TEXT_BYTES])
{
    char scientific[NUMBER_TEXT_BYTES];
    struct decimal decimal;
    uint64_t known_digits = 0;
    int places = 0;
    if (!isfinite(value))
        return write_special(value, out);
    if (shortest_digits(fabs(value), &known_digits, &places)) {
        decimal = decimal_of_digits(known_digits, places);
        return write_decimal(&decimal, signbit(value) != 0, out);
    }
    /* 15 digits always come back from a normal number, so trying fewer would change nothing but
     * zeros at the end. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        (void)snprintf(scientific, sizeof scientific, "%.*e", digits - 1, fabs(value));
        if (strtod(scientific, NULL) == fabs(value))
            break;
    }
    decimal = decimal_of(scientific);
    return write_decimal(&decimal, signbit(value) != 0, out);
}

size_t f32_text(float value, char out[NUMBER_TEXT_BYTES])
{
    char scientific[NUMBER_TEXT_BYTES];
    if (!isfinite(value))
        return write_special((double)value, out);
    for (int digits = fabsf(value) < FLT_MIN ? 1 : 6; digits <= 9; digits++) {
        (void)snprintf(scientific, sizeof scientific, "%.*e", digits - 1, (double)fabsf(value));
        if (strtof(scientific, NULL) == fabsf(value))
            break;
    }
    struct decimal decimal = decimal_of(scientific);
    return write_decimal(&decimal, signbit(value) != 0, out);
}

BARKS_CHECKED static barks_status *put_text(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

BARKS_CHECKED static barks_status *print_list(const barks_column *column, uint32_t row,
                                              struct buffer *out)
{
    barks_list_slice items = ((const barks_list_slice *)column->values)[row];
    BARKS_TRY(put_text(out, "["));
    for (uint32_t item = 0; item < items.length; item++) {
        if (item > 0)
            BARKS_TRY(put_text(out, ", "));
        BARKS_TRY(value_print(&column->children[0], items.offset + item, out));
    }
    return put_text(out, "]");
}

BARKS_CHECKED static barks_status *print_struct(const barks_column *column, uint32_t row,
                                                struct buffer *out)
{
    const barks_schema *fields = column->type->fields;
    BARKS_TRY(put_text(out, "{"));
    for (uint32_t field = 0; field < fields->field_count; field++) {
        if (field > 0)
            BARKS_TRY(put_text(out, ", "));
        BARKS_TRY(put_text(out, fields->fields[field].name));
        BARKS_TRY(put_text(out, ": "));
        BARKS_TRY(value_print(&column->children[field], row, out));
    }
    return put_text(out, "}");
}

barks_status *value_print(const barks_column *column, uint32_t row, struct buffer *out)
{
    char number[NUMBER_TEXT_BYTES];
    if (!barks_is_valid(column, row))
        return put_text(out, "null");
    switch (column->type->id) {
    case BARKS_BOOL:
        return put_text(out, ((const uint8_t *)column->values)[row] != 0 ? "true" : "false");
    case BARKS_I32:
        return buffer_append(out, number, i64_text(((const int32_t *)column->values)[row], number));
    case BARKS_I64:
        return buffer_append(out, number, i64_text(((const int64_t *)column->values)[row], number));
    case BARKS_F32:
        return buffer_append(out, number, f32_text(((const float *)column->values)[row], number));
    case BARKS_F64:
        return buffer_append(out, number, f64_text(((const double *)column->values)[row], number));
    case BARKS_STR:
    case BARKS_BYTES: {
        const barks_str *text = (const barks_str *)column->values + row;
        return buffer_append(out, barks_str_bytes(text), text->length);
    }
    case BARKS_LIST:
        return print_list(column, row, out);
    case BARKS_STRUCT:
        return print_struct(column, row, out);
    }
    return NULL;
}
