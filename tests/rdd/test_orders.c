/* Rows in the order of functions, against a sort of an array by the same functions. */
#include "rdd/cases.h"

BARKS_RECORD(placed, (i64, id));
struct by_env {
    int64_t sign;
};

/* Numbers, nulls last, then the last byte of the text: of a long one only the whole string has it.
 */
BARKS_COMPARE(by_number, case_row, struct by_env)
{
    if (a->number.valid != b->number.valid)
        return a->number.valid ? -1 : 1;
    if (a->number.value != b->number.value)
        return (a->number.value < b->number.value ? -1 : 1) * env->sign;
    size_t a_length = a->text.value.length, b_length = b->text.value.length;
    int a_last = a_length > 0 ? barks_str_bytes(&a->text.value)[a_length - 1] : -1;
    int b_last = b_length > 0 ? barks_str_bytes(&b->text.value)[b_length - 1] : -1;
    return a_last - b_last;
}
BARKS_COMPARE(by_nothing, case_row) { return 0; }
BARKS_COMPARE(by_dice, case_row)
{
    return (int64_t)((uint64_t)(a->id * 31 + b->id * 17) * UINT64_C(0x9e3779b97f4a7c15) >> 62) - 1;
}
BARKS_COMPARE(always_before, case_row) { return -1; }
BARKS_COMPARE(by_failing, case_row)
{
    if (a->id == 3 || b->id == 3)
        fail("row %d is bad", 3);
    return a->id < b->id ? -1 : a->id > b->id;
}

static int64_t compare_numbers(const struct case_row *a, const struct case_row *b, int64_t sign)
{
    const struct by_env env = {.sign = sign};
    struct barks_number_body body = {0};
    return barks_body_by_number(a, b, &env, &body);
}

static int64_t the_sign;
static int compare_places(const void *left, const void *right)
{
    const struct case_row *a = *(const struct case_row *const *)left,
                          *b = *(const struct case_row *const *)right;
    int64_t order = compare_numbers(a, b, the_sign);
    return order != 0 ? (order < 0 ? -1 : 1) : (a->id > b->id) - (a->id < b->id);
}

/* The rows in order; the caller's. */
static const struct case_row **sorted_cases(const struct cases *cases, int64_t sign)
{
    const struct case_row **sorted = calloc((size_t)cases->count + 1, sizeof *sorted);
    for (uint32_t i = 0; i < cases->count; i++)
        sorted[i] = &cases->rows[i];
    the_sign = sign;
    if (cases->count > 0)
        qsort(sorted, cases->count, sizeof *sorted, compare_places);
    return sorted;
}

SHAPES(sort_by_fn_is_a_stable_sort)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct cases cases = cases_make(&seed);
        const struct by_env env = {.sign = run % 2 == 0 ? 1 : -1};
        const uint32_t partitions = (uint32_t)(property_next(&seed) % 6);
        const struct case_row **sorted = sorted_cases(&cases, env.sign);
        barks_rdd *rdd = barks_sort_by_fn(cases_dataset(context, &cases), by_number, .env = &env,
                                          .partitions = partitions);
        ck_assert_uint_eq(barks_partition_count(rdd),
                          partitions > 0 ? partitions : cases.partitions);
        int64_t count = 0;
        struct case_row *rows = barks_collect(rdd, case_row, &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, cases.count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].id, sorted[i]->id);
            ck_assert(barks_str_compare(rows[i].text.value, sorted[i]->text.value) == 0);
        }
        barks_release(context, rows);
        free(sorted);
        cases_drop(&cases);
    }
}

SHAPES(sort_by_fn_of_equal_rows_changes_nothing)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    int64_t count = 0;
    struct placed *rows =
        barks_collect(barks_sort_by_fn(cases_dataset(context, &cases), by_nothing, .partitions = 3),
                      placed, &count);
    ck_assert_int_eq(count, cases.count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(rows[i].id, i);
    ck_assert_int_eq(barks_count(barks_sort_by_fn(barks_empty(context, case_row), by_nothing)), 0);
    cases_drop(&cases);
}

static void expect_all_ids(barks_rdd *rdd, const struct cases *cases)
{
    int64_t count = 0;
    struct placed *rows = barks_collect(rdd, placed, &count);
    bool *seen = calloc((size_t)cases->count + 1, sizeof *seen);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, cases->count);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(!seen[rows[i].id]);
        seen[rows[i].id] = true;
    }
    free(seen);
}

/* The last byte decides, which no part of a string would show. */
SHAPES(long_strings_are_seen_wholly)
{
    enum { ROWS = 5, TEXT_BYTES = 5 << 20 };
    struct case_row given[ROWS] = {0};
    char *texts[ROWS];
    for (int i = 0; i < ROWS; i++) {
        texts[i] = malloc(TEXT_BYTES);
        memset(texts[i], 'x', TEXT_BYTES);
        texts[i][TEXT_BYTES - 1] = (char)('a' + i * 3 % ROWS);
        given[i].id = i;
        given[i].text.valid = true;
        given[i].text.value = barks_str_of(texts[i], TEXT_BYTES);
    }
    const struct by_env env = {.sign = 1};
    int64_t count = 0;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, ROWS, 3);
    struct placed *rows = barks_collect(
        barks_sort_by_fn(rdd, by_number, .env = &env, .partitions = 2), placed, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(rows[i].id * 3 % ROWS, i);
    ck_assert_int_eq(barks_max_by(rdd, by_number, placed, .env = &env)->id * 3 % ROWS, ROWS - 1);
    for (int i = 0; i < ROWS; i++)
        free(texts[i]);
}

SHAPES(a_broken_order_loses_no_row)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        int64_t count = 0;
        expect_all_ids(barks_sort_by_fn(rdd, by_dice), &cases);
        expect_all_ids(barks_sort_by_fn(rdd, always_before, .partitions = 5), &cases);
        ck_assert_ptr_nonnull(barks_top_by(rdd, 20, by_dice, placed, &count));
        ck_assert_int_eq(count, cases.count < 20 ? cases.count : 20);
        cases_drop(&cases);
    }
}

SHAPES(top_by_gives_the_first_rows)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        const struct by_env env = {.sign = -1};
        const struct case_row **sorted = sorted_cases(&cases, env.sign);
        barks_rdd *rdd = cases_dataset(context, &cases);
        const int64_t wanted = (int64_t)(property_next(&seed) % 300);
        int64_t count = -1, other = -1;
        struct placed *rows = barks_top_by(rdd, wanted, by_number, placed, &count, .env = &env);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, wanted < cases.count ? wanted : cases.count);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(rows[i].id, sorted[i]->id);
        ck_assert_ptr_nonnull(barks_take_ordered_by(rdd, 7, by_nothing, placed, &other));
        ck_assert_int_eq(other, cases.count < 7 ? cases.count : 7);
        free(sorted);
        cases_drop(&cases);
    }
}

SHAPES(min_by_and_max_by_give_the_first_of_the_best)
{
    uint64_t seed = property_seed();
    const struct by_env env = {.sign = 1};
    struct cases cases = cases_make(&seed);
    while (cases.count < 40) {
        cases_drop(&cases);
        cases = cases_make(&seed);
    }
    const struct case_row *least = &cases.rows[0], *greatest = &cases.rows[0];
    for (uint32_t i = 1; i < cases.count; i++) {
        if (compare_numbers(&cases.rows[i], least, 1) < 0)
            least = &cases.rows[i];
        if (compare_numbers(greatest, &cases.rows[i], 1) < 0)
            greatest = &cases.rows[i];
    }
    barks_rdd *rdd = cases_dataset(context, &cases);
    ck_assert_int_eq(barks_min_by(rdd, by_number, placed, .env = &env)->id, least->id);
    ck_assert_int_eq(barks_max_by(rdd, by_number, placed, .env = &env)->id, greatest->id);
    ck_assert_int_eq(barks_max_by(rdd, by_nothing, placed)->id, 0);
    cases_drop(&cases);
}

static void expect_told(barks_context *context, const char *words)
{
    char text[1024];
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

SHAPES(mistakes_are_told)
{
    struct case_row given[20] = {0};
    for (int i = 0; i < 20; i++)
        given[i].id = i;
    int64_t count = 0;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 20, 4);
    ck_assert_int_eq(barks_count(barks_sort_by_fn(rdd, by_failing)), -1);
    expect_told(context, "row 3 is bad");
    ck_assert_ptr_null(barks_top_by(rdd, 5, by_failing, placed, &count));
    expect_told(context, "'by_failing'");
    ck_assert_int_eq(barks_count(barks_sort_by_fn(rdd, by_number)), -1);
    expect_told(context, "'by_number' wants an env");
    ck_assert_ptr_null(barks_top_by(rdd, 5, by_number, placed, &count));
    expect_told(context, "'by_number' wants an env");
    ck_assert_ptr_null(barks_top_by(rdd, -1, by_nothing, placed, &count));
    expect_told(context, "the number of rows is -1");
    ck_assert_int_eq(barks_count(barks_sort_by_fn(barks_select(rdd, "id"), by_nothing)), -1);
    expect_told(context, "by_nothing");
    ck_assert_ptr_null(barks_min_by(barks_empty(context, case_row), by_nothing, placed));
    expect_told(context, "empty dataset");
    const char *plan = barks_explain(barks_sort_by_fn(rdd, by_nothing));
    ck_assert_ptr_nonnull(strstr(plan, "sort 'by_nothing'"));
    ck_assert_ptr_nonnull(strstr(plan, "in ranges by 'by_nothing'"));
}

SUITE_MAIN("rdd/orders", ON_SHAPES(sort_by_fn_is_a_stable_sort),
           ON_SHAPES(sort_by_fn_of_equal_rows_changes_nothing),
           ON_SHAPES(long_strings_are_seen_wholly), ON_SHAPES(a_broken_order_loses_no_row),
           ON_SHAPES(top_by_gives_the_first_rows),
           ON_SHAPES(min_by_and_max_by_give_the_first_of_the_best), ON_SHAPES(mistakes_are_told))
