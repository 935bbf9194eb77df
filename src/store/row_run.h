/* Rows on disk in the order in which they were added, read piece by piece. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "store/spill.h"

#include <stdbool.h>
#include <stdint.h>

/* Begins zeroed but for room, ends with row_run_drop. Threads: one owner at a time. */
struct row_run {
    const struct spill_room *room; /* borrowed */
    struct spilled *pieces;        /* owned */
    uint32_t piece_count, piece_capacity;
    uint64_t row_count;
    uint64_t disk_bytes;
    uint64_t encoded_bytes;
};

/* Adds rows [first, first + row_count) of a batch as one piece: what a reader will hold at a time
 * is for the caller to choose. No rows add nothing. Errors: those of spill_rows. */
BARKS_CHECKED barks_status *row_run_add(struct row_run *run, const barks_batch *rows,
                                        uint32_t first, uint32_t row_count);

/* Appends the rows of piece `piece` to batch. Errors: those of spilled_read. */
BARKS_CHECKED barks_status *row_run_read(const struct row_run *run, uint32_t piece,
                                         struct batch *batch);

/* Piece `piece` is not read again: its disk space is free. */
void row_run_forget(struct row_run *run, uint32_t piece);

/* All rows in order: visit borrows batches of schema. With consume a piece is forgotten when it has
 * been visited, and the run is empty at the end, whatever fails. Errors: those of visit, and of
 * row_run_read. */
BARKS_CHECKED barks_status *
row_run_visit(struct row_run *run, const barks_schema *schema, bool consume,
              barks_status *(*visit)(void *context, struct batch *batch), void *context);

/* Gives the disk space back; the run can be used again. */
void row_run_clear(struct row_run *run);
void row_run_drop(struct row_run *run);
