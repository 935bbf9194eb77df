/* Row i of input 0 with row i of input 1: input 1 is held, input 0 streams by. */
#include "exec/held_side.h"

#include <inttypes.h>
#include <stdlib.h>

struct zip_operator {
    struct held_side side;
    uint64_t row_count; /* of input 0 so far */
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
};

static void zip_destroy(struct operator* self)
{
    held_side_drop((struct held_side *)self);
    free(self);
}

static barks_status *zip_begin_partition(struct operator* self, uint32_t partition)
{
    held_side_begin((struct held_side *)self, partition);
    ((struct zip_operator *)self)->row_count = 0;
    return NULL;
}

static bool pads(const struct zip_operator *op)
{
    return op->side.node->step.numbers[0] == ZIP_LONGEST;
}

/* Rows [first, first + count) of left, as far as there are partners; of the longest all. */
BARKS_CHECKED static barks_status *pair_rows(struct zip_operator *op, struct batch *left,
                                             uint32_t first, uint32_t count)
{
    uint64_t right = op->row_count + first;
    uint64_t right_count = op->side.held->base.row_count;
    uint64_t there = right < right_count ? right_count - right : 0;
    if (count > there && !pads(op))
        count = (uint32_t)there;
    for (uint32_t k = 0; k < count; k++) {
        op->left_rows[k] = first + k;
        op->right_rows[k] = k < there ? (uint32_t)right + k : BARKS_NO_ROW;
    }
    return pair_output_add(&op->side.pairs, left, op->left_rows, op->side.held, op->right_rows,
                           count);
}

static barks_status *stream_left(struct held_side *side, struct batch *left)
{
    struct zip_operator *op = (struct zip_operator *)side;
    uint32_t row_count = left->base.row_count;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        BARKS_TRY(pair_rows(op, left, first, count));
    }
    op->row_count += row_count;
    return NULL;
}

/* Rows of the right that the left was too short for. */
BARKS_CHECKED static barks_status *pair_rest(struct zip_operator *op)
{
    uint64_t right_count = op->side.held->base.row_count;
    while (op->row_count < right_count && !op->side.base.task->partition_done) {
        uint64_t left = right_count - op->row_count;
        uint32_t count = left < BATCH_ROWS ? (uint32_t)left : BATCH_ROWS;
        for (uint32_t k = 0; k < count; k++) {
            op->left_rows[k] = BARKS_NO_ROW;
            op->right_rows[k] = (uint32_t)op->row_count + k;
        }
        BARKS_TRY(pair_output_add(&op->side.pairs, NULL, op->left_rows, op->side.held,
                                  op->right_rows, count));
        op->row_count += count;
    }
    return NULL;
}

static barks_status *zip_end_partition(struct operator* self)
{
    struct zip_operator *op = (struct zip_operator *)self;
    uint32_t right_count = op->side.held->base.row_count;
    barks_status *status = pads(op) ? pair_rest(op) : NULL;
    batch_clear(op->side.held);
    if (status != NULL || op->side.node->step.numbers[0] != ZIP_EXACT ||
        self->task->partition_done || op->row_count == right_count)
        return operator_fail_limit(op->side.node, op->side.partition, status);
    BARKS_FAIL(BARKS_INVALID,
               "zip at %s: partition %" PRIu32 " has %" PRIu64 " rows on the left and %" PRIu32
               " on the right; zipped datasets must have as many rows in each partition",
               op->side.node->where, op->side.partition, op->row_count, right_count);
}

static const struct operator_kind zip_kind = {
    .name = "zip",
    .begin_partition = zip_begin_partition,
    .push_port = held_side_push,
    .end_partition = zip_end_partition,
    .destroy = zip_destroy,
};

OPERATOR_MAKER(zip)
{
    struct held_side *side = NULL;
    BARKS_TRY(held_side_create(sizeof(struct zip_operator), &zip_kind, task, node, inputs,
                               stream_left, &side));
    *out_operator = &side->base;
    return NULL;
}
