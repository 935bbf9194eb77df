/* The rows of a partition, held until all are there, and their order. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct pool;

/* Begins zeroed. Threads: the task's only. */
struct held_rows {
    struct pool *pool;
    struct batch *rows; /* owned */
    uint32_t *order;    /* once sealed: rows by the order asked for; NULL: 0, 1, ... */
    size_t order_bytes;
};

BARKS_CHECKED barks_status *held_rows_init(struct held_rows *held, struct pool *pool,
                                           const barks_schema *schema);
void held_rows_drop(struct held_rows *held);
void held_rows_clear(struct held_rows *held); /* for the next partition */

/* Errors: as batch_append. */
BARKS_CHECKED barks_status *held_rows_add(struct held_rows *held, const struct batch *batch);
/* No more rows come: they are put in order, equal ones as they came. No keys: all as they came.
 * Errors: as pool_acquire. */
BARKS_CHECKED barks_status *held_rows_seal(struct held_rows *held, const struct sort_key *keys,
                                           uint32_t key_count);

static inline uint32_t held_row(const struct held_rows *held, uint32_t place)
{
    return held->order != NULL ? held->order[place] : place;
}
