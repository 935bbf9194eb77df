/* What goes through exchanges, in bytes: nothing where none is made, and no more than once. */
#include "rdd/shapes.h"
#include "runtime/context.h"
#include "support/property.h"

BARKS_RECORD(key_total, (i64, key), (i64, total));
BARKS_RECORD(pair_total, (i64, key), (i64, left), (i64, right));

BARKS_REDUCE(add_totals, key_total) { acc->total += in->total; }
BARKS_MAP(double_total, key_total, key_total)
{
    out->key = in->key;
    out->total = 2 * in->total;
}
BARKS_PAIR(to_pair, key_total, key_total, pair_total)
{
    out->key = left->key;
    out->left = left->total;
    out->right = right->total;
}
BARKS_COGROUP(count_sides, pair_total, (a, key_total), (b, key_total))
{
    struct key_total row = {0};
    struct pair_total sums = {0};
    for (; barks_next_row(a, &row); sums.left++)
        ;
    for (; barks_next_row(b, &row); sums.right++)
        ;
    emit(.key = row.key, .left = sums.left, .right = sums.right);
}

enum { ROWS = 20000, KEYS = 500, PARTITIONS = 7 };

/* Bytes that executors sent to others in an action; of what one keeps for itself none are. */
static uint64_t shuffled_by_count(barks_context *context, barks_rdd *rdd)
{
    uint64_t before = driver_totals(context->driver).bytes_shuffled;
    ck_assert_int_ge(barks_count(rdd), 0);
    return driver_totals(context->driver).bytes_shuffled - before;
}

static barks_rdd *some_totals(barks_context *context)
{
    static struct key_total rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i] = (struct key_total){.key = i % KEYS, .total = i};
    return barks_parallelize(context, key_total, rows, ROWS, 5);
}

SHAPES(what_lies_right_is_not_sent)
{
    barks_rdd *parts =
        barks_cache(barks_partition_by(some_totals(context), "key", .partitions = PARTITIONS));
    bool has_others = driver_executor_count(context->driver) > 1;
    ck_assert_int_eq(shuffled_by_count(context, parts) > 0, has_others);
    barks_rdd *kept = barks_map_keeping(parts, double_total, NULL);
    barks_rdd *elided[] = {
        barks_reduce_by_key(parts, "key", add_totals),
        barks_reduce_by_key(kept, "key", add_totals),
        barks_distinct(parts),
        barks_distinct_by(kept, "key"),
        barks_group_by_key(parts, "key"),
        barks_join_with(parts, kept, "key", to_pair),
        barks_join_with(parts, parts, "key", to_pair),
        barks_cogroup(parts, kept, "key", count_sides),
        barks_aggregate(parts, "key", "sum(total) as sum"),
        barks_partition_by(parts, "key", .partitions = PARTITIONS),
        barks_repartition_and_sort(parts, "key", "key, total", .partitions = PARTITIONS),
        barks_reduce_by_key(barks_union(parts, kept), "key", add_totals),
        barks_subtract_by_key(parts, kept, "key"),
        barks_partition_by(barks_rename(parts, "key as k"), "k", .partitions = PARTITIONS),
    };
    for (size_t i = 0; i < sizeof elided / sizeof *elided; i++)
        ck_assert_msg(shuffled_by_count(context, elided[i]) == 0, "operation %zu sends rows", i);
    barks_rdd *moving[] = {
        barks_reduce_by_key(parts, "total", add_totals),
        barks_partition_by(parts, "key", .partitions = PARTITIONS + 1),
        barks_sort_by(parts, "total"),
        barks_repartition(parts, PARTITIONS),
        barks_join_with(parts, parts, "key", to_pair, .right_keys = "total"),
    };
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        ck_assert_msg((shuffled_by_count(context, moving[i]) > 0) == has_others,
                      "operation %zu sends no rows", i);
}

/* Both sides of a join with itself, and both ways of a union, read one exchange. Which rows an
 * executor keeps for itself depends on who runs what, so that bytes differ a little. */
SHAPES(what_is_read_twice_is_sent_once)
{
    barks_rdd *totals = some_totals(context);
    barks_rdd *parts = barks_partition_by(totals, "key", .partitions = PARTITIONS);
    barks_rdd *twice[] = {
        barks_union(parts, parts),
        barks_join_with(totals, totals, "key", to_pair, .partitions = PARTITIONS),
        barks_cogroup(totals, totals, "key", count_sides, .partitions = PARTITIONS),
    };
    uint64_t once = shuffled_by_count(context, parts);
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++)
        ck_assert_uint_le(shuffled_by_count(context, twice[i]), once + once / 2);
}

/* Rows are combined before they travel, unless nearly all have a key of their own: then they pass
 * the table by. Their number is right in either way. */
SHAPES(rows_that_do_not_combine_pass_by)
{
    enum { DISTINCT = 2500000, AGAIN = 1000 };
    barks_rdd *all =
        barks_union(barks_range(context, 0, DISTINCT, 1, 8), barks_range(context, 0, AGAIN, 1, 2));
    ck_assert_int_eq(barks_count(barks_distinct(all, .partitions = 16)), DISTINCT);
}

SUITE_MAIN("rdd/shuffled_bytes", ON_SHAPES(what_lies_right_is_not_sent),
           ON_SHAPES(what_is_read_twice_is_sent_once), ON_SHAPES(rows_that_do_not_combine_pass_by))
