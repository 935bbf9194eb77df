/* Actions as data, which run where they are called or in threads of their own. */
#pragma once

#include "barks/async.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "runtime/action_watch.h"
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>

enum { ACTION_NAME_BYTES = 256 };

/* What an action is given and gives; of each kind some fields. It is made where it is called, with
 * copies of all that it is given, and run once. */
struct action {
    barks_context *context; /* NULL: there is none to run it in, which has been told */
    struct barks_rdd *rdd;
    struct node *node; /* what runs: of rdd, or of a dataset made of it */
    barks_status *(*run)(struct action *action);
    char what[ACTION_NAME_BYTES]; /* "count at job.c:12" */
    bool is_async;
    barks_status *status; /* of making it: what it fails with; owned */

    /* Given; owned but for records and functions. */
    const barks_record *record; /* of the rows that it gives */
    const barks_function *function, *merge;
    void *env;
    const barks_record *given_record;
    void *given; /* a struct of given_record, kept by the context */
    uint32_t *columns;
    uint32_t column_count;
    struct sort_key *order;
    uint32_t order_count;
    double *values;
    uint32_t value_count;
    char *format, *path;
    int64_t n;
    uint64_t seed;
    double error;
    double seconds, confidence;
    int mode; /* by action: save mode, with replacement, ... */

    /* Given back: to where the caller wants it, and to be asked for. */
    void *out, *more_out;
    void *rows; /* the context's */
    int64_t count;
};
void action_drop(struct action *action);

/* Runs the action, or starts it where it is asynchronous; takes what it owns. True: it has run
 * well, and rows and count say what it gives. Errors are told. */
bool action_perform(struct action *action);

/* The calling thread is about to start an asynchronous action. */
void future_begin(void);

/* Whom an end is told to. */
struct done_call {
    barks_done_callback *callback;
    void *user;
    struct done_call *next;
};

/* Belongs to the context, from its start to barks_finalize or barks_forget. */
struct barks_future {
    struct action action;
    pthread_t thread;
    struct action_watch watch;
    struct lock lock; /* rank LOCK_ACTION */
    struct condition changed;
    struct {
        bool is_done, is_well;
        barks_status *status;    /* owned, until it is told */
        struct done_call *calls; /* owned, until it is done */
    } locked;
    bool is_joined;
    struct barks_future *next; /* of the context */
};

/* Waits for all, cancelled, and frees them: the context ends. */
void futures_end(barks_context *context);
