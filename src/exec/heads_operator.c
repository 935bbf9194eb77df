/* The first rows of a partition, once for each partition before it whose windows reach them, and
 * with its number: what goes to the second input of windows. */
#include "batch/gather_columns.h"
#include "exec/operator.h"
#include "exec/window_places.h"

#include <stdlib.h>

struct heads_operator {
    struct operator base;
    struct window_places places;
    uint32_t partition;
    uint64_t place; /* of the next row */
    uint32_t rows[BATCH_ROWS];
    struct index_list columns; /* all of the input; owned */
    struct batch *output;
};

static void heads_destroy(struct operator* self)
{
    struct heads_operator *op = (struct heads_operator *)self;
    index_list_drop(&op->columns);
    batch_destroy(op->output);
    free(op);
}

static barks_status *heads_begin_partition(struct operator* self, uint32_t partition)
{
    struct heads_operator *op = (struct heads_operator *)self;
    op->partition = partition;
    op->place = op->places.firsts[partition];
    return NULL;
}

/* Rows [first, first + count) for a partition. */
BARKS_CHECKED static barks_status *send_rows(struct heads_operator *op, struct batch *batch,
                                             uint32_t first, uint32_t count, uint32_t target)
{
    struct batch *output = op->output;
    uint32_t column_count = op->columns.count;
    BARKS_TRY(batch_reserve(output, count));
    for (uint32_t k = 0; k < count; k++)
        op->rows[k] = first + k;
    BARKS_TRY(
        columns_gather(output, NULL, batch, op->columns.items, column_count, op->rows, count));
    int64_t *targets = output->base.columns[column_count].values;
    for (uint32_t k = 0; k < count; k++)
        targets[k] = target;
    output->base.row_count = count;
    BARKS_TRY(batch_lend_blocks(output, batch));
    return operator_push(op->base.next, output);
}

/* The rows of the batch that a partition wants, which come in order as it wants the first ones. */
BARKS_CHECKED static barks_status *send_to(struct heads_operator *op, struct batch *batch,
                                           const struct window_reach *reach)
{
    uint64_t wanted = reach->wanted_end - op->place;
    uint32_t row_count = wanted < batch->base.row_count ? (uint32_t)wanted : batch->base.row_count;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        barks_status *status = send_rows(op, batch, first, count, reach->partition);
        batch_clear(op->output);
        BARKS_TRY(status);
    }
    return NULL;
}

static barks_status *heads_push(struct operator* self, struct batch *batch)
{
    struct heads_operator *op = (struct heads_operator *)self;
    uint64_t wanted_end = 0;
    for (uint32_t target = op->partition; target-- > 0;) {
        struct window_reach reach = window_reach_of(&op->places, target);
        if (reach.end + op->places.width <= op->place)
            break; /* nor do those before it */
        if (reach.wanted_end > op->place)
            BARKS_TRY(send_to(op, batch, &reach));
        wanted_end = reach.wanted_end > wanted_end ? reach.wanted_end : wanted_end;
    }
    op->place += batch->base.row_count;
    if (op->place >= wanted_end)
        self->task->partition_done = true;
    return NULL;
}

static const struct operator_kind heads_kind = {
    .name = "heads",
    .begin_partition = heads_begin_partition,
    .push = heads_push,
    .destroy = heads_destroy,
};

OPERATOR_MAKER(heads)
{
    struct heads_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &heads_kind, .task = task};
    barks_status *status = window_places_open(&node->step, node->partition_count, &op->places);
    if (status == NULL && !op->places.is_counted)
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE, "heads of no windows");
    if (status == NULL)
        status = index_list_copy(NULL, inputs->schemas[0]->field_count, &op->columns);
    for (uint32_t i = 0; status == NULL && i < op->columns.count; i++)
        op->columns.items[i] = i;
    if (status == NULL)
        status = batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->output);
    if (status != NULL) {
        heads_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
