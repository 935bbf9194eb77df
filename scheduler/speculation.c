#include "scheduler/speculation.h"

#include "base/checked.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

static uint32_t bucket_of(uint64_t ns)
{
    if (ns < DURATION_STEPS)
        return (uint32_t)ns;
    uint32_t power = 63 - (uint32_t)__builtin_clzll(ns);
    return power * DURATION_STEPS + (uint32_t)(ns >> (power - 3)) % DURATION_STEPS;
}

/* The largest that belongs there. */
static uint64_t end_of_bucket(uint32_t bucket)
{
    uint32_t power = bucket / DURATION_STEPS, step = bucket % DURATION_STEPS;
    if (bucket < DURATION_STEPS)
        return bucket;
    return ((uint64_t)(DURATION_STEPS + step) << (power - 3)) + ((uint64_t)1 << (power - 3)) - 1;
}

void durations_add(struct durations *durations, uint64_t ns)
{
    durations->counts[bucket_of(ns)]++;
    durations->total++;
}

uint64_t durations_median_ns(const struct durations *durations)
{
    uint32_t seen = 0, bucket = 0;
    while (2 * (uint64_t)(seen + durations->counts[bucket]) < durations->total)
        seen += durations->counts[bucket++];
    return end_of_bucket(bucket);
}

/* Longer than this is slow. */
static uint64_t limit_ns(const struct scheduler *scheduler, const struct stage *stage)
{
    uint64_t limit = 0, median_ns = durations_median_ns(stage->durations);
    if (ckd_mul(&limit, median_ns, (uint64_t)scheduler->options.slow_percent))
        return UINT64_MAX;
    limit /= 100;
    return limit > scheduler->options.slow_min_ns ? limit : scheduler->options.slow_min_ns;
}

BARKS_CHECKED static barks_status *look_at(struct scheduler *scheduler, struct stage *stage,
                                           uint64_t at_ns)
{
    if (stage->watch.node.position != HEAP_OUTSIDE)
        heap_remove(&scheduler->timers, &stage->watch.node);
    stage->watch.node.key[0] = at_ns;
    stage->watch.node.key[1] = stage->index;
    return heap_insert(&scheduler->timers, &stage->watch.node);
}

void speculation_end(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->watch.node.position != HEAP_OUTSIDE)
        heap_remove(&scheduler->timers, &stage->watch.node);
}

barks_status *speculation_note_finished(struct scheduler *scheduler, struct stage *stage,
                                        uint64_t duration_ns)
{
    const struct scheduler_options *options = &scheduler->options;
    bool may_be_copied =
        options->slow_percent > 0 && !stage->forbids_copies && stage->any_lane != LANE_NONE;
    if (!may_be_copied && !options->keeps_durations)
        return NULL;
    if (stage->durations == NULL)
        stage->durations = calloc(1, sizeof *stage->durations);
    if (stage->durations == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the times of the tasks of stage %u",
                   stage->index);
    durations_add(stage->durations, duration_ns);
    if (!may_be_copied)
        return NULL;
    bool is_near_end = (uint64_t)stage->tasks_done * 100 >=
                       (uint64_t)stage->task_count * options->slow_after_percent;
    if (!is_near_end || stage->state != STAGE_RUNNING || stage->watch.node.position != HEAP_OUTSIDE)
        return NULL;
    return look_at(scheduler, stage, scheduler->now_ns);
}

/* Another one: best on another node, since it may be the node that is slow. */
static uint32_t idle_elsewhere(const struct scheduler *scheduler, const struct attempt *attempt)
{
    const struct executor *executors = scheduler->executors.executors;
    uint32_t best = EXECUTOR_NONE;
    for (uint32_t id = scheduler->executors.free_list.head; id != EXECUTOR_NONE;
         id = executors[id].free_links[FREE_ANYWHERE].next) {
        if (id == attempt->executor ||
            !task_may_run_on(scheduler, attempt->stage, attempt->task, id) ||
            !executor_admits(scheduler, attempt->stage, id))
            continue;
        if (executors[id].node != executors[attempt->executor].node)
            return id;
        best = best == EXECUTOR_NONE ? id : best;
    }
    return best;
}

/* Runs, is not told to cancel, may run elsewhere, and has no copy. */
static bool may_have_copy(const struct scheduler *scheduler, const struct attempt *attempt)
{
    const struct task *task = &attempt->stage->tasks[attempt->task];
    return !attempt->is_cancel_sent && task->lane == LANE_NONE &&
           &scheduler->attempts.items[task->attempts_head] == attempt &&
           attempt->next_of_task == ATTEMPT_NONE;
}

barks_status *speculation_copy(struct scheduler *scheduler, uint32_t index, bool *out_has_started)
{
    struct attempt attempt = scheduler->attempts.items[index]; /* the pool may move */
    uint32_t executor = EXECUTOR_NONE;
    *out_has_started = false;
    if (!attempt.stage->forbids_copies && !gang_goes_before(scheduler, attempt.stage) &&
        may_have_copy(scheduler, &scheduler->attempts.items[index]))
        executor = idle_elsewhere(scheduler, &attempt);
    if (executor == EXECUTOR_NONE)
        return NULL;
    scheduler->is_deciding = true;
    *out_has_started = true;
    executor_is_passed_by_others(scheduler, executor);
    return attempt_start(scheduler, attempt.stage, attempt.task, executor);
}

barks_status *speculation_look(struct scheduler *scheduler, struct stage *stage)
{
    uint64_t limit = limit_ns(scheduler, stage), now_ns = scheduler->now_ns, next_ns = 0;
    if (ckd_add(&next_ns, now_ns, limit)) /* who starts after this is slow no earlier */
        return NULL;
    /* New attempts come to the front of the list, which has been passed. */
    for (uint32_t index = stage->job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        bool has_started = false;
        if (attempt->stage != stage || !may_have_copy(scheduler, attempt))
            continue;
        uint64_t slow_ns = attempt->start_ns + limit;
        if (slow_ns <= now_ns) {
            BARKS_TRY(speculation_copy(scheduler, index, &has_started));
            slow_ns = now_ns + limit / 4; /* when somebody may be idle */
        }
        if (!has_started && slow_ns < next_ns)
            next_ns = slow_ns;
    }
    return look_at(scheduler, stage, next_ns > now_ns ? next_ns : now_ns + 1);
}
