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

/* ---- by place ---- */

static barks_rdd *run_rebalance(const struct op_run *run)
{
    return barks_rebalance(op_rows(run, "left"), run->partitions + 1);
}

static barks_rdd *run_concat(const struct op_run *run)
{
    barks_rdd *const all[] = {op_rows(run, "right"), op_rows(run, "left"), op_rows(run, "right")};
    return barks_concat(all, 3, run->partitions);
}

static barks_rdd *run_zip_align(const struct op_run *run)
{
    barks_rdd *right = barks_select(op_rows(run, "right"), "id as other, text as words");
    return barks_zip_align(op_rows(run, "left"), right, BARKS_ZIP_LONGEST);
}

static barks_rdd *run_zip_align_shortest(const struct op_run *run)
{
    barks_rdd *right = barks_rebalance(op_rows(run, "right"), run->partitions);
    return barks_zip_align(barks_select(right, "id as other"), op_rows(run, "left"),
                           BARKS_ZIP_SHORTEST);
}

static barks_rdd *run_merge_sorted(const struct op_run *run)
{
    barks_rdd *const all[] = {barks_sort_by(op_rows(run, "left"), "number desc, id"),
                              barks_sort_by(op_rows(run, "right"), "number desc, id"),
                              barks_sort_by(op_rows(run, "left"), "number desc, id")};
    return barks_merge_sorted(all, 3, "number desc, id", .partitions = run->partitions);
}

BARKS_RECORD(op_window, (i64, number), (i64, rows), (i64, first), (i64, last), (i64, sum));
BARKS_GROUP(op_to_window, op_row, op_window)
{
    struct op_row row;
    struct op_window window = {.number = barks_task()->index};
    while (barks_next_row(rows, &row)) {
        if (window.rows++ == 0)
            window.first = row.id;
        window.last = row.id;
        window.sum += row.id;
    }
    emit(.number = window.number, .rows = window.rows, .first = window.first, .last = window.last,
         .sum = window.sum);
}

static barks_rdd *run_windows(const struct op_run *run)
{
    barks_rdd *sorted = barks_sort_by(op_rows(run, "left"), "key", .partitions = run->partitions);
    return barks_windows(sorted, 5, 2, op_to_window, .partial = true);
}

static barks_rdd *run_blocks(const struct op_run *run)
{
    return barks_windows(op_rows(run, "left"), 100 * run->partitions, 100 * run->partitions,
                         op_to_window);
}

BARKS_RECORD(op_running, (i64, id), (optional(str), text));
BARKS_REDUCE(op_run_on, op_running)
{
    acc->id += in->id;
    if (in->text.valid)
        acc->text = in->text;
}

static barks_rdd *run_scan(const struct op_run *run)
{
    return barks_scan(op_rows(run, "left"), op_run_on);
}

static barks_rdd *run_scan_exclusive(const struct op_run *run)
{
    const struct op_running initial = {.id = 1000};
    return barks_scan(barks_rebalance(op_rows(run, "left"), run->partitions), op_run_on,
                      .exclusive = true, .initial = &initial);
}

/* ---- to an index ---- */

BARKS_RECORD(op_sum_of_id, (i64, id), (i64, key));
BARKS_REDUCE(op_add_key, op_sum_of_id) { acc->key += in->key; }

static barks_rdd *run_reduce_to_index(const struct op_run *run)
{
    const struct op_sum_of_id neutral = {.key = -1};
    return barks_reduce_to_index(op_rows(run, "left"), "id", 10000, op_add_key, .initial = &neutral,
                                 .partitions = run->partitions);
}

BARKS_RECORD(op_of_index, (i64, index), (i64, rows), (i64, first));
BARKS_GROUP(op_to_index, op_row, op_of_index)
{
    struct op_row row;
    struct op_of_index result = {.index = barks_task()->index, .first = -1};
    while (barks_next_row(rows, &row))
        if (result.rows++ == 0)
            result.first = row.key;
    emit(.index = result.index, .rows = result.rows, .first = result.first);
}

static barks_rdd *run_group_to_index(const struct op_run *run)
{
    return barks_group_to_index(op_rows(run, "left"), "id", 9500, op_to_index, .order = "key desc",
                                .partitions = run->partitions);
}

const struct op_case ops_order[] = {
    {"reduce_to_index", run_reduce_to_index},
    {"group_to_index", run_group_to_index},
    {"windows", run_windows},
    {"blocks", run_blocks},
    {"scan", run_scan},
    {"scan_exclusive", run_scan_exclusive},
    {"rebalance", run_rebalance},
    {"concat", run_concat},
    {"zip_align", run_zip_align},
    {"zip_align_shortest", run_zip_align_shortest},
    {"merge_sorted", run_merge_sorted},
    {"only_partitions", run_only_partitions},
    {"filter_by_range", run_filter_by_range},
    {"sort_by_fn", run_sort_by_fn},
    {"top_by", run_top_by},
    {"max_by", run_max_by},
};
const size_t ops_order_count = sizeof ops_order / sizeof ops_order[0];
