/* Parts of answers, merged, against loops over arrays: exec/partial*.c. */
#include "base/buffer.h"
#include "base/pool.h"
#include "base/random.h"
#include "exec/partial.h"
#include "exec/partial_states.h"
#include "exec/registers.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(number, (optional(f64), x), (i64, n));

enum { ROWS = 30000 };
static struct random rng;
static double values[ROWS];
static bool is_there[ROWS];
static int64_t integers[ROWS];
static uint32_t row_count;

static void make_values(uint32_t count, uint64_t distinct, double scale)
{
    row_count = count;
    for (uint32_t i = 0; i < count; i++) {
        is_there[i] = random_below(&rng, 10) != 0;
        integers[i] = (int64_t)random_below(&rng, distinct) - 100;
        values[i] = is_there[i] ? (double)integers[i] * scale : 0;
    }
}

static struct batch *batch_of(struct pool *pool, uint32_t first, uint32_t end)
{
    struct batch *batch = NULL;
    must(batch_create(pool, &barks_record_number.schema, end - first + 1, &batch));
    for (uint32_t row = first; row < end; row++) {
        ((double *)batch->base.columns[0].values)[row - first] = values[row];
        ((int64_t *)batch->base.columns[1].values)[row - first] = integers[row];
        if (!is_there[row])
            batch->base.columns[0].validity[(row - first) / 64] &=
                ~(UINT64_C(1) << ((row - first) % 64));
    }
    batch->base.row_count = end - first;
    return batch;
}

/* The state of all rows, cut into partitions at random, each sent and merged in order. */
static void *answer(const char *name, const struct partial_options *options)
{
    const struct partial_kind *kind = partial_find(name);
    struct pool *pool = NULL;
    void *all = NULL;
    must(pool_create(UINT64_C(1) << 30, &pool));
    must(partial_create(kind, options, &all));
    for (uint32_t first = 0; first < row_count || first == 0;) {
        uint32_t end = first + (uint32_t)random_below(&rng, row_count / 2 + 2);
        end = end > row_count ? row_count : end;
        void *part = NULL, *sent = NULL;
        must(partial_create(kind, options, &part));
        for (uint32_t at = first; at < end;) {
            uint32_t step = 1 + (uint32_t)random_below(&rng, 1500);
            struct batch *batch = batch_of(pool, at, at + step < end ? at + step : end);
            at += batch->base.row_count;
            must(kind->add(part, &batch->base));
            batch_destroy(batch);
        }
        struct buffer bytes = {.limit_bytes = 1 << 30};
        must(kind->pack(part, &bytes));
        must(partial_create(kind, options, &sent));
        must(kind->unpack(sent, bytes.data, bytes.size_bytes));
        must(kind->merge(all, sent));
        barks_status *cut = kind->unpack(part, bytes.data, bytes.size_bytes - 1);
        ck_assert(cut == NULL || barks_status_code(cut) == BARKS_BAD_INPUT);
        barks_status_free(cut);
        buffer_drop(&bytes);
        partial_destroy(kind, part);
        partial_destroy(kind, sent);
        if (end == row_count)
            break;
        first = end;
    }
    pool_destroy(pool);
    return all;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static uint32_t sorted_values(double *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row_count; i++)
        if (is_there[i])
            out[count++] = values[i];
    qsort(out, count, sizeof *out, by_value);
    return count;
}

START_TEST(stats_are_those_of_two_passes)
{
    rng = random_of(property_seed());
    for (int round = 0; round < 20; round++) {
        make_values((uint32_t)random_below(&rng, 5000), 1000, round % 2 == 0 ? 0.1 : 1e10);
        struct stats_state *state =
            answer("stats", &(struct partial_options){.columns = (uint32_t[]){0}});
        long double sum = 0, squares = 0;
        double low = HUGE_VAL, high = -HUGE_VAL;
        uint64_t count = 0;
        for (uint32_t i = 0; i < row_count; i++)
            if (is_there[i]) {
                sum += (long double)values[i];
                low = values[i] < low ? values[i] : low;
                high = values[i] > high ? values[i] : high;
                count++;
            }
        long double mean = count > 0 ? sum / (long double)count : 0;
        for (uint32_t i = 0; i < row_count; i++)
            if (is_there[i])
                squares += ((long double)values[i] - mean) * ((long double)values[i] - mean);
        ck_assert_uint_eq(state->count, count);
        ck_assert(state->min == low && state->max == high);
        ck_assert(fabsl((long double)stats_sum(state) - sum) <= fabsl(sum) * 1e-15L + 1e-9L);
        ck_assert(fabsl((long double)stats_spread(state) - squares) <= squares * 1e-11L);
        partial_destroy(&partial_stats, state);
    }
}
END_TEST

START_TEST(sums_of_integers_are_exact_or_an_error)
{
    int64_t sum = 0, got = 0;
    rng = random_of(property_seed());
    make_values(4000, UINT64_C(1) << 50, 1);
    struct partial_options options = {.columns = (uint32_t[]){1}};
    for (uint32_t i = 0; i < row_count; i++)
        sum += integers[i];
    struct stats_state *state = answer("stats", &options);
    must(stats_integer_sum(state, &got));
    ck_assert_int_eq(got, sum);
    partial_destroy(&partial_stats, state);
    for (uint32_t i = 0; i < row_count; i++)
        integers[i] = i % 2 == 0 ? INT64_MAX : i % 4 == 1 ? INT64_MIN : 5;
    state = answer("stats", &options);
    barks_status *status = stats_integer_sum(state, &got);
    ck_assert_int_eq(barks_status_code(status), BARKS_USER_ERROR);
    barks_status_free(status);
    partial_destroy(&partial_stats, state);
}
END_TEST

START_TEST(histograms_count_what_lies_between)
{
    rng = random_of(property_seed());
    make_values(10000, 300, 0.5);
    values[0] = (double)NAN, values[1] = HUGE_VAL, is_there[0] = is_there[1] = true;
    double bounds[] = {-40, -10, 0, 0.5, 33, 80};
    struct histogram_state *state = answer(
        "histogram",
        &(struct partial_options){.columns = (uint32_t[]){0}, .values = bounds, .value_count = 6});
    for (uint32_t bucket = 0; bucket < 5; bucket++) {
        uint64_t count = 0;
        for (uint32_t i = 0; i < row_count; i++)
            count += is_there[i] && values[i] >= bounds[bucket] &&
                     (values[i] < bounds[bucket + 1] || (bucket == 4 && values[i] == 80));
        ck_assert_uint_eq(state->counts[bucket], count);
    }
    partial_destroy(&partial_histogram, state);
}
END_TEST

START_TEST(the_example_of_the_bounds)
{
    rng = random_of(property_seed());
    row_count = 2;
    values[0] = 1, values[1] = 50, is_there[0] = is_there[1] = true;
    struct histogram_state *state =
        answer("histogram", &(struct partial_options){.columns = (uint32_t[]){0},
                                                      .values = (double[]){1, 10, 20, 50},
                                                      .value_count = 4});
    ck_assert(state->counts[0] == 1 && state->counts[1] == 0 && state->counts[2] == 1);
    partial_destroy(&partial_histogram, state);
}
END_TEST

static uint64_t count_distinct(void)
{
    static bool seen[200000];
    uint64_t count = 0;
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 0; i < row_count; i++) {
        count += !seen[integers[i] + 100];
        seen[integers[i] + 100] = true;
    }
    return count;
}

START_TEST(few_distinct_rows_are_counted_exactly)
{
    rng = random_of(property_seed());
    for (int round = 0; round < 10; round++) {
        make_values((uint32_t)random_below(&rng, ROWS), 1 + random_below(&rng, 2000), 1);
        struct distinct_state *state =
            answer("distinct", &(struct partial_options){
                                   .columns = (uint32_t[]){1}, .column_count = 1, .error = 0.05});
        ck_assert(distinct_estimate(state) == (double)count_distinct());
        partial_destroy(&partial_distinct, state);
    }
}
END_TEST

/* Five deviations are missed once in a million rounds. */
START_TEST(many_distinct_rows_are_estimated_within_the_error)
{
    rng = random_of(property_seed());
    for (int round = 0; round < 10; round++) {
        make_values(ROWS, 20000 + random_below(&rng, 100000), 1);
        double error = round % 2 == 0 ? 0.05 : 0.01, count = (double)count_distinct();
        struct distinct_state *state =
            answer("distinct", &(struct partial_options){
                                   .columns = (uint32_t[]){1}, .column_count = 1, .error = error});
        ck_assert_msg(fabs(distinct_estimate(state) - count) < 5 * error * count, "%g for %g",
                      distinct_estimate(state), count);
        partial_destroy(&partial_distinct, state);
    }
    ck_assert_uint_eq(registers_precision(0.05), 9);
    ck_assert_uint_eq(registers_precision(0.9), REGISTERS_PRECISION_MIN);
}
END_TEST

START_TEST(quantiles_have_ranks_within_the_error)
{
    static double sorted[ROWS];
    static const double fractions[] = {0, 0.001, 0.25, 0.5, 0.9, 0.999, 1};
    rng = random_of(property_seed());
    for (int round = 0; round < 20; round++) {
        double error = round % 4 == 0 ? 0.2 : round % 4 == 1 ? 0.05 : 0.01, got[7];
        make_values(1 + (uint32_t)random_below(&rng, ROWS - 1), round % 3 == 0 ? 20 : 1000000, 1);
        is_there[0] = true;
        uint32_t count = sorted_values(sorted);
        struct quantiles_state *state = answer(
            "quantiles", &(struct partial_options){.columns = (uint32_t[]){0}, .error = error});
        ck_assert_uint_eq(state->count, count);
        must(quantiles_at(state, fractions, 7, got));
        for (int i = 0; i < 7; i++) {
            double below = 0, up_to = 0, wanted = fractions[i] * count;
            for (uint32_t k = 0; k < count; k++) {
                below += sorted[k] < got[i];
                up_to += sorted[k] <= got[i];
            }
            ck_assert_msg(up_to > below, "%g is none of the values", got[i]);
            ck_assert_msg(below <= wanted + error * count && up_to >= wanted - error * count,
                          "the rank of %g is %g..%g, not %g, of %" PRIu32, got[i], below, up_to,
                          wanted, count);
        }
        partial_destroy(&partial_quantiles, state);
    }
}
END_TEST

START_TEST(keys_of_numbers_are_in_their_order)
{
    static const double ascending[] = {-HUGE_VAL, -1e300, -1, -1e-310, 0, 1e-310, 0.5, 1, HUGE_VAL};
    for (int i = 1; i < 9; i++)
        ck_assert(number_key(ascending[i - 1]) < number_key(ascending[i]));
    for (int i = 0; i < 9; i++)
        ck_assert(number_of_key(number_key(ascending[i])) == ascending[i]);
    ck_assert(number_key(-0.0) == number_key(0.0));
    ck_assert(number_key((double)NAN) == number_key(-(double)NAN));
    ck_assert(number_key((double)NAN) > number_key(HUGE_VAL));
    ck_assert(isnan(number_of_key(number_key((double)NAN))));
}
END_TEST

START_TEST(ranks_are_counted_in_ranges)
{
    rng = random_of(property_seed());
    make_values(5000, 1000, 1);
    uint64_t ranges[] = {0, UINT64_MAX, number_key(10), number_key(500)};
    struct ranks_state *state = answer(
        "ranks",
        &(struct partial_options){.columns = (uint32_t[]){0}, .ranges = ranges, .range_count = 2});
    for (int range = 0; range < 2; range++) {
        uint64_t first = ranges[2 * range], last = ranges[2 * range + 1];
        uint64_t width = ranks_width(first, last);
        static uint64_t expected[1 + RANK_BUCKETS];
        memset(expected, 0, sizeof expected);
        for (uint32_t i = 0; i < row_count; i++) {
            uint64_t key = number_key(values[i]);
            if (is_there[i] && key < first)
                expected[0]++;
            else if (is_there[i] && key <= last)
                expected[1 + (key - first) / width]++;
        }
        ck_assert_mem_eq(state->counts + range * (1 + RANK_BUCKETS), expected, sizeof expected);
    }
    partial_destroy(&partial_ranks, state);
}
END_TEST

SUITE_MAIN("exec/partial", stats_are_those_of_two_passes, sums_of_integers_are_exact_or_an_error,
           histograms_count_what_lies_between, the_example_of_the_bounds,
           few_distinct_rows_are_counted_exactly, many_distinct_rows_are_estimated_within_the_error,
           quantiles_have_ranks_within_the_error, keys_of_numbers_are_in_their_order,
           ranks_are_counted_in_ranges)
