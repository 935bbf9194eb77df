/* Rows at random, whose seeds say which: the oracle draws them too. */
#include "ops.h"

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

const struct op_case ops_samples[] = {
    {"sample_by_key", run_sample_by_key},
    {"sample_by_key_exact", run_sample_by_key_exact},
    {"sample_fixed", run_sample_fixed},
    {"draw_by_key", run_draw_by_key},
    {"sample_fixed_of_all", run_sample_fixed_of_all},
};
const size_t ops_samples_count = sizeof ops_samples / sizeof ops_samples[0];
