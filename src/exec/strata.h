/* Strata: the keys of a sample, and what is drawn of the rows of each. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "exec/join_table.h"
#include "exec/step.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* Every copy of a row draws a lot, a number below 2^63; those of a stratum are ordered by lot,
 * partition and position, so that no two are equal and "the n lowest" are just n. Travels as it
 * is. */
struct stratum {
    double mean;                  /* the fraction of its rows, or copies of a row: Poisson's mean */
    uint64_t first_lot, last_lot; /* drawn are lots in [first, last] ... */
    uint64_t last_partition, last_position; /* ... and of the last lot places up to this one */
};

/* The strata of a step. Begins zeroed, ends with strata_drop. */
struct strata {
    const struct stratum *strata; /* the step's */
    uint32_t count;
    const struct index_list *key_columns; /* of the rows; the step's; none: there is one stratum */
    struct batch *keys;                   /* row i is the key of stratum i; owned */
    uint32_t *own_columns;                /* of keys: 0, 1, ...; owned */
    struct join_table table;
    uint32_t *found; /* of the batch at hand; owned */
    uint32_t capacity_rows;
};

/* Into the step's bytes: the strata, then the keys (of the step's initial_record), encoded; the
 * count goes to numbers[2]. keys is NULL where there is one stratum of all rows. Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *strata_put(struct step *step, const struct stratum *strata,
                                       uint32_t count, const barks_batch *keys);

/* Borrows step. Errors: as pool_acquire, BARKS_BAD_INPUT. */
BARKS_CHECKED barks_status *strata_open(struct strata *strata, const struct step *step,
                                        struct pool *pool);
void strata_drop(struct strata *strata);

/* The stratum of each row, BARKS_NO_ROW: none; lent until the next call. Errors: BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *strata_find(struct strata *strata, const barks_batch *batch,
                                        const uint32_t **out_found);

static inline bool stratum_draws(const struct stratum *stratum, uint64_t lot, uint64_t partition,
                                 uint64_t position)
{
    if (lot < stratum->first_lot || lot >= stratum->last_lot)
        return lot == stratum->last_lot && lot >= stratum->first_lot &&
               (partition < stratum->last_partition ||
                (partition == stratum->last_partition && position <= stratum->last_position));
    return true;
}
