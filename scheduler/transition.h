/* The moves of the four state machines, counted: for tests that want each one taken, and for
 * figures. */
#pragma once

#include "scheduler/scheduler.h"

#include <stdint.h>

enum {
    JOB_STATE_COUNT = 6,
    STAGE_STATE_COUNT = STAGE_SKIPPED + 1,
    TASK_STATE_COUNT = 4,
    ATTEMPT_STATE_COUNT = 6
};

struct transition_counts {
    uint64_t job[JOB_STATE_COUNT][JOB_STATE_COUNT]; /* [from][to] */
    uint64_t stage[STAGE_STATE_COUNT][STAGE_STATE_COUNT];
    uint64_t task[TASK_STATE_COUNT][TASK_STATE_COUNT];
    uint64_t attempt[ATTEMPT_STATE_COUNT][ATTEMPT_STATE_COUNT];
};

/* Borrowed as long as the scheduler. */
const struct transition_counts *scheduler_transitions(const struct scheduler *scheduler);
