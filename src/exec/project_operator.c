/* Some columns, under new names: a batch that borrows them, so nothing is copied. */
#include "exec/operator.h"

#include <stdlib.h>

struct project_operator {
    struct operator base;
    const struct pipe_node *node;
    struct batch
        view; /* of the batch at hand; its columns are an array of ours, all else is lent */
    barks_column *columns; /* owned */
};

static void project_destroy(struct operator* self)
{
    struct project_operator *op = (struct project_operator *)self;
    free(op->columns);
    free(op);
}

static barks_status *project_push(struct operator* self, struct batch *batch)
{
    struct project_operator *op = (struct project_operator *)self;
    const struct index_list *list = &op->node->step.columns[0];
    for (uint32_t i = 0; i < list->count; i++)
        op->columns[i] = batch->base.columns[list->items[i]];
    op->view = (struct batch){
        .base = {.schema = &op->node->record->schema,
                 .row_count = batch->base.row_count,
                 .columns = op->columns},
        .capacity_rows = batch->capacity_rows,
        .pool = batch->pool,
        .blocks = batch->blocks,
        .block_count = batch->block_count,
        .block_capacity = batch->block_capacity,
    };
    barks_status *status = operator_push(op->base.next, &op->view);
    op->view = (struct batch){0};
    return status;
}

static const struct operator_kind project_kind = {
    .name = "select",
    .push = project_push,
    .destroy = project_destroy,
};

OPERATOR_MAKER(project)
{
    const struct index_list *list = &node->step.columns[0];
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] >= inputs->schemas[0]->field_count)
            BARKS_FAIL(BARKS_INTERNAL, "select at %s: column %u of %u", node->where, list->items[i],
                       inputs->schemas[0]->field_count);
    if (list->count != node->record->schema.field_count)
        BARKS_FAIL(BARKS_INTERNAL, "select at %s: %u columns for %u fields", node->where,
                   list->count, node->record->schema.field_count);
    struct project_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &project_kind, .task = task};
    op->node = node;
    op->columns = calloc((size_t)list->count + 1, sizeof *op->columns);
    if (op->columns == NULL) {
        project_destroy(&op->base);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    }
    *out_operator = &op->base;
    return NULL;
}
