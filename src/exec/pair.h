/* Pairs of rows become rows: by columns of both, or by a BARKS_PAIR. Part of operators that pair
 * rows. */
#pragma once

#include "exec/emitting.h"
#include "exec/operator.h"

#include <stdbool.h>
#include <stdint.h>

/* Threads: the task's only. */
struct pair_output {
    struct operator* op; /* borrowed: whose next gets the rows */
    const struct pipe_node *node;
    struct emitting emitting; /* also by columns: its output */
    barks_column *shown;      /* owned: by columns, what is pushed: the output's, or a side's own */
    struct batch *none[2];    /* what stands in for a side that has no rows; owned */
    uint32_t *bind[2];        /* by function: columns of each side, as its records want; owned */
    const barks_column **bound[2]; /* owned */
};

/* Rows of inputs 0 and 1 of node->step, which has in columns[0] and columns[1] what the output is
 * made of where there is no function. Errors: as batch_create. */
BARKS_CHECKED barks_status *pair_output_init(struct pair_output *pairs, struct operator* op,
                                             const struct pipe_node *node,
                                             const struct operator_inputs *inputs);
void pair_output_drop(struct pair_output *pairs);

/* Rows left_rows[k] and right_rows[k] of the two batches for k below count, at most BATCH_ROWS, and
 * pushes what comes of them. BARKS_NO_ROW: nulls; a side that has such rows only may be NULL. Where
 * step.numbers[2] says that the output begins with the keys, they are those of the left; of the
 * right where left is NULL, or where the right is what streams by (STEP_LOOKUP). */
BARKS_CHECKED barks_status *pair_output_add(struct pair_output *pairs, const struct batch *left,
                                            const uint32_t *left_rows, const struct batch *right,
                                            const uint32_t *right_rows, uint32_t count);
