/* Rows by their place in a dataset, the first of which are let go: in memory or, past a share of
 * it, piece by piece on disk. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "store/row_run.h"

#include <stdbool.h>
#include <stdint.h>

/* Begins with placed_rows_init, ends with placed_rows_drop. Threads: the task's only.
 * Invariant: in memory all rows are in `rows`; on disk those from `begin` on, which wait to be
 * written. */
struct placed_rows {
    const barks_schema *schema; /* borrowed */
    uint64_t share_bytes;
    bool is_on_disk;
    struct batch *rows;  /* owned; the first one is at place `begin` */
    struct batch *spare; /* owned; empty: rows that stay go there */
    uint64_t begin;
    struct row_run run;   /* owned */
    uint64_t run_begin;   /* the place of its first row */
    uint64_t *piece_ends; /* owned: the place behind each piece */
    uint32_t piece_capacity;
    uint32_t first_piece; /* those before are let go */
};

/* Errors: as batch_create. */
BARKS_CHECKED barks_status *placed_rows_init(struct placed_rows *placed,
                                             const struct spill_room *room,
                                             const barks_schema *schema, uint64_t share_bytes);
void placed_rows_drop(struct placed_rows *placed); /* zeroed ones too */

/* No rows; the next one is at `place`, in memory. */
void placed_rows_begin(struct placed_rows *placed, uint64_t place);

/* The place behind the last row. */
static inline uint64_t placed_rows_end(const struct placed_rows *placed)
{
    return placed->begin + placed->rows->base.row_count;
}

/* Adds rows behind the last one. Errors: those of memory, where one batch finds none; those of
 * scratch_write. */
BARKS_CHECKED barks_status *placed_rows_add(struct placed_rows *placed, const struct batch *batch);
/* All rows of another, which is empty afterwards, also where it fails. Errors: likewise, and those
 * of row_run_read. */
BARKS_CHECKED barks_status *placed_rows_add_all(struct placed_rows *placed,
                                                struct placed_rows *others);

/* What waits to be written is on disk too, where others are. Errors: as placed_rows_add. */
BARKS_CHECKED barks_status *placed_rows_flush(struct placed_rows *placed);

/* Rows before `place` are not wanted any more. Errors: as batch_append. */
BARKS_CHECKED barks_status *placed_rows_let_go(struct placed_rows *placed, uint64_t place);

/* On disk: the piece with a place, and the places of a piece. */
uint32_t placed_rows_piece(const struct placed_rows *placed, uint64_t place);
static inline uint64_t placed_rows_piece_begin(const struct placed_rows *placed, uint32_t piece)
{
    return piece == 0 ? placed->run_begin : placed->piece_ends[piece - 1];
}
