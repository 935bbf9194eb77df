/* Joins and sets of rows against loops over arrays. */
#include "rdd/join_cases.h"

BARKS_RECORD(pair_key, (i64, key), (i64, id), (i64, other));

static barks_rdd *run_join(int kind, barks_rdd *left, barks_rdd *right, uint32_t partitions)
{
    switch (kind) {
    case INNER:
        return barks_join(left, right, "key", .partitions = partitions, .broadcast = BARKS_NEVER);
    case LEFT:
        return barks_left_join(left, right, "key", .partitions = partitions,
                               .broadcast = BARKS_NEVER);
    case RIGHT:
        return barks_right_join(left, right, "key", .partitions = partitions,
                                .broadcast = BARKS_NEVER);
    default:
        return barks_full_join(left, right, "key", .partitions = partitions,
                               .broadcast = BARKS_NEVER);
    }
}

static void check_kind(barks_context *context, const struct sides *sides, int kind,
                       uint32_t partitions)
{
    int64_t count = 0, expected_count = 0;
    barks_rdd *left = barks_parallelize(context, left_row, sides->left, (size_t)sides->left_count,
                                        sides->left_partitions);
    barks_rdd *right =
        barks_map(barks_parallelize(context, right_row, sides->right, (size_t)sides->right_count,
                                    sides->right_partitions),
                  take_part, NULL);
    struct joined *rows = barks_collect(run_join(kind, left, right, partitions), joined, &count);
    struct ids *expected = expect(sides, kind, false, &expected_count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, expected_count);
    struct ids *got = calloc((size_t)count + 1, sizeof *got);
    for (int64_t i = 0; i < count; i++) {
        check_row(sides, &rows[i]);
        got[i] = (struct ids){rows[i].id.valid ? rows[i].id.value : -1,
                              rows[i].right_id.valid ? rows[i].right_id.value : -1};
    }
    qsort(got, (size_t)count, sizeof *got, by_ids);
    ck_assert(count == 0 || memcmp(got, expected, (size_t)count * sizeof *got) == 0);
    free(got);
    free(expected);
    barks_release(context, rows);
}

SHAPES(joins_pair_rows_of_equal_keys)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct sides sides = sides_make(&seed);
        for (int kind = INNER; kind <= FULL; kind++)
            check_kind(context, &sides, kind, run % 2 == 0 ? 0 : 5);
        sides_drop(&sides);
    }
}

SHAPES(semi_and_anti_joins_have_each_left_row_once)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct sides sides = sides_make(&seed);
        barks_rdd *left = barks_parallelize(context, left_row, sides.left, (size_t)sides.left_count,
                                            sides.left_partitions);
        barks_rdd *right = barks_parallelize(context, right_row, sides.right,
                                             (size_t)sides.right_count, sides.right_partitions);
        for (int kind = SEMI; kind <= ANTI; kind++) {
            int64_t count = 0, expected_count = 0;
            struct ids *expected = expect(&sides, kind, true, &expected_count);
            barks_rdd *result =
                kind == SEMI
                    ? barks_semi_join(left, right, "key, number", .broadcast = BARKS_NEVER)
                    : barks_subtract_by_key(left, right, "key, number", .broadcast = BARKS_NEVER);
            struct left_row *rows = barks_collect(result, left_row, &count);
            ck_assert_ptr_nonnull(rows);
            ck_assert_int_eq(count, expected_count);
            int64_t sum = 0, expected_sum = 0;
            for (int64_t i = 0; i < count; i++) {
                const struct left_row *given = &sides.left[rows[i].id];
                ck_assert_int_eq(rows[i].key, given->key);
                ck_assert(text_equal(rows[i].text.value, given->text.value));
                sum += rows[i].id * rows[i].id;
                expected_sum += expected[i].left * expected[i].left;
            }
            ck_assert_int_eq(sum, expected_sum);
            free(expected);
        }
        sides_drop(&sides);
    }
}

BARKS_PAIR(ids_of_self, left_row, left_row, pair_key)
{
    out->key = left->key;
    out->id = left->id;
    out->other = right->id;
}

static void check_self(barks_rdd *rdd, const struct sides *sides, bool right_by_id)
{
    int64_t count = 0, expected = 0;
    struct pair_key *rows = barks_collect(rdd, pair_key, &count);
    ck_assert_ptr_nonnull(rows);
    for (int64_t i = 0; i < sides->left_count; i++)
        for (int64_t k = 0; k < sides->left_count; k++)
            expected +=
                sides->left[i].key == (right_by_id ? sides->left[k].id : sides->left[k].key);
    ck_assert_int_eq(count, expected);
    for (int64_t i = 0; i < count; i++) {
        const struct left_row *other = &sides->left[rows[i].other];
        ck_assert_int_eq(rows[i].key, sides->left[rows[i].id].key);
        ck_assert_int_eq(rows[i].key, right_by_id ? other->id : other->key);
    }
}

/* Its rows of equal keys are in many partitions, though both sides are one dataset. */
SHAPES(a_dataset_meets_itself)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct sides sides = sides_make(&seed);
        sides.left_count = sides.left_count > 400 ? 400 : sides.left_count;
        barks_rdd *rows = barks_parallelize(context, left_row, sides.left, (size_t)sides.left_count,
                                            sides.left_partitions);
        check_self(barks_join_with(rows, rows, "key", ids_of_self, .broadcast = BARKS_NEVER),
                   &sides, false);
        check_self(barks_join_with(rows, rows, "key", ids_of_self, .partitions = 3), &sides, false);
        check_self(barks_join_with(rows, rows, "key", ids_of_self, .right_keys = "id",
                                   .broadcast = BARKS_NEVER),
                   &sides, true);
        barks_rdd *parts = barks_partition_by(rows, "key", .partitions = 4);
        check_self(barks_join_with(parts, parts, "key", ids_of_self, .broadcast = BARKS_NEVER),
                   &sides, false);
        check_self(barks_join_with(parts, parts, "key", ids_of_self, .right_keys = "id",
                                   .broadcast = BARKS_NEVER),
                   &sides, true);
        ck_assert_int_eq(barks_count(barks_semi_join(rows, rows, "key")), sides.left_count);
        ck_assert_int_eq(barks_count(barks_anti_join(rows, rows, "key")), 0);
        ck_assert_int_eq(barks_count(barks_intersection(rows, rows)), sides.left_count);
        ck_assert_int_eq(barks_count(barks_subtract(rows, rows)), 0);
        sides_drop(&sides);
    }
}

SHAPES(a_function_says_what_a_pair_becomes)
{
    uint64_t seed = property_seed();
    const int64_t missing = -1;
    for (int run = 0; run < 4; run++) {
        struct sides sides = sides_make(&seed);
        int64_t count = 0, expected_count = 0;
        struct ids *expected = expect(&sides, FULL, true, &expected_count);
        barks_rdd *left = barks_parallelize(context, left_row, sides.left, (size_t)sides.left_count,
                                            sides.left_partitions);
        barks_rdd *right = barks_parallelize(context, right_row, sides.right,
                                             (size_t)sides.right_count, sides.right_partitions);
        barks_rdd *pairs = barks_full_join_with(left, right, "key, number", ids_of_pair,
                                                .right_keys = "key, number", .env = &missing);
        struct pair_ids *rows =
            barks_collect(barks_sort_by(pairs, "id, right_id"), pair_ids, &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, expected_count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].id, expected[i].left);
            ck_assert_int_eq(rows[i].right_id, expected[i].right);
        }
        free(expected);
        sides_drop(&sides);
    }
}

BARKS_RECORD(keyed_real, (f64, real), (i64, id));
BARKS_RECORD(other_real, (f64, real), (i64, other));

SHAPES(odd_numbers_are_keys_too)
{
    struct keyed_real left[] = {{(double)NAN, 1}, {-0.0, 2}, {1.5, 3}};
    struct other_real right[] = {{-(double)NAN, 1}, {0.0, 2}, {2.5, 3}};
    int64_t count = 0;
    struct keyed_real *rows =
        barks_collect(barks_sort_by(barks_join(barks_parallelize(context, keyed_real, left, 3, 2),
                                               barks_parallelize(context, other_real, right, 3, 3),
                                               "real", .broadcast = BARKS_NEVER),
                                    "real"),
                      keyed_real, &count);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(rows[0].id, 2);
    ck_assert(rows[0].real == 0.0 && !signbit(rows[0].real));
    ck_assert(isnan(rows[1].real));
}

SHAPES(sets_compare_whole_rows)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct sides sides = sides_make(&seed);
        for (int64_t i = 0; i < sides.left_count; i++)
            sides.left[i].id /= 3; /* duplicates */
        int64_t half = sides.left_count / 2, count = 0, expected_both = 0, expected_less = 0;
        barks_rdd *all = barks_parallelize(context, left_row, sides.left, (size_t)sides.left_count,
                                           sides.left_partitions);
        barks_rdd *some = barks_parallelize(context, left_row, sides.left, (size_t)half, 3);
        for (int64_t i = 0; i < sides.left_count; i++) {
            bool in_some = false, before = false;
            for (int64_t k = 0; k < (i > half ? i : half); k++) {
                const struct left_row *a = &sides.left[i], *b = &sides.left[k];
                bool equal = a->key == b->key && a->id == b->id &&
                             a->number.valid == b->number.valid &&
                             a->number.value == b->number.value && a->text.valid == b->text.valid &&
                             text_equal(a->text.value, b->text.value);
                in_some |= equal && k < half;
                before |= equal && k < i;
            }
            expected_both += in_some && !before;
            expected_less += !in_some;
        }
        ck_assert_int_eq(barks_count(barks_intersection(all, some, .broadcast = BARKS_NEVER)),
                         expected_both);
        ck_assert_int_eq(barks_count(barks_subtract(all, some, .partitions = 4)), expected_less);
        (void)count;
        sides_drop(&sides);
    }
}

static void expect_error(barks_context *context, barks_rdd *rdd, const char *words)
{
    char text[1024];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    ck_assert_int_eq(barks_status_code(error), BARKS_INVALID);
    barks_status_free(error);
}

SHAPES(wrong_joins_say_what_is_wrong)
{
    struct left_row left[1] = {{.key = 1}};
    struct right_row right[1] = {{.key = 1}};
    barks_rdd *a = barks_parallelize(context, left_row, left, 1, 1);
    barks_rdd *b = barks_parallelize(context, right_row, right, 1, 1);
    expect_error(context, barks_join(a, b, "key"), "both sides have a field 'number'");
    expect_error(context, barks_join(a, b, "kye"), "did you mean 'key'");
    expect_error(context, barks_join(a, b, "key", .right_keys = "name"), "make them equal");
    expect_error(context, barks_join(a, b, "key", .right_keys = "key, name"), "not as many keys");
    expect_error(context, barks_subtract(a, b), "fields must be equal");
    expect_error(context, barks_join_with(b, a, "key", ids_of_pair, .env = &left[0].id),
                 "wants a field");
}

SHAPES(pairs_of_one_key_are_not_all_made_at_once)
{
    enum { ROWS = 40000, TEXT_BYTES = 16000 };
    static struct left_row rows[ROWS];
    static char text[TEXT_BYTES];
    struct right_row one = {.key = 1};
    memset(text, 't', sizeof text);
    for (int64_t i = 0; i < ROWS; i++)
        rows[i] = (struct left_row){.key = 1, .id = i};
    for (int64_t i = 0; i < 4; i++)
        rows[i].text = (barks_optional_str){barks_str_of(text, sizeof text), true};
    barks_rdd *few = barks_parallelize(context, right_row, &one, 1, 1);
    barks_rdd *many = barks_parallelize(context, left_row, rows, ROWS, 4);
    /* 40,000 rows with 40,000 of one key would be 1.6 billion pairs; they stream. */
    int64_t count = 0;
    barks_rdd *pairs = barks_join(barks_select(many, "key, id"),
                                  barks_rename(barks_select(many, "key, id"), "id as other"), "key",
                                  .broadcast = BARKS_NEVER);
    ck_assert_ptr_nonnull(barks_take(pairs, 10, pair_key, &count));
    ck_assert_int_eq(count, 10);
    ck_assert_int_eq(barks_count(barks_semi_join(many, few, "key", .broadcast = BARKS_NEVER)),
                     ROWS);
}

SUITE_MAIN("rdd/joins", ON_SHAPES(pairs_of_one_key_are_not_all_made_at_once),
           ON_SHAPES(joins_pair_rows_of_equal_keys),
           ON_SHAPES(semi_and_anti_joins_have_each_left_row_once),
           ON_SHAPES(a_function_says_what_a_pair_becomes), ON_SHAPES(a_dataset_meets_itself),
           ON_SHAPES(odd_numbers_are_keys_too), ON_SHAPES(sets_compare_whole_rows),
           ON_SHAPES(wrong_joins_say_what_is_wrong))
