/* Passes rows on and keeps a copy of them, so that later jobs read the partition here. */
#include "exec/operator.h"
#include "store/kept.h"

#include <stdlib.h>

struct keep_operator {
    struct operator base;
    const struct pipe_node *node;
    struct kept_writer *writer; /* of the partition that runs; NULL: it is not kept */
};

static void keep_destroy(struct operator* self)
{
    struct keep_operator *op = (struct keep_operator *)self;
    barks_status *status = kept_end(op->writer, false);
    barks_status_free(status); /* nothing is kept of it */
    free(op);
}

static barks_status *keep_begin(struct operator* self, uint32_t partition)
{
    struct keep_operator *op = (struct keep_operator *)self;
    const struct step *step = &op->node->step;
    struct kept_name name = {.dataset = (uint64_t)step->numbers[0], .partition = partition};
    if (step->columns[0].count > 0)
        name.partition = step->columns[0].items[partition];
    if (step->numbers[1] == 0) /* it was, and is no longer, to be kept */
        return NULL;
    return kept_begin(self->task->services->kept, name, (unsigned)step->numbers[1],
                      &op->node->record->schema, &op->writer);
}

static barks_status *keep_push(struct operator* self, struct batch *batch)
{
    struct keep_operator *op = (struct keep_operator *)self;
    if (op->writer != NULL)
        BARKS_TRY_DOING(kept_add(op->writer, batch), "keep rows at %s", op->node->where);
    return operator_push(self->next, batch);
}

/* A partition that was left early, because an action had enough, is not kept. */
static barks_status *keep_end(struct operator* self)
{
    struct keep_operator *op = (struct keep_operator *)self;
    struct kept_writer *writer = op->writer;
    op->writer = NULL;
    BARKS_TRY_DOING(kept_end(writer, !self->task->partition_done), "keep rows at %s",
                    op->node->where);
    return NULL;
}

static const struct operator_kind keep_kind = {
    .name = "keep",
    .begin_partition = keep_begin,
    .push = keep_push,
    .end_partition = keep_end,
    .destroy = keep_destroy,
};

OPERATOR_MAKER(keep)
{
    (void)inputs;
    struct keep_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &keep_kind, .task = task};
    op->node = node;
    *out_operator = &op->base;
    return NULL;
}
