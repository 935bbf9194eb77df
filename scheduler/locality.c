#include "scheduler/locality.h"

#include "base/checked.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

static bool is_waiting(const struct timer *timer) { return timer->node.position != HEAP_OUTSIDE; }

BARKS_CHECKED static barks_status *wait_for(struct scheduler *scheduler, struct timer *timer,
                                            uint64_t wait_ns, uint64_t order)
{
    uint64_t until_ns = 0;
    if (ckd_add(&until_ns, scheduler->now_ns, wait_ns))
        until_ns = UINT64_MAX - 1;
    timer->node.key[0] = until_ns;
    timer->node.key[1] = order;
    return heap_insert(&scheduler->timers, &timer->node);
}

static void stop_waiting(struct scheduler *scheduler, struct timer *timer)
{
    if (is_waiting(timer))
        heap_remove(&scheduler->timers, &timer->node);
}

/* What a wait is for takes no longer than a task of the stage, where that is known. */
static uint64_t longest_wait_ns(const struct scheduler *scheduler, const struct stage *stage)
{
    uint64_t wait_ns = scheduler->options.locality_wait_ns, median_ns = wait_ns;
    if (stage->durations != NULL && stage->durations->total > 0)
        median_ns = durations_median_ns(stage->durations);
    return median_ns < wait_ns ? median_ns : wait_ns;
}

/* ---- stages ---- */

static bool has_wishes(const struct stage *stage)
{
    return stage->lane_count > 0 && stage->lanes[stage->lane_count - 1].level == LANE_STEAL;
}

static bool is_counted(const struct stage *stage) { return stage->wishes.stage != NULL; }

barks_status *locality_begin(struct scheduler *scheduler, struct stage *stage)
{
    if (scheduler->options.locality_wait_ns == 0 || is_counted(stage) || !has_wishes(stage))
        return NULL;
    stage->wishes =
        (struct wishes){.timer = {.node = {.position = HEAP_OUTSIDE}, .kind = TIMER_WISHES},
                        .stage = stage,
                        .begin_ns = scheduler->now_ns};
    scheduler->wishing_count++;
    return wait_for(scheduler, &stage->wishes.timer, longest_wait_ns(scheduler, stage),
                    stage->index);
}

void locality_note_duration(struct scheduler *scheduler, struct stage *stage)
{
    struct heap_node *node = &stage->wishes.timer.node;
    if (!locality_holds_all(stage))
        return;
    uint64_t until_ns = stage->wishes.begin_ns + longest_wait_ns(scheduler, stage);
    if (until_ns >= node->key[0]) /* it was cut short before, or has no end */
        return;
    node->key[0] = until_ns;
    heap_settle(&scheduler->timers, node);
}

void locality_end(struct scheduler *scheduler, struct stage *stage)
{
    if (!is_counted(stage))
        return;
    stop_waiting(scheduler, &stage->wishes.timer);
    stage->wishes.stage = NULL;
    scheduler->wishing_count--;
}

bool locality_holds_all(const struct stage *stage)
{
    return is_counted(stage) && is_waiting(&stage->wishes.timer);
}

/* ---- executors ---- */

static struct patience *patience_of(const struct scheduler *scheduler, uint32_t executor)
{
    return scheduler->executors.executors[executor].patience;
}

barks_status *locality_join(const struct scheduler *scheduler, uint32_t executor,
                            struct patience **out_patience)
{
    uint64_t wait_ns = scheduler->options.locality_wait_ns;
    *out_patience = wait_ns > 0 ? malloc(sizeof **out_patience) : NULL;
    if (wait_ns == 0)
        return NULL;
    if (*out_patience == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for how long executor %u waits", executor);
    **out_patience =
        (struct patience){.timer = {.node = {.position = HEAP_OUTSIDE}, .kind = TIMER_PATIENCE},
                          .executor = executor,
                          .wait_ns = wait_ns};
    return NULL;
}

void locality_lose(struct scheduler *scheduler, uint32_t executor)
{
    struct patience *patience = patience_of(scheduler, executor);
    if (patience == NULL)
        return;
    stop_waiting(scheduler, &patience->timer);
    patience->is_to_begin = false;
}

void locality_note_end(struct scheduler *scheduler, const struct attempt *attempt, bool was_full)
{
    struct patience *patience = patience_of(scheduler, attempt->executor);
    if (patience == NULL || !executor_is_alive(&scheduler->executors, attempt->executor))
        return;
    uint64_t wait_ns = longest_wait_ns(scheduler, attempt->stage);
    uint64_t took_ns = scheduler->now_ns - attempt->start_ns;
    patience->wait_ns = attempt->is_away && took_ns < wait_ns ? took_ns : wait_ns;
    patience->is_to_begin |= was_full;
}

barks_status *locality_look(struct scheduler *scheduler, uint32_t executor)
{
    struct patience *patience = patience_of(scheduler, executor);
    if (patience == NULL || !patience->is_to_begin)
        return NULL;
    patience->is_to_begin = false;
    stop_waiting(scheduler, &patience->timer); /* the time before it was busy */
    if (scheduler->wishing_count == 0 || patience->wait_ns == 0)
        return NULL; /* for stages that come later these wait */
    return wait_for(scheduler, &patience->timer, patience->wait_ns, executor);
}

bool locality_holds(const struct scheduler *scheduler, const struct stage *stage, uint32_t executor)
{
    const struct patience *patience = patience_of(scheduler, executor);
    if (!is_counted(stage) || patience == NULL)
        return false;
    return is_waiting(&stage->wishes.timer) || is_waiting(&patience->timer) ||
           patience->is_to_begin;
}

bool localities_are_sound(const struct scheduler *scheduler)
{
    uint32_t count = 0;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next)
        for (uint32_t index = 0; index < job->stage_count; index++) {
            const struct stage *stage = &job->stages[index];
            if (is_counted(stage) &&
                (stage->wishes.stage != stage || !has_wishes(stage) || !stage_is_active(stage)))
                return false;
            count += is_counted(stage);
        }
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++) {
        const struct patience *patience = patience_of(scheduler, id);
        bool is_alive = executor_is_alive(&scheduler->executors, id);
        if (patience != NULL &&
            (patience->is_to_begin || (is_waiting(&patience->timer) && !is_alive)))
            return false;
    }
    return count == scheduler->wishing_count;
}
