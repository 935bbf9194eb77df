/* map, flat_map, filter, map_batches and map_partitions: a registered function over each batch. */
#include "base/calling.h"
#include "batch/gather_columns.h"
#include "batch/row_window.h"
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
    struct row_window window; /* what a call sees of the input */
    uint32_t window_first;    /* where that begins */
    barks_batch shown;        /* the same as a batch */
    uint32_t *selected;       /* filter: rows kept */
    uint32_t selected_capacity;
    uint32_t *origins;     /* carried columns: of each row of the output, the input's row */
    uint32_t origin_count; /* known so far */
    uint32_t origin;       /* the input's row that is mapped now, or is the next to be */
    void *state;           /* map_partitions; owned */
    struct batch *held;    /* map_batches: rows until they are as many as it wants */
    uint64_t called_count; /* rows of the partition that it was called on */
};

static void function_destroy(struct operator* self)
{
    struct function_operator *op = (struct function_operator *)self;
    emitting_drop(&op->emitting);
    batch_destroy(op->none);
    batch_destroy(op->held);
    row_window_drop(&op->window);
    free(op->selected);
    free(op->origins);
    free(op->state);
    free(op);
}

/* The call sees the input's rows from first on: but a batch's worth, since rows of a shuffle come
 * by far more, and a body may take its time over each. Returns where the next call begins. */
static uint32_t show_rows(struct function_operator *op, barks_call *call, uint32_t first)
{
    const barks_batch *input = &op->input->base;
    uint32_t left = input->row_count - first;
    uint32_t count = left < BATCH_ROWS || op->held != NULL ? left : BATCH_ROWS;
    row_window_show(&op->window, input, first);
    op->window_first = first;
    op->shown.row_count = count;
    call->first_row = 0;
    call->row_count = count;
    call->row_index = BARKS_NO_ROW;
    calling_move(op->called_count + first, count);
    return first + count;
}

/* ---- filters ---- */

BARKS_CHECKED static barks_status *reserve_selection(struct function_operator *op,
                                                     uint32_t row_count)
{
    if (row_count <= op->selected_capacity)
        return NULL;
    uint32_t *selected = realloc(op->selected, row_count * sizeof *selected);
    if (selected == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a selection of %" PRIu32 " rows", row_count);
    op->selected = selected;
    op->selected_capacity = row_count;
    return NULL;
}

/* *out_kept: how many rows are selected, if call->status is NULL. */
BARKS_CHECKED static barks_status *select_rows(struct function_operator *op, barks_call *call,
                                               uint32_t *out_kept)
{
    uint32_t row_count = op->input->base.row_count, kept = 0;
    BARKS_TRY(reserve_selection(op, row_count));
    for (uint32_t first = 0, end; first < row_count && call->status == NULL; first = end) {
        BARKS_TRY(task_check_cancelled(op->base.task));
        end = show_rows(op, call, first);
        uint32_t more = op->function->filter(call, op->selected + kept);
        for (uint32_t k = 0; k < more; k++)
            op->selected[kept + k] += first;
        kept += more;
    }
    *out_kept = kept;
    return NULL;
}

/* What is kept is gathered once, so that its strings are looked at together. */
BARKS_CHECKED static barks_status *push_filtered(struct function_operator *op, barks_call *call)
{
    struct batch *batch = op->input, *output = op->emitting.output;
    uint32_t kept = 0;
    BARKS_TRY(select_rows(op, call, &kept));
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
        op->origin = op->window_first + row;
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

/* Of the rows that the call sees. What they have emitted stays, where it fills no batch, until the
 * input's last ones are done. */
BARKS_CHECKED static barks_status *emit_shown(struct function_operator *op, barks_call *call,
                                              bool are_last)
{
    struct emitting *emitting = &op->emitting;
    barks_status *failed = NULL;
    do {
        emitting_begin(emitting);
        if (op->origins != NULL && op->function->kind == BARKS_KIND_FLAT_MAP)
            map_row_by_row(op, call);
        else
            op->function->map(call, &emitting->emitter.out);
        failed = emitting_end(emitting, call);
        if (failed == NULL && call->status == NULL && (are_last || emitting->emitter.out.is_full))
            failed = emitting_flush(emitting);
    } while (failed == NULL && is_left(op, call));
    return failed;
}

BARKS_CHECKED static barks_status *push_emitting(struct function_operator *op, barks_call *call)
{
    const struct task *task = op->base.task;
    uint32_t row_count = op->input->base.row_count, first = 0;
    barks_status *failed = NULL;
    op->origin = op->origin_count = 0;
    do { /* once without rows too: a map_partitions begins and ends so */
        first = show_rows(op, call, first);
        failed = emit_shown(op, call, first == row_count);
        if (failed == NULL && first < row_count)
            failed = task_check_cancelled(task);
    } while (failed == NULL && call->status == NULL && first < row_count && !task->partition_done);
    emitting_forget(&op->emitting);
    return failed;
}

static uint64_t record_of(const struct function_operator *op, const struct batch *batch,
                          const barks_call *call)
{
    uint64_t begin = op->called_count - batch->base.row_count + op->window_first;
    return call->row_index < call->row_count ? begin + call->row_index + 1 : 0;
}

BARKS_CHECKED static barks_status *call_on(struct function_operator *op, struct batch *batch,
                                           int phase)
{
    barks_call call = {.columns = op->window.bound,
                       .env = op->node->step.env,
                       .batch = &op->shown,
                       .task = &op->base.task->info,
                       .state = op->state,
                       .phase = phase};
    struct calling before = calling_begin((struct calling){.name = op->function->name,
                                                           .where = op->function->where,
                                                           .site = op->node->where,
                                                           .record = &call.row_index});
    op->input = batch;
    emitting_lend(&op->emitting, batch);
    barks_status *status = op->function->kind == BARKS_KIND_FILTER ? push_filtered(op, &call)
                                                                   : push_emitting(op, &call);
    op->input = NULL;
    op->called_count += batch->base.row_count;
    calling_end(before);
    if (status == NULL && call.status != NULL)
        status = operator_fail_at_row(op->base.task, call.status,
                                      &(struct failed_row){.function = op->function,
                                                           .site = op->node->where,
                                                           .batch = &batch->base,
                                                           .row = op->window_first + call.row_index,
                                                           .record = record_of(op, batch, &call)});
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
    uint32_t carried_count = op->node->step.columns[0].count;
    op->origins = carried_count > 0 ? calloc(BARKS_OUT_ROWS, sizeof *op->origins) : NULL;
    op->state = calloc(1, function->state_size + 1);
    if (op->state == NULL || (carried_count > 0 && op->origins == NULL))
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", function->name);
    BARKS_TRY(
        row_window_init(&op->window, in, &function->in->schema, function->name, op->node->where));
    op->shown = (barks_batch){.schema = &function->in->schema, .columns = op->window.shown};
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
