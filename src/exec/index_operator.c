/* One row, or one call of a function, for each index that a partition has: its rows, of which there
 * is one at most for an index or any number, are held and put in the order of the indices. */
#include "exec/group_caller.h"
#include "exec/group_side.h"
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "shuffle/partition.h"

#include <inttypes.h>
#include <stdlib.h>

struct index_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    uint32_t column; /* of the index, in the rows */
    struct group_side side;
    struct group_caller caller; /* with a function */
    struct batch *output;       /* without one */
    uint32_t rows[BATCH_ROWS];
};

static void index_destroy(struct operator* self)
{
    struct index_operator *op = (struct index_operator *)self;
    group_side_drop(&op->side);
    group_caller_drop(&op->caller);
    batch_destroy(op->output);
    free(op);
}

static barks_status *index_begin_partition(struct operator* self, uint32_t partition)
{
    struct index_operator *op = (struct index_operator *)self;
    op->partition = partition;
    group_side_clear(&op->side);
    return NULL;
}

static barks_status *index_push(struct operator* self, struct batch *batch)
{
    struct index_operator *op = (struct index_operator *)self;
    return operator_fail_limit(op->node, op->partition, sorted_runs_add(&op->side.sorted, batch));
}

/* ---- indices ---- */

/* The index of the next row. */
static int64_t next_index(const struct index_operator *op)
{
    const int64_t *indices = op->side.slice.rows->base.columns[op->column].values;
    return indices[group_side_next_row(&op->side)];
}

static bool is_next(const struct index_operator *op, int64_t index)
{
    return group_side_has_next(&op->side) && next_index(op) == index;
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
 * partition: it comes before all indices, or is left when they are done with. */
BARKS_CHECKED static barks_status *fail_at_next(const struct index_operator *op)
{
    int64_t index = next_index(op), count = op->node->step.numbers[0];
    if (index >= 0 && index < count)
        BARKS_FAIL(BARKS_INTERNAL, "there are two rows of index %" PRId64, index);
    BARKS_FAIL(BARKS_INVALID,
               "%s at %s: the key '%s' is %" PRId64 ", and there are %" PRId64
               " indices, numbered from 0",
               pipe_node_name(op->node), op->node->where,
               op->side.slice.rows->base.schema->fields[op->column].name, index, count);
}

/* ---- rows ---- */

/* Finds the rows of the output from index `first` on, before `end`: those that the slice has, and
 * the row `neutral` in place of others. */
static uint32_t find_rows(struct index_operator *op, int64_t first, int64_t end, uint32_t neutral)
{
    uint32_t count = 0;
    while (count < BATCH_ROWS && first + count < end) {
        op->rows[count] = neutral;
        if (is_next(op, first + count)) {
            op->rows[count] = group_side_next_row(&op->side);
            group_side_begin(&op->side, op->side.end + 1);
        }
        count++;
        if (!group_side_has_next(&op->side) && !op->side.is_last)
            break;
    }
    return count;
}

BARKS_CHECKED static barks_status *push_rows(struct index_operator *op, int64_t first,
                                             uint32_t count)
{
    BARKS_TRY(batch_gather(op->output, op->side.slice.rows, op->rows, count, BATCH_KEEP));
    int64_t *indices = op->output->base.columns[op->column].values;
    for (uint32_t k = 0; k < count; k++)
        indices[k] = first + k;
    return operator_push(op->base.next, op->output);
}

/* The rows of indices from *first on as far as the slice has them; of the last slice, to the end.
 */
BARKS_CHECKED static barks_status *give_slice(struct index_operator *op, int64_t *first,
                                              int64_t end)
{
    struct batch *rows = op->side.slice.rows;
    uint32_t neutral = rows->base.row_count;
    BARKS_TRY(batch_append(rows, op->node->step.initial_rows, 0, 1, BATCH_COPY));
    do {
        uint32_t count = find_rows(op, *first, end, neutral);
        barks_status *status = push_rows(op, *first, count);
        batch_clear(op->output);
        BARKS_TRY(status);
        *first += count;
    } while (*first < end && (group_side_has_next(&op->side) || op->side.is_last) &&
             !op->base.task->partition_done);
    return NULL;
}
BARKS_CHECKED static barks_status *give_rows(struct index_operator *op, int64_t first, int64_t end)
{
    while (first < end && !op->base.task->partition_done) {
        BARKS_TRY(give_slice(op, &first, end));
        BARKS_TRY(group_side_finish(&op->side));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *call_for_each(struct index_operator *op, int64_t first,
                                                 int64_t end)
{
    struct group_side *side = &op->side;
    for (int64_t index = first; index < end && !op->base.task->partition_done; index++) {
        group_side_begin(side, is_next(op, index) ? group_side_extent(side, side->end) : side->end);
        struct group_rows group = group_side_rows(side);
        op->base.task->info.index = index;
        BARKS_TRY(group_caller_call(&op->caller, &group));
        BARKS_TRY(group_side_finish(side));
    }
    return group_caller_flush(&op->caller);
}

BARKS_CHECKED static barks_status *give_indices(struct index_operator *op)
{
    int64_t first = 0, end = 0;
    find_indices(op, &first, &end);
    BARKS_TRY(group_side_seal(&op->side));
    if (group_side_has_next(&op->side) && next_index(op) < first)
        return fail_at_next(op);
    BARKS_TRY(op->node->step.function != NULL ? call_for_each(op, first, end)
                                              : give_rows(op, first, end));
    return group_side_has_next(&op->side) && !op->base.task->partition_done ? fail_at_next(op)
                                                                            : NULL;
}

static barks_status *index_end_partition(struct operator* self)
{
    struct index_operator *op = (struct index_operator *)self;
    barks_status *status = give_indices(op);
    group_side_clear(&op->side);
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
    struct task *task = op->base.task;
    const barks_schema *rows = inputs->schemas[0];
    if (step->keys[0].count != 1 || step->keys[0].items[0] >= rows->field_count ||
        rows->fields[step->keys[0].items[0]].type->id != BARKS_I64 || step->numbers[0] < 0 ||
        (step->function == NULL && step->initial_rows == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan has indices that make no sense");
    op->column = step->keys[0].items[0];
    BARKS_TRY(group_side_init(&op->side, task, step, 0, rows, memory_share_bytes(task),
                              step->function != NULL ? &op->caller : NULL));
    if (step->function != NULL)
        return group_caller_init(&op->caller, &op->base, op->node, inputs->schemas, 1);
    return batch_create(task->services->pool, rows, BATCH_ROWS, &op->output);
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
