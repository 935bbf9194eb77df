/* Mutexes with ranks, and conditions with deadlines. */
#pragma once

#include "base/assertion.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A thread takes locks in this order only, which is checked where assertions are on: so no two
 * threads can wait for each other. Add a rank where a new kind of lock needs one. */
enum lock_rank {
    LOCK_GIVING,    /* who gives memory back; taken by who holds nothing else */
    LOCK_PLAN,      /* the lineage of datasets, and what actions know of it */
    LOCK_WATCHES,   /* the actions that run */
    LOCK_WATCH,     /* of one action, by who may cancel it */
    LOCK_CONTEXT,   /* the job as a whole */
    LOCK_SCHEDULER, /* the driver's events */
    LOCK_ACTION,    /* one action's result */
    LOCK_TASK,      /* an executor's tasks and workers */
    LOCK_OPERATOR,  /* what the workers of a stage share */
    LOCK_EXCHANGE,  /* frames to and from other executors */
    LOCK_STORE,     /* blocks and spilled files */
    LOCK_NET,       /* queues of the communication thread */
    LOCK_QUEUE,     /* a bounded queue between two threads */
    LOCK_PROGRESS,  /* the progress line */
    LOCK_POOL,      /* memory: may be needed under any of the above */
    LOCK_LOG,       /* a line of the log: likewise */
};

/* Begins with lock_init, ends with lock_drop, which takes a zeroed one too. */
struct lock {
    pthread_mutex_t mutex;
    const char *name; /* a literal, for the message of a wrong order; NULL: not initialised */
    enum lock_rank rank;
};

/* Broadcast or signalled under the lock that its waiters hold. Begins and ends like a lock. */
struct condition {
    pthread_cond_t cond;
    bool ready;
};

void lock_init(struct lock *lock, enum lock_rank rank, const char *name);
void lock_drop(struct lock *lock);

/* The checks of the order of ranks; they know what the calling thread holds. */
void lock_note_acquire(const struct lock *lock);
void lock_note_release(const struct lock *lock);

/* How many locks the calling thread holds: who waits for others' work must hold none. */
extern _Thread_local uint32_t lock_held_count;
static inline bool lock_is_any_held(void) { return lock_held_count > 0; }

static inline void lock_acquire(struct lock *lock)
{
#ifndef NDEBUG
    lock_note_acquire(lock);
#endif
    int error = pthread_mutex_lock(&lock->mutex);
    BARKS_ASSERT(error == 0);
    lock_held_count++;
}

static inline void lock_release(struct lock *lock)
{
    lock_held_count--;
    int error = pthread_mutex_unlock(&lock->mutex);
    BARKS_ASSERT(error == 0);
#ifndef NDEBUG
    lock_note_release(lock);
#endif
}

void condition_init(struct condition *condition);
void condition_drop(struct condition *condition);
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

/* Both may return early, as all conditions do: call them in a loop that tests what is waited for.
 */
void condition_wait(struct condition *condition, struct lock *lock);

/* False when monotonic_ns() has passed deadline_ns. */
bool condition_wait_until(struct condition *condition, struct lock *lock, uint64_t deadline_ns);
