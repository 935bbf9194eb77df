/* Rows by key: what the held side of a join is looked up in. */
#pragma once

#include "barks/function.h"
#include "batch/batch.h"
#include "exec/join_keys.h"

#include <stdint.h>

struct pool;

/* A key that occurs: its rows are chained by `next`, in their order. */
struct join_slot {
    uint32_t tag;   /* of the key's hash: bits that did not choose the slot */
    uint32_t first; /* BARKS_NO_ROW: the slot is free */
};

/* Begins zeroed. Threads: one owner; find and next may be shared once it is sealed. Source: a hash
 * table with linear probing over distinct keys, so that many rows of one key cost no comparisons.
 * Most of its cost is memory that was never touched before, then misses of the cache: so slots are
 * small, as many as are needed and not a power of two, and looked up behind prefetches. */
struct join_table {
    struct pool *pool;
    const struct batch *rows; /* borrowed, unchanged while the table lives */
    struct join_keys keys;    /* of rows; its columns are borrowed */
    struct join_slot *slots;  /* slot_count: half as many again as rows */
    size_t slot_count;
    uint32_t *next; /* for each row the next one of its key; BARKS_NO_ROW: none; NULL: all keys
                       differ */
};

/* Null keys are equal to null, NaN to NaN, -0.0 to 0.0. Errors: as pool_acquire. Cost: O(rows),
 * at most JOIN_TABLE_ROW_BYTES a row. */
BARKS_CHECKED barks_status *join_table_build(struct join_table *table, struct pool *pool,
                                             const struct batch *rows, const uint32_t *keys,
                                             uint32_t key_count);
enum { JOIN_TABLE_ROW_BYTES = 16 };
void join_table_drop(struct join_table *table); /* zeroes it; twice is fine */

/* For each row of batch the first row with its key, or BARKS_NO_ROW. keys: columns of batch. */
void join_table_find(const struct join_table *table, const barks_batch *batch, const uint32_t *keys,
                     uint32_t *out_first);

static inline uint32_t join_table_next(const struct join_table *table, uint32_t row)
{
    return table->next == NULL ? BARKS_NO_ROW : table->next[row];
}
