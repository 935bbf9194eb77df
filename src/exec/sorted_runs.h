/* Rows of a partition, held and put in order: in memory, or, past a share of it, as sorted runs on
 * disk. */
#pragma once

#include "barks/status.h"
#include "exec/row_merge.h"

#include <stdint.h>

/* Begins with sorted_runs_init. Threads: the task's only. */
struct sorted_runs {
    struct row_merge_options options;
    uint64_t share_bytes;
    struct batch *rows;   /* owned: those in memory, as they came */
    struct batch *output; /* owned */
    uint32_t added_count; /* batches since the share was looked at */
    struct row_run *runs; /* owned */
    uint32_t run_count, run_capacity;
};

/* Errors: as batch_create. */
BARKS_CHECKED barks_status *sorted_runs_init(struct sorted_runs *sorted,
                                             const struct row_merge_options *options);
void sorted_runs_drop(struct sorted_runs *sorted); /* zeroed ones too */

/* Errors: those of memory, which can be had only as long as one batch and the rows' order find
 * room; those of scratch_write. */
BARKS_CHECKED barks_status *sorted_runs_add(struct sorted_runs *sorted, const struct batch *batch);

/* Hands visit all rows in order, equal ones as they came, and forgets them. Stops early where the
 * task wants no more rows of its partition. Errors: as rows_merge. */
BARKS_CHECKED barks_status *
sorted_runs_give(struct sorted_runs *sorted,
                 barks_status *(*visit)(void *context, struct batch *batch), void *context);
