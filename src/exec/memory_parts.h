/* Rows of a partition dealt in memory by bits of the hash of their keys, as piles.h deals them on
 * disk: so each part can be worked on in a table that fits the processor's cache. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

enum {
    PART_BITS = 5, /* those of a pile, since parts may become piles */
    PART_COUNT = 1 << PART_BITS,
};

struct pool;

/* Begins with parts_init, ends with parts_drop. Threads: the task's only. */
struct parts {
    struct pool *pool;          /* borrowed */
    const barks_schema *schema; /* borrowed */
    uint32_t level;             /* which PART_BITS bits of a hash choose: 0 the topmost ... */
    struct part {
        struct batch **batches; /* owned, in the order of adding; all but the last are full */
        uint32_t batch_count, batch_capacity;
    } parts[PART_COUNT];
    uint32_t *order; /* owned; the rows at hand, part by part */
    uint32_t order_capacity;
    uint64_t memory_bytes; /* that the batches have taken of the pool */
};

void parts_init(struct parts *parts, struct pool *pool, const barks_schema *schema, uint32_t level);
void parts_drop(struct parts *parts); /* zeroed ones too */

/* Row i of batch goes to the part that hashes[i] names; the order within a part is that of adding.
 * What long strings and lists it needs it copies.
 * Errors: as pool_acquire; none of the rows has been added then. */
BARKS_CHECKED barks_status *parts_add(struct parts *parts, const struct batch *batch,
                                      const uint64_t *hashes);

/* All rows of a part in order, which is empty afterwards, whatever fails. visit borrows a batch.
 * Errors: those of visit. */
BARKS_CHECKED barks_status *parts_visit(struct parts *parts, uint32_t part,
                                        barks_status *(*visit)(void *context, struct batch *batch),
                                        void *context);
