/* One task: a run of neighbouring partitions of a stage. */
#pragma once

#include "scheduler/transition.h"

#include <stdbool.h>
#include <stdint.h>

#define TASK_NONE UINT32_MAX

enum task_state {
    TASK_PENDING = 0, /* no attempt is live but for some that were told to cancel */
    TASK_RUNNING,     /* at least one is that was not */
    TASK_DONE,        /* one attempt counts */
    TASK_FAILED,      /* for good, and its job with it */
};

/* One for each of up to 10^6 tasks, so kept small. That of one that reads a piece of a partition is
 * that partition (pieces.h). */
struct task {
    uint32_t first_partition, end_partition; /* of its run */
    uint32_t lane;                           /* pinned: its lane in the stage; else LANE_NONE */
    uint32_t attempts_head;                  /* of its live attempts */
    uint32_t next_retry; /* in its lane's list of retries; means something where is_in_retries */
    uint32_t
        attempt_next; /* number of the next attempt: never used twice, so late reports are known */
    uint32_t counted_attempt; /* where done */
    uint32_t counted_executor;
    uint32_t failures_head; /* in the stage's list of where it has failed (retry.h) */
    uint16_t failures;      /* attempts that failed of themselves */
    uint16_t losses;        /* attempts that were lost with their executor */
    uint16_t setbacks;      /* attempts that ended for the sake of others, uncalled for */
    uint64_t counted_report;
    uint64_t error_hash; /* of the last failure */
    uint8_t state;       /* enum task_state */
    uint8_t piece;       /* that it reads of piece_count; these tasks follow each other */
    uint8_t piece_count; /* 1: whole partitions */
    bool is_in_retries;
    bool
        is_heavy; /* of far more bytes than its stage's others: that it takes longer says nothing */
    bool was_lent; /* pinned: an attempt has begun elsewhere, and runs, or ended uncalled for */
    bool is_cut;   /* its run is a part of what it was to be (cut.h) */
    bool is_alone; /* of a stage whose tasks share: its attempts do not */
    bool is_wary;  /* it does not go just anywhere, or just where it is pinned: pending it is a
                      retry (retry.h) and in no lane */
};

/* May a lane give it away? */
static inline bool task_is_in_lanes(const struct task *task)
{
    return task->state == TASK_PENDING && !task->is_wary;
}

/* Asserts that the table has the move. */
void task_move(struct task *task, enum task_state to, struct transition_counts *counts);
bool task_may_move(enum task_state from, enum task_state to);
bool task_is_sound(const struct task *task);
