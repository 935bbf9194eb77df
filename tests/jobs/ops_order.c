/* Orders by functions, and what goes by the place of rows in the whole dataset. */
#include "ops.h"

/* ---- order by a function ---- */

/* By the length of the text, the longest first; null texts last. */
BARKS_COMPARE(op_longer, op_row)
{
    if (a->text.valid != b->text.valid)
        return a->text.valid ? -1 : 1;
    return (int64_t)b->text.value.length - (int64_t)a->text.value.length;
}

static barks_rdd *run_sort_by_fn(const struct op_run *run)
{
    return barks_sort_by_fn(op_rows(run, "left"), op_longer, .partitions = run->partitions);
}

static barks_rdd *run_top_by(const struct op_run *run)
{
    int64_t count = 0;
    struct op_row *rows = barks_top_by(op_rows(run, "left"), 30, op_longer, op_row, &count);
    return rows != NULL ? barks_parallelize(run->context, op_row, rows, (size_t)count, 1) : NULL;
}

static barks_rdd *run_max_by(const struct op_run *run)
{
    struct op_row *row = barks_max_by(op_rows(run, "left"), op_longer, op_row);
    return row != NULL ? barks_parallelize(run->context, op_row, row, 1, 1) : NULL;
}

/* ---- some partitions ---- */

static barks_rdd *run_only_partitions(const struct op_run *run)
{
    const uint32_t picked[] = {run->partitions - 1, 0, run->partitions / 2, 0};
    barks_rdd *sorted =
        barks_sort_by(op_rows(run, "left"), "id, key, number, text", .partitions = run->partitions);
    barks_rdd *all = barks_union(barks_only_partitions(sorted, picked, 4),
                                 barks_only_partitions(op_rows(run, "left"), picked + 1, 1));
    int64_t count = barks_count(barks_only_partitions(sorted, picked, 1));
    if (count < 0)
        return NULL;
    return barks_distinct(barks_union(all, sorted));
}

BARKS_RECORD(op_id_key, (i64, id));
static barks_rdd *run_filter_by_range(const struct op_run *run)
{
    const struct op_id_key low = {.id = 20}, high = {.id = 150};
    barks_rdd *sorted = barks_sort_by(op_rows(run, "left"), "id desc, key, number, text",
                                      .partitions = run->partitions);
    return barks_filter_by_range(sorted, op_id_key, &low, &high);
}

const struct op_case ops_order[] = {
    {"only_partitions", run_only_partitions},
    {"filter_by_range", run_filter_by_range},
    {"sort_by_fn", run_sort_by_fn},
    {"top_by", run_top_by},
    {"max_by", run_max_by},
};
const size_t ops_order_count = sizeof ops_order / sizeof ops_order[0];
