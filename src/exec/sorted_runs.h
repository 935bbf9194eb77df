/* Rows of a partition, held and put in order: in memory, or, past a share of it, as sorted runs on
 * disk. */
#pragma once

#include "barks/status.h"
#include "exec/row_merge.h"

#include <stdbool.h>
#include <stdint.h>

/* Some of them in order: the rows at places [0, count) of order (NULL: 0, 1, ...). */
struct row_slice {
    struct batch *rows; /* borrowed; who reads them may append rows, and forgets them then */
    const uint32_t *order;
    const uint64_t *begins; /* as of rows_order_groups; NULL: not known */
    uint32_t count;
};
static inline uint32_t slice_row(const struct row_slice *slice, uint32_t place)
{
    return slice->order != NULL ? slice->order[place] : place;
}

/* Begins with sorted_runs_init. Threads: the task's only. Invariant: rows are added, sealed, read,
 * cleared. */
struct sorted_runs {
    struct row_merge_options options;
    uint64_t share_bytes;
    uint32_t
        group_key_count;  /* of the order's: slices in memory tell groups apart by them; 0: no */
    struct batch *rows;   /* owned: those in memory, as they came */
    struct batch *output; /* owned */
    uint64_t row_count;   /* of all that were added */
    uint64_t added_bytes; /* since the share was looked at */
    struct row_run *runs; /* owned */
    uint32_t run_count, run_capacity;
    /* Once sealed. */
    uint32_t *order; /* of the rows in memory; NULL: as they came */
    size_t order_bytes;
    uint64_t *begins; /* of groups; NULL: not known */
    size_t begins_bytes;
    struct row_merge *merge; /* of those on disk; NULL: there are none */
    bool is_given;           /* those in memory are */
};

/* share_bytes: of memory, for the rows. An order of no keys is that in which they come.
 * Errors: as batch_create. */
BARKS_CHECKED barks_status *sorted_runs_init(struct sorted_runs *sorted,
                                             const struct row_merge_options *options,
                                             uint64_t share_bytes);
void sorted_runs_drop(struct sorted_runs *sorted); /* zeroed ones too */
void sorted_runs_clear(struct sorted_runs *sorted);

/* Errors: those of memory, which can be had only as long as one batch and the rows' order find
 * room; those of scratch_write. */
BARKS_CHECKED barks_status *sorted_runs_add(struct sorted_runs *sorted, const struct batch *batch);

/* No more rows come. Errors: as row_merge_open. */
BARKS_CHECKED barks_status *sorted_runs_seal(struct sorted_runs *sorted);

/* The next rows in order, equal ones as they came; none at the end. A slice stays as it is as a
 * batch of a merge does. Errors: as row_merge_next. */
BARKS_CHECKED barks_status *sorted_runs_next(struct sorted_runs *sorted,
                                             struct row_slice *out_slice);

/* Whether all rows are in memory, so that one slice has them. */
static inline bool sorted_runs_in_memory(const struct sorted_runs *sorted)
{
    return sorted->merge == NULL;
}

/* As of a merge, with options.is_rewound. */
void sorted_runs_mark(struct sorted_runs *sorted);
BARKS_CHECKED barks_status *sorted_runs_rewind(struct sorted_runs *sorted);

/* Seals, hands visit all rows in order, in batches of at most BATCH_ROWS or somewhat more, and
 * clears. Stops early where the task wants no more rows of its partition. Errors: as
 * row_merge_next, and those of visit. */
BARKS_CHECKED barks_status *
sorted_runs_give(struct sorted_runs *sorted,
                 barks_status *(*visit)(void *context, struct batch *batch), void *context);
