/* Executors that keep failing tasks get no more of a stage, then of a job, for a time. */
#pragma once

#include "barks/status.h"
#include "scheduler/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct job;
struct scheduler;
struct stage;

enum {
    EXCLUSION_TASKS_OF_STAGE = 2, /* that failed on one executor: it is excluded from the stage */
    EXCLUSION_TASKS_OF_JOB = 4,
    EXCLUSION_EXECUTORS_OF_NODE = 2 /* so many are excluded: the others of their node are too */
};

/* Tasks that are pinned there are lent to others; those that cannot be run there all the same. An
 * exclusion that would leave nobody for the stage is void as long as that is so. */
struct exclusion {
    struct timer expiry; /* first, so that a heap's node is its exclusion */
    struct job *job;     /* borrowed */
    uint32_t stage;      /* SCHEDULER_ANY: all of the job's */
    uint32_t executor;
    struct exclusion *next; /* of the job */
};

/* Tasks of one stage that have failed on one executor since it was last admitted. */
struct tally {
    uint32_t executor;
    uint32_t stage;
    uint32_t task_count;
};

/* A task that had not failed there before has failed on the executor. *out_is_changed: somebody is
 * excluded, which may free others from theirs. Errors: BARKS_NO_MEMORY. O(tallies). */
BARKS_CHECKED barks_status *exclusion_note_failure(struct scheduler *scheduler, struct stage *stage,
                                                   uint32_t executor, bool *out_is_changed);
/* The executor is distrusted from now on: all jobs that run are without it, as are those that begin
 * later, by exclusion_begin_job; each for the time of an exclusion. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *exclusion_distrust(struct scheduler *scheduler, uint32_t executor);
BARKS_CHECKED barks_status *exclusion_begin_job(struct scheduler *scheduler, struct job *job);
/* Its time is over: frees it. */
void exclusion_end(struct scheduler *scheduler, struct exclusion *exclusion);
/* The job is over: ends its exclusions. */
void exclusion_end_job(struct scheduler *scheduler, struct job *job);

/* Is the executor excluded, be it in vain? O(1) for one that is excluded from nothing, else
 * O(exclusions of the job). */
bool exclusion_exists(const struct scheduler *scheduler, const struct stage *stage,
                      uint32_t executor);
/* The same, and not in vain: O(executors) where the tasks need more than a worker. */
bool exclusion_holds(const struct scheduler *scheduler, const struct stage *stage,
                     uint32_t executor);
/* The stage may start tasks: those that are pinned to excluded executors leave their lanes
 * (retries_leave). Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *exclusions_apply(struct scheduler *scheduler, struct stage *stage);
/* The living that may run tasks of the stage; never 0 while somebody lives that could. */
uint32_t exclusion_usable_count(const struct scheduler *scheduler, const struct stage *stage);

/* Each executor counts its exclusions, and each of these waits for its end. O(all). */
bool exclusions_are_sound(const struct scheduler *scheduler);
