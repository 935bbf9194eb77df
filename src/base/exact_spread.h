/* Variances that do not depend on the order of the terms. */
#pragma once

#include "barks/sum.h"

#include <stdint.h>

/* Squares of numbers times 2^-bits: as doubles, and what was rounded off those. Begins zeroed. Two
 * sums, so that each keeps all bits of its largest terms. */
struct square_sums {
    struct barks_sum high, low;
};
void square_sums_add(struct square_sums *sums, double scaled);
void square_sums_merge(struct square_sums *sums, const struct square_sums *other);

/* The sum of squared distances from the mean, of count numbers whose sum and squares are given, to
 * within a few units of the last place of the double, and never below 0. NaN where a number was not
 * finite. */
double exact_spread(const struct barks_sum *sum, const struct square_sums *squares, uint64_t count,
                    int scale_bits);
