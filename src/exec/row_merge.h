/* Sorted runs of rows on disk become one. */
#pragma once

#include "barks/status.h"
#include "exec/comparator.h"
#include "store/row_run.h"

enum { MERGE_RUNS_MAX = 32 }; /* that are read at once */

/* How large the pieces of a run should be, so that those of all runs fit a share of memory. */
uint64_t row_merge_piece_bytes(uint64_t share_bytes);

/* What is merged, and how. */
struct row_merge_options {
    struct task *task; /* borrowed */
    const barks_schema *schema;
    struct row_order order;
};

/* Hands visit all rows of the runs in order; equal ones in the order of the runs, and as in their
 * run. More than MERGE_RUNS_MAX runs are merged to fewer first, on disk. Stops early where the task
 * wants no more rows of its partition. The runs are empty at the end, whatever fails.
 *
 * Ownership: visit borrows its batches, which hold at most BATCH_ROWS rows.
 * Errors:    those of memory and disk, of visit, and what the order's function reports. */
BARKS_CHECKED barks_status *rows_merge(const struct row_merge_options *options,
                                       struct row_run *runs, uint32_t run_count,
                                       barks_status *(*visit)(void *context, struct batch *batch),
                                       void *context);
