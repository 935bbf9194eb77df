/* Stages whose tasks all run at once: a gang gets all its workers together or none, and is tried
 * again as a whole. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;
struct stage;

/* Of a stage. Its tasks stand in no queue: all are pending, and then it waits in the scheduler's
 * list of gangs, or none is.
 *
 * The first gang of that list, by the order of jobs and stages, holds idle workers: who comes after
 * it gets none until it has started, or given up. Else small tasks would take each worker that
 * becomes idle, and enough of them would never be idle together. */
struct gang {
    bool is_gang;
    bool is_spread; /* no two of its tasks on one executor */
    bool is_waiting;
    uint64_t wait_ns;   /* for workers; 0: as long as it takes */
    uint32_t failures;  /* attempts that failed, each of which ended a round */
    struct stage *next; /* that waits behind it; borrowed */
};

/* Its tasks are all pending: it waits for workers from now on. Starts nothing. Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *gang_wait(struct scheduler *scheduler, struct stage *stage);
/* It waits no more. What it held is given to others at the end of the event. */
void gang_forget(struct scheduler *scheduler, struct stage *stage);

/* Starts the gangs for which there are workers, the first ones first. A job whose gang can never
 * have its workers fails. O(executors and tasks) for each that is tried, O(1) where too few workers
 * are idle. */
BARKS_CHECKED barks_status *gangs_dispatch(struct scheduler *scheduler);

/* Waits a gang that comes before the stage? NULL: does one wait? O(1). */
bool gang_goes_before(const struct scheduler *scheduler, const struct stage *stage);
/* Are the idle workers of the executor kept for such a gang? As many are as it may want there.
 * O(1), O(lanes of the gang) where it is pinned. */
bool gang_holds(const struct scheduler *scheduler, const struct stage *stage, uint32_t executor);

/* An attempt has failed or was lost, or output is gone: all that its tasks do and have done is for
 * nothing, and all are pending. O(tasks). */
BARKS_CHECKED barks_status *gang_end_round(struct scheduler *scheduler, struct stage *stage);

/* Enough workers were not idle together in its time: its job fails. */
BARKS_CHECKED barks_status *gang_give_up(struct scheduler *scheduler, struct stage *stage);

/* O(tasks). */
bool gang_is_sound(const struct stage *stage);
/* The list is in order, and its first gang waits for a reason. O(executors and tasks). */
bool gangs_are_sound(const struct scheduler *scheduler);
