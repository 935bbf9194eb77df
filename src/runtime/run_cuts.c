#include "runtime/run_cuts.h"

#include "base/fault.h"
#include "base/log.h"
#include "runtime/dispatch_state.h"
#include "runtime/message.h"

#include <inttypes.h>

barks_status *run_cuts_ask(struct dispatch *dispatch, const struct job *job,
                           const struct decision *decision)
{
    struct packer out = {0};
    uint32_t stage = decision->cut_runs.stage;
    pack_u64(&out, MESSAGE_CUT);
    pack_u64(&out, job->plan.stages[stage].pipeline->stage);
    pack_u64(&out, stage);
    pack_u64(&out, decision->cut_runs.percent);
    BARKS_TRY(message_send(dispatch->net, decision->cut_runs.executor, &out));
    fault_point(POINT_CUT_SENT);
    return NULL;
}

barks_status *run_cuts_take(struct dispatch *dispatch, const struct event *cut, uint32_t end)
{
    const struct attempt_id *id = &cut->run_cut.id;
    const struct job *job = dispatch_find_job(dispatch, id->job);
    if (job == NULL)
        return NULL; /* it is over */
    LOG(LEVEL_INFO, "runtime",
        "%s: task %" PRIu32 " of stage %" PRIu32 " gives up partitions %" PRIu32 " to %" PRIu32
        " of executor %" PRIu32,
        job->what, id->task, id->stage, cut->run_cut.end_partition, end - 1, id->executor);
    BARKS_TRY(dispatch_handle(dispatch, cut));
    fault_point(POINT_CUT_NOTED);
    return NULL;
}
