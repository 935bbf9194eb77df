#include "plan/gang_steps.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool pipe_node_is_kept_whole(const struct pipe_node *node)
{
    if (node->kept_at == NULL)
        return false;
    for (uint32_t p = 0; p < node->partition_count; p++)
        if (node->kept_at[p] == 0)
            return false;
    return true;
}

barks_status *pipeline_find_computed(const struct pipeline *pipeline, bool **out_is_computed)
{
    bool *is_computed = calloc((size_t)pipeline->node_count + 1, sizeof *is_computed);
    if (is_computed == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to plan %u steps", pipeline->node_count);
    for (uint32_t i = pipeline->node_count; i-- > 0;) {
        const struct pipe_node *node = &pipeline->nodes[i];
        is_computed[i] |= i + 1 == pipeline->node_count;
        for (uint32_t k = 0;
             k < node->input_count && is_computed[i] && !pipe_node_is_kept_whole(node); k++)
            is_computed[node->inputs[k]] = true;
    }
    *out_is_computed = is_computed;
    return NULL;
}

barks_status *gang_find(struct pipeline *pipeline)
{
    bool *is_computed = NULL;
    BARKS_TRY(pipeline_find_computed(pipeline, &is_computed));
    pipeline->gang = (struct pipeline_gang){0};
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct step *step = &pipeline->nodes[i].step;
        if (!is_computed[i] || !step_is_together(step))
            continue;
        pipeline->gang.is_gang = true;
        pipeline->gang.is_spread |= step->numbers[2] != 0;
    }
    free(is_computed);
    return NULL;
}

barks_status *gang_forget_partly_kept(struct pipeline *pipeline)
{
    bool *is_above = calloc((size_t)pipeline->node_count + 1, sizeof *is_above);
    if (is_above == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to plan %u steps", pipeline->node_count);
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        struct pipe_node *node = &pipeline->nodes[i];
        is_above[i] = step_is_together(&node->step);
        for (uint32_t k = 0; k < node->input_count; k++)
            is_above[i] |= is_above[node->inputs[k]];
        if (!is_above[i] || node->step.kind != STEP_KEEP || node->kept_at == NULL ||
            pipe_node_is_kept_whole(node))
            continue;
        memset(node->kept_at, 0, node->partition_count * sizeof *node->kept_at);
        if (node->copy_at != NULL)
            memset(node->copy_at, 0, node->partition_count * sizeof *node->copy_at);
    }
    free(is_above);
    return NULL;
}

BARKS_CHECKED static barks_status *check_room(const struct pipe_node *node, bool is_spread,
                                              uint32_t worker_count, uint32_t executor_count)
{
    if (node->partition_count > worker_count)
        BARKS_FAIL(BARKS_LIMIT,
                   "%s at %s: its %" PRIu32 " partitions run at once, and there are only %" PRIu32
                   " workers; barks_coalesce or barks_repartition to fewer, or start more",
                   pipe_node_name(node), node->where, node->partition_count, worker_count);
    if (is_spread && node->partition_count > executor_count)
        BARKS_FAIL(BARKS_LIMIT,
                   "%s at %s: its %" PRIu32
                   " partitions run at once on an executor each (.spread), "
                   "and there are only %" PRIu32 "; barks_coalesce or barks_repartition to fewer, "
                   "or start more",
                   pipe_node_name(node), node->where, node->partition_count, executor_count);
    return NULL;
}

barks_status *gang_check(const struct pipeline *pipeline, uint32_t worker_count,
                         uint32_t executor_count)
{
    uint32_t count = pipeline_partition_count(pipeline);
    for (uint32_t i = 0; i < pipeline->node_count && pipeline->gang.is_gang; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        if (!step_is_together(&node->step))
            continue;
        if (node->partition_count != count)
            BARKS_FAIL(BARKS_INVALID,
                       "%s at %s: its %" PRIu32 " partitions run at once, but %" PRIu32
                       " are asked for in one stage with them; barks_repartition after it, or keep "
                       "it (barks_cache, and barks_count)",
                       pipe_node_name(node), node->where, node->partition_count, count);
        BARKS_TRY(check_room(node, pipeline->gang.is_spread, worker_count, executor_count));
    }
    return NULL;
}
