/* Rows of a partition dealt to piles on disk by bits of the hash of their keys, so that each pile
 * can be worked on alone: equal keys meet in it, and all of its hashes come before those of the
 * next. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "store/row_run.h"

#include <stdint.h>

enum {
    PILE_BITS = 5,
    PILE_COUNT = 1 << PILE_BITS,
    PILE_LEVELS = (64 + PILE_BITS - 1) / PILE_BITS, /* after so many a pile has one hash */
};

/* Begins with piles_init, ends with piles_drop. Threads: the task's only. */
struct piles {
    const struct spill_room *room; /* borrowed */
    const barks_schema *schema;    /* borrowed */
    uint32_t level; /* which PILE_BITS bits of a hash choose: 0 the topmost, 1 the next ... */
    uint64_t buffer_bytes; /* of a pile's rows that wait to be written, and of a piece of its run */
    struct batch *waiting[PILE_COUNT]; /* owned; NULL before its first row */
    struct row_run runs[PILE_COUNT];   /* owned */
    uint32_t rows[BATCH_ROWS];         /* those at hand, pile by pile */
};

/* Rows of schema; level < PILE_LEVELS. share_bytes is what all piles may hold in memory: about a
 * quarter of it is used while rows are added, and none after piles_flush. */
void piles_init(struct piles *piles, const struct spill_room *room, const barks_schema *schema,
                uint32_t level, uint64_t share_bytes);
void piles_drop(struct piles *piles); /* zeroed ones too */

/* Row i of batch goes to the pile that hashes[i] names; the order within a pile is that of adding.
 * What long strings and lists it needs it copies.
 * Errors: those of memory, which can be had only as long as one row finds room twice; those of
 * scratch_write. */
BARKS_CHECKED barks_status *piles_add(struct piles *piles, const struct batch *batch,
                                      const uint64_t *hashes);

/* The same with rows that are all of one pile, where none wait: they are written at once. */
BARKS_CHECKED barks_status *piles_put(struct piles *piles, uint32_t pile,
                                      const struct batch *batch);

/* All rows are in runs afterwards, in pieces of at most BATCH_ROWS rows and about buffer_bytes, or
 * one row. */
BARKS_CHECKED barks_status *piles_flush(struct piles *piles);
