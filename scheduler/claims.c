#include "scheduler/claims.h"

#include "base/assertion.h"
#include "scheduler/executor.h"
#include "scheduler/job.h"
#include "scheduler/owners.h"
#include "scheduler/roster.h"
#include "scheduler/stage.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *no_memory(const struct stage *stage)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the owners of the %u partitions of stage %u",
               stage->partition_count, stage->index);
}

void claims_drop(struct claims *claims)
{
    free(claims->owners);
    free(claims->is_begin);
    *claims = (struct claims){0};
}

/* What a shuffle's members own, those of the dead their heirs. Of a join the second input claims
 * what the first has claimed already, for the same owners (job.h). */
BARKS_CHECKED static barks_status *claim_input(const struct stage *stage,
                                               const struct executor_table *table,
                                               const struct stage_input *input,
                                               struct claims *claims)
{
    const struct stage *parent = &stage->job->stages[input->parent];
    const struct roster *roster = job_roster(stage->job, parent);
    BARKS_ASSERT(roster != NULL);
    uint32_t *firsts = calloc((size_t)roster->member_count + 1, sizeof *firsts);
    if (firsts == NULL)
        return no_memory(stage);
    owners_divide(parent->output_partition_count, roster->worker_counts, roster->member_count,
                  firsts);
    uint32_t count = stage_input_count(input, parent->output_partition_count);
    for (uint32_t member = 0; member < roster->member_count; member++) {
        uint32_t owner = executor_heir(table, roster->executors[member]);
        uint32_t first = firsts[member], end = firsts[member + 1];
        first = first > input->parent_first ? first : input->parent_first;
        end = end < input->parent_first + count ? end : input->parent_first + count;
        for (uint32_t partition = first; partition < end; partition++) {
            uint32_t own = partition - input->parent_first + input->first_partition;
            if (claims->owners[own] != EXECUTOR_NONE)
                continue;
            claims->owners[own] = owner;
            claims->is_begin[own] = partition == first;
        }
    }
    free(firsts);
    return NULL;
}

/* Pins of what no input has claimed, to executors that live. */
static void claim_pins(const struct stage *stage, const struct executor_table *table,
                       struct claims *claims)
{
    for (uint32_t p = 0; stage->pins != NULL && p < stage->partition_count; p++)
        if (claims->owners[p] == EXECUTOR_NONE && stage->pins[p] != SCHEDULER_ANY &&
            executor_is_alive(table, stage->pins[p]))
            claims->owners[p] = stage->pins[p];
}

barks_status *claims_fill(const struct stage *stage, const struct executor_table *table,
                          struct claims *claims)
{
    claims->owners = calloc((size_t)stage->partition_count + 1, sizeof *claims->owners);
    claims->is_begin = calloc((size_t)stage->partition_count + 1, sizeof *claims->is_begin);
    if (claims->owners == NULL || claims->is_begin == NULL)
        return no_memory(stage);
    for (uint32_t p = 0; p < stage->partition_count; p++)
        claims->owners[p] = EXECUTOR_NONE;
    for (uint32_t i = stage->input_first; i < stage->input_end; i++) {
        const struct stage_input *input = &stage->job->inputs[i];
        if (input->kind == INPUT_PARTITIONS &&
            stage->job->stages[input->parent].state != STAGE_SKIPPED)
            BARKS_TRY(claim_input(stage, table, input, claims));
    }
    claim_pins(stage, table, claims);
    return NULL;
}
