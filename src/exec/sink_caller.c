#include "exec/sink_caller.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

barks_status *sink_part_begin(struct sink_part *part, const barks_function *sink, const void *env,
                              const char *job_name)
{
    *part = (struct sink_part){.sink = sink, .env = env, .job_name = job_name};
    part->state = calloc(1, sink->state_size + 1);
    if (part->state == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the state of '%s'", sink->name);
    return NULL;
}

void sink_part_drop(struct sink_part *part)
{
    free(part->state);
    *part = (struct sink_part){0};
}

static bool is_of_job(int phase)
{
    return phase == BARKS_BEGIN_JOB || phase == BARKS_COMMIT_JOB || phase == BARKS_ABORT_JOB;
}

static const char *doing(int phase)
{
    switch (phase) {
    case BARKS_OPEN:
        return "opening";
    case BARKS_BATCH:
        return "writing";
    case BARKS_CLOSE:
        return "closing";
    case BARKS_COMMIT:
        return "committing";
    case BARKS_ABORT:
        return "aborting";
    case BARKS_BEGIN_JOB:
        return "beginning";
    case BARKS_COMMIT_JOB:
        return "committing";
    default:
        return "aborting";
    }
}

/* Takes cause. */
BARKS_CHECKED static barks_status *fail_in(const struct sink_part *part, int phase,
                                           barks_status *cause)
{
    const barks_function *sink = part->sink;
    const char *what =
        barks_status_code(cause) == BARKS_USER_ERROR ? "an error was reported" : "failure";
    if (is_of_job(phase))
        return barks_status_new(barks_status_code(cause), cause, BARKS_HERE,
                                "%s in the sink '%s' (%s), %s the job", what, sink->name,
                                sink->where, doing(phase));
    return barks_status_new(
        barks_status_code(cause), cause, BARKS_HERE,
        "%s in the sink '%s' (%s), %s part %" PRIu32 " after %" PRIu64 " of its rows", what,
        sink->name, sink->where, doing(phase), part->partition, part->row_count);
}

barks_status *sink_part_call(struct sink_part *part, int phase, barks_call *call)
{
    char name[32], attempt_name[128];
    snprintf(name, sizeof name, "part-%05" PRIu32, part->partition);
    snprintf(attempt_name, sizeof attempt_name, "%s-%" PRIu32 "-%s", name, part->attempt,
             part->job_name);
    struct barks_part shown = {.partition = part->partition,
                               .attempt = part->attempt,
                               .row_count = part->row_count,
                               .name = is_of_job(phase) ? NULL : name,
                               .attempt_name = is_of_job(phase) ? NULL : attempt_name,
                               .job_name = part->job_name,
                               .committed = part->committed,
                               .committed_count = part->committed_count};
    call->env = part->env;
    call->phase = phase;
    call->state = part->state;
    call->part = &shown;
    part->sink->foreach (call);
    return call->status != NULL ? fail_in(part, phase, call->status) : NULL;
}

void sink_part_abort(struct sink_part *part, int phase, barks_call *call)
{
    barks_status *status = sink_part_call(part, phase, call);
    if (status != NULL) {
        char text[1024];
        barks_status_format(status, text, sizeof text);
        LOG(LEVEL_WARN, "exec", "%s", text);
    }
    barks_status_free(status);
}
