/* Actions that answer in a given time, from the partitions that were done by then. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

#include <stdint.h>

/* A number, and bounds within which it lies with a confidence. */
typedef struct barks_bounds {
    double value;      /* that of the dataset, as far as one can tell */
    double low, high;  /* both are value where all partitions were done */
    double confidence; /* as it was asked for; 1 where all partitions were done */
    uint32_t partitions_done, partition_count;
} barks_bounds;

/**
 * The number of rows; the sum, and the mean, of a column (i32, i64, f32, f64; nulls are skipped):
 *
 *     barks_bounds price;
 *     if (barks_mean_within(sales, "price", 2.5, 0.95, &price))
 *         printf("%g, from %g to %g\n", price.value, price.low, price.high);
 *
 * Where all partitions are done in `seconds`, *out is what barks_count, barks_sum and barks_mean
 * give, and low and high are equal to it. Else it is told by the partitions that were done; what
 * still runs is cancelled, which is no failure. Where none was done, value is 0 (a mean: NaN), and
 * of less than two low and high are no bounds: -infinity (of counts: what was counted) and
 * infinity.
 *
 * The bounds take partitions that were done for ones drawn at random from all, whatever lies in
 * them: the interval is that of Student's t for a sample of clusters, with a correction for the
 * part of all that was seen; the mean is a quotient of two such sums (Cochran, Sampling
 * Techniques, 3rd edition, 1977, chapters 2, 6 and 9). Counts are taken to vary no less from
 * partition to partition than those of independent events (Poisson), so that rare rows have wide
 * bounds. So they are no better than that: where partitions with few rows are done first, or rows
 * are sorted by the column, they mislead, and barks_repartition before helps. 20 partitions or more
 * give useful ones. What comes of time is not the same in every run.
 *
 * The time goes from the call on, and includes what must be computed before (exchanges, samples of
 * sorts). Bodies of functions are not interrupted within a batch (1,024 rows, or as many as .rows
 * of barks_map_batches says), so slow ones make the answer late by as much, --barks-time-reserve at
 * most, unless they ask barks_cancelled(). Accumulators get nothing of a job that was cancelled so.
 *
 * seconds: 0 or more; INFINITY: no limit. confidence: between 0 and 1.
 *
 * Errors:  false, after one sentence: those of the job; BARKS_INVALID: another field, time or
 *          confidence.
 * Threads: the one that called barks_init.
 */
#define barks_count_within(rdd, seconds, confidence, out)                                          \
    barks_count_within_at((rdd), (seconds), (confidence), (out), BARKS_HERE)
#define barks_sum_within(rdd, column, seconds, confidence, out)                                    \
    barks_sum_within_at((rdd), (column), (seconds), (confidence), (out), BARKS_HERE)
#define barks_mean_within(rdd, column, seconds, confidence, out)                                   \
    barks_mean_within_at((rdd), (column), (seconds), (confidence), (out), BARKS_HERE)
BARKS_API bool barks_count_within_at(barks_rdd *rdd, double seconds, double confidence,
                                     barks_bounds *out, const char *where);
BARKS_API bool barks_sum_within_at(barks_rdd *rdd, const char *column, double seconds,
                                   double confidence, barks_bounds *out, const char *where);
BARKS_API bool barks_mean_within_at(barks_rdd *rdd, const char *column, double seconds,
                                    double confidence, barks_bounds *out, const char *where);

/**
 * How often each row is there, likewise: an array of the record, which has all fields and (f64,
 * count), (f64, low), (f64, high), ascending by the fields. *out_total: the number of all rows.
 * What
 * no partition had that was done is not in it.
 *
 * Ownership: the array is the context's, until barks_finalize or barks_release.
 * Errors:    NULL; as above; BARKS_LIMIT: more rows than the driver has room for.
 */
#define barks_count_by_value_within(rdd, record, seconds, confidence, out_total, out_count)        \
    ((struct record *)barks_count_by_value_within_at((rdd), &barks_record_##record, (seconds),     \
                                                     (confidence), (out_total), (out_count),       \
                                                     BARKS_HERE))
BARKS_API void *barks_count_by_value_within_at(barks_rdd *rdd, const barks_record *record,
                                               double seconds, double confidence,
                                               barks_bounds *out_total, int64_t *out_count,
                                               const char *where);
