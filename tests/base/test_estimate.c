/* base/estimate.h against tables, and the share of random samples whose bounds hold. */
#include "base/estimate.h"
#include "base/random.h"
#include "support/property.h"

#include <check.h>

#include <math.h>
#include <stdbool.h>

START_TEST(student_is_that_of_the_tables)
{
    /* Two-sided; tables of t have 0.975 and 0.995 for them. */
    static const struct {
        uint32_t degrees;
        double confidence, bound;
    } rows[] = {{1, 0.95, 12.7062},  {2, 0.95, 4.30265},    {3, 0.95, 3.18245},
                {4, 0.95, 2.77645},  {5, 0.95, 2.57058},    {10, 0.95, 2.22814},
                {30, 0.95, 2.04227}, {120, 0.95, 1.97993},  {1, 0.99, 63.6567},
                {2, 0.99, 9.92484},  {7, 0.99, 3.49948},    {60, 0.99, 2.66028},
                {1, 0.5, 1},         {10000, 0.95, 1.96020}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_double_eq_tol(student_bound(rows[i].confidence, rows[i].degrees) / rows[i].bound,
                                1, 3e-6);
    ck_assert_double_eq_tol(student_bound(0.95, UINT32_MAX), 1.9602, 1e-4);
    ck_assert_double_eq_tol(student_bound(1e-9, 9), 0, 1e-8);
}
END_TEST

START_TEST(all_parts_are_exact_and_few_say_nothing)
{
    struct estimate_of all = {.part_count = 7, .part_total = 7, .confidence = 0.9},
                       none = {.part_total = 7, .confidence = 0.9},
                       one = {.part_count = 1, .part_total = 7, .confidence = 0.9},
                       nothing = {.confidence = 0.9};
    struct estimate got = estimate_count(&all, 70, 1234);
    ck_assert(got.value == 70 && got.low == 70 && got.high == 70);
    got = estimate_ratio(&all, 70, 35, 1234);
    ck_assert(got.value == 2 && got.low == 2 && got.high == 2);
    got = estimate_count(&nothing, 0, 0);
    ck_assert(got.value == 0 && got.low == 0 && got.high == 0);
    got = estimate_count(&none, 0, 0);
    ck_assert(got.value == 0 && got.low == 0 && isinf(got.high));
    got = estimate_total(&one, 10, 0);
    ck_assert(got.value == 70 && got.low == -HUGE_VAL && got.high == HUGE_VAL);
    got = estimate_ratio(&none, 0, 0, 0);
    ck_assert(isnan(got.value) && got.low == -HUGE_VAL && got.high == HUGE_VAL);
    got = estimate_ratio(&one, 10, 5, 0);
    ck_assert(got.value == 2 && got.low == -HUGE_VAL && got.high == HUGE_VAL);
}
END_TEST

START_TEST(what_is_not_finite_has_no_bounds)
{
    struct estimate_of some = {.part_count = 3, .part_total = 7, .confidence = 0.9};
    struct estimate got = estimate_total(&some, (double)NAN, (double)NAN);
    ck_assert(isnan(got.value) && got.low == -HUGE_VAL && got.high == HUGE_VAL);
    got = estimate_total(&some, HUGE_VAL, (double)NAN);
    ck_assert(got.value == HUGE_VAL && got.low == -HUGE_VAL && got.high == HUGE_VAL);
    got = estimate_ratio(&some, 1, 0, 1);
    ck_assert(isnan(got.value) && got.low == -HUGE_VAL && got.high == HUGE_VAL);
}
END_TEST

START_TEST(totals_and_ratios_are_the_books)
{
    /* Counts 8, 10, 12 of 3 parts of 12: s = 2; t of 2 degrees 4.30265. */
    struct estimate_of of = {.part_count = 3, .part_total = 12, .confidence = 0.95};
    double half = 4.302652729911275 * 12 * sqrt(0.75 * 4 / 3);
    struct estimate got = estimate_total(&of, 30, 8);
    ck_assert_double_eq_tol(got.value, 120, 1e-9);
    ck_assert_double_eq_tol(got.high, 120 + half, 1e-8);
    ck_assert_double_eq_tol(got.low, 120 - half, 1e-8);
    /* Of events, 30 + 1 in 3 parts have a variance of 31 / 3; with more, their own counts. */
    got = estimate_count(&of, 30, 8);
    half = 4.302652729911275 * 12 * sqrt(0.75 * 31 / 3 / 3);
    ck_assert_double_eq_tol(got.high, 120 + half, 1e-8);
    ck_assert_double_eq_tol(got.low, 120 - half, 1e-8);
    got = estimate_count(&of, 3, 2);
    ck_assert(got.value == 12 && got.low == 3); /* that many were seen */
    got = estimate_count(&of, 30, 800);
    ck_assert_double_eq_tol(got.high, 120 + 4.302652729911275 * 12 * sqrt(0.75 * 400 / 3), 1e-7);
    got = estimate_count(&of, 0, 0);
    ck_assert(got.value == 0 && got.low == 0 && got.high > 12);
    /* Sums 16, 30, 24 of 8, 10, 12 rows: quotient 7 / 3. */
    double quotient = 70.0 / 30,
           rests[] = {16 - 8 * quotient, 30 - 10 * quotient, 24 - 12 * quotient};
    double residue = rests[0] * rests[0] + rests[1] * rests[1] + rests[2] * rests[2];
    got = estimate_ratio(&of, 70, 30, residue);
    half = 4.302652729911275 * sqrt(0.75 * residue / 2 / 3) / 10;
    ck_assert_double_eq_tol(got.value, quotient, 1e-12);
    ck_assert_double_eq_tol(got.low, quotient - half, 1e-9);
    ck_assert_double_eq_tol(got.high, quotient + half, 1e-9);
}
END_TEST

/* ---- how often the bounds hold ---- */

enum { PARTS = 60, DRAWN = 15, TRIALS = 4000 };

/* Rows and sums of parts of very different sizes. */
static void invent(struct random *random, double *rows, double *sums)
{
    for (int i = 0; i < PARTS; i++) {
        rows[i] = 20 + (double)random_below(random, 200);
        sums[i] = rows[i] * (3 + (double)random_below(random, 100) / 50);
    }
}

static double spread_of(const double *values, const int *drawn, double mean)
{
    double spread = 0;
    for (int i = 0; i < DRAWN; i++)
        spread += (values[drawn[i]] - mean) * (values[drawn[i]] - mean);
    return spread;
}

static bool holds(struct estimate estimate, double truth)
{
    return estimate.low <= truth && truth <= estimate.high;
}

/* The share of samples whose bounds hold is what was asked for, but for the roughness of Student's
 * t for numbers that are not normal (a few percent), and that of so many trials (under one). */
START_TEST(bounds_hold_as_often_as_is_asked_for)
{
    static const double confidences[] = {0.8, 0.95, 0.99};
    uint64_t seed = property_seed();
    for (int c = 0; c < 3; c++) {
        struct random random = random_of(seed + (uint64_t)c);
        struct estimate_of of = {
            .part_count = DRAWN, .part_total = PARTS, .confidence = confidences[c]};
        int total_holds = 0, ratio_holds = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            double rows[PARTS], sums[PARTS], all_rows = 0, all_sums = 0, seen_rows = 0,
                                             seen_sums = 0;
            int places[PARTS];
            invent(&random, rows, sums);
            for (int i = 0; i < PARTS; i++) {
                int other = (int)random_below(&random, (uint64_t)i + 1);
                places[i] = places[other];
                places[other] = i;
                all_rows += rows[i];
                all_sums += sums[i];
            }
            for (int i = 0; i < DRAWN; i++) {
                seen_rows += rows[places[i]];
                seen_sums += sums[places[i]];
            }
            double quotient = seen_sums / seen_rows, residue = 0;
            for (int i = 0; i < DRAWN; i++)
                residue += pow(sums[places[i]] - quotient * rows[places[i]], 2);
            total_holds +=
                holds(estimate_total(&of, seen_sums, spread_of(sums, places, seen_sums / DRAWN)),
                      all_sums);
            ratio_holds +=
                holds(estimate_ratio(&of, seen_sums, seen_rows, residue), all_sums / all_rows);
        }
        double totals = (double)total_holds / TRIALS, ratios = (double)ratio_holds / TRIALS;
        ck_assert_msg(fabs(totals - of.confidence) < 0.03 && fabs(ratios - of.confidence) < 0.03,
                      "%g: %g of totals, %g of ratios", of.confidence, totals, ratios);
    }
}
END_TEST

/* Knuth's: of small means. */
static double poisson(struct random *random, double mean)
{
    double product = 1, count = -1;
    for (; product > exp(-mean); count++)
        product *= (double)(random_below(random, UINT64_C(1) << 53) + 1) / 0x1p53;
    return count;
}

/* Rare events, which most parts lack. Where few are seen bounds hold more often than asked for. */
START_TEST(bounds_of_rare_counts_hold)
{
    static const double means[] = {0.01, 0.05, 0.3, 2, 20};
    uint64_t seed = property_seed();
    struct random random = random_of(seed);
    struct estimate_of of = {.part_count = DRAWN, .part_total = PARTS, .confidence = 0.95};
    for (int m = 0; m < 5; m++) {
        int count_holds = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            double counts[PARTS], all = 0, seen = 0;
            int places[DRAWN];
            for (int i = 0; i < PARTS; i++) {
                counts[i] = poisson(&random, means[m]);
                all += counts[i];
            }
            for (int i = 0; i < DRAWN; i++) { /* independent: the first are as good as any */
                places[i] = i;
                seen += counts[i];
            }
            count_holds +=
                holds(estimate_count(&of, seen, spread_of(counts, places, seen / DRAWN)), all);
        }
        double share = (double)count_holds / TRIALS;
        ck_assert_msg(share > 0.93, "mean %g: %g", means[m], share);
    }
}
END_TEST

SUITE_MAIN("base/estimate", student_is_that_of_the_tables, all_parts_are_exact_and_few_say_nothing,
           what_is_not_finite_has_no_bounds, totals_and_ratios_are_the_books,
           bounds_hold_as_often_as_is_asked_for, bounds_of_rare_counts_hold)
