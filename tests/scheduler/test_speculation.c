/* Copies of slow attempts, by a clock that the tests set. */
#include "scheduler/speculation.h"
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>

static const struct scheduler_options watching = {
    .attempts_max = 4, .slow_percent = 150, .slow_min_ns = 100};

/* Four tasks of one stage on two executors of two workers each; tasks 0, 1 and 2 end after 1000 ns,
 * task 3 runs on executor 1. */
static void begin(struct trial *trial, const struct scheduler_options *options, bool forbids_copies)
{
    trial_init(trial, options);
    trial_join(trial, 0, 0, 2);
    trial_join(trial, 1, 1, 2);
    struct stage_spec stage = spec_source(4, 0);
    stage.policy = RUNS_SINGLE;
    stage.forbids_copies = forbids_copies;
    DECIDED(trial_submit(trial, 1, 1, &stage),
            " ship 1/0@0 start 1/0.0#0@0[0,1) ship 1/0@1 start 1/0.1#0@1[1,2) start "
            "1/0.2#0@0[2,3) start 1/0.3#0@1[3,4)");
    trial->time_ns = 1000;
    DECIDED(trial_finish(trial, attempt_of(0, 0, 0, 0)), "");
    DECIDED(trial_finish(trial, attempt_of(0, 1, 0, 1)), "");
    DECIDED(trial_finish(trial, attempt_of(0, 2, 0, 0)), "");
}

/* Sends a timer whenever one is asked for, until something is decided. */
static const char *await(struct trial *trial, uint64_t until_ns)
{
    uint64_t next_ns = scheduler_next_deadline_ns(trial->scheduler);
    while (next_ns <= until_ns) {
        const char *decided = trial_timer(trial, next_ns);
        if (decided[0] != '\0')
            return decided;
        uint64_t later_ns = scheduler_next_deadline_ns(trial->scheduler);
        ck_assert_uint_gt(later_ns, next_ns);
        next_ns = later_ns;
    }
    return "";
}

START_TEST(a_slow_attempt_is_copied_elsewhere_and_the_first_one_counts)
{
    struct trial trial;
    begin(&trial, &watching, false);
    DECIDED(await(&trial, 1499), "");
    DECIDED(await(&trial, 1800), " start 1/0.3#1@0[3,4)"); /* 1.5 times 1000, and an eighth */
    ck_assert_uint_ge(trial.time_ns, 1500);
    DECIDED(await(&trial, 100000), ""); /* a copy has no copy */
    trial.time_ns = 2000;
    DECIDED(trial_finish(&trial, attempt_of(0, 3, 1, 0)), " cancel 1/0.3#0@1 commit 1/0#1(4)");
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    DECIDED(trial_finish(&trial, attempt_of(0, 3, 0, 1)), " discard 1/0.3#0@1");
    trial_drop(&trial);
}
END_TEST

START_TEST(the_slow_one_may_still_be_first)
{
    struct trial trial;
    begin(&trial, &watching, false);
    DECIDED(await(&trial, 1800), " start 1/0.3#1@0[3,4)");
    DECIDED(trial_finish(&trial, attempt_of(0, 3, 0, 1)), " cancel 1/0.3#1@0 commit 1/0#1(4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(nothing_is_copied_before_enough_are_done)
{
    struct trial trial;
    trial_init(&trial, &watching);
    trial_join(&trial, 0, 0, 2);
    trial_join(&trial, 1, 1, 3);
    struct stage_spec stage = spec_source(4, 0);
    stage.policy = RUNS_SINGLE;
    trial_submit(&trial, 1, 1, &stage);
    trial.time_ns = 1000;
    trial_finish(&trial, attempt_of(0, 0, 0, 0));
    trial_finish(&trial, attempt_of(0, 2, 0, 0)); /* one half */
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_drop(&trial);
}
END_TEST

START_TEST(short_attempts_are_never_slow)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.slow_percent = 150, .slow_min_ns = 50000}, false);
    DECIDED(await(&trial, 49999), "");
    DECIDED(await(&trial, 50000), " start 1/0.3#1@0[3,4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(stages_that_forbid_copies_have_none)
{
    struct trial trial;
    begin(&trial, &watching, true);
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    DECIDED(trial_want_copy(&trial, 1, 0, 3), "");
    trial_drop(&trial);
}
END_TEST

START_TEST(without_the_option_nobody_looks)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.slow_percent = 0}, false);
    ck_assert_uint_eq(scheduler_next_deadline_ns(trial.scheduler), UINT64_MAX);
    trial_drop(&trial);
}
END_TEST

START_TEST(a_slow_attempt_waits_for_an_idle_worker_on_another_executor)
{
    struct trial trial;
    begin(&trial, &watching, false);
    struct stage_spec other = spec_source(3, 0);
    other.policy = RUNS_SINGLE;
    DECIDED(trial_submit(&trial, 2, 1, &other),
            " ship 2/0@0 start 2/0.0#0@0[0,1) ship 2/0@1 start 2/0.1#0@1[1,2) start "
            "2/0.2#0@0[2,3)");
    DECIDED(await(&trial, 5000), "");
    struct attempt_id id = {.job = 2, .task = 1, .executor = 1};
    DECIDED(trial_finish(&trial, id), ""); /* where it runs already */
    DECIDED(await(&trial, 9000), "");
    id.task = 0;
    id.executor = 0;
    DECIDED(trial_finish(&trial, id), "");
    DECIDED(await(&trial, 20000), " start 1/0.3#1@0[3,4)");
    trial_drop(&trial);
}
END_TEST

START_TEST(copies_go_to_another_node_where_one_is_idle)
{
    struct trial trial;
    trial_init(&trial, &watching);
    trial_join(&trial, 0, 0, 1);
    trial_join(&trial, 1, 0, 1);
    trial_join(&trial, 2, 7, 1);
    struct stage_spec stage = spec_source(3, 0);
    stage.policy = RUNS_SINGLE;
    trial_submit(&trial, 1, 1, &stage);
    trial.time_ns = 1000;
    trial_finish(&trial, attempt_of(0, 1, 0, 1));
    trial_finish(&trial, attempt_of(0, 2, 0, 2));
    DECIDED(trial_want_copy(&trial, 1, 0, 0), " start 1/0.0#1@2[0,1)");
    trial_drop(&trial);
}
END_TEST

/* A shuffle of eight partitions that executors 0 and 1, of one worker each, have in halves, and a
 * stage of eight tasks that reads it: those of executor 0 have ended after 1000 ns each, and the
 * first one of executor 1 runs. */
static void begin_reading(struct trial *trial, const struct stage_spec *reader)
{
    struct stage_spec stages[] = {spec_source(2, 8), *reader};
    trial_init(trial,
               &(struct scheduler_options){
                   .attempts_max = 4, .slow_percent = 150, .slow_min_ns = 100, .recovers = true});
    trial_join(trial, 0, 0, 1);
    trial_join(trial, 1, 1, 1);
    trial_submit(trial, 1, 2, stages);
    trial_finish(trial, attempt_of(0, 0, 0, 0));
    DECIDED(trial_finish(trial, attempt_of(0, 1, 0, 1)), " commit 1/0#1(2)");
    DECIDED(trial_committed(trial, 1, 0, 1),
            " ship 1/1@0 start 1/1.0#0@0[0,1) ship 1/1@1 start 1/1.4#0@1[4,5)");
    for (uint32_t task = 0; task < 4; task++) {
        trial->time_ns += 1000;
        trial_finish(trial, attempt_of(1, task, 0, 0));
    }
}

static struct stage_spec reader_of_eight(void)
{
    static const struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec reader = spec_reader(8, &input);
    reader.policy = RUNS_SINGLE;
    return reader;
}

START_TEST(tasks_that_wait_for_a_slow_executor_begin_elsewhere)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 100000), " start 1/1.7#0@0[7,8)<1"); /* the one that would come last */
    DECIDED(trial_finish(&trial, attempt_of(1, 7, 0, 0)), "");
    DECIDED(await(&trial, 100000), " start 1/1.6#0@0[6,7)<1");
    trial_finish(&trial, attempt_of(1, 6, 0, 0));
    DECIDED(await(&trial, 100000), " start 1/1.5#0@0[5,6)<1");
    trial_finish(&trial, attempt_of(1, 5, 0, 0));
    DECIDED(await(&trial, 100000),
            " start 1/1.4#1@0[4,5)<1"); /* then a copy of the one that runs */
    DECIDED(trial_finish(&trial, attempt_of(1, 4, 1, 0)), " cancel 1/1.4#0@1 commit 1/1#1(8)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_copy_of_a_pinned_task_that_is_wanted_is_lent)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(trial_want_copy(&trial, 1, 1, 4), " start 1/1.4#1@0[4,5)<1");
    DECIDED(trial_want_copy(&trial, 1, 1, 4), "");
    ck_assert(trial.decisions.count == 0);
    DECIDED(trial_finish(&trial, attempt_of(1, 4, 1, 0)), " cancel 1/1.4#0@1");
    /* Whose attempt is slow is slow: what waits there is lent without any wait. */
    DECIDED(await(&trial, trial.time_ns + 1000), " start 1/1.7#0@0[7,8)<1");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_is_lent_in_vain_is_not_lent_again)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 100000), " start 1/1.7#0@0[7,8)<1");
    DECIDED(trial_fail(&trial, attempt_of(1, 7, 0, 0), CAUSE_CANCELLED, 0, 0), "");
    DECIDED(await(&trial, 100000), " start 1/1.6#0@0[6,7)<1");
    DECIDED(trial_finish(&trial, attempt_of(1, 4, 0, 1)), " start 1/1.7#1@1[7,8)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_is_lent_ends_with_its_lender)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 100000), " start 1/1.7#0@0[7,8)<1");
    DECIDED(trial_lose(&trial, 1), " cancel 1/1.7#0@0 owners 1/0");
    DECIDED(trial_fail(&trial, attempt_of(1, 7, 0, 0), CAUSE_CANCELLED, 0, 0),
            " start 1/0.1#1@0[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(who_borrows_may_be_lost)
{
    struct trial trial;
    struct stage_spec reader = reader_of_eight();
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 100000), " start 1/1.7#0@0[7,8)<1");
    DECIDED(trial_lose(&trial, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 4, 0, 1)), " start 1/1.7#1@1[7,8)");
    DECIDED(trial_finish(&trial, attempt_of(1, 7, 1, 1)), " start 1/1.5#0@1[5,6)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_is_heavy_is_not_lent)
{
    struct trial trial;
    uint64_t bytes[8] = {100, 100, 100, 100, 5000, 100, 100, 100};
    struct stage_spec reader = reader_of_eight();
    reader.partition_bytes = bytes;
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 100000), " start 1/1.7#0@0[7,8)<1"); /* more wait than should */
    trial_finish(&trial, attempt_of(1, 7, 0, 0));
    DECIDED(await(&trial, 100000), " start 1/1.6#0@0[6,7)<1");
    trial_finish(&trial, attempt_of(1, 6, 0, 0));
    DECIDED(await(&trial, 100000), ""); /* that it takes longer says nothing of the executor */
    trial_drop(&trial);
}
END_TEST

/* Executor 0 takes 1000 ns for each of its eight tasks, executor 1 takes 1400, which is not slow:
 * one of the two tasks that wait there at last begins elsewhere, the other one need not. */
START_TEST(who_has_more_to_do_lends_too)
{
    struct trial trial;
    struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {spec_source(2, 16), spec_reader(16, &input)};
    stages[1].policy = RUNS_SINGLE;
    trial_init(&trial, &watching);
    trial_join(&trial, 0, 0, 1);
    trial_join(&trial, 1, 1, 1);
    trial_submit(&trial, 1, 2, stages);
    trial_finish(&trial, attempt_of(0, 0, 0, 0));
    trial_finish(&trial, attempt_of(0, 1, 0, 1));
    trial_committed(&trial, 1, 0, 1);
    for (uint64_t time_ns = 200; time_ns <= 8000; time_ns += 200) {
        trial.time_ns = time_ns;
        if (time_ns % 1000 == 0)
            trial_finish(&trial, attempt_of(1, (uint32_t)(time_ns / 1000) - 1, 0, 0));
        if (time_ns % 1400 == 0)
            trial_finish(&trial, attempt_of(1, (uint32_t)(time_ns / 1400) + 7, 0, 1));
    }
    DECIDED(await(&trial, 8400), " start 1/1.15#0@0[15,16)<1");
    DECIDED(trial_finish(&trial, attempt_of(1, 15, 0, 0)), "");
    DECIDED(await(&trial, 8400), "");
    trial_drop(&trial);
}
END_TEST

START_TEST(stages_that_forbid_copies_or_have_pins_lend_nothing)
{
    static const uint32_t pins[8] = {0, 0, 0, 0, 1, 1, 1, 1};
    for (int is_pinned = 0; is_pinned < 2; is_pinned++) {
        struct trial trial;
        struct stage_spec reader = reader_of_eight();
        reader.forbids_copies = !is_pinned;
        reader.pins = is_pinned ? pins : NULL;
        begin_reading(&trial, &reader);
        DECIDED(await(&trial, 100000), "");
        trial_drop(&trial);
    }
}
END_TEST

/* The median by buckets is that of the sorted times, or at most an eighth more. */
START_TEST(the_median_is_at_most_an_eighth_too_much)
{
    uint64_t seed = property_seed(), random = seed;
    for (int round = 0; round < 200; round++) {
        uint64_t times[101];
        uint32_t count = 1 + (uint32_t)(property_next(&random) % 101);
        struct durations *durations = calloc(1, sizeof *durations);
        ck_assert_ptr_nonnull(durations);
        for (uint32_t i = 0; i < count; i++) {
            times[i] = property_next(&random) >> (property_next(&random) % 64);
            durations_add(durations, times[i]);
        }
        for (uint32_t i = 1; i < count; i++)
            for (uint32_t j = i; j > 0 && times[j - 1] > times[j]; j--) {
                uint64_t larger = times[j - 1];
                times[j - 1] = times[j];
                times[j] = larger;
            }
        uint64_t right = times[(count - 1) / 2], found = durations_median_ns(durations);
        free(durations);
        ck_assert_msg(found >= right && found - right <= right / 8,
                      "%" PRIu64 " for %" PRIu64 "; BARKS_TEST_SEED=%" PRIu64, found, right, seed);
    }
}
END_TEST

SUITE_MAIN("scheduler/speculation", a_slow_attempt_is_copied_elsewhere_and_the_first_one_counts,
           the_slow_one_may_still_be_first, nothing_is_copied_before_enough_are_done,
           short_attempts_are_never_slow, stages_that_forbid_copies_have_none,
           without_the_option_nobody_looks,
           a_slow_attempt_waits_for_an_idle_worker_on_another_executor,
           copies_go_to_another_node_where_one_is_idle,
           tasks_that_wait_for_a_slow_executor_begin_elsewhere,
           a_copy_of_a_pinned_task_that_is_wanted_is_lent, what_is_lent_in_vain_is_not_lent_again,
           what_is_lent_ends_with_its_lender, who_borrows_may_be_lost, what_is_heavy_is_not_lent,
           who_has_more_to_do_lends_too, stages_that_forbid_copies_or_have_pins_lend_nothing,
           the_median_is_at_most_an_eighth_too_much)
