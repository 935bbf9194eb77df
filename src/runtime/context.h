/* The context behind barks_context: one for a process, from barks_init to barks_finalize. */
#pragma once

#include "barks/context.h"
#include "barks/status.h"
#include "base/config.h"
#include "base/lock.h"
#include "plan/node.h"
#include "runtime/action_watch.h"
#include "runtime/driver.h"

#include <stdbool.h>
#include <stdint.h>

struct accumulator;
struct pool;
struct resume;
struct batch;
struct shipped_source;

/* Rows that an action brought to the driver: an array of structs, and the batch that holds their
 * strings. */
struct kept_rows {
    void *rows;          /* owned; what the user was given */
    struct batch *batch; /* owned */
    struct kept_rows *next;
};

/* Threads: the thread that called barks_init, which alone makes datasets; actions also from other
 * threads. They plan, and touch what stands below planning, one at a time;
 * while a job runs others may plan theirs. */
struct barks_context {
    struct config config;
    struct driver *driver; /* owned; NULL once it has ended */
    struct pool *pool;     /* owned: the driver's own memory */
    struct lock planning;  /* rank LOCK_PLAN */
    struct node **nodes;   /* owned: the lineage of every dataset; a node's id is its index */
    uint32_t node_count, node_capacity;
    struct kept_rows *kept; /* owned */
    struct resume *resume;  /* owned: of --barks-work; NULL: nothing is stored */
    uint64_t next_id;       /* of stages and shuffles */
    uint64_t next_value;    /* of broadcast values, which envs hold: the same in each run */
    uint64_t start_ns;
    barks_status *error; /* owned: of the last action that failed and whose error was not taken */
    int exit_code;       /* of the first such action */
    struct watch_list watches;    /* the actions that run */
    struct barks_future *futures; /* owned */
    uint64_t kept_changes;        /* that plans may not have known of */
    uint64_t begun_again;         /* jobs that have ended with begins_again */
    uint64_t inputs_gone;         /* likewise, with is_input_gone */
    uint64_t damages;             /* likewise, with has_met_damage */
    uint32_t replicated_count;    /* datasets that are to be kept twice */
    uint32_t action_count;
    uint32_t job_count; /* that run now */
    uint64_t *dropped;  /* owned: broadcast values to be forgotten when no job runs */
    uint32_t dropped_count, dropped_capacity;
    struct accumulator *accumulators; /* owned: id i stands at i - 1 */
    uint32_t accumulator_count, accumulator_capacity;
    struct shipped_source *shipped; /* owned: files that executors were sent */
    char *output; /* owned: what was written last, for the summary; NULL: nothing */
};

/* The context that lives, or NULL before barks_init and after barks_finalize. */
barks_context *context_alive(void);

/* Takes node (made by the caller with calloc, size for what it is the first member of), gives it
 * its id. Errors: BARKS_NO_MEMORY, BARKS_LIMIT; the node is destroyed. */
BARKS_CHECKED barks_status *context_add_node(barks_context *context, struct node *node);
/* The same under the planning lock. */
BARKS_CHECKED barks_status *context_add_node_locked(barks_context *context, struct node *node);

/* An array of a record's structs as a batch of the driver's memory, strings and lists copied.
 * Errors: BARKS_LIMIT past 2^31 rows or the budget, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *context_copy_rows(barks_context *context, const barks_record *record,
                                              const void *rows, size_t row_count,
                                              struct batch **out_batch);

/* Takes rows and batch. Errors: BARKS_NO_MEMORY; both are destroyed. */
BARKS_CHECKED barks_status *context_keep_rows(barks_context *context, void *rows,
                                              struct batch *batch);
/* Frees what context_keep_rows was given; others are left alone. */
void context_release_rows(barks_context *context, const void *rows);

/* An action failed: the error is printed, kept for barks_take_error, and decides the exit status.
 * Takes error. */
void context_fail(barks_context *context, barks_status *error);
