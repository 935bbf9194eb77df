/* What the scheduler is told: executors come and go, jobs arrive, attempts start and end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SCHEDULER_EXECUTOR_ID_LIMIT = 1 << 20, /* ids index tables: small numbers, such as ranks */
    SCHEDULER_NODE_ID_LIMIT = 1 << 20,
    SCHEDULER_WORKERS_MAX = 1 << 12,    /* of one executor */
    SCHEDULER_STAGES_MAX = 1 << 20,     /* of one job */
    SCHEDULER_PARTITIONS_MAX = 1 << 23, /* of one stage, and of what it puts out */
    SCHEDULER_POOLS_MAX = 1024,
    SCHEDULER_SHARE_MAX = 65535,    /* weight or minimum of a pool */
    SCHEDULER_PRIORITY_MAX = 32767, /* least: the same below zero */
    SCHEDULER_RESOURCES_MAX = 8,    /* kinds of named things, such as GPUs */
    SCHEDULER_UNITS_MAX = 64        /* of each kind, of one executor */
};

#define SCHEDULER_ANY UINT32_MAX

/* How the rows of a stage leave it. */
enum stage_output {
    OUTPUT_SHUFFLE =
        1,         /* partitioned, to the stages that read it; kept by executors until released */
    OUTPUT_RESULT, /* to the driver: safe there once the attempt has finished */
    OUTPUT_SINK,   /* to files that appear at the commit: safe whatever executor is lost later */
};

/* How the partitions of a stage are joined to runs, each of which is one task. */
enum run_policy {
    RUNS_COMBINE = 1, /* one run a worker, since each has one combine table */
    RUNS_SPREAD,      /* about eight runs a worker, so that load balances */
    RUNS_SINGLE,      /* one run a partition: what has ended is known partition by partition */
};

/* A stage that must be committed before another begins. */
enum input_kind {
    /* Partition parent_first + q of the parent's shuffle is read by partition first_partition + q
     * of this stage. The tasks are pinned to the executors that own those partitions
     * (scheduler/owners.h), unless the parent's output was there already (skipped), when it can be
     * read from anywhere. The inputs of a join read partitions of equal number of shuffles of
     * equal size; a union has ranges side by side; other overlaps are refused.
     */
    INPUT_PARTITIONS = 1,
    /* Order only: no data goes this way, or it goes through the driver. */
    INPUT_AFTER,
};
struct stage_input {
    uint32_t parent; /* index of a stage of the same job, smaller than that of this stage */
    enum input_kind kind;
    uint32_t first_partition; /* INPUT_PARTITIONS only, as are the next two */
    uint32_t parent_first; /* the first partition of the parent that is read, by first_partition */
    uint32_t partition_count; /* how many are read; 0: all from parent_first on */
    bool is_in_pieces; /* a partition of it may be read by several tasks (pieces.h): each the rows
                          of a range of the parent's runs; not of a gang */
};

static inline uint32_t stage_input_count(const struct stage_input *input,
                                         uint32_t output_partition_count)
{
    if (input->partition_count > 0)
        return input->partition_count;
    return output_partition_count > input->parent_first
               ? output_partition_count - input->parent_first
               : 0;
}

/* Where a partition is best read: an executor that has it in memory, or a node that has it on disk.
 * A wish, never a condition. */
enum place_kind { PLACE_EXECUTOR = 1, PLACE_NODE };
struct place {
    enum place_kind kind;
    uint32_t id;
};

/* What an executor has for tasks beside its workers. */
struct executor_offer {
    uint64_t memory_bytes;
    uint64_t units[SCHEDULER_RESOURCES_MAX]; /* of each kind: a bit for each that it has */
};

/* What each task of a stage needs while it runs. All zero: one worker and nothing else. */
struct task_needs {
    uint32_t threads; /* workers of its executor that it occupies; 0: one */
    uint64_t memory_bytes;
    uint8_t units[SCHEDULER_RESOURCES_MAX]; /* how many of each kind, none of which others have */
};

struct stage_spec {
    enum stage_output output;
    enum run_policy policy;
    uint32_t partition_count;        /* tasks cover [0, partition_count); 0 is fine */
    uint32_t output_partition_count; /* OUTPUT_SHUFFLE: at least 1 */
    uint32_t input_count;
    const struct stage_input *inputs;
    /* Bytes of each partition, for balance; NULL: equal. Where an input is read, what
     * EVENT_STAGE_COMMITTED of the parent says is added. */
    const uint64_t *partition_bytes;
    /* Places of partition p: places[place_firsts[p]] up to, not with, places[place_firsts[p + 1]];
     * both NULL: none. */
    const uint32_t *place_firsts;
    const struct place *places;
    /* The executor that must run partition p, SCHEDULER_ANY for whoever; NULL: none. What an input
     * pins stays there; an executor that is lost pins nothing. */
    const uint32_t *pins;
    struct task_needs needs; /* scheduler/room.h */
    /* A task is never run twice at the same time: its tasks do what the world sees. */
    bool forbids_copies;
    /* Tasks that run on one executor may take partitions of each other, so that they count together
     * and none is run twice at the same time. They can give up what they have not begun
     * (scheduler/cut.h). */
    bool shares;
    /* All its tasks run at once: none starts before all can, and where one fails, all are started
     * anew (scheduler/gang.h). Each is one partition. It waits for workers that are idle together,
     * gang_wait_ns at most (0: as long as it takes), and fails at once where fewer live.
     * is_spread: no two of its tasks on one executor. */
    bool is_gang;
    bool is_spread;
    uint64_t gang_wait_ns;
    bool is_available; /* its output is there (cached, resumed): the stage is skipped */
};

/* Borrowed until scheduler_handle returns. The last stages (that nobody reads) put out results or
 * sinks. */
struct job_spec {
    uint64_t id;          /* never used before */
    uint64_t deadline_ns; /* the job is cancelled by the first EVENT_TIMER not before; 0: none */
    uint32_t pool;        /* index in scheduler_options.pools */
    int32_t priority;     /* among jobs of its pool: a greater one goes first */
    uint32_t stage_count; /* at least 1 */
    const struct stage_spec *stages;
};

/* One attempt at one task. Attempts of a task are numbered from 0, and a number is never used
 * twice, whatever the fate of the attempt. */
struct attempt_id {
    uint64_t job;
    uint32_t stage;
    uint32_t task;
    uint32_t attempt;
    uint32_t executor; /* that runs it */
};

/* An attempt took its executor with it: that is a failure of its task, and not a loss. */
struct attempt_crash {
    struct attempt_id id;
    uint64_t error, error_hash; /* as of EVENT_ATTEMPT_FAILED */
};

enum failure_cause {
    CAUSE_NONE = 0, /* in an outcome: no failure */
    CAUSE_USER_ERROR,
    CAUSE_BAD_INPUT,
    CAUSE_RESOURCE,  /* memory, disk, a limit */
    CAUSE_LOST,      /* the executor was lost */
    CAUSE_CANCELLED, /* answers DECISION_CANCEL_ATTEMPT; in an outcome: the job was cancelled */
    CAUSE_DEADLINE,  /* only in an outcome: of the job, or of the attempt that it names */
    CAUSE_ROOM,      /* likewise: all tasks of a stage must run at once, and fewer workers live */
    CAUSE_ROOM_LATE, /* likewise: so many were not idle together in its time */
    CAUSE_NEEDS,     /* likewise: no executor that may run them has what its tasks need */
};

enum event_kind {
    EVENT_EXECUTOR_JOINED = 1,
    EVENT_EXECUTOR_LOST,       /* declared dead: whatever it reports from now on is ignored */
    EVENT_EXECUTOR_DISTRUSTED, /* it loses what is put there: as little as possible is from now on
                                */
    EVENT_JOB_SUBMITTED,
    EVENT_JOB_CANCELLED,
    EVENT_ATTEMPT_STARTED, /* a worker has begun; may be left out */
    EVENT_ATTEMPT_FINISHED,
    EVENT_ATTEMPT_FAILED,
    EVENT_STAGE_COMMITTED, /* answers DECISION_COMMIT_STAGE */
    EVENT_COMMIT_FAILED,   /* answers DECISION_COMMIT_STAGE: the job fails */
    EVENT_STAGE_SKIPPED,   /* a stage that waits need not run: its output is there, or is nothing */
    EVENT_COPY_WANTED,     /* a task is slow: a second attempt, if a worker elsewhere is idle; who
                              lacks what it reads is lent it */
    EVENT_TASK_STOPPED,    /* someone wants its attempts ended and the task tried again */
    EVENT_RUN_CUT,         /* an attempt gives up the end of its run, which it has not begun; may
                              answer DECISION_CUT_RUNS, once for each attempt */
    EVENT_TIMER,           /* nothing but the time has changed */
};

/* Late and duplicate reports (of attempts that have ended, of jobs that are over, of executors that
 * are lost) are no errors: they change nothing. */
struct event {
    enum event_kind kind;
    uint64_t time_ns; /* of the driver's monotonic clock; the scheduler has no other */
    union {
        struct {
            uint32_t executor; /* never used before: one that comes back is another one */
            uint32_t node;
            uint32_t worker_count;              /* at least 1 */
            const struct executor_offer *offer; /* NULL: nothing */
        } executor_joined;
        struct {
            uint32_t executor;
            const struct attempt_crash *crash; /* that has ended it; borrowed; NULL: not known */
        } executor_lost;
        struct {
            uint32_t executor;
        } executor_distrusted;
        const struct job_spec *job_submitted;
        struct {
            uint64_t job;
        } job_cancelled;
        struct attempt_id attempt_started;
        struct {
            struct attempt_id id;
            /* The runtime's own (say, an index of metrics and of frames sent); handed back by
             * scheduler_counted_run or DECISION_DISCARD_ATTEMPT, whichever becomes of it. */
            uint64_t report;
        } attempt_finished;
        struct {
            struct attempt_id id;
            enum failure_cause cause; /* USER_ERROR, BAD_INPUT, RESOURCE or CANCELLED */
            bool is_retryable;        /* false: the job fails with it at once */
            uint64_t error; /* the runtime's name of it; in the outcome if the job fails of it */
            uint64_t error_hash; /* equal for the same error at the same record; 0: unknown */
        } attempt_failed;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t commit;                        /* number of the decision that this answers */
            const uint64_t *output_partition_bytes; /* of a shuffle; borrowed; NULL: unknown */
        } stage_committed;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t commit;
            enum failure_cause cause;
            uint64_t error;
        } commit_failed;
        struct {
            uint64_t job;
            uint32_t stage; /* of OUTPUT_SHUFFLE; where it waits no more, nothing changes */
        } stage_skipped;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t task;
        } copy_wanted;
        struct {
            uint64_t job;
            uint32_t stage;
            uint32_t task;
        } task_stopped;
        struct {
            struct attempt_id id;
            uint32_t end_partition; /* of what it keeps: at least one partition */
            bool is_alone;          /* no partition has moved between it and others, nor will */
        } run_cut;
    };
};
