#include "plan/stage_cut.h"

#include "base/copy.h"
#include "plan/determinism.h"
#include "plan/divisible.h"
#include "plan/hot_order.h"
#include "plan/stage_cut_state.h"
#include "plan/stored_stage.h"

#include <stdlib.h>
#include <string.h>

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
    barks_status *status = stage_fill(cut, last, &terminal, &stage);
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
        status = stage_fill(cut, first, &terminal, stage);
        if (status == NULL) {
            stage->pipeline->nodes[0].is_only_reader = false; /* the join reads them after it */
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

/* ---- keys of joins ---- */

/* Of the side that tests, only where the other one has a stage that collects. */
static enum filter_role choose_filter_role(const struct cut *cut, const struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    if (exchange->filter_role != FILTER_TESTS)
        return exchange->filter_role;
    uint32_t other = cut->stage_of[exchange->filter_partner->id];
    bool collects = other != 0 &&
                    cut->plan->stages[other - 1].pipeline->terminal.filter_role == FILTER_COLLECTS;
    return collects ? FILTER_TESTS : FILTER_NONE;
}

/* One that copies hot keys begins after the other side anyway. */
BARKS_CHECKED static barks_status *
begin_when_keys_are_known(const struct cut *cut, const struct node *node, struct stage_plan *stage)
{
    const struct terminal *terminal = &stage->pipeline->terminal;
    if (terminal->filter_role != FILTER_TESTS || terminal->hot_role == HOT_SECOND)
        return NULL;
    return stage_begin_after(stage, cut->stage_of[node->exchange.filter_partner->id] - 1);
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
        terminal.filter_role = choose_filter_role(cut, node);
        terminal.filter_log2 = node->exchange.filter_log2;
        stage->lineage = node->id;
        stage->is_indeterminate = node_determinism(node->inputs[0]) == BARKS_INDETERMINATE;
        status = stage_fill(cut, node->inputs[0], &terminal, stage);
        cut->stage_of[node->id] = cut->plan->stage_count;
        if (status == NULL && cut->options->divides_partitions)
            status = divisible_find(cut->plan, stage);
        if (status == NULL)
            status = begin_when_keys_are_known(cut, node, stage);
        if (status == NULL)
            status = play_role(cut, node, role, stage);
    }
    terminal_drop(&terminal);
    return status;
}

/* What a task has read of a shuffle that it alone reads is freed when it has ended. Anything that
 * two steps read makes it unsure. */
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
    for (uint32_t i = 0; i < count; i++) {
        if (!node_is_exchange(order[i]))
            continue;
        if (is_read[order[i]->id])
            BARKS_TRY(cut_exchange(cut, order[i]));
        else
            cut->plan->left_out_count++;
    }
    struct stage_plan *last = &cut->plan->stages[cut->plan->stage_count++];
    last->lineage = order[count - 1]->id;
    return stage_fill(cut, order[count - 1], cut->options->terminal, last);
}

barks_status *stage_cut(struct node *node, const struct cut_options *options,
                        struct job_plan *out_plan)
{
    struct node **order = NULL;
    uint32_t count = 0;
    *out_plan = (struct job_plan){0};
    struct cut cut = {.options = options, .plan = out_plan};
    barks_status *status = nodes_in_order(node, options->node_count, true, &order, &count);
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
        cut.reads_each_once = !has_shared_step(order, count, seen);
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
    *out_status = nodes_in_order(node, node_count, true, &order, &count);
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
    BARKS_TRY(nodes_in_order(node, node_count, true, &order, &count));
    *out_count = 1;
    for (uint32_t i = 0; i < count; i++)
        *out_count += node_is_exchange(order[i]);
    free(order);
    return NULL;
}
