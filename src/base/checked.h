/* Sums and products of outside numbers that tell when they do not fit: C23's names, ckd_add(&sum,
 * a, b) and so on, which are true on overflow. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#if defined(__has_include)
#if __has_include(<stdckdint.h>)
#include <stdckdint.h>
#endif
#endif

#ifndef ckd_add
#define ckd_add(out, a, b) __builtin_add_overflow((a), (b), (out))
#define ckd_sub(out, a, b) __builtin_sub_overflow((a), (b), (out))
#define ckd_mul(out, a, b) __builtin_mul_overflow((a), (b), (out))
#endif

/* Rounds up to a multiple of a power of two; true when the result does not fit. */
static inline bool ckd_round_up(uint64_t *out, uint64_t value, uint64_t power_of_two)
{
    uint64_t sum = 0;
    if (ckd_add(&sum, value, power_of_two - 1))
        return true;
    *out = sum & ~(power_of_two - 1);
    return false;
}
