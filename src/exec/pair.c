#include "exec/pair.h"

#include "base/calling.h"
#include "batch/bind.h"
#include "batch/gather_columns.h"
#include "batch/schema.h"

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
    pairs->shown = calloc((size_t)node->record->schema.field_count + 1, sizeof *pairs->shown);
    if (pairs->shown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of pairs");
    if (node->step.function != NULL)
        BARKS_TRY(bind_sides(pairs, inputs));
    return emitting_init(&pairs->emitting, op, &node->record->schema, 0);
}

void pair_output_drop(struct pair_output *pairs)
{
    emitting_drop(&pairs->emitting);
    free(pairs->shown);
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

/* ---- columns of rows that follow each other ---- */

enum {
    LENT_ALIGNMENT = 64, /* rows: so that values and validity begin at a whole word and line */
    /* Of all rows of a column of lists: lent for some of the rows it counts as theirs. */
    LENT_ITEMS_MAX = 1 << 18,
};

/* Whether rows are first, first + 1, ... */
static bool are_range(const uint32_t *rows, uint32_t count)
{
    uint32_t others = 0;
    if (rows[0] == BARKS_NO_ROW || rows[0] % LENT_ALIGNMENT != 0)
        return false;
    for (uint32_t k = 0; k < count; k++)
        others |= rows[k] ^ (rows[0] + k);
    return others == 0;
}

/* The output's column `to` may be rows from first on of a side's column, which stays the side's.
 * Lists are most of what there is to save; structs would have to be taken apart. */
static bool lend_column(struct pair_output *pairs, uint32_t to, const struct batch *batch,
                        uint32_t column, uint32_t first, uint32_t count)
{
    const struct step *step = &pairs->node->step;
    const barks_field *field = &pairs->node->record->schema.fields[to];
    const barks_column *from = &batch->base.columns[column];
    barks_type_id type = field->type->id;
    bool is_made_canonical = step->numbers[2] != 0 && to < step->keys[0].count &&
                             (type == BARKS_F32 || type == BARKS_F64);
    if (type == BARKS_STRUCT || is_made_canonical || from->values == NULL ||
        field->nullable != batch->base.schema->fields[column].nullable ||
        (type == BARKS_LIST && from->item_count > LENT_ITEMS_MAX))
        return false;
    barks_column *shown = &pairs->shown[to];
    *shown = *from;
    shown->type = field->type;
    shown->values = (uint8_t *)from->values + first * type_value_bytes(from->type);
    shown->validity = from->validity != NULL ? from->validity + first / LENT_ALIGNMENT : NULL;
    shown->capacity = count;
    return true;
}

/* The columns of one side from its i-th on, which stand in the output from `to` on. */
BARKS_CHECKED static barks_status *show_side(struct pair_output *pairs, uint32_t side, uint32_t i,
                                             uint32_t to, const struct batch *batch,
                                             const uint32_t *rows, uint32_t count)
{
    const struct index_list *columns = &pairs->node->step.columns[side];
    struct batch *output = pairs->emitting.output;
    bool may_lend = are_range(rows, count);
    for (; i < columns->count; i++, to++) {
        if (may_lend && lend_column(pairs, to, batch, columns->items[i], rows[0], count))
            continue;
        BARKS_TRY(columns_gather(output, &to, batch, &columns->items[i], 1, rows, count));
        pairs->shown[to] = output->base.columns[to];
    }
    return NULL;
}

/* Where rows of the left may be missing, the keys are the right's. */
BARKS_CHECKED static barks_status *show_keys_of_right(struct pair_output *pairs,
                                                      const struct batch *right,
                                                      const uint32_t *right_rows, uint32_t count)
{
    const struct index_list *keys = &pairs->node->step.keys[1];
    struct batch *output = pairs->emitting.output;
    BARKS_TRY(columns_gather(output, NULL, right, keys->items, keys->count, right_rows, count));
    for (uint32_t i = 0; i < keys->count; i++)
        pairs->shown[i] = output->base.columns[i];
    return NULL;
}

BARKS_CHECKED static barks_status *push_columns(struct pair_output *pairs, const struct batch *left,
                                                const uint32_t *left_rows,
                                                const struct batch *right,
                                                const uint32_t *right_rows, uint32_t count)
{
    const struct step *step = &pairs->node->step;
    struct batch *output = pairs->emitting.output;
    bool keys_of_right = left == NULL || (step->kind == STEP_LOOKUP && step->numbers[1] == 1);
    uint32_t shown_keys = keys_of_right ? step->keys[1].count : 0;
    if (keys_of_right)
        BARKS_TRY(show_keys_of_right(pairs, right, right_rows, count));
    BARKS_TRY(show_side(pairs, 0, shown_keys, shown_keys, left != NULL ? left : pairs->none[0],
                        left_rows, count));
    BARKS_TRY(show_side(pairs, 1, 0, step->columns[0].count, right != NULL ? right : pairs->none[1],
                        right_rows, count));
    if (step->numbers[2] != 0)
        columns_canonicalize(output, step->keys[0].count, count);
    output->base.row_count = count;
    BARKS_TRY(lend_blocks(output, left));
    BARKS_TRY(lend_blocks(output, right));
    struct batch view = *output; /* for the time of the push */
    view.base.columns = pairs->shown;
    return operator_push(pairs->op->next, &view);
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
    BARKS_TRY(task_check_cancelled(pairs->op->task)); /* it may never emit a row */
    bind_side(pairs, 0, left != NULL ? left : pairs->none[0]);
    bind_side(pairs, 1, right != NULL ? right : pairs->none[1]);
    emitting->input_count = 2;
    barks_call call = {.columns = pairs->bound[0],
                       .right_columns = pairs->bound[1],
                       .row_count = count,
                       .env = step->env,
                       .task = &pairs->op->task->info};
    emitting_begin(emitting);
    struct calling before = calling_begin((struct calling){
        .name = step->function->name, .where = step->function->where, .site = pairs->node->where});
    step->function->pair(&call, left_rows, right_rows, count, &emitting->emitter.out);
    calling_end(before);
    barks_status *status = emitting_end(emitting, &call);
    if (status == NULL && call.status != NULL) {
        bool has_left = left_rows[call.row_index] != BARKS_NO_ROW;
        const struct batch *side = has_left ? left : right;
        uint32_t row = has_left ? left_rows[call.row_index] : right_rows[call.row_index];
        status = operator_fail_at_row(pairs->op->task, call.status,
                                      &(struct failed_row){.function = step->function,
                                                           .site = pairs->node->where,
                                                           .batch = &side->base,
                                                           .row = row});
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
