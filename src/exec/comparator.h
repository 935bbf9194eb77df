/* The order of rows, by columns or by a user's function. */
#pragma once

#include "barks/function.h"
#include "batch/row_window.h"
#include "exec/sort.h"

#include <stdbool.h>
#include <stdint.h>

struct task;
struct step;

struct row_order {
    const struct sort_key *keys;
    uint32_t key_count;
    const barks_function *compare; /* in place of keys, where it is not NULL */
    const void *env;
    bool descending; /* by compare: turned round */
    bool in_runs;    /* by keys: the rows lie in a few runs that are in order */
};
/* By the function of a step. */
struct row_order order_of_function(const struct step *step);

/* As rows_order. task: for the places of errors; NULL at the driver. Errors: what the function
 * reports. Cost: by a function O(n log n) comparisons; of rows that are in order O(n). */
BARKS_CHECKED barks_status *rows_order_as(const barks_batch *batch, const struct row_order *order,
                                          struct task *task, struct pool *pool,
                                          uint32_t *out_order);

/* Two rows at a time of one batch, which may grow meanwhile. Begins zeroed, ends with
 * row_comparer_drop. Threads: the task's. */
struct row_comparer {
    struct task *task; /* borrowed */
    struct row_order order;
    const barks_batch *batch;   /* borrowed */
    uint32_t *columns;          /* owned: of the batch, one for each field of the function */
    const barks_column **bound; /* owned */
};
BARKS_CHECKED barks_status *row_comparer_init(struct row_comparer *comparer, struct task *task,
                                              const struct row_order *order,
                                              const barks_batch *batch);
void row_comparer_drop(struct row_comparer *comparer);
/* *out_comes_first: row a comes before row b, or is equal to it. Errors: what the function
 * reports. */
BARKS_CHECKED barks_status *row_comparer_ask(const struct row_comparer *comparer, uint32_t a,
                                             uint32_t b, bool *out_comes_first);

/* Which range of a shuffle a row belongs to, by a function. Begins zeroed, ends with
 * range_chooser_drop. Threads: the task's. */
struct range_chooser {
    struct task *task; /* borrowed */
    struct row_order order;
    const struct batch *splitters;  /* ascending; borrowed */
    struct row_window rows, bounds; /* of the batch; of splitters */
};
BARKS_CHECKED barks_status *range_chooser_init(struct range_chooser *chooser, struct task *task,
                                               const barks_schema *rows);
void range_chooser_drop(struct range_chooser *chooser);
/* partitioner.choose, its context being a range_chooser. */
BARKS_CHECKED barks_status *range_chooser_choose(void *context, const struct batch *batch,
                                                 uint32_t *out_partitions);
