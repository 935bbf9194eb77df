#include "support/property.h"
#include "work/store_pace.h"

#include <check.h>

#include <math.h>

#define SECONDS(n) ((uint64_t)((n)*1e9))

START_TEST(all_is_stored_where_nothing_is_known_of_failures)
{
    struct store_pace pace = {0};
    for (int i = 0; i < 3; i++) {
        ck_assert(store_pace_is_due(&pace, SECONDS(100)));
        store_pace_note(&pace, SECONDS(50), SECONDS(100));
    }
}
END_TEST

START_TEST(the_first_is_stored_to_see_what_it_costs)
{
    struct store_pace pace = {.mtbf_ns = SECONDS(86400)};
    ck_assert(store_pace_is_due(&pace, SECONDS(1)));
}
END_TEST

/* Young's sqrt(2 * 2 s * 10,000 s) = 200 s, less the cost, and a little more by the next terms. */
START_TEST(the_next_is_stored_after_the_best_interval)
{
    struct store_pace pace = {.mtbf_ns = SECONDS(10000)};
    store_pace_note(&pace, SECONDS(1), SECONDS(10));
    store_pace_note(&pace, SECONDS(3), SECONDS(50));
    uint64_t interval_ns = store_pace_interval_ns(&pace);
    ck_assert_uint_gt(interval_ns, SECONDS(198));
    ck_assert_uint_lt(interval_ns, SECONDS(199));
    ck_assert(!store_pace_is_due(&pace, SECONDS(50) + interval_ns - 1));
    ck_assert(store_pace_is_due(&pace, SECONDS(50) + interval_ns));
}
END_TEST

START_TEST(what_costs_more_than_it_saves_is_stored_once_in_a_failure)
{
    struct store_pace pace = {.mtbf_ns = SECONDS(10)};
    store_pace_note(&pace, SECONDS(30), SECONDS(30));
    ck_assert_uint_eq(store_pace_interval_ns(&pace), SECONDS(10));
}
END_TEST

/* Of a job that works on and stores each `interval`, hours lost in an hour: storing, and half an
 * interval again with each failure (exact for failures without memory). */
static double waste(double interval, double cost, double mtbf)
{
    return mtbf * (exp((interval + cost) / mtbf) - 1) / interval;
}

static double unit(uint64_t *state) { return (double)(property_next(state) >> 11) * 0x1p-53; }

START_TEST(no_other_interval_is_better)
{
    uint64_t state = property_seed();
    for (int i = 0; i < 1000; i++) {
        double mtbf = 1000 * exp(6 * unit(&state));
        double cost = 0.1 * mtbf * unit(&state) * unit(&state) + 0.001;
        struct store_pace pace = {.mtbf_ns = SECONDS(mtbf)};
        store_pace_note(&pace, SECONDS(cost), 0);
        double best = (double)store_pace_interval_ns(&pace) * 1e-9, factor = exp(unit(&state));
        double least = waste(best, cost, mtbf);
        ck_assert_double_le(least, 1.001 * waste(best * factor, cost, mtbf));
        ck_assert_double_le(least, 1.001 * waste(best / factor, cost, mtbf));
    }
}
END_TEST

SUITE_MAIN("work/store_pace", all_is_stored_where_nothing_is_known_of_failures,
           the_first_is_stored_to_see_what_it_costs, the_next_is_stored_after_the_best_interval,
           what_costs_more_than_it_saves_is_stored_once_in_a_failure, no_other_interval_is_better)
