/* Which reduce partition a row belongs to, and the buckets rows wait in until they are frames. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct pool;

/* High bits of the key hash scaled to the count (S59): (hash * count) >> 64. */
static inline uint32_t partition_of_hash(uint64_t hash, uint32_t partition_count)
{
    return (uint32_t)(((unsigned __int128)hash * partition_count) >> 64);
}

/* Turns rows into reduce partitions. */
enum partitioner_kind { PARTITION_HASH, PARTITION_RANGE, PARTITION_ROUND_ROBIN };
struct partitioner {
    enum partitioner_kind kind;
    uint32_t partition_count;
    const uint32_t *key_columns; /* hash */
    uint32_t key_count;
    const struct sort_key *sort_keys; /* range: of splitters' columns, which equal the rows' schema */
    const struct batch *splitters;    /* range: partition_count - 1 rows, ascending; row goes to the number of splitters
                                         that are <= it */
    uint64_t position;                /* round robin: of the next row; begins with the map partition */
};
BARKS_CHECKED barks_status *partitioner_apply(struct partitioner *partitioner, const struct batch *batch,
                                              uint32_t *out_partitions);

/* Rows on their way into a shuffle, by partition. One worker's, for one attempt. */
struct buckets;
struct buckets_options {
    struct pool *pool;
    const barks_schema *schema;
    struct partitioner partitioner; /* what it points to is borrowed for the buckets' life */
    uint64_t frame_bytes;           /* a bucket that has grown past it becomes a frame; 0: 512 KiB */
    enum batch_strings strings;     /* BATCH_KEEP when rows' blocks may be held (input chunks are then kept alive) */
    /* Takes the batch. */
    barks_status *(*emit)(void *context, uint32_t partition, struct batch *batch);
    void *context;
};
BARKS_CHECKED barks_status *buckets_create(const struct buckets_options *options, struct buckets **out_buckets);
void buckets_destroy(struct buckets *buckets);
BARKS_CHECKED barks_status *buckets_add(struct buckets *buckets, const struct batch *batch); /* rows keep their order */
BARKS_CHECKED barks_status *buckets_flush(struct buckets *buckets); /* the rest becomes frames, partition by partition */
