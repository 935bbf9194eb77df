#include "runtime/job_failure.h"

#include "runtime/dispatch_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { EARLIER_SHOWN_MAX = 4, EARLIER_BYTES = 384 /* of one earlier error */ };

struct text {
    char bytes[(EARLIER_SHOWN_MAX + 1) * (EARLIER_BYTES + 128)];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written =
        vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length, format, arguments);
    va_end(arguments);
    text->length += written > 0 ? (size_t)written : 0;
    if (text->length >= sizeof text->bytes)
        text->length = sizeof text->bytes - 1;
}

static const char *host_of(const struct dispatch *dispatch, uint32_t rank)
{
    bool is_known = rank > 0 && rank <= dispatch->members->count;
    return is_known ? dispatch->members->all[rank - 1].hello.host : "unknown";
}

static bool is_of_task(const struct attempt_error *error, const struct attempt_id *id)
{
    return error->status != NULL && barks_status_code(error->status) != BARKS_CANCELLED &&
           error->id.job == id->job && error->id.stage == id->stage && error->id.task == id->task;
}

/* " attempt 1 on executor 2 (alpha): no such file;" */
static void append_earlier(struct text *text, const struct dispatch *dispatch,
                           const struct attempt_error *error, const char *last)
{
    char words[EARLIER_BYTES];
    barks_status_format(error->status, words, sizeof words);
    append(text, " attempt %" PRIu32 " on executor %" PRIu32 " (%s): %s;", error->id.attempt + 1,
           error->id.executor, host_of(dispatch, error->id.executor),
           strcmp(words, last) == 0 ? "the same" : words);
}

static void append_attempts(struct text *text, const struct dispatch *dispatch,
                            const struct attempt_id *id, const barks_status *cause)
{
    char last[EARLIER_BYTES];
    uint32_t count = 1, shown = 0;
    barks_status_format(cause, last, sizeof last);
    for (uint64_t i = 0; i < dispatch->error_count; i++)
        count += is_of_task(&dispatch->errors[i], id);
    if (count == 1) {
        append(text, " on executor %" PRIu32 " (%s)", id->executor,
               host_of(dispatch, id->executor));
        return;
    }
    append(text, " after %" PRIu32 " attempts:", count);
    for (uint64_t i = 0; i < dispatch->error_count && shown < EARLIER_SHOWN_MAX; i++)
        if (is_of_task(&dispatch->errors[i], id)) {
            append_earlier(text, dispatch, &dispatch->errors[i], last);
            shown++;
        }
    if (shown + 1 < count)
        append(text, " (%" PRIu32 " more);", count - shown - 1);
    append(text, " attempt %" PRIu32 " on executor %" PRIu32 " (%s)", id->attempt + 1, id->executor,
           host_of(dispatch, id->executor));
}

BARKS_CHECKED static barks_status *no_room(const struct dispatch *dispatch, const struct job *job,
                                           const struct job_outcome *outcome)
{
    uint32_t stage = outcome->attempt.stage;
    uint32_t count = pipeline_partition_count(job->plan.stages[stage].pipeline);
    if (outcome->cause == CAUSE_ROOM)
        BARKS_FAIL(
            BARKS_LIMIT,
            "%s: the %" PRIu32 " tasks of stage %" PRIu32
            " run at once, and there are not so many workers any more, or not where the rows "
            "are, or not with what they need",
            job->what, count, stage + 1);
    BARKS_FAIL(BARKS_LIMIT,
               "%s: the %" PRIu32 " tasks of stage %" PRIu32
               " run at once, and so many workers were not idle together for %.1f s "
               "(--barks-together-wait); other actions may keep them busy",
               job->what, count, stage + 1, (double)dispatch->options.together_wait_ns * 1e-9);
}

BARKS_CHECKED static barks_status *no_executor(const struct job *job,
                                               const struct job_outcome *outcome)
{
    const struct step_needs *needs = &job->plan.stages[outcome->attempt.stage].pipeline->needs;
    BARKS_FAIL(BARKS_LIMIT,
               "%s: tasks of stage %" PRIu32 " need what set_needs at %s says, and executors that "
               "have it are lost, or the rows that they read lie with others; start the job again, "
               "or keep these rows (barks_cache) behind that step",
               job->what, outcome->attempt.stage + 1, needs->where != NULL ? needs->where : "?");
}

/* Final: it would be so again. */
BARKS_CHECKED static barks_status *
too_many_losses(const struct dispatch *dispatch, const struct job *job, const struct attempt_id *id)
{
    BARKS_FAIL(BARKS_LIMIT,
               "%s failed in task %" PRIu32 " of stage %" PRIu32 ": %" PRIu32
               " executors that ran it were lost while they did (--barks-attempts), the last one "
               "executor %" PRIu32 " (%s); a task that needs more memory than its node has ends so",
               job->what, id->task, id->stage + 1, dispatch->options.scheduling.losses_max + 1,
               id->executor, host_of(dispatch, id->executor));
}

const barks_status *dispatch_repeated_crash(const struct dispatch *dispatch, uint32_t executor)
{
    const struct member *member = &dispatch->members->all[executor - 1];
    uint64_t number = member->crash.error;
    char text[EARLIER_BYTES], other[EARLIER_BYTES];
    if (!member->has_crashed || number > dispatch->error_count ||
        !is_of_task(&dispatch->errors[number - 1], &member->crash.id))
        return NULL;
    barks_status_format(dispatch->errors[number - 1].status, text, sizeof text);
    for (uint64_t i = 0; i + 1 < number; i++) {
        if (!is_of_task(&dispatch->errors[i], &member->crash.id))
            continue;
        barks_status_format(dispatch->errors[i].status, other, sizeof other);
        if (strcmp(text, other) == 0)
            return dispatch->errors[number - 1].status;
    }
    return NULL;
}

/* The number of the error that has ended the job. That of an attempt that ran too long is known by
 * the attempt alone. 0: there is none. */
static uint64_t error_of(const struct dispatch *dispatch, const struct job_outcome *outcome)
{
    if (outcome->cause != CAUSE_DEADLINE || outcome->attempt.executor == 0)
        return outcome->error <= dispatch->error_count ? outcome->error : 0;
    for (uint64_t i = 0; i < dispatch->error_count; i++)
        if (is_of_task(&dispatch->errors[i], &outcome->attempt) &&
            dispatch->errors[i].id.attempt == outcome->attempt.attempt)
            return i + 1;
    return 0;
}

barks_status *job_failure(struct dispatch *dispatch, const struct job *job,
                          const struct job_outcome *outcome)
{
    if (outcome->cause == CAUSE_NEEDS)
        return no_executor(job, outcome);
    if (outcome->cause == CAUSE_ROOM || outcome->cause == CAUSE_ROOM_LATE)
        return no_room(dispatch, job, outcome);
    if (outcome->cause == CAUSE_LOST)
        return too_many_losses(dispatch, job, &outcome->attempt);
    if (outcome->cause == CAUSE_DEADLINE && outcome->attempt.executor == 0)
        return barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                "%s was not done in %.9g s (barks_set_deadline)", job->what,
                                (double)job->labels.limit_ns * 1e-9);
    uint64_t error = error_of(dispatch, outcome);
    if (error == 0 || dispatch->errors[error - 1].status == NULL)
        return barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE, "%s was cancelled", job->what);
    barks_status *cause = dispatch->errors[error - 1].status;
    dispatch->errors[error - 1].status = NULL;
    if (outcome->attempt.executor == 0)
        return cause;
    struct text text = {.length = 0};
    append_attempts(&text, dispatch, &outcome->attempt, cause);
    return barks_status_new(barks_status_code(cause), cause, BARKS_HERE,
                            "%s failed in task %" PRIu32 "%s", job->what, outcome->attempt.task,
                            text.bytes);
}
