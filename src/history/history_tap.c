#include "history/history_tap.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "history/history_queue.h"
#include "history/history_reader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Listeners hear soon, but not one by one where many come at once. */
#define GATHER_NS (UINT64_C(2) * NS_PER_MS)

struct history_tap {
    struct history_queue queue;
    history_taker *take;
    void *context; /* owned */
    pthread_t thread;
    struct lock lock;
    struct condition changed;
    struct {
        bool has_ended; /* the thread */
    } locked;
};

/* They were packed by the queue, so what cannot be read is for want of memory. */
BARKS_CHECKED static barks_status *hand_out(const struct history_tap *tap,
                                            const struct buffer *bytes)
{
    struct history_reader reader = {0};
    struct history_record record = {0};
    bool is_there = true;
    BARKS_TRY(history_open_bytes("events", bytes->data, bytes->size_bytes, &reader));
    reader.has_begun = true; /* pieces have no head */
    barks_status *status = NULL;
    while (status == NULL && is_there) {
        status = history_next(&reader, &record, &is_there);
        if (status == NULL && is_there)
            tap->take(tap->context, &record);
        history_record_drop(&record);
    }
    history_reader_drop(&reader);
    return status;
}

static void *run(void *argument)
{
    struct history_tap *tap = argument;
    struct buffer bytes = {0};
    while (history_queue_take(&tap->queue, GATHER_NS, &bytes)) {
        barks_status *status = hand_out(tap, &bytes);
        if (status != NULL)
            log_status(LEVEL_WARN, "history", status);
        barks_status_free(status);
    }
    buffer_drop(&bytes);
    lock_acquire(&tap->lock);
    tap->locked.has_ended = true;
    condition_broadcast(&tap->changed);
    lock_release(&tap->lock);
    return NULL;
}

static void destroy(struct history_tap *tap)
{
    free(tap->context);
    history_queue_drop(&tap->queue);
    condition_drop(&tap->changed);
    lock_drop(&tap->lock);
    free(tap);
}

/* Signals are for the threads that look for them. */
static int start_thread(struct history_tap *tap)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&tap->thread, NULL, run, tap);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

barks_status *history_tap_start(size_t queue_bytes, history_taker *take, void *context,
                                struct history_tap **out_tap)
{
    struct history_tap *tap = calloc(1, sizeof *tap);
    if (tap == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a listener");
    tap->take = take;
    tap->context = context;
    history_queue_init(&tap->queue, queue_bytes);
    lock_init(&tap->lock, LOCK_QUEUE, "listener's end");
    condition_init(&tap->changed);
    int error = start_thread(tap);
    if (error != 0) {
        tap->context = NULL;
        destroy(tap);
        BARKS_FAIL(BARKS_LIMIT, "cannot start the thread of a listener: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    }
    *out_tap = tap;
    return NULL;
}

void history_tap_put(struct history_tap *tap, const struct history_record *record)
{
    history_queue_put(&tap->queue, record);
}

bool history_tap_close(struct history_tap *tap, struct history_record *last, uint64_t close_ns,
                       uint64_t *out_dropped)
{
    uint64_t deadline_ns = monotonic_ns() + close_ns;
    *out_dropped = history_queue_close(&tap->queue, last);
    lock_acquire(&tap->lock);
    while (!tap->locked.has_ended && condition_wait_until(&tap->changed, &tap->lock, deadline_ns)) {
    }
    bool has_ended = tap->locked.has_ended;
    lock_release(&tap->lock);
    if (!has_ended) {
        pthread_detach(tap->thread); /* what it uses is left to it */
        return false;
    }
    pthread_join(tap->thread, NULL);
    destroy(tap);
    return true;
}
