#include "scheduler/scheduler.h"

#include "scheduler/scheduler_state.h"

#include <inttypes.h>
#include <stdlib.h>

barks_status *scheduler_create(const struct scheduler_options *options,
                               struct scheduler **out_scheduler)
{
    enum { JOB_CAPACITY_FIRST = 64 };
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    struct job **jobs = calloc(JOB_CAPACITY_FIRST, sizeof(struct job *));
    if (scheduler == NULL || jobs == NULL) {
        free(scheduler);
        free(jobs);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a scheduler");
    }
    scheduler->options = *options;
    if (options->attempts_max == 0)
        scheduler->options.attempts_max = 1;
    if (options->attempts_max > UINT16_MAX)
        scheduler->options.attempts_max = UINT16_MAX;
    if (options->losses_max == 0)
        scheduler->options.losses_max = 3;
    if (options->losses_max > UINT16_MAX - 1)
        scheduler->options.losses_max = UINT16_MAX - 1;
    if (options->slow_after_percent == 0)
        scheduler->options.slow_after_percent = 75;
    if (options->executor_count_min == 0)
        scheduler->options.executor_count_min = 1;
    barks_status *status = pool_table_init(&scheduler->pools, options->pools, options->pool_count);
    if (status != NULL) {
        free(scheduler);
        free(jobs);
        return status;
    }
    scheduler->jobs = jobs;
    scheduler->job_capacity = JOB_CAPACITY_FIRST;
    scheduler->passed.unheld = EXECUTOR_NONE;
    executor_table_init(&scheduler->executors);
    attempt_pool_init(&scheduler->attempts);
    overruns_init(&scheduler->overruns);
    *out_scheduler = scheduler;
    return NULL;
}

static void free_retired(struct scheduler *scheduler)
{
    while (scheduler->retired != NULL) {
        struct job *job = scheduler->retired;
        scheduler->retired = job->next;
        job_destroy(job);
    }
}

void scheduler_destroy(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    for (struct job *job = scheduler->first_job; job != NULL; job = job->next)
        exclusion_end_job(scheduler, job);
    heap_drop(&scheduler->timers); /* before what its timers are part of */
    retry_list_drop(&scheduler->retries);
    executor_table_drop(&scheduler->executors);
    pool_table_drop(&scheduler->pools);
    free_retired(scheduler);
    while (scheduler->first_job != NULL) {
        struct job *job = scheduler->first_job;
        scheduler->first_job = job->next;
        job_destroy(job);
    }
    attempt_pool_drop(&scheduler->attempts);
    free(scheduler->jobs);
    free(scheduler);
}

bool scheduler_is_broken(const struct scheduler *scheduler) { return scheduler->is_broken; }

uint64_t scheduler_next_deadline_ns(const struct scheduler *scheduler)
{
    const struct heap_node *first = heap_first(&scheduler->timers);
    return first == NULL ? UINT64_MAX : first->key[0];
}

const struct transition_counts *scheduler_transitions(const struct scheduler *scheduler)
{
    return &scheduler->transitions;
}

barks_status *scheduler_decide(struct scheduler *scheduler, const struct decision *decision)
{
    return decision_list_append(scheduler->decisions, decision);
}

/* Ids are often consecutive or multiples of a power of two: both spread by this (Knuth's golden
 * ratio).
 */
static uint32_t slot_of(const struct scheduler *scheduler, uint64_t id)
{
    uint64_t mixed = id * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32) & (scheduler->job_capacity - 1);
}

struct job *scheduler_find_job(const struct scheduler *scheduler, uint64_t id)
{
    struct job *job = scheduler->jobs[slot_of(scheduler, id)];
    while (job != NULL && job->id != id)
        job = job->next_in_table;
    return job;
}

static void add_to_table(struct scheduler *scheduler, struct job *job)
{
    struct job **slot = &scheduler->jobs[slot_of(scheduler, job->id)];
    job->next_in_table = *slot;
    *slot = job;
}

BARKS_CHECKED static barks_status *reserve_in_table(struct scheduler *scheduler)
{
    if (scheduler->job_count < scheduler->job_capacity)
        return NULL;
    struct job **jobs = calloc(2 * (size_t)scheduler->job_capacity, sizeof(struct job *));
    if (jobs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for more than %u jobs", scheduler->job_count);
    free(scheduler->jobs);
    scheduler->jobs = jobs;
    scheduler->job_capacity *= 2;
    for (struct job *job = scheduler->first_job; job != NULL; job = job->next)
        add_to_table(scheduler, job);
    return NULL;
}

void scheduler_retire(struct scheduler *scheduler, struct job *job)
{
    struct job **link = &scheduler->jobs[slot_of(scheduler, job->id)];
    while (*link != job)
        link = &(*link)->next_in_table;
    *link = job->next_in_table;
    if (job->deadline.node.position != HEAP_OUTSIDE)
        heap_remove(&scheduler->timers, &job->deadline.node);
    exclusion_end_job(scheduler, job);
    if (job->previous == NULL)
        scheduler->first_job = job->next;
    else
        job->previous->next = job->next;
    if (job->next == NULL)
        scheduler->last_job = job->previous;
    else
        job->next->previous = job->previous;
    scheduler->job_count--;
    job->next = scheduler->retired;
    scheduler->retired = job;
}

BARKS_CHECKED static barks_status *begin_submitted(struct scheduler *scheduler)
{
    struct job *next = NULL;
    for (struct job *job = scheduler->first_job; job != NULL; job = next) {
        next = job->next; /* a job that has nothing to do retires at once */
        if (job->state == JOB_SUBMITTED)
            BARKS_TRY(job_begin(scheduler, job));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *on_executor_joined(struct scheduler *scheduler,
                                                      const struct event *event)
{
    uint32_t executor = event->executor_joined.executor, node = event->executor_joined.node;
    uint32_t worker_count = event->executor_joined.worker_count;
    if (executor >= SCHEDULER_EXECUTOR_ID_LIMIT || node >= SCHEDULER_NODE_ID_LIMIT)
        BARKS_FAIL(BARKS_LIMIT, "executor %u of node %u joins; ids must be less than %d and %d",
                   executor, node, SCHEDULER_EXECUTOR_ID_LIMIT, SCHEDULER_NODE_ID_LIMIT);
    if (worker_count == 0 || worker_count > SCHEDULER_WORKERS_MAX)
        BARKS_FAIL(BARKS_INVALID, "executor %u joins with %u workers; it must be 1 to %d", executor,
                   worker_count, SCHEDULER_WORKERS_MAX);
    if (executor < scheduler->executors.executor_limit &&
        scheduler->executors.executors[executor].is_known)
        BARKS_FAIL(BARKS_INVALID, "executor %u joins for the second time", executor);
    struct room *room = NULL;
    struct patience *patience = NULL;
    BARKS_TRY(executor_table_reserve(&scheduler->executors, executor, node));
    BARKS_TRY(locality_join(scheduler, executor, &patience));
    barks_status *status = room_create(event->executor_joined.offer, &room);
    if (status != NULL) {
        free(patience);
        return status;
    }
    scheduler->is_deciding = true;
    bool is_late = scheduler->is_open && scheduler->job_count > 0;
    executor_join(&scheduler->executors, executor, node, worker_count, is_late, room, patience);
    passed_check(scheduler);
    if (scheduler->executors.joined_count >= scheduler->options.executor_count_min)
        scheduler->is_open = true;
    if (scheduler->is_open)
        BARKS_TRY(begin_submitted(scheduler));
    return executor_dispatch(scheduler, executor);
}

BARKS_CHECKED static barks_status *on_executor_lost(struct scheduler *scheduler,
                                                    const struct event *event)
{
    uint32_t executor = event->executor_lost.executor;
    if (executor >= scheduler->executors.executor_limit ||
        !scheduler->executors.executors[executor].is_known)
        BARKS_FAIL(BARKS_INVALID, "executor %u is lost but never joined", executor);
    if (!executor_is_alive(&scheduler->executors, executor))
        return NULL;
    scheduler->is_deciding = true;
    return executor_recover(scheduler, event);
}

BARKS_CHECKED static barks_status *on_executor_distrusted(struct scheduler *scheduler,
                                                          const struct event *event)
{
    uint32_t executor = event->executor_distrusted.executor;
    if (executor >= scheduler->executors.executor_limit ||
        !scheduler->executors.executors[executor].is_known)
        BARKS_FAIL(BARKS_INVALID, "executor %u is distrusted but never joined", executor);
    if (!executor_is_alive(&scheduler->executors, executor) ||
        scheduler->executors.executors[executor].is_distrusted ||
        scheduler->options.exclusion_ns == 0)
        return NULL;
    scheduler->is_deciding = true;
    BARKS_TRY(exclusion_distrust(scheduler, executor));
    passed_check(scheduler);
    return dispatch_all(scheduler); /* tasks that avoided others may have no choice now */
}

BARKS_CHECKED static barks_status *on_job_submitted(struct scheduler *scheduler,
                                                    const struct event *event)
{
    const struct job_spec *spec = event->job_submitted;
    if (scheduler_find_job(scheduler, spec->id) != NULL)
        BARKS_FAIL(BARKS_INVALID, "job %" PRIu64 " is submitted for the second time", spec->id);
    if (spec->pool >= scheduler->pools.count)
        BARKS_FAIL(BARKS_INVALID, "job %" PRIu64 " is of pool %u, and there are %u", spec->id,
                   spec->pool, scheduler->pools.count);
    if (spec->priority < -SCHEDULER_PRIORITY_MAX || spec->priority > SCHEDULER_PRIORITY_MAX)
        BARKS_FAIL(BARKS_LIMIT, "job %" PRIu64 " has the priority %d; it must be %d to %d",
                   spec->id, (int)spec->priority, -SCHEDULER_PRIORITY_MAX, SCHEDULER_PRIORITY_MAX);
    struct job *job = NULL;
    BARKS_TRY(reserve_in_table(scheduler));
    BARKS_TRY(job_create(spec, &scheduler->transitions, &job));
    if (spec->deadline_ns > 0) {
        barks_status *status = heap_insert(&scheduler->timers, &job->deadline.node);
        if (status != NULL) {
            job_destroy(job);
            return status;
        }
    }
    scheduler->is_deciding = true;
    job->sequence = scheduler->job_sequence++;
    pool_admit(&scheduler->pools, job, spec->pool, spec->priority);
    job->previous = scheduler->last_job;
    if (scheduler->last_job == NULL)
        scheduler->first_job = job;
    else
        scheduler->last_job->next = job;
    scheduler->last_job = job;
    scheduler->job_count++;
    add_to_table(scheduler, job);
    if (scheduler->is_open && scheduler->executors.living_count > 0)
        return job_begin(scheduler, job);
    return NULL;
}

BARKS_CHECKED static barks_status *cancel_job(struct scheduler *scheduler, struct job *job,
                                              enum failure_cause cause)
{
    if (job->state == JOB_FINISHING)
        return NULL;
    struct job_outcome outcome = {.result = JOB_RESULT_CANCELLED, .cause = cause};
    return job_finish(scheduler, job, &outcome);
}

BARKS_CHECKED static barks_status *on_job_cancelled(struct scheduler *scheduler,
                                                    const struct event *event)
{
    struct job *job = scheduler_find_job(scheduler, event->job_cancelled.job);
    if (job == NULL)
        return NULL;
    scheduler->is_deciding = true;
    return cancel_job(scheduler, job, CAUSE_CANCELLED);
}

BARKS_CHECKED static barks_status *on_due(struct scheduler *scheduler, struct timer *timer)
{
    switch (timer->kind) {
    case TIMER_DEADLINE:
        return cancel_job(scheduler, (struct job *)timer, CAUSE_DEADLINE);
    case TIMER_EXCLUSION: {
        uint32_t executor = ((struct exclusion *)timer)->executor;
        exclusion_end(scheduler, (struct exclusion *)timer);
        return executor_dispatch(scheduler, executor);
    }
    case TIMER_WATCH:
        return speculation_look(scheduler, (struct stage *)timer);
    case TIMER_GANG:
        return gang_give_up(scheduler, (struct stage *)timer);
    case TIMER_OVERRUN:
        return overruns_look(scheduler);
    case TIMER_WISHES:
        return stage_dispatch(scheduler, ((struct wishes *)timer)->stage);
    case TIMER_PATIENCE:
        return executor_dispatch(scheduler, ((struct patience *)timer)->executor);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *on_timer(struct scheduler *scheduler, const struct event *event)
{
    scheduler->is_deciding = true;
    for (;;) {
        struct timer *first = (struct timer *)heap_first(&scheduler->timers);
        if (first == NULL || first->node.key[0] > event->time_ns)
            return NULL;
        heap_remove(&scheduler->timers, &first->node);
        BARKS_TRY(on_due(scheduler, first));
    }
}

BARKS_CHECKED static barks_status *handle(struct scheduler *scheduler, const struct event *event)
{
    switch (event->kind) {
    case EVENT_EXECUTOR_JOINED:
        return on_executor_joined(scheduler, event);
    case EVENT_EXECUTOR_LOST:
        return on_executor_lost(scheduler, event);
    case EVENT_EXECUTOR_DISTRUSTED:
        return on_executor_distrusted(scheduler, event);
    case EVENT_JOB_SUBMITTED:
        return on_job_submitted(scheduler, event);
    case EVENT_JOB_CANCELLED:
        return on_job_cancelled(scheduler, event);
    case EVENT_ATTEMPT_STARTED:
        handle_attempt_started(scheduler, event);
        return NULL;
    case EVENT_ATTEMPT_FINISHED:
        return handle_attempt_finished(scheduler, event);
    case EVENT_ATTEMPT_FAILED:
        return handle_attempt_failed(scheduler, event);
    case EVENT_STAGE_COMMITTED:
        return handle_stage_committed(scheduler, event);
    case EVENT_COMMIT_FAILED:
        return handle_commit_failed(scheduler, event);
    case EVENT_STAGE_SKIPPED:
        return handle_stage_skipped(scheduler, event);
    case EVENT_COPY_WANTED:
        return handle_copy_wanted(scheduler, event);
    case EVENT_TASK_STOPPED:
        return handle_task_stopped(scheduler, event);
    case EVENT_RUN_CUT:
        return handle_run_cut(scheduler, event);
    case EVENT_TIMER:
        return on_timer(scheduler, event);
    }
    BARKS_FAIL(BARKS_INVALID, "an event of the unknown kind %d", (int)event->kind);
}

/* To others than it was held for. */
BARKS_CHECKED static barks_status *give_what_was_held(struct scheduler *scheduler)
{
    uint32_t executor = scheduler->passed.unheld;
    bool is_everywhere = scheduler->is_hold_over;
    scheduler->passed.unheld = EXECUTOR_NONE;
    scheduler->is_hold_over = false;
    return is_everywhere ? dispatch_all(scheduler) : executor_dispatch(scheduler, executor);
}

barks_status *scheduler_handle(struct scheduler *scheduler, const struct event *event,
                               struct decision_list *decisions)
{
    if (scheduler->is_broken)
        BARKS_FAIL(BARKS_INTERNAL, "the scheduler ran out of memory before and cannot go on");
    free_retired(scheduler);
    scheduler->decisions = decisions;
    scheduler->is_deciding = false;
    if (event->time_ns > scheduler->now_ns)
        scheduler->now_ns = event->time_ns;
    barks_status *status = handle(scheduler, event);
    while (status == NULL && (scheduler->is_hold_over || scheduler->passed.unheld != EXECUTOR_NONE))
        status = give_what_was_held(scheduler);
    scheduler->decisions = NULL;
    scheduler->is_broken = status != NULL && scheduler->is_deciding;
    return status;
}
