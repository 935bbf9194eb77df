/* Joins and sets of rows against loops over arrays. */
#include "rdd/cases.h"

BARKS_RECORD(left_row, (i64, key), (optional(i64), number), (i64, id), (optional(str), text));
BARKS_RECORD(right_row, (i64, key), (optional(i64), number), (i64, right_id), (str, name));
BARKS_RECORD(joined, (optional(i64), key), (optional(i64), id), (optional(str), text),
             (optional(i64), right_id), (optional(str), name));
BARKS_RECORD(pair_ids, (i64, id), (i64, right_id));
BARKS_RECORD(pair_key, (i64, key), (i64, id), (i64, other));

enum { INNER = 1, LEFT, RIGHT, FULL, SEMI, ANTI };

struct sides {
    struct left_row *left;
    struct right_row *right;
    int64_t left_count, right_count;
    uint32_t left_partitions, right_partitions;
    char *bytes;
};

static struct sides sides_make(uint64_t *seed)
{
    static const int64_t counts[] = {0, 1, 3, 50, 400, 3000};
    struct sides sides = {.left_count = counts[property_next(seed) % 6],
                          .right_count = counts[property_next(seed) % 6],
                          .left_partitions = 1 + (uint32_t)(property_next(seed) % 9),
                          .right_partitions = 1 + (uint32_t)(property_next(seed) % 9)};
    /* Few keys make many pairs: not with many rows. */
    int64_t key_count = sides.left_count * sides.right_count > 100000
                            ? 200 + (int64_t)(property_next(seed) % 5000)
                            : 1 + (int64_t)(property_next(seed) % 30);
    sides.left = calloc((size_t)sides.left_count + 1, sizeof *sides.left);
    sides.right = calloc((size_t)sides.right_count + 1, sizeof *sides.right);
    sides.bytes = malloc(256);
    ck_assert(sides.left != NULL && sides.right != NULL && sides.bytes != NULL);
    memset(sides.bytes, 'x', 256);
    for (int64_t i = 0; i < sides.left_count; i++) {
        uint64_t choice = property_next(seed);
        sides.left[i] =
            (struct left_row){.key = (int64_t)(property_next(seed) % (uint64_t)key_count), .id = i};
        sides.left[i].number.valid = choice % 3 != 0;
        sides.left[i].number.value = sides.left[i].number.valid ? (int64_t)(choice / 3 % 3) : 0;
        sides.left[i].text.valid = choice / 9 % 4 != 0;
        sides.left[i].text.value =
            barks_str_of(sides.bytes, sides.left[i].text.valid ? choice / 36 % 200 : 0);
    }
    for (int64_t i = 0; i < sides.right_count; i++) {
        uint64_t choice = property_next(seed);
        sides.right[i] = (struct right_row){
            .key = (int64_t)(property_next(seed) % (uint64_t)key_count), .right_id = i};
        sides.right[i].number.valid = choice % 3 != 0;
        sides.right[i].number.value = sides.right[i].number.valid ? (int64_t)(choice / 3 % 3) : 0;
        sides.right[i].name = barks_str_of(sides.bytes, choice / 9 % 200);
    }
    return sides;
}

static void sides_drop(struct sides *sides)
{
    free(sides->left);
    free(sides->right);
    free(sides->bytes);
}

static bool match(const struct sides *sides, int64_t l, int64_t r, bool by_both)
{
    const struct left_row *left = &sides->left[l];
    const struct right_row *right = &sides->right[r];
    if (left->key != right->key)
        return false;
    return !by_both || (left->number.valid == right->number.valid &&
                        (!left->number.valid || left->number.value == right->number.value));
}

/* -1: the side is missing. */
struct ids {
    int64_t left, right;
};

static int by_ids(const void *a, const void *b)
{
    const struct ids *x = a, *y = b;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static struct ids *expect(const struct sides *sides, int kind, bool by_both, int64_t *out_count)
{
    size_t capacity = 1024 + (size_t)sides->right_count;
    int64_t count = 0;
    struct ids *pairs = malloc(capacity * sizeof *pairs);
    bool *met = calloc((size_t)sides->right_count + 1, sizeof *met);
    ck_assert(pairs != NULL && met != NULL);
    for (int64_t l = 0; l < sides->left_count; l++) {
        int64_t partners = 0;
        for (int64_t r = 0; r < sides->right_count; r++) {
            if (!match(sides, l, r, by_both))
                continue;
            met[r] = true;
            if (partners++ == 0 ? kind == ANTI : kind == SEMI || kind == ANTI)
                continue;
            if ((size_t)count + 2 + (size_t)sides->right_count > capacity)
                ck_assert((pairs = realloc(
                               pairs, (capacity = 2 * capacity + (size_t)sides->right_count + 2) *
                                          sizeof *pairs)) != NULL);
            pairs[count++] = (struct ids){l, kind == SEMI ? -1 : r};
        }
        if ((size_t)count + 2 + (size_t)sides->right_count > capacity)
            ck_assert(
                (pairs = realloc(pairs, (capacity = 2 * capacity + (size_t)sides->right_count + 2) *
                                            sizeof *pairs)) != NULL);
        if (partners == 0 && (kind == LEFT || kind == FULL || kind == ANTI))
            pairs[count++] = (struct ids){l, -1};
    }
    for (int64_t r = 0; r < sides->right_count; r++)
        if (!met[r] && (kind == RIGHT || kind == FULL))
            pairs[count++] = (struct ids){-1, r};
    free(met);
    qsort(pairs, (size_t)count, sizeof *pairs, by_ids);
    *out_count = count;
    return pairs;
}

static bool text_equal(barks_str a, barks_str b) { return barks_str_compare(a, b) == 0; }

/* Every field of a joined row is that of its rows. */
static void check_row(const struct sides *sides, const struct joined *row)
{
    ck_assert(row->key.valid);
    if (row->id.valid) {
        const struct left_row *left = &sides->left[row->id.value];
        ck_assert_int_eq(row->key.value, left->key);
        ck_assert_int_eq(row->text.valid, left->text.valid);
        ck_assert(!left->text.valid || text_equal(row->text.value, left->text.value));
    } else {
        ck_assert(!row->text.valid);
    }
    ck_assert_int_eq(row->right_id.valid, row->name.valid);
    if (row->right_id.valid) {
        const struct right_row *right = &sides->right[row->right_id.value];
        ck_assert_int_eq(row->key.value, right->key);
        ck_assert(text_equal(row->name.value, right->name));
    }
}

BARKS_RECORD(right_part, (i64, key), (i64, right_id), (str, name));
BARKS_MAP(take_part, right_row, right_part)
{
    out->key = in->key;
    out->right_id = in->right_id;
    out->name = in->name;
}

static barks_rdd *run_join(int kind, barks_rdd *left, barks_rdd *right, uint32_t partitions)
{
    switch (kind) {
    case INNER:
        return barks_join(left, right, "key", .partitions = partitions);
    case LEFT:
        return barks_left_join(left, right, "key", .partitions = partitions);
    case RIGHT:
        return barks_right_join(left, right, "key", .partitions = partitions);
    default:
        return barks_full_join(left, right, "key", .partitions = partitions);
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
            barks_rdd *result = kind == SEMI ? barks_semi_join(left, right, "key, number")
                                             : barks_subtract_by_key(left, right, "key, number");
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
        check_self(barks_join_with(rows, rows, "key", ids_of_self), &sides, false);
        check_self(barks_join_with(rows, rows, "key", ids_of_self, .partitions = 3), &sides, false);
        check_self(barks_join_with(rows, rows, "key", ids_of_self, .right_keys = "id"), &sides,
                   true);
        barks_rdd *parts = barks_partition_by(rows, "key", .partitions = 4);
        check_self(barks_join_with(parts, parts, "key", ids_of_self), &sides, false);
        check_self(barks_join_with(parts, parts, "key", ids_of_self, .right_keys = "id"), &sides,
                   true);
        ck_assert_int_eq(barks_count(barks_semi_join(rows, rows, "key")), sides.left_count);
        ck_assert_int_eq(barks_count(barks_anti_join(rows, rows, "key")), 0);
        ck_assert_int_eq(barks_count(barks_intersection(rows, rows)), sides.left_count);
        ck_assert_int_eq(barks_count(barks_subtract(rows, rows)), 0);
        sides_drop(&sides);
    }
}

BARKS_PAIR(ids_of_pair, left_row, right_row, pair_ids, int64_t)
{
    out->id = left != NULL ? left->id : *env;
    out->right_id = right != NULL ? right->right_id : *env;
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
    struct keyed_real *rows = barks_collect(
        barks_sort_by(barks_join(barks_parallelize(context, keyed_real, left, 3, 2),
                                 barks_parallelize(context, other_real, right, 3, 3), "real"),
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
        ck_assert_int_eq(barks_count(barks_intersection(all, some)), expected_both);
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
    barks_rdd *pairs =
        barks_join(barks_select(many, "key, id"),
                   barks_rename(barks_select(many, "key, id"), "id as other"), "key");
    ck_assert_ptr_nonnull(barks_take(pairs, 10, pair_key, &count));
    ck_assert_int_eq(count, 10);
    ck_assert_int_eq(barks_count(barks_semi_join(many, few, "key")), ROWS);
}

SUITE_MAIN("rdd/joins", ON_SHAPES(pairs_of_one_key_are_not_all_made_at_once),
           ON_SHAPES(joins_pair_rows_of_equal_keys),
           ON_SHAPES(semi_and_anti_joins_have_each_left_row_once),
           ON_SHAPES(a_function_says_what_a_pair_becomes), ON_SHAPES(a_dataset_meets_itself),
           ON_SHAPES(odd_numbers_are_keys_too), ON_SHAPES(sets_compare_whole_rows),
           ON_SHAPES(wrong_joins_say_what_is_wrong))
