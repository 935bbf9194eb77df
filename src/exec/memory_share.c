#include "exec/memory_share.h"

#include "base/pool.h"
#include "exec/operator.h"

static bool holds_rows(enum step_kind kind)
{
    return kind == STEP_COMBINE || kind == STEP_SORT || kind == STEP_GROUP || kind == STEP_GLOM ||
           kind == STEP_PAIR || kind == STEP_JOIN || kind == STEP_COGROUP || kind == STEP_CROSS ||
           kind == STEP_WINDOWS;
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
