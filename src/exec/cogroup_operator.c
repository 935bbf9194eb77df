/* Groups of rows of equal keys, of one to four inputs, each handed to a BARKS_GROUP or
 * BARKS_COGROUP: groups come by ascending keys. Without keys the partition is one group. */
#include "exec/group_caller.h"
#include "exec/group_side.h"
#include "exec/memory_share.h"
#include "exec/operator.h"

#include <stdlib.h>

enum { SIDE_KEYS_MAX = 64 };

struct cogroup_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    uint32_t side_count;
    struct group_side sides[STEP_INPUTS_MAX];
    struct sort_key compared[SIDE_KEYS_MAX]; /* columns 0, 1, ... of views */
    struct group_caller caller;
};

static void cogroup_destroy(struct operator* self)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    for (uint32_t k = 0; k < op->side_count; k++)
        group_side_drop(&op->sides[k]);
    group_caller_drop(&op->caller);
    free(op->base.ports);
    free(op);
}

static barks_status *cogroup_begin_partition(struct operator* self, uint32_t partition)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    op->partition = partition;
    for (uint32_t k = 0; k < op->side_count; k++)
        group_side_clear(&op->sides[k]);
    return NULL;
}

static barks_status *cogroup_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    return operator_fail_limit(op->node, op->partition,
                               sorted_runs_add(&op->sides[port].sorted, batch));
}

static barks_status *cogroup_push(struct operator* self, struct batch *batch)
{
    return cogroup_push_port(self, 0, batch);
}

/* ---- groups ---- */

/* The keys of the next rows of two sides. */
static int compare_next(const struct cogroup_operator *op, const struct group_side *a,
                        const struct group_side *b)
{
    return batch_compare_rows(&a->view, group_side_next_row(a), &b->view, group_side_next_row(b),
                              op->compared, a->keys->count);
}

/* The side whose next row has the smallest keys; NULL: all are at their ends. */
static struct group_side *find_smallest(struct cogroup_operator *op)
{
    struct group_side *smallest = NULL;
    for (uint32_t k = 0; k < op->side_count; k++) {
        struct group_side *side = &op->sides[k];
        if (group_side_has_next(side) && (smallest == NULL || compare_next(op, side, smallest) < 0))
            smallest = side;
    }
    return smallest;
}

/* Begins the next group on each side; false at the end. */
static bool next_group(struct cogroup_operator *op)
{
    const struct group_side *smallest = find_smallest(op);
    uint32_t ends[STEP_INPUTS_MAX];
    if (smallest == NULL)
        return false;
    for (uint32_t k = 0; k < op->side_count; k++) {
        struct group_side *side = &op->sides[k];
        bool has_rows = side == smallest ||
                        (group_side_has_next(side) && compare_next(op, side, smallest) == 0);
        ends[k] = has_rows ? group_side_extent(side, side->end) : side->end;
    }
    for (uint32_t k = 0; k < op->side_count; k++)
        group_side_begin(&op->sides[k], ends[k]);
    return true;
}

BARKS_CHECKED static barks_status *call_group(struct cogroup_operator *op)
{
    struct group_rows sides[STEP_INPUTS_MAX];
    for (uint32_t k = 0; k < op->side_count; k++)
        sides[k] = group_side_rows(&op->sides[k]);
    BARKS_TRY(group_caller_call(&op->caller, sides));
    for (uint32_t k = 0; k < op->side_count; k++)
        BARKS_TRY(group_side_finish(&op->sides[k]));
    return NULL;
}

BARKS_CHECKED static barks_status *call_groups(struct cogroup_operator *op)
{
    if (op->node->step.keys[0].count == 0) {
        for (uint32_t k = 0; k < op->side_count; k++)
            group_side_begin(&op->sides[k], op->sides[k].slice.count);
        BARKS_TRY(call_group(op));
    }
    while (!op->base.task->partition_done && next_group(op))
        BARKS_TRY(call_group(op));
    return group_caller_flush(&op->caller);
}

static barks_status *cogroup_end_partition(struct operator* self)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    barks_status *status = NULL;
    for (uint32_t k = 0; k < op->side_count && status == NULL; k++)
        status = group_side_seal(&op->sides[k]);
    if (status == NULL)
        status = call_groups(op);
    for (uint32_t k = 0; k < op->side_count; k++)
        group_side_clear(&op->sides[k]);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind cogroup_kind = {
    .name = "groups",
    .begin_partition = cogroup_begin_partition,
    .push = cogroup_push,
    .push_port = cogroup_push_port,
    .end_partition = cogroup_end_partition,
    .destroy = cogroup_destroy,
};

/* ---- making it ---- */

BARKS_CHECKED static barks_status *fill_operator(struct cogroup_operator *op,
                                                 const struct operator_inputs *inputs)
{
    if (op->node->step.keys[0].count > SIDE_KEYS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: groups by more than %d keys", op->node->where, SIDE_KEYS_MAX);
    uint64_t share_bytes = memory_share_bytes(op->base.task) / op->side_count;
    for (uint32_t i = 0; i < SIDE_KEYS_MAX; i++)
        op->compared[i].column = i;
    if (op->side_count > 1)
        BARKS_TRY(operator_ports_init(&op->base, op->side_count));
    for (uint32_t k = 0; k < op->side_count; k++)
        BARKS_TRY(group_side_init(&op->sides[k], op->base.task, &op->node->step, k,
                                  inputs->schemas[k], share_bytes, &op->caller));
    return group_caller_init(&op->caller, &op->base, op->node, inputs->schemas, op->side_count);
}

OPERATOR_MAKER(cogroup)
{
    struct cogroup_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &cogroup_kind, .task = task};
    op->node = node;
    op->side_count = inputs->count;
    barks_status *status = fill_operator(op, inputs);
    if (status != NULL) {
        cogroup_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
