/* A shuffle's frames in files that outlive the job: what has arrived at one executor, partition by
 * partition in the order in which it is read.
 *
 *     head of a frame    struct stored_head, 40 bytes, little-endian
 *     its rows           stored_bytes of them, as of store/packed_rows.h
 *     head of the next frame ...
 *
 * Frames of one partition lie one behind the other: a piece. Where pieces lie is told by who wrote
 * them, and kept elsewhere (work/stage_manifest.h). */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct pool;
struct reduce_side;
struct spill_room;

struct stored_piece {
    uint32_t partition;
    uint64_t offset, size_bytes; /* in the file */
    uint64_t frame_count, row_count;
    uint64_t encoded_bytes; /* of the rows, for who must have room for them */
};

/* Begins zeroed, ends with stored_pieces_drop. By ascending partition; partitions without rows have
 * none. */
struct stored_pieces {
    struct stored_piece *all; /* owned */
    uint32_t count, capacity;
};
void stored_pieces_drop(struct stored_pieces *pieces);
/* Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stored_pieces_add(struct stored_pieces *pieces,
                                              const struct stored_piece *piece);

/**
 * Writes all that has arrived of a complete slot of a shuffle into a new file. tag: of the stage
 * and of who computes it, so that frames of another file are not taken for these. The frames stay.
 *
 * Errors:  BARKS_IO, BARKS_LIMIT (the disk is full, memory), BARKS_INVALID (the shuffle was dropped
 *          meanwhile); no file is left then.
 * Threads: one of its own: it writes for as long as the disk takes. */
BARKS_CHECKED barks_status *stored_frames_write(struct reduce_side *reduce_side, uint64_t shuffle,
                                                uint32_t slot, const struct spill_room *room,
                                                const char *path, uint64_t tag,
                                                struct stored_pieces *out_pieces);

/**
 * Calls visit for each frame's rows of a piece, in order; the batch is lent until visit returns.
 *
 * Errors:  BARKS_LOST: what lies there is damaged, cut short or gone; those of memory and visit.
 * Threads: any. */
BARKS_CHECKED barks_status *
stored_frames_read(const char *path, uint64_t tag, const struct stored_piece *piece,
                   struct pool *pool, const barks_schema *schema,
                   barks_status *(*visit)(void *context, struct batch *batch), void *context);
