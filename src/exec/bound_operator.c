/* Rows from a bound on, or up to it, by the order of sorting: one that is null, NaN or -0.0 is
 * where a sort would put it. */
#include "exec/operator.h"

#include <inttypes.h>
#include <stdlib.h>

struct bound_operator {
    struct operator base;
    const struct step *step;
    barks_column *key_columns; /* copies of the batch's key columns; owned */
    struct sort_key *order;    /* of the bound's columns, ascending; owned */
    uint32_t *selected;        /* owned */
    uint32_t selected_capacity;
    struct batch *output;
};

static void bound_destroy(struct operator* self)
{
    struct bound_operator *op = (struct bound_operator *)self;
    free(op->key_columns);
    free(op->order);
    free(op->selected);
    batch_destroy(op->output);
    free(op);
}

BARKS_CHECKED static barks_status *reserve(struct bound_operator *op, uint32_t row_count)
{
    if (row_count <= op->selected_capacity)
        return NULL;
    uint32_t *selected = realloc(op->selected, row_count * sizeof *selected);
    if (selected == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a selection of %" PRIu32 " rows", row_count);
    op->selected = selected;
    op->selected_capacity = row_count;
    return NULL;
}

static uint32_t select_rows(struct bound_operator *op, const barks_batch *rows)
{
    const struct step *step = op->step;
    uint32_t kept = 0;
    for (uint32_t k = 0; k < step->keys[0].count; k++)
        op->key_columns[k] = rows->columns[step->keys[0].items[k]];
    barks_batch keys = {
        .schema = rows->schema, .row_count = rows->row_count, .columns = op->key_columns};
    for (uint32_t row = 0; row < rows->row_count; row++) {
        int order = batch_compare_rows(&keys, row, &step->initial_rows->base, 0, op->order,
                                       step->keys[0].count);
        op->selected[kept] = row;
        kept += step->numbers[0] != 0 ? order <= 0 : order >= 0;
    }
    return kept;
}

static barks_status *bound_push(struct operator* self, struct batch *batch)
{
    struct bound_operator *op = (struct bound_operator *)self;
    BARKS_TRY(reserve(op, batch->base.row_count));
    uint32_t kept = select_rows(op, &batch->base);
    if (kept == batch->base.row_count)
        return operator_push(self->next, batch);
    if (kept == 0)
        return NULL;
    barks_status *status = batch_gather(op->output, batch, op->selected, kept, BATCH_KEEP);
    if (status == NULL)
        status = operator_push(self->next, op->output);
    batch_clear(op->output);
    return status;
}

static const struct operator_kind bound_kind = {
    .name = "bound",
    .push = bound_push,
    .destroy = bound_destroy,
};

OPERATOR_MAKER(bound)
{
    struct bound_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &bound_kind, .task = task};
    op->step = &node->step;
    uint32_t key_count = node->step.keys[0].count;
    op->key_columns = calloc((size_t)key_count + 1, sizeof *op->key_columns);
    op->order = calloc((size_t)key_count + 1, sizeof *op->order);
    barks_status *status = NULL;
    if (op->key_columns == NULL || op->order == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a bound");
    for (uint32_t k = 0; k < key_count && status == NULL; k++)
        op->order[k].column = k; /* ascending, nulls last */
    if (status == NULL)
        status = batch_create(task->services->pool, inputs->schemas[0], BATCH_ROWS, &op->output);
    if (status != NULL) {
        bound_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
