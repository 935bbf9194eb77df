/* base/exact_spread.h against long doubles of two passes, and against itself in other orders. */
#include "base/exact_spread.h"
#include "base/random.h"
#include "support/property.h"

#include <check.h>

#include <math.h>
#include <string.h>

enum { VALUES_MAX = 400 };

struct sums {
    struct barks_sum sum;
    struct square_sums squares;
};

static void add(struct sums *sums, double x, int scale_bits)
{
    barks_sum_add(&sums->sum, x);
    square_sums_add(&sums->squares, ldexp(x, -scale_bits));
}

static double spread_of(const double *values, uint32_t count, int scale_bits)
{
    struct sums sums = {.sum = {0}};
    for (uint32_t i = 0; i < count; i++)
        add(&sums, values[i], scale_bits);
    return exact_spread(&sums.sum, &sums.squares, count, scale_bits);
}

static double by_two_passes(const double *values, uint32_t count)
{
    long double sum = 0, squares = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += (long double)values[i];
    for (uint32_t i = 0; i < count; i++) {
        long double apart = (long double)values[i] - sum / count;
        squares += apart * apart;
    }
    return (double)squares;
}

START_TEST(spreads_are_those_of_two_passes_at_any_scale)
{
    struct random random = random_of(property_seed());
    static const int exponents[] = {0, 40, -40, 150, -150, 480, -300, 700, -700};
    for (int round = 0; round < 1000; round++) {
        double values[VALUES_MAX];
        int exponent = exponents[random_below(&random, 9)];
        int scale = exponent > 500 ? 600 : exponent < -400 ? -500 : 0;
        uint32_t count = 1 + (uint32_t)random_below(&random, VALUES_MAX);
        double offset = random_below(&random, 2) == 0 ? 0 : 1e6 * random_unit(&random);
        for (uint32_t i = 0; i < count; i++)
            values[i] = ldexp(offset + random_unit(&random) - 0.5, exponent);
        double got = ldexp(spread_of(values, count, scale), -2 * (exponent / 2));
        for (uint32_t i = 0; i < count; i++)
            values[i] = ldexp(values[i], -exponent);
        double expected = ldexp(by_two_passes(values, count), 2 * (exponent - exponent / 2));
        if (isfinite(got) && expected > 0 && exponent > -500)
            ck_assert_msg(fabs(got - expected) <= 1e-9 * expected, "%g, not %g at 2^%d", got,
                          expected, exponent);
    }
}
END_TEST

START_TEST(spreads_do_not_depend_on_the_order)
{
    struct random random = random_of(property_seed());
    for (int round = 0; round < 300; round++) {
        double values[VALUES_MAX];
        uint32_t count = 1 + (uint32_t)random_below(&random, VALUES_MAX);
        for (uint32_t i = 0; i < count; i++)
            values[i] = ldexp(random_unit(&random) - 0.3, (int)random_below(&random, 300) - 150);
        double first = spread_of(values, count, 0);
        struct sums parts[3] = {{.sum = {0}}}, all = {.sum = {0}};
        for (uint32_t i = count; i-- > 0;) {
            uint32_t other = (uint32_t)random_below(&random, i + (uint64_t)1);
            double value = values[other];
            values[other] = values[i];
            add(&parts[random_below(&random, 3)], value, 0);
        }
        for (int i = 0; i < 3; i++) {
            barks_sum_merge(&all.sum, &parts[i].sum);
            square_sums_merge(&all.squares, &parts[i].squares);
        }
        double second = exact_spread(&all.sum, &all.squares, count, 0);
        ck_assert(memcmp(&first, &second, sizeof first) == 0);
    }
}
END_TEST

START_TEST(equal_values_have_no_spread)
{
    struct random random = random_of(property_seed());
    for (int round = 0; round < 500; round++) {
        struct sums sums = {.sum = {0}};
        double x = ldexp(random_unit(&random) - 0.5, (int)random_below(&random, 800) - 400);
        uint32_t count = 1 + (uint32_t)random_below(&random, 5000);
        for (uint32_t i = 0; i < count; i++)
            add(&sums, x, 0);
        ck_assert(exact_spread(&sums.sum, &sums.squares, count, 0) == 0);
    }
}
END_TEST

START_TEST(what_is_not_finite_has_no_spread)
{
    ck_assert(isnan(spread_of((const double[]){1, (double)INFINITY}, 2, 0)));
    ck_assert(isnan(spread_of((const double[]){(double)NAN}, 1, 0)));
    ck_assert(spread_of((const double[]){0, -0.0, 0}, 3, 0) == 0);
    ck_assert(spread_of(NULL, 0, 0) == 0);
    ck_assert(spread_of((const double[]){1, 2, 3, 4}, 4, 0) == 5);
    ck_assert(spread_of((const double[]){-3, 3}, 2, 0) == 18);
}
END_TEST

SUITE_MAIN("base/exact_spread", spreads_are_those_of_two_passes_at_any_scale,
           spreads_do_not_depend_on_the_order, equal_values_have_no_spread,
           what_is_not_finite_has_no_spread)
