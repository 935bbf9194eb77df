/* The buckets rows wait in, by partition, until there are enough of them for a frame. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/partition.h"

#include <stdint.h>

struct hot_list;
struct pool;

/* Rows on their way into a shuffle. One worker's, for one attempt.
 *
 * Rows are staged first where a batch has but a few for each partition, and dealt out together: so
 * the work for each partition is shared by many rows, and a shuffle of few rows to many partitions
 * never has memory for each. */
struct buckets;
struct buckets_options {
    struct pool *pool;
    const barks_schema *schema;
    struct partitioner partitioner; /* moved; what it points to is borrowed for the buckets' life */
    /* With a hash partitioner: rows of these keys are copied to all of their pieces; borrowed,
     * NULL: none. */
    const struct hot_list *copied;
    bool copies_only; /* their rows where they are by their hash are there: to the other pieces, and
                         no others at all */
    uint64_t frame_bytes;   /* a bucket that has them becomes a frame, of rows without strings and
                               lists one that has half of them or more; 0: 448 KiB */
    uint64_t row_bytes_max; /* of a row's strings and lists; 0: ROW_BYTES_MAX */
    /* All buckets together: past it, all become frames. 0: a sixteenth of the pool's budget,
     * between 4 and 256 MiB. */
    uint64_t total_bytes;
    /* BATCH_KEEP when rows' blocks may be held (input chunks are then kept alive). */
    enum batch_strings strings;
    /* Takes the batch, also where it fails. */
    barks_status *(*emit)(void *context, uint32_t partition, struct batch *batch);
    void *context;
};
/* Errors: BARKS_INVALID (no partitions), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *buckets_create(const struct buckets_options *options,
                                           struct buckets **out_buckets);
void buckets_destroy(struct buckets *buckets); /* NULL is fine */

/* Rows keep their order within a partition. Errors: as pool_acquire and rows_check_bytes, those of
 * emit and partitioner_apply; the buckets are then good for nothing but to be destroyed. */
BARKS_CHECKED barks_status *buckets_add(struct buckets *buckets, const struct batch *batch);

/* Sets the partitioner's position for the rows that come next: round robin and PARTITION_ONE begin
 * anew with each map partition, so that where rows go does not depend on which partitions a task
 * runs. Errors: as buckets_add. */
BARKS_CHECKED barks_status *buckets_seek(struct buckets *buckets, uint64_t position);

/* The rest becomes frames, partition by partition. */
BARKS_CHECKED barks_status *buckets_flush(struct buckets *buckets);
