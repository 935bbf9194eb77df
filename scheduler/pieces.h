/* Partitions that are far larger than the others, and would keep one worker of their owner busy
 * when the rest have nothing to do any more, are read by several tasks, where their steps allow:
 * each has a piece, which is a range of the runs that filled the shuffle. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct stage;

enum {
    PIECES_MAX = 64,          /* of one partition; a task counts them in a byte */
    PIECES_LARGE = 2,         /* a partition is large that weighs so many medians, and ... */
    PIECES_PER_WORKER = 2,    /* ... more than a piece: so much of what a worker of its owner has */
    PIECE_BYTES_MIN = 1 << 20 /* less is not worth reading the other side of a join once more */
};

/* The median of what the stage's partitions weigh; 0: none is divided, since no input is read in
 * pieces, or since tasks that run together have a whole one each. Errors: BARKS_NO_MEMORY.
 * O(n log n). */
BARKS_CHECKED barks_status *pieces_median(const struct stage *stage, uint64_t *out_median);

/**
 * How many tasks read a partition, at least one and no more than the runs that filled it.
 *
 * owner_weight: of all partitions of its owner, which has so many workers for the stage.
 */
uint32_t pieces_of(const struct stage *stage, uint32_t partition, uint64_t median,
                   uint64_t owner_weight, uint64_t workers);
