/* One state of an answer for each partition: in the result as a head and the state's bytes. */
#include "base/scope.h"
#include "exec/operator.h"
#include "exec/partial.h"
#include "exec/result.h"

#include <stdlib.h>

struct partial_terminal {
    struct operator base;
    const struct partial_kind *kind;
    struct partial_options options;
    void *state; /* of the partition that runs */
    uint32_t partition;
    uint64_t partition_rows;
};

static void partial_terminal_destroy(struct operator* self)
{
    struct partial_terminal *op = (struct partial_terminal *)self;
    if (op->kind != NULL)
        partial_destroy(op->kind, op->state);
    free(op);
}

static barks_status *partial_begin(struct operator* self, uint32_t partition)
{
    struct partial_terminal *op = (struct partial_terminal *)self;
    op->partition = partition;
    op->partition_rows = 0;
    partial_destroy(op->kind, op->state);
    op->state = NULL;
    return partial_create(op->kind, &op->options, &op->state);
}

static barks_status *partial_push(struct operator* self, struct batch *batch)
{
    struct partial_terminal *op = (struct partial_terminal *)self;
    op->partition_rows += batch->base.row_count;
    return op->kind->add(op->state, &batch->base);
}

static barks_status *partial_end(struct operator* self)
{
    struct partial_terminal *op = (struct partial_terminal *)self;
    BARKS_AUTO(buffer) bytes = {.limit_bytes = RESULT_BYTES_MAX};
    BARKS_TRY(op->kind->pack(op->state, &bytes));
    return result_add_bytes(self->task->result, op->partition, op->partition_rows, bytes.data,
                            bytes.size_bytes);
}

static const struct operator_kind partial_operator_kind = {
    .name = "partial answer",
    .begin_partition = partial_begin,
    .push = partial_push,
    .end_partition = partial_end,
    .destroy = partial_terminal_destroy,
};

barks_status *partial_terminal_create(struct task *task, const barks_record *record,
                                      struct operator** out_operator)
{
    const struct step *step = &task->spec->pipeline->terminal.step;
    (void)record;
    if (step->text_count == 0 || partial_find(step->texts[0]) == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a partial answer of no kind");
    struct partial_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &partial_operator_kind, .task = task};
    op->kind = partial_find(step->texts[0]);
    op->options = partial_options_of(step);
    *out_operator = &op->base;
    return NULL;
}
