/* Sums of floating point numbers that do not depend on the order of the terms.
 *
 * In a record the sum is a field of record(barks_sum), which begins as zeros:
 *
 *     BARKS_RECORD(total, (str, city), (record(barks_sum), sales));
 *     BARKS_AGGREGATE(add_sale, sale, total) { barks_sum_add(&acc->sales, in->price); }
 *     BARKS_REDUCE(merge_totals, total) { barks_sum_merge(&acc->sales, &in->sales); }
 *
 * and barks_sum_value gives the double at the end. So a job's output has the same bytes on any
 * number of ranks.
 *
 * A sum is six digits of 24 bits, each in an int64_t so that 2^38 terms fit without carries; digit
 * p weighs 2^(24 p - 1080). A term is cut into four digits at places that depend on it alone, and
 * each is added to its digit. A larger term moves the six digits up and drops the lowest, and what
 * of a term lies below them is not added: a digit that is left at the end was there for every term,
 * so all orders end in the same digits. What is dropped of a term is below 2^-100 of the largest.
 */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/record.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* top: place of d0's digit and 1 more, 0 while nothing was added; d1 is the digit below, and so on.
 * special: which of NaN (1), infinity (2) and -infinity (4) were added. */
BARKS_RECORD(barks_sum, (i32, top), (i32, special), (i64, d0), (i64, d1), (i64, d2), (i64, d3),
             (i64, d4), (i64, d5));

enum { BARKS_SUM_DIGITS_ = 6, BARKS_SUM_DIGIT_BITS_ = 24 };

static inline int64_t *barks_sum_digits_(struct barks_sum *sum)
{
    return (int64_t *)(void *)((char *)sum + offsetof(struct barks_sum, d0));
}

/* Moves the digits up until the highest is at top. */
__attribute__((cold)) static inline void barks_sum_raise_(struct barks_sum *sum, int32_t top)
{
    int64_t *digits = barks_sum_digits_(sum);
    int32_t by = sum->top == 0 ? BARKS_SUM_DIGITS_ : top - sum->top;
    for (int32_t i = BARKS_SUM_DIGITS_; i-- > 0;)
        digits[i] = i >= by ? digits[i - by] : 0;
    sum->top = top;
}

/**
 * Adds x. Errors: none; NaN and infinities are remembered and make the value NaN or infinite.
 * Cost: a few nanoseconds.
 */
static inline void barks_sum_add(struct barks_sum *sum, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t exponent = (uint32_t)(bits >> 52) & 0x7ff;
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    int negative = (int)(bits >> 63);
    if (__builtin_expect(exponent == 0x7ff, 0)) {
        sum->special |= mantissa != 0 ? 1 : negative ? 4 : 2;
        return;
    }
    if (exponent != 0)
        mantissa |= UINT64_C(1) << 52;
    else if (mantissa == 0)
        return;
    else
        exponent = 1;
    /* x is mantissa * 2^(offset - 1080). */
    uint32_t offset = exponent + 5, place = offset / BARKS_SUM_DIGIT_BITS_;
    __extension__ unsigned __int128 shifted = (__extension__(unsigned __int128) mantissa)
                                              << (offset % BARKS_SUM_DIGIT_BITS_);
    int32_t top = (int32_t)place + 4;
    if (__builtin_expect(top > sum->top, 0))
        barks_sum_raise_(sum, top);
    int64_t *digits = barks_sum_digits_(sum);
    for (int32_t i = 0; i < 4; i++) { /* the highest digit first */
        int32_t at = sum->top - top + i;
        int64_t digit = (int64_t)(shifted >> (BARKS_SUM_DIGIT_BITS_ * (3 - i))) & 0xffffff;
        if (at < BARKS_SUM_DIGITS_)
            digits[at] += negative ? -digit : digit;
    }
}

/** Adds what another sum has added. Errors: none. */
static inline void barks_sum_merge(struct barks_sum *sum, const struct barks_sum *other)
{
    sum->special |= other->special;
    if (other->top == 0)
        return;
    if (other->top > sum->top)
        barks_sum_raise_(sum, other->top);
    int64_t more[BARKS_SUM_DIGITS_];
    int64_t *digits = barks_sum_digits_(sum);
    memcpy(more, (const char *)other + offsetof(struct barks_sum, d0), sizeof more);
    for (int32_t i = 0; i + sum->top - other->top < BARKS_SUM_DIGITS_; i++)
        digits[i + sum->top - other->top] += more[i];
}

/**
 * The sum, rounded once to the nearest double (ties to even); 0 of nothing, infinite where it is
 * too large for a double, NaN where a NaN or infinities of both signs were added.
 *
 * Errors:  none.
 * Threads: any.
 */
BARKS_API double barks_sum_value(const struct barks_sum *sum);
