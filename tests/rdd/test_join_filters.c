/* Joins that do not send rows whose keys the other side lacks (shuffle/key_filter.h), against loops
 * over arrays, and what was sent. */
#include "rdd/join_cases.h"
#include "runtime/context.h"

#include <math.h>

/* A test with join_filter=on on 1, 2 and 4 executors, with auto and off on 3. */
#define FILTERED(name)                                                                             \
    static void name(barks_context *context);                                                      \
    FILTERED_RUN(name, on, 1)                                                                      \
    FILTERED_RUN(name, on, 2)                                                                      \
    FILTERED_RUN(name, on, 4)                                                                      \
    FILTERED_RUN(name, auto, 3)                                                                    \
    FILTERED_RUN(name, off, 3)                                                                     \
    static void name(barks_context *context)
#define FILTERED_RUN(name, setting, executors)                                                     \
    START_TEST(name##_##setting##_##executors)                                                     \
    {                                                                                              \
        ck_assert_int_eq(setenv("BARKS_JOIN_FILTER", #setting, 1), 0);                             \
        run_on(name, #executors, 0);                                                               \
    }                                                                                              \
    END_TEST
#define ON_SETTINGS(name) name##_on_1, name##_on_2, name##_on_4, name##_auto_3, name##_off_3

BARKS_RECORD(wide_id, (i64, id));
BARKS_RECORD(joined_ids, (optional(i64), id), (optional(i64), right_id));

static bool setting_is(const char *word) { return strcmp(getenv("BARKS_JOIN_FILTER"), word) == 0; }

static uint64_t filtered(const barks_context *context)
{
    return driver_totals(context->driver).rows_filtered;
}

/* ---- the right rows, whatever is left out ---- */

static void check_pairs(barks_context *context, const struct sides *sides, int kind, bool by_both,
                        uint32_t partitions)
{
    const barks_join_options options = {.partitions = partitions, .broadcast = BARKS_NEVER};
    int64_t count = 0, expected_count = 0;
    barks_rdd *left = barks_parallelize(context, left_row, sides->left, (size_t)sides->left_count,
                                        sides->left_partitions);
    barks_rdd *right = barks_parallelize(context, right_row, sides->right,
                                         (size_t)sides->right_count, sides->right_partitions);
    barks_rdd *joined =
        barks_join_at(barks_select(left, "key, number, id"),
                      barks_select(right, by_both ? "key, number, right_id" : "key, right_id"),
                      by_both ? "key, number" : "key", kind, NULL, &options, BARKS_HERE);
    struct ids *expected = expect(sides, kind, by_both, &expected_count);
    struct ids *got = calloc((size_t)expected_count + 1, sizeof *got);
    if (kind == SEMI || kind == ANTI) {
        struct wide_id *ids = barks_collect(barks_select(joined, "id"), wide_id, &count);
        ck_assert_ptr_nonnull(ids);
        ck_assert_int_eq(count, expected_count);
        for (int64_t i = 0; i < count; i++)
            got[i] = (struct ids){ids[i].id, -1};
        barks_release(context, ids);
    } else {
        struct joined_ids *rows =
            barks_collect(barks_select(joined, "id, right_id"), joined_ids, &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, expected_count);
        for (int64_t i = 0; i < count; i++)
            got[i] = (struct ids){rows[i].id.valid ? rows[i].id.value : -1,
                                  rows[i].right_id.valid ? rows[i].right_id.value : -1};
        barks_release(context, rows);
    }
    qsort(got, (size_t)count, sizeof *got, by_ids);
    ck_assert(count == 0 || memcmp(got, expected, (size_t)count * sizeof *got) == 0);
    free(got);
    free(expected);
}

FILTERED(all_joins_pair_what_they_should)
{
    static const uint32_t partitions[] = {0, 1, 2, 5, 33};
    uint64_t seed = property_seed();
    for (int run = 0; run < 5; run++) {
        struct sides sides = sides_make(&seed);
        for (int kind = INNER; kind <= ANTI; kind++)
            check_pairs(context, &sides, kind, (kind + run) % 2 == 0, partitions[run]);
        sides_drop(&sides);
    }
}

FILTERED(a_side_may_be_empty)
{
    uint64_t seed = property_seed();
    struct sides sides = sides_make(&seed);
    while (sides.left_count < 50 || sides.right_count < 50) {
        sides_drop(&sides);
        sides = sides_make(&seed);
    }
    int64_t left_count = sides.left_count;
    for (int empty = 0; empty < 3; empty++) {
        sides.left_count = empty != 0 ? 0 : left_count;
        sides.right_count = empty != 1 ? 0 : sides.right_count;
        for (int kind = INNER; kind <= ANTI; kind++)
            check_pairs(context, &sides, kind, true, 0);
        sides.left_count = left_count;
    }
    sides_drop(&sides);
}

/* ---- keys of all types ---- */

BARKS_RECORD(wide_row, (i64, whole), (i32, small), (f64, real), (f32, single), (str, text),
             (bool, flag), (i64, id));

enum { WIDE = 4000, NARROW = 60 };

static double real_of(int64_t i)
{
    static const double odd[] = {NAN, -0.0, 0.0, -1.5, INFINITY, -INFINITY, 3e30, 1e-30};
    return i % 11 < 8 ? (double)(float)odd[i % 11] : (double)(i % 97) / 4;
}

static bool reals_equal(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void check_key(barks_rdd *wide, barks_rdd *narrow, const char *key, const bool *has_partner)
{
    for (int kind = SEMI; kind <= ANTI; kind++) {
        const barks_join_options options = {.broadcast = BARKS_NEVER};
        int64_t count = 0;
        barks_rdd *rdd = barks_join_at(wide, narrow, key, kind, NULL, &options, BARKS_HERE);
        struct wide_id *rows = barks_collect(barks_select(rdd, "id"), wide_id, &count);
        ck_assert_ptr_nonnull(rows);
        bool *seen = calloc(WIDE, sizeof *seen);
        ck_assert_ptr_nonnull(seen);
        for (int64_t i = 0; i < count; i++) {
            ck_assert(!seen[rows[i].id]);
            seen[rows[i].id] = true;
        }
        for (int64_t i = 0; i < WIDE; i++)
            ck_assert_int_eq(seen[i], has_partner[i] == (kind == SEMI));
        free(seen);
    }
}

/* odd_count: so many of the eight odd numbers are among the reals. */
static struct wide_row *make_wide(uint64_t *seed, int64_t count, uint64_t odd_count)
{
    enum { TEXT_BYTES = 32 };
    struct wide_row *rows = calloc((size_t)count, sizeof *rows + TEXT_BYTES);
    ck_assert_ptr_nonnull(rows);
    char *bytes = (char *)(rows + count);
    for (int64_t i = 0; i < count; i++, bytes += TEXT_BYTES) {
        int32_t whole = (int32_t)(property_next(seed) % 2000) - 1000;
        double real = real_of((int64_t)(property_next(seed) % odd_count));
        int length = snprintf(bytes, TEXT_BYTES, whole % 2 == 0 ? "%d" : "a longer text %d", whole);
        rows[i] = (struct wide_row){.whole = whole,
                                    .small = whole,
                                    .real = real,
                                    .single = (float)real,
                                    .text = barks_str_of(bytes, (size_t)length),
                                    .flag = whole % 2 == 0,
                                    .id = i};
    }
    return rows;
}

FILTERED(keys_of_all_types_find_their_equals)
{
    uint64_t seed = property_seed();
    struct wide_row *wide = make_wide(&seed, WIDE, 1000), *narrow = make_wide(&seed, NARROW, 4);
    bool *by_whole = calloc(WIDE, sizeof(bool)), *by_real = calloc(WIDE, sizeof(bool));
    bool *by_flag = calloc(WIDE, sizeof(bool));
    ck_assert(by_whole != NULL && by_real != NULL && by_flag != NULL);
    for (int64_t i = 0; i < WIDE; i++)
        for (int64_t k = 0; k < NARROW; k++) {
            by_whole[i] |= wide[i].whole == narrow[k].whole;
            by_real[i] |= reals_equal(wide[i].real, narrow[k].real);
            by_flag[i] |= wide[i].flag == narrow[k].flag;
        }
    barks_rdd *left = barks_parallelize(context, wide_row, wide, WIDE, 5);
    barks_rdd *right = barks_parallelize(context, wide_row, narrow, NARROW, 3);
    static const char *const whole_keys[] = {"whole", "small", "text", "whole, text, small"};
    for (size_t k = 0; k < sizeof whole_keys / sizeof *whole_keys; k++) {
        uint64_t before = filtered(context);
        check_key(left, right, whole_keys[k], by_whole);
        ck_assert_int_eq(filtered(context) > before, !setting_is("off"));
    }
    check_key(left, right, "real", by_real);
    check_key(left, right, "single", by_real);
    check_key(left, right, "flag", by_flag);
    free(by_whole);
    free(by_real);
    free(by_flag);
    free(wide);
    free(narrow);
}

/* ---- which side, and how many rows ---- */

BARKS_RECORD(key_row, (i64, key), (i64, id));
BARKS_RECORD(other_row, (i64, key), (i64, other));

struct spread {
    int64_t step, first, hot_percent;
};
static int64_t key_at(const struct spread *spread, int64_t id)
{
    uint64_t mixed = ((uint64_t)id + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    return (int64_t)(mixed % 100) < spread->hot_percent ? spread->first
                                                        : spread->first + spread->step * id;
}
BARKS_MAP(make_row, barks_number, key_row, struct spread)
{
    *out = (struct key_row){.key = key_at(env, in->value), .id = in->value};
}
BARKS_MAP(make_other, barks_number, other_row, struct spread)
{
    *out = (struct other_row){.key = key_at(env, in->value), .other = in->value};
}

enum { LARGE = 40000, SMALL = 500 };

/* The keys of the small side are those of one in 80 rows of the large one. */
static barks_rdd *join_sizes(barks_context *context, int kind, bool left_is_large)
{
    static const struct spread large = {.step = 1}, small = {.step = 80};
    const barks_join_options options = {.broadcast = BARKS_NEVER};
    barks_rdd *left = barks_map(barks_range(context, 0, left_is_large ? LARGE : SMALL, 1, 4),
                                make_row, left_is_large ? &large : &small);
    barks_rdd *right = barks_map(barks_range(context, 0, left_is_large ? SMALL : LARGE, 1, 3),
                                 make_other, left_is_large ? &small : &large);
    return barks_join_at(left, right, "key", kind, NULL, &options, BARKS_HERE);
}

static bool is_told(barks_context *context, barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    bool is = strstr(text, "without rows whose keys #") != NULL;
    barks_release(context, text);
    return is;
}

FILTERED(the_side_that_may_miss_rows_is_tested)
{
    for (int kind = INNER; kind <= ANTI; kind++)
        for (int left_is_large = 0; left_is_large < 2; left_is_large++) {
            barks_rdd *rdd = join_sizes(context, kind, left_is_large != 0);
            bool may_test_large = kind == INNER || kind == SEMI ||
                                  (kind == RIGHT && left_is_large) ||
                                  ((kind == LEFT || kind == ANTI) && !left_is_large);
            bool is_tested =
                !setting_is("off") && kind != FULL && (may_test_large || setting_is("on"));
            uint64_t before = filtered(context);
            int64_t expected = kind == SEMI   ? SMALL
                               : kind == ANTI ? (left_is_large ? LARGE - SMALL : 0)
                               : kind == FULL || (kind == LEFT && left_is_large) ||
                                       (kind == RIGHT && !left_is_large)
                                   ? LARGE
                                   : SMALL;
            ck_assert_int_eq(barks_count(rdd), expected);
            ck_assert_int_eq(is_told(context, rdd), is_tested);
            uint64_t dropped = filtered(context) - before;
            if (is_tested && may_test_large) /* a few seem to be there */
                ck_assert(dropped > 9 * (LARGE - SMALL) / 10 && dropped <= LARGE - SMALL);
            else
                ck_assert_uint_eq(dropped, 0);
        }
}

/* By itself, a join does not let a side wait for one that is not far smaller. */
FILTERED(sides_of_like_size_are_sent_at_once)
{
    static const struct spread even = {.step = 1}, far = {.step = 1, .first = 1000000};
    const barks_join_options options = {.broadcast = BARKS_NEVER};
    barks_rdd *left = barks_map(barks_range(context, 0, LARGE, 1, 4), make_row, &even);
    barks_rdd *right = barks_map(barks_range(context, 0, LARGE / 3, 1, 4), make_other, &far);
    barks_rdd *rdd = barks_join_at(left, right, "key", INNER, NULL, &options, BARKS_HERE);
    ck_assert_int_eq(is_told(context, rdd), setting_is("on"));
    ck_assert_int_eq(barks_count(rdd), 0);
    ck_assert_uint_eq(filtered(context), setting_is("on") ? LARGE : 0);
}

/* ---- with hot keys ---- */

enum { HOT_ROWS = 100000 };

/* Of the rows with a partner most have one key, which is spread after the others were left out;
 * also of a semi join, whose right side is mapped first and never spread itself. */
FILTERED(hot_keys_are_found_in_what_is_left)
{
    static const struct spread hot = {.step = 1, .hot_percent = 60}, few = {.step = 50};
    const barks_join_options options = {.broadcast = BARKS_NEVER};
    int64_t expected = 0;
    for (int64_t id = 0; id < HOT_ROWS; id++)
        expected += key_at(&hot, id) % 50 == 0 && key_at(&hot, id) < 50 * SMALL;
    for (int kind = INNER; kind <= SEMI; kind++) {
        if (kind == LEFT || kind == FULL)
            continue;
        uint32_t before = driver_totals(context->driver).hot_key_count;
        uint64_t filtered_before = filtered(context);
        barks_rdd *large = barks_map(barks_range(context, 0, HOT_ROWS, 1, 4), make_row, &hot);
        barks_rdd *small = barks_map(barks_range(context, 0, SMALL, 1, 3), make_other, &few);
        barks_rdd *rdd = kind == RIGHT
                             ? barks_join_at(small, large, "key", LEFT, NULL, &options, BARKS_HERE)
                             : barks_join_at(large, small, "key", kind, NULL, &options, BARKS_HERE);
        int64_t alone = 0; /* small rows without a partner stay */
        for (int64_t id = 0; id < SMALL && kind == RIGHT; id++) {
            int64_t key = key_at(&few, id);
            alone += key != 0 && key_at(&hot, key) != key;
        }
        ck_assert_int_eq(barks_count(rdd), expected + alone);
        ck_assert_int_eq(filtered(context) > filtered_before, !setting_is("off"));
        if (kind != RIGHT) /* the left of a left join is spread alone */
            ck_assert_uint_eq(driver_totals(context->driver).hot_key_count, before + 1);
    }
}

SUITE_MAIN("rdd/join_filters", ON_SETTINGS(all_joins_pair_what_they_should),
           ON_SETTINGS(a_side_may_be_empty), ON_SETTINGS(keys_of_all_types_find_their_equals),
           ON_SETTINGS(the_side_that_may_miss_rows_is_tested),
           ON_SETTINGS(sides_of_like_size_are_sent_at_once),
           ON_SETTINGS(hot_keys_are_found_in_what_is_left))
