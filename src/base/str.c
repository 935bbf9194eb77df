/* The parts of barks/str.h that are too long to stand in a header. */
#include "barks/str.h"

#include "base/checked.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int64_t barks_str_find_from(const char *text, size_t text_bytes, const char *needle,
                            size_t needle_bytes, size_t from)
{
    assert(from <= text_bytes && needle_bytes > 0);
    const char *found = memmem(text + from, text_bytes - from, needle, needle_bytes);
    return found != NULL ? found - text : -1;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

bool barks_str_to_i64(barks_str text, int64_t *out_number)
{
    const char *at = barks_str_bytes(&text), *end = at + text.length;
    bool negative = at < end && *at == '-';
    int64_t number = 0; /* counts down, since there is one more number below 0 than above */
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    for (; at < end; at++)
        if (!is_digit(*at) || ckd_mul(&number, number, 10) || ckd_sub(&number, number, *at - '0'))
            return false;
    if (!negative && ckd_sub(&number, 0, number))
        return false;
    *out_number = number;
    return true;
}

/* A decimal number as digits * 10^exponent. More digits than these never change which double is
 * nearest, as long as one more says whether any of them was not zero. */
enum { DIGITS_MAX = 768 };
struct decimal {
    char digits[DIGITS_MAX + 1];
    uint32_t digit_count; /* without leading zeros; 0 for 0 */
    int64_t exponent;
};

/* Lengths are below 2^32 and exponents are clamped far above that, so sums of them fit. */
static const int64_t EXPONENT_LIMIT = INT64_C(1) << 40;

static void add_digit(struct decimal *decimal, char digit, bool after_point)
{
    if (decimal->digit_count < DIGITS_MAX) {
        if (digit != '0' || decimal->digit_count > 0)
            decimal->digits[decimal->digit_count++] = digit;
        decimal->exponent -= after_point;
    } else {
        if (digit != '0')
            decimal->digits[DIGITS_MAX - 1] |= 1; /* "half and a bit" is not half */
        decimal->exponent += !after_point;
    }
}

/* [digits][.digits][e[+-]digits] with a digit before the e; the whole text or false. */
static bool read_decimal(const char *at, const char *end, struct decimal *decimal)
{
    bool any = false;
    for (; at < end && is_digit(*at); at++, any = true)
        add_digit(decimal, *at, false);
    if (at < end && *at == '.')
        for (at++; at < end && is_digit(*at); at++, any = true)
            add_digit(decimal, *at, true);
    if (!any || at == end)
        return any;
    if (*at != 'e' && *at != 'E')
        return false;
    at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    int64_t exponent = 0;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (exponent < EXPONENT_LIMIT)
            exponent = exponent * 10 + (*at - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* Digits and exponent are brought into a form that strtod reads whatever they were. */
static bool round_decimal(const struct decimal *decimal, double *out_number)
{
    char text[DIGITS_MAX + 32];
    int64_t exponent = decimal->exponent;
    exponent = exponent < -9999 ? -9999 : exponent > 9999 ? 9999 : exponent;
    pthread_once(&c_locale_once, make_c_locale);
    if (c_locale == (locale_t)0) /* no memory: glibc and musl keep "C" ready, so it never is */
        return false;
    int length = snprintf(text, sizeof text, "%.*se%d", (int)decimal->digit_count, decimal->digits,
                          (int)exponent);
    assert(length > 0 && (size_t)length < sizeof text);
    (void)length;
    *out_number = strtod_l(text, NULL, c_locale);
    return true;
}

static bool equal_ignoring_case(const char *bytes, size_t length, const char *word)
{
    size_t i = 0;
    while (i < length && word[i] != '\0' && (bytes[i] | 0x20) == word[i])
        i++;
    return i == length && word[i] == '\0';
}

bool barks_str_to_f64(barks_str text, double *out_number)
{
    /* Powers of ten that a double holds exactly; a product or quotient of two exact numbers is
     * rounded once. Source: Clinger, PLDI 1990. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *at = barks_str_bytes(&text), *end = at + text.length;
    bool negative = at < end && *at == '-';
    double number = 0;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    struct decimal decimal;
    decimal.digit_count = 0;
    decimal.exponent = 0;
    if (equal_ignoring_case(at, (size_t)(end - at), "inf") ||
        equal_ignoring_case(at, (size_t)(end - at), "infinity")) {
        number = (double)INFINITY;
    } else if (equal_ignoring_case(at, (size_t)(end - at), "nan")) {
        number = (double)NAN;
    } else if (!read_decimal(at, end, &decimal)) {
        return false;
    } else if (decimal.digit_count > 0) {
        uint64_t mantissa = 0;
        for (uint32_t i = 0; i < decimal.digit_count && i < 19; i++)
            mantissa = mantissa * 10 + (uint64_t)(decimal.digits[i] - '0');
        if (decimal.digit_count <= 19 && mantissa <= UINT64_C(1) << 53 && decimal.exponent >= -22 &&
            decimal.exponent <= 22)
            number = decimal.exponent < 0 ? (double)mantissa / powers[-decimal.exponent]
                                          : (double)mantissa * powers[decimal.exponent];
        else if (!round_decimal(&decimal, &number))
            return false;
    }
    *out_number = negative ? -number : number;
    return true;
}
