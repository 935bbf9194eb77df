/* Attempts that run longer than they may. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const struct scheduler_options limited = {.attempts_max = 3, .attempt_ns_max = 100};

START_TEST(an_attempt_that_takes_too_long_is_tried_elsewhere)
{
    struct trial trial;
    trial_init(&trial, &limited);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 0, 1);
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 100);
    DECIDED(trial_timer(&trial, 99), "");
    DECIDED(trial_timer(&trial, 100),
            " overrun 1/0.0#0@1 cancel 1/0.0#0@1 ship 1/0@2 start 1/0.0#1@2[0,1)");
    /* Whatever it says now, it does not count, and its worker is free only now. */
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " discard 1/0.0#0@1");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 200);
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " commit 1/0#1(1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(the_time_counts_from_when_it_began)
{
    struct trial trial;
    trial_init(&trial, &limited);
    trial_join(&trial, 1, 0, 2);
    struct stage_spec stage = spec_source(2, 0);
    trial_submit(&trial, 1, 1, &stage);
    trial.time_ns = 60;
    DECIDED(trial_start(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_timer(&trial, 110), " overrun 1/0.1#0@1 cancel 1/0.1#0@1");
    DECIDED(trial_timer(&trial, 159), "");
    DECIDED(trial_timer(&trial, 160), " overrun 1/0.0#0@1 cancel 1/0.0#0@1");
    DECIDED(trial_fail(&trial, attempt_of(0, 1, 0, 1), CAUSE_CANCELLED, 0, 0),
            " start 1/0.1#1@1[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(too_many_such_attempts_fail_the_job)
{
    struct trial trial;
    trial_init(&trial, &limited);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stage = spec_source(1, 0);
    struct job_outcome outcome;
    trial_submit(&trial, 1, 1, &stage);
    for (uint32_t attempt = 0; attempt < 2; attempt++) {
        ck_assert_ptr_nonnull(strstr(trial_timer(&trial, trial.time_ns + 100), "overrun"));
        ck_assert_ptr_nonnull(strstr(
            trial_fail(&trial, attempt_of(0, 0, attempt, 1), CAUSE_CANCELLED, 0, 0), "start"));
    }
    ck_assert(!scheduler_job_outcome(trial.scheduler, 1, &outcome));
    DECIDED(trial_timer(&trial, trial.time_ns + 100), " overrun 1/0.0#2@1 cancel 1/0.0#2@1");
    /* The end waits for it; what that will be is known. */
    ck_assert(scheduler_job_outcome(trial.scheduler, 1, &outcome));
    ck_assert_int_eq(outcome.result, JOB_RESULT_FAILED);
    ck_assert_int_eq(outcome.cause, CAUSE_DEADLINE);
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 2, 1), CAUSE_CANCELLED, 0, 0),
            " failed 1(deadline 0)");
    ck_assert(!scheduler_job_outcome(trial.scheduler, 1, &outcome));
    trial_drop(&trial);
}
END_TEST

START_TEST(the_median_is_of_those_that_count)
{
    static const struct scheduler_options timed = {.keeps_durations = true};
    struct trial trial;
    trial_init(&trial, &timed);
    trial_join(&trial, 1, 0, 4);
    struct stage_spec stage = spec_source(4, 0);
    trial_submit(&trial, 1, 1, &stage);
    ck_assert_uint_eq(scheduler_stage_median_ns(trial.scheduler, 1, 0), 0);
    static const uint64_t ends[] = {1000, 1001, 1000000};
    for (uint32_t task = 0; task < 3; task++) {
        trial.time_ns = ends[task];
        trial_finish(&trial, attempt_of(0, task, 0, 1));
    }
    uint64_t median_ns = scheduler_stage_median_ns(trial.scheduler, 1, 0);
    ck_assert(median_ns >= 1001 && median_ns <= 1001 + 1001 / 8);
    ck_assert_uint_eq(scheduler_stage_median_ns(trial.scheduler, 7, 0), 0);
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/overrun", an_attempt_that_takes_too_long_is_tried_elsewhere,
           the_time_counts_from_when_it_began, too_many_such_attempts_fail_the_job,
           the_median_is_of_those_that_count)
