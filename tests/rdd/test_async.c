/* Every action in its asynchronous form gives what the waiting one does. */
#include "rdd/cases.h"

#include <pthread.h>
#include <unistd.h>

BARKS_RECORD(case_key, (i64, key));
BARKS_RECORD(key_count, (i64, key), (i64, count));
BARKS_RECORD(row_count, (i64, key), (i64, id), (i64, count));
BARKS_RECORD(id_total, (i64, sum), (i64, rows), (optional(str), longest));

BARKS_AGGREGATE(add_id, case_row, id_total)
{
    acc->sum += in->id;
    acc->rows++;
}
BARKS_REDUCE(add_totals, id_total)
{
    acc->sum += in->sum;
    acc->rows += in->rows;
}
BARKS_REDUCE(larger_id, case_row)
{
    if (in->id > acc->id)
        *acc = *in;
}
BARKS_REDUCE(sum_counts, key_count) { acc->count += in->count; }
BARKS_MAP(one_each, case_row, key_count)
{
    out->key = in->key;
    out->count = 1;
}
BARKS_FOREACH(count_row, case_row, barks_accumulator) { barks_add(*env, in->id); }
BARKS_FOREACH_BATCH(count_batch, case_row, barks_accumulator) { barks_add(*env, batch->row_count); }
BARKS_MAP(id_as_text, case_row, barks_text) { out->text = barks_str_of("some", 4); }
BARKS_RECORD(four_bytes, (bytes, data));
BARKS_MAP(id_as_bytes, case_row, four_bytes) { out->data = barks_str_of("abcd", 4); }

static void check_same(const struct case_row *a, int64_t a_count, const struct case_row *b,
                       int64_t b_count)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_int_eq(a_count, b_count);
    for (int64_t i = 0; i < a_count; i++)
        ck_assert_int_eq(a[i].id, b[i].id);
}

static void check_rows(barks_future *future, const struct case_row *expected, int64_t count)
{
    int64_t got_count = 0;
    struct case_row *got = barks_future_rows(future, case_row, &got_count);
    check_same(got, got_count, expected, count);
}

SHAPES(rows_are_those_of_the_waiting_form)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 3; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        struct case_key key = {.key = cases.count > 0 ? cases.rows[0].key : 7};
        char keys[] = "key", order[] = "text desc, id";
        barks_future *all = barks_collect_async(rdd, case_row),
                     *some = barks_take_async(rdd, barks_count(rdd) / 2, case_row),
                     *top = barks_top_async(rdd, 9, order, case_row),
                     *ordered = barks_take_ordered_async(rdd, 9, order, case_row),
                     *drawn = barks_take_sample_async(rdd, 12, case_row, .seed = 4),
                     *found = barks_lookup_async(rdd, case_key, &key, case_row),
                     *map = barks_collect_as_map_async(rdd, keys, case_row),
                     *by_key = barks_count_by_key_async(rdd, keys, key_count),
                     *by_value =
                         barks_count_by_value_async(barks_select(rdd, "key, id"), row_count),
                     *empty = barks_is_empty_async(rdd);
        memset(keys, 'x', 3); /* what was given has been copied */
        memset(order, 'x', 4);
        key.key = -9;
        int64_t count = 0;
        struct case_row *rows = barks_collect(rdd, case_row, &count);
        check_rows(all, rows, count);
        rows = barks_take(rdd, cases.count / 2, case_row, &count);
        check_rows(some, rows, count);
        rows = barks_top(rdd, 9, "text desc, id", case_row, &count);
        check_rows(top, rows, count);
        check_rows(ordered, rows, count);
        rows = barks_take_sample(rdd, 12, case_row, &count, .seed = 4);
        check_rows(drawn, rows, count);
        key.key = cases.count > 0 ? cases.rows[0].key : 7;
        rows = barks_lookup(rdd, case_key, &key, case_row, &count);
        check_rows(found, rows, count);
        rows = barks_collect_as_map(rdd, "key", case_row, &count);
        check_rows(map, rows, count);
        struct key_count *counts = barks_count_by_key(rdd, "key", key_count, &count);
        int64_t got_count = -1;
        struct key_count *got = barks_future_rows(by_key, key_count, &got_count);
        ck_assert_int_eq(got_count, count);
        for (int64_t i = 0; i < count; i++)
            ck_assert(got[i].key == counts[i].key && got[i].count == counts[i].count);
        ck_assert_int_eq(barks_future_count(by_value), cases.count);
        ck_assert_int_eq(barks_future_count(empty), cases.count == 0);
        cases_drop(&cases);
    }
}

SHAPES(values_are_those_of_the_waiting_form)
{
    enum { MANY = 3000 };
    static struct case_row given[MANY];
    for (int64_t i = 0; i < MANY; i++)
        given[i] = (struct case_row){.id = i, .key = i % 11, .real = (double)i / 7};
    barks_rdd *rdd = barks_parallelize(context, case_row, given, MANY, 9);
    struct id_total zero = {.longest = {barks_str_of("twenty bytes or more", 20), true}};
    struct id_total totals[3], expected = zero;
    struct key_count reduced = {0};
    struct case_row largest, largest_of_tree;
    double fractions[] = {0, 0.5, 1}, edges[] = {0, 100, 200}, sum = 0, mean = 0, values[3];
    double bounds[5];
    int64_t whole = 0, counts[4], edge_counts[2];
    barks_statistics stats, waited;
    barks_future *futures[] = {
        barks_aggregate_all_async(rdd, &zero, add_id, add_totals, &totals[0]),
        barks_tree_aggregate_async(rdd, &zero, add_id, add_totals, 2, &totals[1]),
        barks_tree_reduce_async(rdd, larger_id, 2, &largest_of_tree),
        barks_fold_async(barks_map(rdd, one_each, NULL), &reduced, sum_counts, &reduced),
        barks_sum_async(rdd, "real", &sum),
        barks_mean_async(rdd, "real", &mean),
        barks_sum_i64_async(rdd, "id", &whole),
        barks_stats_async(rdd, "real", &stats),
        barks_quantiles_async(rdd, "id", fractions, 3, 0, values),
        barks_histogram_async(rdd, "id", 4, bounds, counts),
        barks_histogram_of_async(rdd, "id", edges, 3, edge_counts),
    };
    barks_future *first = barks_first_async(rdd, case_row),
                 *least = barks_min_async(rdd, "real", case_row),
                 *most = barks_max_async(rdd, "id", case_row),
                 *distinct = barks_count_approx_distinct_async(rdd, "key", 0.05),
                 *reduce = barks_reduce_async(rdd, larger_id, &largest);
    memset(fractions, 0xff, sizeof fractions);
    memset(edges, 0xff, sizeof edges);
    ck_assert(barks_wait_all(futures, sizeof futures / sizeof futures[0]));
    ck_assert(barks_aggregate_all(rdd, &expected, add_id, add_totals, &totals[2]));
    for (int i = 0; i < 2; i++)
        ck_assert(totals[i].rows == MANY && totals[i].sum == totals[2].sum &&
                  barks_str_equal(totals[i].longest.value, zero.longest.value));
    ck_assert_int_eq(reduced.count, MANY);
    ck_assert(barks_stats(rdd, "real", &waited));
    ck_assert(sum == waited.sum && mean == waited.mean &&
              memcmp(&stats, &waited, sizeof stats) == 0);
    ck_assert_int_eq(whole, (int64_t)MANY * (MANY - 1) / 2);
    ck_assert(values[0] == 0 && values[1] == MANY / 2 - 1 && values[2] == MANY - 1);
    ck_assert_int_eq(barks_future_count(futures[9]), 4);
    ck_assert_int_eq(counts[0] + counts[1] + counts[2] + counts[3], MANY);
    ck_assert(edge_counts[0] == 100 && edge_counts[1] == 101);
    ck_assert_int_eq(largest_of_tree.id, MANY - 1);
    check_rows(first, &given[0], 1);
    check_rows(least, &given[0], 1);
    check_rows(most, &given[MANY - 1], 1);
    ck_assert_int_eq(barks_future_count(distinct), 11);
    ck_assert(barks_wait(reduce) && largest.id == MANY - 1);
}

SHAPES(effects_are_those_of_the_waiting_form)
{
    char folder[] = "/tmp/barks-async-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    static struct case_row given[100];
    for (int64_t i = 0; i < 100; i++)
        given[i] = (struct case_row){.id = i};
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 100, 3);
    barks_accumulator ids = barks_counter(context, "ids"), rows = barks_counter(context, "rows"),
                      shared = ids;
    char paths[5][100];
    static const char *const names[5] = {"csv", "text", "json", "fixed", "batches"};
    for (int i = 0; i < 5; i++)
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    barks_future *futures[] = {
        barks_foreach_async(rdd, count_row, &shared),
        barks_foreach_batch_async(rdd, count_batch, &rows),
        barks_write_csv_async(rdd, paths[0], .mode = BARKS_OVERWRITE),
        barks_write_text_async(barks_map(rdd, id_as_text, NULL), paths[1]),
        barks_write_json_async(rdd, paths[2]),
        barks_write_fixed_async(barks_map(rdd, id_as_bytes, NULL), paths[3]),
        barks_write_batches_async(rdd, paths[4]),
    };
    shared = rows;
    ck_assert(barks_wait_all(futures, sizeof futures / sizeof futures[0]));
    ck_assert_int_eq(barks_counter_value(context, ids), 4950);
    ck_assert_int_eq(barks_counter_value(context, rows), 100);
    ck_assert_int_eq(barks_count(barks_read_batches(context, paths[4], case_row)), 100);
    ck_assert_int_eq(barks_count(barks_read_json(context, paths[2], case_row)), 100);
    ck_assert_int_eq(barks_count(barks_read_text(context, paths[1])), 100);
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

struct ends {
    pthread_mutex_t lock;
    int well, failed;
    barks_future *last;
};

static void note_end(barks_future *future, bool is_well, void *user)
{
    struct ends *ends = user;
    pthread_mutex_lock(&ends->lock);
    ends->well += is_well;
    ends->failed += !is_well;
    ends->last = future;
    pthread_mutex_unlock(&ends->lock);
    if (future != NULL)
        ck_assert(barks_is_done(future));
}

SHAPES(ends_are_told_once)
{
    struct ends ends = {.lock = PTHREAD_MUTEX_INITIALIZER};
    barks_rdd *rdd = barks_range(context, 0, 100, 1, 7);
    barks_future *count = barks_count_async(rdd),
                 *bad = barks_count_async(barks_sort_by(rdd, "nothing"));
    ck_assert(barks_on_done(count, note_end, &ends));
    ck_assert(barks_on_done(count, note_end, &ends));
    ck_assert(barks_on_done(bad, note_end, &ends));
    ck_assert(barks_wait(count));
    ck_assert(!barks_wait(bad));
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(strstr(barks_status_text(error), "'nothing'"));
    barks_status_free(error);
    ck_assert_int_eq(ends.well, 2); /* barks_wait returns after them */
    ck_assert_int_eq(ends.failed, 1);
    ck_assert(barks_on_done(count, note_end, &ends)); /* at once */
    ck_assert_int_eq(ends.well, 3);
    ck_assert_ptr_eq(ends.last, count);
    ck_assert(barks_on_done(NULL, note_end, &ends));
    ck_assert_int_eq(ends.failed, 2);
    ck_assert(!barks_wait(bad)); /* told once */
    ck_assert_ptr_null(barks_take_error(context));
    ck_assert_int_eq(barks_future_count(bad), -1);
}

SHAPES(forgotten_actions_leave_no_trace)
{
    barks_rdd *rdd = barks_range(context, 0, 1000, 1, 7);
    for (int i = 0; i < 50; i++) {
        barks_future *future = barks_count_async(rdd);
        if (i % 2 == 0)
            ck_assert_int_eq(barks_future_count(future), 1000);
        barks_forget(future);
    }
    barks_forget(barks_collect_async(barks_sort_by(rdd, "nothing"), case_row));
    barks_forget(NULL);
    ck_assert_int_eq(barks_count(rdd), 1000);
}

SHAPES(one_that_failed_spoils_wait_all)
{
    barks_rdd *rdd = barks_range(context, 0, 10, 1, 2);
    double sum = 0;
    barks_future *futures[] = {barks_count_async(rdd), barks_sum_async(rdd, "values", &sum),
                               barks_count_async(rdd)};
    ck_assert(!barks_wait_all(futures, 3));
    ck_assert_int_eq(barks_future_count(futures[2]), 10);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(strstr(barks_status_text(error), "did you mean 'value'?"));
    barks_status_free(error);
    ck_assert(barks_wait_all(NULL, 0));
}

SUITE_MAIN("rdd/async", ON_SHAPES(rows_are_those_of_the_waiting_form),
           ON_SHAPES(values_are_those_of_the_waiting_form),
           ON_SHAPES(effects_are_those_of_the_waiting_form), ON_SHAPES(ends_are_told_once),
           ON_SHAPES(forgotten_actions_leave_no_trace), ON_SHAPES(one_that_failed_spoils_wait_all))
