/* Rows of two inputs by equal keys: input 1 is held and looked up, input 0 streams by. */
#include "base/pool.h"
#include "exec/held_side.h"
#include "exec/join_probe.h"

#include <stdlib.h>

struct join_operator {
    struct held_side side;
    struct join_table table;
    bool is_sealed;       /* the table is made: input 1 is complete */
    uint64_t *is_matched; /* right, full: a bit for each row held; from the pool */
    struct join_probe probe;
};

static bool keeps_right(const struct join_operator *op)
{
    return op->probe.kind == JOIN_RIGHT || op->probe.kind == JOIN_FULL;
}

static size_t matched_bytes(const struct join_operator *op)
{
    return ((size_t)op->side.held->base.row_count / 64 + 1) * sizeof(uint64_t);
}

static void let_go(struct join_operator *op)
{
    if (op->is_matched != NULL)
        pool_release(op->side.base.task->services->pool, op->is_matched, matched_bytes(op));
    op->is_matched = NULL;
    join_table_drop(&op->table);
    op->is_sealed = false;
    op->probe.pair_count = 0;
}

static void join_destroy(struct operator* self)
{
    struct join_operator *op = (struct join_operator *)self;
    let_go(op);
    join_probe_drop(&op->probe);
    held_side_drop(&op->side);
    free(op);
}

static barks_status *join_begin_partition(struct operator* self, uint32_t partition)
{
    struct join_operator *op = (struct join_operator *)self;
    let_go(op);
    held_side_begin(&op->side, partition);
    return NULL;
}

BARKS_CHECKED static barks_status *seal(struct join_operator *op)
{
    struct pool *pool = op->side.base.task->services->pool;
    const struct index_list *keys = &op->side.node->step.keys[1];
    void *memory = NULL;
    if (op->is_sealed)
        return NULL;
    BARKS_TRY(join_table_build(&op->table, pool, op->side.held, keys->items, keys->count));
    if (keeps_right(op)) {
        BARKS_TRY(pool_acquire_zeroed(pool, matched_bytes(op), &memory));
        op->is_matched = memory;
    }
    op->probe.table = &op->table;
    op->probe.is_matched = op->is_matched;
    op->is_sealed = true;
    return NULL;
}

static barks_status *stream_left(struct held_side *side, struct batch *left)
{
    struct join_operator *op = (struct join_operator *)side;
    BARKS_TRY(seal(op));
    return join_probe_rows(&op->probe, left);
}

BARKS_CHECKED static barks_status *give_unmatched(struct join_operator *op)
{
    BARKS_TRY(seal(op));
    return join_probe_unmatched(&op->probe);
}

static barks_status *join_end_partition(struct operator* self)
{
    struct join_operator *op = (struct join_operator *)self;
    barks_status *status = keeps_right(op) ? give_unmatched(op) : NULL;
    let_go(op);
    batch_clear(op->side.held);
    return operator_fail_limit(op->side.node, op->side.partition, status);
}

static const struct operator_kind join_kind = {
    .name = "join",
    .begin_partition = join_begin_partition,
    .push_port = held_side_push,
    .end_partition = join_end_partition,
    .destroy = join_destroy,
};

OPERATOR_MAKER(join)
{
    struct held_side *side = NULL;
    BARKS_TRY(held_side_create(sizeof(struct join_operator), &join_kind, task, node, inputs,
                               stream_left, &side));
    join_probe_init(&((struct join_operator *)side)->probe, node, 0, &side->pairs);
    *out_operator = &side->base;
    return NULL;
}
