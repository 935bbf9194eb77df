#include "plan/divisible.h"

#include <stdlib.h>

/* Of each step of the pipeline. */
struct step_view {
    uint32_t reader_count;
    bool is_plain;     /* rows of shuffles, for it alone, which any number of tasks may read */
    bool is_divisible; /* its rows for pieces of a partition, one after the other, are its rows */
};

struct piece_search {
    const struct job_plan *plan;
    struct stage_plan *stage;
    struct step_view *views; /* owned */
};

/* The way on is the same for rows of a piece as for those of the whole partition. */
static bool terminal_is_divisible(const struct terminal *terminal)
{
    bool goes_by_row =
        terminal->partitioner == PARTITION_HASH || terminal->partitioner == PARTITION_RANGE ||
        terminal->partitioner == PARTITION_INDEX || terminal->partitioner == PARTITION_CHOSEN;
    return terminal->kind == TERMINAL_SHUFFLE && goes_by_row && terminal->hot_role == HOT_NONE;
}

/* What is sent again after a loss is in the same runs as before: not where rows are others then, or
 * where tasks that combine have taken over each other's partitions. */
static bool shuffle_is_divisible(const struct piece_search *search, uint32_t node)
{
    const struct stage_plan *parent = &search->plan->stages[search->stage->parent_of[node]];
    return search->stage->pipeline->nodes[node].shuffle != 0 && !parent->is_indeterminate &&
           !terminal_combines(&parent->pipeline->terminal);
}

static bool function_is_divisible(const struct step *step)
{
    barks_function_kind kind = step->function->kind;
    bool has_any_batches =
        kind == BARKS_KIND_MAP_BATCHES && step->numbers[0] == 0 && !step_is_together(step);
    return kind == BARKS_KIND_MAP || kind == BARKS_KIND_FLAT_MAP || kind == BARKS_KIND_FILTER ||
           has_any_batches;
}

/* Rows of input 0 stream, and none of the other side is given by itself. */
static bool join_is_divisible(const struct step *step)
{
    return step->numbers[0] == JOIN_INNER || step->numbers[0] == JOIN_LEFT ||
           step->numbers[0] == JOIN_SEMI || step->numbers[0] == JOIN_ANTI;
}

/* The inputs of a step that is divisible where they are: [0, this). */
static uint32_t divided_inputs(const struct step *step, uint32_t input_count)
{
    return step->kind == STEP_UNION && step->numbers[0] == 0 ? input_count : 1;
}

static bool step_is_divisible(const struct step *step)
{
    if (step->kind == STEP_FUNCTION)
        return function_is_divisible(step);
    if (step->kind == STEP_JOIN || step->kind == STEP_LOOKUP) /* which streams input 0 */
        return join_is_divisible(step) && (step->kind == STEP_JOIN || step->numbers[1] == 0);
    return step->kind == STEP_PROJECT || step->kind == STEP_BOUND || step->kind == STEP_UNION ||
           step->kind == STEP_CROSS;
}

static bool is_plain(const struct piece_search *search, uint32_t index)
{
    const struct pipe_node *node = &search->stage->pipeline->nodes[index];
    if (node->kept_at != NULL || search->views[index].reader_count > 1)
        return false;
    if (node->step.kind == STEP_SHUFFLE || node->step.kind == STEP_BROADCAST)
        return true;
    bool are_plain = node->step.kind == STEP_UNION || node->step.kind == STEP_PROJECT;
    for (uint32_t k = 0; k < node->input_count; k++)
        are_plain = are_plain && search->views[node->inputs[k]].is_plain;
    return are_plain;
}

/* One of the inputs that are divided must be; the others have partitions of their own. */
static bool is_divisible(const struct piece_search *search, uint32_t index)
{
    const struct pipe_node *node = &search->stage->pipeline->nodes[index];
    if (node->kept_at != NULL || search->views[index].reader_count > 1)
        return false;
    if (node->step.kind == STEP_SHUFFLE)
        return shuffle_is_divisible(search, index);
    if (!step_is_divisible(&node->step))
        return false;
    uint32_t divided_count = divided_inputs(&node->step, node->input_count);
    bool some_are = false, others_are_plain = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
        const struct step_view *input = &search->views[node->inputs[k]];
        if (k < divided_count)
            some_are |= input->is_divisible;
        else
            others_are_plain = others_are_plain && input->is_plain;
    }
    return some_are && others_are_plain;
}

/* Of a union of partitions of equal number the second input comes behind the first. */
static void give_roles(struct pipe_node *nodes, uint32_t index, const struct step_view *views)
{
    const struct pipe_node *node = &nodes[index];
    uint32_t divided_count = divided_inputs(&node->step, node->input_count);
    for (uint32_t k = 0; k < node->input_count; k++) {
        struct pipe_node *input = &nodes[node->inputs[k]];
        if (node->piece_role == PIECE_RANGE && k < divided_count &&
            views[node->inputs[k]].is_divisible)
            input->piece_role = PIECE_RANGE;
        else if (node->piece_role == PIECE_LAST ||
                 (node->piece_role == PIECE_RANGE && node->step.kind == STEP_UNION &&
                  node->step.numbers[0] != 0))
            input->piece_role = PIECE_LAST;
    }
}

/* A partition is divided where the stage that fills it is one whose rows are read in ranges. */
static void mark_inputs(struct stage_plan *stage)
{
    const struct pipeline *pipeline = stage->pipeline;
    for (uint32_t n = 0; n < pipeline->node_count; n++)
        for (uint32_t i = 0; i < stage->input_count && pipeline->nodes[n].step.kind == STEP_SHUFFLE;
             i++)
            if (pipeline->nodes[n].piece_role == PIECE_RANGE &&
                stage->inputs[i].parent == stage->parent_of[n])
                stage->inputs[i].is_in_pieces = true;
}

static void look_at_steps(struct piece_search *search)
{
    struct pipeline *pipeline = search->stage->pipeline;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        for (uint32_t k = 0; k < pipeline->nodes[i].input_count; k++)
            search->views[pipeline->nodes[i].inputs[k]].reader_count++;
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        search->views[i].is_plain = is_plain(search, i);
        search->views[i].is_divisible = is_divisible(search, i);
    }
    uint32_t last = pipeline->node_count - 1;
    if (!search->views[last].is_divisible)
        return;
    pipeline->nodes[last].piece_role = PIECE_RANGE;
    for (uint32_t i = pipeline->node_count; i-- > 0;)
        give_roles(pipeline->nodes, i, search->views);
    mark_inputs(search->stage);
}

barks_status *divisible_find(const struct job_plan *plan, struct stage_plan *stage)
{
    const struct pipeline *pipeline = stage->pipeline;
    if (pipeline->gang.is_gang || !terminal_is_divisible(&pipeline->terminal))
        return NULL;
    struct piece_search search = {
        .plan = plan, .stage = stage, .views = calloc(pipeline->node_count, sizeof *search.views)};
    if (search.views == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look at %u steps", pipeline->node_count);
    look_at_steps(&search);
    free(search.views);
    return NULL;
}
