/* Attempts that have run longer than --barks-task-time-limit. */
#include "base/clock.h"
#include "base/log.h"
#include "runtime/dispatch_state.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *host_of(const struct dispatch *dispatch, uint32_t executor)
{
    return dispatch->members->all[executor - 1].hello.host;
}

static double seconds(uint64_t ns) { return (double)ns * 1e-9; }

barks_status *dispatch_note_overrun(struct dispatch *dispatch, const struct job *job,
                                    const struct attempt_id *id)
{
    uint64_t number = 0;
    if (dispatch->overrun_count == dispatch->overrun_capacity) {
        uint32_t capacity = 2 * dispatch->overrun_capacity + 8;
        struct overrun *overruns =
            reallocarray(dispatch->overruns, capacity, sizeof *dispatch->overruns);
        if (overruns == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " attempts", capacity);
        dispatch->overruns = overruns;
        dispatch->overrun_capacity = capacity;
    }
    dispatch->overruns[dispatch->overrun_count++] = (struct overrun){
        .id = *id, .stuck_ns = monotonic_ns() + dispatch->options.overrun_grace_ns};
    LOG(LEVEL_WARN, "runtime",
        "%s: task %" PRIu32 " of stage %" PRIu32 " runs longer than %.1f s on executor %" PRIu32
        " (%s) and is told to end (--barks-task-time-limit)",
        job->what, id->task, id->stage + 1, seconds(dispatch->options.scheduling.attempt_ns_max),
        id->executor, host_of(dispatch, id->executor));
    barks_status *error = barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                           "it ran longer than %.1f s (--barks-task-time-limit)",
                                           seconds(dispatch->options.scheduling.attempt_ns_max));
    return dispatch_add_error(dispatch, id, error, &number);
}

static bool is_same(const struct attempt_id *a, const struct attempt_id *b)
{
    return a->job == b->job && a->stage == b->stage && a->task == b->task &&
           a->attempt == b->attempt;
}

const barks_status *dispatch_end_overrun(struct dispatch *dispatch, const struct attempt_id *id)
{
    uint32_t index = 0;
    while (index < dispatch->overrun_count && !is_same(&dispatch->overruns[index].id, id))
        index++;
    if (index == dispatch->overrun_count)
        return NULL;
    dispatch->overruns[index] = dispatch->overruns[--dispatch->overrun_count];
    for (uint64_t i = 0; i < dispatch->error_count; i++)
        if (is_same(&dispatch->errors[i].id, id))
            return dispatch->errors[i].status;
    return NULL;
}

/* Its thread cannot be ended, only its process. */
barks_status *dispatch_check_overruns(struct dispatch *dispatch, uint64_t now_ns)
{
    for (uint32_t i = 0; i < dispatch->overrun_count; i++) {
        const struct overrun *overrun = &dispatch->overruns[i];
        if (now_ns < overrun->stuck_ns)
            continue;
        dispatch->has_stuck_attempt = true;
        BARKS_FAIL(
            BARKS_LIMIT,
            "task %" PRIu32 " on executor %" PRIu32
            " (%s) ran longer than %.1f s (--barks-task-time-limit) and has not ended %.1f s "
            "after it was told to: functions that take long ask barks_cancelled()",
            overrun->id.task, overrun->id.executor, host_of(dispatch, overrun->id.executor),
            seconds(dispatch->options.scheduling.attempt_ns_max),
            seconds(dispatch->options.overrun_grace_ns));
    }
    return NULL;
}

bool dispatch_has_stuck_attempt(const struct dispatch *dispatch)
{
    return dispatch->has_stuck_attempt;
}
