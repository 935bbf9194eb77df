#include "runtime/watchdog.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/pause.h"
#include "runtime/crash.h"
#include "runtime/exit_note.h"

#include <pthread.h>
#include <stdarg.h>
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
    _Atomic uint64_t show_ns;
    _Atomic(const char *) what;
    struct lock lock;
    struct condition changed;
    uint64_t shown_beat_ns; /* of this thread: when the silence began that has been shown */
    struct {
        bool stopping;
        uint64_t deadline_ns; /* 0: none */
        int deadline_status;
        char sentence[256];
    } locked;
};

/* By one write: whatever the stuck thread holds, as the lock of stdio, must not be waited for. */
__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    char line[768], host[256] = "unknown host";
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "unknown host");
    size_t length =
        (size_t)snprintf(line, sizeof line, "barks: process %ld on %s: ", (long)getpid(), host);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    length += more > 0 ? (size_t)more : 0;
    length = length < sizeof line - 1 ? length : sizeof line - 2;
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* there is nobody left to tell */
}

static const char *what_of(const struct watchdog *watchdog)
{
    return atomic_load_explicit(&watchdog->what, memory_order_relaxed);
}

static void leave(const struct watchdog *watchdog, int exit_status)
{
    crash_show_stack(watchdog->watched, "the thread that is stuck");
    exit_note_write(exit_status);
    _exit(exit_status);
}

static void look_at_silence(struct watchdog *watchdog, uint64_t beat_ns, uint64_t silent_ns)
{
    uint64_t limit_ns = atomic_load_explicit(&watchdog->limit_ns, memory_order_relaxed);
    uint64_t show_ns = atomic_load_explicit(&watchdog->show_ns, memory_order_relaxed);
    if (limit_ns == 0)
        return;
    if (silent_ns > limit_ns) {
        tell("%s has not ended for %.1f s; this rank gives up", what_of(watchdog),
             (double)silent_ns * 1e-9);
        leave(watchdog, EXIT_LOST);
    }
    if (show_ns == 0 || silent_ns <= show_ns || watchdog->shown_beat_ns == beat_ns)
        return;
    watchdog->shown_beat_ns = beat_ns;
    tell("%s has not ended for %.1f s; this rank may soon be taken for lost", what_of(watchdog),
         (double)silent_ns * 1e-9);
    crash_show_stack(watchdog->watched, "the thread that is silent");
}

/* Who has just woken up from a pause with the whole process is given a moment. */
static void look_at_deadline_locked(const struct watchdog *watchdog,
                                    const struct pause_watch *pauses)
{
    uint64_t now_ns = pauses->looked_ns;
    if (watchdog->locked.deadline_ns == 0 || now_ns < watchdog->locked.deadline_ns ||
        now_ns < pauses->woke_ns + NS_PER_S)
        return;
    tell("%s", watchdog->locked.sentence);
    leave(watchdog, watchdog->locked.deadline_status);
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
        pause_watch_look(&pauses, now_ns);
        uint64_t since_ns = pause_watch_since(&pauses, beat_ns);
        look_at_deadline_locked(watchdog, &pauses);
        look_at_silence(watchdog, beat_ns, now_ns > since_ns ? now_ns - since_ns : 0);
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

void watchdog_show_after(struct watchdog *watchdog, uint64_t silent_ns)
{
    if (watchdog != NULL)
        atomic_store_explicit(&watchdog->show_ns, silent_ns, memory_order_relaxed);
}

void watchdog_deadline(struct watchdog *watchdog, uint64_t at_ns, int exit_status,
                       const char *sentence)
{
    if (watchdog == NULL)
        return;
    lock_acquire(&watchdog->lock);
    watchdog->locked.deadline_ns = at_ns;
    watchdog->locked.deadline_status = exit_status;
    snprintf(watchdog->locked.sentence, sizeof watchdog->locked.sentence, "%s", sentence);
    lock_release(&watchdog->lock);
}

void watchdog_beat(struct watchdog *watchdog)
{
    if (watchdog != NULL)
        atomic_store_explicit(&watchdog->beat_ns, monotonic_ns(), memory_order_relaxed);
}
