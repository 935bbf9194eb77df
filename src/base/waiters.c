#include "base/waiters.h"

#include "base/clock.h"

static const uint64_t moment_ns = 50 * NS_PER_MS;
/* A worker that frees nothing for so long may itself be waiting, for this one. */
static const uint64_t patience_ns = 120 * NS_PER_S;

static _Thread_local const struct waiters *joined; /* whose worker this thread is */

/* What this thread saw last of change_count, and since when. */
static _Thread_local uint64_t seen_count, seen_ns;

void waiters_init(struct waiters *waiters)
{
    *waiters = (struct waiters){0};
    condition_init(&waiters->freed);
}

void waiters_drop(struct waiters *waiters)
{
    BARKS_ASSERT(waiters->worker_count == 0);
    condition_drop(&waiters->freed);
}

void waiters_enter_locked(struct waiters *waiters)
{
    BARKS_ASSERT(joined == NULL);
    joined = waiters;
    seen_ns = 0;
    waiters->worker_count++;
}

void waiters_leave_locked(struct waiters *waiters)
{
    BARKS_ASSERT(joined == waiters);
    joined = NULL;
    waiters->worker_count--;
    waiters_note_locked(waiters);
}

static bool is_patient(const struct waiters *waiters)
{
    uint64_t now_ns = monotonic_ns();
    if (seen_ns == 0 || seen_count != waiters->change_count)
        seen_ns = now_ns;
    seen_count = waiters->change_count;
    return now_ns - seen_ns < patience_ns;
}

bool waiters_wait_locked(struct waiters *waiters, struct lock *lock)
{
    if (joined != waiters || waiters->waiting_count + 1 >= waiters->worker_count ||
        !is_patient(waiters))
        return false;
    waiters->waiting_count++;
    /* Freed, or the moment is over: whoever waits looks himself. */
    (void)condition_wait_until(&waiters->freed, lock, monotonic_ns() + moment_ns);
    waiters->waiting_count--;
    return true;
}
