/* barks/sum.h and base/exact_sum.c against integer arithmetic, and against themselves in other
 * orders. */
#include "barks/sum.h"
#include "base/random.h"
#include "support/property.h"

#include <check.h>

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static double sum_of(const double *terms, int count)
{
    struct barks_sum sum = {0};
    for (int i = 0; i < count; i++)
        barks_sum_add(&sum, terms[i]);
    return barks_sum_value(&sum);
}

START_TEST(sums_of_integers_are_those_of_integer_arithmetic)
{
    struct random random = random_of(property_seed());
    for (int round = 0; round < 2000; round++) {
        struct barks_sum sum = {0};
        __extension__ __int128 exact = 0;
        int count = (int)random_below(&random, 50);
        /* Halves and quarters to 2^60 units, so that the exact sum fits. */
        for (int i = 0; i < count; i++) {
            int64_t term = (int64_t)(random_next(&random) >> random_below(&random, 64)) >> 4;
            double x = (double)term; /* rounded to 53 bits */
            if (random_below(&random, 2) == 0)
                x = -x;
            exact += (int64_t)x;
            barks_sum_add(&sum, ldexp(x, -200));
        }
        /* The cast rounds to the nearest, ties to even, as the sum must. */
        ck_assert(barks_sum_value(&sum) == ldexp((double)exact, -200));
    }
}
END_TEST

START_TEST(known_sums)
{
    ck_assert(sum_of((double[]){0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 10) == 1.0);
    ck_assert(sum_of((double[]){1e100, 1, -1e100}, 3) == 0 ||
              sum_of((double[]){1e100, 1, -1e100}, 3) == 1);
    ck_assert(sum_of((double[]){1e16, 1, 1, -1e16}, 4) == 2);
    ck_assert(sum_of((double[]){DBL_MAX, DBL_MAX, -DBL_MAX}, 3) == DBL_MAX);
    ck_assert(sum_of((double[]){DBL_MAX, DBL_MAX}, 2) == HUGE_VAL);
    ck_assert(sum_of((double[]){-DBL_MAX, -DBL_MAX}, 2) == -HUGE_VAL);
    ck_assert(sum_of((double[]){DBL_TRUE_MIN, DBL_TRUE_MIN, DBL_TRUE_MIN}, 3) == 3 * DBL_TRUE_MIN);
    ck_assert(sum_of((double[]){DBL_MIN, -DBL_TRUE_MIN}, 2) == DBL_MIN - DBL_TRUE_MIN);
    ck_assert(sum_of((double[]){1, DBL_EPSILON / 2}, 2) == 1); /* tie to even */
    ck_assert(sum_of((double[]){1, DBL_EPSILON / 2, 1e-30}, 3) == 1 + DBL_EPSILON); /* no tie */
    ck_assert(sum_of((double[]){-1, -DBL_EPSILON / 2, -1e-30}, 3) == -1 - DBL_EPSILON);
    ck_assert(sum_of(NULL, 0) == 0);
    ck_assert(!signbit(sum_of((double[]){-0.0, -0.0}, 2)));
}
END_TEST

START_TEST(what_is_not_finite_is_told)
{
    ck_assert(isnan(sum_of((double[]){1, (double)NAN}, 2)));
    ck_assert(isnan(sum_of((double[]){HUGE_VAL, -HUGE_VAL}, 2)));
    ck_assert(sum_of((double[]){HUGE_VAL, 5}, 2) == HUGE_VAL);
    ck_assert(sum_of((double[]){5, -HUGE_VAL}, 2) == -HUGE_VAL);
}
END_TEST

/* Of any size and sign, now and then the opposite of one before it, so that much cancels. */
static void make_terms(struct random *random, double *terms, int count)
{
    for (int i = 0; i < count; i++) {
        if (i > 0 && random_below(random, 3) == 0) {
            terms[i] = -terms[random_below(random, (uint64_t)i)];
            continue;
        }
        terms[i] = ldexp(random_unit(random) + 0.5, (int)random_below(random, 2090) - 1074);
        terms[i] = isinf(terms[i]) ? DBL_MAX : terms[i];
        if (random_below(random, 2) == 0)
            terms[i] = -terms[i];
    }
}

static void shuffle_terms(struct random *random, double *terms, int count)
{
    for (int i = count; i-- > 1;) {
        int other = (int)random_below(random, (uint64_t)i + 1);
        double term = terms[i];
        terms[i] = terms[other];
        terms[other] = term;
    }
}

START_TEST(order_and_grouping_do_not_matter)
{
    enum { TERMS = 60, GROUPS = 5 };
    struct random random = random_of(property_seed());
    for (int round = 0; round < 2000; round++) {
        double terms[TERMS];
        int count = (int)random_below(&random, TERMS) + 1;
        make_terms(&random, terms, count);
        struct barks_sum one = {0};
        for (int i = 0; i < count; i++)
            barks_sum_add(&one, terms[i]);
        shuffle_terms(&random, terms, count);
        struct barks_sum groups[GROUPS] = {{0}}, all = {0};
        for (int i = 0; i < count; i++)
            barks_sum_add(&groups[random_below(&random, GROUPS)], terms[i]);
        for (int i = 0; i < GROUPS; i++)
            barks_sum_merge(&all, &groups[i]);
        ck_assert_mem_eq(&one, &all, sizeof one);
    }
}
END_TEST

START_TEST(the_error_is_below_that_of_a_long_double_sum)
{
    enum { TERMS = 1000 };
    struct random random = random_of(property_seed());
    for (int round = 0; round < 100; round++) {
        struct barks_sum sum = {0};
        long double expected = 0, largest = 0;
        for (int i = 0; i < TERMS; i++) {
            double x = (random_unit(&random) - 0.5) * pow(10, (double)random_below(&random, 8));
            barks_sum_add(&sum, x);
            expected += (long double)x;
            largest = fabsl((long double)x) > largest ? fabsl((long double)x) : largest;
        }
        long double error = fabsl((long double)barks_sum_value(&sum) - expected);
        ck_assert_msg(error <= fabsl(expected) * (long double)DBL_EPSILON + largest * 1e-16L * 1000,
                      "error %Lg", error);
    }
}
END_TEST

SUITE_MAIN("base/exact_sum", sums_of_integers_are_those_of_integer_arithmetic, known_sums,
           what_is_not_finite_is_told, order_and_grouping_do_not_matter,
           the_error_is_below_that_of_a_long_double_sum)
