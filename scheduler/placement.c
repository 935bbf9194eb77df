/* Which task goes to which worker: the order of jobs and stages first, then the best place. */
#include "scheduler/scheduler_state.h"

bool executor_admits(const struct scheduler *scheduler, const struct stage *stage,
                     uint32_t executor)
{
    if (stage->needs == NULL && scheduler->passed.first == NULL)
        return true;
    return room_lacks(&scheduler->executors.executors[executor], stage->needs) == 0 &&
           !passed_holds(scheduler, stage, executor);
}

/* May tasks of the lane start there, once there is room? Those of a pinned lane must, where they
 * have not left it, but not before a gang. */
static bool lane_may_use(const struct scheduler *scheduler, const struct lane *lane,
                         uint32_t executor)
{
    return (lane->is_pinned || !exclusion_holds(scheduler, lane->stage, executor)) &&
           !gang_holds(scheduler, lane->stage, executor) &&
           (lane->level != LANE_STEAL || !locality_holds(scheduler, lane->stage, executor));
}

bool lane_is_open_to(const struct scheduler *scheduler, const struct lane *lane, uint32_t executor)
{
    return lane_may_use(scheduler, lane, executor) &&
           executor_admits(scheduler, lane->stage, executor);
}

/* May some lane be closed to it? */
static bool must_choose(const struct scheduler *scheduler, uint32_t executor)
{
    return scheduler->executors.executors[executor].exclusion_count > 0 ||
           scheduler->gangs != NULL || scheduler->needy_count > 0 || scheduler->wishing_count > 0;
}

/* Who looks for a lane, and whether some may be closed to it. */
struct search {
    const struct scheduler *scheduler;
    uint32_t executor;
    bool must_choose;
};

/* The first lane of a queue that gives tasks to the executor. O(1), but O(lanes) where it must
 * choose. */
static struct heap_node *first_open(const struct search *search, const struct heap *queue)
{
    if (!search->must_choose)
        return heap_first(queue);
    struct heap_node *first = NULL;
    for (uint32_t position = 0; position < queue->count; position++)
        if ((first == NULL || heap_node_before(queue->nodes[position], first)) &&
            lane_is_open_to(search->scheduler, (const struct lane *)queue->nodes[position],
                            search->executor))
            first = queue->nodes[position];
    return first;
}

/* The best lane so far, and whose it is. */
struct candidate {
    const struct claim *claim;
    struct heap_node *lane; /* NULL: none */
};

/* Takes the first open lane of a claim if it goes before the best so far. */
static void consider(const struct search *search, const struct claim *claim,
                     const struct heap *lanes, struct candidate *best)
{
    struct heap_node *lane = first_open(search, lanes);
    if (lane == NULL)
        return;
    bool is_better = best->lane == NULL || claim_before(claim, best->claim) ||
                     (claim == best->claim && heap_node_before(lane, best->lane));
    if (is_better)
        *best = (struct candidate){.claim = claim, .lane = lane};
}

static void consider_queue(const struct search *search, const struct lane_queue *queue,
                           struct candidate *best)
{
    for (uint32_t i = 0; i < queue->count; i++)
        consider(search, queue->shelves[i].claim, &queue->shelves[i].lanes, best);
}

/* Lanes that anybody may take from: those of the first claim of the first pool, unless the executor
 * must choose, when all are looked at. */
static void consider_any(const struct search *search, struct candidate *best)
{
    const struct heap *waiting = &search->scheduler->pools.waiting;
    for (uint32_t i = 0; i < (search->must_choose ? waiting->count : waiting->count > 0); i++) {
        const struct heap *claims = &((const struct job_pool *)waiting->nodes[i])->claims;
        for (uint32_t j = 0; j < (search->must_choose ? claims->count : 1); j++) {
            const struct claim *claim = (const struct claim *)claims->nodes[j];
            consider(search, claim, &claim->any_lanes, best);
        }
    }
}

/* The best lane for an executor that holds a pending task, NULL: none. Lanes found empty leave
 * their queue. */
static struct lane *best_lane(struct scheduler *scheduler, uint32_t id)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    struct search search = {
        .scheduler = scheduler, .executor = id, .must_choose = must_choose(scheduler, id)};
    for (;;) {
        struct candidate best = {0};
        consider_queue(&search, &executor->lanes, &best);
        consider_queue(&search, &scheduler->executors.nodes[executor->node].lanes, &best);
        consider_any(&search, &best);
        struct lane *lane = (struct lane *)best.lane;
        if (lane == NULL || lane_first(lane) != TASK_NONE)
            return lane;
        lane_dequeue(scheduler, lane);
    }
}

BARKS_CHECKED static barks_status *start_first(struct scheduler *scheduler, struct lane *lane,
                                               uint32_t executor)
{
    uint32_t task = lane_first(lane);
    lane_take(lane);
    BARKS_TRY(executor_has_idle_worker(&scheduler->executors, executor)
                  ? attempt_start(scheduler, lane->stage, task, executor)
                  : attempt_start_ahead(scheduler, lane->stage, task, executor));
    if (lane->level == LANE_STEAL)
        scheduler->attempts.items[lane->stage->tasks[task].attempts_head].is_away = true;
    if (lane_first(lane) == TASK_NONE)
        lane_dequeue(scheduler, lane);
    return NULL;
}

BARKS_CHECKED static barks_status *start_retry(struct scheduler *scheduler, struct retry *retry,
                                               uint32_t executor)
{
    struct stage *stage = retry->stage;
    uint32_t task = retry->task;
    retry_list_remove(&scheduler->retries, retry);
    return attempt_start(scheduler, stage, task, executor);
}

/* Retries of a stage come before what it has for anybody. */
static bool goes_before(const struct retry *retry, const struct lane *lane)
{
    const struct stage *a = retry->stage, *b = lane->stage;
    if (a->job != b->job)
        return job_before(a->job, b->job);
    return a->index != b->index ? a->index < b->index : lane->level >= LANE_ANY;
}

/* ---- who is passed, since there is no room for what it needs ---- */

/* A task that is about to start there; all NULL: it comes after all others. */
struct chosen {
    struct lane *lane;
    struct retry *retry;
};

static bool could_hold(const struct scheduler *scheduler, const struct stage *stage,
                       uint32_t executor)
{
    const struct executor *where = &scheduler->executors.executors[executor];
    return stage->needs != NULL && room_could_hold(where, stage->needs) &&
           room_lacks(where, stage->needs) != 0;
}

static bool lane_goes_before(const struct lane *lane, const struct chosen *chosen)
{
    if (chosen->retry != NULL)
        return !goes_before(chosen->retry, lane);
    if (chosen->lane == NULL)
        return true;
    const struct claim *claim = lane->stage->job->claim, *other = chosen->lane->stage->job->claim;
    return claim == other ? heap_node_before(&lane->node, &chosen->lane->node)
                          : claim_before(claim, other);
}

static bool retry_goes_before(const struct retry *retry, const struct chosen *chosen)
{
    if (chosen->retry == NULL)
        return chosen->lane == NULL || goes_before(retry, chosen->lane);
    const struct stage *a = retry->stage, *b = chosen->retry->stage;
    return a->job != b->job ? job_before(a->job, b->job) : a->index < b->index;
}

static void note_lanes(struct scheduler *scheduler, const struct heap *lanes, uint32_t executor,
                       const struct chosen *chosen)
{
    for (uint32_t position = 0; position < lanes->count; position++) {
        struct lane *lane = (struct lane *)lanes->nodes[position];
        if (could_hold(scheduler, lane->stage, executor) && lane_goes_before(lane, chosen) &&
            lane_may_use(scheduler, lane, executor) && lane_first(lane) != TASK_NONE)
            passed_note(scheduler, lane->stage, executor);
    }
}

static void note_queue(struct scheduler *scheduler, const struct lane_queue *queue,
                       uint32_t executor, const struct chosen *chosen)
{
    for (uint32_t i = 0; i < queue->count; i++)
        note_lanes(scheduler, &queue->shelves[i].lanes, executor, chosen);
}

/* O(lanes that it may take from, and retries). */
__attribute__((noinline)) static void note_passed(struct scheduler *scheduler, uint32_t id,
                                                  const struct chosen *chosen)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    const struct heap *waiting = &scheduler->pools.waiting;
    note_queue(scheduler, &executor->lanes, id, chosen);
    note_queue(scheduler, &scheduler->executors.nodes[executor->node].lanes, id, chosen);
    for (uint32_t i = 0; i < waiting->count; i++) {
        const struct heap *claims = &((const struct job_pool *)waiting->nodes[i])->claims;
        for (uint32_t j = 0; j < claims->count; j++)
            note_lanes(scheduler, &((const struct claim *)claims->nodes[j])->any_lanes, id, chosen);
    }
    for (const struct retry *retry = scheduler->retries.first; retry != NULL; retry = retry->next)
        if (could_hold(scheduler, retry->stage, id) && stage_is_active(retry->stage) &&
            retry_goes_before(retry, chosen) && retry_is_for(scheduler, retry, id) &&
            !gang_holds(scheduler, retry->stage, id))
            passed_note(scheduler, retry->stage, id);
}

void executor_is_passed_by_others(struct scheduler *scheduler, uint32_t executor)
{
    if (scheduler->needy_count > 0)
        note_passed(scheduler, executor, &(struct chosen){0});
}

/* A pending task of the stage for the executor, both NULL: none. */
static struct chosen task_of(const struct scheduler *scheduler, const struct stage *stage,
                             uint32_t executor)
{
    uint32_t node = scheduler->executors.executors[executor].node;
    for (struct retry *retry = scheduler->retries.first; retry != NULL; retry = retry->next)
        if (retry->stage == stage && retry_is_for(scheduler, retry, executor))
            return (struct chosen){.retry = retry};
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        struct lane *lane = &stage->lanes[index];
        bool is_here = lane->level == LANE_EXECUTOR
                           ? lane->place == executor
                           : lane->level != LANE_NODE || lane->place == node;
        if (is_here && lane_may_use(scheduler, lane, executor) && lane_first(lane) != TASK_NONE)
            return (struct chosen){.lane = lane};
    }
    return (struct chosen){0};
}

/* Who was passed on the executor, and is first of all these, goes first once there is room. */
__attribute__((noinline)) static struct chosen choose_passed(struct scheduler *scheduler,
                                                             uint32_t executor)
{
    struct stage *stage = scheduler->passed.first;
    if (stage->passed.executor != executor || gang_holds(scheduler, stage, executor))
        return (struct chosen){0};
    struct chosen chosen = task_of(scheduler, stage, executor);
    if (chosen.lane == NULL && chosen.retry == NULL) { /* its tasks run elsewhere by now */
        passed_forget(scheduler, stage);
        return chosen;
    }
    passed_note(scheduler, stage, executor);
    return executor_admits(scheduler, stage, executor) ? chosen : (struct chosen){0};
}

/* The first in order, and whom it passes. */
static struct chosen choose(struct scheduler *scheduler, uint32_t executor)
{
    struct chosen chosen = {0};
    if (scheduler->passed.first != NULL)
        chosen = choose_passed(scheduler, executor);
    if (chosen.lane != NULL || chosen.retry != NULL)
        return chosen;
    chosen.lane = best_lane(scheduler, executor);
    chosen.retry = retry_for(scheduler, executor);
    if (chosen.retry != NULL && (chosen.lane == NULL || goes_before(chosen.retry, chosen.lane)))
        chosen.lane = NULL;
    else
        chosen.retry = NULL;
    if (chosen.lane != NULL || chosen.retry != NULL)
        note_passed(scheduler, executor, &chosen);
    return chosen;
}

/* ---- dispatch ---- */

BARKS_CHECKED __attribute__((noinline)) static barks_status *
start_chosen(struct scheduler *scheduler, uint32_t executor, bool *out_has_started)
{
    struct chosen chosen = choose(scheduler, executor);
    *out_has_started = chosen.retry != NULL || chosen.lane != NULL;
    if (chosen.retry != NULL)
        return start_retry(scheduler, chosen.retry, executor);
    return chosen.lane != NULL ? start_first(scheduler, chosen.lane, executor) : NULL;
}

BARKS_CHECKED static barks_status *start_next(struct scheduler *scheduler, uint32_t executor,
                                              bool *out_has_started)
{
    if (scheduler->needy_count > 0)
        return start_chosen(scheduler, executor, out_has_started);
    struct lane *lane = best_lane(scheduler, executor);
    struct retry *retry = retry_for(scheduler, executor);
    *out_has_started = lane != NULL || retry != NULL;
    if (retry != NULL && (lane == NULL || goes_before(retry, lane)))
        return start_retry(scheduler, retry, executor);
    return lane != NULL ? start_first(scheduler, lane, executor) : NULL;
}

/* What comes next there, as long as that is quick. Who is tried again waits for a worker, and so do
 * those behind him. */
BARKS_CHECKED static barks_status *give_ahead(struct scheduler *scheduler, uint32_t executor)
{
    while (ahead_is_possible(scheduler, executor) && retry_for(scheduler, executor) == NULL) {
        struct lane *lane = best_lane(scheduler, executor);
        if (lane == NULL || !ahead_admits(scheduler, executor, lane))
            return NULL;
        BARKS_TRY(start_first(scheduler, lane, executor));
    }
    return NULL;
}

barks_status *executor_dispatch(struct scheduler *scheduler, uint32_t executor)
{
    bool has_started = true;
    BARKS_TRY(locality_look(scheduler, executor));
    while (has_started && executor_has_idle_worker(&scheduler->executors, executor))
        BARKS_TRY(start_next(scheduler, executor, &has_started));
    BARKS_TRY(give_ahead(scheduler, executor));
    return gangs_dispatch(scheduler);
}

/* One task for each executor, and again, so that few tasks are spread. */
BARKS_CHECKED static barks_status *dispatch_in_turns(struct scheduler *scheduler)
{
    bool has_started = true;
    while (has_started) {
        has_started = false;
        for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++) {
            bool is_started = false;
            if (executor_has_idle_worker(&scheduler->executors, id))
                BARKS_TRY(start_next(scheduler, id, &is_started));
            has_started |= is_started;
        }
    }
    return gangs_dispatch(scheduler);
}

/* Who takes a lane's next task; EXECUTOR_NONE: no idle worker. */
static uint32_t idle_executor(const struct scheduler *scheduler, const struct lane *lane)
{
    const struct executor_table *table = &scheduler->executors;
    uint32_t executor = EXECUTOR_NONE;
    enum free_list_kind kind = FREE_ANYWHERE;
    switch (lane->level) {
    case LANE_EXECUTOR:
        if (executor_has_idle_worker(table, lane->place) &&
            lane_is_open_to(scheduler, lane, lane->place))
            executor = lane->place;
        return executor;
    case LANE_NODE:
        executor = table->nodes[lane->place].free_list.head;
        kind = FREE_ON_NODE;
        break;
    case LANE_STEAL:
        if (locality_holds_all(lane->stage))
            return EXECUTOR_NONE;
        __attribute__((fallthrough));
    case LANE_ANY:
        executor = table->free_list.head;
        break;
    }
    while (executor != EXECUTOR_NONE && !lane_is_open_to(scheduler, lane, executor))
        executor = table->executors[executor].free_links[kind].next;
    return executor;
}

static uint32_t idle_executor_for(const struct scheduler *scheduler, const struct retry *retry)
{
    const struct executor_table *table = &scheduler->executors;
    uint32_t executor = table->free_list.head;
    while (executor != EXECUTOR_NONE && !retry_is_for(scheduler, retry, executor))
        executor = table->executors[executor].free_links[FREE_ANYWHERE].next;
    return executor;
}

BARKS_CHECKED static barks_status *retries_dispatch(struct scheduler *scheduler,
                                                    const struct stage *stage)
{
    struct retry *next = NULL;
    for (struct retry *retry = scheduler->retries.first; retry != NULL; retry = next) {
        next = retry->next;
        if (retry->stage != stage || !stage_is_active(stage))
            continue;
        uint32_t executor = idle_executor_for(scheduler, retry);
        if (executor != EXECUTOR_NONE)
            BARKS_TRY(start_retry(scheduler, retry, executor));
    }
    return NULL;
}

barks_status *stage_dispatch(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->gang.is_gang)
        return gangs_dispatch(scheduler);
    if (gang_goes_before(scheduler, stage)) /* which executor gives it something, it knows */
        return dispatch_all(scheduler);
    if (scheduler->needy_count > 0) /* idle workers may wait for others to end */
        return dispatch_in_turns(scheduler);
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        struct lane *lane = &stage->lanes[index];
        while (lane_first(lane) != TASK_NONE) {
            uint32_t executor = idle_executor(scheduler, lane);
            if (executor == EXECUTOR_NONE)
                break;
            BARKS_TRY(start_first(scheduler, lane, executor));
            executor_to_back(&scheduler->executors, executor);
        }
    }
    return retries_dispatch(scheduler, stage);
}

barks_status *dispatch_all(struct scheduler *scheduler)
{
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++)
        BARKS_TRY(executor_dispatch(scheduler, id));
    return NULL;
}
