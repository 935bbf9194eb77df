/* One stage of a job: its tasks, where they may run, and how far they are. */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"
#include "scheduler/gang.h"
#include "scheduler/lane.h"
#include "scheduler/locality.h"
#include "scheduler/passed.h"
#include "scheduler/retry.h"
#include "scheduler/room.h"
#include "scheduler/scheduler.h"
#include "scheduler/speculation.h"
#include "scheduler/task.h"
#include "scheduler/timer.h"
#include "scheduler/transition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct executor_table;
struct job;
struct roster;

struct stage {
    struct timer watch; /* first, so that a heap's node is its stage */
    struct job *job;    /* borrowed: the job holds the stage */
    uint32_t index;
    enum stage_state state;
    enum stage_output output;
    enum run_policy policy;
    uint32_t partition_count;
    uint32_t output_partition_count;
    uint32_t input_first, input_end; /* in job->inputs */
    uint32_t child_first, child_end; /* in job->children */
    uint32_t exchange_group;         /* OUTPUT_SHUFFLE: in job->rosters */

    /* WAITING: inputs whose parents are not committed (once it is split, without INPUT_AFTER). */
    uint32_t parents_missing;
    uint32_t readers_left; /* INPUT_PARTITIONS of stages that are neither committed nor skipped */
    uint32_t commit;       /* of the last DECISION_COMMIT_STAGE, from 1; 0: none yet */
    bool forbids_copies;   /* as its specification says */
    bool shares;           /* likewise */
    bool is_bound;         /* once it is split: its specification pins tasks to executors, whatever
                              they read */
    struct gang gang;
    struct task_needs *needs; /* owned; NULL: a worker and nothing else */
    bool is_needy;            /* counted as such */
    struct wishes wishes;
    struct passed passed;
    bool is_split;  /* tasks are made, runs and pins are fixed */
    bool has_begun; /* an attempt has started once */
    bool is_released;
    bool is_output_known;  /* its readers have been told the bytes of its partitions */
    bool has_stale_inputs; /* a task that is not done runs where its inputs have not been sent */
    bool is_demanded;      /* during recovery: a reader needs its output again */

    /* What splitting needs; freed by it. */
    uint64_t *partition_bytes; /* owned; NULL: unknown */
    uint64_t *piece_bytes;     /* owned: of these, what is read in pieces; NULL: nothing */
    uint32_t *pins;            /* owned; NULL: none */
    uint32_t *place_firsts;    /* owned; NULL: no places */
    struct place *places;      /* owned */

    uint32_t task_count;
    uint32_t rest_count; /* of them, the last ones: what others have given up (cut.h) */
    uint32_t tasks_done;
    uint32_t attempts_live;
    uint64_t attempts_failed;
    struct task *tasks; /* owned; freed when released, unless they may be needed again */
    uint32_t *order;    /* owned; the lanes' entries: indices of tasks */
    struct lane *lanes; /* owned; by level and place, of a fixed number */
    uint32_t lane_count;
    uint32_t any_lane; /* where unpinned tasks are tried again; LANE_NONE: there are none */
    struct durations *durations; /* owned; of attempts that count; NULL: none yet, or of no use */
    uint32_t ahead_measured;     /* of these, when ahead_depth was found (ahead.h); 0: never */
    uint32_t ahead_depth;
    struct failure *failures; /* owned; of tasks, and where */
    uint32_t failure_count, failure_capacity;
    uint64_t *shipped; /* owned; bit for each executor that has the pipeline */
    uint32_t shipped_limit;
};

/* Makes runs, tasks and lanes; none of these is queued. Needs living executors.
 * Errors: BARKS_NO_MEMORY; nothing has changed. O(n log n). */
BARKS_CHECKED barks_status *stage_split(struct stage *stage, const struct executor_table *table);

/* False at first; true from then on. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_ship(struct stage *stage, uint32_t executor,
                                       uint32_t executor_limit, bool *out_was_shipped);

/* Tasks may start. */
bool stage_is_active(const struct stage *stage);

/* Asserts that the table has the move. */
void stage_move(struct stage *stage, enum stage_state to, struct transition_counts *counts);
bool stage_may_move(enum stage_state from, enum stage_state to);

void stage_drop_tasks(struct stage *stage);
void stage_drop(struct stage *stage);
/* O(tasks and lanes). */
bool stage_is_sound(const struct stage *stage);
