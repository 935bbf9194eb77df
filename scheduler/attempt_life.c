/* How an attempt begins, is told to cancel and ends, and what that moves. */
#include "scheduler/scheduler_state.h"

static void link_attempt(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *items = scheduler->attempts.items;
    struct attempt *attempt = &items[index];
    struct job *job = attempt->job;
    struct executor *executor = &scheduler->executors.executors[attempt->executor];
    struct task *task = &attempt->stage->tasks[attempt->task];
    attempt->next_of_task = task->attempts_head;
    task->attempts_head = index;
    attempt->next_of_job = job->attempts_head;
    if (job->attempts_head != ATTEMPT_NONE)
        items[job->attempts_head].previous_of_job = index;
    job->attempts_head = index;
    attempt->next_of_executor = executor->attempts_head;
    if (executor->attempts_head != ATTEMPT_NONE)
        items[executor->attempts_head].previous_of_executor = index;
    executor->attempts_head = index;
    job->attempts_live++;
    pool_note_started(&scheduler->pools, job, needs_threads(attempt->stage->needs));
    attempt->stage->attempts_live++;
}

static void unlink_attempt(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *items = scheduler->attempts.items;
    struct attempt *attempt = &items[index];
    uint32_t *link = &attempt->stage->tasks[attempt->task].attempts_head;
    while (*link != index) /* a task has few: the one, a copy, those told to cancel */
        link = &items[*link].next_of_task;
    *link = attempt->next_of_task;
    if (attempt->previous_of_job == ATTEMPT_NONE)
        attempt->job->attempts_head = attempt->next_of_job;
    else
        items[attempt->previous_of_job].next_of_job = attempt->next_of_job;
    if (attempt->next_of_job != ATTEMPT_NONE)
        items[attempt->next_of_job].previous_of_job = attempt->previous_of_job;
    if (attempt->previous_of_executor == ATTEMPT_NONE)
        scheduler->executors.executors[attempt->executor].attempts_head = attempt->next_of_executor;
    else
        items[attempt->previous_of_executor].next_of_executor = attempt->next_of_executor;
    if (attempt->next_of_executor != ATTEMPT_NONE)
        items[attempt->next_of_executor].previous_of_executor = attempt->previous_of_executor;
    attempt->job->attempts_live--;
    pool_note_ended(&scheduler->pools, attempt->job, needs_threads(attempt->stage->needs));
    attempt->stage->attempts_live--;
}

struct attempt_id attempt_identity(const struct attempt *attempt)
{
    return (struct attempt_id){.job = attempt->job->id,
                               .stage = attempt->stage->index,
                               .task = attempt->task,
                               .attempt = attempt->number,
                               .executor = attempt->executor};
}

BARKS_CHECKED static barks_status *tell_to_end(struct scheduler *scheduler,
                                               const struct attempt *attempt)
{
    if (!executor_is_alive(&scheduler->executors, attempt->executor))
        return NULL;
    struct decision cancel = {.kind = DECISION_CANCEL_ATTEMPT,
                              .cancel_attempt = attempt_identity(attempt)};
    return scheduler_decide(scheduler, &cancel);
}

barks_status *attempt_cancel(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *attempt = &scheduler->attempts.items[index];
    if (attempt->is_cancel_sent)
        return NULL;
    attempt->is_cancel_sent = true;
    if (attempt->is_loan)
        attempt->stage->tasks[attempt->task].was_lent = false;
    return tell_to_end(scheduler, attempt);
}

barks_status *attempt_stop(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *attempt = &scheduler->attempts.items[index];
    if (attempt->is_cancel_sent || attempt->is_stop_sent)
        return NULL;
    attempt->is_stop_sent = true;
    return tell_to_end(scheduler, attempt);
}

bool task_has_hope(const struct scheduler *scheduler, const struct task *task)
{
    for (uint32_t index = task->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_task)
        if (!scheduler->attempts.items[index].is_cancel_sent)
            return true;
    return false;
}

/* Who must lend it what it reads. */
static uint32_t lender_of(const struct stage *stage, const struct task *task, uint32_t executor)
{
    uint32_t place = task->lane != LANE_NONE ? stage->lanes[task->lane].place : executor;
    return place != executor ? place : SCHEDULER_ANY;
}

/* It has a worker from now on. */
BARKS_CHECKED static barks_status *occupy(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *attempt = &scheduler->attempts.items[index];
    struct stage *stage = attempt->stage;
    BARKS_TRY(overruns_add(scheduler, index));
    if (stage->needs != NULL) {
        struct executor *where = &scheduler->executors.executors[attempt->executor];
        BARKS_TRY(room_take(where, stage->needs, &attempt->units));
        passed_forget(scheduler, stage);
    }
    executor_occupy(&scheduler->executors, attempt->executor, needs_threads(stage->needs));
    return NULL;
}

BARKS_CHECKED static barks_status *start(struct scheduler *scheduler, struct stage *stage,
                                         uint32_t task_index, uint32_t executor, bool is_ahead)
{
    struct task *task = &stage->tasks[task_index];
    uint32_t index = ATTEMPT_NONE;
    bool was_shipped = true;
    BARKS_TRY(stage_ship(stage, executor, scheduler->executors.executor_limit, &was_shipped));
    if (!was_shipped) {
        struct decision ship = {
            .kind = DECISION_SHIP_STAGE,
            .ship_stage = {.job = stage->job->id, .stage = stage->index, .executor = executor}};
        BARKS_TRY(scheduler_decide(scheduler, &ship));
    }
    BARKS_TRY(attempt_pool_take(&scheduler->attempts, &index));
    struct attempt *attempt = &scheduler->attempts.items[index];
    attempt->job = stage->job;
    attempt->stage = stage;
    attempt->task = task_index;
    attempt->number = task->attempt_next++;
    attempt->executor = executor;
    attempt->start_ns = scheduler->now_ns;
    link_attempt(scheduler, index);
    if (is_ahead)
        ahead_append(scheduler, index);
    else
        BARKS_TRY(occupy(scheduler, index));
    if (task->state == TASK_PENDING)
        task_move(task, TASK_RUNNING, &scheduler->transitions);
    if (stage->state == STAGE_READY)
        stage_move(stage, STAGE_RUNNING, &scheduler->transitions);
    stage->has_begun = true;
    struct decision decision = {.kind = DECISION_START_TASK,
                                .start_task = {.id = attempt_identity(attempt),
                                               .first_partition = task->first_partition,
                                               .end_partition = task->end_partition,
                                               .piece = task->piece,
                                               .piece_count = task->piece_count,
                                               .is_alone = task->is_alone,
                                               .lender = lender_of(stage, task, executor)}};
    if (decision.start_task.lender != SCHEDULER_ANY) {
        decision.start_task.lender_is_slow = stage->lanes[task->lane].is_slow;
        task->was_lent = attempt->is_loan = true;
    }
    return scheduler_decide(scheduler, &decision);
}

barks_status *attempt_start(struct scheduler *scheduler, struct stage *stage, uint32_t task,
                            uint32_t executor)
{
    return start(scheduler, stage, task, executor, false);
}

barks_status *attempt_start_ahead(struct scheduler *scheduler, struct stage *stage, uint32_t task,
                                  uint32_t executor)
{
    return start(scheduler, stage, task, executor, true);
}

/* Its worker, if it had one, is free, or has what waited for it. */
static void vacate(struct scheduler *scheduler, uint32_t index)
{
    const struct attempt *attempt = &scheduler->attempts.items[index];
    if (attempt->is_ahead) {
        ahead_remove(scheduler, index);
        return;
    }
    bool was_full = !executor_has_idle_worker(&scheduler->executors, attempt->executor);
    executor_vacate(&scheduler->executors, attempt->executor, needs_threads(attempt->stage->needs));
    ahead_promote(scheduler, attempt->executor);
    locality_note_end(scheduler, attempt, was_full);
}

void attempt_end(struct scheduler *scheduler, uint32_t index, enum attempt_state end)
{
    struct attempt *attempt = &scheduler->attempts.items[index];
    struct stage *stage = attempt->stage;
    attempt_move(attempt, end, &scheduler->transitions);
    stage->attempts_failed += end == ATTEMPT_FAILED;
    if (attempt->is_loan && !attempt->is_cancel_sent && end != ATTEMPT_CANCELLED)
        stage->tasks[attempt->task].was_lent = false; /* what it reads was there */
    unlink_attempt(scheduler, index);
    overruns_remove(scheduler, index);
    vacate(scheduler, index);
    if (stage->needs != NULL) {
        struct executor *where = &scheduler->executors.executors[attempt->executor];
        room_give_back(where, stage->needs, attempt->units);
        attempt->units = NULL;
    }
    attempt_pool_give_back(&scheduler->attempts, index);
    if (stage->is_released && stage->attempts_live == 0 && !scheduler->options.recovers)
        stage_drop_tasks(stage);
}
