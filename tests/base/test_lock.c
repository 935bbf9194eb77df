#include "base/clock.h"
#include "base/lock.h"
#include "support/property.h"

#include <check.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    struct lock lock;
    struct condition condition;
    struct {
        long count;
        bool is_open;
    } locked;
};

static void shared_init(struct shared *shared)
{
    *shared = (struct shared){0};
    lock_init(&shared->lock, LOCK_QUEUE, "shared");
    condition_init(&shared->condition);
}

static void shared_drop(struct shared *shared)
{
    condition_drop(&shared->condition);
    lock_drop(&shared->lock);
}

static void *count_when_open(void *argument)
{
    struct shared *shared = argument;
    lock_acquire(&shared->lock);
    while (!shared->locked.is_open)
        condition_wait(&shared->condition, &shared->lock);
    lock_release(&shared->lock);
    for (int step = 0; step < 10000; step++) {
        lock_acquire(&shared->lock);
        shared->locked.count++;
        lock_release(&shared->lock);
    }
    return NULL;
}

START_TEST(lock_excludes_and_broadcast_wakes_all)
{
    struct shared shared;
    shared_init(&shared);
    pthread_t threads[4];
    for (int thread = 0; thread < 4; thread++)
        ck_assert_int_eq(pthread_create(&threads[thread], NULL, count_when_open, &shared), 0);
    lock_acquire(&shared.lock);
    shared.locked.is_open = true;
    condition_broadcast(&shared.condition);
    lock_release(&shared.lock);
    for (int thread = 0; thread < 4; thread++)
        ck_assert_int_eq(pthread_join(threads[thread], NULL), 0);
    ck_assert_int_eq(shared.locked.count, 40000);
    shared_drop(&shared);
}
END_TEST

START_TEST(wait_ends_at_its_deadline_and_not_before)
{
    struct shared shared;
    shared_init(&shared);
    uint64_t deadline_ns = monotonic_ns() + 20 * NS_PER_MS;
    lock_acquire(&shared.lock);
    while (condition_wait_until(&shared.condition, &shared.lock, deadline_ns))
        continue;
    lock_release(&shared.lock);
    ck_assert_uint_ge(monotonic_ns(), deadline_ns);
    shared_drop(&shared);
}
END_TEST

/* True when a child that takes the two locks in this order is aborted. */
static bool is_refused(enum lock_rank first_rank, enum lock_rank second_rank)
{
    struct lock first;
    struct lock second;
    lock_init(&first, first_rank, "first");
    lock_init(&second, second_rank, "second");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        lock_note_acquire(&first);
        lock_note_acquire(&second);
        _exit(0);
    }
    int exit_status = 0;
    ck_assert_int_eq(waitpid(child, &exit_status, 0), child);
    lock_drop(&first);
    lock_drop(&second);
    return WIFSIGNALED(exit_status) && WTERMSIG(exit_status) == SIGABRT;
}

START_TEST(locks_are_taken_upwards_only)
{
    ck_assert(!is_refused(LOCK_QUEUE, LOCK_POOL));
    ck_assert(is_refused(LOCK_POOL, LOCK_QUEUE));
    ck_assert(is_refused(LOCK_QUEUE, LOCK_QUEUE));
}
END_TEST

START_TEST(release_in_any_order_keeps_the_order_of_the_rest)
{
    struct lock locks[3];
    lock_init(&locks[0], LOCK_STORE, "0");
    lock_init(&locks[1], LOCK_QUEUE, "1");
    lock_init(&locks[2], LOCK_POOL, "2");
    for (int round = 0; round < 100; round++) { /* more than one thread may hold at once */
        for (int lock = 0; lock < 3; lock++)
            lock_note_acquire(&locks[lock]);
        lock_note_release(&locks[1]);
        lock_note_release(&locks[2]);
        lock_note_acquire(&locks[1]);
        lock_note_release(&locks[0]);
        lock_note_release(&locks[1]);
    }
    for (int lock = 0; lock < 3; lock++)
        lock_drop(&locks[lock]);
}
END_TEST

START_TEST(zeroed_ones_are_dropped_without_effect)
{
    struct lock lock = {0};
    struct condition condition = {0};
    lock_drop(&lock);
    condition_drop(&condition);
}
END_TEST

SUITE_MAIN("base/lock", lock_excludes_and_broadcast_wakes_all,
           wait_ends_at_its_deadline_and_not_before, locks_are_taken_upwards_only,
           release_in_any_order_keeps_the_order_of_the_rest, zeroed_ones_are_dropped_without_effect)
