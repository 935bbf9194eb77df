/* Runs that are cut: where tasks of a stage share their partitions (stage_spec.shares), a task is
 * as long as its worker is busy with the stage, and a slow executor's cannot be copied. So the slow
 * one gives up what it has not begun, and idle workers elsewhere get that as tasks of their own.
 *
 * A rest is a task behind all others of its stage, whatever partitions it has. It shares with
 * nobody, so it may be copied; so may the task that was cut, if no partition has moved between it
 * and others. A run is cut while an attempt at it runs, and before others know it by a commit. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct scheduler;
struct stage;

/* Whether runs of the stage may be cut: its tasks share, and run anywhere or can be lent. */
bool stage_may_be_cut(const struct stage *stage);

/* Asks executors to give up what they have not begun of the stage, while others are idle: each that
 * has begun so little that it would take longer than limit_ns in all. *next_ns comes to be earlier
 * where this must be looked at again. Errors: BARKS_NO_MEMORY. O(live attempts of the job). */
BARKS_CHECKED barks_status *stage_cut_slow_runs(struct scheduler *scheduler, struct stage *stage,
                                                uint64_t limit_ns, uint64_t *next_ns);
