/* The n-th allocation fails, for n = 1, 2, ... until a whole job passes: every way out is taken,
 * and the scheduler is either as before or says that it is broken. */
#include "scheduler_trial.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>

struct attempt_queue {
    struct attempt_id ids[64];
    uint32_t count;
};

/* Takes an event; false: memory has failed, and what remains is to drop everything. */
static bool send(struct scheduler *scheduler, const struct event *event,
                 struct decision_list *decisions)
{
    decisions->count = 0;
    barks_status *status = scheduler_handle(scheduler, event, decisions);
    if (status == NULL)
        return true;
    disarm_faults();
    ck_assert_int_eq(barks_status_code(status), BARKS_NO_MEMORY);
    barks_status_free(status);
    status = scheduler_handle(scheduler, &(struct event){.kind = EVENT_TIMER}, decisions);
    ck_assert_int_eq(status != NULL, scheduler_is_broken(scheduler));
    barks_status_free(status);
    if (!scheduler_is_broken(scheduler)) {
        ck_assert(scheduler_is_sound(scheduler));
        decisions->count = 0;
        status = scheduler_handle(scheduler, event, decisions); /* goes well the second time */
        ck_assert_ptr_null(status);
    }
    return false;
}

/* Joins, a job with wishes, sizes, shuffles and a deadline, failures that exclude an executor, a
 * loss, and so to the end. Asserts
 * nothing itself, since check allocates too. */
static bool run_job(struct scheduler *scheduler, struct decision_list *decisions,
                    enum job_result *out_result)
{
    for (uint32_t executor = 0; executor < 3; executor++)
        if (!send(scheduler,
                  &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                  .executor_joined = {.executor = 20 * executor,
                                                      .node = 10 * executor,
                                                      .worker_count = 2}},
                  decisions))
            return false;
    struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {spec_source(8, 8), spec_reader(12, &input)};
    uint64_t bytes[8] = {5, 4, 3, 2, 1, 2, 3, 4};
    uint32_t place_firsts[9] = {0, 1, 1, 1, 1, 1, 1, 1, 2};
    struct place places[2] = {{PLACE_EXECUTOR, 20}, {PLACE_NODE, 10}};
    stages[0].partition_bytes = bytes;
    stages[0].place_firsts = place_firsts;
    stages[0].places = places;
    struct job_spec spec = {.id = 1, .deadline_ns = 10, .stage_count = 2, .stages = stages};
    struct attempt_queue queue = {0};
    struct event events[4] = {{.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec}};
    bool is_lost = false;
    for (uint32_t event_count = 1; event_count > 0;) {
        if (!send(scheduler, &events[--event_count], decisions))
            return false;
        for (size_t i = 0; i < decisions->count; i++) {
            const struct decision *decision = &decisions->items[i];
            if (decision->kind == DECISION_START_TASK)
                queue.ids[queue.count++] = decision->start_task.id;
            if (decision->kind == DECISION_COMMIT_STAGE)
                events[event_count++] =
                    (struct event){.kind = EVENT_STAGE_COMMITTED,
                                   .stage_committed = {.job = 1,
                                                       .stage = decision->commit_stage.stage,
                                                       .commit = decision->commit_stage.commit,
                                                       .output_partition_bytes = bytes}};
            if (decision->kind == DECISION_JOB_FINISHED)
                *out_result = decision->job_finished.outcome.result;
        }
        if (event_count == 0 && queue.count > 0) {
            struct attempt_id id = queue.ids[--queue.count];
            events[event_count++] =
                (struct event){.kind = EVENT_ATTEMPT_FINISHED, .attempt_finished = {.id = id}};
            if (id.stage == 0 && id.executor == 40 && id.attempt == 0)
                events[event_count - 1] = (struct event){
                    .kind = EVENT_ATTEMPT_FAILED,
                    .attempt_failed = {.id = id, .cause = CAUSE_RESOURCE, .is_retryable = true}};
            if (id.stage == 1 && !is_lost)
                events[event_count++] =
                    (struct event){.kind = EVENT_EXECUTOR_LOST, .executor_lost = {.executor = 20}};
            is_lost |= id.stage == 1;
        }
    }
    return true;
}

START_TEST(every_allocation_may_fail)
{
    bool is_through = false;
    uint64_t failing = 0;
    while (!is_through) {
        failing++;
        ck_assert_uint_lt(failing, 10000);
        struct scheduler *scheduler = NULL;
        struct decision_list decisions = {0};
        struct scheduler_options options = {
            .attempts_max = 4, .exclusion_ns = 1000, .locality_wait_ns = 1, .recovers = true};
        enum job_result result = JOB_RESULT_FAILED;
        arm_faults("fail:call=allocation,n=%" PRIu64 "+", failing);
        barks_status *status = scheduler_create(&options, &scheduler);
        if (status == NULL)
            is_through = run_job(scheduler, &decisions, &result);
        disarm_faults();
        barks_status_free(status);
        ck_assert(!is_through || result == JOB_RESULT_DONE);
        scheduler_destroy(scheduler);
        decision_list_drop(&decisions);
    }
    ck_assert_uint_gt(failing, 30);
}
END_TEST

SUITE_MAIN("scheduler/memory", every_allocation_may_fail)
