/* What may be asked of a scheduler between events. */
#include "base/assertion.h"
#include "scheduler/owners.h"
#include "scheduler/roster.h"
#include "scheduler/scheduler_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* Finished jobs too, until the next event. */
static const struct job *find_job(const struct scheduler *scheduler, uint64_t id)
{
    const struct job *job = scheduler_find_job(scheduler, id);
    if (job != NULL)
        return job;
    for (job = scheduler->retired; job != NULL && job->id != id;)
        job = job->next;
    return job;
}

BARKS_CHECKED static barks_status *find_stage(const struct scheduler *scheduler, uint64_t job_id,
                                              uint32_t stage, const struct stage **out_stage)
{
    const struct job *job = find_job(scheduler, job_id);
    if (job == NULL)
        BARKS_FAIL(BARKS_INVALID, "there is no job %" PRIu64 ", or it is over", job_id);
    if (stage >= job->stage_count)
        BARKS_FAIL(BARKS_INVALID, "job %" PRIu64 " has no stage %u, only %u stages", job_id, stage,
                   job->stage_count);
    *out_stage = &job->stages[stage];
    return NULL;
}

barks_status *scheduler_counted_run(const struct scheduler *scheduler, uint64_t job,
                                    uint32_t stage_index, uint32_t run, struct counted_run *out_run)
{
    const struct stage *stage = NULL;
    BARKS_TRY(find_stage(scheduler, job, stage_index, &stage));
    if (run >= stage->task_count)
        BARKS_FAIL(BARKS_INVALID, "stage %u has no run %u, only %u runs", stage_index, run,
                   stage->task_count);
    if (stage->tasks == NULL || stage->tasks[run].state != TASK_DONE)
        BARKS_FAIL(BARKS_INVALID, "run %u of stage %u has no attempt that counts", run,
                   stage_index);
    const struct task *task = &stage->tasks[run];
    *out_run = (struct counted_run){.first_partition = task->first_partition,
                                    .end_partition = task->end_partition,
                                    .piece = task->piece,
                                    .piece_count = task->piece_count,
                                    .attempt = task->counted_attempt,
                                    .executor = task->counted_executor,
                                    .report = task->counted_report};
    return NULL;
}

uint32_t scheduler_output_partition_count(const struct scheduler *scheduler, uint64_t job_id,
                                          uint32_t stage)
{
    const struct job *job = scheduler_find_job(scheduler, job_id);
    return job != NULL && stage < job->stage_count ? job->stages[stage].output_partition_count : 0;
}

barks_status *scheduler_owners(const struct scheduler *scheduler, uint64_t job,
                               uint32_t stage_index, uint32_t range_count_max,
                               struct owner_range *out_ranges, uint32_t *out_range_count)
{
    const struct stage *stage = NULL;
    BARKS_TRY(find_stage(scheduler, job, stage_index, &stage));
    const struct roster *roster = job_roster(stage->job, stage);
    if (roster == NULL)
        BARKS_FAIL(BARKS_INVALID, "stage %u has no owners: it is no shuffle or has not begun",
                   stage_index);
    uint32_t *firsts = calloc((size_t)roster->member_count + 1, sizeof *firsts);
    if (firsts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the owners among %u executors",
                   roster->member_count);
    owners_divide(stage->output_partition_count, roster->worker_counts, roster->member_count,
                  firsts);
    uint32_t count = 0, needed = 0;
    for (uint32_t member = 0; member < roster->member_count; member++) {
        if (firsts[member] == firsts[member + 1])
            continue;
        if (needed++ < range_count_max)
            out_ranges[count++] = (struct owner_range){
                .first_partition = firsts[member],
                .end_partition = firsts[member + 1],
                .executor = executor_heir(&scheduler->executors, roster->executors[member]),
                .slot = roster->executors[member]};
    }
    free(firsts);
    if (needed > count)
        BARKS_FAIL(BARKS_LIMIT, "room for %u ranges of owners, but there are %u", count, needed);
    *out_range_count = count;
    return NULL;
}

void scheduler_given(const struct scheduler *scheduler, const struct attempt_id *id,
                     uint64_t out_units[SCHEDULER_RESOURCES_MAX])
{
    uint32_t index = attempt_find(scheduler, id);
    const struct units *units =
        index != ATTEMPT_NONE ? scheduler->attempts.items[index].units : NULL;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        out_units[kind] = units != NULL ? units->of[kind] : 0;
}

uint32_t scheduler_executor_limit(const struct scheduler *scheduler)
{
    return scheduler->executors.executor_limit;
}

barks_status *scheduler_stage_progress(const struct scheduler *scheduler, uint64_t job,
                                       uint32_t stage_index, struct stage_progress *out_progress)
{
    const struct stage *stage = NULL;
    BARKS_TRY(find_stage(scheduler, job, stage_index, &stage));
    *out_progress = (struct stage_progress){.state = stage->state,
                                            .task_count = stage->task_count,
                                            .tasks_done = stage->tasks_done,
                                            .attempts_live = stage->attempts_live,
                                            .attempts_failed = stage->attempts_failed};
    return NULL;
}

bool scheduler_task_runs(const struct scheduler *scheduler, uint64_t job_id, uint32_t stage_index,
                         uint32_t task)
{
    const struct job *job = scheduler_find_job(scheduler, job_id);
    if (job == NULL || job->state != JOB_RUNNING || stage_index >= job->stage_count)
        return false;
    const struct stage *stage = &job->stages[stage_index];
    return stage->tasks != NULL && task < stage->task_count &&
           stage->tasks[task].state == TASK_RUNNING;
}

bool scheduler_job_outcome(const struct scheduler *scheduler, uint64_t id,
                           struct job_outcome *out_outcome)
{
    const struct job *job = scheduler_find_job(scheduler, id);
    if (job == NULL || job->state != JOB_FINISHING)
        return false;
    *out_outcome = job->outcome;
    return true;
}

uint64_t scheduler_stage_median_ns(const struct scheduler *scheduler, uint64_t job,
                                   uint32_t stage_index)
{
    const struct stage *stage = NULL;
    barks_status *status = find_stage(scheduler, job, stage_index, &stage);
    bool is_known = status == NULL && stage->durations != NULL && stage->durations->total > 0;
    barks_status_free(status);
    return is_known ? durations_median_ns(stage->durations) : 0;
}

/* Every executor's busy workers are its live attempts, and each of these is in order. */
static bool is_attempt_in_order(const struct scheduler *scheduler, const struct attempt *attempt,
                                uint32_t executor)
{
    if (attempt->executor != executor || !attempt_is_sound(attempt) ||
        attempt->stage->tasks == NULL)
        return false;
    const struct task *task = &attempt->stage->tasks[attempt->task];
    if (attempt->job->state != JOB_RUNNING)
        return attempt->is_cancel_sent;
    return attempt->is_cancel_sent ||
           (task->state == TASK_RUNNING && task_has_hope(scheduler, task));
}

/* False: the attempt has more or less than it needs, or what another one has. */
static bool add_given(const struct attempt *attempt, struct executor_offer *given)
{
    const struct task_needs *needs = attempt->stage->needs;
    given->memory_bytes += needs != NULL ? needs->memory_bytes : 0;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++) {
        uint64_t units = attempt->units != NULL ? attempt->units->of[kind] : 0;
        int needed = needs != NULL ? needs->units[kind] : 0;
        if (__builtin_popcountll(units) != needed || (units & given->units[kind]) != 0)
            return false;
        given->units[kind] |= units;
    }
    return true;
}

static bool is_rest_free(const struct executor *executor, const struct executor_offer *given)
{
    static const struct room nothing;
    const struct room *room = executor->room != NULL ? executor->room : &nothing;
    bool is_right = room->free.memory_bytes + given->memory_bytes == room->offered.memory_bytes;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        is_right &= (room->free.units[kind] ^ given->units[kind]) == room->offered.units[kind] &&
                    (room->free.units[kind] & given->units[kind]) == 0;
    return is_right;
}

/* Those that may start tasks and need more than a worker are counted. */
static bool needy_are_sound(const struct scheduler *scheduler)
{
    uint32_t count = 0;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next)
        for (uint32_t index = 0; index < job->stage_count; index++) {
            const struct stage *stage = &job->stages[index];
            bool is_needy = stage->needs != NULL && stage_is_active(stage) && !stage->gang.is_gang;
            if (stage->is_needy != is_needy && job->state == JOB_RUNNING)
                return false;
            count += stage->is_needy;
        }
    return count == scheduler->needy_count && passed_is_sound(scheduler);
}

static bool attempts_are_sound(const struct scheduler *scheduler)
{
    uint64_t live = 0;
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++) {
        const struct executor *executor = &scheduler->executors.executors[id];
        uint32_t busy = 0;
        struct executor_offer given = {0};
        if (!executor->is_known)
            continue;
        for (uint32_t index = executor->attempts_head; index != ATTEMPT_NONE;
             index = scheduler->attempts.items[index].next_of_executor) {
            const struct attempt *attempt = &scheduler->attempts.items[index];
            if (!is_attempt_in_order(scheduler, attempt, id))
                return false;
            if (!add_given(attempt, &given))
                return false;
            busy += attempt->is_ahead ? 0 : needs_threads(attempt->stage->needs);
            live++;
        }
        if (busy != executor->busy_count || !is_rest_free(executor, &given) ||
            !ahead_is_sound(scheduler, executor))
            return false;
    }
    return live == scheduler->attempts.live_count;
}

/* For the executor. */
static bool holds_pending(const struct scheduler *scheduler, const struct heap *lanes,
                          uint32_t executor)
{
    for (uint32_t position = 0; position < lanes->count; position++) {
        struct lane lane = *(const struct lane *)lanes->nodes[position];
        if (!lane_is_open_to(scheduler, &lane, executor))
            continue;
        for (; lane.cursor < lane.end; lane.cursor++)
            if (task_is_in_lanes(&lane.stage->tasks[lane.stage->order[lane.cursor]]))
                return true;
        for (uint32_t task = lane.retry_head; task != TASK_NONE;
             task = lane.stage->tasks[task].next_retry)
            if (task_is_in_lanes(&lane.stage->tasks[task]))
                return true;
    }
    return false;
}

static bool queue_holds_pending(const struct scheduler *scheduler, const struct lane_queue *queue,
                                uint32_t executor)
{
    for (uint32_t i = 0; i < queue->count; i++)
        if (holds_pending(scheduler, &queue->shelves[i].lanes, executor))
            return true;
    return false;
}

static bool pools_hold_pending(const struct scheduler *scheduler, uint32_t executor)
{
    const struct heap *waiting = &scheduler->pools.waiting;
    for (uint32_t i = 0; i < waiting->count; i++) {
        const struct heap *claims = &((const struct job_pool *)waiting->nodes[i])->claims;
        for (uint32_t j = 0; j < claims->count; j++)
            if (holds_pending(scheduler, &((const struct claim *)claims->nodes[j])->any_lanes,
                              executor))
                return true;
    }
    return false;
}

static bool no_worker_is_idle_in_vain(const struct scheduler *scheduler)
{
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++) {
        const struct executor *executor = &scheduler->executors.executors[id];
        if (!executor_has_idle_worker(&scheduler->executors, id))
            continue;
        const struct node *node = &scheduler->executors.nodes[executor->node];
        if (pools_hold_pending(scheduler, id) ||
            queue_holds_pending(scheduler, &executor->lanes, id) ||
            queue_holds_pending(scheduler, &node->lanes, id) || retry_for(scheduler, id) != NULL)
            return false;
    }
    return true;
}

/* Each pending task that is wary is a retry, once. */
static bool retries_are_sound(const struct scheduler *scheduler)
{
    uint64_t pending = 0, listed = 0;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next)
        for (uint32_t index = 0; index < job->stage_count && job->state == JOB_RUNNING; index++)
            for (uint32_t task = 0; task < job->stages[index].task_count; task++)
                pending += job->stages[index].tasks != NULL && !job->stages[index].gang.is_gang &&
                           job->stages[index].tasks[task].is_wary &&
                           job->stages[index].tasks[task].state == TASK_PENDING;
    for (const struct retry *retry = scheduler->retries.first; retry != NULL; retry = retry->next)
        listed += retry->stage->tasks[retry->task].is_wary &&
                  retry->stage->tasks[retry->task].state == TASK_PENDING;
    return pending == listed && listed == scheduler->retries.count;
}

/* Pools count the workers of their jobs, and a job of a FAIR pool stands there by its own. */
static bool pools_are_sound(const struct scheduler *scheduler)
{
    uint64_t counted = 0, live = 0;
    for (uint32_t index = 0; index < scheduler->pools.count; index++)
        counted += scheduler->pools.pools[index].workers_busy;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next) {
        bool is_fair = job->own_claim.pool->policy == POOL_FAIR;
        live += job->workers_busy;
        if (job->claim != (is_fair ? &job->own_claim : &job->own_claim.pool->all) ||
            (is_fair && job->own_claim.node.key[0] != job->workers_busy))
            return false;
    }
    return counted == live && pool_table_is_sound(&scheduler->pools);
}

bool scheduler_is_sound(const struct scheduler *scheduler)
{
    uint64_t live = 0;
    uint32_t count = 0;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next) {
        bool is_over =
            job->state == JOB_DONE || job->state == JOB_FAILED || job->state == JOB_CANCELLED;
        if (!job_is_sound(job) || is_over || scheduler_find_job(scheduler, job->id) != job)
            return false;
        live += job->attempts_live;
        count++;
    }
    return live == scheduler->attempts.live_count && count == scheduler->job_count &&
           executor_table_is_sound(&scheduler->executors) && attempts_are_sound(scheduler) &&
           pools_are_sound(scheduler) && heap_is_sound(&scheduler->timers) &&
           exclusions_are_sound(scheduler) && retries_are_sound(scheduler) &&
           gangs_are_sound(scheduler) && needy_are_sound(scheduler) &&
           localities_are_sound(scheduler) && no_worker_is_idle_in_vain(scheduler);
}
