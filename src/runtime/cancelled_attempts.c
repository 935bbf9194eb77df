/* Attempts that were told to end and have not said that they have: they ran longer than
 * --barks-task-time-limit, lost a race against a copy, or their job is over. */
#include "base/log.h"
#include "base/pause.h"
#include "runtime/dispatch_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *host_of(const struct dispatch *dispatch, uint32_t executor)
{
    return dispatch->members->all[executor - 1].hello.host;
}

static double seconds(uint64_t ns) { return (double)ns * 1e-9; }

static bool is_same(const struct attempt_id *a, const struct attempt_id *b)
{
    return a->job == b->job && a->stage == b->stage && a->task == b->task &&
           a->attempt == b->attempt;
}

/* Its index, or cancelled_count. */
static uint32_t find(const struct dispatch *dispatch, const struct attempt_id *id)
{
    uint32_t index = 0;
    while (index < dispatch->cancelled_count && !is_same(&dispatch->cancelled[index].id, id))
        index++;
    return index;
}

BARKS_CHECKED static barks_status *add(struct dispatch *dispatch, const struct attempt_id *id,
                                       bool is_overrun)
{
    if (dispatch->cancelled_count == dispatch->cancelled_capacity) {
        uint32_t capacity = 2 * dispatch->cancelled_capacity + 8;
        struct cancelled_attempt *cancelled =
            reallocarray(dispatch->cancelled, capacity, sizeof *dispatch->cancelled);
        if (cancelled == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " attempts", capacity);
        dispatch->cancelled = cancelled;
        dispatch->cancelled_capacity = capacity;
    }
    dispatch->cancelled[dispatch->cancelled_count++] =
        (struct cancelled_attempt){.id = *id, .since_ns = monotonic_ns(), .is_overrun = is_overrun};
    return NULL;
}

barks_status *dispatch_note_overrun(struct dispatch *dispatch, const struct job *job,
                                    const struct attempt_id *id)
{
    uint64_t number = 0;
    double limit = seconds(dispatch->options.scheduling.attempt_ns_max);
    BARKS_TRY(add(dispatch, id, true));
    LOG(LEVEL_WARN, "runtime",
        "%s: task %" PRIu32 " of stage %" PRIu32 " runs longer than %.1f s on executor %" PRIu32
        " (%s) and is told to end (--barks-task-time-limit)",
        job->what, id->task, id->stage + 1, limit, id->executor, host_of(dispatch, id->executor));
    barks_status *error =
        barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                         "it ran longer than %.1f s (--barks-task-time-limit)", limit);
    return dispatch_add_error(dispatch, id, error, &number);
}

barks_status *dispatch_note_cancelled(struct dispatch *dispatch, const struct attempt_id *id)
{
    return find(dispatch, id) < dispatch->cancelled_count ? NULL : add(dispatch, id, false);
}

const barks_status *dispatch_note_answered(struct dispatch *dispatch, const struct attempt_id *id)
{
    uint32_t index = find(dispatch, id);
    if (index == dispatch->cancelled_count)
        return NULL;
    bool was_overrun = dispatch->cancelled[index].is_overrun;
    dispatch->cancelled[index] = dispatch->cancelled[--dispatch->cancelled_count];
    for (uint64_t i = 0; i < dispatch->error_count && was_overrun; i++)
        if (is_same(&dispatch->errors[i].id, id))
            return dispatch->errors[i].status;
    return NULL;
}

void dispatch_forget_cancelled(struct dispatch *dispatch, uint32_t executor)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < dispatch->cancelled_count; i++)
        if (dispatch->cancelled[i].id.executor != executor)
            dispatch->cancelled[kept++] = dispatch->cancelled[i];
    dispatch->cancelled_count = kept;
}

bool dispatch_has_deaf_attempt(const struct dispatch *dispatch)
{
    return dispatch->has_deaf_attempt;
}

/* ---- those that do not answer ---- */

static uint64_t silent_ns(const struct cancelled_attempt *cancelled,
                          const struct pause_watch *pauses)
{
    uint64_t since_ns = pause_watch_since(pauses, cancelled->since_ns);
    return pauses->looked_ns > since_ns ? pauses->looked_ns - since_ns : 0;
}

static bool is_deaf(const struct dispatch *dispatch, const struct cancelled_attempt *cancelled,
                    const struct pause_watch *pauses)
{
    return silent_ns(cancelled, pauses) >= dispatch->options.deaf_grace_ns;
}

/* It waits for nothing but attempts that have been told to end; *out_outcome is its outcome. */
static bool is_ending(const struct dispatch *dispatch, const struct job *job,
                      struct job_outcome *out_outcome)
{
    return scheduler_job_outcome(dispatch->scheduler, job->id, out_outcome);
}

/* The last of the job's attempts, all of which do not answer; NULL: one may still. */
static const struct cancelled_attempt *deaf_of_job(const struct dispatch *dispatch,
                                                   const struct job *job,
                                                   const struct pause_watch *pauses)
{
    const struct cancelled_attempt *last = NULL;
    for (uint32_t i = 0; i < dispatch->cancelled_count; i++) {
        const struct cancelled_attempt *cancelled = &dispatch->cancelled[i];
        if (cancelled->id.job != job->id)
            continue;
        if (!is_deaf(dispatch, cancelled, pauses))
            return NULL;
        last = cancelled;
    }
    return last;
}

barks_status *dispatch_leave_deaf(struct dispatch *dispatch, const struct pause_watch *pauses)
{
    for (struct job *job = dispatch->jobs, *next; job != NULL; job = next) {
        struct job_outcome outcome;
        next = job->next;
        const struct cancelled_attempt *deaf = deaf_of_job(dispatch, job, pauses);
        if (deaf == NULL || !is_ending(dispatch, job, &outcome))
            continue;
        LOG(LEVEL_WARN, "runtime",
            "%s ends without task %" PRIu32 " of stage %" PRIu32 " on executor %" PRIu32
            " (%s), which has not ended %.1f s after it was told to, and occupies a worker until "
            "it does: functions that take long ask barks_cancelled()",
            job->what, deaf->id.task, deaf->id.stage + 1, deaf->id.executor,
            host_of(dispatch, deaf->id.executor), seconds(silent_ns(deaf, pauses)));
        dispatch->has_deaf_attempt = true;
        BARKS_TRY(dispatch_finish_job(dispatch, job, &outcome));
        next = dispatch->jobs; /* from the front: others may have left the list */
    }
    return NULL;
}

/* ---- executors that are lost for their sake ---- */

static uint32_t count_deaf(const struct dispatch *dispatch, uint32_t executor,
                           const struct pause_watch *pauses)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < dispatch->cancelled_count; i++)
        count += dispatch->cancelled[i].id.executor == executor &&
                 is_deaf(dispatch, &dispatch->cancelled[i], pauses);
    return count;
}

/* Of its workers none does anything but not to answer. */
static bool does_nothing_else(const struct dispatch *dispatch, uint32_t executor,
                              const struct pause_watch *pauses)
{
    return dispatch->members->all[executor - 1].attempts_out <=
           count_deaf(dispatch, executor, pauses);
}

static bool nobody_does_anything(const struct dispatch *dispatch, const struct pause_watch *pauses)
{
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        if (!member_is_lost(&dispatch->members->all[rank - 1]) &&
            !does_nothing_else(dispatch, rank, pauses))
            return false;
    return true;
}

/* Has the stage tasks that nobody runs? Attempts that do not answer run none. */
static bool has_waiting_tasks(const struct dispatch *dispatch, const struct job *job,
                              uint32_t stage, const struct pause_watch *pauses)
{
    struct stage_progress progress = {0};
    uint32_t deaf_count = 0;
    barks_status_free(scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress));
    if (progress.state != STAGE_READY && progress.state != STAGE_RUNNING)
        return false;
    for (uint32_t i = 0; i < dispatch->cancelled_count; i++)
        deaf_count += dispatch->cancelled[i].id.job == job->id &&
                      dispatch->cancelled[i].id.stage == stage &&
                      is_deaf(dispatch, &dispatch->cancelled[i], pauses);
    return progress.tasks_done + progress.attempts_live < progress.task_count + deaf_count;
}

static bool some_tasks_wait(const struct dispatch *dispatch, const struct pause_watch *pauses)
{
    bool some = false;
    for (const struct job *job = dispatch->jobs; job != NULL; job = job->next)
        for (uint32_t stage = 0; stage < job->plan.stage_count; stage++) {
            if (job->stages[stage].is_committing)
                return false; /* what comes of that is not known yet */
            some |= has_waiting_tasks(dispatch, job, stage, pauses);
        }
    return some;
}

static bool others_go_on(const struct dispatch *dispatch)
{
    return dispatch->recovery.is_on && members_living_count(dispatch->members) > 1;
}

/* For how long tasks have waited for workers that are not given back; 0: none do. Where the job
 * cannot go on without an executor, the others may do all there is as long as they do something. */
static uint64_t waited_ns(struct dispatch *dispatch, const struct pause_watch *pauses)
{
    bool wait = some_tasks_wait(dispatch, pauses) &&
                (others_go_on(dispatch) || nobody_does_anything(dispatch, pauses));
    if (!wait)
        dispatch->waiting_since_ns = 0;
    else if (dispatch->waiting_since_ns == 0)
        dispatch->waiting_since_ns = pauses->looked_ns;
    return wait ? pauses->looked_ns - pause_watch_since(pauses, dispatch->waiting_since_ns) : 0;
}

/* Its thread cannot be ended, only its process, and with that goes what it does beside. So that is
 * done where its job has a limit that it has passed, or where it does nothing else and others have
 * waited for its workers. */
static bool is_to_be_lost(const struct dispatch *dispatch,
                          const struct cancelled_attempt *cancelled, bool have_waited,
                          const struct pause_watch *pauses)
{
    struct job_outcome outcome;
    const struct job *job = dispatch_find_job(dispatch, cancelled->id.job);
    if (!is_deaf(dispatch, cancelled, pauses))
        return false;
    if (cancelled->is_overrun && others_go_on(dispatch) && job != NULL &&
        !is_ending(dispatch, job, &outcome))
        return true;
    return have_waited && does_nothing_else(dispatch, cancelled->id.executor, pauses);
}

static void word_loss(const struct dispatch *dispatch, const struct cancelled_attempt *cancelled,
                      uint64_t deaf_ns, struct member_loss *loss)
{
    const struct member *member = &dispatch->members->all[loss->rank - 1];
    const struct job *job = dispatch_find_job(dispatch, cancelled->id.job);
    char why[96] = "";
    if (cancelled->is_overrun)
        snprintf(why, sizeof why, ", for it ran longer than %.1f s (--barks-task-time-limit)",
                 seconds(dispatch->options.scheduling.attempt_ns_max));
    snprintf(loss->sentence, sizeof loss->sentence,
             "executor %" PRIu32 " on %s (process %" PRIu32 ") was lost: task %" PRIu32
             " of stage %" PRIu32 " of %s has not ended %.1f s after it was told to%s: functions "
             "that take long ask barks_cancelled()",
             loss->rank, member->hello.host, member->hello.pid, cancelled->id.task,
             cancelled->id.stage + 1, job != NULL ? job->what : "an earlier action",
             seconds(deaf_ns), why);
}

bool dispatch_find_deaf(struct dispatch *dispatch, const struct pause_watch *pauses,
                        struct member_loss *out_loss)
{
    if (dispatch->cancelled_count == 0 || dispatch->recovery.is_under_way ||
        dispatch->is_out_of_time)
        return false;
    bool have_waited = waited_ns(dispatch, pauses) >= dispatch->options.deaf_grace_ns;
    for (uint32_t i = 0; i < dispatch->cancelled_count; i++) {
        const struct cancelled_attempt *cancelled = &dispatch->cancelled[i];
        struct member *member = &dispatch->members->all[cancelled->id.executor - 1];
        if (member_is_lost(member) || !is_to_be_lost(dispatch, cancelled, have_waited, pauses))
            continue;
        *out_loss = (struct member_loss){.rank = cancelled->id.executor};
        word_loss(dispatch, cancelled, silent_ns(cancelled, pauses), out_loss);
        atomic_store_explicit(&member->is_lost, true, memory_order_relaxed);
        dispatch->has_deaf_attempt = true;
        return true;
    }
    return false;
}
