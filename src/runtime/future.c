#include "runtime/future.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* By the last asynchronous call of the thread; NULL: it could not start. */
static _Thread_local struct barks_future *last_started;

void future_begin(void) { last_started = NULL; }

/* ---- actions ---- */

void action_drop(struct action *action)
{
    barks_status_free(action->status);
    if (action->given != NULL)
        context_release_rows(action->context, action->given);
    free(action->env);
    free(action->columns);
    free(action->order);
    free(action->values);
    free(action->format);
    free(action->path);
    *action = (struct action){.rows = action->rows, .count = action->count};
}

BARKS_CHECKED static barks_status *run_action(struct action *action)
{
    barks_status *status = action->status;
    action->status = NULL;
    return status != NULL ? status : action->run(action);
}

/* ---- in threads of their own ---- */

static void destroy(struct barks_future *future)
{
    barks_status_free(future->locked.status);
    condition_drop(&future->changed);
    lock_drop(&future->lock);
    action_watch_drop(&future->watch);
    action_drop(&future->action);
    free(future);
}

static void call_all(struct barks_future *future, struct done_call *calls, bool is_well)
{
    while (calls != NULL) {
        struct done_call *next = calls->next;
        calls->callback(future, is_well, calls->user);
        free(calls);
        calls = next;
    }
}

static void *run_future(void *argument)
{
    struct barks_future *future = argument;
    (void)action_watch_use(&future->watch); /* the first of this thread */
    barks_status *status = run_action(&future->action);
    (void)action_watch_use(NULL);
    action_watch_leave(&future->watch);
    lock_acquire(&future->lock);
    struct done_call *calls = future->locked.calls;
    future->locked.calls = NULL;
    future->locked.status = status;
    future->locked.is_well = status == NULL;
    future->locked.is_done = true;
    condition_broadcast(&future->changed);
    lock_release(&future->lock);
    call_all(future, calls, status == NULL);
    return NULL;
}

/* Takes what action owns. */
static struct barks_future *start(struct action *action)
{
    barks_context *context = action->context;
    struct barks_future *future = calloc(1, sizeof *future);
    if (future == NULL) {
        context_fail(context, barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                               "%s: no memory for an action", action->what));
        action_drop(action);
        return NULL;
    }
    future->action = *action;
    action_watch_init(&future->watch, context->driver, &context->watches);
    lock_init(&future->lock, LOCK_ACTION, "future");
    condition_init(&future->changed);
    int error = pthread_create(&future->thread, NULL, run_future, future);
    if (error != 0) {
        context_fail(context, barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                               "%s: cannot start a thread: %s; raise `ulimit -u`",
                                               action->what, strerrordesc_np(error)));
        destroy(future);
        return NULL;
    }
    lock_acquire(&context->planning);
    future->next = context->futures;
    context->futures = future;
    lock_release(&context->planning);
    return future;
}

bool action_perform(struct action *action)
{
    if (action->context == NULL) { /* which was told when it was looked for */
        action_drop(action);
        return false;
    }
    if (action->is_async) {
        last_started = start(action);
        return false;
    }
    barks_context *context = action->context;
    struct action_watch watch;
    action_watch_init(&watch, context->driver, &context->watches);
    struct action_watch *before = action_watch_use(&watch);
    barks_status *status = run_action(action);
    (void)action_watch_use(before);
    action_watch_drop(&watch);
    action_drop(action);
    if (status != NULL)
        context_fail(context, status);
    return status == NULL;
}

static void join(struct barks_future *future)
{
    if (!future->is_joined)
        pthread_join(future->thread, NULL);
    future->is_joined = true;
}

/* ---- the face ---- */

barks_future *barks_started_(void) { return context_alive() != NULL ? last_started : NULL; }

bool barks_wait(barks_future *future)
{
    if (future == NULL)
        return false;
    lock_acquire(&future->lock);
    while (!future->locked.is_done)
        condition_wait(&future->changed, &future->lock);
    barks_status *status = future->locked.status;
    bool is_well = future->locked.is_well;
    future->locked.status = NULL;
    lock_release(&future->lock);
    join(future);
    if (status != NULL)
        context_fail(context_alive(), status);
    return is_well;
}

bool barks_wait_all(barks_future *const *futures, size_t count)
{
    bool are_well = true;
    for (size_t i = 0; i < count; i++)
        are_well = barks_wait(futures[i]) && are_well;
    return are_well;
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

bool barks_on_done(barks_future *future, barks_done_callback *callback, void *user)
{
    struct done_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        return false;
    *call = (struct done_call){.callback = callback, .user = user};
    if (future == NULL) {
        call_all(NULL, call, false);
        return true;
    }
    lock_acquire(&future->lock);
    bool is_done = future->locked.is_done, is_well = future->locked.is_well;
    if (!is_done) {
        struct done_call **last = &future->locked.calls;
        while (*last != NULL)
            last = &(*last)->next;
        *last = call;
    }
    lock_release(&future->lock);
    if (is_done)
        call_all(future, call, is_well);
    return true;
}

void barks_cancel(barks_future *future)
{
    if (future != NULL)
        action_watch_cancel(&future->watch);
}

int64_t barks_future_count(barks_future *future)
{
    return barks_wait(future) ? future->action.count : -1;
}

void *barks_future_rows_at(barks_future *future, int64_t *out_count)
{
    int64_t count = barks_future_count(future);
    *out_count = count > 0 ? count : 0;
    return count >= 0 ? future->action.rows : NULL;
}

static void end(struct barks_future *future)
{
    action_watch_cancel(&future->watch);
    join(future);
    destroy(future);
}

void barks_forget(barks_future *future)
{
    barks_context *context = context_alive();
    if (future == NULL || context == NULL)
        return;
    lock_acquire(&context->planning);
    struct barks_future **link = &context->futures;
    while (*link != NULL && *link != future)
        link = &(*link)->next;
    bool is_there = *link != NULL;
    if (is_there)
        *link = future->next;
    lock_release(&context->planning);
    if (is_there)
        end(future);
}

void futures_end(barks_context *context)
{
    for (struct barks_future *future = context->futures; future != NULL; future = future->next)
        action_watch_cancel(&future->watch);
    while (context->futures != NULL) {
        struct barks_future *next = context->futures->next;
        end(context->futures);
        context->futures = next;
    }
}
