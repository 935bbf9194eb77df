/* Every row of input 0 with every row of input 1: input 1 is stored, input 0 streams by. Rows come
 * left by left, so that a right side on disk is read once for each. */
#include "exec/stored_side.h"

#include <stdlib.h>

struct cross_operator {
    struct stored_side side;
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
    uint32_t pair_count; /* that wait */
};

static void cross_destroy(struct operator* self)
{
    stored_side_drop((struct stored_side *)self);
    free(self);
}

static barks_status *cross_begin_partition(struct operator* self, uint32_t partition)
{
    stored_side_begin((struct stored_side *)self, partition);
    return NULL;
}

BARKS_CHECKED static barks_status *give_pairs(struct cross_operator *op, struct batch *left)
{
    uint32_t count = op->pair_count;
    op->pair_count = 0;
    return pair_output_add(&op->side.pairs, left, op->left_rows, op->side.slice.rows,
                           op->right_rows, count);
}

/* A row of the left with the slice at hand. */
BARKS_CHECKED static barks_status *pair_row(struct cross_operator *op, struct batch *left,
                                            uint32_t row)
{
    uint32_t right_count = op->side.slice.count;
    for (uint32_t right = 0; right < right_count && !op->side.base.task->partition_done; right++) {
        op->left_rows[op->pair_count] = row;
        op->right_rows[op->pair_count++] = right;
        if (op->pair_count == BATCH_ROWS)
            BARKS_TRY(give_pairs(op, left));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *pair_row_from_disk(struct cross_operator *op, struct batch *left,
                                                      uint32_t row)
{
    BARKS_TRY(stored_side_rewind(&op->side));
    while (op->side.slice.count > 0 && !op->side.base.task->partition_done) {
        BARKS_TRY(pair_row(op, left, row));
        BARKS_TRY(give_pairs(op, left));
        BARKS_TRY(stored_side_next(&op->side));
    }
    return NULL;
}

static barks_status *stream_left(struct stored_side *side, struct batch *left)
{
    struct cross_operator *op = (struct cross_operator *)side;
    bool in_memory = sorted_runs_in_memory(&side->right);
    for (uint32_t row = 0; row < left->base.row_count && !side->base.task->partition_done; row++)
        BARKS_TRY(in_memory ? pair_row(op, left, row) : pair_row_from_disk(op, left, row));
    return give_pairs(op, left);
}

static barks_status *cross_end_partition(struct operator* self)
{
    struct stored_side *side = (struct stored_side *)self;
    stored_side_begin(side, side->partition);
    return NULL;
}

static const struct operator_kind cross_kind = {
    .name = "cartesian",
    .begin_partition = cross_begin_partition,
    .push_port = stored_side_push,
    .end_partition = cross_end_partition,
    .destroy = cross_destroy,
};

OPERATOR_MAKER(cross)
{
    struct stored_side *side = NULL;
    BARKS_TRY(stored_side_create(sizeof(struct cross_operator), &cross_kind, task, node, inputs,
                                 true, stream_left, &side));
    *out_operator = &side->base;
    return NULL;
}
