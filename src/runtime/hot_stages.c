/* The hot keys that one side of a join has found go to the stage that copies the other one's rows.
 */
#include "base/clock.h"
#include "base/log.h"
#include "plan/hot_order.h"
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

/* Nothing is to be copied of what was sent before: the stage that would is left out. */
BARKS_CHECKED static barks_status *skip_copies(struct dispatch *dispatch, struct job *job,
                                               uint32_t stage)
{
    struct event event = {.kind = EVENT_STAGE_SKIPPED,
                          .time_ns = monotonic_ns(),
                          .stage_skipped = {.job = job->id, .stage = stage}};
    BARKS_TRY(hot_stage_skip(&job->plan, stage));
    dispatch_note_skipped(dispatch, job, stage,
                          "the join has no hot keys, whose rows it would copy");
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *read_all(const struct dispatch *dispatch, const struct job *job,
                                            uint32_t stage, uint32_t run_count,
                                            struct hot_list *found)
{
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        BARKS_TRY(read_found(report, found));
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
    uint32_t told = hot_stage_after(&job->plan, stage);
    barks_status *status = read_all(dispatch, job, stage, run_count, &found);
    if (status == NULL && told == STAGE_NONE)
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                  "hot keys were sought, and nobody copies their rows");
    struct terminal *terminal =
        told != STAGE_NONE ? &job->plan.stages[told].pipeline->terminal : NULL;
    if (status == NULL && !is_first && !is_told(&terminal->hot_keys, &found))
        *out_problem = barks_status_new(
            BARKS_LOST, NULL, BARKS_HERE,
            "%s: an executor was lost with the hot keys of a join, and others were found",
            job->what);
    if (status != NULL || !is_first) {
        hot_list_drop(&found);
        return status;
    }
    if (found.count == 0)
        return terminal->hot_role == HOT_COPY ? skip_copies(dispatch, job, told) : NULL;
    say(job, &found);
    dispatch->totals.hot_key_count += found.count;
    uint8_t open = PLACEMENT_OPEN;
    atomic_compare_exchange_strong(job->plan.stages[stage].placement, &open, PLACEMENT_SPREAD);
    hot_list_drop(&terminal->hot_keys);
    terminal->hot_keys = found;
    return NULL;
}
