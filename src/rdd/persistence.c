/* Datasets that are kept between actions. */
#include "rdd/action_frame.h"
#include "rdd/lineage_mend.h"
#include "runtime/kept_state.h"
#include "runtime/shared_values.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *persist(barks_rdd *rdd, const barks_persist_options *options,
                                           const char *where)
{
    if (options->level > BARKS_DISK)
        BARKS_FAIL(BARKS_INVALID, "%s: there is no level %d to keep a dataset at", where,
                   (int)options->level);
    if (options->copies > 2)
        BARKS_FAIL(BARKS_INVALID, "%s: .copies is %u; a dataset is kept once, or twice (2)", where,
                   options->copies);
    if (rdd->node.step.kind == STEP_KEPT) /* a local checkpoint is kept already */
        return NULL;
    if (rdd->node.step.kind != STEP_KEEP) {
        barks_rdd *inner = NULL;
        BARKS_TRY_DOING(lineage_put_above(rdd, &inner), "%s: persist", where);
        BARKS_TRY_DOING(lineage_mend(rdd->context), "%s: persist", where);
    }
    if (rdd->node.error != NULL || rdd->node.kept != NULL)
        return NULL;
    return kept_state_begin(rdd->context, &rdd->node, options);
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

/* Rows that all executors hold for joins are sent again when they are wanted again. */
BARKS_CHECKED static barks_status *forget_broadcast(barks_rdd *rdd)
{
    struct node *broadcast = rdd->broadcast != NULL ? &rdd->broadcast->node : NULL;
    if (broadcast == NULL || broadcast->step.numbers[0] == 0)
        return NULL;
    uint64_t id = (uint64_t)broadcast->step.numbers[0];
    broadcast->step.numbers[0] = 0;
    return shared_values_drop(rdd->context, id);
}

barks_rdd *barks_unpersist_at(barks_rdd *rdd, const char *where)
{
    if (rdd->context == NULL || rdd->context != context_alive() || rdd->node.error != NULL)
        return rdd;
    (void)where;
    lock_acquire(&rdd->context->planning);
    kept_state_update(rdd->context);
    barks_status *status = kept_state_end(rdd->context, &rdd->node);
    if (status == NULL)
        status = forget_broadcast(rdd);
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
        if (kept->copy_at == NULL || kept->copy_at[p] == 0)
            continue;
        out->copied_count++;
        out->memory_bytes += kept->copies[p].memory_bytes;
        out->disk_bytes += kept->copies[p].disk_bytes;
    }
    lock_release(&context->planning);
    return true;
}
