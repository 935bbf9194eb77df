/* Datasets side by side, numbered, sampled, crossed, against loops over arrays. */
#include "rdd/cases.h"

BARKS_RECORD(left_id, (i64, id), (optional(str), text));
BARKS_RECORD(right_id, (i64, other), (f64, real));
BARKS_RECORD(both, (i64, id), (optional(str), text), (i64, other), (f64, real));
BARKS_RECORD(sum_of_ids, (i64, sum));
BARKS_RECORD(numbered, (i64, id), (i64, index));
BARKS_RECORD(count_row, (i64, rows), (i64, calls));

BARKS_MAP(take_left, case_row, left_id)
{
    out->id = in->id;
    out->text = in->text;
}
BARKS_MAP(take_right, case_row, right_id)
{
    out->other = 2 * in->id;
    out->real = in->real;
}
BARKS_PAIR(add_ids, left_id, right_id, sum_of_ids, int64_t)
{
    out->sum = left->id + right->other + *env;
}

SHAPES(zip_pairs_rows_by_place)
{
    uint64_t seed = property_seed();
    const int64_t more = 5;
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0, sum_count = 0;
        barks_rdd *rdd = cases_dataset(context, &cases);
        barks_rdd *left = barks_map(rdd, take_left, NULL);
        barks_rdd *right = barks_map(cases_dataset(context, &cases), take_right, NULL);
        struct both *rows = barks_collect(barks_zip(left, right), both, &count);
        struct sum_of_ids *sums =
            barks_collect(barks_zip_with(left, right, add_ids, &more), sum_of_ids, &sum_count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_ptr_nonnull(sums);
        ck_assert_int_eq(count, cases.count);
        ck_assert_int_eq(sum_count, cases.count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].id, i);
            ck_assert_int_eq(rows[i].other, 2 * i);
            ck_assert_int_eq(sums[i].sum, 3 * i + more);
            ck_assert_int_eq(rows[i].text.valid, cases.rows[i].text.valid);
            ck_assert(barks_str_compare(rows[i].text.value, cases.rows[i].text.value) == 0);
        }
        barks_release(context, rows);
        cases_drop(&cases);
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
    barks_status_free(error);
}

SHAPES(zip_of_unequal_counts_is_an_error)
{
    struct left_id left[10] = {{0}};
    struct right_id right[12] = {{0}};
    barks_rdd *a = barks_parallelize(context, left_id, left, 10, 2);
    expect_error(context, barks_zip(a, barks_parallelize(context, right_id, right, 12, 2)),
                 "has 5 rows on the left and 6 on the right");
    expect_error(context, barks_zip(a, barks_parallelize(context, right_id, right, 4, 2)),
                 "has 5 rows on the left and 2 on the right");
    expect_error(context, barks_zip(a, barks_parallelize(context, right_id, right, 10, 3)),
                 "2 and 3 partitions");
    expect_error(context, barks_zip(a, a), "both sides have a field 'id'");
}

SHAPES(rows_are_numbered)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0;
        barks_rdd *rdd = cases_dataset(context, &cases);
        struct numbered *rows = barks_collect(barks_zip_with_index(rdd, "index"), numbered, &count);
        ck_assert_int_eq(count, cases.count);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(rows[i].index, rows[i].id);
        rows = barks_collect(barks_zip_with_unique_id(rdd, "index"), numbered, &count);
        ck_assert_int_eq(count, cases.count);
        for (int64_t i = 0; i < count; i++) {
            int64_t partition = rows[i].index % cases.partitions;
            int64_t first = partition * (int64_t)cases.count / cases.partitions;
            ck_assert_int_eq(rows[i].id, first + rows[i].index / cases.partitions);
        }
        cases_drop(&cases);
    }
}

SHAPES(cartesian_has_every_pair_in_order)
{
    struct left_id left[7];
    struct right_id right[5];
    for (int i = 0; i < 7; i++)
        left[i] = (struct left_id){.id = i};
    for (int i = 0; i < 5; i++)
        right[i] = (struct right_id){.other = i};
    int64_t count = 0, place = 0;
    barks_rdd *a = barks_parallelize(context, left_id, left, 7, 3);
    barks_rdd *b = barks_parallelize(context, right_id, right, 5, 2);
    struct both *rows = barks_collect(barks_cartesian(a, b), both, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 35);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            for (int l = i * 7 / 3; l < (i + 1) * 7 / 3; l++)
                for (int r = j * 5 / 2; r < (j + 1) * 5 / 2; r++, place++) {
                    ck_assert_int_eq(rows[place].id, l);
                    ck_assert_int_eq(rows[place].other, r);
                }
    const int64_t none = 0;
    ck_assert_int_eq(barks_count(barks_cartesian_with(a, b, add_ids, &none)), 35);
}

SHAPES(samples_are_the_same_for_a_seed)
{
    enum { ROWS = 20000 };
    struct left_id *given = calloc(ROWS, sizeof *given);
    for (int64_t i = 0; i < ROWS; i++)
        given[i].id = i;
    barks_rdd *rdd = barks_parallelize(context, left_id, given, ROWS, 6);
    int64_t first = 0, second = 0;
    struct left_id *a =
        barks_collect(barks_sample(rdd, .fraction = 0.25, .seed = 9), left_id, &first);
    struct left_id *b =
        barks_collect(barks_sample(rdd, .fraction = 0.25, .seed = 9), left_id, &second);
    ck_assert_int_eq(first, second);
    for (int64_t i = 0; i < first; i++)
        ck_assert_int_eq(a[i].id, b[i].id);
    ck_assert_int_gt(first, 4700);
    ck_assert_int_lt(first, 5300);
    int64_t copies =
        barks_count(barks_sample(rdd, .fraction = 2.5, .with_replacement = true, .seed = 3));
    ck_assert_int_gt(copies, 49000);
    ck_assert_int_lt(copies, 51000);
    ck_assert_int_eq(barks_count(barks_sample(rdd, .fraction = 0)), 0);
    ck_assert_int_eq(barks_count(barks_sample(rdd, .fraction = 1)), ROWS);
    expect_error(context, barks_sample(rdd, .fraction = 1.5), "not in [0, 1]");
    free(given);
}

SHAPES(a_split_has_every_row_once)
{
    enum { ROWS = 20000 };
    static const double weights[] = {1, 2, 0, 5};
    struct left_id *given = calloc(ROWS, sizeof *given);
    for (int64_t i = 0; i < ROWS; i++)
        given[i].id = i;
    barks_rdd *rdd = barks_parallelize(context, left_id, given, ROWS, 6), *parts[4];
    ck_assert(barks_random_split(rdd, weights, 4, 77, parts));
    int64_t counts[4];
    for (int i = 0; i < 4; i++)
        counts[i] = barks_count(parts[i]);
    ck_assert_int_eq(counts[0] + counts[1] + counts[2] + counts[3], ROWS);
    ck_assert_int_eq(counts[2], 0);
    ck_assert(counts[0] > 2200 && counts[0] < 2800 && counts[1] > 4600 && counts[1] < 5400);
    ck_assert_int_eq(barks_count(barks_distinct(barks_union_all(parts, 4))), ROWS);
    free(given);
}

BARKS_RECORD(twice, (i64, double_id), (optional(str), text));
BARKS_RECORD(key_twice, (i64, key), (i64, double_id), (optional(str), text));
BARKS_MAP(double_it, case_row, twice)
{
    out->double_id = 2 * in->id;
    out->text = in->text;
}
BARKS_FLAT_MAP(some_of_it, case_row, twice)
{
    for (int64_t i = 0; i < in->id % 4; i++)
        emit(.double_id = 2 * in->id, .text = in->text);
}

SHAPES(values_change_under_their_keys)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0, place = 0;
        barks_rdd *rdd = cases_dataset(context, &cases);
        struct key_twice *rows =
            barks_collect(barks_map_values(rdd, "key", double_it, NULL), key_twice, &count);
        ck_assert_int_eq(count, cases.count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].key, cases.rows[i].key);
            ck_assert_int_eq(rows[i].double_id, 2 * i);
        }
        rows =
            barks_collect(barks_flat_map_values(rdd, "key", some_of_it, NULL), key_twice, &count);
        for (int64_t i = 0; i < cases.count; i++)
            for (int64_t k = 0; k < i % 4; k++, place++) {
                ck_assert_int_lt(place, count);
                ck_assert_int_eq(rows[place].key, cases.rows[i].key);
                ck_assert_int_eq(rows[place].double_id, 2 * i);
                ck_assert(barks_str_compare(rows[place].text.value, cases.rows[i].text.value) == 0);
            }
        ck_assert_int_eq(place, count);
        cases_drop(&cases);
    }
}

struct counting {
    int64_t rows, calls;
};
BARKS_MAP_PARTITIONS(count_rows, case_row, count_row, struct counting)
{
    if (phase == BARKS_OPEN && (state->rows != 0 || state->calls != 0))
        fail("the state is not zero");
    state->rows += batch->row_count;
    state->calls += phase != BARKS_BATCH;
    if (phase == BARKS_CLOSE)
        emit(.rows = state->rows, .calls = state->calls);
}

SHAPES(map_partitions_opens_and_closes_each)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 3; run++) {
        struct cases cases = cases_make(&seed);
        int64_t count = 0;
        struct count_row *rows =
            barks_collect(barks_map_partitions(cases_dataset(context, &cases), count_rows, NULL),
                          count_row, &count);
        ck_assert_int_eq(count, cases.partitions);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].calls, 2);
            ck_assert_int_eq(rows[i].rows, (i + 1) * (int64_t)cases.count / cases.partitions -
                                               i * (int64_t)cases.count / cases.partitions);
        }
        cases_drop(&cases);
    }
}

static barks_rdd *make_lines(barks_context *context, int64_t count, uint32_t partitions)
{
    static char bytes[20000][8];
    struct barks_text *lines = calloc((size_t)count + 1, sizeof *lines);
    for (int64_t i = 0; i < count; i++) {
        snprintf(bytes[i], sizeof bytes[i], "x%d", (int)i);
        lines[i].text = barks_str_of(bytes[i], strlen(bytes[i]));
    }
    barks_rdd *rdd = barks_parallelize(context, barks_text, lines, (size_t)count, partitions);
    free(lines);
    return rdd;
}

SHAPES(lines_go_through_a_process)
{
    int64_t count = 0;
    char expected[16];
    barks_rdd *lines = make_lines(context, 20000, 3);
    struct barks_text *rows =
        barks_collect(barks_pipe(lines, .argv = (const char *const[]){"sed", "s/x/yy/", NULL}),
                      barks_text, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 20000);
    for (int64_t i = 0; i < count; i++) {
        int length = snprintf(expected, sizeof expected, "yy%d", (int)i);
        ck_assert(barks_str_compare(rows[i].text, barks_str_of(expected, (size_t)length)) == 0);
    }
    /* One that writes before it reads, one for each partition, without rows too. */
    barks_rdd *few = make_lines(context, 2, 4);
    ck_assert_int_eq(barks_count(barks_pipe(few, .shell = "seq 1 50000; cat")), 200002);
    ck_assert_int_eq(barks_count(barks_pipe(lines, .shell = "head -n 1")), 3);
    rows = barks_collect(barks_pipe(few, .shell = "cat > /dev/null; printf \"$NAME $PWD\"",
                                    .environment = (const char *const[]){"NAME=me", NULL},
                                    .directory = "/"),
                         barks_text, &count);
    ck_assert_int_eq(count, 4);
    ck_assert(barks_str_compare(rows[3].text, BARKS_STR_LITERAL("me /")) == 0);
    int64_t taken = 0;
    ck_assert_ptr_nonnull(barks_take(barks_pipe(few, .shell = "yes"), 5, barks_text, &taken));
    ck_assert_int_eq(taken, 5);
}

SHAPES(processes_that_fail_are_errors)
{
    barks_rdd *few = make_lines(context, 2, 2);
    expect_error(context, barks_pipe(few, .shell = "echo oh no >&2; exit 3"),
                 "ended with status 3; it said last: oh no");
    expect_error(context, barks_pipe(few, .shell = "kill -9 $$"), "was ended by signal 9");
    expect_error(context, barks_pipe(few, .argv = (const char *const[]){"/no/such/it", NULL}),
                 "cannot run '/no/such/it'");
    expect_error(context, barks_pipe(few, .shell = "sleep 60", .deadline_seconds = 0.3),
                 "has run for 0.3 seconds");
    expect_error(context, barks_pipe(few, .deadline_seconds = 1), "give a program");
}

SUITE_MAIN("rdd/zips", ON_SHAPES(lines_go_through_a_process),
           ON_SHAPES(processes_that_fail_are_errors), ON_SHAPES(zip_pairs_rows_by_place),
           ON_SHAPES(zip_of_unequal_counts_is_an_error), ON_SHAPES(rows_are_numbered),
           ON_SHAPES(cartesian_has_every_pair_in_order), ON_SHAPES(samples_are_the_same_for_a_seed),
           ON_SHAPES(a_split_has_every_row_once), ON_SHAPES(values_change_under_their_keys),
           ON_SHAPES(map_partitions_opens_and_closes_each))
