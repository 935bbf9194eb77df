#include "scheduler/cut.h"

#include "scheduler/scheduler_state.h"

#include <stdlib.h>

bool stage_may_be_cut(const struct stage *stage)
{
    bool is_pinned = false;
    for (uint32_t lane = 0; lane < stage->lane_count; lane++)
        is_pinned |= stage->lanes[lane].is_pinned;
    bool may_leave = !is_pinned || (!stage->forbids_copies && !stage->is_bound);
    return stage->shares && may_leave && stage->commit == 0;
}

/* It can give something up, and has not done so yet. */
static bool is_long(const struct attempt *attempt)
{
    const struct task *task = &attempt->stage->tasks[attempt->task];
    return !attempt->is_cancel_sent && !task->is_cut &&
           task->end_partition - task->first_partition > 1;
}

/* Attempts of a stage on an executor that are long. */
struct long_attempts {
    uint32_t count;
    uint32_t first;    /* in the list of the executor's; ATTEMPT_NONE: there are none */
    uint64_t start_ns; /* when the earliest of them began */
};

static struct long_attempts find_long(const struct scheduler *scheduler, const struct stage *stage,
                                      uint32_t executor)
{
    struct long_attempts found = {.first = ATTEMPT_NONE, .start_ns = UINT64_MAX};
    for (uint32_t index = scheduler->executors.executors[executor].attempts_head;
         index != ATTEMPT_NONE; index = scheduler->attempts.items[index].next_of_executor) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        if (attempt->stage != stage || !is_long(attempt))
            continue;
        if (found.count++ == 0)
            found.first = index;
        if (attempt->start_ns < found.start_ns)
            found.start_ns = attempt->start_ns;
    }
    return found;
}

/* Idle workers of others, which may take tasks of the stage. */
static uint32_t idle_workers_elsewhere(const struct scheduler *scheduler, const struct stage *stage,
                                       uint32_t here)
{
    const struct executor *executors = scheduler->executors.executors;
    uint32_t count = 0;
    for (uint32_t id = scheduler->executors.free_list.head; id != EXECUTOR_NONE;
         id = executors[id].free_links[FREE_ANYWHERE].next)
        if (id != here && !exclusion_holds(scheduler, stage, id) &&
            executor_admits(scheduler, stage, id))
            count += executors[id].worker_count - executors[id].busy_count;
    return count;
}

/* What an executor should have begun by now, were it to end at the limit. */
static uint32_t due_percent(const struct scheduler *scheduler, uint64_t start_ns, uint64_t limit_ns)
{
    uint64_t elapsed_ns = scheduler->now_ns > start_ns ? scheduler->now_ns - start_ns : 0;
    if (elapsed_ns >= limit_ns)
        return 100;
    return (uint32_t)(elapsed_ns * 100 / limit_ns); /* no attempt runs for 2^57 ns */
}

BARKS_CHECKED static barks_status *ask(struct scheduler *scheduler, const struct stage *stage,
                                       uint32_t executor, uint32_t percent)
{
    struct decision decision = {.kind = DECISION_CUT_RUNS,
                                .cut_runs = {.job = stage->job->id,
                                             .stage = stage->index,
                                             .executor = executor,
                                             .percent = percent}};
    scheduler->is_deciding = true;
    return scheduler_decide(scheduler, &decision);
}

barks_status *stage_cut_slow_runs(struct scheduler *scheduler, struct stage *stage,
                                  uint64_t limit_ns, uint64_t *next_ns)
{
    /* Whoever is idle while tasks are pending waits for something. */
    bool has_pending = stage->tasks_done + stage->attempts_live < stage->task_count;
    if (has_pending || gang_goes_before(scheduler, stage))
        return NULL;
    for (uint32_t index = stage->job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job) {
        uint32_t executor = scheduler->attempts.items[index].executor;
        if (scheduler->attempts.items[index].stage != stage)
            continue;
        struct long_attempts found = find_long(scheduler, stage, executor);
        if (found.first != index) /* each executor once */
            continue;
        uint32_t percent = due_percent(scheduler, found.start_ns, limit_ns);
        if (percent > 0 && idle_workers_elsewhere(scheduler, stage, executor) > 0)
            BARKS_TRY(ask(scheduler, stage, executor, percent));
        if (*next_ns > scheduler->now_ns + limit_ns / 4)
            *next_ns = scheduler->now_ns + limit_ns / 4;
    }
    return NULL;
}

/* Makes tasks of [first, end), of about equal length, pinned where the lane says. */
BARKS_CHECKED static barks_status *add_rests(struct scheduler *scheduler, struct stage *stage,
                                             uint32_t first, uint32_t end, uint32_t count,
                                             uint32_t lane)
{
    uint32_t before = stage->task_count, length = end - first;
    struct task *tasks = reallocarray(stage->tasks, (size_t)before + count, sizeof *tasks);
    if (tasks == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u more tasks of stage %u", count, stage->index);
    stage->tasks = tasks;
    for (uint32_t i = 0; i < count; i++)
        tasks[before + i] =
            (struct task){.first_partition = first + (uint32_t)((uint64_t)length * i / count),
                          .end_partition = first + (uint32_t)((uint64_t)length * (i + 1) / count),
                          .piece_count = 1,
                          .is_cut = true,
                          .is_alone = true,
                          .lane = lane,
                          .attempts_head = ATTEMPT_NONE,
                          .failures_head = FAILURE_NONE,
                          .next_retry = TASK_NONE};
    stage->task_count += count;
    stage->rest_count += count;
    if (lane != LANE_NONE)
        stage->lanes[lane].open_count += count;
    for (uint32_t i = 0; i < count; i++)
        BARKS_TRY(task_enqueue(scheduler, stage, before + i));
    return NULL;
}

/* The last count tasks are rests of a slow executor to which they are pinned: it lends them. Those
 * of one that is excluded are retries already, for all others. */
BARKS_CHECKED static barks_status *lend_rests(struct scheduler *scheduler, struct stage *stage,
                                              uint32_t count, uint32_t lender)
{
    bool has_started = true;
    for (uint32_t task = stage->task_count - count; task < stage->task_count && has_started; task++)
        if (task_is_in_lanes(&stage->tasks[task]))
            BARKS_TRY(speculation_start_elsewhere(scheduler, stage, task, lender, &has_started));
    return NULL;
}

/* As many rests as there are idle workers, together with those of the executor's other attempts. */
static uint32_t rests_wanted(const struct scheduler *scheduler, const struct attempt *attempt,
                             uint32_t length)
{
    uint32_t idle = idle_workers_elsewhere(scheduler, attempt->stage, attempt->executor);
    uint32_t shared_by = find_long(scheduler, attempt->stage, attempt->executor).count;
    uint32_t wanted = shared_by > 1 ? (idle + shared_by - 1) / shared_by : idle;
    if (wanted < 1)
        wanted = 1;
    return wanted < length ? wanted : length;
}

barks_status *handle_run_cut(struct scheduler *scheduler, const struct event *event)
{
    const struct attempt_id *id = &event->run_cut.id;
    uint32_t index = attempt_find(scheduler, id), end = event->run_cut.end_partition;
    if (index == ATTEMPT_NONE || scheduler->attempts.items[index].is_cancel_sent)
        return NULL; /* it will not count, so whoever tries again does the whole run */
    struct stage *stage = scheduler->attempts.items[index].stage;
    struct task *task = &stage->tasks[id->task];
    uint32_t first = task->first_partition, old_end = task->end_partition, lane = task->lane;
    if (!stage_may_be_cut(stage) || task->is_alone || end <= first || end >= old_end)
        BARKS_FAIL(BARKS_INVALID,
                   "an attempt at task %u of stage %u, which is [%u, %u), gives up all from %u on",
                   id->task, stage->index, first, old_end, end);
    scheduler->is_deciding = true;
    uint32_t count = rests_wanted(scheduler, &scheduler->attempts.items[index], old_end - end);
    task->end_partition = end;
    task->is_cut = true;
    task->is_alone = event->run_cut.is_alone;
    BARKS_TRY(add_rests(scheduler, stage, end, old_end, count, lane));
    if (!stage_is_active(stage))
        return NULL;
    if (lane != LANE_NONE)
        BARKS_TRY(lend_rests(scheduler, stage, count, id->executor));
    return stage_dispatch(scheduler, stage);
}
