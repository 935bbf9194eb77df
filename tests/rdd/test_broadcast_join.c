/* Joins of which one side is held by every executor, against loops over arrays: the rows, their
 * order, where they lie, and how often what is computed. */
#include "rdd/join_cases.h"

#include <inttypes.h>
#include <stdio.h>

struct counting {
    barks_accumulator calls;
};
BARKS_MAP(count_right, right_row, right_part, struct counting)
{
    out->key = in->key;
    out->right_id = in->right_id;
    out->name = in->name;
    barks_add(env->calls, 1);
}

static barks_rdd *left_of(barks_context *context, const struct sides *sides)
{
    return barks_parallelize(context, left_row, sides->left, (size_t)sides->left_count,
                             sides->left_partitions);
}

static barks_rdd *right_of(barks_context *context, const struct sides *sides)
{
    return barks_map(barks_parallelize(context, right_row, sides->right, (size_t)sides->right_count,
                                       sides->right_partitions),
                     take_part, NULL);
}

static bool is_broadcast(barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    const char *step = strchr(text, '#'); /* the last one, which is told first */
    ck_assert_ptr_nonnull(step);
    const char *found = strstr(step, "broadcast join");
    return found != NULL && found < strchr(step, '\n');
}

static int exchanges_of(barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    const char *found = strstr(text, "exchanges: ");
    ck_assert_ptr_nonnull(found);
    return (int)strtol(found + strlen("exchanges: "), NULL, 10);
}

static barks_rdd *run_join(int kind, barks_rdd *left, barks_rdd *right, barks_choice choice)
{
    switch (kind) {
    case INNER:
        return barks_join(left, right, "key", .broadcast = choice);
    case LEFT:
        return barks_left_join(left, right, "key", .broadcast = choice);
    case RIGHT:
        return barks_right_join(left, right, "key", .broadcast = choice);
    case SEMI:
        return barks_semi_join(left, right, "key", .broadcast = choice);
    default:
        return barks_anti_join(left, right, "key", .broadcast = choice);
    }
}

/* By the rows of the right, then of the left. */
static int by_right(const void *a, const void *b)
{
    const struct ids *x = a, *y = b;
    if (x->right != y->right)
        return x->right < y->right ? -1 : 1;
    return (x->left > y->left) - (x->left < y->left);
}

static bool are_in_order(const struct joined *rows, const struct ids *expected, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if ((rows[i].id.valid ? rows[i].id.value : -1) != expected[i].left ||
            (rows[i].right_id.valid ? rows[i].right_id.value : -1) != expected[i].right)
            return false;
    return true;
}

/* The rows come in the order of the side that was not sent, which of an inner join is the larger.
 */
static void check_kind(barks_context *context, const struct sides *sides, int kind)
{
    int64_t count = 0, expected_count = 0;
    barks_rdd *result =
        run_join(kind, left_of(context, sides), right_of(context, sides), BARKS_ALWAYS);
    struct joined *rows = barks_collect(result, joined, &count);
    struct ids *expected = expect(sides, kind, false, &expected_count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, expected_count);
    for (int64_t i = 0; i < count; i++)
        check_row(sides, &rows[i]);
    bool by_left = kind != RIGHT && are_in_order(rows, expected, count) &&
                   barks_partition_count(result) == sides->left_partitions;
    qsort(expected, (size_t)count, sizeof *expected, by_right);
    bool by_other = kind != LEFT && are_in_order(rows, expected, count) &&
                    barks_partition_count(result) == sides->right_partitions;
    ck_assert(by_left || by_other);
    ck_assert_int_eq(exchanges_of(result), 0);
    ck_assert(is_broadcast(result));
    free(expected);
    barks_release(context, rows);
}

SHAPES(rows_come_in_the_order_of_the_big_side)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct sides sides = sides_make(&seed);
        for (int kind = INNER; kind <= RIGHT; kind++)
            check_kind(context, &sides, kind);
        sides_drop(&sides);
    }
}

SHAPES(semi_and_anti_joins_have_left_rows_in_order)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct sides sides = sides_make(&seed);
        for (int kind = SEMI; kind <= ANTI; kind++) {
            int64_t count = 0, expected_count = 0;
            struct ids *expected = expect(&sides, kind, true, &expected_count);
            barks_rdd *left = left_of(context, &sides);
            barks_rdd *right = barks_parallelize(context, right_row, sides.right,
                                                 (size_t)sides.right_count, sides.right_partitions);
            barks_rdd *result =
                kind == SEMI
                    ? barks_semi_join(left, right, "key, number", .broadcast = BARKS_ALWAYS)
                    : barks_anti_join(left, right, "key, number", .broadcast = BARKS_ALWAYS);
            struct left_row *rows = barks_collect(result, left_row, &count);
            ck_assert_ptr_nonnull(rows);
            ck_assert_int_eq(count, expected_count);
            for (int64_t i = 0; i < count; i++) {
                ck_assert_int_eq(rows[i].id, expected[i].left);
                ck_assert(text_equal(rows[i].text.value, sides.left[rows[i].id].text.value));
            }
            ck_assert(is_broadcast(result));
            free(expected);
        }
        sides_drop(&sides);
    }
}

/* Which side is held is the smaller one's business, so only the set of pairs is compared. */
static void check_pairs(barks_rdd *pairs, const struct sides *sides, int kind)
{
    int64_t count = 0, expected_count = 0;
    struct ids *expected = expect(sides, kind, true, &expected_count);
    struct pair_ids *rows = barks_collect(barks_sort_by(pairs, "id, right_id"), pair_ids, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, expected_count);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].id, expected[i].left);
        ck_assert_int_eq(rows[i].right_id, expected[i].right);
    }
    ck_assert(is_broadcast(pairs));
    free(expected);
}

SHAPES(a_function_says_what_a_pair_becomes)
{
    uint64_t seed = property_seed();
    const int64_t missing = -1;
    for (int run = 0; run < 4; run++) {
        struct sides sides = sides_make(&seed);
        barks_rdd *left = left_of(context, &sides);
        barks_rdd *right = barks_parallelize(context, right_row, sides.right,
                                             (size_t)sides.right_count, sides.right_partitions);
        check_pairs(barks_join_with(left, right, "key, number", ids_of_pair, .env = &missing,
                                    .broadcast = BARKS_ALWAYS),
                    &sides, INNER);
        check_pairs(barks_left_join_with(left, right, "key, number", ids_of_pair, .env = &missing,
                                         .broadcast = BARKS_ALWAYS),
                    &sides, LEFT);
        check_pairs(barks_right_join_with(left, right, "key, number", ids_of_pair, .env = &missing,
                                          .broadcast = BARKS_ALWAYS),
                    &sides, RIGHT);
        sides_drop(&sides);
    }
}

BARKS_RECORD(keyed_real, (f64, real), (i64, id));
BARKS_RECORD(other_real, (f64, number), (i64, other));
BARKS_RECORD(real_pair, (f64, real), (optional(i64), id), (i64, other));

/* Of a side that streams as the right, keys come out under the names of the left, and canonical. */
SHAPES(odd_numbers_are_keys_of_either_side)
{
    struct keyed_real left[] = {{(double)NAN, 1}, {-0.0, 2}, {1.5, 3}};
    struct other_real right[] = {{2.5, 0}, {-0.0, 1}, {-(double)NAN, 2}, {0.0, 3}};
    int64_t count = 0;
    barks_rdd *a = barks_parallelize(context, keyed_real, left, 3, 2);
    barks_rdd *b = barks_parallelize(context, other_real, right, 4, 3);
    struct real_pair *rows = barks_collect(
        barks_right_join(a, b, "real", .right_keys = "number", .broadcast = BARKS_ALWAYS),
        real_pair, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 4);
    const int64_t ids[] = {-1, 2, 1, 2};
    for (int64_t i = 0; i < 4; i++) {
        ck_assert_int_eq(rows[i].other, i);
        ck_assert_int_eq(rows[i].id.valid ? rows[i].id.value : -1, ids[i]);
    }
    ck_assert(rows[0].real == 2.5 && isnan(rows[2].real) && !signbit(rows[1].real) &&
              rows[1].real == 0 && rows[3].real == 0 && !signbit(rows[3].real));
}

BARKS_RECORD(few_key, (i64, key), (i64, few));
BARKS_RECORD(many_key, (i64, key), (i64, many));
BARKS_RECORD(key_total, (i64, key), (i64, total));
BARKS_MAP(to_many, barks_number, many_key)
{
    out->key = in->value % 100;
    out->many = in->value;
}
BARKS_MAP(to_total, many_key, key_total)
{
    out->key = in->key;
    out->total = in->many;
}
BARKS_REDUCE(add_total, key_total) { acc->total += in->total; }

static barks_rdd *many_rows(barks_context *context, int64_t count, uint32_t partitions)
{
    return barks_map(barks_range(context, 0, count, 1, partitions), to_many, NULL);
}

static barks_rdd *few_rows(barks_context *context)
{
    struct few_key rows[50];
    for (int64_t i = 0; i < 50; i++)
        rows[i] = (struct few_key){.key = 2 * i, .few = i};
    return barks_parallelize(context, few_key, rows, 50, 3);
}

/* What is partitioned by the keys stays so, whichever side it is and whatever its keys are called.
 */
SHAPES(the_partitioning_of_the_big_side_stays)
{
    barks_rdd *many = barks_partition_by(many_rows(context, 5000, 4), "key", .partitions = 6);
    barks_rdd *few = few_rows(context);
    barks_rdd *left = barks_left_join(many, few, "key", .broadcast = BARKS_ALWAYS);
    ck_assert_uint_eq(barks_partition_count(left), 6);
    ck_assert_int_eq(exchanges_of(left), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(left, "key")), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(left, "few")), 2);
    barks_rdd *right = barks_right_join(barks_rename(few, "key as id"), many, "id",
                                        .right_keys = "key", .broadcast = BARKS_ALWAYS);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(right, "id")), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(right, "many")), 2);
    ck_assert_int_eq(barks_count(barks_distinct_by(right, "id")), 100);
    /* By another field of the big side. */
    barks_rdd *elsewhere = barks_partition_by(many_rows(context, 5000, 4), "many", .partitions = 6);
    right = barks_right_join(few, elsewhere, "key", .broadcast = BARKS_ALWAYS);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(right, "many")), 1);
    ck_assert_int_eq(exchanges_of(barks_distinct_by(right, "key")), 2);
    /* And what is made of it meets, without an exchange, what lies alike. */
    barks_rdd *totals =
        barks_reduce_by_key(barks_map(many, to_total, NULL), "key", add_total, .partitions = 6);
    ck_assert_int_eq(exchanges_of(barks_join(left, totals, "key")), 2);
    ck_assert_int_eq(barks_count(barks_join(left, totals, "key")), 5000);
}

SHAPES(a_side_is_sent_once)
{
    uint64_t seed = property_seed();
    struct sides sides = sides_make(&seed);
    while (sides.right_count < 50 || sides.left_count < 50) {
        sides_drop(&sides);
        sides = sides_make(&seed);
    }
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *right =
        barks_map(barks_parallelize(context, right_row, sides.right, (size_t)sides.right_count,
                                    sides.right_partitions),
                  count_right, &env);
    barks_rdd *left = left_of(context, &sides);
    barks_rdd *joined_rows = barks_left_join(left, right, "key", .broadcast = BARKS_ALWAYS);
    ck_assert_int_eq(barks_counter_value(context, env.calls), 0);
    int64_t count = barks_count(joined_rows);
    ck_assert_int_eq(barks_counter_value(context, env.calls), sides.right_count);
    ck_assert_ptr_nonnull(strstr(barks_explain(joined_rows), "sent"));
    ck_assert_int_eq(barks_count(joined_rows), count);
    /* Other joins with it as well, by these keys or others. */
    barks_rdd *semi = barks_semi_join(left, right, "key", .broadcast = BARKS_ALWAYS);
    barks_rdd *anti =
        barks_anti_join(left, right, "id", .right_keys = "right_id", .broadcast = BARKS_ALWAYS);
    int64_t expected_count = 0;
    free(expect(&sides, SEMI, false, &expected_count));
    ck_assert_int_eq(barks_count(semi), expected_count);
    int64_t extra = sides.left_count - sides.right_count;
    ck_assert_int_eq(barks_count(anti), extra > 0 ? extra : 0);
    ck_assert_int_eq(barks_count(barks_union(semi, semi)), 2 * expected_count);
    ck_assert_int_eq(barks_counter_value(context, env.calls), sides.right_count);
    sides_drop(&sides);
}

SHAPES(actions_side_by_side_may_send_it)
{
    for (int round = 0; round < 5; round++) {
        barks_future *futures[4];
        barks_rdd *result = barks_join(many_rows(context, 5000, 4), few_rows(context), "key",
                                       .broadcast = BARKS_ALWAYS);
        for (int i = 0; i < 4; i++)
            futures[i] = barks_count_async(result);
        for (int i = 0; i < 4; i++) {
            ck_assert(barks_wait(futures[i]));
            ck_assert_int_eq(barks_future_count(futures[i]), 2500);
        }
    }
}

/* 10 MiB are the default: 1.3 million numbers of 8 bytes are less, 1.4 million more. */
SHAPES(the_size_of_the_input_decides)
{
    barks_rdd *little = many_rows(context, 1300000, 4), *much = many_rows(context, 1400000, 4);
    barks_rdd *other = barks_rename(much, "many as other"), *few = few_rows(context);
    ck_assert(is_broadcast(barks_join(much, few, "key")));
    ck_assert(is_broadcast(barks_join(few, much, "key")));
    ck_assert(is_broadcast(barks_join(little, other, "key")));
    ck_assert(!is_broadcast(barks_join(much, other, "key")));
    ck_assert(!is_broadcast(barks_join(much, few, "key", .broadcast = BARKS_NEVER)));
    ck_assert(!is_broadcast(barks_join(much, few, "key", .partitions = 4)));
    /* The side that is kept whole is not sent, however small it is. */
    ck_assert(is_broadcast(barks_left_join(much, few, "key")));
    ck_assert(!is_broadcast(barks_left_join(few, much, "key")));
    ck_assert(is_broadcast(barks_right_join(few, much, "key")));
    ck_assert(!is_broadcast(barks_right_join(much, few, "key")));
    ck_assert(!is_broadcast(barks_full_join(few, much, "key")));
    ck_assert(is_broadcast(barks_semi_join(much, few, "key")));
    ck_assert(!is_broadcast(barks_anti_join(few, much, "key")));
    /* A big side that lies by the keys already stays there anyway, and then so does the result. */
    barks_rdd *placed = barks_partition_by(much, "key", .partitions = 4);
    ck_assert(!is_broadcast(barks_join(placed, few, "key")));
    ck_assert(is_broadcast(
        barks_join(placed, barks_rename(few, "key as other"), "many", .right_keys = "few")));
    /* What may be more than its input is of no known size. */
    barks_rdd *more = barks_drop(barks_join(few, barks_rename(few, "few as other"), "key"), "few");
    ck_assert(!is_broadcast(barks_left_join(much, more, "key")));
    ck_assert(is_broadcast(barks_left_join(much, barks_semi_join(few, more, "key"), "key")));
    ck_assert(!is_broadcast(
        barks_left_join(much, barks_sample(few, .fraction = 3, .with_replacement = true), "key")));
}

SHAPES(a_side_may_be_sorted_joined_kept_or_empty)
{
    barks_rdd *few = few_rows(context), *many = many_rows(context, 5000, 4);
    barks_rdd *sorted = barks_sort_by(few, "few desc");
    ck_assert_int_eq(barks_count(barks_join(many, sorted, "key", .broadcast = BARKS_ALWAYS)), 2500);
    barks_rdd *twice =
        barks_join(sorted, barks_rename(few, "few as more"), "key", .broadcast = BARKS_ALWAYS);
    ck_assert_int_eq(barks_count(barks_join(many, twice, "key", .broadcast = BARKS_ALWAYS)), 2500);
    barks_rdd *kept = barks_cache(barks_join(many, twice, "key", .broadcast = BARKS_ALWAYS));
    for (int round = 0; round < 3; round++)
        ck_assert_int_eq(barks_count(barks_union(kept, kept)), 5000);
    barks_rdd *none = barks_empty(context, few_key), *nothing = barks_empty(context, many_key);
    ck_assert_int_eq(barks_count(barks_join(many, none, "key", .broadcast = BARKS_ALWAYS)), 0);
    ck_assert_int_eq(barks_count(barks_left_join(many, none, "key", .broadcast = BARKS_ALWAYS)),
                     5000);
    ck_assert_int_eq(barks_count(barks_right_join(none, many, "key", .broadcast = BARKS_ALWAYS)),
                     5000);
    ck_assert_int_eq(barks_count(barks_left_join(nothing, few, "key", .broadcast = BARKS_ALWAYS)),
                     0);
    ck_assert_int_eq(barks_count(barks_subtract(few, few, .broadcast = BARKS_ALWAYS)), 0);
    ck_assert_int_eq(barks_count(barks_intersection(few, few, .broadcast = BARKS_ALWAYS)), 50);
    int64_t count = 0;
    ck_assert_ptr_nonnull(barks_take(barks_join(many, few, "key"), 3, many_key, &count));
    ck_assert_int_eq(count, 3);
}

static void expect_error(barks_context *context, barks_rdd *rdd, barks_code code, const char *words)
{
    char text[2048];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    ck_assert_int_eq(barks_status_code(error), code);
    barks_status_free(error);
}

BARKS_RECORD(long_row, (i64, key), (str, text));
BARKS_FLAT_MAP(many_long, few_key, long_row)
{
    static const char text[1 << 16];
    for (int i = 0; i < 100; i++)
        emit(.key = in->key, .text = barks_str_of(text, sizeof text));
}
BARKS_MAP(fails_at_7, few_key, few_key)
{
    if (in->few == 7)
        fail("seven");
    *out = *in;
}

SHAPES(what_cannot_be_sent_says_why)
{
    barks_rdd *many = many_rows(context, 2000000, 4), *few = few_rows(context);
    expect_error(context, barks_full_join(many, few, "key", .broadcast = BARKS_ALWAYS),
                 BARKS_INVALID, "all rows of both sides are kept");
    expect_error(context, barks_join(many, few, "key", .partitions = 3, .broadcast = BARKS_ALWAYS),
                 BARKS_INVALID, "leave one of them out");
    expect_error(context, barks_left_join(few, many, "key", .broadcast = BARKS_ALWAYS),
                 BARKS_INVALID, "the small side is the left");
    expect_error(context, barks_right_join(many, few, "key", .broadcast = BARKS_ALWAYS),
                 BARKS_INVALID, "the small side is the right");
    expect_error(context, barks_join(many, few, "key", .broadcast = (barks_choice)7), BARKS_INVALID,
                 "none of barks_choice");
    expect_error(context,
                 barks_left_join(few, barks_flat_map(few, many_long, NULL), "key",
                                 .broadcast = BARKS_ALWAYS),
                 BARKS_LIMIT, "BARKS_NEVER exchanges both sides");
    expect_error(context, barks_join(many, barks_map(few, fails_at_7, NULL), "key"),
                 BARKS_USER_ERROR, "seven");
    ck_assert_int_eq(barks_count(barks_join(many, few, "key")), 1000000);
}

SUITE_MAIN("rdd/broadcast_join", ON_SHAPES(rows_come_in_the_order_of_the_big_side),
           ON_SHAPES(semi_and_anti_joins_have_left_rows_in_order),
           ON_SHAPES(a_function_says_what_a_pair_becomes),
           ON_SHAPES(odd_numbers_are_keys_of_either_side),
           ON_SHAPES(the_partitioning_of_the_big_side_stays), ON_SHAPES(a_side_is_sent_once),
           ON_SHAPES(actions_side_by_side_may_send_it), ON_SHAPES(the_size_of_the_input_decides),
           ON_SHAPES(a_side_may_be_sorted_joined_kept_or_empty),
           ON_SHAPES(what_cannot_be_sent_says_why))
