#include "scheduler/gang.h"

#include "base/assertion.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

static bool is_before(const struct stage *a, const struct stage *b)
{
    if (a->job != b->job)
        return a->job->sequence < b->job->sequence;
    return a->index < b->index;
}

bool gang_goes_before(const struct scheduler *scheduler, const struct stage *stage)
{
    const struct stage *gang = scheduler->gangs;
    return gang != NULL && (stage == NULL || is_before(gang, stage));
}

/* How many workers of the executor it may want; all, lest others take what else it needs there. */
static uint32_t wanted_of(const struct stage *gang, const struct executor *executor, uint32_t id)
{
    if (gang->gang.is_spread && gang->needs == NULL)
        return 1;
    if (gang->any_lane != LANE_NONE) /* not all are pinned */
        return executor->worker_count;
    for (uint32_t lane = 0; lane < gang->lane_count; lane++)
        if (gang->lanes[lane].place == id && gang->lanes[lane].open_count > 0)
            return gang->needs == NULL && !gang->gang.is_spread ? gang->lanes[lane].open_count
                                                                : executor->worker_count;
    return 0;
}

bool gang_holds(const struct scheduler *scheduler, const struct stage *stage, uint32_t id)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    return gang_goes_before(scheduler, stage) &&
           (uint32_t)(executor->worker_count - executor->busy_count) <=
               wanted_of(scheduler->gangs, executor, id);
}

barks_status *gang_wait(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->gang.is_waiting || !stage_is_active(stage))
        return NULL;
    struct stage **link = &scheduler->gangs;
    while (*link != NULL && is_before(*link, stage))
        link = &(*link)->gang.next;
    stage->gang.next = *link;
    scheduler->is_hold_over |= link == &scheduler->gangs && stage->gang.next != NULL;
    *link = stage;
    stage->gang.is_waiting = true;
    if (stage->gang.wait_ns == 0)
        return NULL;
    bool is_endless = stage->gang.wait_ns > UINT64_MAX - 1 - scheduler->now_ns;
    stage->watch.kind = TIMER_GANG; /* gangs have no copies, so nothing else is watched */
    stage->watch.node.key[0] =
        is_endless ? UINT64_MAX - 1 : scheduler->now_ns + stage->gang.wait_ns;
    stage->watch.node.key[1] = stage->index;
    return heap_insert(&scheduler->timers, &stage->watch.node);
}

void gang_forget(struct scheduler *scheduler, struct stage *stage)
{
    if (!stage->gang.is_waiting)
        return;
    struct stage **link = &scheduler->gangs;
    while (*link != stage)
        link = &(*link)->gang.next;
    scheduler->is_hold_over |= link == &scheduler->gangs;
    *link = stage->gang.next;
    stage->gang.next = NULL;
    stage->gang.is_waiting = false;
    if (stage->watch.node.position != HEAP_OUTSIDE)
        heap_remove(&scheduler->timers, &stage->watch.node);
}

/* ---- who would run where ---- */

struct seating {
    const struct scheduler *scheduler;
    const struct stage *stage;
    uint32_t *free;  /* by executor: workers that are left; owned, as the next */
    uint32_t *seats; /* by task: its executor; EXECUTOR_NONE: none yet */
    uint32_t left;   /* tasks that have none */
};

static void seating_drop(struct seating *seating)
{
    free(seating->free);
    free(seating->seats);
    *seating = (struct seating){0};
}

/* An older stage that was passed there has its turn before the gang. */
static bool is_held_before(const struct scheduler *scheduler, const struct stage *stage,
                           uint32_t id)
{
    const struct stage *passed = scheduler->passed.first;
    return passed != NULL && passed->passed.executor == id && is_before(passed, stage);
}

/* Of an executor, for tasks of the stage; as if none ran where whole. */
static uint32_t room_of(const struct scheduler *scheduler, const struct stage *stage, uint32_t id,
                        bool whole)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    if (!executor->is_alive)
        return 0;
    if (!whole && is_held_before(scheduler, stage, id))
        return 0;
    uint32_t room = room_count(executor, stage->needs, whole);
    return stage->gang.is_spread && room > 1 ? 1 : room;
}

/* Exclusions are heeded while the others have room for all. */
static bool heeds_exclusions(const struct scheduler *scheduler, const struct stage *stage)
{
    uint64_t room = 0;
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++)
        if (executor_is_alive(&scheduler->executors, id) && !exclusion_holds(scheduler, stage, id))
            room += room_of(scheduler, stage, id, true);
    return room >= stage->task_count;
}

BARKS_CHECKED static barks_status *seating_begin(const struct scheduler *scheduler,
                                                 const struct stage *stage, bool whole,
                                                 struct seating *out)
{
    uint32_t limit = scheduler->executors.executor_limit;
    *out = (struct seating){.scheduler = scheduler, .stage = stage, .left = stage->task_count};
    out->free = calloc((size_t)limit + 1, sizeof *out->free);
    out->seats = calloc((size_t)stage->task_count + 1, sizeof *out->seats);
    if (out->free == NULL || out->seats == NULL) {
        seating_drop(out);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to place %u tasks on %u executors",
                   stage->task_count, limit);
    }
    for (uint32_t id = 0; id < limit; id++)
        out->free[id] = room_of(scheduler, stage, id, whole);
    for (uint32_t task = 0; task < stage->task_count; task++)
        out->seats[task] = EXECUTOR_NONE;
    return NULL;
}

/* False: it has a place already, or there is none, and it stays without: left counts these. */
static bool seat(struct seating *seating, uint32_t task, uint32_t executor)
{
    if (seating->seats[task] != EXECUTOR_NONE || executor == EXECUTOR_NONE ||
        seating->free[executor] == 0)
        return false;
    seating->free[executor]--;
    seating->seats[task] = executor;
    seating->left--;
    return true;
}

static void seat_pinned(struct seating *seating)
{
    const struct stage *stage = seating->stage;
    for (uint32_t task = 0; task < stage->task_count; task++)
        if (stage->tasks[task].lane != LANE_NONE)
            (void)seat(seating, task, stage->lanes[stage->tasks[task].lane].place);
}

static void leave_excluded(struct seating *seating)
{
    if (!heeds_exclusions(seating->scheduler, seating->stage))
        return;
    for (uint32_t id = 0; id < seating->scheduler->executors.executor_limit; id++)
        if (seating->free[id] > 0 && exclusion_holds(seating->scheduler, seating->stage, id))
            seating->free[id] = 0;
}

/* Tasks that have failed go elsewhere, where there is room. */
static void seat_wary(struct seating *seating)
{
    const struct stage *stage = seating->stage;
    for (uint32_t task = 0; task < stage->task_count; task++) {
        uint32_t id = stage->tasks[task].is_wary ? 0 : seating->scheduler->executors.executor_limit;
        for (; id < seating->scheduler->executors.executor_limit; id++)
            if (task_may_run_on(seating->scheduler, stage, task, id) && seat(seating, task, id))
                break;
    }
}

static void seat_wishes(struct seating *seating)
{
    const struct executor_table *table = &seating->scheduler->executors;
    const struct stage *stage = seating->stage;
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        const struct lane *lane = &stage->lanes[index];
        for (uint32_t entry = lane->cursor; entry < lane->end && lane->level <= LANE_NODE;
             entry++) {
            uint32_t task = stage->order[entry], id = lane->place;
            if (lane->level == LANE_EXECUTOR) {
                (void)seat(seating, task, id);
                continue;
            }
            for (id = table->nodes[lane->place].free_list.head; id != EXECUTOR_NONE;
                 id = table->executors[id].free_links[FREE_ON_NODE].next)
                if (seat(seating, task, id))
                    break;
        }
    }
}

/* The rest goes round. */
static void seat_others(struct seating *seating)
{
    uint32_t task = 0, before = 0;
    do {
        before = seating->left;
        for (uint32_t id = 0; id < seating->scheduler->executors.executor_limit; id++) {
            while (task < seating->stage->task_count &&
                   (seating->seats[task] != EXECUTOR_NONE ||
                    seating->stage->tasks[task].lane != LANE_NONE))
                task++;
            if (task < seating->stage->task_count)
                (void)seat(seating, task, id);
        }
    } while (seating->left > 0 && seating->left < before);
}

/* left is 0 where all have a place. */
static void seat_all(struct seating *seating)
{
    seat_pinned(seating);
    leave_excluded(seating);
    seat_wary(seating);
    seat_wishes(seating);
    seat_others(seating);
}

/* Could it ever, by who lives now? */
BARKS_CHECKED static barks_status *could_fit(const struct scheduler *scheduler,
                                             const struct stage *stage, bool *out_could)
{
    struct seating seating = {0};
    BARKS_TRY(seating_begin(scheduler, stage, true, &seating));
    seat_pinned(&seating);
    seat_others(&seating);
    *out_could = seating.left == 0;
    seating_drop(&seating);
    return NULL;
}

/* ---- starting ---- */

static bool has_too_few(const struct scheduler *scheduler, const struct stage *stage)
{
    const struct executor_table *table = &scheduler->executors;
    uint64_t room = stage->gang.is_spread ? table->living_count : table->living_workers;
    if (stage->needs != NULL)
        room = 0;
    for (uint32_t id = 0; id < table->executor_limit && stage->needs != NULL; id++)
        room += room_of(scheduler, stage, id, true);
    return stage->task_count > room;
}

BARKS_CHECKED static barks_status *fail(struct scheduler *scheduler, struct stage *stage,
                                        enum failure_cause cause)
{
    struct job_outcome outcome = {
        .result = JOB_RESULT_FAILED,
        .cause = cause,
        .attempt = {.job = stage->job->id, .stage = stage->index, .executor = SCHEDULER_ANY}};
    return job_finish(scheduler, stage->job, &outcome);
}

barks_status *gang_give_up(struct scheduler *scheduler, struct stage *stage)
{
    return fail(scheduler, stage, CAUSE_ROOM_LATE);
}

BARKS_CHECKED static barks_status *start(struct scheduler *scheduler, struct stage *stage,
                                         const struct seating *seating)
{
    gang_forget(scheduler, stage);
    for (uint32_t task = 0; task < stage->task_count; task++)
        executor_is_passed_by_others(scheduler, seating->seats[task]);
    for (uint32_t task = 0; task < stage->task_count; task++)
        BARKS_TRY(attempt_start(scheduler, stage, task, seating->seats[task]));
    return NULL;
}

/* All at once, or nothing. */
BARKS_CHECKED static barks_status *try_to_start(struct scheduler *scheduler, struct stage *stage)
{
    struct seating seating = {0};
    bool could = !has_too_few(scheduler, stage);
    if (could &&
        (stage->attempts_live > 0 || scheduler->executors.idle_count <
                                         (uint64_t)stage->task_count * needs_threads(stage->needs)))
        return NULL; /* its last round ends still, or too few are idle */
    if (could) {
        BARKS_TRY(seating_begin(scheduler, stage, false, &seating));
        seat_all(&seating);
    }
    barks_status *status = NULL;
    if (could && seating.left == 0)
        status = start(scheduler, stage, &seating);
    else if (could)
        status = could_fit(scheduler, stage, &could);
    seating_drop(&seating);
    if (status != NULL || could)
        return status;
    return fail(scheduler, stage, CAUSE_ROOM);
}

barks_status *gangs_dispatch(struct scheduler *scheduler)
{
    const struct stage *tried = NULL;
    while (scheduler->gangs != NULL && scheduler->gangs != tried) {
        tried = scheduler->gangs;
        BARKS_TRY(try_to_start(scheduler, scheduler->gangs));
    }
    return NULL;
}

/* ---- the end of a round ---- */

BARKS_CHECKED static barks_status *discard_done(struct scheduler *scheduler, struct stage *stage,
                                                uint32_t index)
{
    struct task *task = &stage->tasks[index];
    task_move(task, TASK_PENDING, &scheduler->transitions);
    stage->tasks_done--;
    if (task->lane != LANE_NONE)
        stage->lanes[task->lane].open_count++;
    if (stage->is_released)
        return NULL;
    struct decision discard = {.kind = DECISION_DISCARD_ATTEMPT,
                               .discard_attempt = {.id = {.job = stage->job->id,
                                                          .stage = stage->index,
                                                          .task = index,
                                                          .attempt = task->counted_attempt,
                                                          .executor = task->counted_executor},
                                                   .report = task->counted_report}};
    return scheduler_decide(scheduler, &discard);
}

barks_status *gang_end_round(struct scheduler *scheduler, struct stage *stage)
{
    for (uint32_t index = 0; index < stage->task_count; index++) {
        struct task *task = &stage->tasks[index];
        for (uint32_t attempt = task->attempts_head; attempt != ATTEMPT_NONE;
             attempt = scheduler->attempts.items[attempt].next_of_task)
            BARKS_TRY(attempt_cancel(scheduler, attempt));
        if (task->state == TASK_RUNNING)
            task_move(task, TASK_PENDING, &scheduler->transitions);
        else if (task->state == TASK_DONE)
            BARKS_TRY(discard_done(scheduler, stage, index));
    }
    return gang_wait(scheduler, stage);
}

/* ---- checks ---- */

bool gang_is_sound(const struct stage *stage)
{
    uint32_t pending = 0;
    if (!stage->gang.is_gang || !stage_is_active(stage))
        return !stage->gang.is_waiting;
    for (uint32_t task = 0; task < stage->task_count; task++)
        pending += stage->tasks[task].state == TASK_PENDING;
    return pending == (stage->gang.is_waiting ? stage->task_count : 0);
}

bool gangs_are_sound(const struct scheduler *scheduler)
{
    const struct stage *first = scheduler->gangs;
    struct seating seating = {0};
    for (const struct stage *gang = first; gang != NULL; gang = gang->gang.next)
        if (!gang->gang.is_waiting || gang->job->state != JOB_RUNNING ||
            (gang->gang.next != NULL && !is_before(gang, gang->gang.next)))
            return false;
    if (first == NULL || first->attempts_live > 0)
        return true;
    barks_status *status = seating_begin(scheduler, first, false, &seating);
    if (status != NULL) { /* nothing can be told */
        barks_status_free(status);
        return true;
    }
    seat_all(&seating);
    bool has_reason = seating.left > 0;
    seating_drop(&seating);
    return has_reason;
}
