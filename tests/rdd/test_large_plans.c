/* Plans of thousands of steps or inputs: planned, shipped and run without deep stacks, in seconds.
 */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(number, (i64, n));
BARKS_MAP(add_one, number, number) { out->n = in->n + 1; }
BARKS_FILTER(is_small, number) { return in->n < 1000000; }
BARKS_REDUCE(add, number) { acc->n += in->n; }

enum { STEPS = 10000, ROWS = 100 };

static struct number numbers[ROWS];

static barks_rdd *some_numbers(barks_context *context, uint32_t partitions)
{
    for (int i = 0; i < ROWS; i++)
        numbers[i].n = i;
    return barks_parallelize(context, number, numbers, ROWS, partitions);
}

static void check_ascending(barks_rdd *rdd, int64_t first)
{
    int64_t count = 0;
    struct number *rows = barks_collect(rdd, number, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, ROWS);
    for (int i = 0; i < ROWS; i++)
        ck_assert_int_eq(rows[i].n, first + i);
}

SHAPES(ten_thousand_narrow_steps)
{
    barks_rdd *rdd = some_numbers(context, 3);
    for (int i = 0; i < STEPS; i++)
        rdd = i % 3 == 2 ? barks_filter(rdd, is_small, NULL) : barks_map(rdd, add_one, NULL);
    check_ascending(rdd, STEPS - STEPS / 3);
    /* And below an exchange and above it. */
    check_ascending(barks_map(barks_sort_by(rdd, "n", .partitions = 2), add_one, NULL),
                    STEPS - STEPS / 3 + 1);
    ck_assert_ptr_nonnull(barks_explain(rdd));
}

SHAPES(too_deep_a_stage_is_refused)
{
    char text[2048];
    barks_rdd *rdd = some_numbers(context, 1);
    for (int i = 0; i < 20001; i++)
        rdd = barks_map(rdd, add_one, NULL);
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    barks_status_format(error, text, sizeof text);
    ck_assert_int_eq(barks_status_code(error), BARKS_LIMIT);
    ck_assert_msg(strstr(text, "more than 20000 steps one after another") != NULL, "%s", text);
    barks_status_free(error);
}

/* The deepest that is allowed, and an exchange that makes two of what would be too deep. */
SHAPES(the_deepest_stage_runs)
{
    barks_rdd *rdd = some_numbers(context, 1);
    for (int i = 0; i < 20000; i++) /* every other one copies no rows, so that memory suffices */
        rdd = i % 2 == 0 ? barks_select(rdd, "n") : barks_filter(rdd, is_small, NULL);
    check_ascending(rdd, 0);
    check_ascending(barks_map(barks_repartition(rdd, 1), add_one, NULL), 1);
}

SHAPES(a_union_of_ten_thousand_inputs)
{
    static barks_rdd *inputs[STEPS];
    struct number sum = {0};
    for (int i = 0; i < STEPS; i++)
        inputs[i] = barks_parallelize(context, number, &(struct number){.n = i}, 1, 1);
    barks_rdd *all = barks_union_all(inputs, STEPS);
    ck_assert_uint_eq(barks_partition_count(all), STEPS);
    ck_assert_int_eq(barks_count(all), STEPS);
    ck_assert(barks_reduce(barks_distinct(all, .partitions = 5), add, &sum));
    ck_assert_int_eq(sum.n, (int64_t)STEPS * (STEPS - 1) / 2);
}

/* One after another: each union has the last one and one more. */
SHAPES(a_thousand_unions_of_two)
{
    barks_rdd *all = some_numbers(context, 1);
    for (int i = 1; i < 1000; i++)
        all = barks_union(all, some_numbers(context, 1));
    ck_assert_uint_eq(barks_partition_count(all), 1000);
    ck_assert_int_eq(barks_count(all), 1000 * ROWS);
}

/* Each stage reads the one before it and is released by the one after. */
static void chain_exchanges(barks_context *context)
{
    struct number sum = {0};
    barks_rdd *rdd = some_numbers(context, 2);
    for (int i = 0; i < STEPS; i++)
        rdd = barks_repartition(rdd, 2);
    ck_assert(barks_reduce(rdd, add, &sum));
    ck_assert_int_eq(sum.n, ROWS * (ROWS - 1) / 2);
}

START_TEST(ten_thousand_chained_exchanges) { run_on(chain_exchanges, "1", 0); }
END_TEST

SHAPES(arrays_with_more_partitions_than_elements)
{
    for (uint32_t count = 0; count <= 3; count++) {
        int64_t n = 0;
        some_numbers(context, 1);
        barks_rdd *rdd = barks_parallelize(context, number, numbers, count, 1000);
        ck_assert_uint_eq(barks_partition_count(rdd), 1000);
        struct number *rows = barks_collect(rdd, number, &n);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(n, count);
        for (int64_t i = 0; i < n; i++)
            ck_assert_int_eq(rows[i].n, i);
        rows = barks_collect(barks_sort_by(rdd, "n desc"), number, &n);
        ck_assert_int_eq(n, count);
        for (int64_t i = 0; i < n; i++)
            ck_assert_int_eq(rows[i].n, n - 1 - i);
        ck_assert_int_eq(barks_count(barks_distinct(rdd)), count);
        ck_assert_int_eq(barks_count(barks_join(rdd, rdd, "n")), count);
    }
}

SUITE_MAIN("rdd/large_plans", ON_SHAPES(ten_thousand_narrow_steps),
           ON_SHAPES(the_deepest_stage_runs), ON_SHAPES(too_deep_a_stage_is_refused),
           ON_SHAPES(a_union_of_ten_thousand_inputs), ON_SHAPES(a_thousand_unions_of_two),
           ten_thousand_chained_exchanges, ON_SHAPES(arrays_with_more_partitions_than_elements))
