/* Datasets that are kept between actions. */
#include "plan/determinism.h"
#include "rdd/action_frame.h"
#include "runtime/kept_state.h"

#include <stdlib.h>

/* The handle's step becomes the input of a new one that keeps its rows, which the handle is from
 * now on: so that all who hold the handle, datasets made of it too, read what is kept. */
BARKS_CHECKED static barks_status *put_keep_above(barks_rdd *rdd, const char *where)
{
    barks_rdd *inner = calloc(1, sizeof *inner);
    struct node **inputs = calloc(1, sizeof(struct node *));
    if (inner == NULL || inputs == NULL) {
        free(inner);
        free(inputs);
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to keep a dataset", where);
    }
    partitioning_know(&rdd->node);
    *inner = *rdd;
    uint32_t id = rdd->node.id;
    barks_status *status = context_add_node_locked(rdd->context, &inner->node);
    if (status != NULL) { /* inner was destroyed, with all that the handle owned */
        free(inputs);
        rdd->node = (struct node){.id = id, .where = where, .error = status};
        return NULL;
    }
    inputs[0] = &inner->node;
    rdd->node = (struct node){
        .step.kind = STEP_KEEP,
        .id = id,
        .where = inner->node.where,
        .record = inner->node.record,
        .partition_count = inner->node.partition_count,
        .inputs = inputs,
        .input_count = 1,
        .is_above_exchange = inner->node.is_above_exchange,
        .is_above_kept = true,
        .is_shifted = inner->node.is_shifted,
    };
    node_note_determinism(&rdd->node);
    return NULL;
}

BARKS_CHECKED static barks_status *persist(barks_rdd *rdd, const barks_persist_options *options,
                                           const char *where)
{
    if (options->level > BARKS_DISK)
        BARKS_FAIL(BARKS_INVALID, "%s: there is no level %d to keep a dataset at", where,
                   (int)options->level);
    if (rdd->node.step.kind != STEP_KEEP)
        BARKS_TRY(put_keep_above(rdd, where));
    if (rdd->node.error != NULL || rdd->node.kept != NULL)
        return NULL;
    return kept_state_begin(rdd->context, &rdd->node, options->level, options->encoded,
                            options->compressed);
}

barks_rdd *barks_persist_at(barks_rdd *rdd, const barks_persist_options *options, const char *where)
{
    if (rdd->context == NULL || rdd->context != context_alive() || rdd->node.error != NULL)
        return rdd;
    lock_acquire(&rdd->context->planning);
    barks_status *status = persist(rdd, options, where);
    lock_release(&rdd->context->planning);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_unpersist_at(barks_rdd *rdd, const char *where)
{
    if (rdd->context == NULL || rdd->context != context_alive() || rdd->node.error != NULL)
        return rdd;
    (void)where;
    lock_acquire(&rdd->context->planning);
    kept_state_update(rdd->context);
    barks_status *status = kept_state_end(rdd->context, &rdd->node);
    lock_release(&rdd->context->planning);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

bool barks_storage_info_at(barks_rdd *rdd, barks_storage *out, const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "storage info", where);
    barks_context *context = action_context(rdd, what);
    *out = (barks_storage){0};
    if (context == NULL || !action_is_done(context, node_error(&rdd->node)))
        return false;
    lock_acquire(&context->planning);
    kept_state_update(context);
    const struct kept_state *kept = rdd->node.kept;
    out->partition_count = rdd->node.partition_count;
    if (kept != NULL)
        out->level = (barks_level)kept_state_level(kept);
    for (uint32_t p = 0; kept != NULL && p < rdd->node.partition_count; p++) {
        if (kept->at[p] == 0)
            continue;
        out->kept_count++;
        out->row_count += kept->partitions[p].row_count;
        out->memory_bytes += kept->partitions[p].memory_bytes;
        out->disk_bytes += kept->partitions[p].disk_bytes;
    }
    lock_release(&context->planning);
    return true;
}
