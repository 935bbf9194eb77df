/* Aggregates in words: without keys, of lists, of how many differ; values that all executors have.
 */
#include "rdd/cases.h"

#include <inttypes.h>

BARKS_RECORD(all_of, (i64, n), (i64, numbers), (optional(i64), total), (optional(f64), mean),
             (optional(str), last_text), (list(i64), every));
BARKS_RECORD(lists_of, (i64, key), (list(i64), ids), (list(str), texts), (list(i64), numbers));
BARKS_RECORD(distinct_of, (i64, key), (i64, count));
BARKS_RECORD(id_and_key, (i64, key), (i64, id));

static void expect_error(barks_context *context, barks_rdd *rdd, const char *words)
{
    char text[2048];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

static const char all_text[] =
    "count() as n, count(number) as numbers, sum(number) as total, "
    "avg(number) as mean, last(text) as last_text, list(number) as every";

static void check_all(barks_rdd *rdd, const struct cases *cases)
{
    int64_t count = 0, total = 0, numbers = 0;
    struct all_of *row = barks_collect(rdd, all_of, &count);
    ck_assert_ptr_nonnull(row);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(row->n, cases->count);
    for (uint32_t i = 0; i < cases->count; i++) {
        if (!cases->rows[i].number.valid)
            continue;
        ck_assert_int_lt(numbers, row->every.count);
        ck_assert_int_eq(row->every.items[numbers++], cases->rows[i].number.value);
        total += cases->rows[i].number.value;
    }
    ck_assert(row->numbers == numbers && row->every.count == numbers);
    ck_assert(row->total.valid == (numbers > 0) && row->mean.valid == (numbers > 0));
    ck_assert(row->total.value == total || numbers == 0);
    if (cases->count > 0) {
        const struct case_row *last = &cases->rows[cases->count - 1];
        ck_assert(row->last_text.valid == last->text.valid &&
                  (!last->text.valid || barks_str_equal(row->last_text.value, last->text.value)));
    } else {
        ck_assert(!row->last_text.valid);
    }
}

SHAPES(aggregates_without_keys_are_one_row)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 5; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        check_all(barks_aggregate(rdd, NULL, all_text), &cases);
        check_all(barks_aggregate(barks_repartition(barks_coalesce(rdd, 1), 1), " ", all_text),
                  &cases);
        ck_assert_uint_eq(barks_partition_count(barks_aggregate(rdd, "", "count()")), 1);
        cases_drop(&cases);
    }
    struct cases none = {.rows = NULL};
    check_all(barks_aggregate(barks_empty(context, case_row), "", all_text), &none);
}

static void check_lists(barks_rdd *rdd, const struct cases *cases)
{
    int64_t count = 0, all = 0;
    struct lists_of *rows = barks_collect(rdd, lists_of, &count);
    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < count; i++) {
        uint32_t ids = 0, texts = 0, numbers = 0;
        all += rows[i].ids.count;
        for (uint32_t r = 0; r < cases->count && i % (1 + count / 40) == 0; r++) {
            const struct case_row *row = &cases->rows[r];
            if (row->key != rows[i].key)
                continue;
            ck_assert(ids < rows[i].ids.count && rows[i].ids.items[ids++] == row->id);
            if (row->text.valid)
                ck_assert(texts < rows[i].texts.count &&
                          barks_str_equal(rows[i].texts.items[texts++], row->text.value));
            if (row->number.valid)
                ck_assert(numbers < rows[i].numbers.count &&
                          rows[i].numbers.items[numbers++] == row->number.value);
        }
        if (i % (1 + count / 40) == 0)
            ck_assert(ids == rows[i].ids.count && texts == rows[i].texts.count &&
                      numbers == rows[i].numbers.count);
    }
    ck_assert_int_eq(all, cases->count);
}

SHAPES(lists_are_in_the_order_of_the_rows)
{
    static const char text[] = "list(id) as ids, list(text) as texts, list(number) as numbers";
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        check_lists(barks_aggregate(rdd, "key", text, .partitions = 3), &cases);
        check_lists(barks_aggregate(barks_partition_by(rdd, "key", .partitions = 4), "key", text),
                    &cases);
        check_lists(barks_aggregate(rdd, "key", text, .map_side_combine = BARKS_NEVER), &cases);
        cases_drop(&cases);
    }
}

static int64_t distinct_numbers(const struct cases *cases, int64_t key)
{
    bool seen[101] = {false}, null = false;
    int64_t count = 0;
    for (uint32_t i = 0; i < cases->count; i++) {
        const struct case_row *row = &cases->rows[i];
        if (row->key != key)
            continue;
        bool *is_seen = row->number.valid ? &seen[row->number.value + 50] : &null;
        count += !*is_seen;
        *is_seen = true;
    }
    return count;
}

SHAPES(few_that_differ_are_counted_exactly)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0;
        barks_rdd *rdd = cases_dataset(context, &cases);
        struct distinct_of *rows = barks_collect(
            barks_count_approx_distinct_by_key(rdd, "key", "number", 0.05, .partitions = 3),
            distinct_of, &count);
        ck_assert_ptr_nonnull(rows);
        for (int64_t i = 0; i < count; i += 1 + count / 40)
            ck_assert_int_eq(rows[i].count, distinct_numbers(&cases, rows[i].key));
        cases_drop(&cases);
    }
}

SHAPES(many_that_differ_are_counted_about_right)
{
    enum { MANY = 60000 };
    struct id_and_key *given = calloc(MANY, sizeof *given);
    for (int64_t i = 0; i < MANY; i++)
        given[i] = (struct id_and_key){.key = i % 7 == 0 ? 1 : i % 3 == 0 ? 2 : 3, .id = i / 2};
    int64_t first_count = 0, count = 0, last[4] = {-1, -1, -1, -1};
    double differing[4] = {0};
    for (int64_t i = 0; i < MANY; i++) { /* ids ascend */
        differing[given[i].key] += last[given[i].key] != given[i].id;
        last[given[i].key] = given[i].id;
    }
    double all = differing[1] + differing[2] + differing[3];
    barks_rdd *rdd = barks_parallelize(context, id_and_key, given, MANY, 9);
    struct distinct_of *first = barks_collect(
        barks_count_approx_distinct_by_key(rdd, "key", "id", 0.02), distinct_of, &first_count);
    /* Another way of the same rows into the sketches. */
    struct distinct_of *second =
        barks_collect(barks_aggregate(barks_sort_by(barks_repartition(rdd, 4), "id desc"), "key",
                                      "approx_count_distinct( id , 0.02 ) as count"),
                      distinct_of, &count);
    ck_assert(first_count == 3 && count == 3);
    for (int i = 0; i < 3; i++) {
        double most = differing[first[i].key];
        ck_assert_msg(fabs((double)first[i].count - most) < 0.12 * most, "%" PRId64 " of about %g",
                      first[i].count, most);
        for (int k = 0; k < 3; k++)
            ck_assert(second[k].key != first[i].key || second[k].count == first[i].count);
    }
    struct distinct_of *both = barks_collect(
        barks_aggregate(rdd, "", "count() as key, approx_count_distinct(id, key, .02) as count"),
        distinct_of, &count);
    ck_assert(count == 1 && both->key == MANY);
    ck_assert(fabs((double)both->count - all) < 0.12 * all);
    free(given);
}

SHAPES(mistakes_are_told)
{
    struct case_row rows[10];
    for (int64_t i = 0; i < 10; i++)
        rows[i] = (struct case_row){.id = i, .number = {i == 7 ? INT64_MAX : i, true}};
    barks_rdd *rdd = barks_parallelize(context, case_row, rows, 10, 1);
    expect_error(context, barks_aggregate(rdd, "key", "list()"), "'list()' is no aggregate");
    expect_error(context, barks_aggregate(rdd, "", "approx_count_distinct(id, 7)"),
                 "a relative deviation of 7; it is from 0.0006 to 1");
    expect_error(context, barks_aggregate(rdd, "", "approx_count_distinct(id, nix)"), "'nix'");
    expect_error(context, barks_count_approx_distinct_by_key(rdd, "key", "id", 0.0001),
                 "a relative deviation of 0.0001");
    expect_error(context, barks_count_approx_distinct_by_key(rdd, "kez", "id", 0.1), "'kez'");
    expect_error(
        context,
        barks_aggregate(barks_aggregate(rdd, "key", "list(id) as ids"), "key", "list(ids)"),
        "'ids' is list");
    expect_error(
        context, barks_aggregate(rdd, "key", "sum(number)"),
        "row 7 of its batch (key 0, id 7, real 0, number 9223372036854775807, text null): a "
        "sum is beyond what an i64 holds");
}

BARKS_REDUCE(longest_text, case_row)
{
    if (in->text.valid && (!acc->text.valid || in->text.value.length > acc->text.value.length))
        *acc = *in;
}
struct everyone {
    barks_broadcast best;
};
BARKS_MAP(with_best, case_row, id_and_key, struct everyone)
{
    int64_t count = 0;
    const struct case_row *best = barks_shared_rows(env->best, case_row, &count);
    out->key = in->id;
    out->id = best != NULL && count == 1 ? best->id : -1;
}

SHAPES(a_reduced_row_is_on_all_executors)
{
    enum { MANY = 500 };
    static struct case_row given[MANY];
    static char bytes[MANY + 1];
    memset(bytes, 'x', MANY);
    for (int64_t i = 0; i < MANY; i++)
        given[i] = (struct case_row){.id = i,
                                     .text = {barks_str_of(bytes, (size_t)(i * 77 % MANY)), true}};
    int64_t count = 0;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, MANY, 12);
    struct everyone env = {barks_all_reduce(rdd, longest_text)};
    ck_assert_uint_ne(env.best.id, 0);
    struct id_and_key *rows = barks_collect(barks_map(rdd, with_best, &env), id_and_key, &count);
    ck_assert_int_eq(count, MANY);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(given[rows[i].id].text.value.length, MANY - 1);
    barks_broadcast none = barks_all_reduce(barks_empty(context, case_row), longest_text);
    ck_assert_uint_eq(none.id, 0);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(strstr(barks_status_text(error), "there is nothing to reduce"));
    barks_status_free(error);
}

SUITE_MAIN("rdd/aggregates", ON_SHAPES(aggregates_without_keys_are_one_row),
           ON_SHAPES(lists_are_in_the_order_of_the_rows),
           ON_SHAPES(few_that_differ_are_counted_exactly),
           ON_SHAPES(many_that_differ_are_counted_about_right), ON_SHAPES(mistakes_are_told),
           ON_SHAPES(a_reduced_row_is_on_all_executors))
