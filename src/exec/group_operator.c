/* Rows of equal keys become one row: the keys, and a list of the values of each other column. Keys
 * ascend. Where there is a function, groups are handed to it: see cogroup_operator.c. */
#include "batch/gather_columns.h"
#include "exec/cogroup_operator.h"
#include "exec/held_rows.h"
#include "exec/operator.h"

#include <stdlib.h>

enum { LIST_ITEMS = 1 << 16 }; /* that a batch aims at */

struct group_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    struct held_rows held;
    struct sort_key *order; /* owned */
    uint32_t order_count;
    uint32_t group_count;         /* of the batch that is being made */
    uint32_t firsts[BATCH_ROWS];  /* a row of each */
    uint32_t lengths[BATCH_ROWS]; /* how many rows each has */
    struct batch *output;
};

static void group_destroy(struct operator* self)
{
    struct group_operator *op = (struct group_operator *)self;
    held_rows_drop(&op->held);
    batch_destroy(op->output);
    free(op->order);
    free(op);
}

static barks_status *group_begin_partition(struct operator* self, uint32_t partition)
{
    struct group_operator *op = (struct group_operator *)self;
    op->partition = partition;
    held_rows_clear(&op->held);
    return NULL;
}

static barks_status *group_push(struct operator* self, struct batch *batch)
{
    struct group_operator *op = (struct group_operator *)self;
    return operator_fail_limit(op->node, op->partition, held_rows_add(&op->held, batch));
}

/* The groups whose rows begin at place `place` of the order. */
BARKS_CHECKED static barks_status *push_groups(struct group_operator *op, uint32_t place)
{
    const struct step *step = &op->node->step;
    const struct batch *rows = op->held.rows;
    struct batch *output = op->output;
    uint32_t key_count = step->keys[0].count;
    BARKS_TRY(batch_reserve(output, op->group_count));
    BARKS_TRY(columns_gather(output, NULL, rows, step->keys[0].items, key_count, op->firsts,
                             op->group_count));
    columns_canonicalize(output, key_count, op->group_count);
    for (uint32_t i = 0; i < step->columns[0].count; i++)
        BARKS_TRY(column_gather_lists(output, &output->base.columns[key_count + i], 0,
                                      &rows->base.columns[step->columns[0].items[i]],
                                      op->held.order + place, op->lengths, op->group_count));
    output->base.row_count = op->group_count;
    BARKS_TRY(batch_lend_blocks(output, rows));
    return operator_push(op->base.next, output);
}

BARKS_CHECKED static barks_status *give_groups(struct group_operator *op, uint32_t place)
{
    if (op->group_count == 0 || op->base.task->partition_done)
        return NULL;
    barks_status *status = push_groups(op, place);
    batch_clear(op->output);
    op->group_count = 0;
    return status;
}

BARKS_CHECKED static barks_status *cut_groups(struct group_operator *op)
{
    const struct index_list *keys = &op->node->step.keys[0];
    const barks_batch *rows = &op->held.rows->base;
    uint32_t begun = 0; /* the place of the first row not given on */
    op->group_count = 0;
    for (uint32_t place = 0; place < rows->row_count && !op->base.task->partition_done; place++) {
        uint32_t row = held_row(&op->held, place);
        if (op->group_count > 0 &&
            batch_rows_equal(rows, row, keys->items, rows, op->firsts[op->group_count - 1],
                             keys->items, keys->count)) {
            op->lengths[op->group_count - 1]++;
            continue;
        }
        if (op->group_count == BATCH_ROWS || place - begun >= LIST_ITEMS) {
            BARKS_TRY(give_groups(op, begun));
            begun = place;
        }
        op->firsts[op->group_count] = row;
        op->lengths[op->group_count++] = 1;
    }
    return give_groups(op, begun);
}

static barks_status *group_end_partition(struct operator* self)
{
    struct group_operator *op = (struct group_operator *)self;
    barks_status *status = held_rows_seal(&op->held, op->order, op->order_count);
    if (status == NULL)
        status = cut_groups(op);
    held_rows_clear(&op->held);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind group_kind = {
    .name = "group",
    .begin_partition = group_begin_partition,
    .push = group_push,
    .end_partition = group_end_partition,
    .destroy = group_destroy,
};

OPERATOR_MAKER(group)
{
    if (node->step.function != NULL)
        return cogroup_operator_create(task, node, inputs, out_operator);
    struct pool *pool = task->services->pool;
    struct group_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &group_kind, .task = task};
    op->node = node;
    barks_status *status = group_order(&node->step, 0, &op->order, &op->order_count);
    if (status == NULL)
        status = held_rows_init(&op->held, pool, inputs->schemas[0]);
    if (status == NULL)
        status = batch_create(pool, &node->record->schema, BATCH_ROWS, &op->output);
    if (status != NULL) {
        group_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
