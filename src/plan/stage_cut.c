#include "plan/stage_cut.h"

#include "base/copy.h"
#include "plan/determinism.h"
#include "plan/gang_steps.h"
#include "plan/hot_order.h"
#include "plan/kept_places.h"
#include "plan/stored_stage.h"

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
    bool is_together;    /* the stage that is cut now: its input may be read again */
    uint32_t *stage_of;  /* by node id, of exchanges: index of the stage that fills it, plus 1 */
    uint32_t *copies_of; /* likewise, of HOT_FIRST: of the stage that adds copies to it; or 0 */
    bool is_trial;       /* to find the exchanges that are read: a stage's parents are node ids */
};

/* What a stage, or when whole a job, reads nothing below: exchanges end a stage, and what was
 * broadcast is computed already. */
static bool is_end(const struct node *node, bool whole)
{
    return (!whole && node_is_exchange(node)) ||
           (node->step.kind == STEP_BROADCAST && node->step.numbers[0] != 0);
}

/* Which input is visited next: a side that tells its hot keys goes before the one that copies them.
 */
static struct node *next_input(struct visit *top)
{
    struct node *const *inputs = top->node->inputs;
    uint32_t at = top->next_input++;
    bool is_turned = top->node->input_count == 2 && node_is_exchange(inputs[1]) &&
                     inputs[1]->exchange.hot_role == HOT_FIRST;
    return inputs[is_turned ? 1 - at : at];
}

/* Nodes reachable from root, inputs before consumers; through exchanges too when whole. Owned by
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
        .take_frames = cut->takes_frames && !cut->is_together,
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
        .take_frames = nodes[sent].take_frames,
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
    *out = (struct pipe_node){
        .partition_count = node->partition_count, .record = node->record, .lineage = node->id};
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

BARKS_CHECKED static barks_status *fill_stage(struct cut *cut, struct node *last,
                                              struct terminal *terminal, struct stage_plan *stage)
{
    struct node **nodes = NULL;
    uint32_t count = 0;
    BARKS_TRY(topological(last, cut->options->node_count, false, &nodes, &count));
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
    return status != NULL ? status : find_inputs(stage);
}

static void stage_plan_drop(struct stage_plan *stage)
{
    pipeline_destroy(stage->pipeline);
    free(stage->leaves);
    free(stage->parent_of);
    free(stage->inputs);
    free(stage->pins);
    stored_stage_destroy(stage->stored);
    *stage = (struct stage_plan){0};
}

/* ---- what is read at all ---- */

/* Marks the exchanges that a stage up to last, for a terminal of these partitions, reads. */
BARKS_CHECKED static barks_status *mark_read(struct cut *cut, struct node *last,
                                             uint32_t first_partition, uint32_t end_partition,
                                             bool *is_read)
{
    struct stage_plan stage = {0};
    struct terminal terminal = {.first_partition = first_partition, .end_partition = end_partition};
    barks_status *status = fill_stage(cut, last, &terminal, &stage);
    for (uint32_t i = 0; i < stage.input_count && status == NULL; i++)
        is_read[stage.inputs[i].parent] = true;
    stage_plan_drop(&stage);
    return status;
}

/* Below what is kept, exchanges are not read, nor those below them; nor are those whose partitions
 * nobody has asked for. */
BARKS_CHECKED static barks_status *find_read(struct cut *cut, struct node **order, uint32_t count,
                                             bool *is_read)
{
    const struct terminal *terminal = cut->options->terminal;
    uint32_t wanted = terminal->end_partition - terminal->first_partition;
    bool may_leave_out = wanted > 0 && wanted < order[count - 1]->partition_count;
    for (uint32_t i = 0; i < count; i++)
        may_leave_out |= order[i]->kept != NULL || order[i]->step.kind == STEP_PICK;
    for (uint32_t i = 0; i < count && !may_leave_out; i++)
        is_read[order[i]->id] = true;
    if (!may_leave_out)
        return NULL;
    cut->is_trial = true;
    barks_status *status = mark_read(cut, order[count - 1], terminal->first_partition,
                                     terminal->end_partition, is_read);
    for (uint32_t i = count; i-- > 0 && status == NULL;)
        if (node_is_exchange(order[i]) && is_read[order[i]->id])
            status = mark_read(cut, order[i]->inputs[0], 0, 0, is_read);
    cut->is_trial = false;
    return status;
}

/* ---- the job ---- */

/* The terminal of the stage that fills an exchange. */
BARKS_CHECKED static barks_status *shuffle_terminal(struct cut *cut, const struct node *node,
                                                    struct terminal *out)
{
    const struct exchange_plan *exchange = &node->exchange;
    *out = (struct terminal){
        .kind = TERMINAL_SHUFFLE,
        .shuffle = (*cut->options->next_id)++,
        .partition_count = node->partition_count,
        .partitioner = exchange->kind,
        .key_count = exchange->keys.count,
        .sort_key_count = exchange->order_count,
        .limit = exchange->index_count,
        .copies = exchange->copies,
        .stride = exchange->stride,
        .accumulator = exchange->step.kind == STEP_COMBINE ? node->record : NULL,
    };
    BARKS_TRY(step_copy(&exchange->step, &out->step));
    BARKS_TRY(copy_bytes(exchange->keys.items, exchange->keys.count * sizeof(uint32_t),
                         (void **)&out->key_columns));
    BARKS_TRY(copy_bytes(exchange->order, exchange->order_count * sizeof *exchange->order,
                         (void **)&out->sort_keys));
    if (exchange->splitters == NULL)
        return NULL;
    const struct batch *splitters = exchange->splitters;
    BARKS_TRY(batch_create(splitters->pool, splitters->base.schema, splitters->base.row_count + 1,
                           &out->splitters));
    return batch_append(out->splitters, splitters, 0, splitters->base.row_count, BATCH_COPY);
}

/* ---- hot keys of joins ---- */

/* Whether rows of hot keys are spread in this job: the side that finds them decides when its stage
 * is cut, and the other one does what was decided. */
static enum hot_role choose_role(const struct cut *cut, const struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    if (exchange->hot_role == HOT_SECOND) {
        uint32_t other = cut->stage_of[exchange->hot_partner->id];
        bool is_first =
            other != 0 && cut->plan->stages[other - 1].pipeline->terminal.hot_role == HOT_FIRST;
        return is_first ? HOT_SECOND : HOT_NONE;
    }
    if (exchange->hot_role == HOT_FIRST && node->partition_count > 1 &&
        atomic_load(&exchange->hot_left->placement) != PLACEMENT_RELIED_ON)
        return HOT_FIRST;
    return HOT_NONE;
}

/* Adds, to what the first side has sent, copies of its rows of the keys that the second one has
 * found: these were sent before anybody knew. */
BARKS_CHECKED static barks_status *cut_copies(struct cut *cut, struct node *second)
{
    struct node *first = second->exchange.hot_partner;
    struct terminal terminal = {0};
    barks_status *status = shuffle_terminal(cut, first, &terminal);
    if (status == NULL) {
        struct stage_plan *stage = &cut->plan->stages[cut->plan->stage_count++];
        terminal.hot_role = HOT_COPY;
        stage->lineage = LINEAGE_NONE;
        status = fill_stage(cut, first, &terminal, stage);
        if (status == NULL) {
            stage->pipeline->nodes[0].take_frames = false; /* the join reads them after it */
            stage->pipeline->nodes[0].lineage = LINEAGE_NONE;
            status = stage_begin_after(stage, cut->stage_of[second->id] - 1);
        }
        cut->copies_of[first->id] = cut->plan->stage_count;
    }
    terminal_drop(&terminal);
    return status;
}

BARKS_CHECKED static barks_status *play_role(struct cut *cut, struct node *node, enum hot_role role,
                                             struct stage_plan *stage)
{
    const struct exchange_plan *exchange = &node->exchange;
    if (role == HOT_NONE)
        return NULL;
    if (exchange->spreads_hot_keys)
        stage->placement = &exchange->hot_left->placement;
    if (role == HOT_FIRST)
        return NULL;
    BARKS_TRY(stage_begin_after(stage, cut->stage_of[exchange->hot_partner->id] - 1));
    return exchange->spreads_hot_keys ? cut_copies(cut, node) : NULL;
}

BARKS_CHECKED static barks_status *cut_exchange(struct cut *cut, struct node *node)
{
    struct terminal terminal = {0};
    enum hot_role role = choose_role(cut, node);
    barks_status *status = shuffle_terminal(cut, node, &terminal);
    if (status == NULL) {
        struct stage_plan *stage = &cut->plan->stages[cut->plan->stage_count++];
        terminal.hot_role = role;
        terminal.finds_hot_keys = role != HOT_NONE && node->exchange.spreads_hot_keys;
        stage->lineage = node->id;
        stage->is_indeterminate = node_determinism(node->inputs[0]) == BARKS_INDETERMINATE;
        status = fill_stage(cut, node->inputs[0], &terminal, stage);
        cut->stage_of[node->id] = cut->plan->stage_count;
        if (status == NULL)
            status = play_role(cut, node, role, stage);
    }
    terminal_drop(&terminal);
    return status;
}

/* A shuffle whose rows are read once may be freed while it is read. Anything that two steps read
 * makes it unsure. */
static bool has_shared_step(struct node **order, uint32_t count, bool *seen)
{
    bool is_shared = false;
    for (uint32_t i = 0; i < count; i++) {
        is_shared |= order[i]->step.kind == STEP_PICK && order[i]->step.numbers[0] != 0;
        for (uint32_t k = 0; k < order[i]->input_count; k++) {
            is_shared |= seen[order[i]->inputs[k]->id];
            seen[order[i]->inputs[k]->id] = true;
        }
    }
    return is_shared;
}

BARKS_CHECKED static barks_status *cut_all(struct cut *cut, struct node **order, uint32_t count,
                                           const bool *is_read)
{
    for (uint32_t i = 0; i < count; i++)
        if (node_is_exchange(order[i]) && is_read[order[i]->id])
            BARKS_TRY(cut_exchange(cut, order[i]));
    struct stage_plan *last = &cut->plan->stages[cut->plan->stage_count++];
    last->lineage = order[count - 1]->id;
    return fill_stage(cut, order[count - 1], cut->options->terminal, last);
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
    bool *is_read = calloc((size_t)options->node_count + 1, sizeof *is_read);
    cut.stage_of = calloc((size_t)options->node_count + 1, sizeof *cut.stage_of);
    cut.copies_of = calloc((size_t)options->node_count + 1, sizeof *cut.copies_of);
    /* One for each exchange, one for each join that may copy, and the last one. */
    out_plan->stages = calloc((size_t)count + 1, sizeof *out_plan->stages);
    if (seen == NULL || is_read == NULL || cut.stage_of == NULL || cut.copies_of == NULL ||
        out_plan->stages == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to plan %u steps",
                                  count);
    if (status == NULL) {
        cut.takes_frames = !has_shared_step(order, count, seen);
        status = find_read(&cut, order, count, is_read);
    }
    if (status == NULL)
        status = cut_all(&cut, order, count, is_read);
    free(order);
    free(seen);
    free(is_read);
    free(cut.stage_of);
    free(cut.copies_of);
    if (status != NULL)
        job_plan_drop(out_plan);
    return status;
}

void job_plan_drop(struct job_plan *plan)
{
    for (uint32_t i = 0; i < plan->stage_count; i++)
        stage_plan_drop(&plan->stages[i]);
    free(plan->stages);
    *plan = (struct job_plan){0};
}

void job_plan_read_stored(struct job_plan *plan)
{
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        struct stage_plan *stage = &plan->stages[s];
        for (uint32_t n = 0; n < stage->pipeline->node_count; n++) {
            if (stage->pipeline->nodes[n].step.kind != STEP_SHUFFLE ||
                stage->pipeline->nodes[n].shuffle == 0)
                continue;
            const struct stored_stage *stored = plan->stages[stage->parent_of[n]].stored;
            if (stored != NULL)
                stage->leaves[n] = (struct stage_leaf){.kind = STEP_SHUFFLE,
                                                       .partition_count = stored->partition_count,
                                                       .stored = stored};
        }
    }
}

static bool is_unprepared(const struct node *node)
{
    if (node->step.kind == STEP_BROADCAST)
        return node->step.numbers[0] == 0;
    return node_is_exchange(node) && node->exchange.kind == PARTITION_RANGE &&
           node->exchange.splitters == NULL;
}

struct node *find_unprepared(struct node *node, uint32_t node_count, barks_status **out_status)
{
    struct node **order = NULL;
    struct node *found = NULL;
    uint32_t count = 0;
    *out_status = topological(node, node_count, true, &order, &count);
    for (uint32_t i = 0; i < count && found == NULL; i++)
        if (is_unprepared(order[i]))
            found = order[i];
    free(order);
    return found;
}

barks_status *stage_count(struct node *node, uint32_t node_count, uint32_t *out_count)
{
    struct node **order = NULL;
    uint32_t count = 0;
    BARKS_TRY(topological(node, node_count, true, &order, &count));
    *out_count = 1;
    for (uint32_t i = 0; i < count; i++)
        *out_count += node_is_exchange(order[i]);
    free(order);
    return NULL;
}
