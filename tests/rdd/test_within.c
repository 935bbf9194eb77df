/* Actions that answer in a given time: as the plain ones where there is enough of it, by bounds of
 * what was done where there is not. */
#include "rdd/cases.h"

#include <time.h>
#include <unistd.h>

enum { PARTITIONS = 40, ROWS_EACH = 30, ROWS = PARTITIONS * ROWS_EACH, DONE = 10 };
static const double student_of_9 = 2.262157162740992; /* 0.95, DONE - 1 degrees of freedom */

BARKS_RECORD(id_count, (i64, id), (f64, count), (f64, low), (f64, high));
BARKS_RECORD(id_only, (i64, id));
BARKS_RECORD(row_bounds, (i64, key), (i64, id), (f64, real), (optional(i64), number),
             (optional(str), text), (f64, count), (f64, low), (f64, high));
BARKS_RECORD(row_counts, (i64, key), (i64, id), (f64, real), (optional(i64), number),
             (optional(str), text), (i64, count));
BARKS_RECORD(clash, (i64, low), (i64, id));

/* Rows past the first DONE partitions never end by themselves. */
BARKS_FILTER(stuck_late, case_row, barks_accumulator)
{
    barks_add(*env, 1);
    while (in->id >= DONE * ROWS_EACH && !barks_cancelled())
        usleep(500);
    return true;
}
BARKS_FILTER(stuck, case_row)
{
    while (in->id >= 0 && !barks_cancelled())
        usleep(500);
    return true;
}
BARKS_MAP(fails_early, case_row, case_row)
{
    if (in->id == 3)
        fail("row %d is bad", 3);
    *out = *in;
}
BARKS_MAP(clashing, case_row, clash) { out->id = out->low = in->id; }
/* 7 once in each partition, 8 as often as the partition's number, 9 in partition 3 alone. */
BARKS_FLAT_MAP(values_of, case_row, id_only)
{
    int64_t partition = in->id / ROWS_EACH;
    if (in->id % ROWS_EACH == 0) {
        emit(.id = 7);
        for (int64_t i = 0; i < partition; i++)
            emit(.id = 8);
        if (partition == 3)
            emit(.id = 9);
    }
}

static struct case_row given[ROWS];

static barks_rdd *dataset(barks_context *context)
{
    for (int64_t i = 0; i < ROWS; i++)
        given[i] = (struct case_row){.id = i,
                                     .key = i % 7,
                                     .real = (double)(i * i % 1009) / 8,
                                     .number = {.valid = i % 5 != 0, .value = i}};
    return barks_parallelize(context, case_row, given, ROWS, PARTITIONS);
}

static void expect_error(barks_context *context, barks_code code, const char *words)
{
    char text[2048] = "";
    barks_status *error = barks_take_error(context);
    ck_assert_msg(error != NULL, "no error that says '%s'", words);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "'%s' does not say '%s'", text, words);
    ck_assert_int_eq(barks_status_code(error), code);
    barks_status_free(error);
}

static void check_exact(const barks_bounds *bounds, double value)
{
    ck_assert(memcmp(&bounds->value, &value, sizeof value) == 0 ||
              (isnan(value) && isnan(bounds->value)));
    ck_assert(memcmp(&bounds->low, &bounds->value, sizeof value) == 0);
    ck_assert(memcmp(&bounds->high, &bounds->value, sizeof value) == 0);
    ck_assert_double_eq(bounds->confidence, 1);
    ck_assert_uint_eq(bounds->partitions_done, bounds->partition_count);
}

SHAPES(with_time_enough_answers_are_those_of_the_plain_actions)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 4; run++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        double seconds = run % 2 == 0 ? (double)INFINITY : 3600, sum = 0, mean = 0;
        barks_bounds bounds[4], total;
        int64_t count = 0, plain_count = 0;
        ck_assert(barks_count_within(rdd, seconds, 0.95, &bounds[0]));
        ck_assert(barks_sum_within(rdd, "number", seconds, 0.5, &bounds[1]));
        ck_assert(barks_mean_within(rdd, "real", seconds, 0.999, &bounds[2]));
        ck_assert(barks_mean_within(rdd, "id", seconds, 0.999, &bounds[3]));
        check_exact(&bounds[0], (double)barks_count(rdd));
        ck_assert_uint_eq(bounds[0].partition_count, cases.partitions);
        ck_assert(barks_sum(rdd, "number", &sum));
        check_exact(&bounds[1], sum);
        ck_assert(barks_mean(rdd, "real", &mean));
        check_exact(&bounds[2], mean);
        ck_assert(barks_mean(rdd, "id", &mean));
        check_exact(&bounds[3], mean);
        struct row_bounds *rows =
            barks_count_by_value_within(rdd, row_bounds, seconds, 0.95, &total, &count);
        struct row_counts *plain = barks_count_by_value(rdd, row_counts, &plain_count);
        ck_assert(rows != NULL && plain != NULL);
        ck_assert_int_eq(count, plain_count);
        check_exact(&total, cases.count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert(rows[i].id == plain[i].id && rows[i].key == plain[i].key);
            ck_assert(rows[i].text.valid == plain[i].text.valid &&
                      barks_str_equal(rows[i].text.value, plain[i].text.value));
            ck_assert(rows[i].count == (double)plain[i].count && rows[i].low == rows[i].count &&
                      rows[i].high == rows[i].count);
        }
        barks_future *later[] = {barks_count_within_async(rdd, seconds, 0.95, &bounds[0]),
                                 barks_sum_within_async(rdd, "number", seconds, 0.95, &bounds[1]),
                                 barks_mean_within_async(rdd, "id", seconds, 0.95, &bounds[3])};
        barks_future *values =
            barks_count_by_value_within_async(rdd, row_bounds, seconds, 0.95, &total);
        ck_assert(barks_wait_all(later, 3));
        check_exact(&bounds[0], cases.count);
        check_exact(&bounds[1], sum);
        check_exact(&bounds[3], mean);
        ck_assert_int_eq(barks_future_count(values), count);
        cases_drop(&cases);
    }
}

SHAPES(no_partitions_are_all_of_them)
{
    barks_bounds bounds;
    int64_t count = -1;
    barks_rdd *empty = barks_parallelize(context, case_row, given, 0, 5);
    ck_assert(barks_count_within(empty, 9, 0.95, &bounds));
    check_exact(&bounds, 0);
    ck_assert(barks_mean_within(empty, "id", 9, 0.95, &bounds));
    check_exact(&bounds, (double)NAN);
    ck_assert_ptr_nonnull(barks_count_by_value_within(empty, row_bounds, 9, 0.95, &bounds, &count));
    check_exact(&bounds, 0);
    ck_assert_int_eq(count, 0);
}

/* What the first DONE partitions say of all: sums of squared distances are taken in two passes
 * here, of f64 values. */
static void check_bounds(const barks_bounds *bounds, double value, double half, double least)
{
    ck_assert_uint_eq(bounds->partitions_done, DONE);
    ck_assert_uint_eq(bounds->partition_count, PARTITIONS);
    ck_assert_double_eq(bounds->confidence, 0.95);
    ck_assert_double_eq_tol(bounds->value, value, 1e-9 * fabs(value));
    ck_assert_double_eq_tol(bounds->high, value + half, 1e-9 * (fabs(value) + half));
    ck_assert_double_eq_tol(bounds->low, fmax(value - half, least), 1e-9 * (fabs(value) + half));
}

static double half_width(const double *values)
{
    double mean = 0, spread = 0;
    for (int p = 0; p < DONE; p++)
        mean += values[p] / DONE;
    for (int p = 0; p < DONE; p++)
        spread += (values[p] - mean) * (values[p] - mean);
    return student_of_9 * sqrt((1 - (double)DONE / PARTITIONS) * spread / (DONE - 1) / DONE);
}

SHAPES(what_was_done_in_time_bounds_the_rest)
{
    const double seconds = 1.5;
    barks_bounds count, sum, mean;
    double sums[DONE] = {0}, rests[DONE], numbers[DONE] = {0}, all = 0, rows = 0, of_numbers = 0;
    barks_accumulator seen = barks_counter(context, "seen");
    barks_rdd *slow = barks_filter(dataset(context), stuck_late, &seen);
    for (int i = 0; i < DONE * ROWS_EACH; i++) {
        sums[i / ROWS_EACH] += given[i].real;
        all += given[i].real;
        if (given[i].number.valid) {
            numbers[i / ROWS_EACH] += (double)given[i].number.value;
            of_numbers += (double)given[i].number.value;
            rows++;
        }
    }
    ck_assert(barks_count_within(slow, seconds, 0.95, &count));
    double independent = sqrt(0.75 * (DONE * ROWS_EACH + 1) / DONE / DONE); /* of equal counts */
    check_bounds(&count, ROWS, PARTITIONS * student_of_9 * independent, DONE * ROWS_EACH);
    ck_assert(barks_sum_within(slow, "real", seconds, 0.95, &sum));
    check_bounds(&sum, all / DONE * PARTITIONS, PARTITIONS * half_width(sums), -HUGE_VAL);
    ck_assert(barks_mean_within(slow, "number", seconds, 0.95, &mean));
    for (int p = 0; p < DONE; p++) /* of each partition, as many values */
        rests[p] = numbers[p] - of_numbers / DONE;
    check_bounds(&mean, of_numbers / rows, half_width(rests) / (rows / DONE), -HUGE_VAL);
    ck_assert_int_eq(barks_counter_value(context, seen), 0); /* none of the jobs ended */
    ck_assert_int_eq(barks_count(dataset(context)), ROWS);   /* others go on */
}

SHAPES(values_are_bounded_each_by_itself)
{
    barks_bounds total;
    int64_t count = 0;
    double sevens[DONE], eights[DONE], least;
    barks_accumulator seen = barks_counter(context, "seen");
    barks_rdd *slow = barks_filter(dataset(context), stuck_late, &seen);
    struct id_count *values = barks_count_by_value_within(barks_flat_map(slow, values_of, NULL),
                                                          id_count, 1.5, 0.95, &total, &count);
    ck_assert_ptr_nonnull(values);
    ck_assert_int_eq(count, 3);
    for (int p = 0; p < DONE; p++) {
        sevens[p] = 1;
        eights[p] = p;
    }
    ck_assert(half_width(sevens) < 1e-9);
    ck_assert_int_eq(values[0].id, 7);
    ck_assert_double_eq(values[0].count, PARTITIONS);
    least = PARTITIONS * student_of_9 * sqrt(0.75 * (DONE + 1) / DONE / DONE); /* Poisson's */
    ck_assert_double_eq_tol(values[0].low, PARTITIONS - least, 1e-6);
    ck_assert_double_eq_tol(values[0].high, PARTITIONS + least, 1e-6);
    ck_assert_int_eq(values[1].id, 8);
    ck_assert_double_eq_tol(values[1].count, 45.0 * PARTITIONS / DONE, 1e-9);
    ck_assert_double_eq_tol(values[1].high, values[1].count + PARTITIONS * half_width(eights),
                            1e-6);
    ck_assert_double_eq_tol(values[1].low,
                            fmax(45, values[1].count - PARTITIONS * half_width(eights)), 1e-6);
    ck_assert_int_eq(values[2].id, 9);
    ck_assert(values[2].count == (double)PARTITIONS / DONE && values[2].low == 1 &&
              values[2].high > values[2].count);
    ck_assert_double_eq_tol(total.value, (double)(DONE + 45 + 1) / DONE * PARTITIONS, 1e-9);
    ck_assert_uint_eq(total.partitions_done, DONE);
}

static void check_unknown(const barks_bounds *bounds, double value, double low)
{
    ck_assert(bounds->value == value || (isnan(value) && isnan(bounds->value)));
    ck_assert_uint_eq(bounds->partitions_done, 0);
    ck_assert(bounds->low == low && bounds->high == HUGE_VAL && bounds->confidence == 0.95);
}

SHAPES(nothing_in_time_says_nothing)
{
    barks_bounds bounds;
    int64_t count = -1;
    barks_rdd *slow = barks_filter(dataset(context), stuck, NULL);
    ck_assert(barks_count_within(slow, 0, 0.95, &bounds));
    check_unknown(&bounds, 0, 0);
    ck_assert(barks_mean_within(slow, "id", 0.05, 0.95, &bounds));
    check_unknown(&bounds, (double)NAN, -HUGE_VAL);
    /* What must be done before takes of the time: an exchange, the sample of a sort, the side of a
     * join that is sent whole. */
    ck_assert(barks_sum_within(barks_repartition(slow, 3), "id", 0.05, 0.95, &bounds));
    check_unknown(&bounds, 0, -HUGE_VAL);
    ck_assert(barks_count_within(barks_sort_by(slow, "real"), 0.05, 0.95, &bounds));
    check_unknown(&bounds, 0, 0);
    ck_assert_ptr_nonnull(
        barks_count_by_value_within(slow, row_bounds, 0.05, 0.95, &bounds, &count));
    check_unknown(&bounds, 0, 0);
    ck_assert_int_eq(count, 0);
}

SHAPES(an_answer_comes_soon_after_its_time)
{
    struct timespec before, after;
    barks_bounds bounds;
    barks_rdd *slow = barks_filter(dataset(context), stuck, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert(barks_count_within(slow, 0.5, 0.95, &bounds));
    clock_gettime(CLOCK_MONOTONIC, &after);
    double seconds =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    ck_assert_msg(seconds >= 0.5 && seconds < 20, "it took %g s", seconds);
}

SHAPES(cancelling_one_is_a_failure)
{
    barks_bounds bounds = {.value = 5};
    barks_future *future =
        barks_count_within_async(barks_filter(dataset(context), stuck, NULL), 3600, 0.95, &bounds);
    usleep(50000);
    barks_cancel(future);
    ck_assert(!barks_wait(future));
    expect_error(context, BARKS_CANCELLED, "was cancelled");
    ck_assert_double_eq(bounds.value, 5); /* not written */
}

SHAPES(errors_are_errors_in_time_too)
{
    barks_bounds bounds;
    int64_t count = 7;
    barks_rdd *rdd = dataset(context);
    ck_assert(!barks_count_within(barks_map(rdd, fails_early, NULL), 3600, 0.95, &bounds));
    expect_error(context, BARKS_USER_ERROR, "row 3 is bad");
    ck_assert(!barks_count_within(rdd, -1, 0.95, &bounds));
    expect_error(context, BARKS_INVALID, "a time of -1 seconds; it is 0 or more");
    ck_assert(!barks_sum_within(rdd, "id", (double)NAN, 0.95, &bounds));
    expect_error(context, BARKS_INVALID, "seconds; it is 0 or more");
    ck_assert(!barks_mean_within(rdd, "id", 1, 0, &bounds));
    expect_error(context, BARKS_INVALID, "a confidence of 0; it is between 0 and 1");
    ck_assert(!barks_mean_within(rdd, "id", 1, 1, &bounds));
    expect_error(context, BARKS_INVALID, "a confidence of 1;");
    ck_assert(!barks_mean_within(rdd, "ids", 1, 0.95, &bounds));
    expect_error(context, BARKS_INVALID, "did you mean 'id'?");
    ck_assert(!barks_sum_within(rdd, "text", 1, 0.95, &bounds));
    expect_error(context, BARKS_INVALID, "the field 'text' is str; this wants a number");
    ck_assert_ptr_null(barks_count_by_value_within(rdd, row_bounds, 1, 2, &bounds, &count));
    expect_error(context, BARKS_INVALID, "a confidence of 2;");
    ck_assert_int_eq(count, 0);
    ck_assert_ptr_null(barks_count_by_value_within(barks_map(rdd, clashing, NULL), id_count, 9,
                                                   0.95, &bounds, &count));
    expect_error(context, BARKS_INVALID, "the rows have a field 'low'");
}

/* As in a long-lived job: time goes out again and again, with other actions between. */
SHAPES(time_may_go_out_often)
{
    uint64_t seed = property_seed();
    barks_rdd *rdd = barks_range(context, 0, 200000, 1, 300);
    for (int i = 0; i < 40; i++) {
        barks_bounds bounds;
        double seconds = (double)(property_next(&seed) % 3000) / 1e6;
        ck_assert(barks_sum_within(rdd, "value", seconds, 0.9, &bounds));
        ck_assert(bounds.partitions_done <= 300 && bounds.partition_count == 300);
        ck_assert(bounds.partitions_done < 300 ||
                  (bounds.value == 19999900000.0 && bounds.low == bounds.high));
        ck_assert(isnan(bounds.low) || bounds.low <= bounds.high);
        if (i % 8 == 0)
            ck_assert_int_eq(barks_count(rdd), 200000);
    }
}

SUITE_MAIN("rdd/within", ON_SHAPES(with_time_enough_answers_are_those_of_the_plain_actions),
           ON_SHAPES(no_partitions_are_all_of_them),
           ON_SHAPES(what_was_done_in_time_bounds_the_rest),
           ON_SHAPES(values_are_bounded_each_by_itself), ON_SHAPES(nothing_in_time_says_nothing),
           ON_SHAPES(an_answer_comes_soon_after_its_time), ON_SHAPES(cancelling_one_is_a_failure),
           ON_SHAPES(errors_are_errors_in_time_too), ON_SHAPES(time_may_go_out_often))
