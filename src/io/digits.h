/* Decimal digits in text, eight at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The digits that the 8 bytes at `at` begin with, as a number; how many. No branch depends on how
 * many there are: guessed wrong, it would cost more than all of this. */
static inline unsigned read_digits(const uint8_t *at, uint64_t *out_number)
{
    uint64_t digits;
    memcpy(&digits, at, sizeof digits);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    digits = __builtin_bswap64(digits);
#endif
    digits ^= 0x3030303030303030u; /* '0' of each; a byte that is no digit is above 9 now */
    uint64_t others = ((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u;
    unsigned count = others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    /* The first byte is the lowest: what is no digit is shifted out, and zeros come before. In two
     * steps, since all 64 bits may go. */
    digits = digits << 4 * (8 - count) << 4 * (8 - count);
    /* Pairs, fours and all eight side by side in one word: the upper half of each has 10, 100 or
     * 10,000 times the lower one added to it. */
    digits = (digits * (10 * (UINT64_C(1) << 8) + 1) >> 8) & 0x00ff00ff00ff00ffu;
    digits = (digits * (100 * (UINT64_C(1) << 16) + 1) >> 16) & 0x0000ffff0000ffffu;
    *out_number = digits * (10000 * (UINT64_C(1) << 32) + 1) >> 32;
    return count;
}

/* Passes the digits at *at, as if they were written behind those of *value; how many. After more
 * than 18 in all the value means nothing. 8 bytes must be readable behind the last digit. */
static inline size_t take_digits(const uint8_t **at, uint64_t *value)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    size_t count = 0;
    unsigned read = 0;
    do {
        uint64_t number = 0;
        read = read_digits(*at, &number);
        *value = *value * powers[read] + number;
        *at += read;
        count += read;
    } while (read == 8);
    return count;
}
