#include "plan/stage_cut.h"

#include "base/buffer.h"
#include "base/copy.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "io/split.h"

#include <stdlib.h>
#include <string.h>

/* Nodes are visited depth first with a stack of our own: a chain of many thousand steps is legal.
 */
struct visit {
    struct node *node;
    uint32_t next_input;
};

struct cut {
    const struct cut_options *options;
    struct job_plan *plan;
    bool takes_frames;
    uint32_t *
        stage_of; /* by node id, of wide nodes: index of the stage that fills its shuffle, plus 1 */
};

/* Nodes reachable from root, inputs before consumers; through wide nodes too when whole. Owned by
 * the caller. */
BARKS_CHECKED static barks_status *topological(struct node *root, uint32_t node_count, bool whole,
                                               struct node ***out_nodes, uint32_t *out_count)
{
    struct visit *stack = calloc((size_t)node_count + 1, sizeof *stack);
    struct node **order = calloc((size_t)node_count + 1, sizeof *order);
    bool *seen = calloc((size_t)node_count + 1, sizeof *seen);
    if (stack == NULL || order == NULL || seen == NULL) {
        free(stack);
        free(order);
        free(seen);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to plan %u steps", node_count);
    }
    uint32_t depth = 0, count = 0;
    stack[depth++] = (struct visit){.node = root};
    seen[root->id] = true;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        bool goes_on = whole || !node_is_wide(top->node);
        if (!goes_on || top->next_input == top->node->input_count) {
            order[count++] = top->node;
            depth--;
            continue;
        }
        struct node *input = top->node->inputs[top->next_input++];
        if (!seen[input->id]) {
            seen[input->id] = true;
            stack[depth++] = (struct visit){.node = input};
        }
    }
    free(stack);
    free(seen);
    *out_nodes = order;
    *out_count = count;
    return NULL;
}

/* ---- one stage ---- */

BARKS_CHECKED static barks_status *
copy_combine(const struct node *node, const barks_function *function, struct combine_plan *out)
{
    *out = (struct combine_plan){
        .function = function, .accumulator = node->record, .key_count = node->key_count};
    BARKS_TRY(copy_bytes(node->key_fields, node->key_count * sizeof(uint32_t),
                         (void **)&out->key_fields));
    void *env = NULL, *initial = NULL;
    if (function != NULL && node->env != NULL)
        BARKS_TRY(copy_bytes(node->env, function->env_size, &env));
    out->env = env;
    if (node->initial != NULL)
        BARKS_TRY(copy_bytes(node->initial, node->record->size, &initial));
    out->initial = initial;
    return NULL;
}

/* The pipe node (for wide nodes the second of two) of a node; its inputs are already there. */
BARKS_CHECKED static barks_status *fill_pipe_node(const struct node *node, const uint32_t *index_of,
                                                  struct pipe_node *out)
{
    static const enum pipe_kind kinds[] = {
        [NODE_TEXT] = PIPE_TEXT,   [NODE_ROWS] = PIPE_ROWS,         [NODE_FUNCTION] = PIPE_FUNCTION,
        [NODE_UNION] = PIPE_UNION, [NODE_AGGREGATE] = PIPE_COMBINE, [NODE_SORT] = PIPE_SORT};
    *out = (struct pipe_node){
        .kind = kinds[node->kind],
        .partition_count = node->partition_count,
        .record = node->record,
        .function = node->kind == NODE_FUNCTION ? node->function : NULL,
        .sort_key_count = node->sort_key_count,
    };
    BARKS_TRY(copy_text(node->where, &out->where));
    if (node->kind == NODE_AGGREGATE)
        BARKS_TRY(copy_combine(node, node->merge, &out->combine));
    if (node->kind == NODE_SORT)
        BARKS_TRY(copy_bytes(node->sort_keys, node->sort_key_count * sizeof *node->sort_keys,
                             (void **)&out->sort_keys));
    if (node->kind == NODE_FUNCTION && node->env != NULL)
        BARKS_TRY(copy_bytes(node->env, node->function->env_size, &out->env));
    if (node_is_wide(node))
        return NULL; /* its input is its shuffle's node, set by who added that */
    BARKS_TRY(copy_bytes(NULL, (node->input_count + 1) * sizeof(uint32_t), (void **)&out->inputs));
    for (uint32_t i = 0; i < node->input_count; i++)
        out->inputs[i] = index_of[node->inputs[i]->id];
    out->input_count = node->input_count;
    return NULL;
}

BARKS_CHECKED static barks_status *add_shuffle_read(const struct cut *cut, const struct node *node,
                                                    struct stage_plan *stage)
{
    struct pipe_node *read = &stage->pipeline->nodes[stage->pipeline->node_count++];
    *read = (struct pipe_node){
        .kind = PIPE_SHUFFLE,
        .partition_count = node->partition_count,
        .record = node->record,
        .shuffle = node->shuffle,
        .take_frames = cut->takes_frames,
    };
    stage->parent_of[stage->pipeline->node_count - 1] = cut->stage_of[node->id] - 1;
    return copy_text(node->where, &read->where);
}

BARKS_CHECKED static barks_status *add_node(const struct cut *cut, const struct node *node,
                                            struct stage_plan *stage, uint32_t *index_of)
{
    struct pipeline *pipeline = stage->pipeline;
    if (node_is_wide(node))
        BARKS_TRY(add_shuffle_read(cut, node, stage));
    uint32_t index = pipeline->node_count++;
    struct pipe_node *pipe_node = &pipeline->nodes[index];
    BARKS_TRY(fill_pipe_node(node, index_of, pipe_node));
    if (node_is_wide(node)) {
        BARKS_TRY(copy_bytes(NULL, sizeof(uint32_t), (void **)&pipe_node->inputs));
        pipe_node->inputs[0] = index - 1;
        pipe_node->input_count = 1;
    }
    if (node->kind == NODE_TEXT || node->kind == NODE_ROWS)
        stage->leaves[index] = node;
    index_of[node->id] = index;
    return NULL;
}

/* Where in the stage each shuffle is read: its partition 0, once for each way that leads to it. */
BARKS_CHECKED static barks_status *find_inputs(struct stage_plan *stage)
{
    uint32_t partition_count = pipeline_partition_count(stage->pipeline);
    uint32_t *path = calloc(stage->pipeline->node_count, sizeof *path);
    stage->inputs = calloc((size_t)partition_count + 1, sizeof *stage->inputs);
    if (path == NULL || stage->inputs == NULL) {
        free(path);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the inputs of a stage");
    }
    for (uint32_t p = 0; p < partition_count; p++) {
        uint32_t length = 0, leaf_partition = 0;
        pipeline_path(stage->pipeline, p, path, &length, &leaf_partition);
        if (stage->pipeline->nodes[path[0]].kind == PIPE_SHUFFLE && leaf_partition == 0)
            stage->inputs[stage->input_count++] =
                (struct stage_input){.parent = stage->parent_of[path[0]],
                                     .kind = INPUT_PARTITIONS,
                                     .first_partition = p};
    }
    free(path);
    return NULL;
}

BARKS_CHECKED static barks_status *fill_stage(struct cut *cut, struct node *last,
                                              struct terminal *terminal, struct stage_plan *stage)
{
    struct node **nodes = NULL;
    uint32_t count = 0;
    BARKS_TRY(topological(last, cut->options->node_count, false, &nodes, &count));
    uint32_t *index_of = calloc((size_t)cut->options->node_count + 1, sizeof *index_of);
    stage->pipeline = calloc(1, sizeof *stage->pipeline);
    stage->leaves = calloc((size_t)2 * count, sizeof *stage->leaves);
    stage->parent_of = calloc((size_t)2 * count, sizeof *stage->parent_of);
    barks_status *status = NULL;
    if (stage->pipeline != NULL) {
        stage->pipeline->terminal = *terminal;
        *terminal = (struct terminal){0};
        stage->pipeline->stage = (*cut->options->next_id)++;
        stage->pipeline->nodes = calloc((size_t)2 * count, sizeof *stage->pipeline->nodes);
    }
    if (index_of == NULL || stage->leaves == NULL || stage->parent_of == NULL ||
        stage->pipeline == NULL || stage->pipeline->nodes == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for a stage of %u steps", count);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        status = add_node(cut, nodes[i], stage, index_of);
    free(nodes);
    free(index_of);
    return status != NULL ? status : find_inputs(stage);
}

/* ---- the job ---- */

/* The terminal of the stage that fills the shuffle of a wide node. */
BARKS_CHECKED static barks_status *shuffle_terminal(struct cut *cut, struct node *node,
                                                    struct terminal *out)
{
    node->shuffle = (*cut->options->next_id)++;
    *out = (struct terminal){
        .kind = TERMINAL_SHUFFLE,
        .shuffle = node->shuffle,
        .partition_count = node->partition_count,
        .partitioner = node->kind == NODE_SORT ? PARTITION_RANGE : PARTITION_HASH,
        .has_combine = node->kind == NODE_AGGREGATE,
        .key_count = node->key_count,
        .sort_key_count = node->sort_key_count,
    };
    if (node->kind == NODE_AGGREGATE) {
        BARKS_TRY(copy_bytes(node->key_fields, node->key_count * sizeof(uint32_t),
                             (void **)&out->key_columns));
        return copy_combine(node, node->function, &out->combine);
    }
    BARKS_TRY(copy_bytes(node->sort_keys, node->sort_key_count * sizeof *node->sort_keys,
                         (void **)&out->sort_keys));
    BARKS_TRY(batch_create(node->splitters->pool, &node->record->schema,
                           node->splitters->base.row_count + 1, &out->splitters));
    return batch_append(out->splitters, node->splitters, 0, node->splitters->base.row_count,
                        BATCH_COPY);
}

BARKS_CHECKED static barks_status *cut_exchange(struct cut *cut, struct node *node)
{
    struct terminal terminal = {0};
    barks_status *status = shuffle_terminal(cut, node, &terminal);
    if (status == NULL) {
        struct stage_plan *stage = &cut->plan->stages[cut->plan->stage_count++];
        stage->exchange = node;
        status = fill_stage(cut, node->inputs[0], &terminal, stage);
        cut->stage_of[node->id] = cut->plan->stage_count;
    }
    terminal_drop(&terminal);
    return status;
}

/* A shuffle whose rows are read once may be freed while it is read. Anything that two steps read
 * makes it unsure. */
static bool has_shared_step(struct node **order, uint32_t count, bool *seen)
{
    bool is_shared = false;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < order[i]->input_count; k++) {
            is_shared |= seen[order[i]->inputs[k]->id];
            seen[order[i]->inputs[k]->id] = true;
        }
    return is_shared;
}

BARKS_CHECKED static barks_status *cut_all(struct cut *cut, struct node **order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (node_is_wide(order[i]))
            BARKS_TRY(cut_exchange(cut, order[i]));
    return fill_stage(cut, order[count - 1], cut->options->terminal,
                      &cut->plan->stages[cut->plan->stage_count++]);
}

barks_status *stage_cut(struct node *node, const struct cut_options *options,
                        struct job_plan *out_plan)
{
    struct node **order = NULL;
    uint32_t count = 0;
    *out_plan = (struct job_plan){0};
    struct cut cut = {.options = options, .plan = out_plan};
    barks_status *status = topological(node, options->node_count, true, &order, &count);
    if (status != NULL)
        return status;
    bool *seen = calloc((size_t)options->node_count + 1, sizeof *seen);
    cut.stage_of = calloc((size_t)options->node_count + 1, sizeof *cut.stage_of);
    out_plan->stages = calloc((size_t)count + 1, sizeof *out_plan->stages);
    if (seen == NULL || cut.stage_of == NULL || out_plan->stages == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to plan %u steps",
                                  count);
    if (status == NULL) {
        cut.takes_frames = !has_shared_step(order, count, seen);
        status = cut_all(&cut, order, count);
    }
    free(order);
    free(seen);
    free(cut.stage_of);
    if (status != NULL)
        job_plan_drop(out_plan);
    return status;
}

void job_plan_drop(struct job_plan *plan)
{
    for (uint32_t i = 0; i < plan->stage_count; i++) {
        pipeline_destroy(plan->stages[i].pipeline);
        free(plan->stages[i].leaves);
        free(plan->stages[i].parent_of);
        free(plan->stages[i].inputs);
    }
    free(plan->stages);
    *plan = (struct job_plan){0};
}

struct node *find_unsampled_sort(struct node *node, uint32_t node_count, barks_status **out_status)
{
    struct node **order = NULL;
    struct node *found = NULL;
    uint32_t count = 0;
    *out_status = topological(node, node_count, true, &order, &count);
    for (uint32_t i = 0; i < count && found == NULL; i++)
        if (order[i]->kind == NODE_SORT && order[i]->splitters == NULL)
            found = order[i];
    free(order);
    return found;
}

/* ---- what tasks are sent ---- */

/* Rows [i * n / p, (i + 1) * n / p) of an array are partition i. */
static void rows_of_partition(const struct node *node, uint32_t partition, uint32_t *out_first,
                              uint32_t *out_count)
{
    uint64_t rows = node->rows->base.row_count;
    uint64_t first = rows * partition / node->partition_count;
    *out_first = (uint32_t)first;
    *out_count = (uint32_t)(rows * (partition + (uint64_t)1) / node->partition_count - first);
}

static const struct node *leaf_of(const struct stage_plan *stage, uint32_t partition,
                                  uint32_t *path, uint32_t *out_leaf_partition)
{
    uint32_t length = 0;
    pipeline_path(stage->pipeline, partition, path, &length, out_leaf_partition);
    return stage->leaves[path[0]];
}

uint64_t stage_weight(const struct stage_plan *stage, uint32_t partition)
{
    uint32_t *path = calloc(stage->pipeline->node_count, sizeof *path);
    if (path == NULL)
        return 1; /* weights only balance */
    uint32_t leaf_partition = 0, first = 0, row_count = 0;
    const struct node *leaf = leaf_of(stage, partition, path, &leaf_partition);
    free(path);
    if (leaf == NULL)
        return 1;
    if (leaf->kind == NODE_TEXT)
        return split_plan_bytes(leaf->splits, leaf_partition);
    rows_of_partition(leaf, leaf_partition, &first, &row_count);
    return row_count;
}

bool stage_reads_files(const struct stage_plan *stage)
{
    bool reads_files = false;
    for (uint32_t i = 0; i < stage->pipeline->node_count; i++) {
        enum pipe_kind kind = stage->pipeline->nodes[i].kind;
        if (kind == PIPE_ROWS || kind == PIPE_SHUFFLE)
            return false;
        reads_files |= kind == PIPE_TEXT;
    }
    return reads_files;
}

BARKS_CHECKED static barks_status *pack_rows(const struct node *leaf, uint32_t leaf_partition,
                                             struct packer *out)
{
    uint32_t first = 0, row_count = 0;
    rows_of_partition(leaf, leaf_partition, &first, &row_count);
    uint64_t encoded_bytes = codec_encoded_bytes(&leaf->rows->base, first, row_count);
    uint8_t *encoded = malloc(encoded_bytes);
    if (encoded == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to send %u rows", row_count);
    codec_encode(&leaf->rows->base, first, row_count, encoded);
    pack_bytes(out, encoded, encoded_bytes);
    free(encoded);
    return NULL;
}

barks_status *stage_payload(const struct stage_plan *stage, uint32_t partition, struct packer *out)
{
    uint32_t *path = calloc(stage->pipeline->node_count, sizeof *path);
    if (path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a task");
    uint32_t leaf_partition = 0;
    const struct node *leaf = leaf_of(stage, partition, path, &leaf_partition);
    free(path);
    if (leaf == NULL) {
        pack_bytes(out, NULL, 0);
        return NULL;
    }
    if (leaf->kind == NODE_ROWS)
        return pack_rows(leaf, leaf_partition, out);
    size_t begin = leaf->splits->firsts[leaf_partition],
           end = leaf->splits->firsts[leaf_partition + 1];
    BARKS_AUTO(buffer) splits = {.limit_bytes = UINT32_MAX};
    BARKS_TRY(split_pack(leaf->splits->splits + begin, end - begin, &splits));
    pack_bytes(out, splits.data, splits.size_bytes);
    return NULL;
}
