/* Jobs of great size: nothing recurses along the stages, and an event costs the same in any crowd.
 */
#include "scheduler_loop.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

enum { STAGES = 10000 };

struct chain {
    struct stage_spec stages[STAGES];
    struct stage_input inputs[STAGES];
    struct loop_shape shape;
    struct loop_result result;
    bool is_well;
};

static void *run_chain(void *argument)
{
    struct chain *chain = argument;
    chain->is_well = loop_run(&chain->shape, &chain->result) != NULL;
    return NULL;
}

/* A stack of 64 KiB would not bear 10,000 frames. */
static void run_on_a_small_stack(struct chain *chain)
{
    pthread_attr_t attributes;
    pthread_t thread;
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, 64 << 10), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run_chain, chain), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

START_TEST(ten_thousand_chained_stages_do_not_recurse)
{
    struct chain *chain = calloc(1, sizeof *chain);
    ck_assert_ptr_nonnull(chain);
    for (uint32_t index = 0; index < STAGES; index++) {
        bool is_last = index + 1 == STAGES;
        chain->inputs[index] = (struct stage_input){.parent = index - 1, .kind = INPUT_PARTITIONS};
        chain->stages[index] = (struct stage_spec){.output = is_last ? OUTPUT_SINK : OUTPUT_SHUFFLE,
                                                   .policy = RUNS_COMBINE,
                                                   .partition_count = 4,
                                                   .output_partition_count = is_last ? 0 : 4,
                                                   .input_count = index > 0,
                                                   .inputs = &chain->inputs[index]};
    }
    chain->shape = (struct loop_shape){
        .executor_count = 4, .worker_count = 1, .stage_count = STAGES, .stages = chain->stages};
    run_on_a_small_stack(chain);
    ck_assert(chain->is_well);
    ck_assert_uint_eq(chain->result.tasks, UINT64_C(4) * STAGES);
    free(chain);
}
END_TEST

START_TEST(ten_thousand_stages_side_by_side)
{
    struct chain *chain = calloc(1, sizeof *chain);
    ck_assert_ptr_nonnull(chain);
    for (uint32_t index = 0; index < STAGES; index++)
        chain->stages[index] = (struct stage_spec){
            .output = OUTPUT_RESULT, .policy = RUNS_COMBINE, .partition_count = 10};
    chain->shape = (struct loop_shape){
        .executor_count = 4, .worker_count = 1, .stage_count = STAGES, .stages = chain->stages};
    run_on_a_small_stack(chain);
    ck_assert(chain->is_well);
    ck_assert_uint_eq(chain->result.tasks, UINT64_C(4) * STAGES);
    free(chain);
}
END_TEST

/* Least of three, per task. */
static double seconds_per_task(uint32_t executor_count)
{
    struct stage_spec stage = {
        .output = OUTPUT_RESULT, .policy = RUNS_SPREAD, .partition_count = 64 * executor_count};
    struct loop_shape shape = {
        .executor_count = executor_count, .worker_count = 8, .stage_count = 1, .stages = &stage};
    double least = 1e9;
    for (int repeat = 0; repeat < 3; repeat++) {
        struct loop_result result;
        ck_assert_ptr_nonnull(loop_run(&shape, &result));
        ck_assert_uint_eq(result.tasks, UINT64_C(64) * executor_count);
        double seconds = result.seconds / (double)result.tasks;
        least = seconds < least ? seconds : least;
    }
    return least;
}

/* A scan for each event would make it forty times as much; caches make it about twice. */
START_TEST(a_task_costs_the_same_among_forty_times_as_many)
{
    double few = seconds_per_task(50), many = seconds_per_task(2000);
    ck_assert_msg(many < 10 * few, "%.0f ns a task of 3,200, %.0f ns of 128,000", few * 1e9,
                  many * 1e9);
}
END_TEST

/* What malloc has given and not taken back; 0 under a sanitizer. */
static size_t held_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* A stage of so many tasks of its own on 1,000 executors of 16 workers, all of which end in turn.
 */
static double peak_bytes_per_task(uint32_t task_count)
{
    enum { EXECUTORS = 1000, WORKERS = 16 };
    size_t before = held_bytes(), peak = 0;
    struct scheduler_options options = {.slow_percent = 150, .slow_min_ns = 1, .ahead = 4};
    struct scheduler *scheduler = NULL;
    struct decision_list decisions = {0};
    must(scheduler_create(&options, &scheduler));
    for (uint32_t id = 0; id < EXECUTORS; id++)
        must(scheduler_handle(
            scheduler,
            &(struct event){
                .kind = EVENT_EXECUTOR_JOINED,
                .executor_joined = {.executor = id, .node = id / 4, .worker_count = WORKERS}},
            &decisions));
    struct stage_spec stage = {
        .output = OUTPUT_RESULT, .policy = RUNS_SINGLE, .partition_count = task_count};
    struct job_spec job = {.id = 1, .stage_count = 1, .stages = &stage};
    must(scheduler_handle(scheduler,
                          &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &job},
                          &decisions));
    uint32_t ended = 0;
    for (size_t next = 0; next < decisions.count; next++) {
        struct decision decision = decisions.items[next];
        if (decision.kind != DECISION_START_TASK)
            continue;
        struct event event = {.kind = EVENT_ATTEMPT_FINISHED, .time_ns = ++ended};
        event.attempt_finished.id = decision.start_task.id;
        must(scheduler_handle(scheduler, &event, &decisions));
        if (ended % 1000 == 0) { /* without the decisions, which nobody else keeps */
            size_t held = held_bytes() - decisions.capacity * sizeof *decisions.items;
            peak = held > peak ? held : peak;
        }
    }
    ck_assert_uint_eq(ended, task_count);
    decision_list_drop(&decisions);
    scheduler_destroy(scheduler);
    return peak > before ? (double)(peak - before) / task_count : 0;
}

START_TEST(memory_is_linear_in_tasks_and_small)
{
    double few = peak_bytes_per_task(50000), many = peak_bytes_per_task(400000);
    ck_assert_msg(many < 150, "%.0f bytes a task", many);
    ck_assert_msg(many < 1.1 * few, "%.0f bytes a task of 400,000, %.0f of 50,000", many, few);
}
END_TEST

SUITE_MAIN("scheduler/scale", ten_thousand_chained_stages_do_not_recurse,
           ten_thousand_stages_side_by_side, memory_is_linear_in_tasks_and_small,
           a_task_costs_the_same_among_forty_times_as_many)
