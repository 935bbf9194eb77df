/* Every operation against the dumbest model of it, on several numbers of executors. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 20000, KEYS = 97 };

BARKS_RECORD(item, (i64, number), (i32, key), (str, name));
BARKS_RECORD(key_sum, (i32, key), (i64, total), (i64, rows));
BARKS_RECORD(pair, (i64, a), (i64, b));
BARKS_RECORD(maybe, (optional(f64), value), (i64, id));
BARKS_RECORD(with_list, (i64, id), (list(i64), numbers), (list(str), names));

struct scale {
    int64_t factor;
};

BARKS_MAP(scale_number, item, item, struct scale)
{
    *out = *in;
    out->number = in->number * env->factor;
}
BARKS_FLAT_MAP(repeat, item, item)
{
    for (int64_t i = 0; i < in->number % 4; i++)
        emit(.number = in->number, .key = in->key, .name = in->name);
}
BARKS_FILTER(is_even, item) { return in->number % 2 == 0; }
BARKS_MAP_BATCHES(sum_batch, item, key_sum)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < batch->row_count; i++)
        total += batch->number[i];
    emit(.key = 0, .total = total, .rows = batch->row_count);
}
BARKS_MAP(to_sum, item, key_sum)
{
    out->key = in->key;
    out->total = in->number;
    out->rows = 1;
}
BARKS_REDUCE(add_sums, key_sum)
{
    acc->total += in->total;
    acc->rows += in->rows;
}
BARKS_AGGREGATE(add_item, item, key_sum)
{
    acc->total += in->number;
    acc->rows++;
}
BARKS_REDUCE(longest_name, item)
{
    if (in->name.length > acc->name.length ||
        (in->name.length == acc->name.length && barks_str_compare(in->name, acc->name) < 0))
        *acc = *in;
}

static struct item items[ROWS];
static char names[ROWS][40];

static void make_items(void)
{
    for (int i = 0; i < ROWS; i++) {
        snprintf(names[i], sizeof names[i], "%.*s%d", i % 17, "a name that is long",
                 i * 7919 % ROWS);
        items[i] = (struct item){
            .number = i, .key = i % KEYS, .name = barks_str_of(names[i], strlen(names[i]))};
    }
}

static barks_rdd *some_items(barks_context *context, uint32_t partitions)
{
    make_items();
    return barks_parallelize(context, item, items, ROWS, partitions);
}

SHAPES(collect_gives_the_array_in_order)
{
    for (uint32_t partitions = 0; partitions <= 13; partitions += 13) {
        int64_t count = 0;
        struct item *rows = barks_collect(some_items(context, partitions), item, &count);
        ck_assert_int_eq(count, ROWS);
        for (int i = 0; i < ROWS; i++)
            ck_assert(rows[i].number == i && rows[i].key == i % KEYS &&
                      barks_str_equal(rows[i].name, items[i].name));
        barks_release(context, rows);
    }
}

SHAPES(map_flat_map_and_filter_equal_loops)
{
    struct scale three = {3};
    int64_t count = 0, expected = 0;
    barks_rdd *scaled = barks_map(some_items(context, 7), scale_number, &three);
    struct item *rows = barks_collect(
        barks_filter(barks_flat_map(scaled, repeat, NULL), is_even, NULL), item, &count);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < i * 3 % 4; k++)
            if (i * 3 % 2 == 0)
                ck_assert(expected < count && rows[expected++].number == i * 3);
    ck_assert_int_eq(count, expected);
}

SHAPES(map_batches_sees_whole_batches)
{
    int64_t count = 0, total = 0, row_count = 0;
    struct key_sum *sums =
        barks_collect(barks_map_batches(some_items(context, 5), sum_batch, NULL), key_sum, &count);
    for (int64_t i = 0; i < count; i++) {
        total += sums[i].total;
        row_count += sums[i].rows;
    }
    ck_assert_int_lt(count, 200); /* batches, not rows */
    ck_assert_int_eq(row_count, ROWS);
    ck_assert_int_eq(total, (int64_t)ROWS * (ROWS - 1) / 2);
}

static void check_sums(const struct key_sum *sums, int64_t count)
{
    bool seen[KEYS] = {false};
    ck_assert_int_eq(count, KEYS);
    for (int64_t i = 0; i < count; i++) {
        int64_t total = 0, row_count = 0;
        for (int number = sums[i].key; number < ROWS; number += KEYS, row_count++)
            total += number;
        ck_assert(!seen[sums[i].key]);
        seen[sums[i].key] = true;
        ck_assert_int_eq(sums[i].total, total);
        ck_assert_int_eq(sums[i].rows, row_count);
    }
}

SHAPES(reduce_by_key_and_aggregate_by_key_equal_loops)
{
    int64_t count = 0;
    barks_rdd *mapped = barks_map(some_items(context, 11), to_sum, NULL);
    struct key_sum *sums =
        barks_collect(barks_reduce_by_key(mapped, "key", add_sums), key_sum, &count);
    check_sums(sums, count);
    barks_rdd *aggregated =
        barks_aggregate_by_key(some_items(context, 11), "key", add_item, add_sums, .partitions = 5);
    sums = barks_collect(aggregated, key_sum, &count);
    check_sums(sums, count);
}

SHAPES(reduce_by_two_keys_and_strings_that_the_body_keeps)
{
    int64_t count = 0;
    struct item *rows = barks_collect(
        barks_reduce_by_key(some_items(context, 9), "key", longest_name), item, &count);
    ck_assert_int_eq(count, KEYS);
    for (int64_t i = 0; i < count; i++) {
        struct item best = items[rows[i].key];
        for (int k = rows[i].key; k < ROWS; k += KEYS)
            if (items[k].name.length > best.name.length ||
                (items[k].name.length == best.name.length &&
                 barks_str_compare(items[k].name, best.name) < 0))
                best = items[k];
        ck_assert(barks_str_equal(rows[i].name, best.name));
    }
    barks_rdd *by_two = barks_reduce_by_key(some_items(context, 9), "key, number", longest_name);
    ck_assert_int_eq(barks_count(by_two), ROWS);
}

SHAPES(distinct_and_union_count_right)
{
    barks_rdd *rdd = some_items(context, 6);
    barks_rdd *twice = barks_union(rdd, rdd);
    barks_rdd *three[3] = {twice, rdd, barks_filter(rdd, is_even, NULL)};
    ck_assert_int_eq(barks_count(twice), 2 * ROWS);
    ck_assert_int_eq(barks_count(barks_union_all(three, 3)), 3 * ROWS + ROWS / 2);
    ck_assert_int_eq(barks_count(barks_distinct(barks_union_all(three, 3))), ROWS);
    /* A shuffle that two ways lead to. */
    barks_rdd *wide = barks_distinct(rdd, .partitions = 3);
    ck_assert_int_eq(barks_count(barks_union(wide, wide)), 2 * ROWS);
    ck_assert_int_eq(
        barks_count(barks_distinct(barks_union(wide, barks_filter(wide, is_even, NULL)))), ROWS);
}

SHAPES(sort_by_is_stable_and_global)
{
    int64_t count = 0;
    struct item *rows =
        barks_collect(barks_sort_by(some_items(context, 8), "key desc, name"), item, &count);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 1; i < count; i++) {
        int names_order = barks_str_compare(rows[i - 1].name, rows[i].name);
        ck_assert(rows[i - 1].key > rows[i].key ||
                  (rows[i - 1].key == rows[i].key && names_order <= 0));
    }
    rows =
        barks_collect(barks_sort_by(some_items(context, 8), "key", .partitions = 3), item, &count);
    for (int64_t i = 1; i < count; i++)
        ck_assert(rows[i - 1].key < rows[i].key ||
                  (rows[i - 1].key == rows[i].key && rows[i - 1].number < rows[i].number));
}

SHAPES(take_and_top_are_the_first_rows)
{
    int64_t count = 0;
    struct item *rows = barks_take(some_items(context, 30), 1500, item, &count);
    ck_assert_int_eq(count, 1500);
    for (int i = 0; i < 1500; i++)
        ck_assert_int_eq(rows[i].number, i);
    rows = barks_take(some_items(context, 30), 10 * ROWS, item, &count);
    ck_assert_int_eq(count, ROWS);
    rows = barks_take(some_items(context, 30), 0, item, &count);
    ck_assert(rows != NULL && count == 0);
    rows = barks_top(some_items(context, 30), 5, "key desc, number desc", item, &count);
    ck_assert_int_eq(count, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(rows[i].number,
                         (ROWS - 1 - (KEYS - 1)) / KEYS * KEYS + (KEYS - 1) - i * KEYS);
}

SHAPES(reduce_folds_all_into_one)
{
    struct key_sum sum = {0};
    ck_assert(barks_reduce(barks_map(some_items(context, 12), to_sum, NULL), add_sums, &sum));
    ck_assert_int_eq(sum.rows, ROWS);
    ck_assert_int_eq(sum.total, (int64_t)ROWS * (ROWS - 1) / 2);
    struct item longest = {0};
    ck_assert(barks_reduce(some_items(context, 12), longest_name, &longest));
    for (int i = 0; i < ROWS; i++)
        ck_assert(items[i].name.length <= longest.name.length);
}

SHAPES(nulls_and_nan_group_and_sort_as_decided)
{
    struct maybe rows[] = {
        {{1.5, true}, 0}, {{0, false}, 1}, {{__builtin_nan(""), true}, 2}, {{-0.0, true}, 3},
        {{0.0, true}, 4}, {{0, false}, 5}, {{__builtin_nan(""), true}, 6}, {{-1, true}, 7}};
    int64_t count = 0;
    barks_rdd *rdd = barks_parallelize(context, maybe, rows, 8, 3);
    struct maybe *sorted = barks_collect(barks_sort_by(rdd, "value"), maybe, &count);
    const int64_t expected[] = {7, 3, 4, 0, 2, 6, 1, 5};
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(sorted[i].id, expected[i]);
    sorted = barks_collect(barks_sort_by(rdd, "value desc nulls last"), maybe, &count);
    const int64_t descending[] = {2, 6, 0, 3, 4, 7, 1, 5};
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(sorted[i].id, descending[i]);
}

SHAPES(lists_travel_through_every_step)
{
    enum { LISTS = 500 };
    static int64_t numbers[LISTS][8];
    static barks_str texts[LISTS][3];
    static struct with_list rows[LISTS];
    for (int i = 0; i < LISTS; i++) {
        for (int k = 0; k < 8; k++)
            numbers[i][k] = i * 10 + k;
        for (int k = 0; k < 3; k++)
            texts[i][k] = k % 2 == 0 ? BARKS_STR_LITERAL("short")
                                     : BARKS_STR_LITERAL("a text longer than a view");
        rows[i] = (struct with_list){i, {numbers[i], (uint32_t)i % 9}, {texts[i], (uint32_t)i % 4}};
    }
    int64_t count = 0;
    barks_rdd *rdd = barks_distinct(
        barks_sort_by(barks_parallelize(context, with_list, rows, LISTS, 7), "id desc"));
    struct with_list *got = barks_collect(barks_sort_by(rdd, "id"), with_list, &count);
    ck_assert_int_eq(count, LISTS);
    for (int i = 0; i < LISTS; i++) {
        ck_assert_int_eq(got[i].id, i);
        ck_assert_uint_eq(got[i].numbers.count, (uint32_t)i % 9);
        ck_assert_uint_eq(got[i].names.count, (uint32_t)i % 4);
        for (uint32_t k = 0; k < got[i].numbers.count; k++)
            ck_assert_int_eq(got[i].numbers.items[k], i * 10 + (int64_t)k);
        for (uint32_t k = 0; k < got[i].names.count; k++)
            ck_assert(barks_str_equal(got[i].names.items[k], texts[i][k]));
    }
}

SHAPES(nothing_at_all_is_fine)
{
    int64_t count = -1;
    barks_rdd *none = barks_parallelize(context, item, items, 0, 4);
    ck_assert_int_eq(barks_count(none), 0);
    ck_assert(barks_collect(barks_sort_by(barks_distinct(none), "key"), item, &count) != NULL);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(barks_count(barks_reduce_by_key(none, "key", longest_name)), 0);
    ck_assert_int_eq(barks_count(barks_union(none, none)), 0);
}

SUITE_MAIN("rdd/operations", ON_SHAPES(collect_gives_the_array_in_order),
           ON_SHAPES(map_flat_map_and_filter_equal_loops),
           ON_SHAPES(map_batches_sees_whole_batches),
           ON_SHAPES(reduce_by_key_and_aggregate_by_key_equal_loops),
           ON_SHAPES(reduce_by_two_keys_and_strings_that_the_body_keeps),
           ON_SHAPES(distinct_and_union_count_right), ON_SHAPES(sort_by_is_stable_and_global),
           ON_SHAPES(take_and_top_are_the_first_rows), ON_SHAPES(reduce_folds_all_into_one),
           ON_SHAPES(nulls_and_nan_group_and_sort_as_decided),
           ON_SHAPES(lists_travel_through_every_step), ON_SHAPES(nothing_at_all_is_fine))
