/* Threads that wait for memory which others of a pool have and may free. */
#pragma once

#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

/* Begins with waiters_init. Threads: the lock of its pool guards it.
 * Invariant: waiting_count <= worker_count, and one worker at least does not wait. */
struct waiters {
    struct condition freed;
    uint32_t worker_count;  /* threads that work with the pool's memory */
    uint32_t waiting_count; /* of them */
    uint64_t change_count;  /* how often memory was freed or a worker has left */
};
void waiters_init(struct waiters *waiters);
void waiters_drop(struct waiters *waiters);

/* This thread is a worker from now on, until it leaves. It is one of at most one pool. */
void waiters_enter_locked(struct waiters *waiters);
void waiters_leave_locked(struct waiters *waiters);

/* Memory was freed. */
static inline void waiters_note_locked(struct waiters *waiters)
{
    waiters->change_count++;
    if (waiters->waiting_count > 0)
        condition_broadcast(&waiters->freed);
}

/* Waits until memory is freed, or a moment, since what others hold may be given by then. lock is
 * the pool's, held once. False, at once: nobody else may free anything, as this is no worker, or
 * all others wait too, or long nothing has changed. */
bool waiters_wait_locked(struct waiters *waiters, struct lock *lock);
