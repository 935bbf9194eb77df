#include "scheduler/owners.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdbool.h>

/* Against the definition: each range is within one partition of its share, and find agrees. */
START_TEST(ranges_are_in_proportion_to_workers)
{
    enum { MEMBERS_MAX = 40 };
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (int step = 0; step < 1000; step++) {
        uint32_t workers[MEMBERS_MAX], firsts[MEMBERS_MAX + 1], total = 0;
        uint32_t members = 1 + (uint32_t)(property_next(&random) % MEMBERS_MAX);
        uint32_t count = (uint32_t)(property_next(&random) % 500);
        for (uint32_t member = 0; member < members; member++)
            total += workers[member] = 1 + (uint32_t)(property_next(&random) % 8);
        owners_divide(count, workers, members, firsts);
        bool is_right = firsts[0] == 0 && firsts[members] == count;
        for (uint32_t member = 0; member < members; member++) {
            double share = (double)count * workers[member] / total;
            double size = (double)firsts[member + 1] - firsts[member];
            is_right &= firsts[member] <= firsts[member + 1];
            is_right &= size > share - 1 && size < share + 1;
            for (uint32_t i = firsts[member]; is_right && i < firsts[member + 1]; i++)
                is_right &= owners_find(firsts, members, i) == member;
        }
        ck_assert_msg(is_right, "step %d; replay with BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
}
END_TEST

START_TEST(the_greatest_numbers_do_not_overflow)
{
    static uint32_t workers[1 << 20], firsts[(1 << 20) + 1];
    for (uint32_t member = 0; member < 1 << 20; member++)
        workers[member] = 1 << 12;
    owners_divide(1 << 23, workers, 1 << 20, firsts);
    ck_assert_uint_eq(firsts[1], 8);
    ck_assert_uint_eq(firsts[(1 << 20) - 1], (1 << 23) - 8);
}
END_TEST

SUITE_MAIN("scheduler/owners", ranges_are_in_proportion_to_workers,
           the_greatest_numbers_do_not_overflow)
