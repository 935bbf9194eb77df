/* Pools: whose tasks go first. What follows over time is in tests/sim/test_pool_sim.c. */
#include "scheduler/job_pool.h"
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const struct stage_spec one_task = {
    .output = OUTPUT_RESULT, .policy = RUNS_SINGLE, .partition_count = 1};
static const struct stage_spec four_tasks = {
    .output = OUTPUT_RESULT, .policy = RUNS_SINGLE, .partition_count = 4};

static void begin(struct trial *trial, const struct pool_spec *pools, uint32_t pool_count,
                  uint32_t workers)
{
    struct scheduler_options options = {.pools = pools, .pool_count = pool_count};
    trial_init(trial, &options);
    DECIDED(trial_join(trial, 0, 0, workers), "");
}

static struct attempt_id id_of(uint64_t job, uint32_t task)
{
    return (struct attempt_id){.job = job, .task = task};
}

START_TEST(jobs_of_a_fifo_pool_go_by_priority_then_order)
{
    struct trial trial;
    begin(&trial, NULL, 0, 1);
    DECIDED(trial_submit(&trial, 1, 1, &one_task), " ship 1/0@0 start 1/0.0#0@0[0,1)");
    DECIDED(trial_submit_to(&trial, 2, 0, 0, 1, &one_task), "");
    DECIDED(trial_submit_to(&trial, 3, 0, -1, 1, &one_task), "");
    DECIDED(trial_submit_to(&trial, 4, 0, 32767, 1, &one_task), "");
    DECIDED(trial_submit_to(&trial, 5, 0, -32767, 1, &one_task), "");
    DECIDED(trial_submit_to(&trial, 6, 0, 0, 1, &one_task), "");
    static const uint64_t order[] = {1, 4, 2, 6, 3, 5};
    static const char *const next[] = {"start 4/", "start 2/", "start 6/", "start 3/", "start 5/"};
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_nonnull(strstr(trial_finish(&trial, id_of(order[i], 0)), next[i]));
    trial_drop(&trial);
}
END_TEST

START_TEST(jobs_of_a_fair_pool_take_turns)
{
    static const struct pool_spec fair = {.policy = POOL_FAIR, .weight = 1};
    struct trial trial;
    begin(&trial, &fair, 1, 2);
    trial_submit(&trial, 1, 1, &four_tasks);
    DECIDED(trial_submit(&trial, 2, 1, &four_tasks), "");
    DECIDED(trial_finish(&trial, id_of(1, 0)), " ship 2/0@0 start 2/0.0#0@0[0,1)");
    DECIDED(trial_finish(&trial, id_of(2, 0)), " start 2/0.1#0@0[1,2)"); /* 1 has one already */
    DECIDED(trial_finish(&trial, id_of(1, 1)), " start 1/0.2#0@0[2,3)");
    trial_drop(&trial);
}
END_TEST

START_TEST(pools_go_by_need_then_weight)
{
    static const struct pool_spec pools[] = {{.policy = POOL_FIFO, .weight = 1},
                                             {.policy = POOL_FIFO, .weight = 2},
                                             {.policy = POOL_FIFO, .weight = 1, .workers_min = 1}};
    struct trial trial;
    begin(&trial, pools, 3, 4);
    trial_submit_to(&trial, 1, 0, 0, 1, &four_tasks); /* has all four */
    DECIDED(trial_submit_to(&trial, 2, 1, 0, 1, &four_tasks), "");
    DECIDED(trial_submit_to(&trial, 3, 2, 0, 1, &four_tasks), "");
    trial_submit_to(&trial, 4, 0, 0, 1, &four_tasks);
    ck_assert_ptr_nonnull(strstr(trial_finish(&trial, id_of(1, 0)), "start 3/"));
    ck_assert_ptr_nonnull(strstr(trial_finish(&trial, id_of(1, 1)), "start 2/"));
    ck_assert_ptr_nonnull(strstr(trial_finish(&trial, id_of(1, 2)), "start 2/")); /* 1/2 < 1 */
    /* All have one for each of their weight: the turns of 1 and 3 (0 and 2) are behind. */
    ck_assert_ptr_nonnull(strstr(trial_finish(&trial, id_of(1, 3)), "start 4/"));
    trial_drop(&trial);
}
END_TEST

/* Tasks that must run on one executor compete with those for anybody. */
START_TEST(pinned_tasks_compete_as_their_pool_does)
{
    static const struct pool_spec pools[] = {{.policy = POOL_FAIR, .weight = 1},
                                             {.policy = POOL_FAIR, .weight = 1}};
    static const uint32_t pins[] = {0, 0, 0, 0};
    struct stage_spec pinned = four_tasks;
    pinned.pins = pins;
    struct trial trial;
    begin(&trial, pools, 2, 2);
    trial_submit_to(&trial, 1, 0, 0, 1, &four_tasks);
    trial_submit_to(&trial, 2, 1, 0, 1, &pinned);
    trial_submit_to(&trial, 3, 1, 0, 1, &pinned);
    DECIDED(trial_finish(&trial, id_of(1, 0)), " ship 2/0@0 start 2/0.0#0@0[0,1)");
    DECIDED(trial_finish(&trial, id_of(2, 0)), " ship 3/0@0 start 3/0.0#0@0[0,1)");
    DECIDED(trial_finish(&trial, id_of(3, 0)), " start 2/0.1#0@0[1,2)");
    DECIDED(trial_finish(&trial, id_of(2, 1)), " start 3/0.1#0@0[1,2)");
    DECIDED(trial_finish(&trial, id_of(1, 1)), " start 1/0.2#0@0[2,3)");
    DECIDED(trial_cancel(&trial, 2), " cancelled 2(cancelled)");
    DECIDED(trial_finish(&trial, id_of(3, 1)), " start 3/0.2#0@0[2,3)");
    trial_drop(&trial);
}
END_TEST

/* A task that has failed competes as its job does. */
START_TEST(retries_compete_as_their_pool_does)
{
    static const struct pool_spec pools[] = {{.policy = POOL_FIFO, .weight = 1},
                                             {.policy = POOL_FIFO, .weight = 1}};
    struct scheduler_options options = {.pools = pools, .pool_count = 2, .attempts_max = 4};
    struct trial trial;
    trial_init(&trial, &options);
    trial_join(&trial, 0, 0, 2);
    trial_submit_to(&trial, 1, 0, 0, 1, &four_tasks);
    trial_submit_to(&trial, 2, 1, 0, 1, &four_tasks);
    DECIDED(trial_fail(&trial, id_of(1, 0), CAUSE_RESOURCE, 1, 0),
            " ship 2/0@0 start 2/0.0#0@0[0,1)");
    DECIDED(trial_finish(&trial, id_of(1, 1)), " start 1/0.0#1@0[0,1)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    static const struct {
        struct pool_spec spec;
        barks_code code;
    } bad[] = {
        {{.policy = POOL_FIFO, .weight = 0}, BARKS_LIMIT},
        {{.policy = POOL_FIFO, .weight = SCHEDULER_SHARE_MAX + 1}, BARKS_LIMIT},
        {{.policy = POOL_FIFO, .weight = 1, .workers_min = SCHEDULER_SHARE_MAX + 1}, BARKS_LIMIT},
        {{.policy = (enum pool_policy)7, .weight = 1}, BARKS_INVALID}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pool_table table = {0};
        barks_status *status = pool_table_init(&table, &bad[i].spec, 1);
        ck_assert_ptr_nonnull(status);
        ck_assert_int_eq(barks_status_code(status), bad[i].code);
        barks_status_free(status);
    }
    struct trial trial;
    begin(&trial, NULL, 0, 1);
    struct job_spec spec = {.id = 1, .pool = 1, .stage_count = 1, .stages = &one_task};
    struct event event = {.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec};
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_INVALID);
    spec.pool = 0;
    spec.priority = SCHEDULER_PRIORITY_MAX + 1;
    ck_assert_int_eq(trial_refused(&trial, &event), BARKS_LIMIT);
    trial_drop(&trial);
}
END_TEST

SUITE_MAIN("scheduler/job_pool", jobs_of_a_fifo_pool_go_by_priority_then_order,
           jobs_of_a_fair_pool_take_turns, pools_go_by_need_then_weight,
           pinned_tasks_compete_as_their_pool_does, retries_compete_as_their_pool_does,
           what_makes_no_sense_is_refused)
