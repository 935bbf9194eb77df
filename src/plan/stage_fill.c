/* The steps and inputs of one stage. */
#include "base/copy.h"
#include "plan/gang_steps.h"
#include "plan/kept_places.h"
#include "plan/stage_cut_state.h"
#include "plan/stage_needs.h"

#include <stdlib.h>
#include <string.h>

/* Nodes are visited depth first with a stack of our own: a chain of many thousand steps is legal.
 */
struct visit {
    struct node *node;
    uint32_t next_input;
};

/* What a stage, or when whole a job, reads nothing below: exchanges end a stage, and what was
 * broadcast is computed already. */
static bool is_end(const struct node *node, bool whole)
{
    return (!whole && node_is_exchange(node)) ||
           (node->step.kind == STEP_BROADCAST && node->step.numbers[0] != 0);
}

/* Which input is visited next: a side that tells its hot keys, or all of them, goes before the one
 * that goes by them. */
static struct node *next_input(struct visit *top)
{
    struct node *const *inputs = top->node->inputs;
    uint32_t at = top->next_input++;
    bool is_turned = top->node->input_count == 2 && node_is_exchange(inputs[1]) &&
                     (inputs[1]->exchange.hot_role == HOT_FIRST ||
                      inputs[1]->exchange.filter_role == FILTER_COLLECTS);
    return inputs[is_turned ? 1 - at : at];
}

barks_status *nodes_in_order(struct node *root, uint32_t node_count, bool whole,
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
        if (is_end(top->node, whole) || top->next_input == top->node->input_count) {
            order[count++] = top->node;
            depth--;
            continue;
        }
        struct node *input = next_input(top);
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

enum { STEPS_OF_NODE_MAX = 3 }; /* of an exchange that has copies */

BARKS_CHECKED static barks_status *add_shuffle_read(const struct cut *cut, const struct node *node,
                                                    struct stage_plan *stage)
{
    uint32_t index = stage->pipeline->node_count++;
    struct pipe_node *read = &stage->pipeline->nodes[index];
    /* One that is not read, since what is made of it is kept, has no stage. */
    bool has_stage = !cut->is_trial && cut->stage_of[node->id] != 0;
    uint32_t parent = has_stage ? cut->stage_of[node->id] - 1 : node->id;
    *read = (struct pipe_node){
        .step.kind = STEP_SHUFFLE,
        .partition_count = node->partition_count,
        .record = node->record,
        .shuffle = has_stage ? cut->plan->stages[parent].pipeline->terminal.shuffle : 0,
        .is_only_reader = cut->reads_each_once && !cut->is_together,
        .lineage = node->id,
    };
    stage->parent_of[index] = parent;
    return copy_text(node->where, &read->where);
}

/* Of each partition what was sent, which has been read just now, and then the copies. */
BARKS_CHECKED static barks_status *add_copies_read(const struct cut *cut, const struct node *node,
                                                   struct stage_plan *stage)
{
    uint32_t sent = stage->pipeline->node_count - 1;
    struct pipe_node *nodes = stage->pipeline->nodes;
    stage->pipeline->node_count += 2;
    stage->parent_of[sent + 1] = cut->copies_of[node->id] - 1;
    nodes[sent + 1] = (struct pipe_node){
        .step.kind = STEP_SHUFFLE,
        .partition_count = node->partition_count,
        .record = node->record,
        .shuffle = cut->plan->stages[cut->copies_of[node->id] - 1].pipeline->terminal.shuffle,
        .is_only_reader = nodes[sent].is_only_reader,
        .lineage = LINEAGE_NONE,
    };
    BARKS_TRY(copy_text(node->where, &nodes[sent + 1].where));
    nodes[sent + 2] = (struct pipe_node){.step = {.kind = STEP_UNION, .numbers = {1}},
                                         .partition_count = node->partition_count,
                                         .record = node->record,
                                         .lineage = LINEAGE_NONE};
    BARKS_TRY(copy_text(node->where, &nodes[sent + 2].where));
    BARKS_TRY(copy_bytes((const uint32_t[]){sent, sent + 1}, 2 * sizeof(uint32_t),
                         (void **)&nodes[sent + 2].inputs));
    nodes[sent + 2].input_count = 2;
    return NULL;
}

/* Its inputs are already there. */
BARKS_CHECKED static barks_status *add_step(const struct node *node, const uint32_t *index_of,
                                            struct stage_plan *stage)
{
    struct pipe_node *out = &stage->pipeline->nodes[stage->pipeline->node_count++];
    *out = (struct pipe_node){.partition_count = node->partition_count,
                              .record = node->record,
                              .lineage = node->id,
                              .needs = node->needs};
    BARKS_TRY(step_copy(&node->step, &out->step));
    BARKS_TRY(copy_text(node->where, &out->where));
    if (node->step.kind == STEP_BROADCAST)
        return NULL;
    BARKS_TRY(copy_bytes(NULL, (node->input_count + (size_t)1) * sizeof(uint32_t),
                         (void **)&out->inputs));
    for (uint32_t i = 0; i < node->input_count; i++)
        out->inputs[i] = index_of[node->inputs[i]->id];
    out->input_count = node->input_count;
    if (node->kept == NULL)
        return NULL;
    size_t size_bytes = node->partition_count * sizeof(uint32_t);
    BARKS_TRY(copy_bytes(node->kept->at, size_bytes, (void **)&out->kept_at));
    if (node->kept->copy_at == NULL)
        return NULL;
    return copy_bytes(node->kept->copy_at, size_bytes, (void **)&out->copy_at);
}

BARKS_CHECKED static barks_status *add_node(const struct cut *cut, const struct node *node,
                                            struct stage_plan *stage, uint32_t *index_of)
{
    uint32_t index = stage->pipeline->node_count;
    index_of[node->id] = index;
    if (node_is_exchange(node)) {
        BARKS_TRY(add_shuffle_read(cut, node, stage));
        if (cut->copies_of[node->id] != 0)
            BARKS_TRY(add_copies_read(cut, node, stage));
        index_of[node->id] = stage->pipeline->node_count - 1;
        return NULL;
    }
    if (step_is_leaf(node->step.kind))
        stage->leaves[index] = (struct stage_leaf){.kind = node->step.kind,
                                                   .partition_count = node->partition_count,
                                                   .splits = node->splits,
                                                   .quarantine = node->bad_rows.quarantine,
                                                   .token = node->bad_rows.token,
                                                   .custom = node->custom,
                                                   .rows = node->rows};
    return add_step(node, index_of, stage);
}

/* ---- where a stage reads shuffles ---- */

/* Inputs of a stage as they are found, partition by partition: each is a run of partitions that
 * read neighbouring partitions of one shuffle. */
struct input_search {
    struct stage_plan *stage;
    uint32_t capacity;
    uint32_t last_hit; /* the next one is likely that again, or the one after it */
    uint32_t partition;
};

static struct stage_input *find_open(const struct input_search *search, uint32_t parent,
                                     uint32_t parent_partition)
{
    uint32_t count = search->stage->input_count;
    for (uint32_t i = 0; i < count; i++) {
        struct stage_input *input = &search->stage->inputs[(search->last_hit + i) % count];
        uint32_t at = search->partition - input->first_partition;
        /* Its next partition, or its last one read once more. */
        if (input->parent == parent && at <= input->partition_count &&
            at + 1 >= input->partition_count && input->parent_first + at == parent_partition)
            return input;
    }
    return NULL;
}

static barks_status *note_read(void *context, struct pipe_place leaf)
{
    struct input_search *search = context;
    struct stage_plan *stage = search->stage;
    if (stage->pipeline->nodes[leaf.node].step.kind != STEP_SHUFFLE)
        return NULL;
    uint32_t parent = stage->parent_of[leaf.node];
    struct stage_input *input = find_open(search, parent, leaf.partition);
    if (input != NULL) {
        input->partition_count = search->partition - input->first_partition + 1;
        search->last_hit = (uint32_t)(input - stage->inputs);
        return NULL;
    }
    if (stage->input_count == search->capacity) {
        uint32_t capacity = 2 * search->capacity + 8;
        struct stage_input *inputs = realloc(stage->inputs, capacity * sizeof *inputs);
        if (inputs == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the inputs of a stage");
        stage->inputs = inputs;
        search->capacity = capacity;
    }
    search->last_hit = stage->input_count;
    stage->inputs[stage->input_count++] = (struct stage_input){.parent = parent,
                                                               .kind = INPUT_PARTITIONS,
                                                               .first_partition = search->partition,
                                                               .parent_first = leaf.partition,
                                                               .partition_count = 1};
    return NULL;
}

BARKS_CHECKED static barks_status *find_inputs(struct stage_plan *stage)
{
    uint32_t partition_count = pipeline_partition_count(stage->pipeline);
    struct input_search search = {.stage = stage};
    for (search.partition = 0; search.partition < partition_count; search.partition++)
        BARKS_TRY(pipeline_visit_leaves(
            stage->pipeline, pipeline_root(stage->pipeline, search.partition), note_read, &search));
    return NULL;
}

barks_status *stage_fill(struct cut *cut, struct node *last, struct terminal *terminal,
                         struct stage_plan *stage)
{
    struct node **nodes = NULL;
    uint32_t count = 0;
    BARKS_TRY(nodes_in_order(last, cut->options->node_count, false, &nodes, &count));
    cut->is_together = last->is_above_together;
    uint32_t *index_of = calloc((size_t)cut->options->node_count + 1, sizeof *index_of);
    stage->pipeline = calloc(1, sizeof *stage->pipeline);
    size_t node_limit = STEPS_OF_NODE_MAX * (size_t)count + 1;
    stage->leaves = calloc(node_limit, sizeof *stage->leaves);
    stage->parent_of = calloc(node_limit, sizeof *stage->parent_of);
    barks_status *status = NULL;
    if (stage->pipeline != NULL) {
        stage->pipeline->terminal = *terminal;
        *terminal = (struct terminal){0};
        stage->pipeline->stage = (*cut->options->next_id)++;
        stage->pipeline->nodes = calloc(node_limit, sizeof *stage->pipeline->nodes);
    }
    if (index_of == NULL || stage->leaves == NULL || stage->parent_of == NULL ||
        stage->pipeline == NULL || stage->pipeline->nodes == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for a stage of %u steps", count);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        status = add_node(cut, nodes[i], stage, index_of);
    free(nodes);
    free(index_of);
    if (status == NULL)
        status = kept_places_choose(stage->pipeline, cut->options, &stage->pins);
    if (status == NULL)
        status = gang_find(stage->pipeline);
    if (status == NULL)
        status = needs_find(stage->pipeline);
    return status != NULL ? status : find_inputs(stage);
}
