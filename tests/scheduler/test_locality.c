/* How long is waited for a better place. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

static const struct scheduler_options waiting = {.locality_wait_ns = 100, .recovers = true};

/* Partitions that all wish for node 1, where executor 1 has one worker; executor 2 is on node 2. */
static struct stage_spec on_node_1(uint32_t partition_count)
{
    static uint32_t firsts[9];
    static struct place places[8];
    struct stage_spec stage = spec_source(partition_count, 0);
    ck_assert_uint_le(partition_count, 8);
    for (uint32_t i = 0; i < partition_count; i++) {
        firsts[i + 1] = i + 1;
        places[i] = (struct place){PLACE_NODE, 1};
    }
    stage.policy = RUNS_SPREAD;
    stage.place_firsts = firsts;
    stage.places = places;
    return stage;
}

static void begin(struct trial *trial, const struct scheduler_options *options)
{
    trial_init(trial, options);
    trial_join(trial, 1, 1, 1);
    trial_join(trial, 2, 2, 1);
}

START_TEST(another_node_gets_nothing_before_the_stage_has_waited)
{
    struct trial trial;
    begin(&trial, &waiting);
    trial.time_ns = 1000;
    struct stage_spec stage = on_node_1(4);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 1100);
    DECIDED(trial_timer(&trial, 1099), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " start 1/0.1#0@1[1,2)");
    DECIDED(trial_timer(&trial, 1100), " ship 1/0@2 start 1/0.2#0@2[2,3)");
    trial_drop(&trial);
}
END_TEST

START_TEST(who_wishes_for_nothing_does_not_wait)
{
    struct trial trial;
    begin(&trial, &waiting);
    struct stage_spec wishing = on_node_1(2), plain = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &wishing), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 2, 1, &plain), " ship 2/0@2 start 2/0.0#0@2[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(an_executor_waits_from_when_its_worker_is_idle)
{
    struct trial trial;
    begin(&trial, &waiting);
    struct stage_spec plain = spec_source(1, 0), wishing = on_node_1(4);
    DECIDED(trial_submit(&trial, 1, 1, &wishing), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 2, 1, &plain), " ship 2/0@2 start 2/0.0#0@2[0,1)");
    DECIDED(trial_timer(&trial, 150), "");
    trial.time_ns = 500;
    struct attempt_id other = attempt_of(0, 0, 0, 2);
    other.job = 2;
    DECIDED(trial_finish(&trial, other), " commit 2/0#1(1)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 600);
    DECIDED(trial_timer(&trial, 599), "");
    DECIDED(trial_timer(&trial, 600), " ship 1/0@2 start 1/0.1#0@2[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(after_a_task_from_elsewhere_it_waits_no_longer_than_that_took)
{
    struct trial trial;
    begin(&trial, &waiting);
    struct stage_spec stage = on_node_1(8);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_timer(&trial, 100), " ship 1/0@2 start 1/0.1#0@2[1,2)");
    trial.time_ns = 107;
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)), "");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 114);
    DECIDED(trial_timer(&trial, 114), " start 1/0.2#0@2[2,3)");
    trial.time_ns = 1000;
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 2)), "");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 1100);
    trial_drop(&trial);
}
END_TEST

START_TEST(nobody_waits_longer_than_tasks_of_the_stage_take)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.locality_wait_ns = 1000, .keeps_durations = true});
    struct stage_spec stage = on_node_1(8);
    trial_submit(&trial, 1, 1, &stage);
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 1000);
    trial.time_ns = 7; /* a bucket of its own */
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " start 1/0.1#0@1[1,2)");
    DECIDED(trial_timer(&trial, 7), " ship 1/0@2 start 1/0.2#0@2[2,3)");
    /* It took long there; what is waited for is the others' time. */
    trial.time_ns = 14;
    trial_finish(&trial, attempt_of(0, 1, 0, 1));
    DECIDED(trial_timer(&trial, 499), "");
    trial.time_ns = 500;
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 2)), "");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 507);
    DECIDED(trial_timer(&trial, 507), " start 1/0.4#0@2[4,5)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_lost_executor_waits_for_nothing_and_its_tasks_go_elsewhere)
{
    struct trial trial;
    begin(&trial, &waiting);
    struct stage_spec stage = on_node_1(2);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_lose(&trial, 1), " ship 1/0@2 start 1/0.0#1@2[0,1)"); /* it is tried again */
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), "");
    DECIDED(trial_timer(&trial, 100), " start 1/0.1#0@2[1,2)");
    DECIDED(trial_lose(&trial, 2), " failed 1(lost 0)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_drop(&trial);
}
END_TEST

START_TEST(a_stage_that_ends_waits_no_more)
{
    struct trial trial;
    begin(&trial, &waiting);
    struct stage_spec stage = on_node_1(1);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    DECIDED(trial_committed(&trial, 1, 0, 1), " release 1/0 done 1");
    stage = on_node_1(3);
    trial_submit(&trial, 2, 1, &stage);
    trial_cancel(&trial, 2);
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/locality", another_node_gets_nothing_before_the_stage_has_waited,
           who_wishes_for_nothing_does_not_wait, an_executor_waits_from_when_its_worker_is_idle,
           after_a_task_from_elsewhere_it_waits_no_longer_than_that_took,
           nobody_waits_longer_than_tasks_of_the_stage_take,
           a_lost_executor_waits_for_nothing_and_its_tasks_go_elsewhere,
           a_stage_that_ends_waits_no_more)
