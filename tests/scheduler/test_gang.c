/* Stages whose tasks all run at once. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

static const struct scheduler_options patient = {.attempts_max = 3};

static struct stage_spec gang_of(uint32_t partition_count)
{
    struct stage_spec stage = spec_source(partition_count, 0);
    stage.policy = RUNS_SINGLE;
    stage.is_gang = true;
    return stage;
}

static struct attempt_id attempt_in(uint64_t job, uint32_t task, uint32_t attempt,
                                    uint32_t executor)
{
    return (struct attempt_id){.job = job, .task = task, .attempt = attempt, .executor = executor};
}

/* Executors 1 and 2 of two workers each, and job 1, which has just one task on executor 1. */
static void begin(struct trial *trial, const struct scheduler_options *options)
{
    trial_init(trial, options);
    trial_join(trial, 1, 0, 2);
    trial_join(trial, 2, 0, 2);
    struct stage_spec one = spec_source(1, 0);
    DECIDED(trial_submit(trial, 1, 1, &one), " ship 1/0@1 start 1/0.0#0@1[0,1)");
}

START_TEST(all_start_when_all_can_and_who_comes_later_waits)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(4), one = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 2, 1, &gang), "");
    DECIDED(trial_submit(&trial, 3, 1, &one), "");
    DECIDED(
        trial_finish(&trial, attempt_in(1, 0, 0, 1)),
        " commit 1/0#1(1) ship 2/0@1 start 2/0.0#0@1[0,1) ship 2/0@2 start 2/0.1#0@2[1,2) start "
        "2/0.2#0@1[2,3) start 2/0.3#0@2[3,4)");
    DECIDED(trial_finish(&trial, attempt_in(2, 1, 0, 2)), " ship 3/0@2 start 3/0.0#0@2[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_a_gang_does_not_want_is_given_to_others)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(2), one = spec_source(1, 0);
    gang.is_spread = true;
    struct stage_spec fill = spec_source(3, 0);
    fill.policy = RUNS_SINGLE;
    trial_submit(&trial, 2, 1, &fill); /* all are busy */
    DECIDED(trial_submit(&trial, 3, 1, &gang), "");
    DECIDED(trial_submit(&trial, 4, 1, &one), "");
    /* One worker of executor 2 is kept for the gang, another one is not. */
    DECIDED(trial_finish(&trial, attempt_in(2, 0, 0, 2)), "");
    DECIDED(trial_finish(&trial, attempt_in(2, 2, 0, 2)), " ship 4/0@2 start 4/0.0#0@2[0,1)");
    DECIDED(trial_finish(&trial, attempt_in(1, 0, 0, 1)),
            " commit 1/0#1(1) ship 3/0@1 start 3/0.0#0@1[0,1) ship 3/0@2 start 3/0.1#0@2[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(one_failure_ends_the_round_and_all_start_anew)
{
    struct trial trial;
    trial_init(&trial, &patient);
    trial_join(&trial, 1, 0, 3);
    struct stage_spec gang = gang_of(3);
    DECIDED(trial_submit(&trial, 1, 1, &gang),
            " ship 1/0@1 start 1/0.0#0@1[0,1) start 1/0.1#0@1[1,2) start 1/0.2#0@1[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_fail(&trial, attempt_of(0, 1, 0, 1), CAUSE_USER_ERROR, 1, 1),
            " discard 1/0.0#0@1 cancel 1/0.2#0@1");
    DECIDED(trial_fail(&trial, attempt_of(0, 2, 0, 1), CAUSE_CANCELLED, 2, 0),
            " start 1/0.0#1@1[0,1) start 1/0.1#1@1[1,2) start 1/0.2#1@1[2,3)");
    /* Failures of all its tasks are counted together: this is the third. */
    trial_fail(&trial, attempt_of(0, 0, 1, 1), CAUSE_USER_ERROR, 3, 3);
    trial_fail(&trial, attempt_of(0, 1, 1, 1), CAUSE_CANCELLED, 4, 0);
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 1, 1)),
            " discard 1/0.2#1@1 start 1/0.0#2@1[0,1) start 1/0.1#2@1[1,2) start 1/0.2#2@1[2,3)");
    DECIDED(trial_fail(&trial, attempt_of(0, 2, 2, 1), CAUSE_USER_ERROR, 5, 5),
            " cancel 1/0.1#2@1 cancel 1/0.0#2@1");
    trial_finish(&trial, attempt_of(0, 0, 2, 1));
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 2, 1)),
            " discard 1/0.1#2@1 failed 1(user error 5)");
    trial_drop(&trial);
}
END_TEST

START_TEST(more_tasks_than_workers_fail_at_once)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(5);
    DECIDED(trial_submit(&trial, 2, 1, &gang), " failed 2(room 0)");
    gang = gang_of(3);
    gang.is_spread = true;
    DECIDED(trial_submit(&trial, 3, 1, &gang), " failed 3(room 0)");
    gang = gang_of(0);
    DECIDED(trial_submit(&trial, 4, 1, &gang), " commit 4/0#1(0)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_gang_gives_up_in_time_and_others_get_what_it_held)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(4), one = spec_source(1, 0);
    gang.gang_wait_ns = 1000;
    DECIDED(trial_submit(&trial, 2, 1, &gang), "");
    DECIDED(trial_submit(&trial, 3, 1, &one), "");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 1000);
    DECIDED(trial_timer(&trial, 999), "");
    DECIDED(trial_timer(&trial, 1000), " failed 2(room late 0) ship 3/0@1 start 3/0.0#0@1[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_cancelled_gang_holds_nothing)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(4), one = spec_source(1, 0);
    trial_submit(&trial, 2, 1, &gang);
    trial_submit(&trial, 3, 1, &one);
    DECIDED(trial_cancel(&trial, 2), " cancelled 2(cancelled) ship 3/0@1 start 3/0.0#0@1[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_spread_gang_reads_a_shuffle_of_one_partition_each)
{
    struct trial trial;
    trial_init(&trial, &patient);
    trial_join(&trial, 1, 0, 7); /* by workers, it would own both partitions */
    trial_join(&trial, 2, 0, 1);
    struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {spec_source(1, 2), gang_of(2)};
    stages[1].is_spread = true;
    stages[1].input_count = 1;
    stages[1].inputs = &input;
    trial_submit(&trial, 1, 2, stages);
    trial_finish(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 1/1@2 start 1/1.1#0@2[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_gang_survives_a_lost_executor_while_there_is_room)
{
    struct trial trial;
    const struct scheduler_options recovering = {.attempts_max = 3, .recovers = true};
    trial_init(&trial, &recovering);
    for (uint32_t id = 1; id <= 3; id++)
        trial_join(&trial, id, 0, 1);
    struct stage_spec gang = gang_of(2);
    DECIDED(trial_submit(&trial, 1, 1, &gang),
            " ship 1/0@1 start 1/0.0#0@1[0,1) ship 1/0@2 start 1/0.1#0@2[1,2)");
    DECIDED(trial_lose(&trial, 2), " cancel 1/0.0#0@1");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_CANCELLED, 1, 0),
            " start 1/0.0#1@1[0,1) ship 1/0@3 start 1/0.1#1@3[1,2)");
    trial_lose(&trial, 1);
    trial_fail(&trial, attempt_of(0, 1, 1, 3), CAUSE_CANCELLED, 2, 0);
    ck_assert_uint_eq(scheduler_executor_limit(trial.scheduler), 4);
    DECIDED(trial_timer(&trial, 5), ""); /* it has failed: one is not enough */
    struct stage_spec one = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 2, 1, &one), " ship 2/0@3 start 2/0.0#0@3[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(gangs_of_runs_or_spread_without_being_one_are_refused)
{
    struct trial trial;
    begin(&trial, &patient);
    struct stage_spec gang = gang_of(2), alone = spec_source(2, 0);
    struct job_spec spec = {.id = 2, .stage_count = 1, .stages = &gang};
    struct event event = {.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec};
    gang.policy = RUNS_SPREAD;
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    spec.stages = &alone;
    alone.is_spread = true;
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/gang", all_start_when_all_can_and_who_comes_later_waits,
           what_a_gang_does_not_want_is_given_to_others,
           one_failure_ends_the_round_and_all_start_anew, more_tasks_than_workers_fail_at_once,
           a_gang_gives_up_in_time_and_others_get_what_it_held, a_cancelled_gang_holds_nothing,
           a_spread_gang_reads_a_shuffle_of_one_partition_each,
           a_gang_survives_a_lost_executor_while_there_is_room,
           gangs_of_runs_or_spread_without_being_one_are_refused)
