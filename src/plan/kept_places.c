#include "plan/kept_places.h"

#include "plan/gang_steps.h"
#include "plan/stage_cut.h"
#include "scheduler/owners.h"

#include <stdbool.h>
#include <stdlib.h>

/* What the leaves of one partition of the stage say of where it must run. */
struct search {
    struct pipeline *pipeline;
    uint32_t **owners; /* for each step that reads a shuffle; owned, made at first need */
    const struct cut_options *options;
    uint32_t at;        /* rank; 0: anywhere */
    bool reads_shuffle; /* then it decides */
    bool has_forgotten; /* a kept partition that is elsewhere */
};

static bool is_kept(const struct pipe_node *node, uint32_t partition)
{
    return node->kept_at != NULL && node->kept_at[partition] != 0;
}

/* The ranks that own the partitions of the shuffle that a step reads. */
BARKS_CHECKED static barks_status *owners_of(struct search *search, uint32_t index)
{
    const struct cut_options *options = search->options;
    uint32_t partition_count = search->pipeline->nodes[index].partition_count;
    if (search->owners[index] != NULL)
        return NULL;
    uint32_t *firsts = calloc((size_t)options->executor_count + 1, sizeof *firsts);
    uint32_t *owners = calloc((size_t)partition_count + 1, sizeof *owners);
    if (firsts == NULL || owners == NULL) {
        free(firsts);
        free(owners);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the owners of a shuffle");
    }
    owners_divide(partition_count, options->worker_counts, options->executor_count, firsts);
    for (uint32_t i = 0; i < options->executor_count; i++)
        for (uint32_t partition = firsts[i]; partition < firsts[i + 1]; partition++)
            owners[partition] = i + 1;
    free(firsts);
    search->owners[index] = owners;
    return NULL;
}

static barks_status *find_place(void *context, struct pipe_place leaf)
{
    struct search *search = context;
    const struct pipe_node *node = &search->pipeline->nodes[leaf.node];
    if (node->step.kind == STEP_SHUFFLE) {
        BARKS_TRY(owners_of(search, leaf.node));
        if (!search->reads_shuffle)
            search->at = search->owners[leaf.node][leaf.partition];
        search->reads_shuffle = true;
    } else if (node->step.kind == STEP_KEPT && !is_kept(node, leaf.partition)) {
        BARKS_FAIL(BARKS_LOST,
                   "partition %u of the local checkpoint at %s is lost: it was kept on an executor "
                   "alone; barks_checkpoint writes to files that outlive one",
                   leaf.partition, node->where);
    } else if (search->at == 0 && is_kept(node, leaf.partition)) {
        search->at = node->kept_at[leaf.partition];
    }
    return NULL;
}

static barks_status *forget_others(void *context, struct pipe_place leaf)
{
    struct search *search = context;
    struct pipe_node *node = &search->pipeline->nodes[leaf.node];
    if (node->step.kind == STEP_KEPT && node->kept_at[leaf.partition] != search->at)
        BARKS_FAIL(BARKS_INTERNAL,
                   "partition %u of the dataset at %s is kept on executor %u and wanted on %u",
                   leaf.partition, node->where, node->kept_at[leaf.partition], search->at);
    if (is_kept(node, leaf.partition) && node->kept_at[leaf.partition] != search->at) {
        bool has_copy = node->copy_at != NULL && node->copy_at[leaf.partition] == search->at;
        node->kept_at[leaf.partition] = has_copy ? search->at : 0;
        if (node->copy_at != NULL) /* one change for each of them, so that this ends */
            node->copy_at[leaf.partition] = 0;
        search->has_forgotten = true;
    }
    return NULL;
}

/* All partitions once; what one forgets may change where another must run, so again until nothing
 * is forgotten. */
BARKS_CHECKED static barks_status *choose_all(struct search *search, uint32_t partition_count,
                                              uint32_t *pins)
{
    do {
        search->has_forgotten = false;
        BARKS_TRY(gang_forget_partly_kept(search->pipeline));
        for (uint32_t p = 0; p < partition_count; p++) {
            struct pipe_place root = pipeline_root(search->pipeline, p);
            search->at = 0;
            search->reads_shuffle = false;
            BARKS_TRY(pipeline_visit_leaves(search->pipeline, root, find_place, search));
            BARKS_TRY(pipeline_visit_leaves(search->pipeline, root, forget_others, search));
            /* Where a shuffle decides, it may be one that was stored, which pins nothing itself. */
            pins[p] = search->at == 0 ? SCHEDULER_ANY : search->at;
        }
    } while (search->has_forgotten);
    return NULL;
}

barks_status *kept_places_choose(struct pipeline *pipeline, const struct cut_options *options,
                                 uint32_t **out_pins)
{
    bool has_kept = false;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        has_kept |= pipeline->nodes[i].kept_at != NULL || pipeline->nodes[i].step.kind == STEP_KEPT;
    if (!has_kept)
        return NULL;
    uint32_t partition_count = pipeline_partition_count(pipeline);
    struct search search = {.pipeline = pipeline, .options = options};
    uint32_t *pins = calloc((size_t)partition_count + 1, sizeof *pins);
    search.owners = calloc(pipeline->node_count, sizeof(uint32_t *));
    barks_status *status = NULL;
    if (pins == NULL || search.owners == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the places of %u partitions", partition_count);
    if (status == NULL)
        status = choose_all(&search, partition_count, pins);
    for (uint32_t i = 0; search.owners != NULL && i < pipeline->node_count; i++)
        free(search.owners[i]);
    free(search.owners);
    if (status != NULL) {
        free(pins);
        return status;
    }
    *out_pins = pins;
    return NULL;
}
