/* Where lines end: one bit for each byte, 64 bytes at a time, by the widest vectors that the
 * processor has. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Sets bit j of out_masks[i] where bytes[64 * i + j] is '\n', for word_count words of 64 bytes.
 * bytes may be unaligned; all 64 * word_count of them must be readable. */
typedef void newline_masks_fn(const uint8_t *bytes, size_t word_count, uint64_t *out_masks);

/* The best kernel for this processor. Threads: any. Cheap: callers look it up once per file, not
 * per block. */
newline_masks_fn *newline_best(void);

/* Each kernel that this processor can run, for tests and benchmarks: i from 0 until NULL, which
 * also leaves *out_name. */
newline_masks_fn *newline_kernel(size_t i, const char **out_name);
