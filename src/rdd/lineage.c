/* What is known of a dataset before it runs: where it comes from, how it lies, what can be relied
 * on. */
#include "base/buffer.h"
#include "base/scope.h"
#include "plan/determinism.h"
#include "rdd/dataset.h"
#include "rdd/plan_text.h"
#include "runtime/kept_state.h"

enum { TEXT_BYTES_MAX = 1 << 16 };

static bool is_alive(const barks_rdd *rdd)
{
    return rdd->context != NULL && rdd->context == context_alive();
}

/* That of the step that a kept dataset keeps the rows of. */
static const struct node *asked_for(const barks_rdd *rdd)
{
    return rdd->node.step.kind == STEP_KEEP ? rdd->node.inputs[0] : &rdd->node;
}

uint32_t barks_parent_count(const barks_rdd *rdd)
{
    return is_alive(rdd) ? asked_for(rdd)->input_count : 0;
}

barks_rdd *barks_parent(const barks_rdd *rdd, uint32_t index)
{
    return index < barks_parent_count(rdd) ? (barks_rdd *)asked_for(rdd)->inputs[index] : NULL;
}

const char *barks_name(const barks_rdd *rdd)
{
    if (!is_alive(rdd))
        return NULL;
    return rdd->node.name != NULL ? rdd->node.name : asked_for(rdd)->name;
}

const char *barks_where(const barks_rdd *rdd) { return is_alive(rdd) ? rdd->node.where : NULL; }

barks_level barks_storage_level(const barks_rdd *rdd)
{
    if (!is_alive(rdd))
        return 0;
    lock_acquire(&rdd->context->planning);
    barks_level level = rdd->node.kept != NULL ? (barks_level)kept_state_level(rdd->node.kept) : 0;
    lock_release(&rdd->context->planning);
    return level;
}

const char *barks_partitioning_text(barks_rdd *rdd)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = TEXT_BYTES_MAX};
    if (!is_alive(rdd) || rdd->node.error != NULL)
        return NULL;
    barks_status *status = plan_text_partitioning(&text, &rdd->node);
    return dataset_keep_text(rdd, &text, status);
}

/* ---- determinism ---- */

barks_determinacy barks_determinism(const barks_rdd *rdd)
{
    return is_alive(rdd) ? (barks_determinacy)node_determinism(&rdd->node) : BARKS_DETERMINATE;
}

barks_rdd *barks_set_determinism_at(barks_rdd *rdd, barks_determinacy determinacy,
                                    const char *where)
{
    if (rdd->context == NULL)
        return rdd;
    if (determinacy > BARKS_INDETERMINATE)
        return dataset_fail(rdd, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                                  "%s: there is no determinism %d", where,
                                                  (int)determinacy));
    rdd->node.determinism = (uint8_t)determinacy;
    return rdd;
}
