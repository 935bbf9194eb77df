/* Runs of slow executors that are cut, by a clock that the tests set. */
#include "scheduler/cut.h"
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const struct scheduler_options watching = {
    .attempts_max = 4, .slow_percent = 150, .slow_min_ns = 100, .recovers = true};

/* Twelve partitions on three executors of one worker each, in three tasks that share: the first two
 * end after 1000 ns, the third runs on executor 2. */
static void begin(struct trial *trial, const struct scheduler_options *options, bool shares)
{
    static const struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {spec_source(12, 4), spec_reader(4, &input)};
    stages[0].shares = shares;
    trial_init(trial, options);
    for (uint32_t executor = 0; executor < 3; executor++)
        trial_join(trial, executor, executor, 1);
    DECIDED(trial_submit(trial, 1, 2, stages),
            " ship 1/0@0 start 1/0.0#0@0[0,4) ship 1/0@1 start 1/0.1#0@1[4,8) ship 1/0@2 start "
            "1/0.2#0@2[8,12)");
    trial->time_ns = 1000;
    DECIDED(trial_finish(trial, attempt_of(0, 0, 0, 0)), "");
    DECIDED(trial_finish(trial, attempt_of(0, 1, 0, 1)), "");
}

static struct event cut_of(struct attempt_id id, uint32_t end, bool is_alone)
{
    return (struct event){.kind = EVENT_RUN_CUT,
                          .run_cut = {.id = id, .end_partition = end, .is_alone = is_alone}};
}

static const char *cut(struct trial *trial, struct attempt_id id, uint32_t end, bool is_alone)
{
    struct event event = cut_of(id, end, is_alone);
    return trial_send(trial, &event);
}

/* The first thing that is decided by timers until then; "": nothing. */
static const char *await(struct trial *trial, uint64_t until_ns)
{
    const char *decided = "";
    while (decided[0] == '\0' && scheduler_next_deadline_ns(trial->scheduler) <= until_ns)
        decided = trial_timer(trial, scheduler_next_deadline_ns(trial->scheduler));
    return decided;
}

static void expect_run(const struct trial *trial, uint32_t run, uint32_t first, uint32_t end)
{
    struct counted_run counted;
    ck_assert_ptr_null(scheduler_counted_run(trial->scheduler, 1, 0, run, &counted));
    ck_assert_uint_eq(counted.first_partition, first);
    ck_assert_uint_eq(counted.end_partition, end);
}

START_TEST(idle_workers_get_what_a_slow_executor_has_not_begun)
{
    struct trial trial;
    begin(&trial, &watching, true);
    /* It is due by one and a half times 1000 ns, or up to an eighth more. */
    DECIDED(await(&trial, 1000), " cut 1/0@2(65%)");
    DECIDED(cut(&trial, attempt_of(0, 2, 0, 2), 9, true),
            " start 1/0.3#0@0[9,10)! start 1/0.4#0@1[10,12)!");
    trial_finish(&trial, attempt_of(0, 3, 0, 0));
    trial_finish(&trial, attempt_of(0, 4, 0, 1));
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 2)), " commit 1/0#1(5)");
    expect_run(&trial, 0, 0, 4);
    expect_run(&trial, 2, 8, 9);
    expect_run(&trial, 3, 9, 10);
    expect_run(&trial, 4, 10, 12);
    trial_drop(&trial);
}
END_TEST

START_TEST(who_gives_up_nothing_is_asked_again_for_more)
{
    struct trial trial;
    begin(&trial, &watching, true);
    DECIDED(await(&trial, 1000), " cut 1/0@2(65%)");
    DECIDED(await(&trial, 1500), " cut 1/0@2(90%)");
    DECIDED(await(&trial, 2000), " cut 1/0@2(100%)");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 0, 2)), " commit 1/0#1(3)");
    DECIDED(await(&trial, 100000), "");
    trial_drop(&trial);
}
END_TEST

START_TEST(an_executor_is_asked_once_for_all_its_tasks_whose_rests_share_the_idle_workers)
{
    struct trial trial;
    struct stage_spec stages[] = {spec_source(24, 0)};
    stages[0].shares = true;
    trial_init(&trial, &watching);
    for (uint32_t executor = 0; executor < 3; executor++)
        trial_join(&trial, executor, executor, 2);
    DECIDED(trial_submit(&trial, 1, 1, stages),
            " ship 1/0@0 start 1/0.0#0@0[0,4) ship 1/0@1 start 1/0.1#0@1[4,8) ship 1/0@2 start "
            "1/0.2#0@2[8,12) start 1/0.3#0@0[12,16) start 1/0.4#0@1[16,20) start "
            "1/0.5#0@2[20,24)");
    trial.time_ns = 1000;
    for (uint32_t task = 0; task < 5; task++)
        if (task != 2 && task != 1)
            trial_finish(&trial, attempt_of(0, task, 0, task % 3));
    DECIDED(await(&trial, 1000), " cut 1/0@2(65%) cut 1/0@1(65%)");
    trial_finish(&trial, attempt_of(0, 1, 0, 1));
    DECIDED(cut(&trial, attempt_of(0, 2, 0, 2), 9, true),
            " start 1/0.6#0@0[9,10)! start 1/0.7#0@1[10,12)!");
    DECIDED(cut(&trial, attempt_of(0, 5, 0, 2), 21, true),
            " start 1/0.8#0@0[21,22)! start 1/0.9#0@1[22,24)!");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_task_that_is_apart_is_copied_and_one_that_is_not_never)
{
    for (int is_alone = 0; is_alone < 2; is_alone++) {
        struct trial trial;
        begin(&trial, &watching, true);
        DECIDED(trial_want_copy(&trial, 1, 0, 2), "");
        await(&trial, 1000);
        cut(&trial, attempt_of(0, 2, 0, 2), 9, is_alone);
        trial_finish(&trial, attempt_of(0, 3, 0, 0));
        DECIDED(trial_want_copy(&trial, 1, 0, 2), is_alone ? " start 1/0.2#1@0[8,9)!" : "");
        trial_drop(&trial);
    }
}
END_TEST

START_TEST(what_is_lost_after_a_cut_is_made_again_as_it_was_cut)
{
    struct trial trial;
    begin(&trial, &watching, true);
    await(&trial, 1000);
    cut(&trial, attempt_of(0, 2, 0, 2), 9, false);
    trial_finish(&trial, attempt_of(0, 3, 0, 0));
    /* The task that is not apart may share where it runs next. */
    DECIDED(trial_lose(&trial, 2), " owners 1/0 start 1/0.2#1@0[8,9)");
    DECIDED(trial_lose(&trial, 1), " owners 1/0");
    DECIDED(trial_finish(&trial, attempt_of(0, 2, 1, 0)), " start 1/0.4#1@0[10,12)!");
    DECIDED(trial_finish(&trial, attempt_of(0, 4, 1, 0)), " start 1/0.1#1@0[4,8)");
    DECIDED(trial_finish(&trial, attempt_of(0, 1, 1, 0)), " commit 1/0#1(5)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_an_attempt_gives_up_that_will_not_count_stays_its_task_s)
{
    struct trial trial;
    begin(&trial, &watching, true);
    await(&trial, 1000);
    DECIDED(trial_lose(&trial, 2), " owners 1/0 start 1/0.2#1@0[8,12)");
    DECIDED(cut(&trial, attempt_of(0, 2, 0, 2), 9, true), "");
    trial_cancel(&trial, 1);
    DECIDED(cut(&trial, attempt_of(0, 2, 1, 0), 9, true), "");
    trial_drop(&trial);
}
END_TEST

/* A shuffle of twelve partitions, a third on each of three executors, and a stage that reads it in
 * three tasks that share: the first two end after 1000 ns. */
static void begin_reading(struct trial *trial, const struct stage_spec *reader)
{
    struct stage_spec stages[] = {spec_source(3, 12), *reader};
    trial_init(trial, &watching);
    for (uint32_t executor = 0; executor < 3; executor++)
        trial_join(trial, executor, executor, 1);
    trial_submit(trial, 1, 2, stages);
    for (uint32_t task = 0; task < 3; task++)
        trial_finish(trial, attempt_of(0, task, 0, task));
    DECIDED(trial_committed(trial, 1, 0, 1),
            " ship 1/1@0 start 1/1.0#0@0[0,4) ship 1/1@1 start 1/1.1#0@1[4,8) ship 1/1@2 start "
            "1/1.2#0@2[8,12)");
    trial->time_ns += 1000;
    trial_finish(trial, attempt_of(1, 0, 0, 0));
    trial_finish(trial, attempt_of(1, 1, 0, 1));
}

static struct stage_spec reader_that_shares(void)
{
    static const struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec reader = spec_reader(12, &input);
    reader.shares = true;
    return reader;
}

START_TEST(what_was_sent_to_a_slow_executor_is_lent_to_who_gets_the_rest)
{
    struct trial trial;
    struct stage_spec reader = reader_that_shares();
    begin_reading(&trial, &reader);
    DECIDED(await(&trial, 1000), " cut 1/1@2(65%)");
    DECIDED(cut(&trial, attempt_of(1, 2, 0, 2), 9, true),
            " start 1/1.3#0@0[9,10)<2! start 1/1.4#0@1[10,12)<2!");
    DECIDED(trial_fail(&trial, attempt_of(1, 3, 0, 0), CAUSE_CANCELLED, 0, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 4, 0, 1)), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 2, 0, 2)), " start 1/1.3#1@2[9,10)!");
    DECIDED(trial_finish(&trial, attempt_of(1, 3, 1, 2)), " commit 1/1#1(5)");
    trial_drop(&trial);
}
END_TEST

START_TEST(rests_that_are_lent_end_with_their_lender)
{
    struct trial trial;
    struct stage_spec reader = reader_that_shares();
    begin_reading(&trial, &reader);
    await(&trial, 1000);
    cut(&trial, attempt_of(1, 2, 0, 2), 9, true);
    ck_assert_ptr_nonnull(strstr(trial_lose(&trial, 2), " cancel 1/1.4#0@1 cancel 1/1.3#0@0"));
    trial_drop(&trial);
}
END_TEST

START_TEST(stages_that_forbid_copies_or_have_pins_lend_no_rests)
{
    static const uint32_t pins[12] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
    for (int is_pinned = 0; is_pinned < 2; is_pinned++) {
        struct trial trial;
        struct stage_spec reader = reader_that_shares();
        reader.forbids_copies = !is_pinned;
        reader.pins = is_pinned ? pins : NULL;
        begin_reading(&trial, &reader);
        DECIDED(await(&trial, 100000), "");
        trial_drop(&trial);
    }
}
END_TEST

START_TEST(what_cannot_be_given_up_is_refused)
{
    struct trial trial;
    struct attempt_id id = attempt_of(0, 2, 0, 2);
    const uint32_t wrong[] = {0, 8, 12, 13};
    begin(&trial, &watching, true);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct event event = cut_of(id, wrong[i], true);
        ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    }
    struct event event = cut_of(id, 9, true);
    trial_send(&trial, &event);
    event.run_cut.id = attempt_of(0, 4, 0, 1); /* a rest shares with nobody */
    event.run_cut.end_partition = 11;
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    trial_drop(&trial);
    begin(&trial, &watching, false);
    event = cut_of(id, 9, true);
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    trial_drop(&trial);
}
END_TEST

START_TEST(nobody_is_asked_without_need)
{
    struct trial trial;
    begin(&trial, &(struct scheduler_options){.slow_percent = 0}, true);
    DECIDED(await(&trial, 100000), "");
    trial_drop(&trial);
    begin(&trial, &watching, true);
    struct stage_spec other = spec_source(2, 0); /* for which the idle workers are taken */
    trial_submit(&trial, 2, 1, &other);
    DECIDED(await(&trial, 100000), "");
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/cut", idle_workers_get_what_a_slow_executor_has_not_begun,
           who_gives_up_nothing_is_asked_again_for_more,
           an_executor_is_asked_once_for_all_its_tasks_whose_rests_share_the_idle_workers,
           a_task_that_is_apart_is_copied_and_one_that_is_not_never,
           what_is_lost_after_a_cut_is_made_again_as_it_was_cut,
           what_an_attempt_gives_up_that_will_not_count_stays_its_task_s,
           what_was_sent_to_a_slow_executor_is_lent_to_who_gets_the_rest,
           rests_that_are_lent_end_with_their_lender,
           stages_that_forbid_copies_or_have_pins_lend_no_rests, what_cannot_be_given_up_is_refused,
           nobody_is_asked_without_need)
