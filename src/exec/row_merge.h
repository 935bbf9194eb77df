/* Sorted runs of rows on disk become one, which is read batch by batch. */
#pragma once

#include "barks/status.h"
#include "exec/comparator.h"
#include "store/row_run.h"

#include <stdbool.h>

enum { MERGE_RUNS_MAX = 32 }; /* that are read at once */

/* How large the pieces of a run should be, so that those of all runs fit a share of memory. */
uint64_t row_merge_piece_bytes(uint64_t share_bytes);

/* What is merged, and how. */
struct row_merge_options {
    struct task *task; /* borrowed */
    const barks_schema *schema;
    struct row_order order;
    bool is_rewound; /* row_merge_rewind is wanted: pieces stay until row_merge_mark, and a batch
                        until the call of row_merge_next after the next one */
};

/* Threads: the task's only. */
struct row_merge;

/* Begins to read the runs, which are row_merge's until they are dropped: they lose their rows. More
 * than MERGE_RUNS_MAX runs are merged to fewer first, on disk. runs and options must stay where
 * they are until row_merge_close. Errors: those of memory and disk, and what the order's function
 * reports. */
BARKS_CHECKED barks_status *row_merge_open(const struct row_merge_options *options,
                                           struct row_run *runs, uint32_t run_count,
                                           struct row_merge **out_merge);
void row_merge_close(struct row_merge *merge); /* NULL is fine; what was not read stays on disk */

/* The next rows in order, equal ones in the order of the runs, and as in their run: at least one,
 * and not many more than BATCH_ROWS; NULL at the end. The batch stays as it is until the next call.
 * Errors: as row_merge_open. */
BARKS_CHECKED barks_status *row_merge_next(struct row_merge *merge, struct batch **out_batch);

/* row_merge_rewind goes back to the batch that was given last; what lies before it loses its disk
 * space. */
void row_merge_mark(struct row_merge *merge);

/* The next rows are those from the mark on, perhaps in batches of other sizes. Errors: as
 * row_merge_open. */
BARKS_CHECKED barks_status *row_merge_rewind(struct row_merge *merge);
