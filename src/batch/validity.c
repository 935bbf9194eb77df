#include "batch/validity.h"

#include <string.h>

void validity_fill(uint64_t *words, uint32_t first, uint32_t end)
{
    if (first >= end)
        return;
    uint32_t word = first / 64;
    uint32_t word_end = validity_words(end);
    words[word] |= ~UINT64_C(0) << (first % 64);
    if (word + 1 < word_end)
        memset(words + word + 1, 0xff, (size_t)(word_end - word - 1) * sizeof *words);
}

bool validity_is_full(const uint64_t *words, uint32_t first, uint32_t count)
{
    while (count > 0) {
        uint32_t taken = count < 64 ? count : 64;
        if (validity_get(words, first, taken) != ~UINT64_C(0) >> (64 - taken))
            return false;
        first += taken;
        count -= taken;
    }
    return true;
}

void validity_append(uint64_t *to, uint32_t to_row, const uint64_t *from, uint32_t from_row,
                     uint32_t count)
{
    while (count > 0) {
        uint32_t taken = count < 64 ? count : 64;
        validity_put(to, to_row, validity_get(from, from_row, taken), taken);
        to_row += taken;
        from_row += taken;
        count -= taken;
    }
}

void validity_gather(uint64_t *to, uint32_t to_row, const uint64_t *from,
                     const uint32_t *row_indices, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        uint32_t row = row_indices[k];
        uint64_t missing = ~(from[row / 64] >> (row % 64)) & 1;
        to[(to_row + k) / 64] &= ~(missing << ((to_row + k) % 64));
    }
}
