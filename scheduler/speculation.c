#include "scheduler/speculation.h"

#include "base/checked.h"
#include "scheduler/cut.h"
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

/* Whether tasks of the stage that are pinned to where their input is may begin elsewhere. */
static bool may_lend(const struct stage *stage)
{
    return !stage->forbids_copies && !stage->shares && !stage->is_bound;
}

bool task_may_be_lent(const struct stage *stage, const struct task *task)
{
    bool is_apart = !stage->shares || task->is_alone;
    return !stage->forbids_copies && !stage->is_bound && is_apart && !task->was_lent &&
           task->piece_count == 1;
}

/* A share of the tasks is done. Where all are pinned, or there are only as many as workers, those
 * of a slow executor are a large part of what is left, so that half of that share will do. */
static bool is_near_end(const struct scheduler *scheduler, const struct stage *stage)
{
    uint64_t percent = scheduler->options.slow_after_percent;
    if (stage->any_lane == LANE_NONE || stage->shares)
        percent /= 2;
    return (uint64_t)stage->tasks_done * 100 >= (uint64_t)stage->task_count * percent;
}

barks_status *speculation_note_finished(struct scheduler *scheduler, struct stage *stage,
                                        uint64_t duration_ns)
{
    const struct scheduler_options *options = &scheduler->options;
    bool may_be_helped =
        options->slow_percent > 0 &&
        (stage_may_be_cut(stage) ||
         (!stage->forbids_copies && (stage->any_lane != LANE_NONE || may_lend(stage))));
    if (!may_be_helped && !options->keeps_durations)
        return NULL;
    if (stage->durations == NULL)
        stage->durations = calloc(1, sizeof *stage->durations);
    if (stage->durations == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the times of the tasks of stage %u",
                   stage->index);
    durations_add(stage->durations, duration_ns);
    locality_note_duration(scheduler, stage);
    if (!may_be_helped)
        return NULL;
    if (!is_near_end(scheduler, stage) || stage->state != STAGE_RUNNING ||
        stage->watch.node.position != HEAP_OUTSIDE)
        return NULL;
    return look_at(scheduler, stage, scheduler->now_ns);
}

/* Another one: best on another node, since it may be the node that is slow. */
static uint32_t idle_elsewhere(const struct scheduler *scheduler, const struct stage *stage,
                               uint32_t task, uint32_t here)
{
    const struct executor *executors = scheduler->executors.executors;
    uint32_t best = EXECUTOR_NONE;
    for (uint32_t id = scheduler->executors.free_list.head; id != EXECUTOR_NONE;
         id = executors[id].free_links[FREE_ANYWHERE].next) {
        if (id == here || !task_may_run_on(scheduler, stage, task, id) ||
            !executor_admits(scheduler, stage, id))
            continue;
        if (executors[id].node != executors[here].node)
            return id;
        best = best == EXECUTOR_NONE ? id : best;
    }
    return best;
}

barks_status *speculation_start_elsewhere(struct scheduler *scheduler, struct stage *stage,
                                          uint32_t task, uint32_t here, bool *out_has_started)
{
    *out_has_started = false;
    if (gang_goes_before(scheduler, stage))
        return NULL;
    uint32_t executor = idle_elsewhere(scheduler, stage, task, here);
    if (executor == EXECUTOR_NONE)
        return NULL;
    scheduler->is_deciding = true;
    *out_has_started = true;
    executor_is_passed_by_others(scheduler, executor);
    return attempt_start(scheduler, stage, task, executor);
}

/* Likewise because it is slow, or would begin late. */
static bool is_worth_a_loan(const struct stage *stage, const struct task *task)
{
    return task_may_be_lent(stage, task) && !task->is_heavy;
}

/* Runs, is not told to cancel, may run elsewhere, shares nothing, and has no copy. */
static bool may_have_copy(const struct scheduler *scheduler, const struct attempt *attempt)
{
    const struct task *task = &attempt->stage->tasks[attempt->task];
    return !attempt->is_cancel_sent && (!attempt->stage->shares || task->is_alone) &&
           (task->lane == LANE_NONE || is_worth_a_loan(attempt->stage, task)) &&
           &scheduler->attempts.items[task->attempts_head] == attempt &&
           attempt->next_of_task == ATTEMPT_NONE;
}

barks_status *speculation_copy(struct scheduler *scheduler, uint32_t index, bool *out_has_started)
{
    const struct attempt *attempt = &scheduler->attempts.items[index];
    *out_has_started = false;
    if (attempt->stage->forbids_copies || !may_have_copy(scheduler, attempt))
        return NULL;
    return speculation_start_elsewhere(scheduler, attempt->stage, attempt->task, attempt->executor,
                                       out_has_started);
}

static bool is_waiting(const struct stage *stage, uint32_t task)
{
    return task_is_in_lanes(&stage->tasks[task]) && is_worth_a_loan(stage, &stage->tasks[task]);
}

/* How many tasks may wait for their executor while others are idle: as many as it begins in the
 * time from which on an attempt is slow; of a slow one none. */
static uint64_t bearable_count(const struct scheduler *scheduler, const struct lane *lane,
                               uint64_t limit)
{
    uint64_t median_ns = durations_median_ns(lane->stage->durations);
    uint32_t workers = scheduler->executors.executors[lane->place].worker_count;
    return lane->is_slow ? 0 : limit / (median_ns > 0 ? median_ns : 1) * workers;
}

/* Tasks that wait for an executor that is slow, or has more to do than others, begin elsewhere,
 * those first whose turn there would come last. *out_is_left: more of them than there are idle
 * workers. O(tasks of the lane). */
BARKS_CHECKED static barks_status *lend_waiting(struct scheduler *scheduler,
                                                const struct lane *lane, uint64_t limit,
                                                bool *out_is_left)
{
    struct stage *stage = lane->stage;
    uint64_t waiting = 0, bearable = bearable_count(scheduler, lane, limit);
    for (uint32_t entry = lane->cursor; entry < lane->end; entry++)
        waiting += is_waiting(stage, stage->order[entry]);
    for (uint32_t entry = lane->end; entry-- > lane->cursor && waiting > bearable;) {
        bool has_started = false;
        if (!is_waiting(stage, stage->order[entry]))
            continue;
        BARKS_TRY(speculation_start_elsewhere(scheduler, stage, stage->order[entry], lane->place,
                                              &has_started));
        *out_is_left |= !has_started;
        if (!has_started)
            return NULL;
        waiting--;
    }
    return NULL;
}

/* An attempt has taken longer than the limit, not for its bytes: so its executor is slow. */
static void note_slow_lanes(const struct scheduler *scheduler, const struct stage *stage,
                            uint64_t limit)
{
    for (uint32_t index = stage->job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        if (attempt->stage != stage || attempt->start_ns + limit > scheduler->now_ns)
            continue;
        const struct task *task = &stage->tasks[attempt->task];
        if (task->lane != LANE_NONE && stage->lanes[task->lane].place == attempt->executor)
            stage->lanes[task->lane].is_slow |= !task->is_heavy;
    }
}

BARKS_CHECKED static barks_status *lend_all_waiting(struct scheduler *scheduler,
                                                    struct stage *stage, uint64_t limit,
                                                    bool *out_is_left)
{
    note_slow_lanes(scheduler, stage, limit);
    for (uint32_t lane = 0; lane < stage->lane_count; lane++)
        if (stage->lanes[lane].is_pinned && scheduler->executors.idle_count > 0)
            BARKS_TRY(lend_waiting(scheduler, &stage->lanes[lane], limit, out_is_left));
    return NULL;
}

/* Is a task pending that may be lent? Those that run have an attempt each, or two. */
static bool has_waiting(const struct stage *stage)
{
    return may_lend(stage) && stage->any_lane == LANE_NONE &&
           stage->tasks_done + stage->attempts_live < stage->task_count;
}

barks_status *speculation_look(struct scheduler *scheduler, struct stage *stage)
{
    uint64_t limit = limit_ns(scheduler, stage), now_ns = scheduler->now_ns, next_ns = 0;
    uint64_t soon_ns = now_ns + limit / 16; /* when somebody may be idle */
    bool is_left = false;
    if (ckd_add(&next_ns, now_ns, limit)) /* who starts after this is slow no earlier */
        return NULL;
    if (may_lend(stage))
        BARKS_TRY(lend_all_waiting(scheduler, stage, limit, &is_left));
    if (stage_may_be_cut(stage))
        BARKS_TRY(stage_cut_slow_runs(scheduler, stage, limit, &next_ns));
    /* New attempts come to the front of the list, which has been passed. */
    for (uint32_t index = stage->job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        bool has_started = false;
        if (attempt->stage != stage || !may_have_copy(scheduler, attempt))
            continue;
        uint64_t slow_ns = attempt->start_ns + limit;
        if (slow_ns <= now_ns) {
            if (!is_left)
                BARKS_TRY(speculation_copy(scheduler, index, &has_started));
            slow_ns = soon_ns;
        }
        if (!has_started && slow_ns < next_ns)
            next_ns = slow_ns;
    }
    if (has_waiting(stage) && soon_ns < next_ns)
        next_ns = soon_ns;
    return look_at(scheduler, stage, next_ns > now_ns ? next_ns : now_ns + 1);
}
