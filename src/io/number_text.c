#include "io/number_text.h"

#include "batch/value_text.h"

#include <stddef.h>
#include <string.h>

/* The 8 digits of value < 10^8 as bytes of 0 to 9, the first in the lowest byte: halves of 4
 * digits, then of 2, then of 1, side by side in one word. 10486 / 2^20 is 1/100 exactly enough
 * below 10^4, 103 / 2^10 is 1/10 below 100. In registers, because a word that is stored in pieces
 * and loaded whole stalls the processor. */
static inline uint64_t digits_of(uint32_t value)
{
    uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = (halves * 10486 >> 20) & 0x0000007f0000007fu;
    uint64_t pairs = hundreds | (halves - 100 * hundreds) << 16;
    uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000fu;
    return tens | (pairs - 10 * tens) << 8;
}

static inline void store_digits(char *out, uint64_t digits)
{
    digits |= 0x3030303030303030u; /* '0' of each */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    digits = __builtin_bswap64(digits);
#endif
    memcpy(out, &digits, 8);
}

/* value < 10^8, as exactly 8 digits. */
static inline void put_8_digits(char *out, uint32_t value) { store_digits(out, digits_of(value)); }

/* value < 10^8, without zeros in front; writes 8 bytes. */
static inline char *put_below_1e8(char *out, uint32_t value)
{
    uint64_t digits = digits_of(value);
    unsigned zeros =
        (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8; /* at most 7: 0 has a digit */
    store_digits(out, digits >> (8 * zeros));
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
