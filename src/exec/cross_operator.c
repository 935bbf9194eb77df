/* Every row of input 0 with every row of input 1: input 1 is held, input 0 streams by. */
#include "exec/operator.h"
#include "exec/pair.h"

#include <stdlib.h>

struct cross_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    struct batch *held; /* the rows of input 1 in this partition */
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS];
    struct pair_output pairs;
};

static void cross_destroy(struct operator* self)
{
    struct cross_operator *op = (struct cross_operator *)self;
    batch_destroy(op->held);
    pair_output_drop(&op->pairs);
    free(op->base.ports);
    free(op);
}

static barks_status *cross_begin_partition(struct operator* self, uint32_t partition)
{
    struct cross_operator *op = (struct cross_operator *)self;
    op->partition = partition;
    batch_clear(op->held);
    return NULL;
}

BARKS_CHECKED static barks_status *push_left(struct cross_operator *op, struct batch *left)
{
    uint32_t pair_count = 0, right_count = op->held->base.row_count;
    for (uint32_t row = 0; row < left->base.row_count; row++)
        for (uint32_t right = 0; right < right_count && !op->base.task->partition_done; right++) {
            op->left_rows[pair_count] = row;
            op->right_rows[pair_count++] = right;
            if (pair_count < BATCH_ROWS)
                continue;
            BARKS_TRY(pair_output_add(&op->pairs, left, op->left_rows, op->held, op->right_rows,
                                      pair_count));
            pair_count = 0;
        }
    return pair_output_add(&op->pairs, left, op->left_rows, op->held, op->right_rows, pair_count);
}

static barks_status *cross_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct cross_operator *op = (struct cross_operator *)self;
    barks_status *status =
        port == 0 ? push_left(op, batch)
                  : batch_append(op->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(op->node, op->partition, status);
}

static barks_status *cross_end_partition(struct operator* self)
{
    batch_clear(((struct cross_operator *)self)->held);
    return NULL;
}

static const struct operator_kind cross_kind = {
    .name = "cartesian",
    .begin_partition = cross_begin_partition,
    .push_port = cross_push_port,
    .end_partition = cross_end_partition,
    .destroy = cross_destroy,
};

OPERATOR_MAKER(cross)
{
    struct cross_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &cross_kind, .task = task};
    op->node = node;
    barks_status *status = operator_ports_init(&op->base, 2);
    if (status == NULL)
        status = batch_create(task->services->pool, inputs->schemas[1], BATCH_ROWS, &op->held);
    if (status == NULL)
        status = pair_output_init(&op->pairs, &op->base, node, inputs);
    if (status != NULL) {
        cross_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
