/* Row i of input 0 with row i of input 1: input 1 is stored, input 0 streams by. */
#include "exec/stored_side.h"

#include <inttypes.h>
#include <stdlib.h>

struct zip_operator {
    struct stored_side side;
    uint64_t row_count; /* of input 0 so far */
    uint32_t place;     /* of the next row of input 1, in the slice */
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
};

static void zip_destroy(struct operator* self)
{
    stored_side_drop((struct stored_side *)self);
    free(self);
}

static barks_status *zip_begin_partition(struct operator* self, uint32_t partition)
{
    struct zip_operator *op = (struct zip_operator *)self;
    stored_side_begin(&op->side, partition);
    op->row_count = op->place = 0;
    return NULL;
}

static bool pads(const struct zip_operator *op)
{
    return op->side.node->step.numbers[0] == ZIP_LONGEST;
}

/* How many rows of the right there are at hand, at most so many; none: it is over. */
BARKS_CHECKED static barks_status *find_right(struct zip_operator *op, uint32_t rows_max,
                                              uint32_t *out_count)
{
    struct row_slice *slice = &op->side.slice;
    if (op->place == slice->count && slice->count > 0) {
        BARKS_TRY(stored_side_next(&op->side));
        op->place = 0;
    }
    uint32_t left = slice->count - op->place;
    *out_count = left < rows_max ? left : rows_max;
    return NULL;
}

/* Rows [first, first + count) of left, or none where it is NULL, with the next ones of the right,
 * or none where it is over. */
BARKS_CHECKED static barks_status *pair_rows(struct zip_operator *op, struct batch *left,
                                             uint32_t first, uint32_t count, bool has_right)
{
    for (uint32_t k = 0; k < count; k++) {
        op->left_rows[k] = left != NULL ? first + k : BARKS_NO_ROW;
        op->right_rows[k] = has_right ? op->place + k : BARKS_NO_ROW;
    }
    op->place += has_right ? count : 0;
    return pair_output_add(&op->side.pairs, left, op->left_rows,
                           has_right ? op->side.slice.rows : NULL, op->right_rows, count);
}

static barks_status *stream_left(struct stored_side *side, struct batch *left)
{
    struct zip_operator *op = (struct zip_operator *)side;
    uint32_t row_count = left->base.row_count;
    op->row_count += row_count;
    for (uint32_t first = 0, count = 0; first < row_count; first += count) {
        uint32_t right_count = 0;
        count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        BARKS_TRY(find_right(op, count, &right_count));
        if (right_count == 0 && !pads(op))
            return NULL;
        if (right_count > 0)
            count = right_count;
        BARKS_TRY(pair_rows(op, left, first, count, right_count > 0));
    }
    return NULL;
}

/* Rows of the right that the left was too short for. */
BARKS_CHECKED static barks_status *pair_rest(struct zip_operator *op)
{
    uint32_t count = 0;
    BARKS_TRY(stored_side_seal(&op->side));
    BARKS_TRY(find_right(op, BATCH_ROWS, &count));
    while (count > 0 && !op->side.base.task->partition_done) {
        BARKS_TRY(pair_rows(op, NULL, 0, count, true));
        BARKS_TRY(find_right(op, BATCH_ROWS, &count));
    }
    return NULL;
}

static barks_status *zip_end_partition(struct operator* self)
{
    struct zip_operator *op = (struct zip_operator *)self;
    uint64_t right_count = op->side.right.row_count;
    barks_status *status = pads(op) ? pair_rest(op) : NULL;
    stored_side_begin(&op->side, op->side.partition);
    if (status != NULL || op->side.node->step.numbers[0] != ZIP_EXACT ||
        self->task->partition_done || op->row_count == right_count)
        return operator_fail_limit(op->side.node, op->side.partition, status);
    BARKS_FAIL(BARKS_INVALID,
               "zip at %s: partition %" PRIu32 " has %" PRIu64 " rows on the left and %" PRIu64
               " on the right; zipped datasets must have as many rows in each partition",
               op->side.node->where, op->side.partition, op->row_count, right_count);
}

static const struct operator_kind zip_kind = {
    .name = "zip",
    .begin_partition = zip_begin_partition,
    .push_port = stored_side_push,
    .end_partition = zip_end_partition,
    .destroy = zip_destroy,
};

OPERATOR_MAKER(zip)
{
    struct stored_side *side = NULL;
    BARKS_TRY(stored_side_create(sizeof(struct zip_operator), &zip_kind, task, node, inputs, false,
                                 stream_left, &side));
    *out_operator = &side->base;
    return NULL;
}
