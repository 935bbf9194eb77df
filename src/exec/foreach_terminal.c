/* Calls a function on each row, or batch, for its side effects. */
#include "base/calling.h"
#include "batch/row_window.h"
#include "exec/operator.h"

#include <stdlib.h>

struct foreach_terminal {
    struct operator base;
    const struct terminal *plan;
    struct row_window window;
};

static void foreach_destroy(struct operator* self)
{
    struct foreach_terminal *op = (struct foreach_terminal *)self;
    row_window_drop(&op->window);
    free(op);
}

BARKS_CHECKED static barks_status *call_on(struct foreach_terminal *op, const struct batch *batch,
                                           uint32_t first, uint32_t count)
{
    const barks_function *function = op->plan->step.function;
    struct task *task = op->base.task;
    BARKS_TRY(task_check_cancelled(task));
    row_window_show(&op->window, &batch->base, first);
    barks_call call = {.columns = op->window.bound,
                       .row_count = count,
                       .env = op->plan->step.env,
                       .row_index = BARKS_NO_ROW,
                       .task = &task->info};
    struct calling before = calling_begin(
        (struct calling){.name = function->name,
                         .where = function->where,
                         .first_record = op->base.rows_in - batch->base.row_count + first,
                         .record_count = count,
                         .record = &call.row_index});
    function->foreach (&call);
    calling_end(before);
    if (call.status == NULL)
        return NULL;
    uint32_t row = first + call.row_index;
    uint64_t begin = op->base.rows_in - batch->base.row_count;
    return operator_fail_at_row(
        task, call.status,
        &(struct failed_row){.function = function,
                             .batch = &batch->base,
                             .row = row,
                             .record = call.row_index < call.row_count ? begin + row + 1 : 0});
}

/* Rows of a shuffle come by far more than a batch has elsewhere. */
static barks_status *foreach_push(struct operator* self, struct batch *batch)
{
    uint32_t row_count = batch->base.row_count;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        BARKS_TRY(call_on((struct foreach_terminal *)self, batch, first, count));
    }
    return NULL;
}

static const struct operator_kind foreach_kind = {
    .name = "foreach",
    .push = foreach_push,
    .destroy = foreach_destroy,
};

barks_status *foreach_terminal_create(struct task *task, const barks_record *record,
                                      struct operator** out_operator)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    const barks_function *function = plan->step.function;
    struct foreach_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &foreach_kind, .task = task};
    op->plan = plan;
    barks_status *status = row_window_init(&op->window, &record->schema, &function->in->schema,
                                           function->name, function->where);
    if (status != NULL) {
        foreach_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
