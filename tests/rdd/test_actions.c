/* Actions that bring rows or values to the driver, against loops over arrays. */
#include "rdd/cases.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 20000 };

BARKS_RECORD(item, (i64, id), (i32, key), (f64, price), (str, name));
BARKS_RECORD(maybe, (optional(f64), x), (i64, id));
BARKS_RECORD(key_of, (i32, key));
BARKS_RECORD(total, (i64, sum), (i64, count));
BARKS_RECORD(word, (str, text), (i64, count));

BARKS_REDUCE(add_totals, total)
{
    acc->sum += in->sum;
    acc->count += in->count;
}
BARKS_AGGREGATE(add_item, item, total)
{
    acc->sum += in->id;
    acc->count++;
}
BARKS_MAP(to_total, item, total)
{
    out->sum = in->id;
    out->count = 1;
}
BARKS_REDUCE(longest, word)
{
    if (in->text.length > acc->text.length)
        acc->text = in->text;
    acc->count += in->count;
}
BARKS_FILTER(is_none, item) { return in->id < 0; }
BARKS_REDUCE(latest, item)
{
    if (in->id > acc->id)
        *acc = *in;
}

static struct item items[ROWS];

static barks_rdd *source(barks_context *context, uint32_t count, uint32_t partitions)
{
    for (uint32_t i = 0; i < ROWS; i++)
        items[i] =
            (struct item){.id = i,
                          .key = (int32_t)(i * 7 % 101),
                          .price = (double)(i * 37 % 1000) / 10,
                          .name = i % 2 == 0 ? BARKS_STR_LITERAL("even")
                                             : BARKS_STR_LITERAL("odd, and a rather long name")};
    return barks_parallelize(context, item, items, count, partitions);
}

/* The standard output is the test's own report, so the table goes elsewhere. */
static void check_table(barks_rdd *rdd)
{
    char text[1000] = "";
    fflush(stdout);
    FILE *file = tmpfile();
    int report = dup(1);
    dup2(fileno(file), 1);
    bool shown = barks_show(rdd, 2);
    fflush(stdout);
    dup2(report, 1);
    close(report);
    rewind(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    ck_assert(shown);
    ck_assert_ptr_nonnull(strstr(text, "odd, and a rather long name"));
    ck_assert_ptr_nonnull(strstr(text, "(2 rows)"));
}

SHAPES(few_rows)
{
    int64_t count = 0;
    barks_rdd *rdd = source(context, ROWS, 7), *none = barks_filter(rdd, is_none, NULL);
    ck_assert_int_eq(barks_is_empty(rdd), 0);
    ck_assert_int_eq(barks_is_empty(none), 1);
    ck_assert_int_eq(barks_is_empty(source(context, 0, 3)), 1);
    struct item *first = barks_first(barks_sort_by(rdd, "id desc"), item);
    ck_assert_int_eq(first->id, ROWS - 1);
    struct item *best = barks_take_ordered(rdd, 3, "price desc, id", item, &count);
    ck_assert(count == 3 && best[0].price == 99.9 && best[0].id < best[1].id);
    check_table(rdd);
}

SHAPES_EXIT(the_first_of_nothing_is_an_error, 2)
{
    ck_assert_ptr_null(barks_first(barks_filter(source(context, ROWS, 3), is_none, NULL), item));
}

SHAPES(samples_are_exact_and_seeded)
{
    static bool seen[ROWS];
    int64_t count = 0, again = 0;
    barks_rdd *rdd = source(context, ROWS, 9);
    struct item *rows = barks_take_sample(rdd, 500, item, &count, .seed = 7);
    struct item *same = barks_take_sample(rdd, 500, item, &again, .seed = 7);
    ck_assert(count == 500 && again == 500);
    uint32_t ascending = 0;
    memset(seen, 0, sizeof seen);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(!seen[rows[i].id]);
        seen[rows[i].id] = true;
        ck_assert_int_eq(rows[i].id, same[i].id);
        ck_assert(barks_str_equal(rows[i].name, items[rows[i].id].name));
        ascending += i > 0 && rows[i].id > rows[i - 1].id;
    }
    ck_assert(ascending > 150 && ascending < 350); /* shuffled */
    rows = barks_take_sample(rdd, 500, item, &count, .seed = 8);
    uint32_t others = 0;
    for (int64_t i = 0; i < count; i++)
        others += !seen[rows[i].id];
    ck_assert_uint_gt(others, 400);
    rows = barks_take_sample(source(context, 100, 9), 500, item, &count);
    ck_assert_int_eq(count, 100);
    rows = barks_take_sample(source(context, 100, 9), 500, item, &count, .with_replacement = true);
    ck_assert_int_eq(count, 500);
    for (int64_t i = 0; i < count; i++)
        ck_assert(rows[i].id >= 0 && rows[i].id < 100);
    rows = barks_take_sample(source(context, 0, 3), 5, item, &count, .with_replacement = true);
    ck_assert(rows != NULL && count == 0);
}

SHAPES(lookups_find_all_rows_of_a_key)
{
    int64_t count = 0;
    struct key_of key = {.key = 42}, missing = {.key = 500};
    barks_rdd *rdd = source(context, ROWS, 6);
    barks_rdd *reduced = barks_reduce_by_key(rdd, "key", latest, .partitions = 8);
    struct item *rows = barks_lookup(rdd, key_of, &key, item, &count);
    int64_t found = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (items[i].key != 42)
            continue;
        ck_assert(found < count && rows[found].id == i);
        found++;
    }
    ck_assert_int_eq(count, found);
    struct item *last = barks_lookup(reduced, key_of, &key, item, &count);
    ck_assert(count == 1 && last[0].id == rows[found - 1].id);
    ck_assert_ptr_nonnull(barks_lookup(rdd, key_of, &missing, item, &count));
    ck_assert_int_eq(count, 0);
}

SHAPES(a_map_has_the_last_of_each_key)
{
    int64_t count = 0;
    struct item *rows = barks_collect_as_map(source(context, ROWS, 6), "key", item, &count);
    ck_assert_int_eq(count, 101);
    for (int32_t key = 0; key < 101; key++) {
        int64_t last = -1;
        for (int64_t i = 0; i < ROWS; i++)
            last = items[i].key == key ? i : last;
        ck_assert_int_eq(rows[key].key, key);
        ck_assert_int_eq(rows[key].id, last);
    }
}

BARKS_RECORD(key_count, (i32, key), (i64, count));
BARKS_RECORD(whole_count, (i32, key), (i64, count));
BARKS_MAP(only_key, item, key_of) { out->key = in->key % 5; }

SHAPES(rows_are_counted_by_key_and_by_value)
{
    int64_t count = 0;
    barks_rdd *rdd = source(context, ROWS, 6);
    struct key_count *rows = barks_count_by_key(rdd, "key", key_count, &count);
    ck_assert_int_eq(count, 101);
    for (int32_t key = 0; key < 101; key++) {
        int64_t expected = 0;
        for (uint32_t i = 0; i < ROWS; i++)
            expected += items[i].key == key;
        ck_assert(rows[key].key == key && rows[key].count == expected);
    }
    struct whole_count *values =
        barks_count_by_value(barks_map(rdd, only_key, NULL), whole_count, &count);
    ck_assert_int_eq(count, 5);
    int64_t all = 0;
    for (int64_t i = 0; i < count; i++)
        all += values[i].count;
    ck_assert_int_eq(all, ROWS);
    struct item *last = barks_reduce_by_key_locally(rdd, "key", latest, item, &count);
    ck_assert(count == 101 && last[7].key == 7);
}

SHAPES(iterators_give_partition_after_partition)
{
    barks_rdd *rdd = source(context, ROWS, 7);
    for (int round = 0; round < 2; round++) {
        int64_t count = 0, next = 0, parts = 0;
        barks_iterator *all = barks_iterate(round == 0 ? rdd : barks_sort_by(rdd, "id"), item);
        for (struct item *rows; (rows = barks_next_rows(all, item, &count)) != NULL; parts++)
            for (int64_t i = 0; i < count; i++)
                ck_assert_int_eq(rows[i].id, next++);
        ck_assert_int_eq(next, ROWS);
        ck_assert_int_eq(parts, 7);
        ck_assert(barks_iterator_end(all));
    }
    barks_iterator *left = barks_iterate(rdd, item);
    int64_t count = 0;
    ck_assert_ptr_nonnull(barks_next_rows(left, item, &count));
    ck_assert(barks_iterator_end(left));
}

SHAPES(zero_counts_once_a_partition_and_once_more)
{
    struct total one = {.sum = 1, .count = 0}, zero = {0}, got = {0};
    barks_rdd *rdd = source(context, ROWS, 7);
    int64_t sum = (int64_t)ROWS * (ROWS - 1) / 2;
    ck_assert(barks_fold(barks_map(rdd, to_total, NULL), &one, add_totals, &got));
    ck_assert(got.sum == sum + 8 && got.count == ROWS);
    ck_assert(barks_aggregate_all(rdd, &one, add_item, add_totals, &got));
    ck_assert(got.sum == sum + 8 && got.count == ROWS);
    ck_assert(barks_aggregate_all(source(context, 3, 10), &one, add_item, add_totals, &got));
    ck_assert(got.sum == 3 + 11 && got.count == 3); /* empty partitions too */
    ck_assert(barks_aggregate_all(source(context, 0, 4), &one, add_item, add_totals, &got));
    ck_assert(got.sum == 5 && got.count == 0);
    for (uint32_t depth = 1; depth < 5; depth++) {
        rdd = source(context, ROWS, 40);
        ck_assert(barks_tree_aggregate(rdd, &zero, add_item, add_totals, depth, &got));
        ck_assert(got.sum == sum && got.count == ROWS);
        ck_assert(barks_tree_reduce(barks_map(rdd, to_total, NULL), add_totals, depth, &got));
        ck_assert(got.sum == sum && got.count == ROWS);
    }
}

SHAPES(strings_in_zeros_travel)
{
    static const char text[] = "a zero with a string that is longer than all of the others are";
    struct word zero = {.text = barks_str_of(text, sizeof text - 1)}, got = {0};
    struct word words[] = {{.text = BARKS_STR_LITERAL("x"), .count = 1},
                           {.text = BARKS_STR_LITERAL("yy"), .count = 2}};
    barks_rdd *rdd = barks_parallelize(context, word, words, 2, 3);
    ck_assert(barks_fold(rdd, &zero, longest, &got));
    ck_assert(barks_str_equal(got.text, zero.text) && got.count == 3);
}

SHAPES(numbers_of_a_column)
{
    double sum = 0, mean = 0;
    int64_t whole = 0;
    barks_statistics stats;
    barks_rdd *rdd = source(context, ROWS, 7), *none = barks_filter(rdd, is_none, NULL);
    ck_assert(barks_sum_i64(rdd, "id", &whole));
    ck_assert_int_eq(whole, (int64_t)ROWS * (ROWS - 1) / 2);
    ck_assert(barks_sum(rdd, "price", &sum));
    ck_assert(fabs(sum - 999000) < 1e-9);
    ck_assert(barks_mean(rdd, "price", &mean) && fabs(mean - 49.95) < 1e-12);
    ck_assert(barks_stats(rdd, "key", &stats));
    ck_assert(stats.count == ROWS && stats.min == 0 && stats.max == 100);
    ck_assert(fabs(stats.sample_variance * (ROWS - 1) - stats.variance * ROWS) < 1e-5);
    ck_assert(fabs(stats.deviation * stats.deviation - stats.variance) < 1e-9);
    ck_assert(barks_sum(none, "price", &sum) && sum == 0);
    ck_assert(barks_mean(none, "price", &mean) && isnan(mean));
    ck_assert(barks_stats(none, "price", &stats));
    ck_assert(stats.count == 0 && isnan(stats.variance) && isnan(stats.min) && isnan(stats.max));
    ck_assert_int_eq(barks_min(rdd, "price", item)->id, 0);
    ck_assert_int_eq(barks_max(rdd, "price", item)->id, 27); /* the first of 99.9 */
    struct item *by_name = barks_max(rdd, "name", item);
    ck_assert_int_eq(by_name->id, 1);
}

SHAPES(nulls_and_nan_in_a_column)
{
    double sum = 0;
    barks_statistics stats;
    struct maybe rows[] = {{.x = {.valid = false}, .id = 0},
                           {.x = {.value = 3, .valid = true}, .id = 1},
                           {.x = {.value = -1, .valid = true}, .id = 2},
                           {.x = {.valid = false}, .id = 3}};
    barks_rdd *rdd = barks_parallelize(context, maybe, rows, 4, 3);
    ck_assert(barks_sum(rdd, "x", &sum) && sum == 2);
    ck_assert(barks_stats(rdd, "x", &stats) && stats.count == 2 && stats.min == -1);
    ck_assert_int_eq(barks_min(rdd, "x", maybe)->id, 2);
    ck_assert_int_eq(barks_max(rdd, "x", maybe)->id, 1);
    rows[0].x.value = (double)NAN;
    rows[0].x.valid = true;
    rdd = barks_parallelize(context, maybe, rows, 4, 3);
    ck_assert_int_eq(barks_min(rdd, "x", maybe)->id, 2);
    ck_assert_int_eq(barks_max(rdd, "x", maybe)->id, 0);
    ck_assert(barks_stats(rdd, "x", &stats) && isnan(stats.max) && stats.min == -1);
}

static void check_bits(const barks_statistics *a, const barks_statistics *b)
{
    ck_assert(memcmp(&a->variance, &b->variance, sizeof a->variance) == 0);
    ck_assert(memcmp(&a->sample_deviation, &b->sample_deviation, sizeof a->variance) == 0);
    ck_assert(memcmp(&a->mean, &b->mean, sizeof a->mean) == 0);
}

SHAPES(statistics_do_not_depend_on_partitions)
{
    uint64_t seed = property_seed();
    static const double sizes[] = {1, 1e9, 1e150, 1e-150};
    static struct maybe rows[2000];
    for (int i = 0; i < 4; i++) {
        barks_statistics first, next;
        for (int64_t k = 0; k < 2000; k++)
            rows[k] = (struct maybe){
                .x = {sizes[i] * (1 + (double)(property_next(&seed) % 997) / 7), k % 5 != 0},
                .id = k};
        barks_rdd *one = barks_parallelize(context, maybe, rows, 2000, 1);
        ck_assert(barks_stats(one, "x", &first));
        ck_assert(first.deviation > 35 * sizes[i] && first.deviation < 46 * sizes[i]);
        for (uint32_t partitions = 2; partitions < 40; partitions += 13) {
            barks_rdd *more = barks_parallelize(context, maybe, rows, 2000, partitions);
            ck_assert(barks_stats(more, "x", &next));
            check_bits(&first, &next);
            ck_assert(barks_stats(barks_repartition(more, 5), "x", &next));
            check_bits(&first, &next);
        }
    }
    for (int64_t k = 0; k < 2000; k++)
        rows[k].x = (barks_optional_f64){0.1, true};
    barks_statistics same;
    ck_assert(barks_stats(barks_parallelize(context, maybe, rows, 2000, 7), "x", &same));
    ck_assert(same.variance == 0 && same.sample_deviation == 0);
}

BARKS_MAP(count_visit, item, item, barks_accumulator)
{
    barks_add(*env, 1);
    *out = *in;
}

SHAPES(few_rows_of_an_exchange_need_few_of_its_partitions)
{
    int64_t count = 0;
    barks_accumulator visits = barks_counter(context, "visits");
    barks_rdd *spread = barks_repartition(source(context, ROWS, 7), 50);
    barks_rdd *visited = barks_map(spread, count_visit, &visits);
    ck_assert_ptr_nonnull(barks_take(visited, 10, item, &count));
    ck_assert_int_eq(count, 10);
    ck_assert_int_eq(barks_is_empty(visited), 0);
    ck_assert_int_le(barks_counter_value(context, visits), 2 * (ROWS / 50 + 7));
    /* One that has too few is followed by all others. */
    struct item *rows = barks_take(visited, ROWS - 1, item, &count);
    ck_assert_int_eq(count, ROWS - 1);
    int64_t all_count = 0;
    struct item *all = barks_collect(spread, item, &all_count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(rows[i].id, all[i].id);
    barks_rdd *none = barks_filter(visited, is_none, NULL);
    ck_assert_int_eq(barks_is_empty(none), 1);
}

SHAPES_EXIT(sums_that_make_no_sense_are_errors, 2)
{
    double sum = 0;
    int64_t whole = 0;
    barks_rdd *rdd = source(context, 10, 2);
    ck_assert(!barks_sum(rdd, "name", &sum));
    ck_assert(!barks_sum_i64(rdd, "price", &whole));
    ck_assert(!barks_sum(rdd, "prise", &sum));
    ck_assert_ptr_null(barks_min(barks_filter(rdd, is_none, NULL), "price", item));
}

SHAPES(histograms)
{
    double bounds[11];
    int64_t counts[10];
    barks_rdd *rdd = source(context, ROWS, 7);
    ck_assert_int_eq(barks_histogram(rdd, "price", 10, bounds, counts), 10);
    ck_assert(bounds[0] == 0 && bounds[10] == 99.9);
    int64_t all = 0;
    for (int bucket = 0; bucket < 10; bucket++) {
        int64_t expected = 0;
        for (uint32_t i = 0; i < ROWS; i++)
            expected += items[i].price >= bounds[bucket] &&
                        (items[i].price < bounds[bucket + 1] || bucket == 9);
        ck_assert_int_eq(counts[bucket], expected);
        all += counts[bucket];
    }
    ck_assert_int_eq(all, ROWS);
    ck_assert_int_eq(barks_histogram(source(context, 1, 3), "price", 10, bounds, counts), 1);
    ck_assert(counts[0] == 1);
    ck_assert(barks_histogram_of(rdd, "id", ((const double[]){0, 10, 100}), 3, counts));
    ck_assert(counts[0] == 10 && counts[1] == 91);
}

SHAPES(quantiles_and_distinct_rows)
{
    static const double fractions[] = {0, 0.1, 0.5, 0.99, 1};
    double values[5];
    barks_rdd *rdd = source(context, ROWS, 7);
    ck_assert(barks_quantiles(rdd, "id", fractions, 5, 0, values));
    for (int i = 0; i < 5; i++) {
        double rank = ceil(fractions[i] * ROWS);
        ck_assert(values[i] == (rank < 1 ? 1 : rank) - 1);
    }
    ck_assert(barks_quantiles(rdd, "id", fractions, 5, 0.01, values));
    for (int i = 0; i < 5; i++)
        ck_assert(fabs(values[i] - fractions[i] * ROWS) <= 0.01 * ROWS + 1);
    ck_assert_int_eq(barks_count_approx_distinct(rdd, "key", 0.05), 101);
    ck_assert_int_eq(barks_count_approx_distinct(rdd, "key, name", 0.05), 202);
    int64_t about = barks_count_approx_distinct(rdd, NULL, 0.01);
    ck_assert_int_lt(llabs(about - ROWS), ROWS / 20);
}

struct visits {
    barks_accumulator rows, sum, batches;
};
BARKS_FOREACH_BATCH(visit_batch, item, struct visits)
{
    barks_add(env->batches, 1);
    barks_add(env->rows, batch->row_count);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        barks_add(env->sum, batch->id[i]);
        if (batch->id[i] < 0)
            fail("row %u is below 0", i);
    }
}

SHAPES(batches_are_visited)
{
    struct visits visits = {barks_counter(context, "rows"), barks_counter(context, "sum"),
                            barks_counter(context, "batches")};
    ck_assert(barks_foreach_batch(source(context, ROWS, 7), visit_batch, &visits));
    ck_assert_int_eq(barks_counter_value(context, visits.rows), ROWS);
    ck_assert_int_eq(barks_counter_value(context, visits.sum), (int64_t)ROWS * (ROWS - 1) / 2);
    ck_assert_int_ge(barks_counter_value(context, visits.batches), 7);
}

/* Long enough to be cancelled on the way. */
BARKS_FLAT_MAP(spin, item, item)
{
    for (int64_t i = 0; i < 100000; i++)
        if (barks_task() != NULL && barks_task()->cancelled(barks_task()))
            return;
    emit(.id = in->id);
}

SHAPES(several_actions_at_once)
{
    enum { ACTIONS = 6 };
    barks_future *counts[ACTIONS], *rows_of[ACTIONS];
    barks_rdd *rdd = source(context, ROWS, 7);
    barks_rdd *cached = barks_cache(barks_reduce_by_key(rdd, "key", latest));
    for (int i = 0; i < ACTIONS; i++) {
        counts[i] = barks_count_async(i % 2 == 0 ? cached : barks_sort_by(rdd, "price"));
        rows_of[i] = barks_take_async(barks_sort_by(cached, "key"), 5 + i, item);
    }
    ck_assert_int_eq(barks_count(rdd), ROWS);
    for (int i = 0; i < ACTIONS; i++) {
        int64_t count = 0;
        ck_assert(barks_wait(counts[i]));
        ck_assert(barks_is_done(counts[i]));
        ck_assert_int_eq(barks_future_count(counts[i]), i % 2 == 0 ? 101 : ROWS);
        struct item *rows = barks_future_rows(rows_of[i], item, &count);
        ck_assert_int_eq(count, 5 + i);
        for (int64_t k = 0; k < count; k++)
            ck_assert_int_eq(rows[k].key, k);
    }
}

SHAPES_EXIT(a_cancelled_action_ends, 8)
{
    barks_rdd *slow = barks_flat_map(source(context, ROWS, 7), spin, NULL);
    barks_future *future = barks_count_async(slow);
    barks_cancel(future);
    ck_assert(!barks_wait(future));
    ck_assert(barks_is_done(future));
    ck_assert_int_eq(barks_count(source(context, ROWS, 7)), ROWS); /* all goes on */
    ck_assert_ptr_nonnull(barks_count_async(slow));                /* barks_finalize ends it */
}

SHAPES_EXIT(an_error_of_a_future_is_told_by_wait, 2)
{
    barks_future *future =
        barks_collect_async(barks_sort_by(source(context, ROWS, 3), "nothing"), item);
    int64_t count = 7;
    ck_assert_ptr_null(barks_future_rows(future, item, &count));
    ck_assert_int_eq(count, 0);
    ck_assert(!barks_wait(NULL));
}

SUITE_MAIN("rdd/actions", ON_SHAPES(few_rows), ON_SHAPES(the_first_of_nothing_is_an_error),
           ON_SHAPES(samples_are_exact_and_seeded), ON_SHAPES(lookups_find_all_rows_of_a_key),
           ON_SHAPES(a_map_has_the_last_of_each_key),
           ON_SHAPES(rows_are_counted_by_key_and_by_value),
           ON_SHAPES(iterators_give_partition_after_partition),
           ON_SHAPES(zero_counts_once_a_partition_and_once_more),
           ON_SHAPES(strings_in_zeros_travel), ON_SHAPES(numbers_of_a_column),
           ON_SHAPES(nulls_and_nan_in_a_column), ON_SHAPES(statistics_do_not_depend_on_partitions),
           ON_SHAPES(few_rows_of_an_exchange_need_few_of_its_partitions),
           ON_SHAPES(sums_that_make_no_sense_are_errors), ON_SHAPES(histograms),
           ON_SHAPES(quantiles_and_distinct_rows), ON_SHAPES(batches_are_visited),
           ON_SHAPES(several_actions_at_once), ON_SHAPES(a_cancelled_action_ends),
           ON_SHAPES(an_error_of_a_future_is_told_by_wait))
