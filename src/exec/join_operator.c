/* Rows of two inputs by equal keys: input 1 is held and looked up, input 0 streams by. Where input
 * 1 does not fit its share of memory, both go to the disk: spilled_join.h. */
#include "base/pool.h"
#include "exec/held_side.h"
#include "exec/join_probe.h"
#include "exec/memory_share.h"
#include "exec/spilled_join.h"

#include <stdlib.h>

enum { LOOK_EVERY = 4 }; /* batches that are held before the share is looked at again */

struct join_operator {
    struct held_side side;
    struct join_table table;
    bool is_sealed;       /* the table is made: input 1 is complete */
    uint64_t *is_matched; /* right, full: a bit for each row held; from the pool */
    struct join_probe probe;
    uint32_t held_count;          /* batches */
    struct spilled_join *spilled; /* what the partition has become, or NULL; owned */
};

static bool keeps_right(const struct join_operator *op)
{
    return op->probe.kind == JOIN_RIGHT || op->probe.kind == JOIN_FULL;
}

static size_t matched_bytes(const struct join_operator *op)
{
    return ((size_t)op->side.held->base.row_count / 64 + 1) * sizeof(uint64_t);
}

static void drop_table(struct join_operator *op)
{
    if (op->is_matched != NULL)
        pool_release(op->side.base.task->services->pool, op->is_matched, matched_bytes(op));
    op->is_matched = NULL;
    join_table_drop(&op->table);
    op->is_sealed = false;
}

static void let_go(struct join_operator *op)
{
    drop_table(op);
    op->probe.pair_count = 0;
    op->held_count = 0;
    spilled_join_destroy(op->spilled);
    op->spilled = NULL;
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

/* ---- going to the disk ---- */

BARKS_CHECKED static barks_status *deal_held(struct join_operator *op)
{
    struct held_side *side = &op->side;
    BARKS_TRY(spilled_join_create(side->base.task, side->node, &side->pairs, &op->spilled));
    return spilled_join_add_right(op->spilled, side->held);
}

/* What was held gives its memory back. */
BARKS_CHECKED static barks_status *spill(struct join_operator *op)
{
    struct batch *held = op->side.held, *empty = NULL;
    drop_table(op);
    BARKS_TRY(batch_create(held->pool, held->base.schema, 0, &empty));
    barks_status *status = deal_held(op);
    op->side.held = empty;
    batch_destroy(held);
    return status;
}

/* The same where the pool has refused; another failure stays one. Takes status. */
BARKS_CHECKED static barks_status *spill_for_memory(struct join_operator *op, barks_status *status)
{
    if (barks_status_code(status) != BARKS_LIMIT)
        return status;
    barks_status_free(status);
    return spill(op);
}

/* Of the share, what piles take while they are filled (piles_init). */
static uint64_t dealing_bytes(const struct join_operator *op)
{
    return memory_share_bytes(op->side.base.task) / 4;
}

static bool is_past_share(const struct join_operator *op)
{
    const struct batch *held = op->side.held;
    return batch_memory_bytes(held) + (uint64_t)held->base.row_count * JOIN_TABLE_ROW_BYTES +
               dealing_bytes(op) >
           memory_share_bytes(op->side.base.task);
}

/* What is needed to put rows on disk can hardly be had, also of others: it must not be waited until
 * there is none. */
static bool is_short_of_memory(const struct join_operator *op)
{
    struct pool *pool = op->side.base.task->services->pool;
    uint64_t needed_bytes = dealing_bytes(op);
    if (!pool_is_tight(pool) || batch_memory_bytes(op->side.held) < needed_bytes / 4)
        return false; /* so little would not help */
    pool_make_room(pool, needed_bytes);
    return pool_used_bytes(pool) + needed_bytes > pool_budget_bytes(pool);
}

static bool wants_to_spill(struct join_operator *op)
{
    return (++op->held_count % LOOK_EVERY == 0 && is_past_share(op)) || is_short_of_memory(op);
}

/* ---- the right ---- */

BARKS_CHECKED static barks_status *hold(struct join_operator *op, const struct batch *batch)
{
    barks_status *status = NULL;
    if (op->spilled == NULL) {
        status = batch_append(op->side.held, batch, 0, batch->base.row_count, BATCH_KEEP);
        if (status == NULL)
            return wants_to_spill(op) ? spill(op) : NULL;
        BARKS_TRY(spill_for_memory(op, status));
    }
    return spilled_join_add_right(op->spilled, batch);
}

BARKS_CHECKED static barks_status *make_table(struct join_operator *op)
{
    struct pool *pool = op->side.base.task->services->pool;
    const struct index_list *keys = &op->side.node->step.keys[1];
    void *memory = NULL;
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

/* The right is complete: it has a table, or is on the disk. */
BARKS_CHECKED static barks_status *seal(struct join_operator *op)
{
    if (op->is_sealed || op->spilled != NULL)
        return NULL;
    barks_status *status = make_table(op);
    return status == NULL ? NULL : spill_for_memory(op, status);
}

/* ---- the left, and the end ---- */

static barks_status *stream_left(struct held_side *side, struct batch *left)
{
    struct join_operator *op = (struct join_operator *)side;
    BARKS_TRY(seal(op));
    return op->spilled != NULL ? spilled_join_add_left(op->spilled, left)
                               : join_probe_rows(&op->probe, left);
}

static barks_status *join_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct join_operator *op = (struct join_operator *)self;
    if (port == 0)
        return held_side_push(self, port, batch);
    return operator_fail_limit(op->side.node, op->side.partition, hold(op, batch));
}

BARKS_CHECKED static barks_status *give_rest(struct join_operator *op)
{
    if (keeps_right(op))
        BARKS_TRY(seal(op));
    if (op->spilled != NULL)
        return spilled_join_give(op->spilled);
    return keeps_right(op) ? join_probe_unmatched(&op->probe) : NULL;
}

static barks_status *join_end_partition(struct operator* self)
{
    struct join_operator *op = (struct join_operator *)self;
    barks_status *status = give_rest(op);
    let_go(op);
    batch_clear(op->side.held);
    return operator_fail_limit(op->side.node, op->side.partition, status);
}

static const struct operator_kind join_kind = {
    .name = "join",
    .begin_partition = join_begin_partition,
    .push_port = join_push_port,
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
