#include "exec/group_caller.h"

#include "batch/bind.h"

#include <stdlib.h>

enum { MADE_BLOCKS_MAX = 8 }; /* blocks of made strings that wait for the next flush */

BARKS_CHECKED static barks_status *bind_side(struct group_caller *caller, uint32_t side,
                                             const barks_schema *given)
{
    const barks_function *function = caller->node->step.function;
    const barks_schema *wanted = &function->inputs[side]->schema;
    caller->bind[side] = calloc((size_t)wanted->field_count + 1, sizeof(uint32_t));
    caller->bound[side] = calloc((size_t)wanted->field_count + 1, sizeof(const barks_column *));
    if (caller->bind[side] == NULL || caller->bound[side] == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", function->name);
    return bind_columns(given, wanted, function->name, caller->node->where, caller->bind[side]);
}

barks_status *group_caller_init(struct group_caller *caller, struct operator* op,
                                const struct pipe_node *node, const barks_schema *const *schemas,
                                uint32_t side_count)
{
    caller->op = op;
    caller->node = node;
    caller->side_count = side_count;
    for (uint32_t side = 0; side < side_count; side++)
        BARKS_TRY(bind_side(caller, side, schemas[side]));
    BARKS_TRY(emitting_init(&caller->emitting, op, &node->record->schema, 0));
    caller->emitting.input_count = 0;
    return NULL;
}

void group_caller_drop(struct group_caller *caller)
{
    emitting_drop(&caller->emitting);
    for (uint32_t side = 0; side < STEP_INPUTS_MAX; side++) {
        free(caller->bind[side]);
        free(caller->bound[side]);
    }
    *caller = (struct group_caller){0};
}

void group_caller_lend(struct group_caller *caller, uint32_t side, const struct batch *rows)
{
    uint32_t field_count = caller->node->step.function->inputs[side]->schema.field_count;
    for (uint32_t i = 0; i < field_count; i++)
        caller->bound[side][i] = &rows->base.columns[caller->bind[side][i]];
    caller->emitting.inputs[side] = rows;
    caller->emitting.input_count = caller->side_count;
}

static bool no_more(barks_cursor *cursor)
{
    (void)cursor;
    return false;
}

static bool rewind_side(barks_cursor *cursor)
{
    const struct group_rows *side = cursor->engine;
    cursor->row = side->first;
    return cursor->row < cursor->end;
}

/* At the first row that any side has. */
BARKS_CHECKED static barks_status *fail_in_group(struct group_caller *caller, barks_status *cause,
                                                 const struct group_rows *sides)
{
    const struct group_rows *shown = &sides[0];
    for (uint32_t k = caller->side_count; k-- > 0;)
        if (sides[k].first < sides[k].end)
            shown = &sides[k];
    uint32_t row = shown->first < shown->end && shown->order != NULL ? shown->order[shown->first]
                                                                     : shown->first;
    return operator_fail_at_row(caller->op->task, cause, caller->node->step.function,
                                &shown->rows->base, row);
}

barks_status *group_caller_call(struct group_caller *caller, const struct group_rows *sides)
{
    const struct step *step = &caller->node->step;
    barks_cursor cursors[STEP_INPUTS_MAX];
    for (uint32_t k = 0; k < caller->side_count; k++)
        cursors[k] = (barks_cursor){.columns = caller->bound[k],
                                    .order = sides[k].order,
                                    .row = sides[k].first,
                                    .end = sides[k].end,
                                    .more = no_more,
                                    .rewind = rewind_side,
                                    .engine = (void *)(uintptr_t)&sides[k]};
    barks_call call = {.env = step->env, .task = &caller->op->task->info};
    emitting_begin(&caller->emitting);
    step->function->group(&call, cursors, caller->side_count, &caller->emitting.emitter.out);
    barks_status *status = emitting_end(&caller->emitting, &call);
    if (status == NULL && call.status != NULL)
        status = fail_in_group(caller, call.status, sides);
    if (status == NULL && caller->emitting.maker->block_count > MADE_BLOCKS_MAX)
        status = emitting_flush(&caller->emitting);
    return status;
}

barks_status *group_caller_flush(struct group_caller *caller)
{
    return emitting_flush(&caller->emitting);
}
