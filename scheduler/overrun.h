/* Attempts that run longer than they may: each is a failure of its task, and is told to end. */
#pragma once

#include "barks/status.h"
#include "scheduler/timer.h"

#include <stdint.h>

struct scheduler;

/* Live attempts in the order in which they began, which is that of their limits. One that was told
 * to cancel may stand there until its limit. Begins with overruns_init. */
struct overruns {
    struct timer timer; /* first, so that a heap's node is its timer; set while any is listed */
    uint32_t head, tail;
};
void overruns_init(struct overruns *overruns);

/* An attempt begins now; does nothing without options.attempt_ns_max. O(log timers). Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *overruns_add(struct scheduler *scheduler, uint32_t attempt);
/* It was said to begin only now. */
void overruns_put_last(struct scheduler *scheduler, uint32_t attempt);
/* It has ended. */
void overruns_remove(struct scheduler *scheduler, uint32_t attempt);

/* The timer has left the heap: what has run too long fails. O(those). */
BARKS_CHECKED barks_status *overruns_look(struct scheduler *scheduler);
