/* A partition becomes one row: a list of the values of each column; also where it has no rows. */
#include "batch/gather_columns.h"
#include "exec/memory_share.h"
#include "exec/operator.h"

#include <stdlib.h>

struct glom_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    struct batch *held;
    struct batch *output;
};

static void glom_destroy(struct operator* self)
{
    struct glom_operator *op = (struct glom_operator *)self;
    batch_destroy(op->held);
    batch_destroy(op->output);
    free(op);
}

static barks_status *glom_begin_partition(struct operator* self, uint32_t partition)
{
    struct glom_operator *op = (struct glom_operator *)self;
    op->partition = partition;
    batch_clear(op->held);
    return NULL;
}

static barks_status *glom_push(struct operator* self, struct batch *batch)
{
    struct glom_operator *op = (struct glom_operator *)self;
    barks_status *status = memory_check_room(self->task, batch);
    if (status == NULL)
        status = batch_append(op->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(op->node, op->partition, status);
}

BARKS_CHECKED static barks_status *push_row(struct glom_operator *op)
{
    struct batch *output = op->output;
    uint32_t row_count = op->held->base.row_count;
    BARKS_TRY(batch_reserve(output, 1));
    for (uint32_t i = 0; i < output->base.schema->field_count; i++)
        BARKS_TRY(column_gather_lists(output, &output->base.columns[i], 0,
                                      &op->held->base.columns[i], NULL, 0, &row_count, 1));
    output->base.row_count = 1;
    BARKS_TRY(batch_lend_blocks(output, op->held));
    return operator_push(op->base.next, output);
}

static barks_status *glom_end_partition(struct operator* self)
{
    struct glom_operator *op = (struct glom_operator *)self;
    barks_status *status = op->base.task->partition_done ? NULL : push_row(op);
    batch_clear(op->output);
    batch_clear(op->held);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind glom_kind = {
    .name = "glom",
    .begin_partition = glom_begin_partition,
    .push = glom_push,
    .end_partition = glom_end_partition,
    .destroy = glom_destroy,
};

OPERATOR_MAKER(glom)
{
    struct pool *pool = task->services->pool;
    struct glom_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &glom_kind, .task = task};
    op->node = node;
    barks_status *status = batch_create(pool, inputs->schemas[0], BATCH_ROWS, &op->held);
    if (status == NULL)
        status = batch_create(pool, &node->record->schema, 1, &op->output);
    if (status != NULL) {
        glom_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
