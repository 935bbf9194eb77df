#include "scheduler_loop.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct loop {
    struct scheduler *scheduler; /* owned */
    struct decision_list decisions;
    struct event *queue; /* owned ring; capacity is a power of two */
    size_t first, count, capacity;
    struct loop_result result;
    uint32_t done_count;
};

static double now_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void push(struct loop *loop, const struct event *event)
{
    if (loop->count == loop->capacity) {
        size_t capacity = loop->capacity == 0 ? 1024 : 2 * loop->capacity;
        struct event *queue = calloc(capacity, sizeof *queue);
        if (queue == NULL)
            abort();
        for (size_t i = 0; i < loop->count; i++)
            queue[i] = loop->queue[(loop->first + i) & (loop->capacity - 1)];
        free(loop->queue);
        loop->queue = queue;
        loop->first = 0;
        loop->capacity = capacity;
    }
    loop->queue[(loop->first + loop->count++) & (loop->capacity - 1)] = *event;
}

static void obey(struct loop *loop, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_START_TASK:
        loop->result.tasks++;
        push(loop, &(struct event){.kind = EVENT_ATTEMPT_FINISHED,
                                   .attempt_finished = {.id = decision->start_task.id}});
        return;
    case DECISION_COMMIT_STAGE:
        push(loop, &(struct event){.kind = EVENT_STAGE_COMMITTED,
                                   .stage_committed = {.job = decision->commit_stage.job,
                                                       .stage = decision->commit_stage.stage,
                                                       .commit = decision->commit_stage.commit}});
        return;
    case DECISION_JOB_FINISHED:
        loop->done_count += decision->job_finished.outcome.result == JOB_RESULT_DONE;
        return;
    case DECISION_SHIP_STAGE:
    case DECISION_ATTEMPT_OVERRUN:
    case DECISION_CUT_RUNS:
    case DECISION_CANCEL_ATTEMPT:
    case DECISION_DISCARD_ATTEMPT:
    case DECISION_OWNERS_CHANGED:
    case DECISION_RELEASE_STAGE:
    case DECISION_EXECUTOR_EXCLUDED:
        return;
    }
}

static bool handle(struct loop *loop, const struct event *event)
{
    loop->decisions.count = 0;
    barks_status *status = scheduler_handle(loop->scheduler, event, &loop->decisions);
    if (status != NULL) {
        fprintf(stderr, "%s\n", barks_status_text(status));
        barks_status_free(status);
        return false;
    }
    loop->result.events++;
    loop->result.decisions += loop->decisions.count;
    for (size_t i = 0; i < loop->decisions.count; i++)
        obey(loop, &loop->decisions.items[i]);
    return true;
}

static bool run(struct loop *loop, const struct loop_shape *shape)
{
    for (uint32_t executor = 0; executor < shape->executor_count; executor++)
        if (!handle(loop,
                    &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                    .executor_joined = {.executor = executor,
                                                        .node = executor / 4,
                                                        .worker_count = shape->worker_count}}))
            return false;
    uint32_t job_count = shape->job_count > 0 ? shape->job_count : 1;
    loop->result = (struct loop_result){0};
    double begin = now_seconds();
    bool is_well = true;
    for (uint32_t index = 0; index < job_count && is_well; index++) {
        struct job_spec job = {.id = 1 + index,
                               .pool = shape->pool_count > 0 ? index % shape->pool_count : 0,
                               .stage_count = shape->stage_count,
                               .stages = shape->stages};
        is_well = handle(loop, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &job});
    }
    loop->result.submit_seconds = now_seconds() - begin;
    while (is_well && loop->count > 0) {
        struct event event = loop->queue[loop->first];
        loop->first = (loop->first + 1) & (loop->capacity - 1);
        loop->count--;
        is_well = handle(loop, &event);
    }
    loop->result.seconds = now_seconds() - begin;
    return is_well && loop->done_count == job_count;
}

const struct loop_result *loop_run(const struct loop_shape *shape, struct loop_result *out_result)
{
    struct loop loop = {0};
    struct scheduler_options options = {.executor_count_min = shape->executor_count,
                                        .pools = shape->pools,
                                        .pool_count = shape->pool_count};
    barks_status *status = scheduler_create(&options, &loop.scheduler);
    bool is_well = status == NULL && run(&loop, shape);
    barks_status_free(status);
    scheduler_destroy(loop.scheduler);
    decision_list_drop(&loop.decisions);
    free(loop.queue);
    *out_result = loop.result;
    return is_well ? out_result : NULL;
}
