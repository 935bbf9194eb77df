/* Columns, partitions, exchanges and what is combined by key. */
#include "ops.h"

static barks_rdd *run_distinct(const struct op_run *run)
{
    barks_rdd *both[] = {op_rows(run, "left"), op_rows(run, "left"), op_rows(run, "right")};
    return barks_distinct(barks_union_all(both, 3), .partitions = run->partitions);
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

const struct op_case ops_a[] = {
    {"aggregate_by_key", run_aggregate_by_key},
    {"distinct", run_distinct},
    {"sort", run_sort},
};
const size_t ops_a_count = sizeof ops_a / sizeof ops_a[0];
