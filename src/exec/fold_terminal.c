/* Folds the rows of each partition into one accumulator for the driver. */
#include "exec/combine_operator.h"
#include "exec/operator.h"
#include "exec/result.h"

#include <stdlib.h>

struct fold_terminal {
    struct operator base;
    const struct terminal *plan;
    struct combine *table;
    struct combine_binding binding;
    uint32_t partition;
    uint64_t partition_rows;
};

static void fold_destroy(struct operator* self)
{
    struct fold_terminal *op = (struct fold_terminal *)self;
    combine_destroy(op->table);
    combine_binding_drop(&op->binding);
    free(op);
}

static barks_status *fold_begin(struct operator* self, uint32_t partition)
{
    struct fold_terminal *op = (struct fold_terminal *)self;
    op->partition = partition;
    op->partition_rows = 0;
    return NULL;
}

static barks_status *fold_push(struct operator* self, struct batch *batch)
{
    struct fold_terminal *op = (struct fold_terminal *)self;
    uint32_t row = 0;
    barks_status *status = combine_add(op->table, batch, &row);
    if (status != NULL && barks_status_code(status) == BARKS_USER_ERROR)
        return operator_fail_at_row(self->task, status,
                                    &(struct failed_row){.function = op->plan->step.function,
                                                         .batch = &batch->base,
                                                         .row = row});
    op->partition_rows += batch->base.row_count;
    return status;
}

static barks_status *send_accumulator(void *context, struct batch *batch)
{
    struct fold_terminal *op = context;
    return result_add(op->base.task->result, op->partition, op->partition_rows, &batch->base);
}

static barks_status *fold_end(struct operator* self)
{
    return combine_drain(((struct fold_terminal *)self)->table, true, send_accumulator, self);
}

static const struct operator_kind fold_kind = {
    .name = "fold",
    .begin_partition = fold_begin,
    .push = fold_push,
    .end_partition = fold_end,
    .destroy = fold_destroy,
};

barks_status *fold_terminal_create(struct task *task, const barks_record *record,
                                   struct operator** out_operator)
{
    struct fold_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &fold_kind, .task = task};
    op->plan = &task->spec->pipeline->terminal;
    struct combine_plan plan = step_combine_plan(&op->plan->step, op->plan->accumulator);
    barks_status *status = combine_open(task, &plan, plan.function, &record->schema,
                                        &(struct combine_limits){0}, &op->binding, &op->table);
    if (status != NULL) {
        fold_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
