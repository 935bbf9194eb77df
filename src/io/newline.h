/* Where lines end, found 64 bytes at a time by the widest vectors that the processor has. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    NEWLINE_WORD_BYTES = 64,
    NEWLINE_WORDS_MAX = 16,
    NEWLINE_POSITIONS =
        NEWLINE_WORD_BYTES * NEWLINE_WORDS_MAX + 8, /* what kernels may write to, used or not */
};

/* Writes the positions of '\n' in bytes[0, 64 * word_count), ascending, and returns how many;
 * word_count is at most NEWLINE_WORDS_MAX. bytes may be unaligned; all of them must be readable. */
typedef size_t newline_find_fn(const uint8_t *bytes, size_t word_count,
                               uint16_t out_positions[NEWLINE_POSITIONS]);

/* The best kernel for this processor. Threads: any. Cheap: callers look it up once per file, not
 * per block. */
newline_find_fn *newline_best(void);

/* Each kernel that this processor can run, for tests and benchmarks: i from 0 until NULL, which
 * also leaves *out_name. */
newline_find_fn *newline_kernel(size_t i, const char **out_name);
