#include "exec/held_side.h"

#include <stdlib.h>

barks_status *held_side_create(size_t size_bytes, const struct operator_kind *kind,
                               struct task *task, const struct pipe_node *node,
                               const struct operator_inputs *inputs,
                               barks_status *(*stream)(struct held_side *side, struct batch *left),
                               struct held_side **out)
{
    struct held_side *side = calloc(1, size_bytes);
    if (side == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    side->base = (struct operator){.kind = kind, .task = task};
    side->node = node;
    side->stream = stream;
    barks_status *status = operator_ports_init(&side->base, 2);
    if (status == NULL)
        status = batch_create(task->services->pool, inputs->schemas[1], BATCH_ROWS, &side->held);
    if (status == NULL)
        status = pair_output_init(&side->pairs, &side->base, node, inputs);
    if (status != NULL) {
        held_side_drop(side);
        free(side);
        return status;
    }
    *out = side;
    return NULL;
}

void held_side_drop(struct held_side *side)
{
    batch_destroy(side->held);
    pair_output_drop(&side->pairs);
    free(side->base.ports);
}

void held_side_begin(struct held_side *side, uint32_t partition)
{
    side->partition = partition;
    batch_clear(side->held);
}

barks_status *held_side_push(struct operator* self, uint32_t port, struct batch *batch)
{
    struct held_side *side = (struct held_side *)self;
    barks_status *status =
        port == 0 ? side->stream(side, batch)
                  : batch_append(side->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(side->node, side->partition, status);
}
