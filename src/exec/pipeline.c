#include "exec/pipeline.h"

#include "batch/bind.h"
#include "exec/registry.h"
#include "io/commit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct combine_plan step_combine_plan(const struct step *step, const barks_record *accumulator)
{
    return (struct combine_plan){
        .function = step->function,
        .env = step->env,
        .initial = step->initial,
        .reduce_begins_with_initial = step->numbers[1] != 0,
        .accumulator = accumulator,
        .key_fields = step->keys[0].items,
        .key_count = step->keys[0].count,
    };
}

static void pipe_node_drop(struct pipe_node *node)
{
    step_drop(&node->step);
    free(node->inputs);
    free(node->where);
    free(node->kept_at);
    free(node->copy_at);
}

const char *pipe_node_name(const struct pipe_node *node)
{
    return node->step.kind == STEP_FUNCTION ? function_kind_name(node->step.function->kind)
                                            : step_kind_name(node->step.kind);
}

void terminal_drop(struct terminal *terminal)
{
    step_drop(&terminal->step);
    free(terminal->key_columns);
    free(terminal->sort_keys);
    batch_destroy(terminal->splitters);
    hot_list_drop(&terminal->hot_keys);
    key_filter_drop(&terminal->filter);
    free(terminal->owners);
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

/* ---- the walk ---- */

struct pipe_place pipeline_root(const struct pipeline *pipeline, uint32_t partition)
{
    return (struct pipe_place){.node = pipeline->node_count - 1,
                               .partition = partition + pipeline->terminal.first_partition};
}

bool pipeline_is_leaf(const struct pipeline *pipeline, struct pipe_place place)
{
    const struct pipe_node *node = &pipeline->nodes[place.node];
    return step_is_leaf(node->step.kind) ||
           (node->kept_at != NULL && node->kept_at[place.partition] != 0);
}

/* Partitions one after another: which input has partition `partition`, and as which of its own. */
static struct pipe_place source_in_row(const struct pipeline *pipeline,
                                       const struct pipe_node *node, uint32_t partition)
{
    uint32_t input = 0;
    while (partition >= pipeline->nodes[node->inputs[input]].partition_count) {
        partition -= pipeline->nodes[node->inputs[input]].partition_count;
        input++;
    }
    return (struct pipe_place){.node = node->inputs[input], .partition = partition};
}

bool pipeline_source(const struct pipeline *pipeline, struct pipe_place of, uint32_t index,
                     struct pipe_place *out_source)
{
    const struct pipe_node *node = &pipeline->nodes[of.node];
    assert(of.partition < node->partition_count);
    if (pipeline_is_leaf(pipeline, of))
        return false;
    if (node->step.kind == STEP_UNION && node->step.numbers[0] == 0) {
        if (index == 0)
            *out_source = source_in_row(pipeline, node, of.partition);
        return index == 0;
    }
    const uint32_t *list = node->step.columns[0].items;
    if (node->step.kind == STEP_COALESCE) {
        *out_source =
            (struct pipe_place){.node = node->inputs[0], .partition = list[of.partition] + index};
        return out_source->partition < list[of.partition + 1];
    }
    if (node->step.kind == STEP_LOOKUP && index == 0)
        index = (uint32_t)node->step.numbers[1];
    else if (node->step.kind == STEP_LOOKUP)
        return false;
    if (index >= node->input_count)
        return false;
    *out_source = (struct pipe_place){.node = node->inputs[index], .partition = of.partition};
    if (node->step.kind == STEP_PICK)
        out_source->partition = list[of.partition];
    return true;
}

struct walk_step {
    struct pipe_place place;
    uint32_t next_source;
};

barks_status *pipeline_visit_leaves(const struct pipeline *pipeline, struct pipe_place root,
                                    barks_status *(*visit)(void *context, struct pipe_place leaf),
                                    void *context)
{
    /* Each step comes after its inputs, so no way down is longer than there are steps. */
    struct walk_step *stack = calloc(pipeline->node_count, sizeof *stack);
    if (stack == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to walk %u steps", pipeline->node_count);
    barks_status *status = NULL;
    uint32_t depth = 0;
    stack[depth++] = (struct walk_step){.place = root};
    while (depth > 0 && status == NULL) {
        struct walk_step *top = &stack[depth - 1];
        struct pipe_place source = {0};
        if (pipeline_is_leaf(pipeline, top->place))
            status = visit(context, top->place);
        else if (pipeline_source(pipeline, top->place, top->next_source, &source)) {
            top->next_source++;
            stack[depth++] = (struct walk_step){.place = source};
            continue;
        }
        depth--;
    }
    free(stack);
    return status;
}

BARKS_CHECKED static barks_status *check_function(const struct pipe_node *node,
                                                  const struct pipe_node *input)
{
    uint32_t *columns = calloc(node->step.function->in->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", node->step.function->name);
    barks_status *status = bind_columns(&input->record->schema, &node->step.function->in->schema,
                                        node->step.function->name, node->where, columns);
    free(columns);
    return status;
}

/* Steps call each other, each with a frame or two on the stack of the worker. */
BARKS_CHECKED static barks_status *check_depth(const struct pipeline *pipeline)
{
    barks_status *status = NULL;
    uint32_t *depths = calloc((size_t)pipeline->node_count + 1, sizeof *depths);
    if (depths == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to plan %u steps", pipeline->node_count);
    for (uint32_t i = 0; i < pipeline->node_count && status == NULL; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        for (uint32_t k = 0; k < node->input_count; k++)
            if (depths[node->inputs[k]] >= depths[i])
                depths[i] = depths[node->inputs[k]] + 1;
        if (depths[i] > PIPELINE_DEPTH_MAX)
            status = barks_status_new(BARKS_LIMIT, NULL, node->where,
                                      "more than %d steps one after another without an exchange; "
                                      "put one in between (barks_repartition)",
                                      PIPELINE_DEPTH_MAX);
    }
    free(depths);
    return status;
}

barks_status *pipeline_check(const struct pipeline *pipeline)
{
    BARKS_TRY(check_depth(pipeline));
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        if (node->step.kind == STEP_FUNCTION && node->step.function->in != NULL)
            BARKS_TRY(check_function(node, &pipeline->nodes[node->inputs[0]]));
    }
    return NULL;
}
