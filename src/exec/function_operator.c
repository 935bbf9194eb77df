/* map, flat_map, filter, map_batches and map_partitions: a registered function over each batch. */
#include "base/calling.h"
#include "batch/bind.h"
#include "batch/gather_columns.h"
#include "exec/emitting.h"
#include "exec/memory_share.h"
#include "exec/operator.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct function_operator {
    struct operator base;
    const struct pipe_node *node;
    const barks_function *function;
    struct emitting emitting; /* filter: its output has the rows kept */
    struct batch *input;      /* lent by push, or none; NULL outside of loops */
    struct batch *none;       /* map_partitions: no rows, for its first and last call */
    uint32_t *columns;        /* of the input, one for each field of function->in */
    uint32_t *selected;       /* filter: rows kept */
    uint32_t selected_capacity;
    uint32_t *origins;          /* carried columns: of each row of the output, the input's row */
    uint32_t origin_count;      /* known so far */
    uint32_t origin;            /* the input's row that is mapped now, or is the next to be */
    const barks_column **bound; /* the input's columns in the order of function->in */
    barks_column *whole;        /* map_batches: copies of bound, in one array */
    void *state;                /* map_partitions; owned */
    struct batch *held;         /* map_batches: rows until they are as many as it wants */
    uint64_t called_count;      /* rows of the partition that it was called on */
};

static void function_destroy(struct operator* self)
{
    struct function_operator *op = (struct function_operator *)self;
    emitting_drop(&op->emitting);
    batch_destroy(op->none);
    batch_destroy(op->held);
    free(op->columns);
    free(op->selected);
    free(op->origins);
    free(op->bound);
    free(op->whole);
    free(op->state);
    free(op);
}

BARKS_CHECKED static barks_status *push_filtered(struct function_operator *op, barks_call *call,
                                                 struct batch *batch)
{
    struct batch *output = op->emitting.output;
    if (batch->base.row_count > op->selected_capacity) {
        uint32_t *selected = realloc(op->selected, batch->base.row_count * sizeof *selected);
        if (selected == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a selection of %" PRIu32 " rows",
                       batch->base.row_count);
        op->selected = selected;
        op->selected_capacity = batch->base.row_count;
    }
    uint32_t kept = op->function->filter(call, op->selected);
    if (call->status != NULL || kept == 0)
        return NULL;
    if (kept == batch->base.row_count)
        return operator_push(op->base.next, batch);
    barks_status *status = batch_gather(output, batch, op->selected, kept, BATCH_KEEP);
    if (status == NULL)
        status = operator_push(op->base.next, output);
    batch_clear(output);
    return status;
}

/* ---- columns that are carried along ---- */

/* Rows of the output from origin_count on are of the row that is mapped now. */
static void note_origins(struct function_operator *op, uint32_t row_count)
{
    bool one_each = op->function->kind == BARKS_KIND_MAP;
    while (op->origin_count < row_count) {
        op->origins[op->origin_count++] = op->origin;
        op->origin += one_each;
    }
}

static barks_status *gather_carried(struct operator* self, struct batch *output, uint32_t row_count)
{
    struct function_operator *op = (struct function_operator *)self;
    const struct index_list *carried = &op->node->step.columns[0];
    note_origins(op, row_count);
    op->origin_count = 0;
    return columns_gather(output, NULL, op->input, carried->items, carried->count, op->origins,
                          row_count);
}

/* A flat_map is asked for each row alone, to know whose the rows are that it emits. */
static void map_row_by_row(struct function_operator *op, barks_call *call)
{
    barks_out *out = &op->emitting.emitter.out;
    uint32_t row_count = call->row_count;
    for (uint32_t row = 0; row < row_count && call->status == NULL && !out->stopped; row++) {
        op->origin = row;
        call->first_row = row;
        call->row_count = row + 1;
        op->function->map(call, out);
        note_origins(op, out->row_count);
        barks_status *status =
            out->is_full && call->status == NULL ? emitting_flush(&op->emitting) : NULL;
        if (status != NULL)
            emitter_fail(&op->emitting.emitter, status);
    }
}

/* ---- loops that emit ---- */

/* A loop that has left since strings and lists of its rows are enough for a batch goes on. */
static bool is_left(const struct function_operator *op, const barks_call *call)
{
    bool leaves = op->function->kind == BARKS_KIND_MAP || op->function->kind == BARKS_KIND_FLAT_MAP;
    return leaves && call->status == NULL && call->first_row < call->row_count &&
           !op->emitting.emitter.out.stopped && !op->base.task->partition_done;
}

BARKS_CHECKED static barks_status *push_emitting(struct function_operator *op, barks_call *call)
{
    struct emitting *emitting = &op->emitting;
    barks_status *failed = NULL;
    op->origin = op->origin_count = 0;
    do {
        emitting_begin(emitting);
        if (op->origins != NULL && op->function->kind == BARKS_KIND_FLAT_MAP)
            map_row_by_row(op, call);
        else
            op->function->map(call, &emitting->emitter.out);
        failed = emitting_end(emitting, call);
        if (failed == NULL && call->status == NULL)
            failed = emitting_flush(emitting);
    } while (failed == NULL && is_left(op, call));
    emitting_forget(emitting);
    return failed;
}

static uint64_t record_of(uint64_t rows_before, const barks_call *call)
{
    return call->row_index < call->row_count ? rows_before + call->row_index + 1 : 0;
}

BARKS_CHECKED static barks_status *call_on(struct function_operator *op, struct batch *batch,
                                           int phase)
{
    uint32_t field_count = op->function->in->schema.field_count;
    for (uint32_t i = 0; i < field_count; i++) {
        op->bound[i] = &batch->base.columns[op->columns[i]];
        op->whole[i] = *op->bound[i];
    }
    barks_batch whole = {.schema = &op->function->in->schema,
                         .row_count = batch->base.row_count,
                         .columns = op->whole};
    barks_call call = {.columns = op->bound,
                       .row_count = batch->base.row_count,
                       .env = op->node->step.env,
                       .batch = &whole,
                       .task = &op->base.task->info,
                       .row_index = BARKS_NO_ROW,
                       .state = op->state,
                       .phase = phase};
    struct calling before = calling_begin((struct calling){.name = op->function->name,
                                                           .where = op->function->where,
                                                           .site = op->node->where,
                                                           .first_record = op->called_count,
                                                           .record_count = call.row_count,
                                                           .record = &call.row_index});
    op->input = batch;
    emitting_lend(&op->emitting, batch);
    barks_status *status = op->function->kind == BARKS_KIND_FILTER ? push_filtered(op, &call, batch)
                                                                   : push_emitting(op, &call);
    op->input = NULL;
    op->called_count += call.row_count;
    calling_end(before);
    if (status == NULL && call.status != NULL)
        status = operator_fail_at_row(
            op->base.task, call.status,
            &(struct failed_row){.function = op->function,
                                 .site = op->node->where,
                                 .batch = &batch->base,
                                 .row = call.row_index,
                                 .record = record_of(op->called_count - call.row_count, &call)});
    return status;
}

BARKS_CHECKED static barks_status *call_on_held(struct function_operator *op)
{
    barks_status *status =
        op->base.task->partition_done ? NULL : call_on(op, op->held, BARKS_BATCH);
    batch_clear(op->held);
    return status;
}

/* Takes cause. */
static barks_status *fail_held(const struct function_operator *op, barks_status *cause)
{
    if (barks_status_code(cause) != BARKS_LIMIT)
        return cause;
    return barks_status_new(BARKS_LIMIT, cause, BARKS_HERE,
                            "%s at %s: batches of %u rows need more memory than their executor "
                            "has, which is full with %u of them; fewer .rows, or more "
                            "--barks-memory, help",
                            pipe_node_name(op->node), op->node->where,
                            (uint32_t)op->node->step.numbers[0], op->held->base.row_count);
}

/* Batches of just so many rows. */
BARKS_CHECKED static barks_status *hold_rows(struct function_operator *op, struct batch *batch)
{
    uint32_t wanted = (uint32_t)op->node->step.numbers[0], row_count = batch->base.row_count;
    if (op->held->base.row_count > 0) {
        barks_status *status = memory_check_room(op->base.task, batch);
        if (status != NULL)
            return fail_held(op, status);
    }
    for (uint32_t row = 0, step; row < row_count; row += step) {
        uint32_t room = wanted - op->held->base.row_count, left = row_count - row;
        step = left < room ? left : room;
        barks_status *status = batch_append(op->held, batch, row, step, BATCH_KEEP);
        if (status != NULL)
            return fail_held(op, status);
        if (op->held->base.row_count == wanted)
            BARKS_TRY(call_on_held(op));
    }
    return NULL;
}

static barks_status *function_push(struct operator* self, struct batch *batch)
{
    struct function_operator *op = (struct function_operator *)self;
    return op->held != NULL ? hold_rows(op, batch) : call_on(op, batch, BARKS_BATCH);
}

static barks_status *function_begin_partition(struct operator* self, uint32_t partition)
{
    struct function_operator *op = (struct function_operator *)self;
    (void)partition;
    op->called_count = 0;
    if (op->function->kind != BARKS_KIND_MAP_PARTITIONS)
        return NULL;
    memset(op->state, 0, op->function->state_size);
    return call_on(op, op->none, BARKS_OPEN);
}

/* Also where nobody wants more rows: the body may have to give back what its state holds. */
static barks_status *function_end_partition(struct operator* self)
{
    struct function_operator *op = (struct function_operator *)self;
    if (op->held != NULL && op->held->base.row_count > 0)
        return call_on_held(op);
    if (op->function->kind != BARKS_KIND_MAP_PARTITIONS)
        return NULL;
    return call_on(op, op->none, BARKS_CLOSE);
}

static const struct operator_kind function_kind = {
    .name = "function",
    .begin_partition = function_begin_partition,
    .push = function_push,
    .end_partition = function_end_partition,
    .destroy = function_destroy,
};

BARKS_CHECKED static barks_status *fill_operator(struct function_operator *op,
                                                 const barks_schema *in)
{
    const barks_function *function = op->function;
    uint32_t in_count = function->in->schema.field_count;
    uint32_t carried_count = op->node->step.columns[0].count;
    op->columns = calloc(in_count + 1, sizeof *op->columns);
    op->bound = calloc(in_count + 1, sizeof *op->bound);
    op->whole = calloc(in_count + 1, sizeof *op->whole);
    op->origins = carried_count > 0 ? calloc(BARKS_OUT_ROWS, sizeof *op->origins) : NULL;
    op->state = calloc(1, function->state_size + 1);
    if (op->columns == NULL || op->bound == NULL || op->whole == NULL || op->state == NULL ||
        (carried_count > 0 && op->origins == NULL))
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", function->name);
    BARKS_TRY(
        bind_columns(in, &function->in->schema, function->name, op->node->where, op->columns));
    op->emitting.complete = carried_count > 0 ? gather_carried : NULL;
    BARKS_TRY(emitting_init(&op->emitting, &op->base, &op->node->record->schema, carried_count));
    if (function->kind == BARKS_KIND_MAP_PARTITIONS)
        return batch_create(op->base.task->services->pool, in, 1, &op->none);
    if (function->kind == BARKS_KIND_MAP_BATCHES && op->node->step.numbers[0] > 0)
        return batch_create(op->base.task->services->pool, in, 1, &op->held);
    return NULL;
}

OPERATOR_MAKER(function)
{
    struct function_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &function_kind, .task = task};
    op->node = node;
    op->function = node->step.function;
    barks_status *status = fill_operator(op, inputs->schemas[0]);
    if (status != NULL) {
        function_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
