/* Quick tasks are given ahead of idle workers, and nothing is lost or waits for that. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

enum { TASKS = 40 };

static const struct scheduler_options giving = {
    .attempts_max = 4, .slow_percent = 150, .slow_min_ns = 100000, .ahead = 3, .recovers = true};

static struct stage_spec tasks(void)
{
    struct stage_spec stage = spec_source(TASKS, 0);
    stage.policy = RUNS_SINGLE;
    return stage;
}

static uint32_t count(const char *text, const char *word)
{
    uint32_t found = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        found++;
    return found;
}

/* One executor of one worker; its first tasks, which take so long each, have ended. Returns what
 * the last of these ends led to. */
static const char *begin(struct trial *trial, const struct scheduler_options *options,
                         const struct stage_spec *stage, uint64_t task_ns, uint32_t ended)
{
    const char *decided = "";
    trial_init(trial, options);
    trial_join(trial, 0, 0, 1);
    trial_submit(trial, 1, 1, stage);
    for (uint32_t task = 0; task < ended; task++) {
        trial->time_ns += task_ns;
        decided = trial_finish(trial, attempt_of(0, task, 0, 0));
        if (task + 1 < ended)
            ck_assert_uint_eq(count(decided, " start "), 1);
    }
    return decided;
}

START_TEST(quick_tasks_are_given_ahead_in_their_order)
{
    struct trial trial;
    struct stage_spec stage = tasks();
    DECIDED(begin(&trial, &giving, &stage, 1000, 8),
            " start 1/0.8#0@0[8,9) start 1/0.9#0@0[9,10) start 1/0.10#0@0[10,11) start "
            "1/0.11#0@0[11,12)");
    for (uint32_t task = 8; task < TASKS; task++) {
        trial.time_ns += 1000;
        const char *decided = trial_finish(&trial, attempt_of(0, task, 0, 0));
        ck_assert_uint_eq(count(decided, " start "), task + 4 < TASKS ? 1 : 0);
        ck_assert_uint_eq(count(decided, " commit "), task + 1 == TASKS);
    }
    trial_drop(&trial);
}
END_TEST

static void expect_none(const struct scheduler_options *options, const struct stage_spec *stage,
                        uint64_t task_ns)
{
    struct trial trial;
    ck_assert_uint_eq(count(begin(&trial, options, stage, task_ns, 30), " start "), 1);
    trial_drop(&trial);
}

START_TEST(others_are_not)
{
    struct scheduler_options options = giving;
    struct stage_spec stage = tasks();
    expect_none(&options, &stage, 2000000); /* slow ones */
    stage.forbids_copies = true;
    expect_none(&options, &stage, 1000);
    stage = tasks();
    options.slow_percent = 0;
    options.keeps_durations = true;
    expect_none(&options, &stage, 1000);
    options = giving;
    options.attempt_ns_max = 1000000;
    expect_none(&options, &stage, 1000);
    options = giving;
    options.ahead = 0;
    expect_none(&options, &stage, 1000);
}
END_TEST

/* A report may overtake another: it says that an attempt has ended which was thought to wait. */
START_TEST(an_attempt_may_end_while_it_waits)
{
    struct trial trial;
    struct stage_spec stage = tasks();
    begin(&trial, &giving, &stage, 1000, 8);
    DECIDED(trial_finish(&trial, attempt_of(0, 10, 0, 0)), " start 1/0.12#0@0[12,13)");
    DECIDED(trial_fail(&trial, attempt_of(0, 9, 0, 0), CAUSE_RESOURCE, 1, 0), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 8, 0, 0)), "");
    DECIDED(trial_finish(&trial, attempt_of(0, 11, 0, 0)), "");
    /* Who is tried again has waited for a worker, and those behind him too. */
    DECIDED(trial_finish(&trial, attempt_of(0, 12, 0, 0)),
            " start 1/0.9#1@0[9,10) start 1/0.13#0@0[13,14) start 1/0.14#0@0[14,15) start "
            "1/0.15#0@0[15,16)");
    trial_drop(&trial);
}
END_TEST

/* Nobody begins for a long time: what waits behind is copied to who is idle. */
START_TEST(what_waits_behind_a_slow_task_is_copied)
{
    struct trial trial;
    struct stage_spec stage = tasks();
    stage.partition_count = 10;
    begin(&trial, &giving, &stage, 1000, 8); /* 8 runs, 9 waits */
    trial_join(&trial, 1, 1, 4);
    uint32_t copies = 0;
    while (copies < 2) {
        uint64_t next_ns = scheduler_next_deadline_ns(trial.scheduler);
        ck_assert_uint_lt(next_ns, 10000000);
        copies += count(trial_timer(&trial, next_ns), "@1[");
    }
    for (uint32_t task = 8; task < 10; task++) {
        const char *decided = trial_finish(&trial, attempt_of(0, task, 1, 1));
        ck_assert_uint_eq(count(decided, " cancel "), 1);
        ck_assert_uint_eq(count(decided, " commit "), task == 9);
    }
    trial_drop(&trial);
}
END_TEST

START_TEST(what_waited_on_a_lost_executor_has_lost_nothing)
{
    struct trial trial;
    struct scheduler_options options = giving;
    struct stage_spec stage = tasks();
    options.losses_max = 1; /* which is what the one that runs bears */
    begin(&trial, &options, &stage, 1000, 8);
    trial_join(&trial, 1, 1, 1); /* is given 12, and later ones ahead */
    for (uint32_t task = 12; task < 16; task++)
        trial_finish(&trial, attempt_of(0, task, 0, 1));
    trial_lose(&trial, 0); /* with 8 to 11, of which 8 ran */
    trial_join(&trial, 2, 0, 1);
    const char *decided = trial_lose(&trial, 1);
    ck_assert_uint_eq(count(decided, " failed "), 0);
    ck_assert_int_eq(trial_state(&trial, 1, 0), STAGE_RUNNING);
    trial_drop(&trial);
}
END_TEST

START_TEST(a_job_that_is_cancelled_ends_with_what_waits)
{
    struct trial trial;
    struct stage_spec stage = tasks();
    begin(&trial, &giving, &stage, 1000, 8);
    ck_assert_uint_eq(count(trial_cancel(&trial, 1), " cancel "), 4);
    for (uint32_t task = 11; task >= 8; task--) {
        const char *decided = trial_fail(&trial, attempt_of(0, task, 0, 0), CAUSE_CANCELLED, 0, 0);
        ck_assert_uint_eq(count(decided, " cancelled "), task == 8);
    }
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/ahead", quick_tasks_are_given_ahead_in_their_order, others_are_not,
           an_attempt_may_end_while_it_waits, what_waits_behind_a_slow_task_is_copied,
           what_waited_on_a_lost_executor_has_lost_nothing,
           a_job_that_is_cancelled_ends_with_what_waits)
