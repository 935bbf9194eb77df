/* Which reduce partition a row belongs to. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct hot_watch;

__extension__ typedef unsigned __int128 partition_product;

/* High bits of the key hash scaled to the count (S59): (hash * count) >> 64. */
static inline uint32_t partition_of_hash(uint64_t hash, uint32_t partition_count)
{
    return (uint32_t)(((partition_product)hash * partition_count) >> 64);
}

/* Turns rows into reduce partitions. Made by filling in what the kind wants; ends with
 * partitioner_drop, which frees what partitioner_apply has kept for the next call. What it points
 * to is borrowed for its life. Threads: one owner at a time. */
enum partitioner_kind {
    PARTITION_HASH,
    PARTITION_RANGE,
    PARTITION_ROUND_ROBIN,
    PARTITION_ONE,    /* all rows to partition `position` */
    PARTITION_CHOSEN, /* by a callback */
    PARTITION_INDEX,  /* by an i64 of the row, one of index_count indices that are dealt evenly */
    PARTITION_PLACE,  /* by the place of the row in the whole dataset */
    PARTITION_REPLICATE, /* to several each: not by buckets, but by who fills the shuffle */
};
struct partitioner {
    enum partitioner_kind kind;
    uint32_t partition_count;
    const uint32_t *key_columns; /* hash */
    uint32_t key_count;
    struct hot_watch *watch; /* hash: spreads the rows of hot keys; or NULL */
    /* Range: of splitters' columns, which equal the rows' schema. A row goes to the number of
     * splitters that are <= it; there are partition_count - 1 of them, ascending. */
    const struct sort_key *sort_keys;
    uint32_t sort_key_count;
    const struct batch *splitters;
    uint64_t index_count; /* index: of key_columns[0], which is never null; what is no index goes
                             where index 0 does, or to the last partition */
    uint64_t position; /* of the next row. Round robin: begins with the map partition; place: with
                          the place of its first row */
    const uint64_t *bounds; /* place: of the first row of each partition, ascending from 0 */
    /* Chosen: sets the partition of each row, below partition_count. */
    barks_status *(*choose)(void *context, const struct batch *batch, uint32_t *out_partitions);
    void *context;
    struct partitioner_scratch *scratch; /* owned; begins as NULL */
};

/* out_partitions has room for the batch's rows. Errors: BARKS_INVALID (not as described above),
 * BARKS_NO_MEMORY. Cost: O(rows), for ranges O(rows * log splitters). */
BARKS_CHECKED barks_status *partitioner_apply(struct partitioner *partitioner,
                                              const struct batch *batch, uint32_t *out_partitions);
/* Hash: of the keys of the rows it was last applied to. */
const uint64_t *partitioner_hashes(const struct partitioner *partitioner);
void partitioner_drop(struct partitioner *partitioner); /* twice is fine */
