/* Columns, partitions, exchanges and what is combined by key. */
#include "ops.h"

static barks_rdd *run_distinct(const struct op_run *run)
{
    barks_rdd *both[] = {op_rows(run, "left"), op_rows(run, "left"), op_rows(run, "right")};
    return barks_distinct(barks_union_all(both, 3), .partitions = run->partitions);
}

/* A column replaced and one added, by a function; rows chosen and measured by whole batches. */
BARKS_RECORD(op_key_number, (i64, key), (optional(i64), number));
BARKS_RECORD(op_number_parity, (optional(f64), number), (bool, is_even));
BARKS_MAP(op_halve, op_key_number, op_number_parity)
{
    out->number.valid = in->number.valid;
    out->number.value = (double)in->number.value / 2;
    out->is_even = in->key % 2 == 0;
}
static barks_rdd *run_with_columns(const struct op_run *run)
{
    return barks_with_columns(op_rows(run, "left"), op_halve, NULL);
}

struct op_least {
    int64_t number;
};
BARKS_FILTER_BATCHES(op_is_large, op_key_number, struct op_least)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        keep[i] = barks_has(batch->number, i) && batch->number.value[i] > env->number;
}
BARKS_RECORD(op_first_of, (i64, key), (i64, rows));
BARKS_MAP_BATCHES(op_measure, op_row, op_first_of)
{
    emit(.key = batch->key[0], .rows = batch->row_count);
}
static barks_rdd *run_filter_batches(const struct op_run *run)
{
    const struct op_least env = {10};
    return barks_filter(op_rows(run, "left"), op_is_large, &env);
}
static barks_rdd *run_map_batches_of(const struct op_run *run)
{
    barks_rdd *one = barks_coalesce(op_rows(run, "left"), 1);
    return barks_map_batches(one, op_measure, NULL, .rows = 100);
}

static barks_rdd *run_sort(const struct op_run *run)
{
    return barks_sort_by(op_rows(run, "left"), "text desc nulls first, number, id",
                         .partitions = run->partitions);
}

BARKS_RECORD(op_total, (i64, key), (i64, total), (i64, rows));
BARKS_AGGREGATE(add_op_row, op_row, op_total)
{
    acc->total += in->number.valid ? in->number.value : 0;
    acc->rows++;
}
BARKS_REDUCE(add_op_totals, op_total)
{
    acc->total += in->total;
    acc->rows += in->rows;
}
static barks_rdd *run_aggregate_by_key(const struct op_run *run)
{
    return barks_aggregate_by_key(op_rows(run, "left"), "key", add_op_row, add_op_totals,
                                  .partitions = run->partitions);
}

BARKS_MAP(to_op_total, op_row, op_total)
{
    out->key = in->key;
    out->total = in->number.valid ? in->number.value : 0;
    out->rows = 1;
}
static barks_rdd *run_fold_by_key(const struct op_run *run)
{
    struct op_total zero = {0};
    return barks_fold_by_key(barks_map(op_rows(run, "left"), to_op_total, NULL), "key",
                             add_op_totals, .partitions = run->partitions, .initial = &zero);
}

static barks_rdd *run_combine_by_key(const struct op_run *run)
{
    return barks_combine_by_key(op_rows(run, "left"), "key", to_op_total, add_op_totals,
                                .partitions = run->partitions);
}

/* Reduced twice: the second time without an exchange. */
static barks_rdd *run_reduce_partitioned(const struct op_run *run)
{
    barks_rdd *parts = barks_partition_by(barks_map(op_rows(run, "left"), to_op_total, NULL), "key",
                                          .partitions = run->partitions);
    barks_rdd *once = barks_reduce_by_key(parts, "key", add_op_totals);
    return barks_reduce_by_key(barks_union(once, parts), "key", add_op_totals);
}

static barks_rdd *run_aggregate_words(const struct op_run *run)
{
    return barks_aggregate(op_rows(run, "left"), "key",
                           "count() as rows, count(number) as numbers, sum(number) as total, "
                           "min(text) as least, max(number) as greatest, first(id) as first_id, "
                           "last(text) as last_text",
                           .partitions = run->partitions);
}

static barks_rdd *run_distinct_by(const struct op_run *run)
{
    return barks_distinct_by(barks_union(op_rows(run, "left"), op_rows(run, "right")), "key",
                             .partitions = run->partitions);
}

static barks_rdd *run_select(const struct op_run *run)
{
    return barks_select(barks_drop(op_rows(run, "left"), "id"), "text as words, key, number");
}

static barks_rdd *run_repartition(const struct op_run *run)
{
    return barks_repartition(op_rows(run, "left"), run->partitions);
}

static barks_rdd *run_coalesce(const struct op_run *run)
{
    return barks_coalesce(barks_union(op_rows(run, "left"), op_rows(run, "right")),
                          run->partitions);
}

static barks_rdd *run_coalesce_sorted(const struct op_run *run)
{
    return barks_coalesce(
        barks_sort_by(op_rows(run, "right"), "key desc, id, number, text", .partitions = 7),
        run->partitions);
}

static barks_rdd *run_partition_by_range(const struct op_run *run)
{
    return barks_partition_by_range(op_rows(run, "left"), "number desc",
                                    .partitions = run->partitions);
}

/* In one partition the whole order is seen. */
static barks_rdd *run_repartition_and_sort(const struct op_run *run)
{
    return barks_repartition_and_sort(op_rows(run, "left"), "key", "key, id desc, number, text",
                                      .partitions = 1);
}

const struct op_case ops_a[] = {
    {"aggregate_by_key", run_aggregate_by_key},
    {"aggregate_words", run_aggregate_words},
    {"coalesce", run_coalesce},
    {"coalesce_sorted", run_coalesce_sorted},
    {"combine_by_key", run_combine_by_key},
    {"distinct", run_distinct},
    {"distinct_by", run_distinct_by},
    {"filter_batches", run_filter_batches},
    {"fold_by_key", run_fold_by_key},
    {"map_batches_of", run_map_batches_of},
    {"partition_by_range", run_partition_by_range},
    {"reduce_partitioned", run_reduce_partitioned},
    {"repartition", run_repartition},
    {"repartition_and_sort", run_repartition_and_sort},
    {"select", run_select},
    {"sort", run_sort},
    {"with_columns", run_with_columns},
};
const size_t ops_a_count = sizeof ops_a / sizeof ops_a[0];
