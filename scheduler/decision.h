/* What the scheduler wants done, in the order in which it must be done. */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"

#include <stddef.h>
#include <stdint.h>

enum decision_kind {
    DECISION_SHIP_STAGE = 1,  /* send the stage's pipeline to an executor; its first task follows */
    DECISION_START_TASK,      /* one of its workers is free for it */
    DECISION_ATTEMPT_OVERRUN, /* to be told: it has run longer than it may, which is a failure of
                                 its task; its cancellation follows */
    DECISION_CUT_RUNS,        /* an executor whose attempts of a stage have begun too little of what
                                 they share gives up the rest of it, by EVENT_RUN_CUT */
    DECISION_CANCEL_ATTEMPT, /* answered by EVENT_ATTEMPT_FAILED or _FINISHED, until when its worker
                                counts as busy; twice where it was stopped before */
    DECISION_DISCARD_ATTEMPT, /* it finished but does not count: drop its frames or files, and
                                 report */
    DECISION_COMMIT_STAGE, /* every run has one attempt that counts (scheduler_counted_run); publish
                              them, let sinks appear, then send EVENT_STAGE_COMMITTED */
    DECISION_OWNERS_CHANGED, /* a lost executor's partitions of this shuffle have new owners: send
                                them again from what is kept (only where options.recovers) */
    DECISION_RELEASE_STAGE, /* nobody reads its output any more: drop output and pipeline everywhere
                             */
    DECISION_EXECUTOR_EXCLUDED, /* to be told: it gets no more tasks of the stage, or job, for now
                                 */
    DECISION_JOB_FINISHED,      /* no attempt of it runs; all its stages are released by this */
};

enum job_result { JOB_RESULT_DONE = 1, JOB_RESULT_FAILED, JOB_RESULT_CANCELLED };

/* How a job ended, and of what. */
struct job_outcome {
    enum job_result result;
    enum failure_cause cause;  /* CAUSE_NONE where done */
    uint64_t error;            /* of the failed attempt or commit; 0 where there is none */
    struct attempt_id attempt; /* the one that failed or was lost; all zero where it was none.
                                  CAUSE_ROOM, CAUSE_ROOM_LATE, CAUSE_NEEDS: its job and stage
                                  are those */
};

struct decision {
    enum decision_kind kind;
    union {
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t executor;
        } ship_stage;
        struct {
            struct attempt_id id;
            uint32_t first_partition; /* the run is [first_partition, end_partition) */
            uint32_t end_partition;
            uint32_t piece; /* of piece_count, which is 1 but for runs of one partition */
            uint32_t piece_count;
            /* Who has what it reads of shuffles, which its executor must get first: a living one.
             * SCHEDULER_ANY: nobody need lend it anything. Where that fails it ends by
             * EVENT_ATTEMPT_FAILED of CAUSE_CANCELLED; it is cancelled when the lender is lost. */
            uint32_t lender;
            bool lender_is_slow; /* else it has more to do than others, or the task or others of its
                                    stage have failed there */
            bool is_alone;       /* of a stage whose tasks share: it does not */
        } start_task;
        struct attempt_id attempt_overrun;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t executor;
            uint32_t percent; /* of the partitions: less is too little; 1 to 100 */
        } cut_runs;
        struct attempt_id cancel_attempt;
        struct {
            struct attempt_id id;
            uint64_t report;
        } discard_attempt;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t
                commit; /* a stage may be committed again after a loss; only the last one counts */
            uint32_t run_count;
        } commit_stage;
        struct {
            uint64_t job;
            uint32_t stage;
        } owners_changed;
        struct {
            uint64_t job;
            uint32_t stage;
        } release_stage;
        struct {
            uint64_t job;
            uint32_t stage; /* SCHEDULER_ANY: all of the job's */
            uint32_t executor;
            bool is_for_node; /* others of its node are, and not for what has failed on itself */
            uint64_t until_ns;
        } executor_excluded;
        struct {
            uint64_t job;
            struct job_outcome outcome;
        } job_finished;
    };
};

/* Begins as {0}; ends with decision_list_drop. Emptied by its owner (count = 0), never by the
 * scheduler, which only appends. */
struct decision_list {
    struct decision *items; /* owned; moves when it grows */
    size_t count;
    size_t capacity;
};

/* Errors: BARKS_NO_MEMORY; the list is then as before. Amortised O(1). */
BARKS_CHECKED barks_status *decision_list_append(struct decision_list *list,
                                                 const struct decision *decision);
void decision_list_drop(struct decision_list *list);
