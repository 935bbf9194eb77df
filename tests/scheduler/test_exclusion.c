/* Where tasks that failed are tried again, and who gets no more of them. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <stdio.h>

static const struct scheduler_options avoiding = {.attempts_max = 100};
static const struct scheduler_options excluding = {.attempts_max = 100, .exclusion_ns = 50};
static const struct stage_input reads_0 = {.parent = 0, .kind = INPUT_PARTITIONS};

static void begin(struct trial *trial, const struct scheduler_options *options,
                  uint32_t executor_count, uint32_t executors_of_node)
{
    trial_init(trial, options);
    for (uint32_t executor = 0; executor < executor_count; executor++)
        DECIDED(trial_join(trial, executor, executor / executors_of_node, 1), "");
}

static struct stage_spec singles(uint32_t partition_count)
{
    struct stage_spec stage = spec_source(partition_count, 0);
    stage.policy = RUNS_SINGLE;
    return stage;
}

static const char *fail_task(struct trial *trial, uint32_t task, uint32_t attempt,
                             uint32_t executor)
{
    return trial_fail(trial, attempt_of(0, task, attempt, executor), CAUSE_RESOURCE, 1, 0);
}

START_TEST(a_failed_task_waits_for_an_executor_where_it_has_not_failed)
{
    struct trial trial;
    begin(&trial, &avoiding, 2, 1);
    struct stage_spec stage = singles(2);
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@0 start 1/0.0#0@0[0,1) ship 1/0@1 start 1/0.1#0@1[1,2)");
    DECIDED(fail_task(&trial, 0, 0, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 1)), " start 1/0.0#1@1[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_task_that_failed_everywhere_may_run_anywhere)
{
    struct trial trial;
    begin(&trial, &avoiding, 2, 1);
    struct stage_spec stage = singles(1);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(fail_task(&trial, 0, 0, 0), " ship 1/0@1 start 1/0.0#1@1[0,1)");
    DECIDED(fail_task(&trial, 0, 1, 1), " start 1/0.0#2@1[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_task_that_avoids_the_only_one_left_runs_there)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.attempts_max = 9, .recovers = true}, 2, 1);
    struct stage_spec stage = singles(2);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(fail_task(&trial, 0, 0, 0), "");
    DECIDED(trial_lose(&trial, 1), " start 1/0.0#1@0[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_copy_goes_where_the_task_has_not_failed)
{
    struct trial trial;
    begin(&trial, &avoiding, 3, 1);
    struct stage_spec stage = singles(1);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(fail_task(&trial, 0, 0, 0), " ship 1/0@1 start 1/0.0#1@1[0,1)");
    DECIDED(trial_want_copy(&trial, 1, 0, 0), " ship 1/0@2 start 1/0.0#2@2[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_ended_for_the_sake_of_another_is_no_failure)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.attempts_max = 1}, 1, 1);
    struct stage_spec stage = singles(1);
    trial_submit(&trial, 1, 1, &stage);
    for (uint32_t attempt = 0; attempt < 255; attempt++) {
        char again[64];
        snprintf(again, sizeof again, " start 1/0.0#%u@0[0,1)", attempt + 1);
        DECIDED(trial_fail(&trial, attempt_of(0, 0, attempt, 0), CAUSE_CANCELLED, 1, 7), again);
    }
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 255, 0), CAUSE_CANCELLED, 1, 7),
            " failed 1(cancelled 1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(two_failed_tasks_exclude_an_executor_from_their_stage)
{
    struct trial trial;
    begin(&trial, &excluding, 2, 1);
    struct stage_spec stage = singles(5);
    trial_submit(&trial, 1, 1, &stage);
    DECIDED(fail_task(&trial, 0, 0, 0), " start 1/0.2#0@0[2,3)");
    DECIDED(fail_task(&trial, 2, 0, 0), " exclude 1/0@0");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 1)), " start 1/0.0#1@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 1, 1)), " start 1/0.2#1@1[2,3)");
    /* Another job still goes there. */
    struct stage_spec other = singles(1);
    DECIDED(trial_submit(&trial, 2, 1, &other), " ship 2/0@0 start 2/0.0#0@0[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(one_task_that_fails_twice_excludes_nobody)
{
    struct trial trial;
    begin(&trial, &excluding, 1, 1);
    struct stage_spec stage = singles(1);
    trial_submit(&trial, 1, 1, &stage);
    for (uint32_t attempt = 0; attempt < 9; attempt++)
        ck_assert_str_ne(fail_task(&trial, 0, attempt, 0), "");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_drop(&trial);
}
END_TEST

START_TEST(an_excluded_executor_is_admitted_again_in_time)
{
    struct trial trial;
    begin(&trial, &excluding, 2, 1);
    struct stage_spec stage = singles(5);
    trial_timer(&trial, 1000);
    trial_submit(&trial, 1, 1, &stage);
    fail_task(&trial, 0, 0, 0);
    DECIDED(fail_task(&trial, 2, 0, 0), " exclude 1/0@0");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), 1050);
    DECIDED(trial_timer(&trial, 1049), "");
    DECIDED(trial_timer(&trial, 1050), " start 1/0.3#0@0[3,4)");
    DECIDED(fail_task(&trial, 3, 0, 0), " start 1/0.4#0@0[4,5)"); /* counted from the beginning */
    DECIDED(fail_task(&trial, 4, 0, 0), " exclude 1/0@0");
    trial_drop(&trial);
}
END_TEST

START_TEST(four_failed_tasks_exclude_from_all_of_the_job)
{
    struct trial trial;
    begin(&trial, &excluding, 2, 1);
    struct stage_spec stages[] = {singles(3), singles(9), singles(2)};
    trial_submit(&trial, 1, 3, stages);
    fail_task(&trial, 0, 0, 0);
    DECIDED(fail_task(&trial, 2, 0, 0), " exclude 1/0@0 ship 1/1@0 start 1/1.0#0@0[0,1)");
    trial_fail(&trial, attempt_of(1, 0, 0, 0), CAUSE_RESOURCE, 1, 0);
    /* Its exclusion from stage 0 is part of the new one: one timer is left. */
    DECIDED(trial_fail(&trial, attempt_of(1, 1, 0, 0), CAUSE_RESOURCE, 1, 0), " exclude 1@0");
    DECIDED(trial_timer(&trial, 50), " start 1/1.2#0@0[2,3)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_drop(&trial);
}
END_TEST

START_TEST(two_excluded_executors_take_their_node_with_them)
{
    struct trial trial;
    begin(&trial, &excluding, 4, 3); /* 0, 1 and 2 on node 0; 3 on node 1 */
    struct stage_spec stage = singles(12);
    trial_submit(&trial, 1, 1, &stage);
    fail_task(&trial, 0, 0, 0);
    DECIDED(fail_task(&trial, 4, 0, 0), " exclude 1/0@0");
    fail_task(&trial, 1, 0, 1);
    DECIDED(fail_task(&trial, 0, 1, 1), " exclude 1/0@1 exclude 1/0@2");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 2)), "");
    trial_drop(&trial);
}
END_TEST

START_TEST(the_last_one_is_never_excluded)
{
    struct trial trial;
    begin(&trial, &excluding, 1, 1);
    struct stage_spec stage = singles(3);
    trial_submit(&trial, 1, 1, &stage);
    for (uint32_t attempt = 0; attempt < 9; attempt++) {
        trial_fail(&trial, attempt_of(0, 0, attempt, 0), CAUSE_RESOURCE, 1, 0);
        trial_fail(&trial, attempt_of(0, 1, attempt, 0), CAUSE_RESOURCE, 1, 0);
        struct stage_progress progress = {0};
        ck_assert_ptr_null(scheduler_stage_progress(trial.scheduler, 1, 0, &progress));
        ck_assert_uint_eq(progress.attempts_live, 1);
    }
    trial_drop(&trial);
}
END_TEST

/* A shuffle of eight partitions, of which executors 0 and 1, of one worker each, have halves, and a
 * task for each of them, as the reader says; tasks 0 and 4 run. Executor 2 has come later. */
static void begin_reading(struct trial *trial, const struct stage_spec *reader)
{
    static const struct scheduler_options options = {
        .attempts_max = 100, .exclusion_ns = 50, .recovers = true};
    struct stage_spec stages[] = {spec_source(2, 8), *reader};
    begin(trial, &options, 2, 1);
    trial_submit(trial, 1, 2, stages);
    trial_finish(trial, attempt_of(0, 0, 0, 0));
    trial_finish(trial, attempt_of(0, 1, 0, 1));
    DECIDED(trial_committed(trial, 1, 0, 1),
            " ship 1/1@0 start 1/1.0#0@0[0,1) ship 1/1@1 start 1/1.4#0@1[4,5)");
    DECIDED(trial_join(trial, 2, 2, 1), "");
}

static struct stage_spec reader_of_eight(void)
{
    struct stage_spec reader = spec_reader(8, &reads_0);
    reader.policy = RUNS_SINGLE;
    return reader;
}

static const char *fail_reader(struct trial *trial, uint32_t task, uint32_t attempt,
                               uint32_t executor)
{
    return trial_fail(trial, attempt_of(1, task, attempt, executor), CAUSE_RESOURCE, 1, 0);
}

START_TEST(what_failed_where_it_is_pinned_is_lent_to_another_one)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(fail_reader(&trial, 0, 0, 0),
            " start 1/1.1#0@0[1,2) ship 1/1@2 start 1/1.0#1@2[0,1)<0");
    /* Where it was lent to it has failed as well: on to the next one, once that is idle. */
    DECIDED(fail_reader(&trial, 0, 1, 2), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 0, 0)), " start 1/1.2#0@0[2,3)");
    for (uint32_t task = 4; task < 7; task++)
        trial_finish(&trial, attempt_of(1, task, 0, 1));
    DECIDED(trial_finish(&trial, attempt_of(1, 7, 0, 1)), " start 1/1.0#2@1[0,1)<0");
    /* Who has failed everywhere runs at home. */
    DECIDED(fail_reader(&trial, 0, 2, 1), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 2, 0, 0)), " start 1/1.3#0@0[3,4)");
    DECIDED(trial_finish(&trial, attempt_of(1, 3, 0, 0)), " start 1/1.0#3@0[0,1)");
    trial_drop(&trial);
}
END_TEST

static const char *distrust(struct trial *trial, uint32_t executor)
{
    return trial_send(trial, &(struct event){.kind = EVENT_EXECUTOR_DISTRUSTED,
                                             .executor_distrusted = {.executor = executor}});
}

START_TEST(who_is_distrusted_owns_nothing_and_gets_no_tasks)
{
    struct trial trial;
    begin(&trial, &excluding, 2, 1);
    struct stage_spec stages[] = {spec_source(3, 8), spec_reader(8, &reads_0)};
    stages[0].policy = stages[1].policy = RUNS_SINGLE;
    trial_submit(&trial, 1, 2, stages);
    DECIDED(distrust(&trial, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 0)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 1)), " start 1/0.2#0@1[2,3)");
    trial_cancel(&trial, 1);
    trial_finish(&trial, attempt_of(0, 2, 0, 1));
    /* Jobs that begin later likewise, and their shuffles are with the other one. */
    DECIDED(trial_submit(&trial, 2, 2, stages), " ship 2/0@1 start 2/0.0#0@1[0,1)");
    for (uint32_t task = 0; task < 3; task++) {
        struct attempt_id id = attempt_of(0, task, 0, 1);
        id.job = 2;
        trial_finish(&trial, id);
    }
    DECIDED(trial_committed(&trial, 2, 0, 1), " ship 2/1@1 start 2/1.0#0@1[0,1)");
    DECIDED(distrust(&trial, 0), "");
    trial_drop(&trial);
}
END_TEST

START_TEST(where_all_are_distrusted_all_work)
{
    struct trial trial;
    begin(&trial, &excluding, 2, 1);
    struct stage_spec stages[] = {spec_source(2, 8), spec_reader(8, &reads_0)};
    stages[0].policy = stages[1].policy = RUNS_SINGLE;
    DECIDED(distrust(&trial, 0), "");
    DECIDED(distrust(&trial, 1), "");
    DECIDED(trial_submit(&trial, 1, 2, stages),
            " ship 1/0@0 start 1/0.0#0@0[0,1) ship 1/0@1 start 1/0.1#0@1[1,2)");
    trial_finish(&trial, attempt_of(0, 0, 0, 0));
    trial_finish(&trial, attempt_of(0, 1, 0, 1));
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@1 start 1/1.4#0@1[4,5) ship 1/1@0 start 1/1.0#0@0[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_failed_and_is_lent_in_vain_runs_where_it_is_pinned)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(fail_reader(&trial, 0, 0, 0),
            " start 1/1.1#0@0[1,2) ship 1/1@2 start 1/1.0#1@2[0,1)<0");
    DECIDED(trial_fail(&trial, attempt_of(1, 0, 1, 2), CAUSE_CANCELLED, 0, 0), "");
    for (uint32_t task = 1; task < 3; task++)
        trial_finish(&trial, attempt_of(1, task, 0, 0));
    DECIDED(trial_finish(&trial, attempt_of(1, 3, 0, 0)), " start 1/1.0#2@0[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_failed_is_lent_again_when_who_borrowed_is_lost)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(fail_reader(&trial, 0, 0, 0),
            " start 1/1.1#0@0[1,2) ship 1/1@2 start 1/1.0#1@2[0,1)<0");
    DECIDED(trial_lose(&trial, 2), "");
    DECIDED(trial_join(&trial, 3, 3, 1), " ship 1/1@3 start 1/1.0#2@3[0,1)<0");
    trial_drop(&trial);
}
END_TEST

START_TEST(tasks_that_are_pinned_to_an_excluded_executor_are_lent)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(fail_reader(&trial, 0, 0, 0),
            " start 1/1.1#0@0[1,2) ship 1/1@2 start 1/1.0#1@2[0,1)<0");
    DECIDED(fail_reader(&trial, 1, 0, 0), " exclude 1/1@0");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 1, 2)), " start 1/1.2#0@2[2,3)<0");
    DECIDED(trial_finish(&trial, attempt_of(1, 2, 0, 2)), " start 1/1.3#0@2[3,4)<0");
    DECIDED(fail_reader(&trial, 3, 0, 2), " start 1/1.1#1@2[1,2)<0");
    trial_drop(&trial);
}
END_TEST

START_TEST(an_owner_that_is_admitted_again_runs_what_waits_for_it)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    fail_reader(&trial, 0, 0, 0);
    DECIDED(fail_reader(&trial, 1, 0, 0), " exclude 1/1@0");
    DECIDED(trial_timer(&trial, 50), " start 1/1.2#0@0[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(1, 0, 1, 2)), " start 1/1.1#1@2[1,2)<0");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 1, 2)), ""); /* 3 is the owner's */
    DECIDED(trial_finish(&trial, attempt_of(1, 2, 0, 0)), " start 1/1.3#0@0[3,4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_stage_that_begins_lends_what_is_pinned_to_who_is_excluded_from_its_job)
{
    struct trial trial;
    struct stage_input reads = {.parent = 1, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {singles(5), spec_source(2, 8), spec_reader(8, &reads)};
    stages[2].policy = RUNS_SINGLE;
    begin(&trial, &excluding, 2, 1);
    trial_submit(&trial, 1, 3, stages);
    fail_task(&trial, 0, 0, 0);
    DECIDED(fail_task(&trial, 2, 0, 0), " exclude 1/0@0 ship 1/1@0 start 1/1.0#0@0[0,1)");
    fail_reader(&trial, 0, 0, 0);
    DECIDED(fail_reader(&trial, 1, 0, 0), " exclude 1@0");
    static const struct attempt_id rest[] = {
        {.job = 1, .task = 1, .executor = 1},
        {.job = 1, .task = 0, .attempt = 1, .executor = 1},
        {.job = 1, .task = 2, .attempt = 1, .executor = 1},
        {.job = 1, .task = 3, .executor = 1},
        {.job = 1, .task = 4, .executor = 1},
        {.job = 1, .stage = 1, .task = 0, .attempt = 1, .executor = 1},
    };
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        trial_finish(&trial, rest[i]);
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 1, 1)), " commit 1/1#1(2)");
    DECIDED(trial_committed(&trial, 1, 1, 1), " ship 1/2@1 start 1/2.4#0@1[4,5)");
    for (uint32_t task = 4; task < 7; task++)
        trial_finish(&trial, attempt_of(2, task, 0, 1));
    DECIDED(trial_finish(&trial, attempt_of(2, 7, 0, 1)), " start 1/2.0#0@1[0,1)<0");
    trial_drop(&trial);
}
END_TEST

START_TEST(tasks_that_cannot_be_lent_run_on_an_excluded_executor)
{
    static const uint32_t pins[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    for (int has_pins = 0; has_pins < 2; has_pins++) {
        struct trial trial;
        struct stage_spec reader = reader_of_eight();
        reader.forbids_copies = !has_pins;
        reader.pins = has_pins ? pins : NULL;
        begin_reading(&trial, &reader);
        DECIDED(fail_reader(&trial, 0, 0, 0), " start 1/1.0#1@0[0,1)");
        DECIDED(trial_finish(&trial, attempt_of(1, 0, 1, 0)), " start 1/1.1#0@0[1,2)");
        DECIDED(fail_reader(&trial, 1, 0, 0), " exclude 1/1@0 start 1/1.1#1@0[1,2)");
        trial_drop(&trial);
    }
}
END_TEST

SUITE_MAIN(
    "scheduler/exclusion", a_failed_task_waits_for_an_executor_where_it_has_not_failed,
    a_task_that_failed_everywhere_may_run_anywhere, a_task_that_avoids_the_only_one_left_runs_there,
    a_copy_goes_where_the_task_has_not_failed, what_ended_for_the_sake_of_another_is_no_failure,
    two_failed_tasks_exclude_an_executor_from_their_stage,
    one_task_that_fails_twice_excludes_nobody, an_excluded_executor_is_admitted_again_in_time,
    four_failed_tasks_exclude_from_all_of_the_job, two_excluded_executors_take_their_node_with_them,
    the_last_one_is_never_excluded, what_failed_where_it_is_pinned_is_lent_to_another_one,
    what_failed_and_is_lent_in_vain_runs_where_it_is_pinned,
    what_failed_is_lent_again_when_who_borrowed_is_lost,
    tasks_that_are_pinned_to_an_excluded_executor_are_lent,
    an_owner_that_is_admitted_again_runs_what_waits_for_it,
    a_stage_that_begins_lends_what_is_pinned_to_who_is_excluded_from_its_job,
    tasks_that_cannot_be_lent_run_on_an_excluded_executor,
    who_is_distrusted_owns_nothing_and_gets_no_tasks, where_all_are_distrusted_all_work)
