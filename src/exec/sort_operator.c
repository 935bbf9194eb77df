/* Holds the rows of a partition and gives them on in order. */
#include "base/pool.h"
#include "exec/comparator.h"
#include "exec/operator.h"

#include <stdlib.h>

struct sort_operator {
    struct operator base;
    const struct pipe_node *node;
    struct batch *rows;   /* of the partition */
    struct batch *output; /* up to BATCH_ROWS of them, in order */
};

static void sort_destroy(struct operator* self)
{
    struct sort_operator *op = (struct sort_operator *)self;
    batch_destroy(op->rows);
    batch_destroy(op->output);
    free(op);
}

static barks_status *sort_push(struct operator* self, struct batch *batch)
{
    return batch_append(((struct sort_operator *)self)->rows, batch, 0, batch->base.row_count,
                        BATCH_KEEP);
}

BARKS_CHECKED static barks_status *push_in_order(struct sort_operator *op, const uint32_t *order)
{
    uint32_t row_count = op->rows->base.row_count;
    for (uint32_t first = 0; first < row_count && !op->base.task->partition_done;
         first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        barks_status *status = batch_gather(op->output, op->rows, order + first, count, BATCH_KEEP);
        if (status == NULL)
            status = operator_push(op->base.next, op->output);
        batch_clear(op->output);
        BARKS_TRY(status);
    }
    return NULL;
}

static barks_status *sort_end_partition(struct operator* self)
{
    struct sort_operator *op = (struct sort_operator *)self;
    struct pool *pool = self->task->services->pool;
    uint32_t row_count = op->rows->base.row_count;
    if (row_count == 0)
        return NULL;
    void *order = NULL;
    BARKS_TRY_DOING(pool_acquire(pool, row_count * sizeof(uint32_t), &order), "sort %u rows",
                    row_count);
    const struct step *step = &op->node->step;
    struct row_order by = step->function != NULL
                              ? order_of_function(step)
                              : (struct row_order){.keys = step->order,
                                                   .key_count = step->order_count,
                                                   .in_runs = step->numbers[1] != 0};
    barks_status *status = rows_order_as(&op->rows->base, &by, self->task, pool, order);
    if (status == NULL)
        status = push_in_order(op, order);
    pool_release(pool, order, row_count * sizeof(uint32_t));
    batch_clear(op->rows);
    return status;
}

static const struct operator_kind sort_kind = {
    .name = "sort",
    .push = sort_push,
    .end_partition = sort_end_partition,
    .destroy = sort_destroy,
};

OPERATOR_MAKER(sort)
{
    (void)inputs;
    struct sort_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &sort_kind, .task = task};
    op->node = node;
    barks_status *status =
        batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->rows);
    if (status == NULL)
        status = batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->output);
    if (status != NULL) {
        sort_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
