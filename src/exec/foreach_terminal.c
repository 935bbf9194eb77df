/* Calls a function on each row, or batch, for its side effects. */
#include "base/calling.h"
#include "batch/bind.h"
#include "exec/operator.h"

#include <stdlib.h>

struct foreach_terminal {
    struct operator base;
    const struct terminal *plan;
    uint32_t *columns;
    const barks_column **bound;
};

static void foreach_destroy(struct operator* self)
{
    struct foreach_terminal *op = (struct foreach_terminal *)self;
    free(op->columns);
    free(op->bound);
    free(op);
}

static barks_status *foreach_push(struct operator* self, struct batch *batch)
{
    struct foreach_terminal *op = (struct foreach_terminal *)self;
    const barks_function *function = op->plan->step.function;
    for (uint32_t i = 0; i < function->in->schema.field_count; i++)
        op->bound[i] = &batch->base.columns[op->columns[i]];
    barks_call call = {.columns = op->bound,
                       .row_count = batch->base.row_count,
                       .env = op->plan->step.env,
                       .row_index = BARKS_NO_ROW,
                       .task = &self->task->info};
    struct calling before =
        calling_begin((struct calling){.name = function->name,
                                       .where = function->where,
                                       .first_record = self->rows_in - batch->base.row_count,
                                       .record_count = batch->base.row_count,
                                       .record = &call.row_index});
    function->foreach (&call);
    calling_end(before);
    if (call.status == NULL)
        return NULL;
    uint64_t begin = self->rows_in - batch->base.row_count;
    return operator_fail_at_row(self->task, call.status,
                                &(struct failed_row){.function = function,
                                                     .batch = &batch->base,
                                                     .row = call.row_index,
                                                     .record = call.row_index < call.row_count
                                                                   ? begin + call.row_index + 1
                                                                   : 0});
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
    uint32_t field_count = plan->step.function->in->schema.field_count;
    struct foreach_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &foreach_kind, .task = task};
    op->plan = plan;
    op->columns = calloc(field_count + 1, sizeof *op->columns);
    op->bound = calloc(field_count + 1, sizeof *op->bound);
    barks_status *status = NULL;
    if (op->columns == NULL || op->bound == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the columns of '%s'", plan->step.function->name);
    if (status == NULL)
        status = bind_columns(&record->schema, &plan->step.function->in->schema,
                              plan->step.function->name, plan->step.function->where, op->columns);
    if (status != NULL) {
        foreach_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
