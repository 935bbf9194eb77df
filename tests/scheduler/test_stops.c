/* Tasks whose attempts someone wants ended: they are tried again, and have not failed. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const struct scheduler_options once = {.attempts_max = 1};

START_TEST(it_is_tried_again_once_its_attempt_has_ended)
{
    struct trial trial;
    trial_init(&trial, &once);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 0, 1);
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    for (uint32_t attempt = 0; attempt < 5; attempt++) { /* one may fail not even once */
        ck_assert_ptr_nonnull(strstr(trial_stop(&trial, 1, 0, 0), " cancel 1/0.0#"));
        DECIDED(trial_stop(&trial, 1, 0, 0), ""); /* it is on its way */
        ck_assert_ptr_nonnull(strstr(
            trial_fail(&trial, attempt_of(0, 0, attempt, 1), CAUSE_CANCELLED, 0, 0), "@1[0,1)"));
    }
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 5, 1)), " commit 1/0#1(1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(one_that_ends_before_it_hears_counts)
{
    struct trial trial;
    trial_init(&trial, &once);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_stop(&trial, 1, 0, 0), " cancel 1/0.0#0@1");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(one_that_is_stopped_can_still_be_cancelled)
{
    struct trial trial;
    trial_init(&trial, &once);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_stop(&trial, 1, 0, 0), " cancel 1/0.0#0@1");
    DECIDED(trial_cancel(&trial, 1), " cancel 1/0.0#0@1");
    DECIDED(trial_stop(&trial, 1, 0, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)),
            " discard 1/0.0#0@1 cancelled 1(cancelled)");
    trial_drop(&trial);
}
END_TEST

START_TEST(all_tasks_of_a_gang_start_anew)
{
    struct trial trial;
    trial_init(&trial, &once);
    trial_join(&trial, 1, 0, 2);
    struct stage_spec stage = spec_source(2, 0);
    stage.policy = RUNS_SINGLE;
    stage.is_gang = true;
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_stop(&trial, 1, 0, 1), " cancel 1/0.1#0@1");
    DECIDED(trial_fail(&trial, attempt_of(0, 1, 0, 1), CAUSE_CANCELLED, 0, 0), " cancel 1/0.0#0@1");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_CANCELLED, 0, 0),
            " start 1/0.0#1@1[0,1) start 1/0.1#1@1[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_does_not_run_is_not_stopped)
{
    struct trial trial;
    trial_init(&trial, &once);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stage = spec_source(2, 0);
    stage.policy = RUNS_SINGLE;
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_stop(&trial, 1, 0, 1), ""); /* it waits */
    DECIDED(trial_stop(&trial, 1, 0, 2), "");
    DECIDED(trial_stop(&trial, 1, 1, 0), "");
    DECIDED(trial_stop(&trial, 2, 0, 0), "");
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/stops", it_is_tried_again_once_its_attempt_has_ended,
           one_that_ends_before_it_hears_counts, one_that_is_stopped_can_still_be_cancelled,
           all_tasks_of_a_gang_start_anew, what_does_not_run_is_not_stopped)
