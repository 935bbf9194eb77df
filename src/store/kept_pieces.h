/* The runs of rows that a kept partition is made of, and the forms that they have. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "store/packed_rows.h"
#include "store/spill.h"

#include <stdbool.h>
#include <stdint.h>

/* In one of three forms. */
struct kept_piece {
    struct batch *batch; /* owned */
    struct packed_rows packed;
    struct spilled spilled;
};

/* Begins zeroed, ends with kept_pieces_drop. Threads: one owner at a time; visits may be many. */
struct kept_pieces {
    struct kept_piece *items; /* owned */
    uint32_t count, capacity;
    uint64_t row_count;
    uint64_t memory_bytes, disk_bytes;
};

void kept_pieces_drop(struct kept_pieces *pieces);

/* Adds rows in one of the forms: the batch itself (which is taken on success), a copy encoded in
 * memory, or one on disk. Errors: those of memory and of scratch_write. */
BARKS_CHECKED barks_status *kept_pieces_add_batch(struct kept_pieces *pieces, struct batch *batch);
BARKS_CHECKED barks_status *kept_pieces_add_encoded(struct kept_pieces *pieces,
                                                    const struct spill_room *room,
                                                    const struct batch *batch, bool compress);
BARKS_CHECKED barks_status *kept_pieces_add_on_disk(struct kept_pieces *pieces,
                                                    const struct spill_room *room,
                                                    const struct batch *batch, bool compress);

/* A copy of pieces of which all are on disk. */
BARKS_CHECKED barks_status *kept_pieces_to_disk(const struct kept_pieces *pieces,
                                                const struct spill_room *room, bool compress,
                                                struct kept_pieces *out_pieces);

/* Hands the rows of all pieces to visit, decoded where they are not batches. Errors: those of
 * visit, of memory, BARKS_IO, BARKS_BAD_INPUT. *out_is_damaged: the error is that rows of a piece
 * do not come back as they were kept. */
BARKS_CHECKED barks_status *
kept_pieces_visit(const struct kept_pieces *pieces, const struct spill_room *room,
                  const barks_schema *schema,
                  barks_status *(*visit)(void *context, struct batch *batch), void *context,
                  bool *out_is_damaged);
