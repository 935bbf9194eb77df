#include "scheduler/task.h"

#include "base/assertion.h"
#include "scheduler/attempt.h"

static const bool moves[TASK_STATE_COUNT][TASK_STATE_COUNT] = {
    [TASK_PENDING] = {[TASK_RUNNING] = true},
    [TASK_RUNNING] = {[TASK_PENDING] = true, [TASK_DONE] = true, [TASK_FAILED] = true},
    [TASK_DONE] = {[TASK_PENDING] = true}, /* its output was lost with an executor */
};

bool task_may_move(enum task_state from, enum task_state to) { return moves[from][to]; }

void task_move(struct task *task, enum task_state to, struct transition_counts *counts)
{
    BARKS_ASSERT(task_may_move((enum task_state)task->state, to));
    counts->task[task->state][to]++;
    task->state = (uint8_t)to;
}

bool task_is_sound(const struct task *task)
{
    switch ((enum task_state)task->state) {
    case TASK_PENDING:
        return true;
    case TASK_RUNNING:
        return task->attempts_head != ATTEMPT_NONE && task->attempt_next > 0;
    case TASK_DONE:
        return task->counted_attempt < task->attempt_next;
    case TASK_FAILED:
        return task->failures + task->losses + task->setbacks > 0;
    }
    return false;
}
