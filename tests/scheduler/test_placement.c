/* Who runs what, and in which order. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

static const struct scheduler_options plain = {0};
static const struct stage_input reads_0 = {.parent = 0, .kind = INPUT_PARTITIONS};

START_TEST(runs_are_as_many_as_workers_and_go_round)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 2);
    trial_join(&trial, 2, 0, 1);
    struct stage_spec stage = spec_source(9, 0);
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@1 start 1/0.0#0@1[0,3) ship 1/0@2 start 1/0.1#0@2[3,6) start "
            "1/0.2#0@1[6,9)");
    trial_drop(&trial);
}
END_TEST

START_TEST(largest_tasks_start_first)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    uint64_t bytes[] = {10, 1000, 500, 2000};
    struct stage_spec stage = spec_source(4, 0);
    stage.policy = RUNS_SPREAD;
    stage.partition_bytes = bytes;
    DECIDED(trial_submit(&trial, 1, 1, &stage), " ship 1/0@1 start 1/0.3#0@1[3,4)");
    DECIDED(trial_finish(&trial, attempt_of(0, 3, 0, 1)), " start 1/0.1#0@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 0, 1)), " start 1/0.2#0@1[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 1)), " start 1/0.0#0@1[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(earlier_jobs_go_first_and_later_ones_fill_the_gaps)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec three = spec_source(3, 0), one = spec_source(1, 0);
    three.policy = RUNS_SPREAD;
    DECIDED(trial_submit(&trial, 1, 1, &three), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 2, 1, &one), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " start 1/0.1#0@1[1,2)");
    DECIDED(trial_join(&trial, 2, 0, 2),
            " ship 1/0@2 start 1/0.2#0@2[2,3) ship 2/0@2 start 2/0.0#0@2[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(tasks_go_where_they_would_but_nobody_waits)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 0, 1);
    trial_join(&trial, 3, 7, 1);
    /* Partition 0 would be read by executor 2, 1 by executor 2 too, 2 on node 7, 3 anywhere. */
    uint32_t firsts[] = {0, 1, 2, 3, 3};
    struct place places[] = {{PLACE_EXECUTOR, 2}, {PLACE_EXECUTOR, 2}, {PLACE_NODE, 7}};
    struct stage_spec stage = spec_source(4, 0);
    stage.policy = RUNS_SPREAD;
    stage.place_firsts = firsts;
    stage.places = places;
    /* 2 gets 0; node 0, where 2 is, gives 1 to its neighbour 1; 3 is on node 7. */
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@2 start 1/0.0#0@2[0,1) ship 1/0@1 start 1/0.1#0@1[1,2) ship 1/0@3 start "
            "1/0.2#0@3[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 3)), " start 1/0.3#0@3[3,4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(foreign_tasks_are_taken_when_nothing_else_is_left)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 1, 1);
    uint32_t firsts[] = {0, 1, 2, 3};
    struct place places[] = {{PLACE_EXECUTOR, 1}, {PLACE_EXECUTOR, 1}, {PLACE_EXECUTOR, 1}};
    struct stage_spec stage = spec_source(3, 0);
    stage.policy = RUNS_SPREAD;
    stage.place_firsts = firsts;
    stage.places = places;
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@1 start 1/0.0#0@1[0,1) ship 1/0@2 start 1/0.1#0@2[1,2)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " start 1/0.2#0@1[2,3)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_run_of_several_partitions_goes_where_most_bytes_are)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 1, 1);
    uint32_t firsts[] = {0, 1, 2, 3, 4};
    struct place places[] = {
        {PLACE_EXECUTOR, 1}, {PLACE_NODE, 1}, {PLACE_EXECUTOR, 99}, {PLACE_EXECUTOR, 1}};
    uint64_t bytes[] = {10, 90, 50, 50};
    struct stage_spec stage = spec_source(4, 0); /* two runs of 100 bytes */
    stage.place_firsts = firsts;
    stage.places = places;
    stage.partition_bytes = bytes;
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@1 start 1/0.0#0@1[0,2) ship 1/0@2 start 1/0.1#0@2[2,4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(pinned_partitions_run_where_they_must_and_wait_for_it)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 1, 1);
    uint32_t pins[] = {2, 2, SCHEDULER_ANY, 99};
    struct stage_spec stage = spec_source(4, 0);
    stage.policy = RUNS_SPREAD;
    stage.pins = pins;
    /* 99 never lived, so that anybody may run partition 3. */
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@2 start 1/0.0#0@2[0,1) ship 1/0@1 start 1/0.2#0@1[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 1)), " start 1/0.3#0@1[3,4)");
    DECIDED(trial_finish(&trial, attempt_of(0, 3, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 2)), " start 1/0.1#0@2[1,2)");
    trial_drop(&trial);
}
END_TEST

/* A union: partitions [0, 3) are those of a shuffle, [3, 5) of another one, [5, 7) of neither. */
START_TEST(tasks_of_a_union_run_where_their_partitions_are)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 2);
    trial_join(&trial, 2, 0, 1);
    struct stage_input inputs[] = {
        {.parent = 0, .kind = INPUT_PARTITIONS, .first_partition = 0},
        {.parent = 1, .kind = INPUT_PARTITIONS, .first_partition = 3},
    };
    struct stage_spec stages[] = {spec_source(0, 3), spec_source(0, 2), spec_reader(7, inputs)};
    stages[2].input_count = 2;
    stages[2].policy = RUNS_SPREAD;
    DECIDED(trial_submit(&trial, 1, 3, stages), " commit 1/0#1(0) commit 1/1#1(0)");
    trial_committed(&trial, 1, 0, 1);
    /* Of 3 partitions executor 1 owns 2 and executor 2 one; of 2 partitions each owns one. */
    DECIDED(trial_committed(&trial, 1, 1, 1),
            " ship 1/2@1 start 1/2.0#0@1[0,1) start 1/2.1#0@1[1,2) ship 1/2@2 start "
            "1/2.2#0@2[2,3)");
    DECIDED(trial_finish(&trial, attempt_of(2, 2, 0, 2)), " start 1/2.4#0@2[4,5)");
    DECIDED(trial_finish(&trial, attempt_of(2, 4, 0, 2)), " start 1/2.5#0@2[5,6)");
    DECIDED(trial_finish(&trial, attempt_of(2, 0, 0, 1)), " start 1/2.3#0@1[3,4)");
    DECIDED(trial_finish(&trial, attempt_of(2, 1, 0, 1)), " start 1/2.6#0@1[6,7)");
    trial_drop(&trial);
}
END_TEST

/* Both sides of a join have one map of owners, though an executor joined in between. */
START_TEST(the_sides_of_a_join_have_equal_owners)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    struct stage_input after = {.parent = 0, .kind = INPUT_AFTER};
    struct stage_input inputs[] = {{.parent = 0, .kind = INPUT_PARTITIONS},
                                   {.parent = 1, .kind = INPUT_PARTITIONS}};
    struct stage_spec stages[] = {spec_source(1, 4), spec_source(1, 4), spec_reader(4, inputs)};
    stages[1].input_count = 1;
    stages[1].inputs = &after;
    stages[2].input_count = 2;
    DECIDED(trial_submit(&trial, 1, 3, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    trial_join(&trial, 2, 0, 1);
    trial_finish(&trial, attempt_of(0, 0, 0, 1));
    DECIDED(trial_committed(&trial, 1, 0, 1), " ship 1/1@2 start 1/1.0#0@2[0,1)");
    struct owner_range ranges[2];
    uint32_t count = 0;
    ck_assert_ptr_null(scheduler_owners(trial.scheduler, 1, 1, 2, ranges, &count));
    ck_assert(count == 1 && ranges[0].executor == 1 && ranges[0].end_partition == 4);
    trial_finish(&trial, attempt_of(1, 0, 0, 2));
    DECIDED(trial_committed(&trial, 1, 1, 1), " ship 1/2@1 start 1/2.0#0@1[0,4)");
    trial_drop(&trial);
}
END_TEST

/* Sizes that a commit tells balance the runs of the reader: 6 partitions on one executor of 2. */
START_TEST(committed_sizes_balance_the_reader)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 2);
    struct stage_spec stages[] = {spec_source(0, 6), spec_reader(6, &reads_0)};
    trial_submit(&trial, 1, 2, stages);
    uint64_t bytes[] = {1000, 10, 10, 10, 10, 10};
    struct event event = {
        .kind = EVENT_STAGE_COMMITTED,
        .stage_committed = {.job = 1, .stage = 0, .commit = 1, .output_partition_bytes = bytes}};
    DECIDED(trial_send(&trial, &event), " ship 1/1@1 start 1/1.0#0@1[0,1) start 1/1.1#0@1[1,6)");
    trial_drop(&trial);
}
END_TEST

/* 6 partitions on one executor of 2 workers, of which one has most of the bytes, that 4 runs have
 * sent: it is read by tasks that have a piece each, of about half of what a worker has. */
START_TEST(a_large_partition_is_read_in_pieces)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 2);
    struct stage_input reads = reads_0;
    reads.is_in_pieces = true;
    struct stage_spec stages[] = {spec_source(4, 6), spec_reader(6, &reads)};
    stages[0].policy = RUNS_SINGLE;
    stages[1].policy = RUNS_COMBINE;
    trial_submit(&trial, 1, 2, stages);
    for (uint32_t task = 0; task < 4; task++)
        trial_finish(&trial, attempt_of(0, task, 0, 1));
    uint64_t bytes[] = {10 << 20, 10 << 20, 70 << 20, 10 << 20, 0, 0};
    struct event event = {
        .kind = EVENT_STAGE_COMMITTED,
        .stage_committed = {.job = 1, .stage = 0, .commit = 1, .output_partition_bytes = bytes}};
    DECIDED(trial_send(&trial, &event),
            " ship 1/1@1 start 1/1.1#0@1[2,3)0/3 start 1/1.2#0@1[2,3)1/3");
    trial_drop(&trial);
}
END_TEST

/* Too little to be worth it, few runs, one worker, inputs that are not to be read so. */
START_TEST(few_partitions_are_read_in_pieces)
{
    const struct {
        uint64_t large;
        uint32_t runs, workers;
        bool is_in_pieces;
    } cases[] = {{(2 << 20) - 1, 4, 2, true},
                 {70 << 20, 1, 2, true},
                 {70 << 20, 4, 1, true},
                 {70 << 20, 4, 2, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trial trial;
        trial_init(&trial, &plain);
        trial_join(&trial, 1, 0, cases[i].workers);
        struct stage_input reads = reads_0;
        reads.is_in_pieces = cases[i].is_in_pieces;
        struct stage_spec stages[] = {spec_source(cases[i].runs, 3), spec_reader(3, &reads)};
        stages[0].policy = RUNS_SINGLE;
        trial_submit(&trial, 1, 2, stages);
        for (uint32_t task = 0; task < cases[i].runs; task++)
            trial_finish(&trial, attempt_of(0, task, 0, 1));
        uint64_t bytes[] = {10, cases[i].large, 10};
        struct event event = {
            .kind = EVENT_STAGE_COMMITTED,
            .stage_committed = {
                .job = 1, .stage = 0, .commit = 1, .output_partition_bytes = bytes}};
        const char *said = trial_send(&trial, &event);
        ck_assert_msg(strchr(said, '/') != NULL && strstr(said, ")0/") == NULL, "case %zu: %s", i,
                      said);
        trial_drop(&trial);
    }
}
END_TEST

START_TEST(a_task_that_failed_comes_before_younger_jobs)
{
    struct trial trial;
    trial_init(&trial, &(struct scheduler_options){.attempts_max = 2});
    trial_join(&trial, 1, 0, 1);
    struct stage_spec one = spec_source(1, 0);
    trial_submit(&trial, 1, 1, &one);
    trial_submit(&trial, 2, 1, &one);
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 1), CAUSE_USER_ERROR, 1, 0),
            " start 1/0.0#1@1[0,1)");
    trial_drop(&trial);
}
END_TEST

/* Executor 1 has a pinned task of the elder job 1 waiting; the task of job 2 that fails there goes
 * to the idle executor 2. */
START_TEST(a_task_that_failed_goes_to_whoever_is_idle)
{
    struct trial trial;
    trial_init(&trial, &(struct scheduler_options){.attempts_max = 2});
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stages[] = {spec_source(0, 1), spec_reader(1, &reads_0)};
    struct stage_spec one = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 2, stages), " commit 1/0#1(0)");
    DECIDED(trial_submit(&trial, 2, 1, &one), " ship 2/0@1 start 2/0.0#0@1[0,1)");
    trial_join(&trial, 2, 0, 1);
    DECIDED(trial_committed(&trial, 1, 0, 1), ""); /* executor 1 owns its partition */
    struct attempt_id id = {.job = 2, .executor = 1};
    DECIDED(trial_fail(&trial, id, CAUSE_USER_ERROR, 1, 0),
            " ship 1/1@1 start 1/1.0#0@1[0,1) ship 2/0@2 start 2/0.0#1@2[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(who_joins_while_jobs_run_is_the_heir_of_who_is_lost_next)
{
    struct trial trial;
    trial_init(&trial, &(struct scheduler_options){.recovers = true});
    for (uint32_t executor = 1; executor <= 3; executor++)
        trial_join(&trial, executor, 0, 1);
    struct stage_spec stages[] = {spec_source(3, 3), spec_reader(3, &reads_0)};
    trial_submit(&trial, 1, 2, stages);
    trial_join(&trial, 4, 0, 1);
    trial_join(&trial, 5, 0, 1);
    trial_lose(&trial, 2);
    trial_lose(&trial, 1);
    struct owner_range ranges[5];
    uint32_t count = 0;
    ck_assert_ptr_null(scheduler_owners(trial.scheduler, 1, 0, 5, ranges, &count));
    ck_assert_uint_eq(count, 3);
    ck_assert(ranges[0].executor == 5 && ranges[1].executor == 4 && ranges[2].executor == 3);
    trial_drop(&trial);
}
END_TEST

START_TEST(contradictions_are_refused_and_change_nothing)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    struct stage_spec stage = spec_source(4, 0);
    struct job_spec spec = {.id = 1, .stage_count = 1, .stages = &stage};
    struct event submitted = {.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec};
    struct event joined = {.kind = EVENT_EXECUTOR_JOINED,
                           .executor_joined = {.executor = 1, .node = 0, .worker_count = 1}};
    struct event lost = {.kind = EVENT_EXECUTOR_LOST, .executor_lost = {.executor = 9}};
    struct event committed = {.kind = EVENT_STAGE_COMMITTED,
                              .stage_committed = {.job = 1, .stage = 0, .commit = 1}};
    struct event failed = {.kind = EVENT_ATTEMPT_FAILED,
                           .attempt_failed = {.id = attempt_of(0, 0, 0, 1), .cause = CAUSE_LOST}};
    trial_send(&trial, &submitted);
    ck_assert_int_eq(trial_refused(&trial, &submitted), BARKS_INVALID);
    ck_assert_int_eq(trial_refused(&trial, &joined), BARKS_INVALID);
    ck_assert_int_eq(trial_refused(&trial, &lost), BARKS_INVALID);
    ck_assert_int_eq(trial_refused(&trial, &committed), BARKS_INVALID);
    ck_assert_int_eq(trial_refused(&trial, &failed), BARKS_INVALID);
    joined.executor_joined.executor = 2;
    joined.executor_joined.worker_count = 0;
    ck_assert_int_eq(trial_refused(&trial, &joined), BARKS_INVALID);
    joined.executor_joined.executor = SCHEDULER_EXECUTOR_ID_LIMIT;
    ck_assert_int_eq(trial_refused(&trial, &joined), BARKS_LIMIT);
    ck_assert_int_eq(trial_refused(&trial, &(struct event){.kind = (enum event_kind)99}),
                     BARKS_INVALID);
    trial_drop(&trial);
}
END_TEST

START_TEST(questions_about_what_is_not_there_are_refused)
{
    struct trial trial;
    trial_init(&trial, &plain);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 0, 1);
    struct stage_spec stages[] = {spec_source(4, 4), spec_reader(4, &reads_0)};
    trial_submit(&trial, 1, 2, stages);
    struct counted_run run;
    struct owner_range ranges[2];
    uint32_t count = 0;
    struct stage_progress progress;
    barks_status *refusals[] = {
        scheduler_counted_run(trial.scheduler, 1, 0, 0, &run), /* has not finished */
        scheduler_counted_run(trial.scheduler, 1, 0, 99, &run),
        scheduler_counted_run(trial.scheduler, 1, 1, 0, &run),
        scheduler_counted_run(trial.scheduler, 9, 0, 0, &run),
        scheduler_owners(trial.scheduler, 1, 1, 2, ranges, &count), /* no shuffle */
        scheduler_stage_progress(trial.scheduler, 1, 2, &progress),
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        ck_assert_int_eq(barks_status_code(refusals[i]), BARKS_INVALID);
        barks_status_free(refusals[i]);
    }
    barks_status *status = scheduler_owners(trial.scheduler, 1, 0, 1, ranges, &count);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    ck_assert_ptr_null(scheduler_stage_progress(trial.scheduler, 1, 0, &progress));
    ck_assert(progress.state == STAGE_RUNNING && progress.task_count == 2 &&
              progress.attempts_live == 2 && progress.tasks_done == 0);
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/placement", runs_are_as_many_as_workers_and_go_round,
           largest_tasks_start_first, earlier_jobs_go_first_and_later_ones_fill_the_gaps,
           tasks_go_where_they_would_but_nobody_waits,
           foreign_tasks_are_taken_when_nothing_else_is_left,
           a_run_of_several_partitions_goes_where_most_bytes_are,
           pinned_partitions_run_where_they_must_and_wait_for_it,
           tasks_of_a_union_run_where_their_partitions_are, the_sides_of_a_join_have_equal_owners,
           committed_sizes_balance_the_reader, a_large_partition_is_read_in_pieces,
           few_partitions_are_read_in_pieces, a_task_that_failed_comes_before_younger_jobs,
           a_task_that_failed_goes_to_whoever_is_idle,
           who_joins_while_jobs_run_is_the_heir_of_who_is_lost_next,
           contradictions_are_refused_and_change_nothing,
           questions_about_what_is_not_there_are_refused)
