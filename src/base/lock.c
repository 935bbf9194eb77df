#include "base/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { HELD_MAX = 16 };

_Thread_local uint32_t lock_held_count;

/* What this thread holds, in the order in which it was taken. */
static _Thread_local struct {
    const struct lock *locks[HELD_MAX];
    int count;
} held;

void lock_init(struct lock *lock, enum lock_rank rank, const char *name)
{
    *lock = (struct lock){.name = name, .rank = rank};
    int error = pthread_mutex_init(&lock->mutex, NULL);
    BARKS_ASSERT(error == 0); /* with default attributes there is nothing to run out of */
}

void lock_drop(struct lock *lock)
{
    if (lock->name != NULL) {
        int error = pthread_mutex_destroy(&lock->mutex);
        BARKS_ASSERT(error == 0);
    }
    lock->name = NULL;
}

void lock_note_acquire(const struct lock *lock)
{
    const struct lock *last = held.count > 0 ? held.locks[held.count - 1] : NULL;
    if (last != NULL && last->rank >= lock->rank) {
        fprintf(stderr, "barks: internal error: lock '%s' (rank %d) wanted under '%s' (rank %d)\n",
                lock->name, (int)lock->rank, last->name, (int)last->rank);
        abort();
    }
    BARKS_ASSERT(held.count < HELD_MAX);
    held.locks[held.count++] = lock;
}

/* Locks may be released in any order: the rest keeps its order. */
void lock_note_release(const struct lock *lock)
{
    int held_index = held.count - 1;
    while (held_index >= 0 && held.locks[held_index] != lock)
        held_index--;
    BARKS_ASSERT(held_index >= 0);
    held.count--;
    for (; held_index < held.count; held_index++)
        held.locks[held_index] = held.locks[held_index + 1];
}

void condition_init(struct condition *condition)
{
    pthread_condattr_t attributes;
    *condition = (struct condition){0};
    int error = pthread_condattr_init(&attributes);
    BARKS_ASSERT(error == 0);
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    BARKS_ASSERT(error == 0);
    error = pthread_cond_init(&condition->cond, &attributes);
    BARKS_ASSERT(error == 0);
    pthread_condattr_destroy(&attributes);
    condition->ready = true;
}

void condition_drop(struct condition *condition)
{
    if (condition->ready)
        pthread_cond_destroy(&condition->cond);
    condition->ready = false;
}

void condition_signal(struct condition *condition)
{
    int error = pthread_cond_signal(&condition->cond);
    BARKS_ASSERT(error == 0);
}

void condition_broadcast(struct condition *condition)
{
    int error = pthread_cond_broadcast(&condition->cond);
    BARKS_ASSERT(error == 0);
}

void condition_wait(struct condition *condition, struct lock *lock)
{
    int error = pthread_cond_wait(&condition->cond, &lock->mutex);
    BARKS_ASSERT(error == 0);
}

bool condition_wait_until(struct condition *condition, struct lock *lock, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / NS_PER_S),
                                .tv_nsec = (long)(deadline_ns % NS_PER_S)};
    int error = pthread_cond_timedwait(&condition->cond, &lock->mutex, &deadline);
    BARKS_ASSERT(error == 0 || error == ETIMEDOUT);
    return error == 0;
}
