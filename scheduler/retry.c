#include "scheduler/retry.h"

#include "scheduler/exclusion.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

barks_status *retry_list_add(struct retry_list *list, struct stage *stage, uint32_t task)
{
    struct retry *retry = calloc(1, sizeof *retry);
    if (retry == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to try a task again");
    *retry = (struct retry){.stage = stage, .task = task, .previous = list->last};
    if (list->last == NULL)
        list->first = retry;
    else
        list->last->next = retry;
    list->last = retry;
    list->count++;
    return NULL;
}

void retry_list_remove(struct retry_list *list, struct retry *retry)
{
    if (retry->previous == NULL)
        list->first = retry->next;
    else
        retry->previous->next = retry->next;
    if (retry->next == NULL)
        list->last = retry->previous;
    else
        retry->next->previous = retry->previous;
    list->count--;
    free(retry);
}

void retry_list_forget(struct retry_list *list, const struct stage *stage)
{
    struct retry *next = NULL;
    for (struct retry *retry = list->first; retry != NULL; retry = next) {
        next = retry->next;
        if (retry->stage == stage)
            retry_list_remove(list, retry);
    }
}

void retry_list_drop(struct retry_list *list)
{
    while (list->first != NULL)
        retry_list_remove(list, list->first);
}

barks_status *failure_note(struct stage *stage, uint32_t task_index, uint32_t executor,
                           bool *out_is_new)
{
    struct task *task = &stage->tasks[task_index];
    *out_is_new = false;
    for (uint32_t i = task->failures_head; i != FAILURE_NONE; i = stage->failures[i].next_of_task)
        if (stage->failures[i].executor == executor)
            return NULL;
    if (stage->failure_count == stage->failure_capacity) {
        uint32_t capacity = stage->failure_capacity == 0 ? 8 : 2 * stage->failure_capacity;
        struct failure *failures = reallocarray(stage->failures, capacity, sizeof *failures);
        if (failures == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u failures of stage %u", capacity,
                       stage->index);
        stage->failures = failures;
        stage->failure_capacity = capacity;
    }
    stage->failures[stage->failure_count] =
        (struct failure){.executor = executor, .next_of_task = task->failures_head};
    task->failures_head = stage->failure_count++;
    task->is_wary = task->lane == LANE_NONE;
    *out_is_new = true;
    return NULL;
}

static uint32_t owner_of(const struct stage *stage, const struct task *task)
{
    return task->lane != LANE_NONE ? stage->lanes[task->lane].place : EXECUTOR_NONE;
}

bool task_may_run_on(const struct scheduler *scheduler, const struct stage *stage,
                     uint32_t task_index, uint32_t executor)
{
    const struct task *task = &stage->tasks[task_index];
    if (task->lane != LANE_NONE && !task_may_be_lent(stage, task))
        return owner_of(stage, task) == executor;
    if (exclusion_holds(scheduler, stage, executor))
        return false;
    bool has_failed_here = false;
    uint32_t failed_on = 0;
    for (uint32_t i = task->failures_head; i != FAILURE_NONE; i = stage->failures[i].next_of_task) {
        uint32_t other = stage->failures[i].executor;
        has_failed_here |= other == executor;
        failed_on += executor_is_alive(&scheduler->executors, other) &&
                     !exclusion_holds(scheduler, stage, other);
    }
    return !has_failed_here || failed_on >= exclusion_usable_count(scheduler, stage);
}

bool retry_is_for(const struct scheduler *scheduler, const struct retry *retry, uint32_t executor)
{
    uint32_t owner = owner_of(retry->stage, &retry->stage->tasks[retry->task]);
    return task_may_run_on(scheduler, retry->stage, retry->task, executor) &&
           (owner == EXECUTOR_NONE || owner == executor ||
            !task_may_run_on(scheduler, retry->stage, retry->task, owner));
}

/* A pending task of a lane, whose owner is excluded. */
BARKS_CHECKED static barks_status *move_to_retries(struct scheduler *scheduler, struct stage *stage,
                                                   uint32_t index)
{
    struct task *task = &stage->tasks[index];
    if (!task_is_in_lanes(task) || !task_may_be_lent(stage, task))
        return NULL;
    task->is_wary = true;
    return retry_list_add(&scheduler->retries, stage, index);
}

barks_status *retries_leave(struct scheduler *scheduler, struct stage *stage, uint32_t executor)
{
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        const struct lane *lane = &stage->lanes[index];
        if (!lane->is_pinned || lane->place != executor || stage->gang.is_gang)
            continue;
        for (uint32_t task = lane->retry_head; task != TASK_NONE;
             task = stage->tasks[task].next_retry)
            BARKS_TRY(move_to_retries(scheduler, stage, task));
        for (uint32_t entry = lane->cursor; entry < lane->end; entry++)
            BARKS_TRY(move_to_retries(scheduler, stage, stage->order[entry]));
    }
    return NULL;
}

static bool is_before(const struct retry *a, const struct retry *b)
{
    if (a->stage->job != b->stage->job)
        return job_before(a->stage->job, b->stage->job);
    return a->stage->index < b->stage->index;
}

struct retry *retry_for(const struct scheduler *scheduler, uint32_t executor)
{
    struct retry *best = NULL;
    for (struct retry *retry = scheduler->retries.first; retry != NULL; retry = retry->next)
        if (stage_is_active(retry->stage) && (best == NULL || is_before(retry, best)) &&
            retry_is_for(scheduler, retry, executor) &&
            !gang_holds(scheduler, retry->stage, executor) &&
            executor_admits(scheduler, retry->stage, executor))
            best = retry;
    return best;
}
