/* map, flat_map, filter and map_batches: a registered function over each batch. */
#include "batch/bind.h"
#include "batch/schema.h"
#include "exec/emit.h"
#include "exec/operator.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct function_operator {
    struct operator base;
    const barks_function *function;
    const void *env;
    struct emitter emitter; /* into output */
    struct batch *output;   /* the rows emitted, or those that a filter kept */
    struct batch
        *maker; /* no rows: its blocks hold the strings that bodies make, until the loop returns */
    struct batch *input; /* lent by push; NULL outside it */
    uint32_t *columns;   /* of the input, one for each field of function->in */
    uint32_t *selected;  /* filter: rows kept */
    uint32_t selected_capacity;
    const barks_column **bound;     /* the input's columns in the order of function->in */
    const barks_column **out_bound; /* the output's columns */
    barks_column *whole;            /* map_batches: copies of bound, in one array */
};

static void function_destroy(struct operator* self)
{
    struct function_operator *op = (struct function_operator *)self;
    batch_destroy(op->output);
    batch_destroy(op->maker);
    free(op->columns);
    free(op->selected);
    free(op->bound);
    free(op->out_bound);
    free(op->whole);
    free(op);
}

barks_status *operator_fail_at_row(struct task *task, barks_status *cause,
                                   const barks_function *function, const barks_batch *batch,
                                   uint32_t row)
{
    char excerpt[96] = "";
    if (row < batch->row_count && batch->schema->field_count > 0 &&
        batch->schema->fields[0].type->id == BARKS_STR) {
        const barks_str *text = (const barks_str *)batch->columns[0].values + row;
        int shown = text->length < 60 ? (int)text->length : 60;
        snprintf(excerpt, sizeof excerpt, " (%s '%.*s%s')", batch->schema->fields[0].name, shown,
                 barks_str_bytes(text), text->length > 60 ? "..." : "");
    }
    return barks_status_new(barks_status_code(cause), cause, BARKS_HERE,
                            "%s in '%s' (%s), %s, row %" PRIu32 " of its batch%s",
                            barks_status_code(cause) == BARKS_USER_ERROR ? "an error was reported"
                                                                         : "failure",
                            function->name, function->where, task->place, row, excerpt);
}

/* Views may point into the input's blocks and the maker's: the output holds them for whoever keeps
 * rows. */
BARKS_CHECKED static barks_status *hold_blocks(struct function_operator *op)
{
    for (uint32_t i = 0; i < op->input->block_count; i++)
        BARKS_TRY(batch_keep_block(op->output, op->input->blocks[i]));
    for (uint32_t i = 0; i < op->maker->block_count; i++)
        BARKS_TRY(batch_keep_block(op->output, op->maker->blocks[i]));
    return NULL;
}

BARKS_CHECKED static barks_status *push_output(struct function_operator *op)
{
    BARKS_TRY(hold_blocks(op));
    return operator_push(op->base.next, op->output);
}

BARKS_CHECKED static barks_status *flush(struct function_operator *op)
{
    op->output->base.row_count = op->emitter.out.row_count;
    op->emitter.out.row_count = 0;
    barks_status *status = op->output->base.row_count > 0 ? push_output(op) : NULL;
    batch_clear(op->output);
    return status != NULL ? status : batch_reserve(op->output, BARKS_OUT_ROWS);
}

void barks_out_flush(barks_out *out)
{
    struct emitter *emitter = out->operator_self;
    struct function_operator *op =
        (struct function_operator *)(void *)((char *)emitter -
                                             offsetof(struct function_operator, emitter));
    barks_status *status = emitter->failed == NULL ? flush(op) : NULL;
    if (status != NULL)
        emitter_fail(emitter, status);
    out->row_count = 0;
    if (emitter->failed != NULL || op->base.task->partition_done)
        out->stopped = true;
}

BARKS_CHECKED static barks_status *push_filtered(struct function_operator *op, barks_call *call,
                                                 struct batch *batch)
{
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
    BARKS_TRY(batch_gather(op->output, batch, op->selected, kept, BATCH_KEEP));
    return operator_push(op->base.next, op->output);
}

BARKS_CHECKED static barks_status *push_emitting(struct function_operator *op, barks_call *call)
{
    struct emitter *emitter = &op->emitter;
    emitter->out.stopped = false;
    op->function->map(call, &emitter->out);
    if (call->status == NULL && emitter->failed == NULL)
        emitter->failed = flush(op);
    barks_status *failed = emitter->failed;
    emitter->failed = NULL;
    if (failed != NULL) {
        barks_status_free(call->status); /* an echo of what failed below */
        call->status = NULL;
    }
    return failed;
}

static barks_status *function_push(struct operator* self, struct batch *batch)
{
    struct function_operator *op = (struct function_operator *)self;
    uint32_t field_count = op->function->in->schema.field_count;
    for (uint32_t i = 0; i < field_count; i++) {
        op->bound[i] = &batch->base.columns[op->columns[i]];
        op->whole[i] = *op->bound[i];
    }
    barks_batch whole = {.schema = &op->function->in->schema,
                         .row_count = batch->base.row_count,
                         .columns = op->whole};
    barks_call call = {
        .columns = op->bound, .row_count = batch->base.row_count, .env = op->env, .batch = &whole};
    op->input = batch;
    barks_status *status = op->function->kind == BARKS_KIND_FILTER ? push_filtered(op, &call, batch)
                                                                   : push_emitting(op, &call);
    op->input = NULL;
    op->emitter.out.row_count = 0;
    batch_clear(op->output);
    batch_clear(op->maker);
    if (status == NULL && call.status != NULL)
        status = operator_fail_at_row(op->base.task, call.status, op->function, &batch->base,
                                      call.row_index);
    return status;
}

static const struct operator_kind function_kind = {
    .name = "function",
    .push = function_push,
    .destroy = function_destroy,
};

OPERATOR_MAKER(function)
{
    const barks_schema *in = inputs->schemas[0];
    const barks_function *function = node->step.function;
    uint32_t in_count = function->in->schema.field_count;
    const barks_record *record = node->record;
    uint32_t out_count = record->schema.field_count;
    struct function_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &function_kind, .task = task};
    op->function = function;
    op->env = node->step.env;
    op->emitter.out.operator_self = &op->emitter;
    op->columns = calloc(in_count + 1, sizeof *op->columns);
    op->bound = calloc(in_count + 1, sizeof *op->bound);
    op->whole = calloc(in_count + 1, sizeof *op->whole);
    op->out_bound = calloc(out_count + 1, sizeof *op->out_bound);
    barks_status *status = NULL;
    if (op->columns == NULL || op->bound == NULL || op->whole == NULL || op->out_bound == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the rows of '%s'", function->name);
    if (status == NULL)
        status = bind_columns(in, &function->in->schema, function->name, node->where, op->columns);
    if (status == NULL)
        status = batch_create(task->services->pool, &record->schema, BARKS_OUT_ROWS, &op->output);
    if (status == NULL)
        status = batch_reserve(op->output, BARKS_OUT_ROWS);
    if (status == NULL)
        status = batch_create(task->services->pool, &record->schema, 1, &op->maker);
    if (status != NULL) {
        function_destroy(&op->base);
        return status;
    }
    for (uint32_t i = 0; i < out_count; i++)
        op->out_bound[i] = &op->output->base.columns[i];
    op->emitter.out.columns = op->out_bound;
    op->emitter.rows = op->output;
    op->emitter.maker = op->maker;
    *out_operator = &op->base;
    return NULL;
}
