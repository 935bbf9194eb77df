/* Copies of slow attempts: the first one that finishes counts, the other is told to cancel.
 *
 * Tasks that read a shuffle are pinned to the executor that it was sent to. Where that one is slow,
 * idle ones take those of its tasks over that it has not begun, and copies of those that it has: it
 * lends them what they read (DECISION_START_TASK). */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;
struct stage;
struct task;

enum {
    DURATION_STEPS = 8, /* of each power of two */
    DURATION_BUCKETS = 64 * DURATION_STEPS
};

/* How long the attempts of a stage that count have taken, in buckets whose ends are an eighth
 * apart: what a median of a million tasks needs, in 2 KiB. */
struct durations {
    uint32_t counts[DURATION_BUCKETS];
    uint32_t total;
};
void durations_add(struct durations *durations, uint64_t ns);
/* Of the middle one; at most an eighth too much. At least one was added. */
uint64_t durations_median_ns(const struct durations *durations);

/* An attempt of the stage counts, which has taken so long; from a share of the tasks on the others
 * are watched. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *speculation_note_finished(struct scheduler *scheduler,
                                                      struct stage *stage, uint64_t duration_ns);
/* Starts copies of the stage's slow attempts on idle workers elsewhere, and watches on.
 * O(live attempts of the job). */
BARKS_CHECKED barks_status *speculation_look(struct scheduler *scheduler, struct stage *stage);
/* A copy of one attempt, if it may have one and a worker elsewhere is idle. */
BARKS_CHECKED barks_status *speculation_copy(struct scheduler *scheduler, uint32_t attempt,
                                             bool *out_has_started);
/* May a pinned task begin elsewhere? Not while it has been lent, nor once that was in vain, since
 * it is not known why; not a piece, whose input other tasks read too, nor one that shares its
 * partitions. O(1). */
bool task_may_be_lent(const struct stage *stage, const struct task *task);
/* Starts an attempt at the task beside the executor that it is at, or is pinned to and which lends
 * it what it reads, if a worker elsewhere is idle. */
BARKS_CHECKED barks_status *speculation_start_elsewhere(struct scheduler *scheduler,
                                                        struct stage *stage, uint32_t task,
                                                        uint32_t here, bool *out_has_started);
/* Its tasks start no more, or not now. */
void speculation_end(struct scheduler *scheduler, struct stage *stage);
