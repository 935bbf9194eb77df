#include "scheduler/passed.h"

#include "scheduler/exclusion.h"
#include "scheduler/scheduler_state.h"

void passed_note(struct scheduler *scheduler, struct stage *stage, uint32_t executor)
{
    struct passed_list *list = &scheduler->passed;
    uint32_t lacked = room_lacks(&scheduler->executors.executors[executor], stage->needs);
    if (stage->passed.is_passed) {
        stage->passed.lacked |= stage->passed.executor == executor ? lacked : 0;
        return;
    }
    stage->passed = (struct passed){
        .is_passed = true, .executor = executor, .lacked = lacked, .previous = list->last};
    if (list->last == NULL)
        list->first = stage;
    else
        list->last->passed.next = stage;
    list->last = stage;
}

/* What the first one held may be of use to others. */
static void let_go(struct scheduler *scheduler, uint32_t executor)
{
    if (scheduler->passed.unheld == EXECUTOR_NONE || scheduler->passed.unheld == executor)
        scheduler->passed.unheld = executor;
    else
        scheduler->is_hold_over = true;
}

void passed_forget(struct scheduler *scheduler, struct stage *stage)
{
    struct passed_list *list = &scheduler->passed;
    struct passed *passed = &stage->passed;
    if (!passed->is_passed)
        return;
    if (passed->previous == NULL) {
        list->first = passed->next;
        let_go(scheduler, passed->executor);
    } else {
        passed->previous->passed.next = passed->next;
    }
    if (passed->next == NULL)
        list->last = passed->previous;
    else
        passed->next->passed.previous = passed->previous;
    *passed = (struct passed){0};
}

static bool could_run(const struct scheduler *scheduler, const struct stage *stage, uint32_t id)
{
    return executor_is_alive(&scheduler->executors, id) &&
           room_could_hold(&scheduler->executors.executors[id], stage->needs);
}

void passed_check(struct scheduler *scheduler)
{
    struct stage *next = NULL;
    for (struct stage *stage = scheduler->passed.first; stage != NULL; stage = next) {
        uint32_t executor = stage->passed.executor;
        next = stage->passed.next;
        if (!could_run(scheduler, stage, executor) || exclusion_holds(scheduler, stage, executor))
            passed_forget(scheduler, stage);
    }
}

bool passed_holds(const struct scheduler *scheduler, const struct stage *stage, uint32_t executor)
{
    const struct stage *first = scheduler->passed.first;
    return first != NULL && first != stage && first->passed.executor == executor &&
           room_would_take(&scheduler->executors.executors[executor], stage->needs, first->needs,
                           first->passed.lacked);
}

bool passed_is_sound(const struct scheduler *scheduler)
{
    const struct stage *previous = NULL;
    for (const struct stage *stage = scheduler->passed.first; stage != NULL;
         stage = stage->passed.next) {
        if (!stage->passed.is_passed || stage->passed.previous != previous ||
            !stage_is_active(stage) || stage->needs == NULL || stage->gang.is_gang ||
            !could_run(scheduler, stage, stage->passed.executor))
            return false;
        previous = stage;
    }
    return scheduler->passed.last == previous && scheduler->passed.unheld == EXECUTOR_NONE;
}
