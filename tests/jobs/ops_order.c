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

const struct op_case ops_order[] = {
    {"sort_by_fn", run_sort_by_fn},
    {"top_by", run_top_by},
    {"max_by", run_max_by},
};
const size_t ops_order_count = sizeof ops_order / sizeof ops_order[0];
