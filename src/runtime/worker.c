#include "runtime/worker.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/pool.h"
#include "net/net.h"
#include "net/topology.h"
#include "runtime/crash.h"
#include "scheduler/event.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct worker {
    struct workers *workers;
    uint32_t core;
    pthread_t thread;
    struct assignment *running; /* guarded by workers->locked */
};

struct workers {
    struct workers_options options;
    struct worker *all;
    uint32_t started;
    struct lock lock;             /* guards locked and each worker's running */
    struct condition work, ended; /* there is some; a thread has */
    struct {
        struct assignment *waiting, **waiting_end;
        uint32_t waiting_count, low_count; /* so few that the driver should send more */
        struct assignment *ended, **ended_end;
        uint32_t running_count; /* threads that have not ended */
        bool stopping;
    } locked;
};

void stage_entry_release(struct stage_entry *entry)
{
    if (entry == NULL || --entry->holders > 0)
        return;
    partition_share_drop(&entry->share);
    pipeline_destroy(entry->pipeline);
    barks_status_free(entry->problem);
    free(entry);
}

void task_message_release(struct task_message *message)
{
    if (message == NULL || --message->holders > 0)
        return;
    free(message->bytes);
    free(message);
}

void assignment_drop(struct assignment *assignment)
{
    if (assignment == NULL)
        return;
    stage_entry_release(assignment->stage);
    free((void *)(uintptr_t)assignment->spec.payloads);
    free((void *)(uintptr_t)assignment->spec.loans);
    task_message_release(assignment->message);
    barks_status_free(assignment->status);
    task_result_drop(&assignment->result);
    free(assignment);
}

void assignments_drop(struct assignment *list)
{
    while (list != NULL) {
        struct assignment *next = list->next;
        assignment_drop(list);
        list = next;
    }
}

/* The next task, or NULL when the workers stop. */
static struct assignment *next_assignment(struct worker *worker)
{
    struct workers *workers = worker->workers;
    lock_acquire(&workers->lock);
    worker->running = NULL;
    while (workers->locked.waiting == NULL && !workers->locked.stopping)
        condition_wait(&workers->work, &workers->lock);
    struct assignment *assignment = workers->locked.stopping ? NULL : workers->locked.waiting;
    if (assignment != NULL) {
        workers->locked.waiting = assignment->next;
        if (assignment->next == NULL)
            workers->locked.waiting_end = &workers->locked.waiting;
        assignment->next = NULL;
        workers->locked.waiting_count--;
        worker->running = assignment;
    }
    lock_release(&workers->lock);
    return assignment;
}

static void append_ended_locked(struct workers *workers, struct assignment *assignment)
{
    assignment->next = NULL;
    *workers->locked.ended_end = assignment;
    workers->locked.ended_end = &assignment->next;
}

void assignment_cancel(struct assignment *assignment)
{
    if (assignment->cancelled_ns == 0)
        assignment->cancelled_ns = monotonic_ns();
    atomic_store_explicit(&assignment->progress.cancelled, true, memory_order_relaxed);
}

static void cancel(void *context, struct assignment *assignment)
{
    (void)context;
    assignment_cancel(assignment);
}

static bool shares(const struct assignment *assignment, const struct stage_entry *stage)
{
    return assignment->stage == stage && assignment->spec.share != NULL;
}

static void cancel_sharing_locked(struct workers *workers, const struct stage_entry *stage)
{
    for (uint32_t i = 0; i < workers->started; i++)
        if (workers->all[i].running != NULL && shares(workers->all[i].running, stage))
            assignment_cancel(workers->all[i].running);
    for (struct assignment *other = workers->locked.waiting; other != NULL; other = other->next)
        if (shares(other, stage))
            assignment_cancel(other);
}

static void let_go_locked(struct workers *workers, struct stage_entry *stage, bool fail_together)
{
    while (stage->ended != NULL) {
        struct assignment *assignment = stage->ended;
        stage->ended = assignment->next;
        if (fail_together && assignment->status == NULL)
            assignment->status =
                barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE,
                                 "a task that it shared partitions with has failed");
        partition_share_leave(&assignment->member);
        append_ended_locked(workers, assignment);
    }
}

/* Where partitions have moved between tasks, these count together or not at all, and what one reads
 * may lie in the message of another: so none is let go before all have ended. A failure is let go
 * first: others are cancelled for its sake. */
static void end_shared_locked(struct workers *workers, struct assignment *assignment)
{
    struct stage_entry *stage = assignment->stage;
    bool failed = assignment->status != NULL;
    bool is_cause = failed && barks_status_code(assignment->status) != BARKS_CANCELLED;
    struct assignment **link = &stage->ended;
    while (!is_cause && *link != NULL)
        link = &(*link)->next;
    assignment->next = *link;
    *link = assignment;
    bool moved = failed && partition_share_close(&stage->share);
    if (moved)
        cancel_sharing_locked(workers, stage);
    stage->fail_together |= moved;
    stage->unfinished--;
    if (stage->unfinished == 0 || partition_share_is_apart(&stage->share))
        let_go_locked(workers, stage, stage->fail_together);
    if (stage->unfinished == 0)
        stage->fail_together = false;
}

static void hand_back(struct worker *worker, struct assignment *assignment)
{
    struct workers *workers = worker->workers;
    lock_acquire(&workers->lock);
    worker->running = NULL;
    if (assignment->spec.share != NULL)
        end_shared_locked(workers, assignment);
    else
        append_ended_locked(workers, assignment);
    bool is_low = workers->locked.waiting_count <= workers->locked.low_count;
    /* Else it is told of soon enough, together with others; or the net may be closed already. */
    if (is_low && !workers->locked.stopping)
        net_wake(workers->options.net);
    lock_release(&workers->lock);
}

/* What a body says as it ends because it was told to is no failure of its own. */
BARKS_CHECKED static barks_status *excuse_if_told(const struct assignment *assignment,
                                                  barks_status *status)
{
    bool was_told = atomic_load_explicit(&assignment->progress.cancelled, memory_order_relaxed);
    if (status == NULL || !was_told || barks_status_code(status) == BARKS_CANCELLED)
        return status;
    return barks_status_new(BARKS_CANCELLED, status, BARKS_HERE, "it was told to end");
}

/* A stage that could not be read has nothing to run: each of its tasks fails with a copy of why. */
BARKS_CHECKED static barks_status *run(struct assignment *assignment,
                                       const struct workers_options *options)
{
    const barks_status *problem = assignment->stage->problem;
    if (problem == NULL)
        return excuse_if_told(assignment, task_run(&assignment->spec, options->services,
                                                   &assignment->progress, &assignment->result));
    char text[2048];
    barks_status_format(problem, text, sizeof text);
    return barks_status_new(barks_status_code(problem), NULL, barks_status_where(problem), "%s",
                            text);
}

static void tell_unbound(barks_status *status)
{
    if (status != NULL)
        LOG(LEVEL_DEBUG, "runtime", "a worker is not bound to its core: %s",
            barks_status_text(status));
    barks_status_free(status); /* slower, but right */
}

/* Threads that a body starts may run where its own may, so a task that needs several has the cores
 * of all workers. */
static void run_on_cores(const struct worker *worker, struct assignment *assignment)
{
    const struct workers_options *options = &worker->workers->options;
    const struct pipeline *pipeline = assignment->stage->pipeline;
    bool is_wide =
        options->topology != NULL && pipeline != NULL && step_needs_threads(&pipeline->needs) > 1;
    if (is_wide)
        tell_unbound(
            topology_bind_cores(options->topology, options->first_core, options->worker_count));
    assignment->status = run(assignment, options);
    if (is_wide)
        tell_unbound(topology_bind_core(options->topology, worker->core));
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    const struct workers_options *options = &worker->workers->options;
    fault_enter_rank(options->services->executor);
    crash_thread_begin();
    if (options->topology != NULL)
        tell_unbound(topology_bind_core(options->topology, worker->core));
    struct assignment *assignment;
    while ((assignment = next_assignment(worker)) != NULL) {
        fault_point(POINT_ATTEMPT_BEGUN);
        pool_begin_work(options->services->pool);
        run_on_cores(worker, assignment);
        pool_end_work(options->services->pool);
        fault_point(POINT_ATTEMPT_ENDED);
        hand_back(worker, assignment);
    }
    crash_thread_end();
    lock_acquire(&worker->workers->lock);
    worker->workers->locked.running_count--;
    condition_broadcast(&worker->workers->ended);
    lock_release(&worker->workers->lock);
    return NULL;
}

/* As deep as the deepest stage needs, whatever `ulimit -s` says: where that is unlimited, as is
 * usual on clusters, a thread would have 2 MiB. Pages that are never touched cost nothing. */
BARKS_CHECKED static int start_worker(struct worker *worker)
{
    size_t stack_bytes = PIPELINE_STACK_BYTES_MAX;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    stack_bytes *= 8; /* what they put around variables */
#endif
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (error == 0)
        error = pthread_create(&worker->thread, &attributes, run_worker, worker);
    (void)pthread_attr_destroy(&attributes); /* never fails */
    return error;
}

barks_status *workers_start(const struct workers_options *options, struct workers **out_workers)
{
    struct workers *workers = calloc(1, sizeof *workers);
    struct worker *all = calloc(options->worker_count, sizeof *all);
    if (workers == NULL || all == NULL) {
        free(workers);
        free(all);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u workers", options->worker_count);
    }
    workers->options = *options;
    workers->all = all;
    workers->locked.waiting_end = &workers->locked.waiting;
    workers->locked.ended_end = &workers->locked.ended;
    lock_init(&workers->lock, LOCK_TASK, "workers");
    condition_init(&workers->work);
    condition_init(&workers->ended);
    workers->locked.running_count = options->worker_count;
    for (uint32_t i = 0; i < options->worker_count; i++) {
        all[i] = (struct worker){.workers = workers, .core = options->first_core + i};
        int error = start_worker(&all[i]);
        if (error != 0) {
            workers->locked.running_count = i;
            (void)workers_stop(workers, UINT64_MAX); /* they have no tasks */
            BARKS_FAIL(
                BARKS_LIMIT,
                "cannot start worker %u of %u: %s; lower --barks-workers or raise `ulimit -u`", i,
                options->worker_count, strerrordesc_np(error));
        }
        workers->started++;
    }
    *out_workers = workers;
    return NULL;
}

void workers_give(struct workers *workers, struct assignment *assignment)
{
    assignment->next = NULL;
    lock_acquire(&workers->lock);
    if (assignment->stage->shares && !assignment->spec.is_alone) {
        partition_share_join(&assignment->stage->share, &assignment->member, &assignment->spec);
        assignment->spec.share = &assignment->member;
        assignment->stage->unfinished++;
    }
    *workers->locked.waiting_end = assignment;
    workers->locked.waiting_end = &assignment->next;
    workers->locked.low_count = ++workers->locked.waiting_count / 2;
    condition_signal(&workers->work);
    lock_release(&workers->lock);
}

struct assignment *workers_take_ended(struct workers *workers)
{
    lock_acquire(&workers->lock);
    struct assignment *ended = workers->locked.ended;
    workers->locked.ended = NULL;
    workers->locked.ended_end = &workers->locked.ended;
    lock_release(&workers->lock);
    return ended;
}

void workers_visit(struct workers *workers,
                   void (*visit)(void *context, struct assignment *assignment), void *context)
{
    lock_acquire(&workers->lock);
    for (uint32_t i = 0; i < workers->started; i++)
        if (workers->all[i].running != NULL)
            visit(context, workers->all[i].running);
    for (struct assignment *waiting = workers->locked.waiting; waiting != NULL;
         waiting = waiting->next)
        visit(context, waiting);
    lock_release(&workers->lock);
}

/* The threads are gone. */
static void end_waiting(struct workers *workers)
{
    while (workers->locked.waiting != NULL) {
        struct assignment *assignment = workers->locked.waiting;
        workers->locked.waiting = assignment->next;
        if (assignment->spec.share != NULL)
            end_shared_locked(workers, assignment);
        else
            append_ended_locked(workers, assignment);
    }
}

bool workers_find_running(struct workers *workers, pthread_t thread, struct attempt_id *out_id)
{
    bool is_found = false;
    lock_acquire(&workers->lock);
    for (uint32_t i = 0; i < workers->started && !is_found; i++) {
        const struct assignment *running = workers->all[i].running;
        if (running == NULL || pthread_equal(workers->all[i].thread, thread) == 0)
            continue;
        *out_id = (struct attempt_id){.job = running->job,
                                      .stage = running->stage_index,
                                      .task = running->spec.task,
                                      .attempt = running->spec.attempt};
        is_found = true;
    }
    lock_release(&workers->lock);
    return is_found;
}

/* One whose task does not end, or NULL. */
static struct worker *find_deaf_locked(struct workers *workers, uint64_t silent_ns_max,
                                       uint64_t now_ns)
{
    for (uint32_t i = 0; i < workers->started; i++) {
        const struct assignment *running = workers->all[i].running;
        if (running != NULL && running->cancelled_ns != 0 && !running->was_shown &&
            now_ns - running->cancelled_ns >= silent_ns_max)
            return &workers->all[i];
    }
    return NULL;
}

void workers_show_deaf(struct workers *workers, uint64_t silent_ns_max)
{
    char whose[128];
    uint64_t now_ns = monotonic_ns();
    lock_acquire(&workers->lock);
    struct worker *worker = find_deaf_locked(workers, silent_ns_max, now_ns);
    if (worker != NULL) {
        struct assignment *running = worker->running;
        running->was_shown = true;
        snprintf(whose, sizeof whose,
                 "task %" PRIu32 " of stage %" PRIu32 " on executor %" PRIu32
                 ", which was told to end %.1f s ago",
                 running->spec.task, running->stage_index + 1, workers->options.services->executor,
                 (double)(now_ns - running->cancelled_ns) * 1e-9);
    }
    lock_release(&workers->lock);
    /* Without the lock, which the task may need to end meanwhile; the thread stays. */
    if (worker != NULL)
        crash_show_stack(worker->thread, whose);
}

BARKS_CHECKED static bool await_threads(struct workers *workers, uint64_t until_ns)
{
    lock_acquire(&workers->lock);
    while (workers->locked.running_count > 0 && monotonic_ns() < until_ns)
        condition_wait_until(&workers->ended, &workers->lock, until_ns);
    bool have_ended = workers->locked.running_count == 0;
    lock_release(&workers->lock);
    return have_ended;
}

bool workers_stop(struct workers *workers, uint64_t until_ns)
{
    if (workers == NULL)
        return true;
    workers_visit(workers, cancel, NULL);
    lock_acquire(&workers->lock);
    workers->locked.stopping = true;
    condition_broadcast(&workers->work);
    lock_release(&workers->lock);
    if (!await_threads(workers, until_ns))
        return false;
    for (uint32_t i = 0; i < workers->started; i++)
        pthread_join(workers->all[i].thread, NULL);
    end_waiting(workers);
    assignments_drop(workers->locked.ended);
    condition_drop(&workers->ended);
    condition_drop(&workers->work);
    lock_drop(&workers->lock);
    free(workers->all);
    free(workers);
    return true;
}
