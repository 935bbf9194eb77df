#include "scheduler/lane.h"

#include "base/assertion.h"
#include "scheduler/stage.h"

static void drop_retry(struct lane *lane)
{
    struct task *task = &lane->stage->tasks[lane->retry_head];
    lane->retry_head = task->next_retry;
    if (lane->retry_head == TASK_NONE)
        lane->retry_tail = TASK_NONE;
    task->is_in_retries = false;
}

uint32_t lane_first(struct lane *lane)
{
    const struct stage *stage = lane->stage;
    while (lane->retry_head != TASK_NONE) {
        if (task_is_in_lanes(&stage->tasks[lane->retry_head]))
            return lane->retry_head;
        drop_retry(lane);
    }
    for (; lane->cursor < lane->end; lane->cursor++)
        if (task_is_in_lanes(&stage->tasks[stage->order[lane->cursor]]))
            return stage->order[lane->cursor];
    return TASK_NONE;
}

void lane_take(struct lane *lane)
{
    if (lane->retry_head != TASK_NONE) {
        drop_retry(lane);
    } else {
        BARKS_ASSERT(lane->cursor < lane->end);
        lane->cursor++;
    }
}

void lane_retry(struct lane *lane, uint32_t task_index)
{
    struct task *task = &lane->stage->tasks[task_index];
    BARKS_ASSERT(task_is_in_lanes(task));
    if (task->is_in_retries)
        return;
    task->is_in_retries = true;
    task->next_retry = TASK_NONE;
    if (lane->retry_tail == TASK_NONE)
        lane->retry_head = task_index;
    else
        lane->stage->tasks[lane->retry_tail].next_retry = task_index;
    lane->retry_tail = task_index;
}
