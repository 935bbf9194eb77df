/* The hot keys that one side of a join has found go to the stage of the other side. */
#include "base/log.h"
#include "runtime/dispatch_state.h"

#include <inttypes.h>

/* Nothing where it was read before, by an earlier commit. */
BARKS_CHECKED static barks_status *read_found(struct attempt_report *report, struct hot_list *found)
{
    if (report->result == NULL)
        return NULL;
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

/* The other side has copied its rows by what it was told first: nobody may find more. */
static bool is_told(const struct hot_list *told, const struct hot_list *found)
{
    for (uint32_t i = 0; i < found->count; i++) {
        const struct hot_key *known = hot_list_find(told, found->keys[i].hash);
        if (known == NULL || known->piece_count < found->keys[i].piece_count)
            return false;
    }
    return true;
}

barks_status *dispatch_tell_hot_keys(struct dispatch *dispatch, struct job *job, uint32_t stage,
                                     uint32_t run_count, barks_status **out_problem)
{
    bool is_first = job->stages[stage].commit == 1;
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
    if (status == NULL && !is_first && !is_told(&copying->hot_keys, &found))
        *out_problem = barks_status_new(
            BARKS_LOST, NULL, BARKS_HERE,
            "%s: an executor was lost with the hot keys of a join, and others were found",
            job->what);
    if (status != NULL || found.count == 0 || !is_first) {
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
