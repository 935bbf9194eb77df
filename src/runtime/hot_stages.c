/* The hot keys that one side of a join has found go to the stage of the other side. */
#include "base/log.h"
#include "runtime/dispatch_state.h"

#include <inttypes.h>

BARKS_CHECKED static barks_status *read_found(struct attempt_report *report, struct hot_list *found)
{
    struct buffer result = report_take_result(report);
    struct unpacker in;
    unpacker_init(&in, result.data, result.size_bytes);
    barks_status *status = hot_list_unpack(found, &in);
    barks_status *bad = unpacker_finish(&in);
    unpacker_drop(&in);
    buffer_drop(&result);
    if (status != NULL && bad != NULL) {
        barks_status_free(bad);
        bad = NULL;
    }
    return status != NULL ? status : bad;
}

static void say(const struct job *job, const struct hot_list *found)
{
    for (uint32_t i = 0; i < found->count; i++)
        LOG(LEVEL_INFO, "runtime",
            "%s: a join has a hot key, '%s' (%" PRIu32
            " %% of the rows of a partition): spread over "
            "%" PRIu32 " partitions",
            job->what, found->keys[i].text, found->keys[i].permille / 10,
            found->keys[i].piece_count);
}

static struct terminal *copying_terminal(struct job *job, uint32_t stage)
{
    for (uint32_t later = stage + 1; later < job->plan.stage_count; later++) {
        const struct stage_plan *plan = &job->plan.stages[later];
        for (uint32_t i = 0; i < plan->input_count; i++)
            if (plan->inputs[i].kind == INPUT_AFTER && plan->inputs[i].parent == stage)
                return &plan->pipeline->terminal;
    }
    return NULL;
}

barks_status *dispatch_tell_hot_keys(struct dispatch *dispatch, struct job *job, uint32_t stage,
                                     uint32_t run_count)
{
    struct hot_list found = {0};
    struct terminal *copying = copying_terminal(job, stage);
    barks_status *status = NULL;
    for (uint32_t run = 0; run < run_count && status == NULL; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        status = dispatch_counted_report(dispatch, job, stage, run, &counted, &report);
        if (status == NULL)
            status = read_found(report, &found);
    }
    if (status == NULL && copying == NULL)
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                  "hot keys were sought, and nobody copies their rows");
    if (status != NULL || found.count == 0) {
        hot_list_drop(&found);
        return status;
    }
    say(job, &found);
    dispatch->totals.hot_key_count += found.count;
    uint8_t open = PLACEMENT_OPEN;
    atomic_compare_exchange_strong(job->plan.stages[stage].placement, &open, PLACEMENT_SPREAD);
    hot_list_drop(&copying->hot_keys);
    copying->hot_keys = found;
    return NULL;
}
