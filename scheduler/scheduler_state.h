/* What a scheduler holds, for the files of this folder that share the work of scheduler_handle. */
#pragma once

#include "scheduler/ahead.h"
#include "scheduler/attempt.h"
#include "scheduler/decision.h"
#include "scheduler/executor.h"
#include "scheduler/heap.h"
#include "scheduler/job.h"
#include "scheduler/job_pool.h"
#include "scheduler/overrun.h"
#include "scheduler/passed.h"
#include "scheduler/retry.h"
#include "scheduler/scheduler.h"
#include "scheduler/transition.h"

#include <stdbool.h>
#include <stdint.h>

/* Threads: one owner at a time. Invariant between events: no worker is idle while a pending task
 * may run there, unless a gang that comes first holds it (scheduler_is_sound). */
struct scheduler {
    struct scheduler_options options; /* defaults filled in */
    bool is_open;                     /* executor_count_min have joined */
    bool is_broken;                   /* an error in the midst of decisions */
    bool is_deciding;                 /* from the first change that an event makes until its end */
    struct executor_table executors;
    struct attempt_pool attempts;
    struct pool_table pools;   /* with LANE_ANY and LANE_STEAL of all stages */
    struct heap timers;        /* of struct timer */
    struct retry_list retries; /* of all stages */
    struct stage *gangs;       /* that wait for workers, the first one first; borrowed */
    bool is_hold_over;         /* what the first one held is to be given to others */
    uint32_t needy_count;      /* stages that may start tasks and need more than a worker */
    uint32_t wishing_count;    /* stages that may start tasks and have some that wish for nodes */
    struct passed_list passed;
    struct overruns overruns;
    uint64_t now_ns;   /* of the event; never earlier than that of the one before */
    struct job **jobs; /* owned hash table of chains; capacity is a power of two */
    uint32_t job_capacity;
    uint32_t job_count;
    struct job *first_job, *last_job; /* FIFO */
    struct job *retired; /* finished: freed by the next event, so that it can be asked about */
    uint64_t job_sequence;
    struct decision_list *decisions; /* borrowed during an event */
    struct transition_counts transitions;
};

/* scheduler.c */
struct job *scheduler_find_job(const struct scheduler *scheduler, uint64_t id);
BARKS_CHECKED barks_status *scheduler_decide(struct scheduler *scheduler,
                                             const struct decision *decision);
/* Takes an ended job out of all lists; the next event frees it. */
void scheduler_retire(struct scheduler *scheduler, struct job *job);

/* reports.c: takes the events of the same names. */

/* The live attempt that a report is about; ATTEMPT_NONE: it has ended already, its job is over, its
 * executor is lost. */
uint32_t attempt_find(const struct scheduler *scheduler, const struct attempt_id *id);
void handle_attempt_started(struct scheduler *scheduler, const struct event *event);
BARKS_CHECKED barks_status *handle_attempt_finished(struct scheduler *scheduler,
                                                    const struct event *event);
BARKS_CHECKED barks_status *handle_attempt_failed(struct scheduler *scheduler,
                                                  const struct event *event);
BARKS_CHECKED barks_status *handle_stage_committed(struct scheduler *scheduler,
                                                   const struct event *event);
BARKS_CHECKED barks_status *handle_commit_failed(struct scheduler *scheduler,
                                                 const struct event *event);
BARKS_CHECKED barks_status *handle_stage_skipped(struct scheduler *scheduler,
                                                 const struct event *event);
BARKS_CHECKED barks_status *handle_task_stopped(struct scheduler *scheduler,
                                                const struct event *event);
BARKS_CHECKED barks_status *handle_copy_wanted(struct scheduler *scheduler,
                                               const struct event *event);
/* cut.c */
BARKS_CHECKED barks_status *handle_run_cut(struct scheduler *scheduler, const struct event *event);
/* A running task of a running job has one attempt less that may count, by an event of a failure:
 * it is tried again, or its job ends. *out_is_excluded: see exclusion_note_failure. Starts nothing.
 */
BARKS_CHECKED barks_status *task_attempt_failed(struct scheduler *scheduler, struct stage *stage,
                                                const struct event *event, bool *out_is_excluded);

/* enqueue.c: what waits for a worker. */

/* Puts a lane into the queue of its place, unless it is there, its stage may not start tasks, or
 * its place is lost. */
BARKS_CHECKED barks_status *lane_enqueue(struct scheduler *scheduler, struct lane *lane);
void lane_dequeue(struct scheduler *scheduler, struct lane *lane);
BARKS_CHECKED barks_status *stage_enqueue(struct scheduler *scheduler, struct stage *stage);
void stage_dequeue(struct scheduler *scheduler, struct stage *stage);
/* A task that became pending again. Starts nothing. */
BARKS_CHECKED barks_status *task_enqueue(struct scheduler *scheduler, struct stage *stage,
                                         uint32_t task);

/* placement.c: starts tasks. */

/* Gives an executor's idle workers the first tasks that it may run. */
BARKS_CHECKED barks_status *executor_dispatch(struct scheduler *scheduler, uint32_t executor);
/* Gives a stage's tasks to idle workers; those have nothing else to do. */
BARKS_CHECKED barks_status *stage_dispatch(struct scheduler *scheduler, struct stage *stage);
BARKS_CHECKED barks_status *dispatch_all(struct scheduler *scheduler);
/* Has it room for a task of the stage, in what is held for nobody else? O(1). */
bool executor_admits(const struct scheduler *scheduler, const struct stage *stage,
                     uint32_t executor);
/* May tasks of the lane start there? O(1) but for exclusions. */
bool lane_is_open_to(const struct scheduler *scheduler, const struct lane *lane, uint32_t executor);
/* Something starts there that is not in the order of tasks (a copy, a gang): notes whom it passes
 * (passed.h). */
void executor_is_passed_by_others(struct scheduler *scheduler, uint32_t executor);

/* attempt_life.c: how attempts begin and end. */

/* Starts an attempt on an executor that admits it. */
BARKS_CHECKED barks_status *attempt_start(struct scheduler *scheduler, struct stage *stage,
                                          uint32_t task, uint32_t executor);
/* The same ahead of an idle worker: on an executor that has none (ahead.h). */
BARKS_CHECKED barks_status *attempt_start_ahead(struct scheduler *scheduler, struct stage *stage,
                                                uint32_t task, uint32_t executor);
/* Takes an attempt that has ended out of all lists and gives its worker back; starts nothing. */
void attempt_end(struct scheduler *scheduler, uint32_t index, enum attempt_state end);
/* Asks its executor to end it, once: it does not count any more. */
BARKS_CHECKED barks_status *attempt_cancel(struct scheduler *scheduler, uint32_t index);
/* Likewise, but it counts as the executor says: its task is tried again where it was ended. */
BARKS_CHECKED barks_status *attempt_stop(struct scheduler *scheduler, uint32_t index);
/* Is an attempt live that may count? */
bool task_has_hope(const struct scheduler *scheduler, const struct task *task);
struct attempt_id attempt_identity(const struct attempt *attempt);

/* progress.c: from stage to stage, and to the end of the job. */

/* The job is running from now on; its first stages start. */
BARKS_CHECKED barks_status *job_begin(struct scheduler *scheduler, struct job *job);
/* Fails the job where no executor that may run a task of the stage has what it needs. O(executors
 * and lanes), O(1) where that is a worker. */
BARKS_CHECKED barks_status *stage_check_needs(struct scheduler *scheduler, struct stage *stage);
/* Its parents are committed: WAITING to READY, or at once to COMPLETE. */
BARKS_CHECKED barks_status *stage_make_ready(struct scheduler *scheduler, struct stage *stage);
/* All its runs have an attempt that counts. */
BARKS_CHECKED barks_status *stage_complete(struct scheduler *scheduler, struct stage *stage);
/* The commit is acknowledged: releases what it read, lets its readers begin. */
BARKS_CHECKED barks_status *stage_commit(struct scheduler *scheduler, struct stage *stage);
/* A waiting stage that fills a shuffle need not run: the same. */
BARKS_CHECKED barks_status *stage_skip(struct scheduler *scheduler, struct stage *stage);
/* The outcome is known: cancels what runs, and ends the job if nothing does. */
BARKS_CHECKED barks_status *job_finish(struct scheduler *scheduler, struct job *job,
                                       const struct job_outcome *outcome);
/* Ends a finishing job whose last attempt has ended; else does nothing. */
BARKS_CHECKED barks_status *job_end_if_idle(struct scheduler *scheduler, struct job *job);

/* recovery.c */

/* The executor is lost: what ran there, what was kept there and what was sent there. */
BARKS_CHECKED barks_status *executor_recover(struct scheduler *scheduler,
                                             const struct event *event);
