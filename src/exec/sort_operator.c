/* Holds the rows of a partition, in memory or as runs on disk, and gives them on in order. */
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "exec/sorted_runs.h"

#include <stdlib.h>

struct sort_operator {
    struct operator base;
    struct sorted_runs sorted;
};

static void sort_destroy(struct operator* self)
{
    sorted_runs_drop(&((struct sort_operator *)self)->sorted);
    free(self);
}

static barks_status *sort_push(struct operator* self, struct batch *batch)
{
    return sorted_runs_add(&((struct sort_operator *)self)->sorted, batch);
}

static barks_status *give(void *context, struct batch *batch)
{
    return operator_push(((struct sort_operator *)context)->base.next, batch);
}

static barks_status *sort_end_partition(struct operator* self)
{
    return sorted_runs_give(&((struct sort_operator *)self)->sorted, give, self);
}

static const struct operator_kind sort_kind = {
    .name = "sort",
    .push = sort_push,
    .end_partition = sort_end_partition,
    .destroy = sort_destroy,
};

OPERATOR_MAKER(sort)
{
    (void)inputs;
    const struct step *step = &node->step;
    struct sort_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &sort_kind, .task = task};
    struct row_merge_options options = {
        .task = task,
        .schema = &node->record->schema,
        .order = step->function != NULL
                     ? order_of_function(step)
                     : (struct row_order){.keys = step->order, .key_count = step->order_count}};
    barks_status *status = sorted_runs_init(&op->sorted, &options, memory_share_bytes(task));
    if (status != NULL) {
        sort_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
