/* What folds of built-in aggregates share. */
#pragma once

#include "barks/function.h"
#include "exec/column_aggregates.h"

#include <stdbool.h>
#include <stdint.h>

/* Rows [first_row, first_row + count) of a batch, each into its accumulator. */
struct folding {
    barks_call *call;
    const struct column_aggregate *item;
    void *const *accumulators;
    uint32_t first_row, count;
    bool merges; /* the rows are accumulators */
};

/* Where the state of an aggregate is in an accumulator. */
static inline void *state_of(void *accumulator, const struct column_aggregate *item, uint32_t which)
{
    return (char *)accumulator + item->offsets[which];
}

static inline const barks_column *column_of(const struct folding *folding, uint32_t which)
{
    uint32_t column = folding->merges ? folding->item->fields[which] : folding->item->column;
    return column != COLUMN_NONE ? folding->call->columns[column] : NULL;
}

/* COLUMN_LIST: the state is a list. */
void fold_list(const struct folding *folding);

/* COLUMN_DISTINCT: the state is what distinct_state_add makes, and how many hashes are in it. */
void fold_distinct(const struct folding *folding);
int64_t distinct_state_count(const struct column_aggregate *item, const barks_column *states,
                             const barks_column *counts, uint32_t row);
