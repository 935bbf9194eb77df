/* The states of partial answers, as the driver reads them, and what they say in the end. */
#pragma once

#include "barks/sum.h"
#include "base/exact_spread.h"
#include "exec/partial.h"

#include <stdbool.h>
#include <stdint.h>

extern const struct partial_kind partial_stats, partial_histogram, partial_distinct,
    partial_quantiles, partial_ranks;

/* "stats", of one column of numbers. All sums are exact, so that nothing depends on the order or on
 * the partitions. Of numbers whose squares a double cannot hold, squares are scaled: which ones are
 * in squares[i], and how, partial_stats.c says. */
enum { STATS_SCALES = 3 };
struct stats_state {
    uint32_t column;
    bool is_integer; /* i32, i64: integer_sum is the sum */
    uint64_t count;
    uint64_t nan_count;
    double min, max, largest; /* of those that are not NaN; largest: without their signs */
    struct barks_sum sum;     /* of the doubles */
    struct square_sums squares[STATS_SCALES];
    uint64_t integer_low; /* integer_sum in two's complement, 128 bits */
    int64_t integer_high;
};
/* Errors: BARKS_USER_ERROR: it does not fit in an i64. */
BARKS_CHECKED barks_status *stats_integer_sum(const struct stats_state *state, int64_t *out_sum);
double stats_sum(const struct stats_state *state);
/* The sum of squared distances from the mean; NaN where a value is not finite. */
double stats_spread(const struct stats_state *state);

/* "histogram", of one column of numbers: bucket i counts what lies in [values[i], values[i + 1]),
 * the last one its upper bound too; the rest and NaN are not counted. */
struct histogram_state {
    const struct partial_options *options;
    uint64_t *counts; /* owned: value_count - 1 */
};

/* "distinct": HyperLogLog of the rows of some columns, by their key hash; while there are few, the
 * hashes themselves, so that the number is exact. */
struct distinct_state {
    const struct partial_options *options;
    uint32_t precision;  /* 2^precision registers: from options->error */
    uint64_t *hashes;    /* owned: an open table while they are few; 0: free */
    uint32_t hash_count; /* in it */
    bool has_zero;       /* the hash 0 */
    uint8_t *registers;  /* owned: once they are many; else NULL */
};
enum { DISTINCT_EXACT_MAX = 2048 };
double distinct_estimate(const struct distinct_state *state);

/* "quantiles", of one column of numbers: runs of run_size sorted values, at most one on each level;
 * a value on level l stands for 2^l rows. Two runs of a level become one of the next that has every
 * second of their values, so a rank is wrong by at most 2^l more. With run_size = 17 / error all
 * that adds up to error * count, as long as there are no more than run_size * 2^32 rows; and the
 * outcome depends on the order of rows and merges alone.
 * Source: Munro and Paterson 1980; Manku, Rajagopalan and Lindsay, SIGMOD 1998. */
enum { QUANTILE_LEVELS = 34 };
struct quantiles_state {
    uint32_t column;
    uint32_t run_size;
    uint64_t count;
    uint32_t free_count;             /* values in `fresh`, unsorted */
    double *fresh;                   /* owned: run_size */
    double *levels[QUANTILE_LEVELS]; /* owned: run_size each, or NULL */
};
/* The values at fractions [0, 1] of the order; count is not 0. */
BARKS_CHECKED barks_status *quantiles_at(const struct quantiles_state *state,
                                         const double *fractions, uint32_t fraction_count,
                                         double *out_values);

/* "ranks", of one column of numbers: how many rows lie below each range of number_key, and in each
 * of RANK_BUCKETS equal parts of it. */
enum { RANK_BUCKETS = 4096 };
struct ranks_state {
    const struct partial_options *options;
    uint64_t count;   /* of all */
    uint64_t *counts; /* owned: range_count times below, then RANK_BUCKETS */
};
/* Numbers in the order of their keys: NaN last, -0.0 before 0.0. */
uint64_t number_key(double value);
double number_of_key(uint64_t key);
/* The part of a range [first, last] that a key of it lies in, and where that part begins. */
uint64_t ranks_width(uint64_t first, uint64_t last);
