/* Dense datasets against arrays that are filled by a loop. */
#include "rdd/cases.h"

BARKS_RECORD(indexed, (i64, key), (i64, id), (optional(str), text));
BARKS_RECORD(placed, (i64, id));
BARKS_RECORD(maybe_key, (optional(i64), key));
BARKS_RECORD(group_row, (i64, index), (i64, rows), (i64, sum), (i64, first), (str, text));

BARKS_REDUCE(add_indexed, indexed, int64_t)
{
    acc->id += in->id * *env;
    if (in->text.valid && (!acc->text.valid || acc->text.value.length < in->text.value.length))
        acc->text = in->text;
}
BARKS_REDUCE(keep_maybe, maybe_key) { acc->key = in->key; }
BARKS_REDUCE(keep_placed, placed) { acc->id = in->id; }
BARKS_GROUP(to_group_row, case_row, group_row, int64_t)
{
    struct case_row row;
    struct group_row group = {.index = barks_task()->index, .first = -1};
    while (barks_next_row(rows, &row)) {
        if (group.rows++ == 0)
            group.first = row.id;
        group.sum += row.id * *env;
        if (row.text.valid)
            group.text = row.text.value;
    }
    emit(.index = group.index, .rows = group.rows, .sum = group.sum, .first = group.first,
         .text = group.text);
}

/* Keys in [0, count), of which some have no rows. */
static int64_t tame_keys(struct cases *cases, uint64_t *seed)
{
    const int64_t counts[] = {1, 7, 300, 5000};
    int64_t count = counts[property_next(seed) % 4];
    for (uint32_t i = 0; i < cases->count; i++)
        cases->rows[i].key = cases->rows[i].key % count;
    return count;
}

static void expect_reduced(const struct cases *cases, const struct indexed *rows, int64_t count,
                           const struct indexed *neutral)
{
    struct indexed *expected = calloc((size_t)count + 1, sizeof *expected);
    bool *seen = calloc((size_t)count + 1, sizeof *seen);
    for (int64_t i = 0; i < count; i++)
        expected[i] = *neutral;
    for (uint32_t i = 0; i < cases->count; i++) {
        const struct case_row *row = &cases->rows[i];
        struct indexed *to = &expected[row->key];
        if (!seen[row->key]) {
            to->id = row->id;
            to->text.value = row->text.value;
            to->text.valid = row->text.valid;
        } else {
            to->id += row->id;
            if (row->text.valid &&
                (!to->text.valid || to->text.value.length < row->text.value.length)) {
                to->text.value = row->text.value;
                to->text.valid = true;
            }
        }
        seen[row->key] = true;
    }
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].key, i);
        ck_assert_int_eq(rows[i].id, expected[i].id);
        ck_assert_int_eq(rows[i].text.valid, expected[i].text.valid);
        /* Of texts of one length any may come. */
        if (rows[i].text.valid)
            ck_assert_uint_eq(rows[i].text.value.length, expected[i].text.value.length);
    }
    free(expected);
    free(seen);
}

SHAPES(reduce_to_index_fills_an_array)
{
    uint64_t seed = property_seed();
    const int64_t env = 1;
    static const char words[] = "a neutral text that is longer than a view holds";
    const struct indexed neutrals[2] = {
        {.key = 99,
         .id = -7,
         .text = {.value = barks_str_of(words, sizeof words - 1), .valid = true}},
        {0}};
    for (int run = 0; run < 5; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = tame_keys(&cases, &seed), got = 0;
        barks_rdd *rdd = cases_dataset(context, &cases);
        if (run == 3) /* lies by the key already, but elsewhere */
            rdd = barks_partition_by(rdd, "key", .partitions = 4);
        uint32_t partitions = (uint32_t)(property_next(&seed) % 9);
        barks_rdd *dense = barks_reduce_to_index(
            rdd, "key", count, add_indexed, .env = &env, .partitions = partitions,
            .initial = run % 2 == 0 ? &neutrals[0] : NULL,
            .map_side_combine = run == 4 ? BARKS_NEVER : BARKS_AUTO_CHOICE);
        struct indexed *rows = barks_collect(dense, indexed, &got);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(got, count);
        expect_reduced(&cases, rows, count, &neutrals[run % 2]);
        uint32_t made = barks_partition_count(dense), some = made / 2;
        ck_assert_int_eq(barks_count(barks_only_partitions(dense, &some, 1)),
                         count * (some + 1) / made - count * some / made);
        cases_drop(&cases);
    }
}

SHAPES(group_to_index_calls_for_every_index)
{
    uint64_t seed = property_seed();
    const int64_t env = 2;
    for (int run = 0; run < 5; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = tame_keys(&cases, &seed), got = 0;
        bool turned = run % 2 == 1;
        barks_rdd *dense = barks_group_to_index(
            cases_dataset(context, &cases), "key", count, to_group_row, .env = &env,
            .order = turned ? "id desc" : NULL, .partitions = (uint32_t)(property_next(&seed) % 9));
        struct group_row *rows = barks_collect(dense, group_row, &got);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(got, count);
        struct group_row *expected = calloc((size_t)count + 1, sizeof *expected);
        for (int64_t i = 0; i < count; i++)
            expected[i].first = -1;
        for (uint32_t i = 0; i < cases.count; i++) {
            const struct case_row *row = &cases.rows[turned ? cases.count - 1 - i : i];
            struct group_row *to = &expected[row->key];
            if (to->rows++ == 0)
                to->first = row->id;
            to->sum += row->id * env;
            if (row->text.valid)
                to->text = row->text.value;
        }
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].index, i);
            ck_assert_int_eq(rows[i].rows, expected[i].rows);
            ck_assert_int_eq(rows[i].sum, expected[i].sum);
            ck_assert_int_eq(rows[i].first, expected[i].first);
            ck_assert(barks_str_compare(rows[i].text, expected[i].text) == 0);
        }
        free(expected);
        cases_drop(&cases);
    }
}

SHAPES(datasets_of_no_rows_are_dense)
{
    const int64_t env = 1;
    int64_t count = 0;
    barks_rdd *none = barks_empty(context, case_row);
    struct indexed *rows = barks_collect(
        barks_reduce_to_index(none, "key", 5, add_indexed, .env = &env), indexed, &count);
    ck_assert_int_eq(count, 5);
    for (int64_t i = 0; i < 5; i++)
        ck_assert_int_eq(rows[i].key, i);
    ck_assert_int_eq(barks_count(barks_group_to_index(none, "key", 3, to_group_row, .env = &env)),
                     3);
    ck_assert_int_eq(barks_count(barks_reduce_to_index(none, "key", 0, add_indexed, .env = &env)),
                     0);
    const struct placed one = {.id = 2};
    struct placed *last =
        barks_collect(barks_reduce_to_index(barks_parallelize(context, placed, &one, 1, 3), "id", 3,
                                            keep_placed, .partitions = 7),
                      placed, &count);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(last[2].id, 2);
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

SHAPES(what_is_no_index_is_an_error)
{
    struct case_row given[10] = {0};
    const int64_t env = 1;
    for (int i = 0; i < 10; i++)
        given[i].key = i;
    barks_rdd *rdd = barks_parallelize(context, case_row, given, 10, 3);
    expect_error(context, barks_reduce_to_index(rdd, "key", 9, add_indexed, .env = &env),
                 "the key 'key' is 9, and there are 9 indices");
    expect_error(context, barks_reduce_to_index(rdd, "key", 0, add_indexed, .env = &env),
                 "and there are 0 indices");
    given[4].key = -4;
    rdd = barks_parallelize(context, case_row, given, 10, 3);
    expect_error(context,
                 barks_group_to_index(rdd, "key", 20, to_group_row, .env = &env, .partitions = 1),
                 "the key 'key' is -4, and there are 20 indices");
    expect_error(context, barks_reduce_to_index(rdd, "key", -1, add_indexed, .env = &env),
                 "there are -1 indices");
    expect_error(context, barks_group_to_index(rdd, "real", 5, to_group_row, .env = &env),
                 "'real' is f64");
    expect_error(context, barks_group_to_index(rdd, "number", 5, to_group_row, .env = &env),
                 "'number' is i64 that may be null");
    expect_error(context, barks_group_to_index(rdd, "key, id", 5, to_group_row, .env = &env),
                 "must be one field");
    const struct maybe_key none = {0};
    expect_error(context,
                 barks_reduce_to_index(barks_parallelize(context, maybe_key, &none, 1, 1), "key", 5,
                                       keep_maybe),
                 "that may be null");
    expect_error(context, barks_reduce_to_index(rdd, "key", 5, add_indexed), "wants an env");
}

SUITE_MAIN("rdd/indices", ON_SHAPES(reduce_to_index_fills_an_array),
           ON_SHAPES(group_to_index_calls_for_every_index),
           ON_SHAPES(datasets_of_no_rows_are_dense), ON_SHAPES(what_is_no_index_is_an_error))
