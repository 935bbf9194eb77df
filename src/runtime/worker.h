/* Worker threads: each takes a task, runs it to its end, and takes the next. */
#pragma once

#include "exec/partition_share.h"
#include "exec/task_run.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct workers;
struct topology;
struct net;

/* Tasks that came together: what they read may lie in there. Only the communication thread counts.
 */
struct task_message {
    uint8_t *bytes; /* owned */
    uint32_t holders;
};
void task_message_release(struct task_message *message);

/* A task on its way through an executor. Owned by one holder at a time: communication thread,
 * worker, communication thread. */
struct assignment {
    uint64_t job;
    uint32_t stage_index;         /* of the job, as the scheduler counts */
    struct stage_entry *stage;    /* counted: alive until the assignment is dropped */
    struct task_spec spec;        /* loans owned; payloads owned, they point into message */
    struct task_message *message; /* counted: the bytes that payloads point into */
    struct share_member member;   /* of its stage's share */
    struct task_progress progress;
    uint64_t cancelled_ns; /* since when it is told to end; 0: it is not. Guarded by the workers'
                              lock, as is the next */
    bool was_shown;        /* the stack of the worker that does not end it */
    barks_status *status;  /* of the attempt, owned */
    struct task_result result;
    struct assignment *next;
};
void assignment_drop(struct assignment *assignment); /* frees it; NULL is fine */
void assignments_drop(struct assignment *list);      /* that are linked by next */
/* Under the workers' lock: tells it to end. */
void assignment_cancel(struct assignment *assignment);

/* A stage that the driver has shipped. Counted by its assignments and by the executor's table; only
 * the communication thread counts. Where its tasks share partitions, those that have ended are kept
 * until all have, since they count together or not at all; the last three are guarded by the
 * workers' lock. */
struct stage_entry {
    uint64_t stage;
    struct pipeline *pipeline; /* owned; NULL where it could not be read */
    barks_status *problem;     /* owned: why not; every task of the stage fails with it */
    uint32_t holders;
    bool shares;
    struct partition_share share;
    uint32_t unfinished;      /* tasks that share and have not ended */
    struct assignment *ended; /* the others, failures first; owned */
    bool fail_together;       /* because partitions had moved */
    bool is_released;         /* the driver needs it no more: it goes with its last assignment */
    struct stage_entry *next;
};
void stage_entry_release(struct stage_entry *entry);

struct workers_options {
    uint32_t worker_count;
    uint32_t first_core;
    const struct topology *topology; /* NULL: not bound */
    const struct task_services *services;
    struct net *net; /* woken when a task ends */
};
BARKS_CHECKED barks_status *workers_start(const struct workers_options *options,
                                          struct workers **out_workers);

/* Communication thread: hands a task over; takes those that have ended, linked by next, in the
 * order in which they have (NULL: none). */
void workers_give(struct workers *workers, struct assignment *assignment);
struct assignment *workers_take_ended(struct workers *workers);

/* Calls visit for each task that runs or waits, under the lock; for cancelling and progress. */
void workers_visit(struct workers *workers,
                   void (*visit)(void *context, struct assignment *assignment), void *context);

/* The attempt that the thread runs; false: it is no worker, or runs none. executor is not set. */
struct attempt_id;
bool workers_find_running(struct workers *workers, pthread_t thread, struct attempt_id *out_id);

/* Shows the stack of a worker whose task was told to end so long ago and has not, once for each
 * task, one in a call, which takes up to a second then. */
void workers_show_deaf(struct workers *workers, uint64_t silent_ns_max);

/* Cancels what runs, drops what waits, joins the threads. False: at until_ns some still ran, and
 * everything is left to the end of the process: they may use it. NULL is fine. */
bool workers_stop(struct workers *workers, uint64_t until_ns);
