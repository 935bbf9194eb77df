/* Some partitions of a dataset, by number and by a range of keys; what is computed for them. */
#include "rdd/cases.h"

BARKS_RECORD(placed, (i64, id));
BARKS_RECORD(number_key, (optional(i64), number));
BARKS_RECORD(two_keys, (i64, key), (f64, real));
BARKS_RECORD(text_key, (optional(str), text));
struct seen {
    barks_accumulator rows;
};

BARKS_MAP(note, case_row, case_row, struct seen)
{
    *out = *in;
    barks_add(env->rows, 1);
}

SHAPES(partitions_come_in_the_order_asked_for)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        uint32_t picked[9];
        uint32_t count = (uint32_t)(property_next(&seed) % 10);
        for (uint32_t i = 0; i < count; i++)
            picked[i] = (uint32_t)(property_next(&seed) % cases.partitions);
        char name[64];
        snprintf(name, sizeof name, "rows of run %d", run);
        struct seen seen = {.rows = barks_counter(context, name)};
        barks_rdd *rdd = barks_map(cases_dataset(context, &cases), note, &seen);
        rdd = barks_only_partitions(rdd, picked, count);
        ck_assert_uint_eq(barks_partition_count(rdd), count);
        int64_t row_count = 0, at = 0;
        struct placed *rows = barks_collect(rdd, placed, &row_count);
        ck_assert_ptr_nonnull(rows);
        for (uint32_t i = 0; i < count; i++)
            for (uint64_t id = (uint64_t)picked[i] * cases.count / cases.partitions;
                 id < (uint64_t)(picked[i] + 1) * cases.count / cases.partitions; id++, at++) {
                ck_assert_int_lt(at, row_count);
                ck_assert_int_eq(rows[at].id, (int64_t)id);
            }
        ck_assert_int_eq(at, row_count);
        ck_assert_int_eq(barks_counter_value(context, seen.rows), row_count);
        cases_drop(&cases);
    }
}

/* Also where partitions lie on executors of their own, and are zipped with others. */
SHAPES(partitions_of_an_exchange_can_be_picked)
{
    enum { ROWS = 3000, PARTITIONS = 7 };
    struct placed *given = calloc(ROWS, sizeof *given);
    for (int64_t i = 0; i < ROWS; i++)
        given[i].id = ROWS - 1 - i;
    barks_rdd *sorted = barks_sort_by(barks_parallelize(context, placed, given, ROWS, 5), "id",
                                      .partitions = PARTITIONS);
    int64_t counts[PARTITIONS], all = 0, count = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        counts[p] = barks_count(barks_only_partitions(sorted, &p, 1));
        ck_assert_int_ge(counts[p], 0);
        all += counts[p];
    }
    ck_assert_int_eq(all, ROWS);
    const uint32_t picked[] = {6, 1, 1, 3, 0};
    struct placed *rows = barks_collect(barks_only_partitions(sorted, picked, 5), placed, &count);
    ck_assert_ptr_nonnull(rows);
    int64_t at = 0;
    for (int i = 0; i < 5; i++) {
        int64_t first = 0;
        for (uint32_t p = 0; p < picked[i]; p++)
            first += counts[p];
        for (int64_t k = 0; k < counts[picked[i]]; k++, at++)
            ck_assert_int_eq(rows[at].id, first + k);
    }
    ck_assert_int_eq(at, count);
    const uint32_t turned[] = {6, 5, 4, 3, 2, 1, 0};
    barks_rdd *back = barks_only_partitions(barks_only_partitions(sorted, turned, 7), turned, 7);
    struct {
        int64_t rows;
    } zipped = {.rows = barks_count(barks_zip(back, barks_rename(sorted, "id as other")))};
    ck_assert_int_eq(zipped.rows, ROWS);
    barks_rdd *kept = barks_cache(barks_sort_by(sorted, "id desc", .partitions = 4));
    ck_assert_int_eq(barks_count(kept), ROWS);
    struct placed *first = barks_first(barks_only_partitions(kept, (uint32_t[]){3, 0}, 2), placed);
    ck_assert_ptr_nonnull(first);
    ck_assert_int_lt(first->id, ROWS / 2);
    free(given);
}

static bool in_range(const struct case_row *row, const struct number_key *low,
                     const struct number_key *high)
{
    /* Null is the largest. */
    bool from_low = low == NULL || !row->number.valid ||
                    (low->number.valid && row->number.value >= low->number.value);
    bool to_high = high == NULL || !high->number.valid ||
                   (row->number.valid && row->number.value <= high->number.value);
    return from_low && to_high;
}

/* The rows are those of a loop; *out_computed: how many rows were read for them. */
static void expect_range(barks_context *context, barks_rdd *rdd, const struct cases *cases,
                         const struct number_key *low, const struct number_key *high)
{
    int64_t count = 0, expected = 0;
    struct placed *rows =
        barks_collect(barks_filter_by_range(rdd, number_key, low, high), placed, &count);
    bool *seen = calloc((size_t)cases->count + 1, sizeof *seen);
    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < count; i++)
        seen[rows[i].id] = true;
    for (uint32_t i = 0; i < cases->count; i++) {
        bool wanted = in_range(&cases->rows[i], low, high);
        ck_assert_int_eq(seen[i], wanted);
        expected += wanted;
    }
    ck_assert_int_eq(count, expected);
    free(seen);
    barks_release(context, rows);
}

SHAPES(a_range_of_keys_is_that_of_a_loop)
{
    static const char *const orders[] = {
        "number",           "number desc", "number nulls first",
        "number desc, key", "key, number", "number desc nulls last"};
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        barks_rdd *sorted = barks_sort_by(rdd, orders[run], .partitions = 6);
        struct number_key bounds[2];
        for (int k = 0; k < 2; k++) {
            bounds[k].number.valid = property_next(&seed) % 8 != 0;
            bounds[k].number.value =
                bounds[k].number.valid ? (int64_t)(property_next(&seed) % 110) - 55 : 0;
        }
        barks_rdd *const both[] = {rdd, sorted};
        for (int k = 0; k < 2; k++) {
            expect_range(context, both[k], &cases, &bounds[0], &bounds[1]);
            expect_range(context, both[k], &cases, &bounds[1], &bounds[0]);
            expect_range(context, both[k], &cases, NULL, &bounds[1]);
            expect_range(context, both[k], &cases, &bounds[0], NULL);
            expect_range(context, both[k], &cases, NULL, NULL);
            expect_range(context, both[k], &cases, &bounds[0], &bounds[0]);
        }
        cases_drop(&cases);
    }
}

/* Rows of the partitions that cannot have the keys are not even mapped. */
SHAPES(only_the_partitions_of_a_range_are_computed)
{
    enum { ROWS = 4000, PARTITIONS = 8 };
    struct case_row *given = calloc(ROWS, sizeof *given);
    for (int64_t i = 0; i < ROWS; i++) {
        given[i].id = i;
        given[i].key = (i * 7919) % ROWS;
        given[i].text.valid = i % 3 != 0;
        given[i].text.value = barks_str_of("abcdefgh" + i % 8, 1);
    }
    static const char *const orders[] = {"key, real", "key desc", "key desc, id"};
    barks_rdd *rdd = barks_parallelize(context, case_row, given, ROWS, 5);
    for (int run = 0; run < 3; run++) {
        char name[64];
        snprintf(name, sizeof name, "rows of run %d", run);
        struct seen seen = {.rows = barks_counter(context, name)};
        barks_rdd *noted = barks_map_keeping(
            barks_sort_by(rdd, orders[run], .partitions = PARTITIONS), note, &seen);
        const struct two_keys low = {.key = 1000}, high = {.key = 1199, .real = INFINITY};
        barks_rdd *few = barks_filter_by_range(noted, two_keys, &low, &high);
        ck_assert_uint_lt(barks_partition_count(few), 4);
        ck_assert_int_eq(barks_count(few), 200);
        int64_t computed = barks_counter_value(context, seen.rows);
        ck_assert_int_ge(computed, 200);
        ck_assert_int_le(computed, ROWS / 2);
        ck_assert_int_eq(barks_count(barks_filter_by_range(noted, two_keys, &high, &low)), 0);
    }
    const struct text_key letter = {.text = {.value = BARKS_STR_LITERAL("c"), .valid = true}};
    barks_rdd *by_text = barks_partition_by_range(rdd, "text", .partitions = PARTITIONS);
    int64_t expected = 0;
    for (int i = 0; i < ROWS; i++)
        expected += i % 3 != 0 && i % 8 == 2;
    ck_assert_int_eq(barks_count(barks_filter_by_range(by_text, text_key, &letter, &letter)),
                     expected);
    free(given);
}

static void expect_error(barks_context *context, barks_rdd *rdd, const char *words)
{
    char text[1024];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

SHAPES(parts_that_are_not_there_are_errors)
{
    struct case_row given[3] = {0};
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 3, 2);
    expect_error(context, barks_only_partitions(rdd, (uint32_t[]){1, 2}, 2),
                 "there is no partition 2: the dataset has 2");
    const struct text_key key = {.text = {.valid = false}};
    expect_error(context, barks_filter_by_range(barks_select(rdd, "id"), text_key, &key, &key),
                 "wants a field 'text'");
    ck_assert_int_eq(barks_count(barks_only_partitions(rdd, NULL, 0)), 0);
    barks_rdd *none = barks_empty(context, case_row);
    ck_assert_int_eq(barks_count(barks_filter_by_range(none, text_key, &key, &key)), 0);
    ck_assert_int_eq(barks_count(barks_filter_by_range(barks_sort_by(none, "text"), text_key, &key,
                                                       (const struct text_key *)NULL)),
                     0);
}

SUITE_MAIN("rdd/parts", ON_SHAPES(partitions_come_in_the_order_asked_for),
           ON_SHAPES(partitions_of_an_exchange_can_be_picked),
           ON_SHAPES(a_range_of_keys_is_that_of_a_loop),
           ON_SHAPES(only_the_partitions_of_a_range_are_computed),
           ON_SHAPES(parts_that_are_not_there_are_errors))
