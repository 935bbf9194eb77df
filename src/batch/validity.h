/* Bitmaps that say which values of a column are there: bit i % 64 of word i / 64. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t validity_words(uint32_t row_count)
{
    return row_count / 64 + (row_count % 64 != 0);
}

/* Bits [row, row + count) as the low bits of a word, the rest zero; count is 1 to 64. Reads no word
 * beyond them. */
static inline uint64_t validity_get(const uint64_t *words, uint32_t row, uint32_t count)
{
    uint32_t shift = row % 64;
    uint64_t bits = words[row / 64] >> shift;
    if (count > 64 - shift)
        bits |= words[row / 64 + 1] << (64 - shift);
    return bits & (~UINT64_C(0) >> (64 - count));
}

static inline void validity_clear(uint64_t *words, uint32_t row)
{
    words[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* Sets bits [first, end); those beyond in the last word too. */
void validity_fill(uint64_t *words, uint32_t first, uint32_t end);

/* True when bits [first, first + count) are all set. */
bool validity_is_full(const uint64_t *words, uint32_t first, uint32_t count);

/* Writes the low count (1 to 64) of bits to rows [row, row + count), which must all be set before.
 */
static inline void validity_put(uint64_t *words, uint32_t row, uint64_t bits, uint32_t count)
{
    uint64_t missing = ~bits & (~UINT64_C(0) >> (64 - count));
    uint32_t shift = row % 64;
    words[row / 64] &= ~(missing << shift);
    if (count > 64 - shift)
        words[row / 64 + 1] &= ~(missing >> (64 - shift));
}

/* Both copy bits to rows [to_row, to_row + count), which must all be set before. */
void validity_append(uint64_t *to, uint32_t to_row, const uint64_t *from, uint32_t from_row,
                     uint32_t count);
void validity_gather(uint64_t *to, uint32_t to_row, const uint64_t *from,
                     const uint32_t *row_indices, uint32_t count);
