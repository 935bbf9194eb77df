#include "runtime/quarantines.h"

#include "base/log.h"
#include "io/quarantine.h"
#include "plan/stage_cut.h"
#include "runtime/driver.h"

typedef void end_fn(const struct quarantine_place *place, barks_status **status);

static void publish(const struct quarantine_place *place, barks_status **status)
{
    if (*status == NULL)
        *status = quarantine_publish(place);
}

static void discard(const struct quarantine_place *place, barks_status **status)
{
    barks_status *stays = quarantine_discard(place);
    (void)status; /* why it is discarded is what counts */
    if (stays != NULL)
        LOG(LEVEL_WARN, "runtime", "%s", barks_status_text(stays));
    barks_status_free(stays);
}

static barks_status *end_all(const struct job *job, end_fn *end, barks_status *status)
{
    for (uint32_t s = 0; s < job->plan.stage_count; s++) {
        const struct stage_plan *stage = &job->plan.stages[s];
        uint32_t node_count = stage->pipeline != NULL ? stage->pipeline->node_count : 0;
        for (uint32_t n = 0; n < node_count && stage->leaves != NULL; n++) {
            const struct stage_leaf *leaf = &stage->leaves[n];
            if (leaf->quarantine == NULL)
                continue;
            struct quarantine_place place = {
                .directory = leaf->quarantine, .token = leaf->token, .job = job->id};
            end(&place, &status);
        }
    }
    return status;
}

barks_status *quarantines_end(const struct job *job, barks_status *status)
{
    return end_all(job, status == NULL ? publish : discard, status);
}

void quarantines_discard(const struct job *job)
{
    barks_status_free(end_all(job, discard, NULL)); /* which is none */
}
