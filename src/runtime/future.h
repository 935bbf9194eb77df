/* Actions that run in threads of their own while the job goes on. */
#pragma once

#include "barks/action.h"
#include "barks/status.h"
#include "runtime/action_watch.h"
#include "runtime/context.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { FUTURE_NAME_BYTES = 256 };

/* Belongs to the context, from future_start to barks_finalize or future_free. */
struct barks_future {
    barks_context *context;
    /* What it does, in its thread; fills in rows and count. */
    barks_status *(*run)(struct barks_future *future);
    struct node *node;
    int64_t n;
    const barks_record *record;
    const barks_function *function;
    void *env;          /* owned */
    const char *format; /* a literal */
    char *path;         /* owned */
    bool overwrite;
    char what[FUTURE_NAME_BYTES];

    void *rows; /* the context's */
    int64_t count;

    pthread_t thread;
    struct action_watch watch;
    struct lock lock; /* rank LOCK_ACTION */
    struct condition changed;
    struct {
        bool is_done;
        barks_status *status; /* owned, until it is told */
    } locked;
    bool is_joined;
    struct barks_future *next; /* of the context */
};

/* Starts the action; takes future (from calloc, with what it is to do filled in). NULL, and the
 * error told, where it cannot. */
barks_future *future_start(barks_context *context, struct barks_future *future);

/* Waits for all, cancelled, and frees them: the context ends. */
void futures_end(barks_context *context);
