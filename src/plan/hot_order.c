#include "plan/hot_order.h"

#include "plan/stored_stage.h"

#include <stdlib.h>

barks_status *stage_begin_after(struct stage_plan *stage, uint32_t other)
{
    struct stage_input *inputs =
        realloc(stage->inputs, ((size_t)stage->input_count + 1) * sizeof *inputs);
    if (inputs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the inputs of a stage");
    stage->inputs = inputs;
    inputs[stage->input_count++] = (struct stage_input){.parent = other, .kind = INPUT_AFTER};
    return NULL;
}

/* A stage begins after one other at most. */
static uint32_t stage_waited_for(const struct stage_plan *stage)
{
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (stage->inputs[i].kind == INPUT_AFTER)
            return stage->inputs[i].parent;
    return STAGE_NONE;
}

uint32_t hot_stage_before(const struct job_plan *plan, uint32_t stage)
{
    const struct stage_plan *told = &plan->stages[stage];
    enum hot_role role = told->pipeline->terminal.hot_role;
    return role == HOT_SECOND || role == HOT_COPY ? stage_waited_for(told) : STAGE_NONE;
}

uint32_t hot_stage_after(const struct job_plan *plan, uint32_t stage)
{
    for (uint32_t later = stage + 1; later < plan->stage_count; later++)
        if (hot_stage_before(plan, later) == stage)
            return later;
    return STAGE_NONE;
}

uint32_t filter_stage_before(const struct job_plan *plan, uint32_t stage)
{
    const struct stage_plan *told = &plan->stages[stage];
    return told->pipeline->terminal.filter_role == FILTER_TESTS ? stage_waited_for(told)
                                                                : STAGE_NONE;
}

uint32_t filter_stage_after(const struct job_plan *plan, uint32_t stage)
{
    for (uint32_t later = stage + 1; later < plan->stage_count; later++)
        if (filter_stage_before(plan, later) == stage)
            return later;
    return STAGE_NONE;
}

const struct hot_list *hot_stage_found(const struct job_plan *plan, uint32_t stage)
{
    bool finds = plan->stages[stage].pipeline->terminal.finds_hot_keys;
    uint32_t told = finds ? hot_stage_after(plan, stage) : STAGE_NONE;
    return told != STAGE_NONE ? &plan->stages[told].pipeline->terminal.hot_keys : NULL;
}

barks_status *hot_stage_skip(struct job_plan *plan, uint32_t stage)
{
    struct stage_plan *copies = &plan->stages[stage];
    BARKS_TRY(stored_stage_create(copies->pipeline->terminal.partition_count, 0, &copies->stored));
    job_plan_read_stored(plan);
    return NULL;
}
