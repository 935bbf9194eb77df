#include "base/clock.h"
#include "base/config.h"
#include "runtime/allotment.h"
#include "support/property.h"

#include <check.h>

#define SECONDS(n) (UINT64_C(n) * NS_PER_S)
#define START SECONDS(1000)

/* Of a job with 10 s in reserve, which takes a warning for the end in 60 s. */
static struct allotment begun(uint64_t seconds_left, const char *reserve)
{
    struct config config = {0};
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(config_set(&config, CONFIG_TIME_RESERVE, reserve, "test"));
    struct allotment allotment = allotment_begin(&config, seconds_left, START);
    config_drop(&config);
    return allotment;
}

START_TEST(without_slurm_and_warning_there_is_no_end)
{
    struct allotment allotment = begun(0, "10s");
    ck_assert_uint_eq(allotment_left_ns(&allotment, START), UINT64_MAX);
    ck_assert(!allotment_explains_signal(&allotment, START + SECONDS(100000)));
}
END_TEST

START_TEST(the_reserve_is_not_for_work)
{
    struct allotment allotment = begun(100, "10s");
    ck_assert_uint_eq(allotment_left_ns(&allotment, START), SECONDS(90));
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(90)), 0);
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(200)), 0);
}
END_TEST

START_TEST(without_reserve_only_a_warning_ends_the_job)
{
    struct allotment allotment = begun(100, "0s");
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(200)), UINT64_MAX);
    allotment_warn(&allotment, START + SECONDS(50));
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(50)), SECONDS(50));
}
END_TEST

START_TEST(the_limit_ends_the_job_without_a_reserve)
{
    struct config config = {0};
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(config_set(&config, CONFIG_TIME_LIMIT, "30s", "test"));
    struct allotment alone = allotment_begin(&config, 0, START);
    ck_assert_uint_eq(allotment_left_ns(&alone, START + SECONDS(10)), SECONDS(20));
    ck_assert_uint_eq(allotment_left_ns(&alone, START + SECONDS(31)), 0);
    ck_assert_uint_eq(allotment_end_ns(&alone), START + SECONDS(30));
    ck_assert_str_eq(allotment_who_ends(&alone), "--barks-time-limit has set");
    struct allotment sooner = allotment_begin(&config, 20, START);
    ck_assert_uint_eq(allotment_left_ns(&sooner, START), SECONDS(10));
    ck_assert_uint_eq(allotment_end_ns(&sooner), START + SECONDS(20));
    ck_assert_str_eq(allotment_who_ends(&sooner), "Slurm has set");
    config_drop(&config);
}
END_TEST

START_TEST(a_warning_alone_says_when_the_end_is)
{
    struct allotment allotment = begun(0, "10s");
    allotment_warn(&allotment, START);
    ck_assert_uint_eq(allotment_left_ns(&allotment, START), SECONDS(50));
    allotment_warn(&allotment, START + SECONDS(20)); /* again, for the same end */
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(20)), SECONDS(30));
}
END_TEST

START_TEST(a_warning_up_to_a_minute_early_is_for_the_known_end)
{
    struct allotment allotment = begun(200, "10s");
    allotment_warn(&allotment, START + SECONDS(85)); /* 115 s before it, for 60 */
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(85)), SECONDS(105));
}
END_TEST

START_TEST(a_warning_far_from_the_known_end_is_for_a_sooner_one)
{
    struct allotment allotment = begun(36000, "10s");
    allotment_warn(&allotment, START + SECONDS(100));
    ck_assert_uint_eq(allotment_left_ns(&allotment, START + SECONDS(100)), SECONDS(50));
}
END_TEST

START_TEST(a_signal_at_the_end_or_after_a_warning_is_the_systems)
{
    struct allotment allotment = begun(100, "10s");
    ck_assert(!allotment_explains_signal(&allotment, START + SECONDS(94)));
    ck_assert(allotment_explains_signal(&allotment, START + SECONDS(96)));
    allotment_warn(&allotment, START + SECONDS(30));
    ck_assert(allotment_explains_signal(&allotment, START + SECONDS(31)));
}
END_TEST

SUITE_MAIN("runtime/allotment", without_slurm_and_warning_there_is_no_end,
           the_reserve_is_not_for_work, without_reserve_only_a_warning_ends_the_job,
           the_limit_ends_the_job_without_a_reserve, a_warning_alone_says_when_the_end_is,
           a_warning_up_to_a_minute_early_is_for_the_known_end,
           a_warning_far_from_the_known_end_is_for_a_sooner_one,
           a_signal_at_the_end_or_after_a_warning_is_the_systems)
