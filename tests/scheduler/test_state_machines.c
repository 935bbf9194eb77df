/* Invented events that take every move of the four state machines; the last test counts them. */
#include "scheduler/attempt.h"
#include "scheduler/job.h"
#include "scheduler/stage.h"
#include "scheduler/task.h"
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const struct scheduler_options plain = {0};
static const struct scheduler_options retrying = {.attempts_max = 4};
static const struct scheduler_options recovering = {.attempts_max = 4, .recovers = true};

/* Two executors of one worker each: 1 on node 0, 2 on node 1. */
static void begin(struct trial *trial, const struct scheduler_options *options)
{
    trial_init(trial, options);
    DECIDED(trial_join(trial, 1, 0, 1), "");
    DECIDED(trial_join(trial, 2, 1, 1), "");
}

static void end(struct trial *trial, struct transition_counts *counts)
{
    const struct transition_counts *taken = scheduler_transitions(trial->scheduler);
    for (int from = 0; from < JOB_STATE_COUNT; from++)
        for (int to = 0; to < JOB_STATE_COUNT; to++)
            counts->job[from][to] += taken->job[from][to];
    for (int from = 0; from < STAGE_STATE_COUNT; from++)
        for (int to = 0; to < STAGE_STATE_COUNT; to++)
            counts->stage[from][to] += taken->stage[from][to];
    for (int from = 0; from < TASK_STATE_COUNT; from++)
        for (int to = 0; to < TASK_STATE_COUNT; to++)
            counts->task[from][to] += taken->task[from][to];
    for (int from = 0; from < ATTEMPT_STATE_COUNT; from++)
        for (int to = 0; to < ATTEMPT_STATE_COUNT; to++)
            counts->attempt[from][to] += taken->attempt[from][to];
    trial_drop(trial);
}

static const struct stage_input reads_0 = {.parent = 0, .kind = INPUT_PARTITIONS};
static const struct stage_input reads_1 = {.parent = 1, .kind = INPUT_PARTITIONS};

static void submit_map_and_reduce(struct trial *trial)
{
    struct stage_spec stages[] = {spec_source(4, 2), spec_reader(2, &reads_0)};
    DECIDED(trial_submit(trial, 1, 2, stages),
            " ship 1/0@1 start 1/0.0#0@1[0,2) ship 1/0@2 start 1/0.1#0@2[2,4)");
}

/* A chain of two shuffles and a result; its first shuffle is committed, its second stage runs. */
static void run_chain(struct trial *trial)
{
    struct stage_spec stages[] = {spec_source(2, 2), spec_reader(2, &reads_0),
                                  spec_reader(2, &reads_1)};
    stages[1].output = OUTPUT_SHUFFLE;
    stages[1].output_partition_count = 2;
    DECIDED(trial_submit(trial, 1, 3, stages),
            " ship 1/0@1 start 1/0.0#0@1[0,1) ship 1/0@2 start 1/0.1#0@2[1,2)");
    DECIDED(trial_finish(trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_finish(trial, attempt_of(0, 1, 0, 2)), " commit 1/0#1(2)");
    DECIDED(trial_committed(trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 1/1@2 start 1/1.1#0@2[1,2)");
}

static void a_job_runs_through(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    submit_map_and_reduce(&trial);
    DECIDED(trial_start(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)), " commit 1/0#1(2)");
    struct counted_run run;
    ck_assert_ptr_null(scheduler_counted_run(trial.scheduler, 1, 0, 1, &run));
    ck_assert(run.first_partition == 2 && run.end_partition == 4 && run.attempt == 0 &&
              run.executor == 2 && run.report == 100);
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 1/1@2 start 1/1.1#0@2[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 0, 2)), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), " commit 1/1#1(2)");
    DECIDED(trial_committed(&trial, 1, 1, 1), " release 1/0 release 1/1 done 1");
    end(&trial, counts);
}

static void late_and_duplicate_reports_change_nothing(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    submit_map_and_reduce(&trial);
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_start(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_USER_ERROR, 1, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 1)), ""); /* another executor's */
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 7, 2)), ""); /* never started */
    DECIDED(trial_finish(&trial, attempt_of(0, 9, 0, 2)), "");
    DECIDED(trial_finish(&trial, attempt_of(9, 0, 0, 2)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)), " commit 1/0#1(2)");
    trial_committed(&trial, 1, 0, 1);
    DECIDED(trial_committed(&trial, 1, 0, 1), "");
    DECIDED(trial_cancel(&trial, 99), "");
    end(&trial, counts);
}

static void a_job_without_work_ends_at_once(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec available = spec_source(4, 0);
    available.is_available = true;
    DECIDED(trial_submit(&trial, 2, 1, &available), " done 2");
    struct stage_spec empty = spec_source(0, 0);
    DECIDED(trial_submit(&trial, 1, 1, &empty), " commit 1/0#1(0)");
    DECIDED(trial_committed(&trial, 1, 0, 1), " release 1/0 done 1");
    end(&trial, counts);
}

static void what_nobody_needs_is_skipped(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec stages[] = {spec_source(4, 2), spec_reader(2, &reads_0),
                                  spec_reader(2, &reads_1)};
    stages[1].output = OUTPUT_SHUFFLE;
    stages[1].output_partition_count = 2;
    stages[1].is_available = true; /* so stage 0 need not run, and stage 2 may run anywhere */
    DECIDED(trial_submit(&trial, 1, 3, stages),
            " ship 1/2@1 start 1/2.0#0@1[0,1) ship 1/2@2 start 1/2.1#0@2[1,2)");
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_SKIPPED);
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_SKIPPED);
    end(&trial, counts);
}

/* Stage 2 would read 0 once 1 is over, and 3 reads them all. */
static void a_stage_that_waits_may_be_skipped(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    static const struct stage_input copying[] = {{.parent = 0, .kind = INPUT_PARTITIONS},
                                                 {.parent = 1, .kind = INPUT_AFTER}};
    static const struct stage_input joining[] = {{.parent = 0, .kind = INPUT_PARTITIONS},
                                                 {.parent = 1, .kind = INPUT_PARTITIONS},
                                                 {.parent = 2, .kind = INPUT_PARTITIONS}};
    struct stage_spec stages[] = {spec_source(1, 2), spec_source(1, 2), spec_reader(2, copying),
                                  spec_reader(2, joining)};
    stages[2].output = OUTPUT_SHUFFLE;
    stages[2].output_partition_count = 2;
    stages[2].input_count = 2;
    stages[3].input_count = 3;
    DECIDED(trial_submit(&trial, 1, 4, stages),
            " ship 1/0@1 start 1/0.0#0@1[0,1) ship 1/1@2 start 1/1.0#0@2[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    DECIDED(trial_committed(&trial, 1, 0, 1), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 2)), " commit 1/1#1(1)");
    DECIDED(trial_skip(&trial, 1, 2), "");
    ck_assert_int_eq(trial_state(&trial, 1, 2), STAGE_SKIPPED);
    DECIDED(trial_skip(&trial, 1, 2), "");
    DECIDED(trial_skip(&trial, 1, 1), ""); /* it has begun */
    DECIDED(trial_skip(&trial, 9, 0), "");
    DECIDED(trial_committed(&trial, 1, 1, 1),
            " ship 1/3@1 start 1/3.0#0@1[0,1) ship 1/3@2 start 1/3.1#0@2[1,2)");
    end(&trial, counts);
}

static void a_job_waits_for_executors_and_may_be_cancelled(struct transition_counts *counts)
{
    struct trial trial;
    trial_init(&trial, &(struct scheduler_options){.executor_count_min = 2});
    struct stage_spec stage = spec_source(4, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), "");
    DECIDED(trial_submit(&trial, 2, 1, &stage), "");
    DECIDED(trial_join(&trial, 5, 0, 1), "");
    DECIDED(trial_cancel(&trial, 1), " cancelled 1(cancelled)");
    DECIDED(trial_join(&trial, 6, 0, 1),
            " ship 2/0@5 start 2/0.0#0@5[0,2) ship 2/0@6 start 2/0.1#0@6[2,4)");
    end(&trial, counts);
}

static void a_failed_task_is_tried_again_until_too_often(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &retrying);
    trial_lose(&trial, 2);
    struct stage_spec stages[] = {spec_source(4, 2), spec_reader(2, &reads_0)};
    stages[0].policy = RUNS_SPREAD;
    trial_join(&trial, 3, 1, 1);
    DECIDED(trial_submit(&trial, 1, 2, stages),
            " ship 1/0@1 start 1/0.0#0@1[0,1) ship 1/0@3 start 1/0.1#0@3[1,2)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_USER_ERROR, 1, 0),
            " start 1/0.2#0@1[2,3)"); /* the first one avoids executor 1 */
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 3)), " start 1/0.0#1@3[0,1)");
    DECIDED(trial_start(&trial, attempt_of(0, 0, 1, 3)), "");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 1, 3), CAUSE_RESOURCE, 2, 0),
            " start 1/0.0#2@3[0,1)"); /* it has failed everywhere now */
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 2, 3), CAUSE_BAD_INPUT, 3, 0),
            " start 1/0.0#3@3[0,1)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 3, 3), CAUSE_USER_ERROR, 4, 0),
            " cancel 1/0.2#0@1");
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_FAILED);
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_SKIPPED);
    DECIDED(trial_fail(&trial, attempt_of(0, 2, 0, 1), CAUSE_CANCELLED, 0, 0),
            " failed 1(user error 4)");
    end(&trial, counts);
}

static void the_same_error_twice_is_enough(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &retrying);
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_USER_ERROR, 1, 77),
            " ship 1/0@2 start 1/0.0#1@2[0,1)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 1, 2), CAUSE_USER_ERROR, 2, 78),
            " start 1/0.0#2@2[0,1)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 2, 2), CAUSE_USER_ERROR, 3, 78),
            " failed 1(user error 3)");
    end(&trial, counts);
}

static void by_default_the_first_failure_is_the_last(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_BAD_INPUT, 9, 0),
            " failed 1(bad input 9)");
    end(&trial, counts);
}

static void a_failure_for_good_is_not_tried_again(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &retrying);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    struct event event = {.kind = EVENT_ATTEMPT_FAILED,
                          .attempt_failed = {.id = attempt_of(0, 0, 0, 1),
                                             .cause = CAUSE_RESOURCE,
                                             .is_retryable = false,
                                             .error = 5}};
    DECIDED(trial_send(&trial, &event), " failed 1(resource 5)");
    end(&trial, counts);
}

static void cancelling_ends_all_attempts(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    submit_map_and_reduce(&trial);
    trial_start(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_cancel(&trial, 1), " cancel 1/0.1#0@2 cancel 1/0.0#0@1");
    DECIDED(trial_cancel(&trial, 1), "");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_CANCELLED, 0, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)),
            " discard 1/0.1#0@2 cancelled 1(cancelled)");
    end(&trial, counts);
}

static void a_commit_that_fails_fails_the_job(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec stage = spec_source(1, 0);
    stage.output = OUTPUT_SINK;
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    struct event event = {
        .kind = EVENT_COMMIT_FAILED,
        .commit_failed = {.job = 1, .stage = 0, .commit = 1, .cause = CAUSE_RESOURCE, .error = 3}};
    DECIDED(trial_send(&trial, &event), " failed 1(resource 3)");
    end(&trial, counts);
}

static void a_deadline_cancels(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec stage = spec_source(1, 0);
    struct job_spec late = {.id = 1, .deadline_ns = 500, .stage_count = 1, .stages = &stage};
    struct job_spec later = {.id = 2, .deadline_ns = 900, .stage_count = 1, .stages = &stage};
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_send(&trial, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &later});
    trial_send(&trial, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &late});
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 500);
    DECIDED(trial_timer(&trial, 499), "");
    DECIDED(trial_timer(&trial, 500), " cancel 1/0.0#0@2");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 900);
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 2), CAUSE_CANCELLED, 0, 0),
            " cancelled 1(deadline)");
    end(&trial, counts);
}

static void the_first_of_two_copies_counts(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_want_copy(&trial, 1, 0, 0), " ship 1/0@2 start 1/0.0#1@2[0,1)");
    DECIDED(trial_want_copy(&trial, 1, 0, 0), ""); /* one copy is enough */
    trial_start(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " cancel 1/0.0#0@1 commit 1/0#1(1)");
    struct counted_run run;
    ck_assert_ptr_null(scheduler_counted_run(trial.scheduler, 1, 0, 0, &run));
    ck_assert(run.attempt == 1 && run.executor == 2);
    DECIDED(trial_committed(&trial, 1, 0, 1), " release 1/0");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " discard 1/0.0#0@1 done 1");
    end(&trial, counts);
}

static void a_copy_goes_on_when_the_other_fails(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &retrying);
    struct stage_spec stage = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &stage);
    trial_want_copy(&trial, 1, 0, 0);
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_USER_ERROR, 1, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " commit 1/0#1(1)");
    end(&trial, counts);
}

static void a_loss_without_recovery_fails_what_has_begun(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    submit_map_and_reduce(&trial);
    trial_start(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_lose(&trial, 1), " cancel 1/0.1#0@2");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), ""); /* nobody listens to it now */
    DECIDED(trial_lose(&trial, 1), "");
    DECIDED(trial_lose(&trial, 2), " failed 1(lost 0)");
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 2, 1, &stage), "");
    DECIDED(trial_join(&trial, 3, 0, 1), " ship 2/0@3 start 2/0.0#0@3[0,1)");
    end(&trial, counts);
}

static void lost_attempts_run_elsewhere(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    struct stage_spec stage = spec_source(2, 0);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(trial_lose(&trial, 1), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)), " start 1/0.0#1@2[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " commit 1/0#1(2)");
    end(&trial, counts);
}

static void a_task_that_loses_too_many_executors_fails(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.losses_max = 1, .recovers = true});
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_lose(&trial, 1), " ship 1/0@2 start 1/0.0#1@2[0,1)");
    trial_join(&trial, 3, 0, 1);
    DECIDED(trial_lose(&trial, 2), " failed 1(lost 0)");
    end(&trial, counts);
}

static void the_same_crash_twice_fails_its_job(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.attempts_max = 4, .recovers = true});
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    trial_join(&trial, 3, 0, 1);
    DECIDED(trial_crash(&trial, attempt_of(0, 0, 0, 1), 7), " ship 1/0@2 start 1/0.0#1@2[0,1)");
    DECIDED(trial_crash(&trial, attempt_of(0, 0, 1, 2), 7), " failed 1(user error 7)");
    end(&trial, counts);
}

static void other_crashes_are_as_many_as_other_failures(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial,
          &(struct scheduler_options){.attempts_max = 3, .losses_max = 1, .recovers = true});
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    for (uint32_t executor = 3; executor < 6; executor++)
        trial_join(&trial, executor, 0, 1);
    DECIDED(trial_crash(&trial, attempt_of(0, 0, 0, 1), 7), " ship 1/0@2 start 1/0.0#1@2[0,1)");
    DECIDED(trial_lose(&trial, 2), " ship 1/0@3 start 1/0.0#2@3[0,1)"); /* is a loss */
    DECIDED(trial_crash(&trial, attempt_of(0, 0, 2, 3), 0), " ship 1/0@4 start 1/0.0#3@4[0,1)");
    DECIDED(trial_crash(&trial, attempt_of(0, 0, 3, 4), 8), " failed 1(user error 8)");
    end(&trial, counts);
}

static void lost_map_output_is_made_again_before_the_commit(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    submit_map_and_reduce(&trial);
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 2)), " commit 1/0#1(2)");
    /* COMPLETE to READY: task 0 ran on 1; task 1 is kept by 2. */
    DECIDED(trial_lose(&trial, 1), " owners 1/0 start 1/0.0#1@2[0,2)");
    DECIDED(trial_committed(&trial, 1, 0, 1), ""); /* of a commit that is void */
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " commit 1/0#2(2)");
    DECIDED(trial_committed(&trial, 1, 0, 2), " ship 1/1@2 start 1/1.0#0@2[0,1)");
    end(&trial, counts);
}

static void partitions_sent_to_a_lost_executor_are_sent_again(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    struct stage_spec stages[] = {spec_source(1, 2), spec_reader(2, &reads_0)};
    DECIDED(trial_submit(&trial, 1, 2, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    trial_finish(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 1/1@2 start 1/1.1#0@2[1,2)");
    /* COMMITTED to COMPLETE: the map output is on 1. RUNNING to WAITING: half of the input is gone.
     */
    DECIDED(trial_lose(&trial, 2), " owners 1/0 commit 1/0#2(1)");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_WAITING);
    struct owner_range ranges[3];
    uint32_t count = 0;
    ck_assert_ptr_null(scheduler_owners(trial.scheduler, 1, 0, 3, ranges, &count));
    ck_assert(count == 2 && ranges[0].executor == 1 && ranges[1].executor == 1);
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), "");
    DECIDED(trial_committed(&trial, 1, 0, 2), " start 1/1.1#1@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 1, 1)), " commit 1/1#1(2)");
    DECIDED(trial_committed(&trial, 1, 1, 1), " release 1/0 release 1/1 done 1");
    end(&trial, counts);
}

static void a_second_loss_while_waiting_for_a_first(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    trial_join(&trial, 3, 1, 1);
    struct stage_spec stages[] = {spec_source(1, 3), spec_reader(3, &reads_0)};
    DECIDED(trial_submit(&trial, 1, 2, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    trial_finish(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 1/1@2 start 1/1.1#0@2[1,2) ship 1/1@3 start "
            "1/1.2#0@3[2,3)");
    DECIDED(trial_lose(&trial, 3), " owners 1/0 commit 1/0#2(1)");
    DECIDED(trial_lose(&trial, 2), " owners 1/0 commit 1/0#3(1)");
    DECIDED(trial_committed(&trial, 1, 0, 2), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), "");
    DECIDED(trial_committed(&trial, 1, 0, 3), " start 1/1.1#1@1[1,2)");
    end(&trial, counts);
}

/* The other side of a join, which has not begun, fills partitions of the same owners. */
static void an_owner_is_lost_of_a_shuffle_that_waits(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    struct stage_input after = {.parent = 0, .kind = INPUT_AFTER};
    struct stage_input inputs[] = {{.parent = 0, .kind = INPUT_PARTITIONS},
                                   {.parent = 1, .kind = INPUT_PARTITIONS}};
    struct stage_spec stages[] = {spec_source(1, 2), spec_source(1, 2), spec_reader(2, inputs)};
    stages[1].input_count = 1;
    stages[1].inputs = &after;
    stages[2].input_count = 2;
    DECIDED(trial_submit(&trial, 1, 3, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_lose(&trial, 2), " owners 1/0 owners 1/1");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    DECIDED(trial_committed(&trial, 1, 0, 1), " ship 1/1@1 start 1/1.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), " commit 1/1#1(1)");
    DECIDED(trial_committed(&trial, 1, 1, 1), " ship 1/2@1 start 1/2.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(2, 0, 0, 1)), " start 1/2.1#0@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(2, 1, 0, 1)), " commit 1/2#1(2)");
    DECIDED(trial_committed(&trial, 1, 2, 1), " release 1/0 release 1/1 release 1/2 done 1");
    end(&trial, counts);
}

static void a_released_stage_is_run_again_when_demanded(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    run_chain(&trial);
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 0, 2)), " commit 1/1#1(2)");
    DECIDED(trial_committed(&trial, 1, 1, 1),
            " release 1/0 ship 1/2@1 start 1/2.0#0@1[0,1) ship 1/2@2 start 1/2.1#0@2[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(2, 0, 0, 1)), "");
    /* COMMITTED to READY (stage 0, all of it) and to WAITING (stage 1, what 2 had made). */
    DECIDED(trial_lose(&trial, 2), " owners 1/0 owners 1/1 ship 1/0@1 start 1/0.0#1@1[0,1)");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_WAITING);
    ck_assert_int_eq(trial_state(&trial, 1, 2), STAGE_WAITING);
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 1)), " start 1/0.1#1@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 1, 1)), " commit 1/0#2(2)");
    DECIDED(trial_committed(&trial, 1, 0, 2), " start 1/1.1#1@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 1, 1)), " commit 1/1#2(2)");
    DECIDED(trial_committed(&trial, 1, 1, 2), " release 1/0 start 1/2.1#1@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(2, 1, 1, 1)), " commit 1/2#1(2)");
    DECIDED(trial_committed(&trial, 1, 2, 1), " release 1/1 release 1/2 done 1");
    end(&trial, counts);
}

/* A copy that was told to cancel ends after its stage was released, which drops what it has made.
 */
static void what_was_told_to_cancel_never_counts(struct transition_counts *counts)
{
    struct trial trial;
    trial_init(&trial, &recovering);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 0, 2);
    trial_join(&trial, 3, 0, 1);
    struct stage_spec stages[] = {spec_source(1, 2), spec_reader(2, &reads_0),
                                  spec_reader(2, &reads_1)};
    stages[1].output = OUTPUT_SHUFFLE;
    stages[1].output_partition_count = 2;
    DECIDED(trial_submit(&trial, 1, 3, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_want_copy(&trial, 1, 0, 0), " ship 1/0@2 start 1/0.0#1@2[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 2)), " cancel 1/0.0#0@1 commit 1/0#1(1)");
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@2 start 1/1.0#0@2[0,1) ship 1/1@3 start 1/1.1#0@3[1,2)");
    trial_finish(&trial, attempt_of(1, 0, 0, 2));
    trial_finish(&trial, attempt_of(1, 1, 0, 3));
    DECIDED(trial_committed(&trial, 1, 1, 1),
            " release 1/0 ship 1/2@2 start 1/2.0#0@2[0,1) ship 1/2@3 start 1/2.1#0@3[1,2)");
    DECIDED(trial_lose(&trial, 3), " owners 1/0 owners 1/1 ship 1/0@2 start 1/0.0#2@2[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " discard 1/0.0#0@1");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 2, 2)), " commit 1/0#2(1)");
    end(&trial, counts);
}

static void a_complete_stage_waits_when_its_inputs_are_gone(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    run_chain(&trial);
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 0, 2)), " commit 1/1#1(2)");
    /* COMPLETE to WAITING: what 2 had made of its input, which was on 2, is gone with both. */
    DECIDED(trial_lose(&trial, 2), " owners 1/0 owners 1/1 start 1/0.1#1@1[1,2)");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_WAITING);
    /* WAITING to FAILED, for it had begun. */
    DECIDED(trial_cancel(&trial, 1), " cancel 1/0.1#1@1");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_FAILED);
    DECIDED(trial_fail(&trial, attempt_of(0, 1, 1, 1), CAUSE_CANCELLED, 0, 0),
            " cancelled 1(cancelled)");
    end(&trial, counts);
}

/* Job 7 keeps every worker busy, so that job 1 has stages that are ready. */
static void occupy(struct trial *trial)
{
    struct stage_spec stage = spec_source(8, 0);
    stage.policy = RUNS_SPREAD;
    DECIDED(trial_submit(trial, 7, 1, &stage),
            " ship 7/0@1 start 7/0.0#0@1[0,1) ship 7/0@2 start 7/0.1#0@2[1,2)");
}

static void a_ready_stage_of_a_cancelled_job_is_skipped(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &plain);
    occupy(&trial);
    struct stage_spec stage = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage), "");
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_READY);
    DECIDED(trial_cancel(&trial, 1), " cancelled 1(cancelled)");
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_SKIPPED);
    end(&trial, counts);
}

/* The elder job 7 keeps 1 and 2 busy while job 1 runs on 3. */
static void a_ready_stage_that_had_begun_fails(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    occupy(&trial);
    struct stage_spec stages[] = {spec_source(1, 2), spec_reader(2, &reads_0)};
    DECIDED(trial_submit(&trial, 1, 2, stages), "");
    trial_join(&trial, 3, 0, 1); /* takes job 7's next task */
    struct attempt_id id = {.job = 7, .stage = 0, .task = 2, .attempt = 0, .executor = 3};
    for (id.task = 2; id.task < 7; id.task++)
        trial_finish(&trial, id);
    id.task = 7;
    DECIDED(trial_finish(&trial, id), " ship 1/0@3 start 1/0.0#0@3[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 3)), " commit 1/0#1(1)");
    /* COMPLETE to READY: its only output was on 3, and 1 and 2 are busy. They own the partitions,
     * since 3 had not joined when the stage began. */
    DECIDED(trial_lose(&trial, 3), "");
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_READY);
    DECIDED(trial_cancel(&trial, 1), " cancelled 1(cancelled)");
    end(&trial, counts);
}

/* READY to WAITING: the reader has not started when its input is lost. */
static void a_ready_reader_waits_when_its_input_is_lost(struct transition_counts *counts)
{
    struct trial trial;
    begin(&trial, &recovering);
    struct stage_spec busy = spec_source(2, 0);
    struct stage_spec stages[] = {spec_source(1, 3), spec_reader(3, &reads_0)};
    trial_join(&trial, 3, 0, 1);
    DECIDED(trial_submit(&trial, 1, 2, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 7, 1, &busy),
            " ship 7/0@2 start 7/0.0#0@2[0,1) ship 7/0@3 start 7/0.1#0@3[1,2)");
    struct stage_spec more = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 8, 1, &more), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)),
            " commit 1/0#1(1) ship 8/0@1 start 8/0.0#0@1[0,1)");
    DECIDED(trial_committed(&trial, 1, 0, 1), "");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_READY);
    DECIDED(trial_lose(&trial, 3), " owners 1/0 commit 1/0#2(1)");
    ck_assert_int_eq(trial_state(&trial, 1, 1), STAGE_WAITING);
    end(&trial, counts);
}

/* One test each, so that a failure names it, and all of them for the last one. */
/* The formatter would make a staircase of the list. */
/* clang-format off */
#define SCENARIOS(each)                                     \
    each(a_job_runs_through)                                \
    each(late_and_duplicate_reports_change_nothing)         \
    each(a_job_without_work_ends_at_once)                   \
    each(what_nobody_needs_is_skipped)                      \
    each(a_stage_that_waits_may_be_skipped)                 \
    each(a_job_waits_for_executors_and_may_be_cancelled)    \
    each(a_failed_task_is_tried_again_until_too_often)      \
    each(the_same_error_twice_is_enough)                    \
    each(by_default_the_first_failure_is_the_last)          \
    each(a_failure_for_good_is_not_tried_again)             \
    each(cancelling_ends_all_attempts)                      \
    each(a_commit_that_fails_fails_the_job)                 \
    each(a_deadline_cancels)                                \
    each(the_first_of_two_copies_counts)                    \
    each(a_copy_goes_on_when_the_other_fails)               \
    each(a_loss_without_recovery_fails_what_has_begun)      \
    each(lost_attempts_run_elsewhere)                       \
    each(a_task_that_loses_too_many_executors_fails)        \
    each(the_same_crash_twice_fails_its_job)                \
    each(other_crashes_are_as_many_as_other_failures)       \
    each(lost_map_output_is_made_again_before_the_commit)   \
    each(partitions_sent_to_a_lost_executor_are_sent_again) \
    each(a_second_loss_while_waiting_for_a_first)           \
    each(an_owner_is_lost_of_a_shuffle_that_waits)          \
    each(a_released_stage_is_run_again_when_demanded)       \
    each(what_was_told_to_cancel_never_counts)              \
    each(a_complete_stage_waits_when_its_inputs_are_gone)   \
    each(a_ready_stage_of_a_cancelled_job_is_skipped)       \
    each(a_ready_stage_that_had_begun_fails)                \
    each(a_ready_reader_waits_when_its_input_is_lost)
/* clang-format on */

#define TEST_OF(name)                                                                              \
    START_TEST(test_##name)                                                                        \
    {                                                                                              \
        struct transition_counts counts = {0};                                                     \
        name(&counts);                                                                             \
    }                                                                                              \
    END_TEST
#define RUN(name) name(&counts);
#define NAME(name) test_##name,
SCENARIOS(TEST_OF)

START_TEST(every_move_of_every_machine_is_taken_and_no_other)
{
    struct transition_counts counts = {0};
    SCENARIOS(RUN)
    for (int from = 0; from < JOB_STATE_COUNT; from++)
        for (int to = 0; to < JOB_STATE_COUNT; to++)
            ck_assert_msg((counts.job[from][to] > 0) ==
                              job_may_move((enum job_state)from, (enum job_state)to),
                          "job %d -> %d", from, to);
    for (int from = 0; from < STAGE_STATE_COUNT; from++)
        for (int to = 0; to < STAGE_STATE_COUNT; to++)
            ck_assert_msg((counts.stage[from][to] > 0) ==
                              stage_may_move((enum stage_state)from, (enum stage_state)to),
                          "stage %d -> %d", from, to);
    for (int from = 0; from < TASK_STATE_COUNT; from++)
        for (int to = 0; to < TASK_STATE_COUNT; to++)
            ck_assert_msg((counts.task[from][to] > 0) ==
                              task_may_move((enum task_state)from, (enum task_state)to),
                          "task %d -> %d", from, to);
    for (int from = 0; from < ATTEMPT_STATE_COUNT; from++)
        for (int to = 0; to < ATTEMPT_STATE_COUNT; to++)
            ck_assert_msg((counts.attempt[from][to] > 0) ==
                              attempt_may_move((enum attempt_state)from, (enum attempt_state)to),
                          "attempt %d -> %d", from, to);
}
END_TEST

SUITE_MAIN("scheduler/state_machines",
           SCENARIOS(NAME) every_move_of_every_machine_is_taken_and_no_other)
