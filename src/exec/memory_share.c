#include "exec/memory_share.h"

#include "base/pool.h"
#include "exec/operator.h"

/* A block of strings that is begun, and another of what they become. */
static const uint64_t spare_bytes_max = UINT64_C(8) << 20;

static bool holds_rows(enum step_kind kind)
{
    return kind == STEP_COMBINE || kind == STEP_SORT || kind == STEP_GROUP || kind == STEP_GLOM ||
           kind == STEP_PAIR || kind == STEP_JOIN || kind == STEP_COGROUP || kind == STEP_CROSS ||
           kind == STEP_WINDOWS || kind == STEP_INDEX;
}

uint64_t memory_share_bytes(const struct task *task)
{
    const struct pipeline *pipeline = task->spec->pipeline;
    uint64_t holder_count = 0;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        holder_count += holds_rows(pipeline->nodes[i].step.kind);
    uint64_t worker_bytes =
        pool_budget_bytes(task->services->pool) / 2 / task->services->worker_count;
    return worker_bytes / (holder_count > 0 ? holder_count : 1);
}

static uint64_t bytes_to_add(const struct pool *pool, const struct batch *batch)
{
    uint64_t spare_bytes = pool_budget_bytes(pool) / 8;
    return (spare_bytes < spare_bytes_max ? spare_bytes : spare_bytes_max) + batch_bytes(batch);
}

bool memory_claim(const struct task *task, const struct batch *batch)
{
    struct pool *pool = task->services->pool;
    return pool_claim(pool, bytes_to_add(pool, batch));
}

barks_status *memory_check_room(const struct task *task, const struct batch *batch)
{
    struct pool *pool = task->services->pool;
    uint64_t bytes = bytes_to_add(pool, batch);
    BARKS_TRY(pool_reserve(pool, bytes));
    pool_unreserve(pool, bytes);
    return NULL;
}

void memory_unclaim(const struct task *task) { pool_unclaim(task->services->pool); }
