/* Two sides of a join dealt to piles by their keys: pile by pile, what of the right is found for
 * which row of the left. */
#pragma once

#include "exec/numbered_rows.h"
#include "exec/operator.h"
#include "exec/piles.h"

#include <stdbool.h>
#include <stdint.h>

/* Runs of rows, each in the order of their numbers. */
struct match_runs {
    struct row_run *runs; /* owned */
    uint32_t count, capacity;
};
void match_runs_drop(struct match_runs *runs);

/* What is joined, and what is wanted of it. */
struct pile_join_options {
    struct task *task;            /* borrowed, as all that follows */
    const struct pipe_node *node; /* STEP_JOIN */
    uint64_t share_bytes;
    const struct numbered_rows *left;  /* the keys alone */
    const struct numbered_rows *right; /* all columns */
    const uint32_t *given;             /* columns of the right that pairs are made of */
    uint32_t given_count;
    const barks_schema *found; /* the given columns, and an i64: what the runs are of */
};

/**
 * Adds to matches, for each pair of a left row and a right one of equal keys, the right one under
 * the number of the left one; equal numbers in the order of the runs, and within a run, are in the
 * order of the right. Of semi and anti joins, just one of some. And to alone, where the kind of
 * join gives them, right rows without a partner under their own number. The runs of the piles are
 * empty afterwards, whatever fails. right_count: of the rows in all piles.
 *
 * A pile whose right side does not fit the share is dealt again, by further bits of the hash; where
 * that does not help, since it is one key, its left side is read again for each part of the right
 * that fits.
 *
 * Errors: those of memory and disk, BARKS_CANCELLED.
 * Source: Kitsuregawa, Tanaka and Moto-oka, "Application of Hash to Data Base Machine and Its
 *         Architecture", 1983 (GRACE); the numbers, which keep the order, are ours.
 */
BARKS_CHECKED barks_status *piles_join(const struct pile_join_options *options, struct piles *left,
                                       struct piles *right, uint64_t right_count,
                                       struct match_runs *matches, struct match_runs *alone);

/* Hashes by which rows are dealt. Not the key hash itself, by which they came to the partition. */
void pile_hashes(const barks_batch *batch, const uint32_t *keys, uint32_t key_count,
                 uint64_t *out_hashes);
