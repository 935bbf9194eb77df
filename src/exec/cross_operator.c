/* Every row of input 0 with every row of input 1: input 1 is held, input 0 streams by. */
#include "exec/held_side.h"

#include <stdlib.h>

struct cross_operator {
    struct held_side side;
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
};

static void cross_destroy(struct operator* self)
{
    held_side_drop((struct held_side *)self);
    free(self);
}

static barks_status *cross_begin_partition(struct operator* self, uint32_t partition)
{
    held_side_begin((struct held_side *)self, partition);
    return NULL;
}

static barks_status *stream_left(struct held_side *side, struct batch *left)
{
    struct cross_operator *op = (struct cross_operator *)side;
    uint32_t pair_count = 0, right_count = side->held->base.row_count;
    for (uint32_t row = 0; row < left->base.row_count; row++)
        for (uint32_t right = 0; right < right_count && !side->base.task->partition_done; right++) {
            op->left_rows[pair_count] = row;
            op->right_rows[pair_count++] = right;
            if (pair_count < BATCH_ROWS)
                continue;
            BARKS_TRY(pair_output_add(&side->pairs, left, op->left_rows, side->held, op->right_rows,
                                      pair_count));
            pair_count = 0;
        }
    return pair_output_add(&side->pairs, left, op->left_rows, side->held, op->right_rows,
                           pair_count);
}

static barks_status *cross_end_partition(struct operator* self)
{
    batch_clear(((struct held_side *)self)->held);
    return NULL;
}

static const struct operator_kind cross_kind = {
    .name = "cartesian",
    .begin_partition = cross_begin_partition,
    .push_port = held_side_push,
    .end_partition = cross_end_partition,
    .destroy = cross_destroy,
};

OPERATOR_MAKER(cross)
{
    struct held_side *side = NULL;
    BARKS_TRY(held_side_create(sizeof(struct cross_operator), &cross_kind, task, node, inputs,
                               stream_left, &side));
    *out_operator = &side->base;
    return NULL;
}
