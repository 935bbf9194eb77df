/* One row, or one call of a function, for each index that a partition has: its rows, of which there
 * is one at most for an index or any number, are held and put in the order of the indices. */
#include "exec/cogroup_operator.h"
#include "exec/group_caller.h"
#include "exec/held_rows.h"
#include "exec/operator.h"
#include "shuffle/partition.h"

#include <inttypes.h>
#include <stdlib.h>

struct index_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    uint32_t column; /* of the index, in the rows */
    struct held_rows held;
    struct sort_key *order; /* the index, then what else was asked for; owned */
    uint32_t order_count;
    struct group_caller caller; /* with a function */
    struct batch *output;       /* without one */
    uint32_t rows[BATCH_ROWS];
};

static void index_destroy(struct operator* self)
{
    struct index_operator *op = (struct index_operator *)self;
    held_rows_drop(&op->held);
    group_caller_drop(&op->caller);
    batch_destroy(op->output);
    free(op->order);
    free(op);
}

static barks_status *index_begin_partition(struct operator* self, uint32_t partition)
{
    struct index_operator *op = (struct index_operator *)self;
    op->partition = partition;
    held_rows_clear(&op->held);
    return NULL;
}

static barks_status *index_push(struct operator* self, struct batch *batch)
{
    struct index_operator *op = (struct index_operator *)self;
    return operator_fail_limit(op->node, op->partition, held_rows_add(&op->held, batch));
}

/* ---- indices ---- */

static int64_t index_at(const struct index_operator *op, uint32_t place)
{
    const int64_t *indices = op->held.rows->base.columns[op->column].values;
    return indices[held_row(&op->held, place)];
}

/* The partition has the indices [*out_first, *out_end). */
static void find_indices(const struct index_operator *op, int64_t *out_first, int64_t *out_end)
{
    partition_product count = (partition_product)op->node->step.numbers[0];
    uint32_t partition_count = op->node->partition_count;
    *out_first = (int64_t)(count * op->partition / partition_count);
    *out_end = (int64_t)(count * (op->partition + (partition_product)1) / partition_count);
}

/* Rows ascend by index, and what is none has gone where the first index is, or to the last
 * partition. */
BARKS_CHECKED static barks_status *check_indices(const struct index_operator *op, int64_t first,
                                                 int64_t end)
{
    uint32_t row_count = op->held.rows->base.row_count;
    if (row_count == 0)
        return NULL;
    int64_t least = index_at(op, 0), greatest = index_at(op, row_count - 1);
    if (least >= first && greatest < end)
        return NULL;
    BARKS_FAIL(BARKS_INVALID,
               "%s at %s: the key '%s' is %" PRId64 ", and there are %" PRId64
               " indices, numbered from 0",
               pipe_node_name(op->node), op->node->where,
               op->held.rows->base.schema->fields[op->column].name,
               least < first ? least : greatest, op->node->step.numbers[0]);
}

/* ---- rows ---- */

/* Rows [first, first + count) of the output, of which the row at *place is the next that is there;
 * neutral: the row that stands for the others. */
BARKS_CHECKED static barks_status *push_rows(struct index_operator *op, int64_t first,
                                             uint32_t count, uint32_t row_count, uint32_t neutral,
                                             uint32_t *place)
{
    for (uint32_t k = 0; k < count; k++) {
        bool is_there = *place < row_count && index_at(op, *place) == first + k;
        op->rows[k] = is_there ? held_row(&op->held, (*place)++) : neutral;
    }
    BARKS_TRY(batch_gather(op->output, op->held.rows, op->rows, count, BATCH_KEEP));
    int64_t *indices = op->output->base.columns[op->column].values;
    for (uint32_t k = 0; k < count; k++)
        indices[k] = first + k;
    return operator_push(op->base.next, op->output);
}

BARKS_CHECKED static barks_status *give_rows(struct index_operator *op, int64_t first, int64_t end)
{
    uint32_t row_count = op->held.rows->base.row_count, place = 0;
    if (first == end)
        return NULL;
    BARKS_TRY(batch_append(op->held.rows, op->node->step.initial_rows, 0, 1, BATCH_COPY));
    while (first < end && !op->base.task->partition_done) {
        uint32_t count = end - first < BATCH_ROWS ? (uint32_t)(end - first) : BATCH_ROWS;
        barks_status *status = push_rows(op, first, count, row_count, row_count, &place);
        batch_clear(op->output);
        BARKS_TRY(status);
        first += count;
    }
    if (place < row_count && !op->base.task->partition_done)
        BARKS_FAIL(BARKS_INTERNAL, "there are two rows of an index");
    return NULL;
}

BARKS_CHECKED static barks_status *call_for_each(struct index_operator *op, int64_t first,
                                                 int64_t end)
{
    uint32_t row_count = op->held.rows->base.row_count;
    struct group_rows group = {.rows = op->held.rows, .order = op->held.order};
    group_caller_lend(&op->caller, 0, op->held.rows);
    for (int64_t index = first; index < end && !op->base.task->partition_done; index++) {
        group.first = group.end;
        while (group.end < row_count && index_at(op, group.end) == index)
            group.end++;
        op->base.task->info.index = index;
        BARKS_TRY(group_caller_call(&op->caller, &group));
    }
    return group_caller_flush(&op->caller);
}

static barks_status *index_end_partition(struct operator* self)
{
    struct index_operator *op = (struct index_operator *)self;
    int64_t first = 0, end = 0;
    find_indices(op, &first, &end);
    barks_status *status = held_rows_seal(&op->held, op->order, op->order_count);
    if (status == NULL)
        status = check_indices(op, first, end);
    if (status == NULL)
        status = op->node->step.function != NULL ? call_for_each(op, first, end)
                                                 : give_rows(op, first, end);
    held_rows_clear(&op->held);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind index_kind = {
    .name = "index",
    .begin_partition = index_begin_partition,
    .push = index_push,
    .end_partition = index_end_partition,
    .destroy = index_destroy,
};

BARKS_CHECKED static barks_status *fill_operator(struct index_operator *op,
                                                 const struct operator_inputs *inputs)
{
    const struct step *step = &op->node->step;
    struct pool *pool = op->base.task->services->pool;
    const barks_schema *rows = inputs->schemas[0];
    if (step->keys[0].count != 1 || step->keys[0].items[0] >= rows->field_count ||
        rows->fields[step->keys[0].items[0]].type->id != BARKS_I64 || step->numbers[0] < 0 ||
        (step->function == NULL && step->initial_rows == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan has indices that make no sense");
    op->column = step->keys[0].items[0];
    BARKS_TRY(group_order(step, 0, &op->order, &op->order_count));
    BARKS_TRY(held_rows_init(&op->held, pool, rows));
    if (step->function != NULL)
        return group_caller_init(&op->caller, &op->base, op->node, inputs->schemas, 1);
    return batch_create(pool, rows, BATCH_ROWS, &op->output);
}

OPERATOR_MAKER(index)
{
    struct index_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &index_kind, .task = task};
    op->node = node;
    barks_status *status = fill_operator(op, inputs);
    if (status != NULL) {
        index_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
