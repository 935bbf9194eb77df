/* The keys that one side of a join has go to the stage that leaves out rows of the other one. */
#include "base/log.h"
#include "plan/hot_order.h"
#include "runtime/dispatch_state.h"
#include "shuffle/key_collector.h"

#include <inttypes.h>

barks_status *dispatch_take_keys(struct job *job, struct attempt_report *report,
                                 const struct packed_keys *keys)
{
    struct unpacker in;
    struct job_stage *state = &job->stages[report->id.stage];
    if (keys->bytes == NULL || job_terminal(job, report->id.stage)->filter_role != FILTER_COLLECTS)
        return NULL;
    report->has_keys = true;
    if (state->has_told_filter)
        return NULL; /* of a run that is made again, whose keys are known */
    unpacker_init(&in, keys->bytes, keys->size_bytes);
    barks_status *status = key_filter_merge_packed(&state->filter, !state->has_filter, &in);
    state->has_filter = true;
    barks_status *bad = unpacker_finish(&in);
    unpacker_drop(&in);
    if (status != NULL) {
        barks_status_free(bad); /* of what was read no further */
        return status;
    }
    return bad;
}

/* Whether what was merged has the keys of all runs that count. */
BARKS_CHECKED static barks_status *look_whether_whole(const struct dispatch *dispatch,
                                                      const struct job *job, uint32_t stage,
                                                      uint32_t run_count, bool *out_is_whole)
{
    *out_is_whole = job->stages[stage].has_filter;
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        *out_is_whole &= report->has_keys;
    }
    return NULL;
}

static void say(const struct job *job, const struct key_filter *filter)
{
    if (filter->words != NULL)
        LOG(LEVEL_INFO, "runtime",
            "%s: a join tests rows by the keys of its other side before they are sent: %" PRIu64
            " KiB, %.1f %% of other keys pass",
            job->what, key_filter_bytes(filter->words_log2) >> 10,
            100 * key_filter_false_rate(filter));
    else
        LOG(LEVEL_INFO, "runtime",
            "%s: a join has too many keys, or executors no room, to test rows of its other side "
            "by them: %s",
            job->what,
            key_filter_is_useless(filter) ? "all are sent" : "by the least and greatest alone");
}

barks_status *dispatch_tell_keys(struct dispatch *dispatch, struct job *job, uint32_t stage,
                                 uint32_t run_count)
{
    struct job_stage *state = &job->stages[stage];
    uint32_t told = filter_stage_after(&job->plan, stage);
    bool is_whole = false;
    if (state->has_told_filter || told == STAGE_NONE)
        return NULL; /* of an earlier commit, or nobody asks any more */
    BARKS_TRY(look_whether_whole(dispatch, job, stage, run_count, &is_whole));
    state->has_told_filter = true;
    if (!is_whole) {
        key_filter_drop(&state->filter);
        return NULL; /* then nothing is left out */
    }
    key_filter_seal(&state->filter);
    say(job, &state->filter);
    struct terminal *terminal = &job->plan.stages[told].pipeline->terminal;
    key_filter_drop(&terminal->filter);
    terminal->filter = state->filter;
    state->filter = (struct key_filter){0};
    return NULL;
}
