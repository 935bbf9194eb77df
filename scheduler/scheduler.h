/* The scheduler: which task runs where and when, which attempt counts, when a job is over.
 *
 * Pure: events in, decisions out; no clock, thread, MPI or file inside, so that the same events
 * always give the same decisions and a hundred thousand executors can be simulated. Sees ids,
 * counts and bytes, never rows.
 *
 * The driver's round, as the runtime sees it:
 *   EXECUTOR_JOINED for every executor, then JOB_SUBMITTED
 *   SHIP_STAGE, START_TASK ... -> ATTEMPT_FINISHED, ATTEMPT_FAILED ...
 *   COMMIT_STAGE -> (tell executors which attempts count, or rename files) -> STAGE_COMMITTED
 *   the stages that read it start; RELEASE_STAGE once they are committed
 *   JOB_FINISHED
 */
#pragma once

#include "barks/status.h"
#include "scheduler/decision.h"
#include "scheduler/event.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;

/* How the jobs of a pool are ordered among themselves. */
enum pool_policy {
    POOL_FIFO = 1, /* by priority, then the one submitted first */
    POOL_FAIR,     /* the one of which fewest tasks run */
};

/* Jobs that share the workers with those of other pools. A pool that has pending tasks and of which
 * fewer than workers_min run goes before all that have their minimum; beyond that pools get workers
 * by weight. Nothing that runs is ended for it. */
struct pool_spec {
    enum pool_policy policy;
    uint32_t weight;      /* 1 to SCHEDULER_SHARE_MAX */
    uint32_t workers_min; /* 0 to SCHEDULER_SHARE_MAX */
};

/* Zero means the default. */
struct scheduler_options {
    uint32_t attempts_max; /* failures of one task that its job survives, plus one; default 1 */
    /* An executor where tasks keep failing gets none of their stage, then of their job, for so
     * long; never the last one. 0: nobody is excluded. */
    uint64_t exclusion_ns;
    /* An attempt that has run longer than so many hundredths of the median of those of its stage
     * that have finished, and than slow_min_ns, is copied to an idle worker elsewhere, once so many
     * hundredths (default 75) of the tasks are done. slow_percent 0: none is copied. */
    uint32_t slow_percent, slow_after_percent;
    uint64_t slow_min_ns;
    /* A task that wishes for a node is given to another one only once its stage has waited so long,
     * and an idle worker there too (locality.h); 0: at once. */
    uint64_t locality_wait_ns;
    uint64_t attempt_ns_max; /* an attempt that runs longer has failed; 0: none does */
    /* Of a stage whose tasks take less than a millisecond in the median each worker has up to so
     * many more attempts than the one that it is busy with; only where slow attempts are copied and
     * their time is not limited. 0: none. */
    uint32_t ahead;
    bool keeps_durations;        /* for scheduler_stage_median_ns */
    uint32_t losses_max;         /* lost executors that one task survives while it runs there, of
                                    which nobody knows why they were; default 3 */
    uint32_t executor_count_min; /* no job begins before so many live; default 1 */
    /* False: a lost executor fails every job that has begun (its shuffle data is gone). True:
     * attempts and outputs that were lost are run again, the rest is kept. A job fails in any case
     * when the last executor is lost. */
    bool recovers;
    /* Named by index, in the order that decides between equals (of their names). Borrowed until
     * scheduler_create returns. pool_count 0: one FIFO pool. */
    const struct pool_spec *pools;
    uint32_t pool_count;
};

/* Errors: BARKS_INVALID, BARKS_LIMIT (pools), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *scheduler_create(const struct scheduler_options *options,
                                             struct scheduler **out_scheduler);
void scheduler_destroy(struct scheduler *scheduler); /* NULL is fine */

/**
 * Takes one event and appends the decisions that follow from it.
 *
 * Ownership: borrows event and all that it points to; decisions hold no pointers.
 * Errors:    BARKS_INVALID (an event that contradicts an earlier one, a job that makes no sense):
 * nothing has changed. BARKS_LIMIT: a count past the limits of event.h; nothing has changed.
 *            BARKS_NO_MEMORY: for EVENT_JOB_SUBMITTED and EVENT_EXECUTOR_JOINED nothing may have
 * changed; in the midst of decisions the scheduler is broken, and says so from then on
 *            (scheduler_is_broken): only scheduler_destroy makes sense.
 * Threads:   one owner at a time.
 * Cost:      O(decisions) plus O(log ready stages + log pools + log jobs of FAIR pools) for each,
 * and O(pools and jobs of FAIR pools that have tasks for just this executor or node); O(tasks of
 * the stage, n log n) when a stage becomes ready; O(tasks of all jobs) for a lost executor.
 */
BARKS_CHECKED barks_status *scheduler_handle(struct scheduler *scheduler, const struct event *event,
                                             struct decision_list *decisions);
bool scheduler_is_broken(const struct scheduler *scheduler);

/* The earliest moment at which something is due (the deadline of a job, the end of an exclusion, a
 * look at slow attempts), so that the driver knows when to send EVENT_TIMER; UINT64_MAX: none. */
uint64_t scheduler_next_deadline_ns(const struct scheduler *scheduler);

/* Whether the job is over but for attempts that were told to cancel and have not ended: then
 * *out_outcome is what DECISION_JOB_FINISHED will say. */
bool scheduler_job_outcome(const struct scheduler *scheduler, uint64_t job,
                           struct job_outcome *out_outcome);

/* The median time of those attempts at tasks of a stage that count, at most an eighth too long; 0:
 * none yet, or without options.keeps_durations. */
uint64_t scheduler_stage_median_ns(const struct scheduler *scheduler, uint64_t job, uint32_t stage);

/* The units of each kind that a live attempt was given: a bit for each. None, where it needs none
 * or has ended. O(attempts of its task). */
void scheduler_given(const struct scheduler *scheduler, const struct attempt_id *id,
                     uint64_t out_units[SCHEDULER_RESOURCES_MAX]);

/* The attempt that counts for a run. Run i of a stage is task i; runs are in the order of their
 * partitions and pieces, and cover them all. */
struct counted_run {
    uint32_t first_partition;
    uint32_t end_partition;
    uint32_t piece, piece_count; /* as of DECISION_START_TASK */
    uint32_t attempt;
    uint32_t executor;
    uint64_t report; /* of its EVENT_ATTEMPT_FINISHED */
};

/* From DECISION_COMMIT_STAGE until DECISION_RELEASE_STAGE (or the job's end) has been handed out.
 * O(1). Errors: BARKS_INVALID (no such job, stage or run, or not committed). */
BARKS_CHECKED barks_status *scheduler_counted_run(const struct scheduler *scheduler, uint64_t job,
                                                  uint32_t stage, uint32_t run,
                                                  struct counted_run *out_run);

/* Partitions [first_partition, end_partition) of a shuffle belong to the executor: their rows go
 * there, and the tasks that read them run there. slot is the executor whose they were at the
 * beginning: itself, or one that was lost and whose heir it is. */
struct owner_range {
    uint32_t first_partition;
    uint32_t end_partition;
    uint32_t executor;
    uint32_t slot;
};

/**
 * The owners of the partitions that a stage puts out, in order, covering all of them, none empty.
 *
 * Fixed from the stage's first DECISION_SHIP_STAGE on, but for DECISION_OWNERS_CHANGED, which
 * changes executors of ranges and nothing else.
 *
 * Ownership: out_ranges has room for range_count_max; scheduler_executor_limit(scheduler) always
 * suffices. Errors:    BARKS_INVALID (no such stage, no shuffle, not begun yet), BARKS_LIMIT (no
 * room). Cost:      O(executors).
 */
BARKS_CHECKED barks_status *scheduler_owners(const struct scheduler *scheduler, uint64_t job,
                                             uint32_t stage, uint32_t range_count_max,
                                             struct owner_range *out_ranges,
                                             uint32_t *out_range_count);
/* Of what a stage of a running job puts out; 0: there is no such stage, or it is no shuffle. O(1).
 */
uint32_t scheduler_output_partition_count(const struct scheduler *scheduler, uint64_t job,
                                          uint32_t stage);
/* One more than the greatest executor id so far. */
uint32_t scheduler_executor_limit(const struct scheduler *scheduler);

enum stage_state {
    STAGE_WAITING = 0, /* for parents */
    STAGE_READY,       /* its parents are committed; no task has started since */
    STAGE_RUNNING,
    STAGE_COMPLETE,  /* every run has an attempt that counts; the commit is under way */
    STAGE_COMMITTED, /* those who read it may begin */
    STAGE_FAILED,
    STAGE_SKIPPED, /* its output was there, nobody needs it, or its job ended before it began */
};

/* For progress and summaries. O(1). Errors: BARKS_INVALID (no such job or stage). */
struct stage_progress {
    enum stage_state state;
    uint32_t task_count; /* 0 until the stage is ready */
    uint32_t tasks_done;
    uint32_t attempts_live;
    uint64_t attempts_failed;
};
BARKS_CHECKED barks_status *scheduler_stage_progress(const struct scheduler *scheduler,
                                                     uint64_t job, uint32_t stage,
                                                     struct stage_progress *out_progress);

/* An attempt at it runs that may count. False also of what there is not. */
bool scheduler_task_runs(const struct scheduler *scheduler, uint64_t job, uint32_t stage,
                         uint32_t task);

/* O(everything). */
bool scheduler_is_sound(const struct scheduler *scheduler);
