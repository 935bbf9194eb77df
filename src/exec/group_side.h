/* One input of groups: its rows by ascending keys, and those of the group at hand. */
#pragma once

#include "exec/group_caller.h"
#include "exec/sorted_runs.h"
#include "exec/step.h"
#include "store/mapped_strings.h"

#include <stdbool.h>
#include <stdint.h>

/* Where rows do not fit in memory they come slice by slice, and a group may go on in the next one.
 * Threads: the task's only. Invariant: between groups the row at `end` of the slice is the next
 * one, or there is none. */
struct group_side {
    struct group_feed feed;      /* first: it leads here */
    struct group_caller *caller; /* borrowed: it is told of slices; NULL: there is none */
    uint32_t number;             /* of the input */
    struct sorted_runs sorted;
    struct sort_key *order;        /* the keys, then what else was asked for; owned */
    const struct index_list *keys; /* borrowed */
    struct mapped_strings strings; /* of long groups, whose body may still look at them */
    struct row_slice slice;        /* at hand; its rows are never NULL once it is sealed */
    barks_column *key_columns;     /* copies of its key columns, for comparing sides; owned */
    barks_batch view;              /* of key_columns */
    uint32_t first, end;           /* the group's places in the slice; end: the next group */
    uint32_t begin;                /* its first place in the slice where it began */
    bool is_last;                  /* no rows come behind the slice */
    bool is_marked;                /* a rewind goes to this slice: the group has begun in it */
};

/* Input `number` of a step, whose rows are of a schema. Errors: as sorted_runs_init. */
BARKS_CHECKED barks_status *group_side_init(struct group_side *side, struct task *task,
                                            const struct step *step, uint32_t number,
                                            const barks_schema *schema, uint64_t share_bytes,
                                            struct group_caller *caller);
void group_side_drop(struct group_side *side); /* zeroed ones too */
void group_side_clear(struct group_side *side);

/* No more rows come: the first group is next. Errors: as sorted_runs_next. */
BARKS_CHECKED barks_status *group_side_seal(struct group_side *side);

/* Between groups: whether a row comes next, and which of the slice. */
static inline bool group_side_has_next(const struct group_side *side)
{
    return side->end < side->slice.count;
}
static inline uint32_t group_side_next_row(const struct group_side *side)
{
    return slice_row(&side->slice, side->end);
}

/* The place behind the rows from `place` on whose keys are equal, in a slice of rows ordered by
 * them. */
uint32_t slice_group_end(const struct row_slice *slice, const struct index_list *keys,
                         uint32_t place);
static inline uint32_t group_side_extent(const struct group_side *side, uint32_t place)
{
    return slice_group_end(&side->slice, side->keys, place);
}

/* The next group has the rows up to place `end` of the slice, and those of its keys behind it. */
void group_side_begin(struct group_side *side, uint32_t end);

/* Those in the slice; the others come by their feed. */
struct group_rows group_side_rows(struct group_side *side);

/* Passes over what was not read of the group. Errors: as sorted_runs_next. */
BARKS_CHECKED barks_status *group_side_finish(struct group_side *side);
