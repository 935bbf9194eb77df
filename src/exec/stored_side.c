#include "exec/stored_side.h"

#include "exec/memory_share.h"

#include <stdlib.h>

barks_status *stored_side_create(
    size_t size_bytes, const struct operator_kind *kind, struct task *task,
    const struct pipe_node *node, const struct operator_inputs *inputs, bool is_rewound,
    barks_status *(*stream)(struct stored_side *side, struct batch *left), struct stored_side **out)
{
    struct stored_side *side = calloc(1, size_bytes);
    if (side == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    side->base = (struct operator){.kind = kind, .task = task};
    side->node = node;
    side->stream = stream;
    struct row_merge_options options = {
        .task = task, .schema = inputs->schemas[1], .is_rewound = is_rewound};
    barks_status *status = operator_ports_init(&side->base, 2);
    if (status == NULL)
        status = sorted_runs_init(&side->right, &options, memory_share_bytes(task));
    if (status == NULL)
        status = pair_output_init(&side->pairs, &side->base, node, inputs);
    if (status != NULL) {
        stored_side_drop(side);
        free(side);
        return status;
    }
    *out = side;
    return NULL;
}

void stored_side_drop(struct stored_side *side)
{
    sorted_runs_drop(&side->right);
    pair_output_drop(&side->pairs);
    free(side->base.ports);
}

void stored_side_begin(struct stored_side *side, uint32_t partition)
{
    side->partition = partition;
    side->is_sealed = false;
    side->slice = (struct row_slice){0};
    sorted_runs_clear(&side->right);
}

BARKS_CHECKED static barks_status *stream(struct stored_side *side, struct batch *left)
{
    BARKS_TRY(stored_side_seal(side));
    return side->stream(side, left);
}

barks_status *stored_side_push(struct operator* self, uint32_t port, struct batch *batch)
{
    struct stored_side *side = (struct stored_side *)self;
    barks_status *status = port == 0 ? stream(side, batch) : sorted_runs_add(&side->right, batch);
    return operator_fail_limit(side->node, side->partition, status);
}

barks_status *stored_side_seal(struct stored_side *side)
{
    if (side->is_sealed)
        return NULL;
    side->is_sealed = true;
    BARKS_TRY(sorted_runs_seal(&side->right));
    return stored_side_next(side);
}

barks_status *stored_side_next(struct stored_side *side)
{
    return sorted_runs_next(&side->right, &side->slice);
}

barks_status *stored_side_rewind(struct stored_side *side)
{
    BARKS_TRY(sorted_runs_rewind(&side->right));
    return stored_side_next(side);
}
