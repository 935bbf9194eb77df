/* Row i of input 0 with row i of input 1: input 1 is held, input 0 streams by. */
#include "exec/operator.h"
#include "exec/pair.h"

#include <inttypes.h>
#include <stdlib.h>

struct zip_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    struct batch *held; /* the rows of input 1 in this partition */
    uint64_t row_count; /* of input 0 so far */
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
    struct pair_output pairs;
};

static void zip_destroy(struct operator* self)
{
    struct zip_operator *op = (struct zip_operator *)self;
    batch_destroy(op->held);
    pair_output_drop(&op->pairs);
    free(op->base.ports);
    free(op);
}

static barks_status *zip_begin_partition(struct operator* self, uint32_t partition)
{
    struct zip_operator *op = (struct zip_operator *)self;
    op->partition = partition;
    op->row_count = 0;
    batch_clear(op->held);
    return NULL;
}

/* Rows [first, first + count) of left, as far as there are partners. */
BARKS_CHECKED static barks_status *pair_rows(struct zip_operator *op, struct batch *left,
                                             uint32_t first, uint32_t count)
{
    uint64_t right = op->row_count + first;
    uint64_t right_count = op->held->base.row_count;
    uint64_t there = right < right_count ? right_count - right : 0;
    if (count > there)
        count = (uint32_t)there;
    for (uint32_t k = 0; k < count; k++) {
        op->left_rows[k] = first + k;
        op->right_rows[k] = (uint32_t)right + k;
    }
    return pair_output_add(&op->pairs, left, op->left_rows, op->held, op->right_rows, count);
}

BARKS_CHECKED static barks_status *push_left(struct zip_operator *op, struct batch *left)
{
    uint32_t row_count = left->base.row_count;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        BARKS_TRY(pair_rows(op, left, first, count));
    }
    op->row_count += row_count;
    return NULL;
}

static barks_status *zip_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct zip_operator *op = (struct zip_operator *)self;
    barks_status *status =
        port == 0 ? push_left(op, batch)
                  : batch_append(op->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(op->node, op->partition, status);
}

static barks_status *zip_end_partition(struct operator* self)
{
    struct zip_operator *op = (struct zip_operator *)self;
    uint32_t right_count = op->held->base.row_count;
    batch_clear(op->held);
    if (op->base.task->partition_done || op->row_count == right_count)
        return NULL;
    BARKS_FAIL(BARKS_INVALID,
               "zip at %s: partition %" PRIu32 " has %" PRIu64 " rows on the left and %" PRIu32
               " on the right; zipped datasets must have as many rows in each partition",
               op->node->where, op->partition, op->row_count, right_count);
}

static const struct operator_kind zip_kind = {
    .name = "zip",
    .begin_partition = zip_begin_partition,
    .push_port = zip_push_port,
    .end_partition = zip_end_partition,
    .destroy = zip_destroy,
};

OPERATOR_MAKER(zip)
{
    struct zip_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &zip_kind, .task = task};
    op->node = node;
    barks_status *status = operator_ports_init(&op->base, 2);
    if (status == NULL)
        status = batch_create(task->services->pool, inputs->schemas[1], BATCH_ROWS, &op->held);
    if (status == NULL)
        status = pair_output_init(&op->pairs, &op->base, node, inputs);
    if (status != NULL) {
        zip_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
