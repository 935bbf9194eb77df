#include "scheduler/overrun.h"

#include "base/checked.h"
#include "scheduler/scheduler_state.h"

void overruns_init(struct overruns *overruns)
{
    *overruns = (struct overruns){
        .timer = {.node = {.position = HEAP_OUTSIDE}, .kind = TIMER_OVERRUN},
        .head = ATTEMPT_NONE,
        .tail = ATTEMPT_NONE,
    };
}

static void append(struct scheduler *scheduler, uint32_t index)
{
    struct overruns *overruns = &scheduler->overruns;
    struct attempt *items = scheduler->attempts.items;
    items[index].is_timed = true;
    items[index].previous_by_start = overruns->tail;
    items[index].next_by_start = ATTEMPT_NONE;
    if (overruns->tail == ATTEMPT_NONE)
        overruns->head = index;
    else
        items[overruns->tail].next_by_start = index;
    overruns->tail = index;
}

void overruns_remove(struct scheduler *scheduler, uint32_t index)
{
    struct overruns *overruns = &scheduler->overruns;
    struct attempt *items = scheduler->attempts.items;
    if (!items[index].is_timed)
        return;
    uint32_t previous = items[index].previous_by_start, next = items[index].next_by_start;
    if (previous == ATTEMPT_NONE)
        overruns->head = next;
    else
        items[previous].next_by_start = next;
    if (next == ATTEMPT_NONE)
        overruns->tail = previous;
    else
        items[next].previous_by_start = previous;
    items[index].is_timed = false;
}

/* For the first one; it is left alone where an earlier moment is set, which costs a look. */
BARKS_CHECKED static barks_status *set_timer(struct scheduler *scheduler)
{
    struct overruns *overruns = &scheduler->overruns;
    if (overruns->head == ATTEMPT_NONE || overruns->timer.node.position != HEAP_OUTSIDE)
        return NULL;
    uint64_t at_ns = 0;
    if (ckd_add(&at_ns, scheduler->attempts.items[overruns->head].start_ns,
                scheduler->options.attempt_ns_max))
        return NULL; /* later than any clock */
    overruns->timer.node.key[0] = at_ns;
    return heap_insert(&scheduler->timers, &overruns->timer.node);
}

barks_status *overruns_add(struct scheduler *scheduler, uint32_t index)
{
    if (scheduler->options.attempt_ns_max == 0)
        return NULL;
    append(scheduler, index);
    return set_timer(scheduler);
}

void overruns_put_last(struct scheduler *scheduler, uint32_t index)
{
    if (!scheduler->attempts.items[index].is_timed)
        return;
    overruns_remove(scheduler, index);
    append(scheduler, index);
}

/* Its task fails as if its executor had said so, but for the worker, which is free only when the
 * executor says that it is. */
BARKS_CHECKED static barks_status *fail_overrun(struct scheduler *scheduler, uint32_t index)
{
    struct stage *stage = scheduler->attempts.items[index].stage;
    struct event event = {
        .kind = EVENT_ATTEMPT_FAILED,
        .attempt_failed = {.id = attempt_identity(&scheduler->attempts.items[index]),
                           .cause = CAUSE_DEADLINE,
                           .is_retryable = true}};
    struct decision overrun = {.kind = DECISION_ATTEMPT_OVERRUN,
                               .attempt_overrun = event.attempt_failed.id};
    uint32_t task = event.attempt_failed.id.task;
    bool is_excluded = false;
    BARKS_TRY(scheduler_decide(scheduler, &overrun));
    BARKS_TRY(attempt_cancel(scheduler, index));
    stage->attempts_failed++;
    BARKS_TRY(task_attempt_failed(scheduler, stage, &event, &is_excluded));
    if (is_excluded)
        return dispatch_all(scheduler);
    bool is_pending = stage->job->state == JOB_RUNNING && stage_is_active(stage) &&
                      stage->tasks[task].state == TASK_PENDING;
    return is_pending ? stage_dispatch(scheduler, stage) : NULL;
}

barks_status *overruns_look(struct scheduler *scheduler)
{
    const struct overruns *overruns = &scheduler->overruns;
    while (overruns->head != ATTEMPT_NONE) {
        uint32_t index = overruns->head;
        const struct attempt *attempt = &scheduler->attempts.items[index];
        if (scheduler->now_ns - attempt->start_ns < scheduler->options.attempt_ns_max)
            break;
        bool is_awaited = !attempt->is_cancel_sent;
        overruns_remove(scheduler, index);
        if (is_awaited)
            BARKS_TRY(fail_overrun(scheduler, index));
    }
    return set_timer(scheduler);
}
