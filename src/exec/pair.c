#include "exec/pair.h"

#include "batch/bind.h"
#include "batch/gather_columns.h"

#include <assert.h>
#include <stdlib.h>

BARKS_CHECKED static barks_status *bind_sides(struct pair_output *pairs,
                                              const struct operator_inputs *inputs)
{
    const barks_function *function = pairs->node->step.function;
    for (uint32_t side = 0; side < 2; side++) {
        const barks_schema *wanted = &function->inputs[side]->schema;
        pairs->bind[side] = calloc((size_t)wanted->field_count + 1, sizeof(uint32_t));
        pairs->bound[side] = calloc((size_t)wanted->field_count + 1, sizeof(const barks_column *));
        if (pairs->bind[side] == NULL || pairs->bound[side] == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", function->name);
        BARKS_TRY(bind_columns(inputs->schemas[side], wanted, function->name, pairs->node->where,
                               pairs->bind[side]));
    }
    return NULL;
}

barks_status *pair_output_init(struct pair_output *pairs, struct operator* op,
                               const struct pipe_node *node, const struct operator_inputs *inputs)
{
    struct pool *pool = op->task->services->pool;
    pairs->op = op;
    pairs->node = node;
    for (uint32_t side = 0; side < 2; side++)
        BARKS_TRY(batch_create(pool, inputs->schemas[side], 1, &pairs->none[side]));
    if (node->step.function != NULL)
        BARKS_TRY(bind_sides(pairs, inputs));
    return emitting_init(&pairs->emitting, op, &node->record->schema, 0);
}

void pair_output_drop(struct pair_output *pairs)
{
    emitting_drop(&pairs->emitting);
    for (uint32_t side = 0; side < 2; side++) {
        batch_destroy(pairs->none[side]);
        free(pairs->bind[side]);
        free(pairs->bound[side]);
    }
    *pairs = (struct pair_output){0};
}

/* Of a side with many blocks a few rows use little of each, so that whoever keeps them copies their
 * strings in any case: its blocks are not lent, since that would cost more than the rows. */
enum { BLOCKS_LENT_MAX = 64 };

BARKS_CHECKED static barks_status *lend_blocks(struct batch *output, const struct batch *side)
{
    if (side == NULL || side->block_count > BLOCKS_LENT_MAX)
        return NULL;
    return batch_lend_blocks(output, side);
}

/* The columns of one side, which stand in the output from first_column on. */
BARKS_CHECKED static barks_status *gather_side(struct pair_output *pairs, uint32_t side,
                                               const struct batch *batch, const uint32_t *rows,
                                               uint32_t count)
{
    const struct step *step = &pairs->node->step;
    uint32_t to[1] = {side == 0 ? 0 : step->columns[0].count};
    for (uint32_t i = 0; i < step->columns[side].count; i++, to[0]++)
        BARKS_TRY(columns_gather(pairs->emitting.output, to, batch, &step->columns[side].items[i],
                                 1, rows, count));
    return NULL;
}

/* Where rows of the left may be missing, the keys are the right's. */
BARKS_CHECKED static barks_status *
gather_left_by_right(struct pair_output *pairs, const struct batch *left, const uint32_t *left_rows,
                     const struct batch *right, const uint32_t *right_rows, uint32_t count)
{
    const struct step *step = &pairs->node->step;
    struct batch *output = pairs->emitting.output;
    uint32_t key_count = step->keys[1].count;
    BARKS_TRY(
        columns_gather(output, NULL, right, step->keys[1].items, key_count, right_rows, count));
    for (uint32_t i = key_count; i < step->columns[0].count; i++)
        BARKS_TRY(
            columns_gather(output, &i, left, &step->columns[0].items[i], 1, left_rows, count));
    return NULL;
}

BARKS_CHECKED static barks_status *push_columns(struct pair_output *pairs, const struct batch *left,
                                                const uint32_t *left_rows,
                                                const struct batch *right,
                                                const uint32_t *right_rows, uint32_t count)
{
    const struct step *step = &pairs->node->step;
    struct batch *output = pairs->emitting.output;
    if (left == NULL || (step->kind == STEP_LOOKUP && step->numbers[1] == 1))
        BARKS_TRY(gather_left_by_right(pairs, left != NULL ? left : pairs->none[0], left_rows,
                                       right, right_rows, count));
    else
        BARKS_TRY(gather_side(pairs, 0, left, left_rows, count));
    BARKS_TRY(gather_side(pairs, 1, right != NULL ? right : pairs->none[1], right_rows, count));
    if (step->numbers[2] != 0)
        columns_canonicalize(output, step->keys[0].count, count);
    output->base.row_count = count;
    BARKS_TRY(lend_blocks(output, left));
    BARKS_TRY(lend_blocks(output, right));
    return operator_push(pairs->op->next, output);
}

static void bind_side(struct pair_output *pairs, uint32_t side, const struct batch *batch)
{
    uint32_t field_count = pairs->node->step.function->inputs[side]->schema.field_count;
    for (uint32_t i = 0; i < field_count; i++)
        pairs->bound[side][i] = &batch->base.columns[pairs->bind[side][i]];
    pairs->emitting.inputs[side] = batch;
}

BARKS_CHECKED static barks_status *
push_of_function(struct pair_output *pairs, const struct batch *left, const uint32_t *left_rows,
                 const struct batch *right, const uint32_t *right_rows, uint32_t count)
{
    const struct step *step = &pairs->node->step;
    struct emitting *emitting = &pairs->emitting;
    bind_side(pairs, 0, left != NULL ? left : pairs->none[0]);
    bind_side(pairs, 1, right != NULL ? right : pairs->none[1]);
    emitting->input_count = 2;
    barks_call call = {.columns = pairs->bound[0],
                       .right_columns = pairs->bound[1],
                       .row_count = count,
                       .env = step->env,
                       .task = &pairs->op->task->info};
    emitting_begin(emitting);
    step->function->pair(&call, left_rows, right_rows, count, &emitting->emitter.out);
    barks_status *status = emitting_end(emitting, &call);
    if (status == NULL && call.status != NULL) {
        bool has_left = left_rows[call.row_index] != BARKS_NO_ROW;
        const struct batch *side = has_left ? left : right;
        uint32_t row = has_left ? left_rows[call.row_index] : right_rows[call.row_index];
        status =
            operator_fail_at_row(pairs->op->task, call.status, step->function, &side->base, row);
    }
    return status != NULL ? status : emitting_flush(emitting);
}

barks_status *pair_output_add(struct pair_output *pairs, const struct batch *left,
                              const uint32_t *left_rows, const struct batch *right,
                              const uint32_t *right_rows, uint32_t count)
{
    assert(count <= BATCH_ROWS && (left != NULL || right != NULL));
    if (count == 0 || pairs->op->task->partition_done)
        return NULL;
    if (pairs->node->step.function != NULL)
        return push_of_function(pairs, left, left_rows, right, right_rows, count);
    struct batch *output = pairs->emitting.output;
    barks_status *status = push_columns(pairs, left, left_rows, right, right_rows, count);
    batch_clear(output);
    return status != NULL ? status : batch_reserve(output, BATCH_ROWS);
}
