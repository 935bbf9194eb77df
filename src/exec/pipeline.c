#include "exec/pipeline.h"

#include "batch/bind.h"
#include "exec/registry.h"
#include "io/commit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void combine_plan_drop(struct combine_plan *plan)
{
    free((void *)(uintptr_t)plan->env);
    free((void *)(uintptr_t)plan->initial);
    free(plan->key_fields);
}

static void pipe_node_drop(struct pipe_node *node)
{
    free(node->inputs);
    free(node->where);
    free(node->env);
    free(node->sort_keys);
    combine_plan_drop(&node->combine);
}

const char *pipe_node_name(const struct pipe_node *node)
{
    return node->function != NULL ? function_kind_name(node->function->kind) : "step";
}

void terminal_drop(struct terminal *terminal)
{
    step_drop(&terminal->step);
    free(terminal->key_columns);
    free(terminal->sort_keys);
    batch_destroy(terminal->splitters);
    free(terminal->owners);
    combine_plan_drop(&terminal->combine);
    free(terminal->env);
    if (terminal->commit != NULL)
        commit_drop(terminal->commit);
    free(terminal->commit);
    *terminal = (struct terminal){0};
}

void pipeline_destroy(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        pipe_node_drop(&pipeline->nodes[i]);
    free(pipeline->nodes);
    terminal_drop(&pipeline->terminal);
    free(pipeline);
}

uint32_t pipeline_partition_count(const struct pipeline *pipeline)
{
    const struct terminal *terminal = &pipeline->terminal;
    if (terminal->end_partition > 0)
        return terminal->end_partition - terminal->first_partition;
    return pipeline->nodes[pipeline->node_count - 1].partition_count;
}

void pipeline_path(const struct pipeline *pipeline, uint32_t partition, uint32_t *out_path,
                   uint32_t *out_length, uint32_t *out_leaf_partition)
{
    uint32_t length = 0;
    uint32_t index = pipeline->node_count - 1;
    partition += pipeline->terminal.first_partition;
    for (;;) {
        const struct pipe_node *node = &pipeline->nodes[index];
        assert(partition < node->partition_count);
        out_path[length++] = index;
        if (node->input_count == 0)
            break;
        uint32_t input = 0;
        while (partition >= pipeline->nodes[node->inputs[input]].partition_count) {
            partition -= pipeline->nodes[node->inputs[input]].partition_count;
            input++;
        }
        index = node->inputs[input];
    }
    for (uint32_t i = 0; i < length / 2; i++) {
        uint32_t swapped = out_path[i];
        out_path[i] = out_path[length - 1 - i];
        out_path[length - 1 - i] = swapped;
    }
    *out_length = length;
    *out_leaf_partition = partition;
}

BARKS_CHECKED static barks_status *check_function(const struct pipe_node *node,
                                                  const struct pipe_node *input)
{
    uint32_t *columns = calloc(node->function->in->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", node->function->name);
    barks_status *status = bind_columns(&input->record->schema, &node->function->in->schema,
                                        node->function->name, node->where, columns);
    free(columns);
    return status;
}

barks_status *pipeline_check(const struct pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        if (node->kind == PIPE_FUNCTION)
            BARKS_TRY(check_function(node, &pipeline->nodes[node->inputs[0]]));
    }
    return NULL;
}
