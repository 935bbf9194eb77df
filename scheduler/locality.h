/* Waiting for a better place: tasks that wish for a node go to another one only after a while, in
 * which a worker of their own may become idle. Twice something is waited for: by the stage, from
 * when its tasks may start, and by the executor, from when a worker of its has become idle. So no
 * worker is idle for longer than options.locality_wait_ns at a time, nor than the median of the
 * tasks of the stage that it has worked for, and after a task that wished to be elsewhere no longer
 * than that took. */
#pragma once

#include "barks/status.h"
#include "scheduler/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct attempt;
struct scheduler;
struct stage;

/* Of a stage. While its timer is in the heap, wishes are waited for. */
struct wishes {
    struct timer timer;  /* first, so that a heap's node is its wishes */
    struct stage *stage; /* borrowed; NULL: it is not counted in wishing_count */
    uint64_t begin_ns;   /* of the wait */
};

/* Of an executor; at one place, since executors move when their table grows. */
struct patience {
    struct timer timer; /* first, so that a heap's node is its patience */
    uint32_t executor;
    uint64_t wait_ns; /* of the next time that a worker becomes idle */
    bool is_to_begin; /* a worker has become idle, and has not looked for a task since */
};

/* An executor joins. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *locality_join(const struct scheduler *scheduler, uint32_t executor,
                                          struct patience **out_patience);
void locality_lose(struct scheduler *scheduler, uint32_t executor);

/* Tasks of the stage may start. It may be told again. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *locality_begin(struct scheduler *scheduler, struct stage *stage);
void locality_end(struct scheduler *scheduler, struct stage *stage);
/* One more of its tasks has ended well: it waits no longer than such a task takes. O(log timers).
 */
void locality_note_duration(struct scheduler *scheduler, struct stage *stage);

/* An attempt has ended there. was_full: no worker was idle before. */
void locality_note_end(struct scheduler *scheduler, const struct attempt *attempt, bool was_full);
/* The executor looks for tasks. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *locality_look(struct scheduler *scheduler, uint32_t executor);

/* Are tasks of the stage that wish for other nodes kept from everybody, from the executor? O(1). */
bool locality_holds_all(const struct stage *stage);
bool locality_holds(const struct scheduler *scheduler, const struct stage *stage,
                    uint32_t executor);

/* Stages that are counted have such tasks and may start them. O(everything). */
bool localities_are_sound(const struct scheduler *scheduler);
