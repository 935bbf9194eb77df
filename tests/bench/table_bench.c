/* Operations on tables of keys and values, to be measured: see usage. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: table_bench OPERATION INPUT... OUTPUT\n"
    "INPUT is CSV with the columns key and value (*.csv), or what import has written; OUTPUT is "
    "overwritten.\n"
    "  import    the rows as they are\n"
    "  group     sum and count of each key\n"
    "  distinct  each row once\n"
    "  sort      the rows by key and value\n"
    "  join      the rows of two inputs with equal keys\n"
    "  sparse    the same, the keys of the second 100 times as large: so that it has few of the "
    "first's\n"
    "  pairs     of these, one of 1000 or so: what a join costs whose rows nobody writes\n"
    "  tally     of these, in 16 partitions: sum and count by something else than the keys\n"
    "  cogroup   for each key the number of rows and the sum of each of two inputs\n"
    "  cache     as group, of rows that are kept in memory and counted first\n"
    "And without an OUTPUT, of what group and join have written: check-groups and check-joined "
    "print how many rows\n"
    "there are, and of groups also the sum of their counts.\n"
    "--barks-help lists what every job takes.\n";

BARKS_RECORD(pair, (i64, key), (i64, value));
BARKS_RECORD(group_total, (i64, key), (i64, sum), (i64, count));
BARKS_RECORD(side_totals, (i64, key), (i64, left_sum), (i64, left_count), (i64, right_sum),
             (i64, right_count));
BARKS_RECORD(joined, (i64, key), (i64, value), (i64, other));
BARKS_RECORD(values, (i64, value), (i64, other));

BARKS_AGGREGATE(add_row, pair, group_total)
{
    acc->sum += in->value;
    acc->count++;
}

BARKS_REDUCE(add_totals, group_total)
{
    acc->sum += in->sum;
    acc->count += in->count;
}

BARKS_FILTER(one_of_1000, values) { return (in->value * 1000 + in->other) % 1009 == 0; }

BARKS_MAP(by_values, values, pair)
{
    *out = (struct pair){.key = (in->value * 31 + in->other) % 1000, .value = in->value};
}

BARKS_MAP(spread_key, pair, pair)
{
    out->key = 100 * in->key;
    out->value = in->value;
}

BARKS_COGROUP(total_sides, side_totals, (left, pair), (right, pair))
{
    struct pair row = {0};
    struct side_totals totals = {0};
    for (; barks_next_row(left, &row); totals.left_count++)
        totals.left_sum += row.value;
    for (; barks_next_row(right, &row); totals.right_count++)
        totals.right_sum += row.value;
    totals.key = row.key;
    emit(.key = totals.key, .left_sum = totals.left_sum, .left_count = totals.left_count,
         .right_sum = totals.right_sum, .right_count = totals.right_count);
}

static barks_rdd *read_rows(barks_context *ctx, const char *path)
{
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, ".csv") == 0)
        return barks_read_csv(ctx, path, pair, .multiline = BARKS_NEVER);
    return barks_read_batches(ctx, path, pair);
}

static barks_rdd *group(barks_rdd *rows)
{
    return barks_aggregate_by_key(rows, "key", add_row, add_totals);
}

/* The result of an operation on one table, or NULL where there is no such operation. */
static barks_rdd *run_one(const char *operation, barks_rdd *rows)
{
    if (strcmp(operation, "import") == 0)
        return rows;
    if (strcmp(operation, "group") == 0)
        return group(rows);
    if (strcmp(operation, "distinct") == 0)
        return barks_distinct(rows);
    if (strcmp(operation, "sort") == 0)
        return barks_sort_by(rows, "key, value");
    if (strcmp(operation, "cache") == 0)
        return barks_count(barks_cache(rows)) < 0 ? NULL : group(rows);
    return NULL;
}

static barks_rdd *run_two(const char *operation, barks_rdd *left, barks_rdd *right)
{
    if (strcmp(operation, "cogroup") == 0)
        return barks_cogroup(left, right, "key", total_sides);
    bool is_sparse = strcmp(operation, "sparse") == 0;
    if (is_sparse)
        right = barks_map(right, spread_key, NULL);
    right = barks_rename(right, "value as other");
    if (strcmp(operation, "tally") == 0)
        return group(barks_map(barks_join(left, right, "key", .partitions = 16), by_values, NULL));
    barks_rdd *joined = barks_join(left, right, "key");
    if (is_sparse || strcmp(operation, "join") == 0)
        return joined;
    return strcmp(operation, "pairs") == 0 ? barks_filter(joined, one_of_1000, NULL) : NULL;
}

/* False where there is no such check, or it failed. */
static bool check_result(barks_context *ctx, const char *check, const char *path)
{
    int64_t count = 0, row_count = -1;
    if (strcmp(check, "check-groups") == 0) {
        barks_rdd *groups = barks_read_batches(ctx, path, group_total);
        row_count = barks_count(groups);
        if (row_count < 0 || !barks_sum_i64(groups, "count", &count))
            return false;
        printf("rows %lld count %lld\n", (long long)row_count, (long long)count);
    } else if (strcmp(check, "check-joined") == 0) {
        row_count = barks_count(barks_read_batches(ctx, path, joined));
        if (row_count >= 0)
            printf("rows %lld\n", (long long)row_count);
    }
    return row_count >= 0;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    barks_rdd *result = NULL;
    if (argc == 3 && check_result(ctx, argv[1], argv[2]))
        return barks_finalize(ctx);
    if (argc == 4)
        result = run_one(argv[1], read_rows(ctx, argv[2]));
    else if (argc == 5)
        result = run_two(argv[1], read_rows(ctx, argv[2]), read_rows(ctx, argv[3]));
    if (result == NULL) {
        int failed = barks_finalize(ctx); /* as an action that NULL stands for has said */
        if (failed == 0)
            fputs(usage, stderr);
        return failed != 0 ? failed : 2;
    }
    barks_write_batches(result, argv[argc - 1], .overwrite = true);
    return barks_finalize(ctx);
}
