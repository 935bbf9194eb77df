#include "runtime/watchdog.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/pause.h"
#include "runtime/crash.h"
#include "runtime/exit_note.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_NS (UINT64_C(100) * NS_PER_MS)

struct watchdog {
    pthread_t thread;
    pthread_t watched; /* who has started it */
    /* Written by the watched thread, read by this one; a tick more or less is all the same. */
    _Atomic uint64_t beat_ns;
    _Atomic uint64_t limit_ns;
    _Atomic(const char *) what;
    struct lock lock;
    struct condition changed;
    struct {
        bool stopping;
    } locked;
};

/* By one write and _exit: whatever the stuck thread holds must not be waited for. */
static void give_up(const struct watchdog *watchdog, uint64_t silent_ns)
{
    char line[512], host[256] = "unknown host";
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "unknown host");
    int length =
        snprintf(line, sizeof line,
                 "barks: process %ld on %s: %s has not ended for %.1f s; this rank gives up\n",
                 (long)getpid(), host, atomic_load_explicit(&watchdog->what, memory_order_relaxed),
                 (double)silent_ns * 1e-9);
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written; /* there is nobody left to tell */
    crash_show_stack(watchdog->watched, "the thread that is stuck");
    exit_note_write(EXIT_LOST);
    _exit(EXIT_LOST);
}

static void *watch(void *argument)
{
    struct watchdog *watchdog = argument;
    struct pause_watch pauses = {0};
    lock_acquire(&watchdog->lock);
    while (!watchdog->locked.stopping) {
        condition_wait_until(&watchdog->changed, &watchdog->lock, monotonic_ns() + TICK_NS);
        uint64_t now_ns = monotonic_ns();
        uint64_t beat_ns = atomic_load_explicit(&watchdog->beat_ns, memory_order_relaxed);
        uint64_t limit_ns = atomic_load_explicit(&watchdog->limit_ns, memory_order_relaxed);
        pause_watch_look(&pauses, now_ns);
        uint64_t since_ns = pause_watch_since(&pauses, beat_ns);
        if (limit_ns > 0 && now_ns > since_ns && now_ns - since_ns > limit_ns)
            give_up(watchdog, now_ns - since_ns);
    }
    lock_release(&watchdog->lock);
    return NULL;
}

barks_status *watchdog_start(struct watchdog **out_watchdog)
{
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (watchdog == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the watchdog");
    lock_init(&watchdog->lock, LOCK_QUEUE, "watchdog");
    condition_init(&watchdog->changed);
    watchdog->watched = pthread_self();
    atomic_store_explicit(&watchdog->what, "the start", memory_order_relaxed);
    int error = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    if (error != 0) {
        condition_drop(&watchdog->changed);
        lock_drop(&watchdog->lock);
        free(watchdog);
        BARKS_FAIL(BARKS_LIMIT, "cannot start the watchdog: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    }
    *out_watchdog = watchdog;
    return NULL;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    lock_acquire(&watchdog->lock);
    watchdog->locked.stopping = true;
    condition_broadcast(&watchdog->changed);
    lock_release(&watchdog->lock);
    pthread_join(watchdog->thread, NULL);
    condition_drop(&watchdog->changed);
    lock_drop(&watchdog->lock);
    free(watchdog);
}

void watchdog_phase(struct watchdog *watchdog, const char *what, uint64_t limit_ns)
{
    if (watchdog == NULL)
        return;
    /* The limit last: a long phase must not be judged by the beat of the one before. */
    atomic_store_explicit(&watchdog->limit_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&watchdog->what, what, memory_order_relaxed);
    watchdog_beat(watchdog);
    atomic_store_explicit(&watchdog->limit_ns, limit_ns, memory_order_release);
}

void watchdog_beat(struct watchdog *watchdog)
{
    if (watchdog != NULL)
        atomic_store_explicit(&watchdog->beat_ns, monotonic_ns(), memory_order_relaxed);
}
