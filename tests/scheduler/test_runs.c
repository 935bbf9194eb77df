#include "scheduler/runs.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>

enum { PARTITIONS_MAX = 200 };

static uint64_t weight_of(const uint64_t *bytes, uint32_t first, uint32_t end)
{
    uint64_t weight = 0;
    for (uint32_t partition = first; partition < end; partition++)
        weight += partition_weight(bytes, partition);
    return weight;
}

/* Every run is non-empty, they follow each other, and none of several partitions is overweight. */
START_TEST(runs_cover_partitions_in_balance)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (int step = 0; step < 3000; step++) {
        uint64_t bytes[PARTITIONS_MAX], heaviest = 0;
        uint32_t firsts[PARTITIONS_MAX + 1];
        uint32_t count = 1 + (uint32_t)(property_next(&random) % PARTITIONS_MAX);
        uint32_t runs = 1 + (uint32_t)(property_next(&random) % count);
        uint64_t shift = property_next(&random) % 64;
        for (uint32_t partition = 0; partition < count; partition++) {
            bytes[partition] = property_next(&random) >> shift;
            uint64_t weight = partition_weight(bytes, partition);
            heaviest = weight > heaviest ? weight : heaviest;
        }
        const uint64_t *known = step % 5 == 0 ? NULL : bytes;
        split_into_runs(known, count, runs, firsts);
        uint64_t share = weight_of(known, 0, count) / runs + 1;
        bool is_right = firsts[0] == 0 && firsts[runs] == count;
        for (uint32_t run = 0; run < runs; run++) {
            is_right &= firsts[run] < firsts[run + 1];
            if (is_right && firsts[run + 1] - firsts[run] > 1)
                is_right &= weight_of(known, firsts[run], firsts[run + 1]) <=
                            share + (known == NULL ? 1 : heaviest);
        }
        ck_assert_msg(is_right, "step %d; replay with BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
}
END_TEST

START_TEST(equal_partitions_make_equal_runs)
{
    uint32_t firsts[5];
    split_into_runs(NULL, 12, 4, firsts);
    for (uint32_t run = 0; run <= 4; run++)
        ck_assert_uint_eq(firsts[run], UINT64_C(3) * run);
    uint64_t zero[12] = {0};
    split_into_runs(zero, 12, 4, firsts);
    for (uint32_t run = 0; run <= 4; run++)
        ck_assert_uint_eq(firsts[run], UINT64_C(3) * run);
}
END_TEST

START_TEST(one_heavy_partition_is_a_run_of_its_own)
{
    uint64_t bytes[] = {10, 10, 1000, 10, 10};
    uint32_t firsts[4];
    split_into_runs(bytes, 5, 3, firsts);
    ck_assert_uint_eq(firsts[1], 2);
    ck_assert_uint_eq(firsts[2], 3);
}
END_TEST

START_TEST(sizes_past_all_bounds_do_not_overflow)
{
    uint64_t bytes[] = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    uint32_t firsts[3];
    split_into_runs(bytes, 4, 2, firsts);
    ck_assert_uint_eq(firsts[1], 2);
}
END_TEST

START_TEST(combine_wants_a_run_a_worker_spread_eight_and_single_all)
{
    ck_assert_uint_eq(runs_wanted(RUNS_COMBINE, 100, 6), 6);
    ck_assert_uint_eq(runs_wanted(RUNS_SPREAD, 100, 6), 48);
    ck_assert_uint_eq(runs_wanted(RUNS_COMBINE, 4, 6), 4);
    ck_assert_uint_eq(runs_wanted(RUNS_SPREAD, 4, 6), 4);
    ck_assert_uint_eq(runs_wanted(RUNS_SPREAD, 0, 6), 0);
    ck_assert_uint_eq(runs_wanted(RUNS_SINGLE, 100, 6), 100);
    ck_assert_uint_eq(runs_wanted(RUNS_SINGLE, 0, 6), 0);
}
END_TEST

SUITE_MAIN("scheduler/runs", runs_cover_partitions_in_balance, equal_partitions_make_equal_runs,
           one_heavy_partition_is_a_run_of_its_own, sizes_past_all_bounds_do_not_overflow,
           combine_wants_a_run_a_worker_spread_eight_and_single_all)
