#include "exec/group_caller.h"

#include "base/calling.h"
#include "batch/bind.h"
#include "batch/gather_columns.h"

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

barks_status *group_caller_keep(struct group_caller *caller, const struct batch *rows)
{
    return batch_lend_blocks(caller->emitting.maker, rows);
}

uint64_t group_caller_kept_bytes(const struct group_caller *caller)
{
    return batch_memory_bytes(caller->emitting.maker);
}

/* ---- cursors ---- */

/* What a cursor's engine leads to. */
struct called_side {
    struct group_caller *caller;
    const struct group_rows *whole; /* or where it begins */
    struct group_rows now;          /* at hand */
};

/* Of rows that are all there the cursor sees but so many at a time: a body that is long in one
 * group comes back for more, and so the group can end where the task was cancelled. */
static uint32_t shown_end(const struct group_rows *rows, uint32_t first)
{
    return rows->end - first < BATCH_ROWS ? rows->end : first + BATCH_ROWS;
}

static void point_at(barks_cursor *cursor, const struct group_rows *rows)
{
    cursor->order = rows->order;
    cursor->row = rows->first;
    cursor->end = shown_end(rows, rows->first);
    cursor->moved = true;
}

/* Rows that the feed has given; there is a failure on its way when it has none. */
static bool take_fed(barks_cursor *cursor, struct group_rows fed, barks_status *status)
{
    struct called_side *side = cursor->engine;
    if (status != NULL)
        emitter_fail(&side->caller->emitting.emitter, status);
    if (status != NULL || fed.first == fed.end) {
        cursor->row = cursor->end;
        return false;
    }
    side->now = fed;
    point_at(cursor, &side->now);
    return true;
}

static bool bring_more(barks_cursor *cursor)
{
    struct called_side *side = cursor->engine;
    struct group_rows fed = side->now;
    if (side->caller->emitting.emitter.failed != NULL)
        return false;
    barks_status *status = task_check_cancelled(side->caller->op->task);
    if (status != NULL)
        return take_fed(cursor, fed, status);
    if (cursor->end < fed.end) {
        cursor->end = shown_end(&fed, cursor->end);
        return true;
    }
    if (fed.feed == NULL)
        return false;
    status = fed.feed->more(fed.feed, &fed);
    return take_fed(cursor, fed, status);
}

static bool rewind_side(barks_cursor *cursor)
{
    struct called_side *side = cursor->engine;
    struct group_rows fed = *side->whole;
    if (side->caller->emitting.emitter.failed != NULL)
        return false;
    barks_status *status = fed.feed != NULL ? fed.feed->rewind(fed.feed, &fed) : NULL;
    return take_fed(cursor, fed, status);
}

/* At the first row that any side has at hand. */
BARKS_CHECKED static barks_status *fail_in_group(struct group_caller *caller, barks_status *cause,
                                                 const struct called_side *sides)
{
    const struct group_rows *shown = &sides[0].now;
    for (uint32_t k = caller->side_count; k-- > 0;)
        if (sides[k].now.first < sides[k].now.end)
            shown = &sides[k].now;
    uint32_t row = shown->first < shown->end && shown->order != NULL ? shown->order[shown->first]
                                                                     : shown->first;
    return operator_fail_at_row(caller->op->task, cause,
                                &(struct failed_row){.function = caller->node->step.function,
                                                     .site = caller->node->where,
                                                     .batch = &shown->rows->base,
                                                     .row = row});
}

barks_status *group_caller_call(struct group_caller *caller, const struct group_rows *sides)
{
    const struct step *step = &caller->node->step;
    barks_cursor cursors[STEP_INPUTS_MAX];
    struct called_side called[STEP_INPUTS_MAX];
    BARKS_TRY(task_check_cancelled(caller->op->task)); /* it may never emit a row */
    for (uint32_t k = 0; k < caller->side_count; k++) {
        called[k] = (struct called_side){.caller = caller, .whole = &sides[k], .now = sides[k]};
        cursors[k] = (barks_cursor){.columns = caller->bound[k],
                                    .more = bring_more,
                                    .rewind = rewind_side,
                                    .engine = &called[k]};
        point_at(&cursors[k], &sides[k]);
    }
    barks_call call = {.env = step->env, .task = &caller->op->task->info};
    emitting_begin(&caller->emitting);
    struct calling before = calling_begin((struct calling){
        .name = step->function->name, .where = step->function->where, .site = caller->node->where});
    step->function->group(&call, cursors, caller->side_count, &caller->emitting.emitter.out);
    calling_end(before);
    barks_status *status = emitting_end(&caller->emitting, &call);
    if (status == NULL && call.status != NULL)
        status = fail_in_group(caller, call.status, called);
    if (status == NULL && (caller->emitting.maker->block_count > MADE_BLOCKS_MAX ||
                           caller->emitting.emitter.out.is_full))
        status = emitting_flush(&caller->emitting);
    return status;
}

barks_status *group_caller_flush(struct group_caller *caller)
{
    return emitting_flush(&caller->emitting);
}
