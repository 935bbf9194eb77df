#include "exec/emitting.h"

#include "batch/gather_columns.h"
#include "batch/row_strings.h"

#include <stdlib.h>

barks_status *emitting_init(struct emitting *emitting, struct operator* op,
                            const barks_schema *schema, uint32_t first_column)
{
    struct pool *pool = op->task->services->pool;
    emitting->op = op;
    emitting->columns = calloc((size_t)schema->field_count + 1, sizeof(const barks_column *));
    if (emitting->columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of rows");
    BARKS_TRY(batch_create(pool, schema, BARKS_OUT_ROWS, &emitting->output));
    BARKS_TRY(batch_reserve(emitting->output, BARKS_OUT_ROWS));
    BARKS_TRY(batch_create(pool, schema, 1, &emitting->maker));
    for (uint32_t i = first_column; i < schema->field_count; i++)
        emitting->columns[i - first_column] = &emitting->output->base.columns[i];
    emitting->emitter = (struct emitter){
        .out = {.columns = emitting->columns}, .rows = emitting->output, .maker = emitting->maker};
    emitting->emitter.out.operator_self = &emitting->emitter;
    return NULL;
}

void emitting_drop(struct emitting *emitting)
{
    batch_destroy(emitting->output);
    batch_destroy(emitting->maker);
    free(emitting->columns);
    *emitting = (struct emitting){0};
}

/* Views may point into the inputs' blocks and the maker's: the output holds them for whoever keeps
 * rows. */
BARKS_CHECKED static barks_status *hold_blocks(struct emitting *emitting)
{
    for (uint32_t i = 0; i < emitting->input_count; i++)
        BARKS_TRY(batch_lend_blocks(emitting->output, emitting->inputs[i]));
    return batch_lend_blocks(emitting->output, emitting->maker);
}

BARKS_CHECKED static barks_status *push_output(struct emitting *emitting, uint32_t row_count)
{
    struct batch *output = emitting->output;
    if (emitting->complete != NULL)
        BARKS_TRY(emitting->complete(emitting->op, output, row_count));
    output->base.row_count = row_count;
    BARKS_TRY(hold_blocks(emitting));
    return operator_push(emitting->op->next, output);
}

BARKS_CHECKED static barks_status *push_emitted(struct emitting *emitting)
{
    uint32_t row_count = emitting->emitter.out.row_count;
    emitting->emitter.out.row_count = 0;
    if (row_count == 0)
        return NULL;
    if (emitting->op->task->partition_done) {
        batch_forget_uncounted(emitting->output);
        return NULL;
    }
    barks_status *status = push_output(emitting, row_count);
    batch_clear(emitting->output);
    return status != NULL ? status : batch_reserve(emitting->output, BARKS_OUT_ROWS);
}

static void clear_made(struct emitting *emitting)
{
    batch_clear(emitting->maker);
    emitting->emitter.made_bytes = 0;
    emitting->emitter.out.is_full = false;
}

barks_status *emitting_flush(struct emitting *emitting)
{
    barks_status *status = push_emitted(emitting);
    clear_made(emitting);
    return status;
}

void emitting_forget(struct emitting *emitting)
{
    /* A loop that was stopped, or has failed, leaves rows that were never counted. */
    if (emitting->emitter.out.row_count > 0 || emitting->emitter.out.stopped)
        batch_forget_uncounted(emitting->output);
    emitting->emitter.out.row_count = 0;
    batch_clear(emitting->output);
    clear_made(emitting);
}

barks_status *emitting_end(struct emitting *emitting, barks_call *call)
{
    barks_status *failed = emitting->emitter.failed;
    emitting->emitter.failed = NULL;
    if (failed != NULL) {
        barks_status_free(call->status); /* an echo of what failed below */
        call->status = NULL;
    }
    return failed;
}

void barks_out_flush(barks_out *out)
{
    struct emitting *emitting = (struct emitting *)out->operator_self;
    barks_status *status = emitting->emitter.failed == NULL ? push_emitted(emitting) : NULL;
    if (status != NULL)
        emitter_fail(&emitting->emitter, status);
    out->row_count = 0;
    if (emitting->emitter.failed != NULL || emitting->op->task->partition_done)
        out->stopped = true;
}
