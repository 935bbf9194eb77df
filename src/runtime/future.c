#include "runtime/future.h"

#include <stdlib.h>
#include <string.h>

static void destroy(struct barks_future *future)
{
    barks_status_free(future->locked.status);
    condition_drop(&future->changed);
    lock_drop(&future->lock);
    action_watch_drop(&future->watch);
    free(future->env);
    free(future->path);
    free(future);
}

static void *run_future(void *argument)
{
    struct barks_future *future = argument;
    action_watch_use(&future->watch);
    barks_status *status = future->run(future);
    action_watch_use(NULL);
    lock_acquire(&future->lock);
    future->locked.status = status;
    future->locked.is_done = true;
    condition_broadcast(&future->changed);
    lock_release(&future->lock);
    return NULL;
}

barks_future *future_start(barks_context *context, struct barks_future *future)
{
    future->context = context;
    action_watch_init(&future->watch, context->driver);
    lock_init(&future->lock, LOCK_ACTION, "future");
    condition_init(&future->changed);
    int error = pthread_create(&future->thread, NULL, run_future, future);
    if (error != 0) {
        context_fail(context, barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                               "%s: cannot start a thread: %s; raise `ulimit -u`",
                                               future->what, strerrordesc_np(error)));
        destroy(future);
        return NULL;
    }
    future->next = context->futures;
    context->futures = future;
    return future;
}

static void join(struct barks_future *future)
{
    if (!future->is_joined)
        pthread_join(future->thread, NULL);
    future->is_joined = true;
}

bool barks_wait(barks_future *future)
{
    if (future == NULL)
        return false;
    lock_acquire(&future->lock);
    while (!future->locked.is_done)
        condition_wait(&future->changed, &future->lock);
    barks_status *status = future->locked.status;
    future->locked.status = NULL;
    lock_release(&future->lock);
    join(future);
    if (status != NULL) {
        future->count = -1;
        context_fail(future->context, status);
    }
    return future->count >= 0;
}

bool barks_is_done(barks_future *future)
{
    if (future == NULL)
        return true;
    lock_acquire(&future->lock);
    bool is_done = future->locked.is_done;
    lock_release(&future->lock);
    return is_done;
}

void barks_cancel(barks_future *future)
{
    if (future != NULL)
        action_watch_cancel(&future->watch);
}

int64_t barks_future_count(barks_future *future) { return barks_wait(future) ? future->count : -1; }

void *barks_future_rows_at(barks_future *future, int64_t *out_count)
{
    *out_count = barks_future_count(future);
    if (*out_count < 0)
        *out_count = 0;
    return future != NULL && future->count >= 0 ? future->rows : NULL;
}

void futures_end(barks_context *context)
{
    for (struct barks_future *future = context->futures; future != NULL; future = future->next)
        action_watch_cancel(&future->watch);
    while (context->futures != NULL) {
        struct barks_future *next = context->futures->next;
        join(context->futures);
        destroy(context->futures);
        context->futures = next;
    }
}
