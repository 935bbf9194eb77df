/* Rows folded by key in a combine table, and given on in its order: from memory or, past a share of
 * it, pile by pile from disk.
 *
 * A table that has become too large goes to disk as it stands, and the rows that come after it as
 * they are. In a pile an accumulator then goes on with its rows in the order in which they came, so
 * that whatever the function, the rows given on are those that memory would have given. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct combine;
struct dealt_rows;
struct pipe_node;
struct task;

/* All borrowed. */
struct combine_piles_options {
    struct task *task;
    const struct pipe_node *node;   /* for errors */
    struct combine *table;          /* empty; its bytes_limit says what is too large */
    const barks_function *function; /* of the table, for errors; NULL: none */
    const barks_schema *rows, *accumulators;
    uint64_t coming_bytes; /* of all rows that will be added; 0: unknown */
};

/* Begins as {.options = ...}, ends with combine_piles_drop. Threads: the task's only. */
struct combine_piles {
    struct combine_piles_options options;
    uint32_t partition;       /* for errors */
    uint32_t level;           /* of the piles that it deals to */
    struct dealt_rows *dealt; /* owned; NULL: all there is is in the table */
};
void combine_piles_drop(struct combine_piles *piles);

/* Errors: those of the function, with its row; BARKS_LIMIT where one accumulator alone, or what a
 * batch adds to some, is more than there is memory; those of piles_add. */
BARKS_CHECKED barks_status *combine_piles_add(struct combine_piles *piles, struct batch *batch);

/* Hands visit all accumulators by ascending (table hash, key), and forgets them. Stops early where
 * the task wants no more rows of its partition. Errors: as combine_piles_add, and those of visit.
 */
BARKS_CHECKED barks_status *
combine_piles_give(struct combine_piles *piles,
                   barks_status *(*visit)(void *context, struct batch *batch), void *context);
