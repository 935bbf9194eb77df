/* A fast world for the scheduler: every task finishes as soon as those before it have, every commit
 * is acknowledged at once. For measuring, and for jobs of great size. */
#pragma once

#include "scheduler/scheduler.h"

#include <stdint.h>

/* What the jobs took. Seconds are processor time of the scheduler and this loop together. */
struct loop_result {
    uint64_t events, decisions, tasks;
    double submit_seconds; /* until the first tasks had been placed */
    double seconds;
};

/* Runs the jobs, side by side, on executors 0, 1, ... of that many workers each, four to a node.
 * NULL where it did not end well, which is said on stderr. */
struct loop_shape {
    uint32_t executor_count;
    uint32_t worker_count;
    uint32_t stage_count;
    const struct stage_spec *stages;
    uint32_t job_count; /* of these stages each; 0: one */
    uint32_t pool_count;
    const struct pool_spec *pools; /* job i is of pool i modulo pool_count */
};
const struct loop_result *loop_run(const struct loop_shape *shape, struct loop_result *out_result);
