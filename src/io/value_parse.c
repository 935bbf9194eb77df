#include "io/value_parse.h"

#include "barks/str.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool parse_i64(const char *bytes, size_t length, int64_t *out)
{
    size_t i = length > 0 && (bytes[0] == '-' || bytes[0] == '+');
    bool negative = i > 0 && bytes[0] == '-';
    uint64_t value = 0;
    if (i == length)
        return false;
    for (; i < length; i++) {
        unsigned digit = (unsigned)(uint8_t)bytes[i] - '0';
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

static locale_t plain_locale; /* set once, before main */

static void __attribute__((constructor)) make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* No hexadecimal and no "nan(...)", which strtod would take. */
static bool is_number_text(const char *bytes, size_t length)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    size_t sign = length > 0 && (bytes[0] == '-' || bytes[0] == '+');
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (strlen(words[w]) == length - sign &&
            strncasecmp(words[w], bytes + sign, length - sign) == 0)
            return true;
    for (size_t i = 0; i < length; i++)
        if (memchr("0123456789.+-eE", bytes[i], 15) == NULL)
            return false;
    return length > 0;
}

bool parse_f64(const char *bytes, size_t length, double *out)
{
    enum { TEXT_BYTES = 512 };
    char text[TEXT_BYTES];
    char *end = NULL;
    if (length >= sizeof text || !is_number_text(bytes, length))
        return false;
    memcpy(text, bytes, length);
    text[length] = '\0';
    *out = plain_locale != (locale_t)0 ? strtod_l(text, &end, plain_locale) : strtod(text, &end);
    return end == text + length;
}

bool parse_bool(const char *bytes, size_t length, uint8_t *out)
{
    static const char *const words[] = {"false", "true", "f", "t", "0", "1", "no", "yes"};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (strlen(words[w]) == length && strncasecmp(words[w], bytes, length) == 0) {
            *out = w % 2;
            return true;
        }
    return false;
}

void put_zero(const barks_column *column, uint32_t row)
{
    size_t value_bytes = type_value_bytes(column->type);
    if (value_bytes > 0)
        memset((uint8_t *)column->values + row * value_bytes, 0, value_bytes);
    for (uint32_t c = 0; column->type->id == BARKS_STRUCT && c < column_child_count(column->type);
         c++)
        put_zero(&column->children[c], row);
}

void put_null(const barks_column *column, uint32_t row)
{
    put_zero(column, row);
    validity_clear(column->validity, row);
}

bool parse_value(const char *bytes, size_t length, const barks_column *column, uint32_t row)
{
    barks_type_id id = column->type->id;
    int64_t integer = 0;
    double real = 0;
    bool good = false;
    if (id == BARKS_STR || id == BARKS_BYTES) {
        ((barks_str *)column->values)[row] = barks_str_of(bytes, length);
        return true;
    }
    for (; length > 0 && barks_is_space(bytes[0]); bytes++)
        length--;
    while (length > 0 && barks_is_space(bytes[length - 1]))
        length--;
    switch (id) {
    case BARKS_BOOL:
        ((uint8_t *)column->values)[row] = 0;
        return parse_bool(bytes, length, (uint8_t *)column->values + row);
    case BARKS_I32:
        good = parse_i64(bytes, length, &integer) && integer >= INT32_MIN && integer <= INT32_MAX;
        ((int32_t *)column->values)[row] = good ? (int32_t)integer : 0;
        return good;
    case BARKS_I64:
        good = parse_i64(bytes, length, &integer);
        ((int64_t *)column->values)[row] = good ? integer : 0;
        return good;
    case BARKS_F32:
        good = parse_f64(bytes, length, &real);
        ((float *)column->values)[row] = good ? (float)real : 0;
        return good;
    case BARKS_F64:
        good = parse_f64(bytes, length, &real);
        ((double *)column->values)[row] = good ? real : 0;
        return good;
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        break;
    }
    return false;
}
