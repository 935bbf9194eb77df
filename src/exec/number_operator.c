/* Adds a number to each row: its index in the dataset, or one that no other row has. */
#include "exec/number_operator.h"

#include "batch/gather_columns.h"
#include "exec/operator.h"

#include <stdlib.h>
#include <string.h>

struct number_operator {
    struct operator base;
    const struct pipe_node *node;
    int64_t next, step; /* the number of the next row, and from one row to the next */
    uint32_t rows[BATCH_ROWS];
    struct index_list columns; /* all of the input; owned */
    struct batch *output;
};

static void number_destroy(struct operator* self)
{
    struct number_operator *op = (struct number_operator *)self;
    index_list_drop(&op->columns);
    batch_destroy(op->output);
    free(op);
}

static barks_status *number_begin_partition(struct operator* self, uint32_t partition)
{
    struct number_operator *op = (struct number_operator *)self;
    const struct step *step = &op->node->step;
    if (step->numbers[0] == NUMBER_UNIQUE) {
        op->next = partition;
        op->step = op->node->partition_count;
        return NULL;
    }
    if ((partition + (size_t)1) * sizeof op->next > step->size_bytes)
        BARKS_FAIL(BARKS_INTERNAL, "partition %u is not counted", partition);
    memcpy(&op->next, step->bytes + partition * sizeof op->next, sizeof op->next);
    op->step = 1;
    return NULL;
}

BARKS_CHECKED static barks_status *push_rows(struct number_operator *op, struct batch *batch,
                                             uint32_t first, uint32_t count)
{
    struct batch *output = op->output;
    uint32_t column_count = op->columns.count;
    BARKS_TRY(batch_reserve(output, count));
    for (uint32_t k = 0; k < count; k++)
        op->rows[k] = first + k;
    BARKS_TRY(
        columns_gather(output, NULL, batch, op->columns.items, column_count, op->rows, count));
    int64_t *numbers = output->base.columns[column_count].values;
    for (uint32_t k = 0; k < count; k++, op->next += op->step)
        numbers[k] = op->next;
    output->base.row_count = count;
    BARKS_TRY(batch_lend_blocks(output, batch));
    return operator_push(op->base.next, output);
}

static barks_status *number_push(struct operator* self, struct batch *batch)
{
    struct number_operator *op = (struct number_operator *)self;
    uint32_t row_count = batch->base.row_count;
    for (uint32_t first = 0; first < row_count && !self->task->partition_done;
         first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        barks_status *status = push_rows(op, batch, first, count);
        batch_clear(op->output);
        BARKS_TRY(status);
    }
    return NULL;
}

static const struct operator_kind number_kind = {
    .name = "number",
    .begin_partition = number_begin_partition,
    .push = number_push,
    .destroy = number_destroy,
};

OPERATOR_MAKER(number)
{
    struct number_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &number_kind, .task = task};
    op->node = node;
    barks_status *status = index_list_copy(NULL, inputs->schemas[0]->field_count, &op->columns);
    for (uint32_t i = 0; status == NULL && i < op->columns.count; i++)
        op->columns.items[i] = i;
    if (status == NULL)
        status = batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->output);
    if (status != NULL) {
        number_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
