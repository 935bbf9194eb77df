#include "io/number_text.h"

#include "batch/value_text.h"

#include <stddef.h>
#include <string.h>

static const char digit_pairs[] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

/* value < 10^8, as exactly 8 digits. */
static void put_8_digits(char *out, uint32_t value)
{
    uint32_t high = value / 10000;
    uint32_t low = value % 10000;
    memcpy(out, digit_pairs + 2 * (size_t)(high / 100), 2);
    memcpy(out + 2, digit_pairs + 2 * (size_t)(high % 100), 2);
    memcpy(out + 4, digit_pairs + 2 * (size_t)(low / 100), 2);
    memcpy(out + 6, digit_pairs + 2 * (size_t)(low % 100), 2);
}

/* value < 10^8, without zeros in front. */
static char *put_below_1e8(char *out, uint32_t value)
{
    if (value < 10) { /* counts are mostly small */
        *out = (char)('0' + value);
        return out + 1;
    }
    if (value < 100) {
        memcpy(out, digit_pairs + 2 * (size_t)value, 2);
        return out + 2;
    }
    char digits[16] = {0};
    put_8_digits(digits, value);
    unsigned zeros = value < 10000     ? (value < 1000 ? 5 : 4)
                     : value < 1000000 ? (value < 100000 ? 3 : 2)
                                       : value < 10000000;
    memcpy(out, digits + zeros, 8);
    return out + 8 - zeros;
}

char *number_put_u64(char *out, uint64_t value)
{
    const uint32_t unit = 100000000;
    if (value < unit)
        return put_below_1e8(out, (uint32_t)value);
    uint64_t high = value / unit; /* at most 184467440737 */
    if (high >= unit) {
        out = put_below_1e8(out, (uint32_t)(high / unit));
        put_8_digits(out, (uint32_t)(high % unit));
        out += 8;
    } else {
        out = put_below_1e8(out, (uint32_t)high);
    }
    put_8_digits(out, (uint32_t)(value % unit));
    return out + 8;
}

char *number_put_i64(char *out, int64_t value)
{
    *out = '-';
    return number_put_u64(out + (value < 0), value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* value = integer / 10^places where that division, which rounds correctly, gives value back: then
 * these digits read back as value, and with the fewest places they are the shortest. Prices and
 * percentages end here, without printf. */
static char *try_few_places(char *out, double value)
{
    static const double powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    for (unsigned places = 1; places < sizeof powers / sizeof powers[0]; places++) {
        double scaled = value * powers[places];
        if (scaled >= 1e15)
            return NULL;
        uint64_t integer = (uint64_t)(scaled + 0.5);
        if ((double)integer / powers[places] != value)
            continue;
        uint64_t power = (uint64_t)powers[places];
        out = number_put_u64(out, integer / power);
        *out++ = '.';
        char fraction[NUMBER_TEXT_MAX];
        char *end =
            number_put_u64(fraction, integer % power + power); /* 1 in front keeps the zeros */
        memcpy(out, fraction + 1, places);
        return out + (end - fraction - 1);
    }
    return NULL;
}

char *number_put_f64(char *out, double value)
{
    char *at = out;
    double size = value;
    if (value < 0) {
        *at++ = '-';
        size = -value;
    }
    if (size > 0 && size < 1e15 && size == (double)(uint64_t)size)
        return number_put_u64(at, (uint64_t)size);
    char *end = size >= 1e-4 && size < 1e15 ? try_few_places(at, size) : NULL;
    return end != NULL ? end : out + f64_text(value, out);
}

char *number_put_f32(char *out, float value)
{
    double wide = (double)value;
    if (wide > 0 && wide < 1e7 && wide == (double)(uint64_t)wide)
        return number_put_u64(out, (uint64_t)wide);
    return out + f32_text(value, out);
}
