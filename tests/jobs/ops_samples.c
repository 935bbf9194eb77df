/* Rows at random, whose seeds say which: the oracle draws them too. */
#include "ops.h"

#include <stdlib.h>
#include <unistd.h>

BARKS_RECORD(op_share, (i64, key), (f64, fraction));
enum { OP_SHARES = 5 };
static const struct op_share op_shares[OP_SHARES] = {
    {0, 0.5}, {1, 0.25}, {2, 1}, {5, 0}, {77, 0.9}};

/* In one partition, so that the place of a row is its index. */
static barks_rdd *rows_in_one(const struct op_run *run)
{
    return barks_coalesce(op_rows(run, "left"), 1);
}

static barks_rdd *run_sample_by_key(const struct op_run *run)
{
    return barks_sample_by_key(rows_in_one(run), "key", op_share, op_shares, OP_SHARES, .seed = 11);
}

static barks_rdd *run_sample_by_key_exact(const struct op_run *run)
{
    return barks_sample_by_key_exact(rows_in_one(run), "key", op_share, op_shares, OP_SHARES,
                                     .seed = 12);
}

static barks_rdd *run_sample_fixed(const struct op_run *run)
{
    return barks_sample_fixed(rows_in_one(run), 25, 13);
}

/* Of all partitions: which rows they are is compared between shapes, how many with the oracle. */
static barks_rdd *run_draw_by_key(const struct op_run *run)
{
    barks_rdd *drawn =
        barks_sample_by_key_exact(barks_distinct(op_rows(run, "left"), .partitions = 5), "key",
                                  op_share, op_shares, OP_SHARES, .with_replacement = true);
    return barks_aggregate(drawn, "key", "count() as rows", .partitions = run->partitions);
}

static barks_rdd *run_sample_fixed_of_all(const struct op_run *run)
{
    barks_rdd *drawn = barks_sample_fixed(op_rows(run, "left"), INT64_MAX, 13);
    return barks_select(drawn, "id");
}

/* ---- answers in a given time ---- */

BARKS_RECORD(op_key_bounds, (i64, key), (f64, count), (f64, low), (f64, high));
BARKS_RECORD(op_within, (i64, key), (i64, count), (i64, is_exact));

static barks_rdd *run_count_within(const struct op_run *run)
{
    barks_bounds total, sum;
    int64_t count = 0;
    barks_rdd *keys = barks_select(op_rows(run, "left"), "key");
    struct op_key_bounds *rows =
        barks_count_by_value_within(keys, op_key_bounds, 3600, 0.95, &total, &count);
    if (rows == NULL || !barks_sum_within(keys, "key", 3600, 0.95, &sum))
        return NULL;
    struct op_within *all = calloc((size_t)count + 2, sizeof *all);
    if (all == NULL)
        return NULL;
    all[0] = (struct op_within){-1, (int64_t)total.value, total.low == total.high};
    all[1] = (struct op_within){-2, (int64_t)sum.value, sum.low == sum.high};
    for (int64_t i = 0; i < count; i++)
        all[i + 2] =
            (struct op_within){rows[i].key, (int64_t)rows[i].count, rows[i].low == rows[i].high};
    barks_rdd *made = barks_parallelize(run->context, op_within, all, (size_t)count + 2, 2);
    free(all);
    return made;
}

BARKS_FILTER(op_stuck, op_row)
{
    while (in->id >= 0 && !barks_cancelled())
        usleep(500);
    return true;
}

/* Time goes out, on all ranks; then the job goes on. */
static barks_rdd *run_out_of_time(const struct op_run *run)
{
    barks_rdd *left = op_rows(run, "left"), *stuck = barks_filter(left, op_stuck, NULL);
    for (int i = 0; i < 3; i++) {
        barks_bounds bounds;
        barks_rdd *slow = i == 1 ? barks_distinct(stuck) : stuck;
        if (!barks_count_within(slow, 0.05, 0.95, &bounds) || bounds.value != 0)
            return NULL;
    }
    return barks_aggregate(left, "key", "count() as rows", .partitions = run->partitions);
}

const struct op_case ops_samples[] = {
    {"count_within", run_count_within},
    {"out_of_time", run_out_of_time},
    {"sample_by_key", run_sample_by_key},
    {"sample_by_key_exact", run_sample_by_key_exact},
    {"sample_fixed", run_sample_fixed},
    {"draw_by_key", run_draw_by_key},
    {"sample_fixed_of_all", run_sample_fixed_of_all},
};
const size_t ops_samples_count = sizeof ops_samples / sizeof ops_samples[0];
