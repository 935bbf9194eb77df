/* One job: its stages, who reads whom, and how it ends. */
#pragma once

#include "barks/status.h"
#include "scheduler/decision.h"
#include "scheduler/exclusion.h"
#include "scheduler/job_pool.h"
#include "scheduler/stage.h"
#include "scheduler/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct roster;

enum job_state {
    JOB_SUBMITTED = 0, /* no executor yet */
    JOB_RUNNING,
    JOB_FINISHING, /* the outcome is known; attempts are still ending */
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELLED,
};

/* An input, seen from the parent. */
struct stage_child {
    uint32_t stage;
    uint32_t input; /* in job->inputs */
};

struct job {
    struct timer deadline; /* first, so that a heap's node is its job */
    uint64_t id;
    uint64_t sequence;   /* of its submission */
    uint64_t rank;       /* a smaller one goes first: by priority, then sequence */
    struct claim *claim; /* that it competes in: own_claim, or that of its FIFO pool */
    struct claim own_claim;
    enum job_state state;
    struct job_outcome outcome; /* from JOB_FINISHING on */
    uint32_t stage_count;
    uint32_t stages_left;         /* neither committed nor skipped */
    struct stage *stages;         /* owned */
    struct stage_input *inputs;   /* owned; of all stages, in their order */
    struct stage_child *children; /* owned; of all stages */
    uint32_t input_count;
    /* Shuffles that are read side by side (a join, a union) share an exchange group, so that equal
     * partitions have equal owners: those of the executors alive when the group's first stage
     * begins. */
    struct roster **rosters; /* owned array of counted references; NULL: not begun */
    uint32_t exchange_group_count;
    uint32_t attempts_head; /* of its live attempts */
    uint32_t attempts_live;
    uint64_t workers_busy;        /* with these */
    struct exclusion *exclusions; /* owned by the scheduler's timers */
    struct tally *tallies;        /* owned; of failures, by executor and stage */
    uint32_t tally_count, tally_capacity;
    struct job *previous, *next; /* FIFO */
    struct job *next_in_table;
};

/* Checks the specification and copies it. The stages that need not run are skipped.
 * Errors: BARKS_INVALID, BARKS_LIMIT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *job_create(const struct job_spec *spec,
                                       struct transition_counts *counts, struct job **out_job);
void job_destroy(struct job *job); /* NULL is fine */

/* Whose tasks go first. O(1). */
bool job_before(const struct job *a, const struct job *b);

/* What a stage puts out has its partitions divided among these; NULL: it has not begun. */
struct roster *job_roster(const struct job *job, const struct stage *stage);

/* Asserts that the table has the move. */
void job_move(struct job *job, enum job_state to, struct transition_counts *counts);
bool job_may_move(enum job_state from, enum job_state to);
/* O(everything in it). */
bool job_is_sound(const struct job *job);
