#include "scheduler_trial.h"

#include <check.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void trial_init(struct trial *trial, const struct scheduler_options *options)
{
    memset(trial, 0, sizeof *trial);
    ck_assert_ptr_null(scheduler_create(options, &trial->scheduler));
}

void trial_drop(struct trial *trial)
{
    scheduler_destroy(trial->scheduler);
    decision_list_drop(&trial->decisions);
}

__attribute__((format(printf, 2, 3))) static void say(struct trial *trial, const char *format, ...)
{
    size_t length = strlen(trial->text);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(trial->text + length, sizeof trial->text - length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(length + (size_t)written, sizeof trial->text);
}

static const char *cause_name(enum failure_cause cause)
{
    static const char *const names[] = {"none",      "user error", "bad input", "resource",
                                        "lost",      "cancelled",  "deadline",  "room",
                                        "room late", "needs"};
    return names[cause];
}

static void say_attempt(struct trial *trial, const char *what, const struct attempt_id *id)
{
    say(trial, " %s %" PRIu64 "/%u.%u#%u@%u", what, id->job, id->stage, id->task, id->attempt,
        id->executor);
}

static void say_outcome(struct trial *trial, const struct decision *decision)
{
    const struct job_outcome *outcome = &decision->job_finished.outcome;
    uint64_t job = decision->job_finished.job;
    switch (outcome->result) {
    case JOB_RESULT_DONE:
        say(trial, " done %" PRIu64, job);
        return;
    case JOB_RESULT_FAILED:
        say(trial, " failed %" PRIu64 "(%s %" PRIu64 ")", job, cause_name(outcome->cause),
            outcome->error);
        return;
    case JOB_RESULT_CANCELLED:
        say(trial, " cancelled %" PRIu64 "(%s)", job, cause_name(outcome->cause));
        return;
    }
    ck_abort_msg("an unknown result");
}

static void say_decision(struct trial *trial, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        say(trial, " ship %" PRIu64 "/%u@%u", decision->ship_stage.job, decision->ship_stage.stage,
            decision->ship_stage.executor);
        return;
    case DECISION_START_TASK:
        say_attempt(trial, "start", &decision->start_task.id);
        say(trial, "[%u,%u)", decision->start_task.first_partition,
            decision->start_task.end_partition);
        if (decision->start_task.piece_count > 1)
            say(trial, "%u/%u", decision->start_task.piece, decision->start_task.piece_count);
        if (decision->start_task.lender != SCHEDULER_ANY)
            say(trial, "<%u", decision->start_task.lender);
        if (decision->start_task.is_alone)
            say(trial, "!");
        return;
    case DECISION_ATTEMPT_OVERRUN:
        say_attempt(trial, "overrun", &decision->attempt_overrun);
        return;
    case DECISION_CUT_RUNS:
        say(trial, " cut %" PRIu64 "/%u@%u(%u%%)", decision->cut_runs.job, decision->cut_runs.stage,
            decision->cut_runs.executor, decision->cut_runs.percent);
        return;
    case DECISION_CANCEL_ATTEMPT:
        say_attempt(trial, "cancel", &decision->cancel_attempt);
        return;
    case DECISION_DISCARD_ATTEMPT:
        say_attempt(trial, "discard", &decision->discard_attempt.id);
        return;
    case DECISION_COMMIT_STAGE:
        say(trial, " commit %" PRIu64 "/%u#%u(%u)", decision->commit_stage.job,
            decision->commit_stage.stage, decision->commit_stage.commit,
            decision->commit_stage.run_count);
        return;
    case DECISION_OWNERS_CHANGED:
        say(trial, " owners %" PRIu64 "/%u", decision->owners_changed.job,
            decision->owners_changed.stage);
        return;
    case DECISION_RELEASE_STAGE:
        say(trial, " release %" PRIu64 "/%u", decision->release_stage.job,
            decision->release_stage.stage);
        return;
    case DECISION_EXECUTOR_EXCLUDED:
        say(trial, " exclude %" PRIu64, decision->executor_excluded.job);
        if (decision->executor_excluded.stage != SCHEDULER_ANY)
            say(trial, "/%u", decision->executor_excluded.stage);
        say(trial, "@%u", decision->executor_excluded.executor);
        return;
    case DECISION_JOB_FINISHED:
        say_outcome(trial, decision);
        return;
    }
    ck_abort_msg("an unknown decision");
}

const char *trial_send(struct trial *trial, const struct event *event)
{
    struct event timed = *event;
    timed.time_ns = trial->time_ns;
    trial->decisions.count = 0;
    trial->text[0] = '\0';
    barks_status *status = scheduler_handle(trial->scheduler, &timed, &trial->decisions);
    ck_assert_msg(status == NULL, "%s", status == NULL ? "" : barks_status_text(status));
    ck_assert(scheduler_is_sound(trial->scheduler));
    for (size_t i = 0; i < trial->decisions.count; i++)
        say_decision(trial, &trial->decisions.items[i]);
    return trial->text;
}

barks_code trial_refused(struct trial *trial, const struct event *event)
{
    trial->decisions.count = 0;
    barks_status *status = scheduler_handle(trial->scheduler, event, &trial->decisions);
    ck_assert_ptr_nonnull(status);
    ck_assert(!scheduler_is_broken(trial->scheduler) && trial->decisions.count == 0);
    ck_assert(scheduler_is_sound(trial->scheduler));
    barks_code code = barks_status_code(status);
    barks_status_free(status);
    return code;
}

const char *trial_join(struct trial *trial, uint32_t executor, uint32_t node, uint32_t workers)
{
    return trial_send(trial, &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                             .executor_joined = {.executor = executor,
                                                                 .node = node,
                                                                 .worker_count = workers}});
}

const char *trial_lose(struct trial *trial, uint32_t executor)
{
    return trial_send(trial, &(struct event){.kind = EVENT_EXECUTOR_LOST,
                                             .executor_lost = {.executor = executor}});
}

const char *trial_crash(struct trial *trial, struct attempt_id id, uint64_t hash)
{
    struct attempt_crash crash = {.id = id, .error = hash, .error_hash = hash};
    return trial_send(trial,
                      &(struct event){.kind = EVENT_EXECUTOR_LOST,
                                      .executor_lost = {.executor = id.executor, .crash = &crash}});
}

const char *trial_submit_to(struct trial *trial, uint64_t job, uint32_t pool, int32_t priority,
                            uint32_t stage_count, const struct stage_spec *stages)
{
    struct job_spec spec = {.id = job,
                            .pool = pool,
                            .priority = priority,
                            .stage_count = stage_count,
                            .stages = stages};
    return trial_send(trial, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec});
}

const char *trial_submit(struct trial *trial, uint64_t job, uint32_t stage_count,
                         const struct stage_spec *stages)
{
    return trial_submit_to(trial, job, 0, 0, stage_count, stages);
}

const char *trial_cancel(struct trial *trial, uint64_t job)
{
    return trial_send(trial,
                      &(struct event){.kind = EVENT_JOB_CANCELLED, .job_cancelled = {.job = job}});
}

const char *trial_start(struct trial *trial, struct attempt_id id)
{
    return trial_send(trial, &(struct event){.kind = EVENT_ATTEMPT_STARTED, .attempt_started = id});
}

const char *trial_finish(struct trial *trial, struct attempt_id id)
{
    return trial_send(trial, &(struct event){.kind = EVENT_ATTEMPT_FINISHED,
                                             .attempt_finished = {.id = id, .report = 100}});
}

const char *trial_fail(struct trial *trial, struct attempt_id id, enum failure_cause cause,
                       uint64_t error, uint64_t error_hash)
{
    return trial_send(trial, &(struct event){.kind = EVENT_ATTEMPT_FAILED,
                                             .attempt_failed = {.id = id,
                                                                .cause = cause,
                                                                .is_retryable = true,
                                                                .error = error,
                                                                .error_hash = error_hash}});
}

const char *trial_committed(struct trial *trial, uint64_t job, uint32_t stage, uint32_t commit)
{
    return trial_send(
        trial, &(struct event){.kind = EVENT_STAGE_COMMITTED,
                               .stage_committed = {.job = job, .stage = stage, .commit = commit}});
}

const char *trial_skip(struct trial *trial, uint64_t job, uint32_t stage)
{
    return trial_send(trial, &(struct event){.kind = EVENT_STAGE_SKIPPED,
                                             .stage_skipped = {.job = job, .stage = stage}});
}

const char *trial_want_copy(struct trial *trial, uint64_t job, uint32_t stage, uint32_t task)
{
    return trial_send(trial,
                      &(struct event){.kind = EVENT_COPY_WANTED,
                                      .copy_wanted = {.job = job, .stage = stage, .task = task}});
}

const char *trial_stop(struct trial *trial, uint64_t job, uint32_t stage, uint32_t task)
{
    return trial_send(trial,
                      &(struct event){.kind = EVENT_TASK_STOPPED,
                                      .task_stopped = {.job = job, .stage = stage, .task = task}});
}

const char *trial_timer(struct trial *trial, uint64_t time_ns)
{
    trial->time_ns = time_ns;
    return trial_send(trial, &(struct event){.kind = EVENT_TIMER});
}

struct attempt_id attempt_of(uint32_t stage, uint32_t task, uint32_t attempt, uint32_t executor)
{
    return (struct attempt_id){
        .job = 1, .stage = stage, .task = task, .attempt = attempt, .executor = executor};
}

enum stage_state trial_state(struct trial *trial, uint64_t job, uint32_t stage)
{
    struct stage_progress progress;
    ck_assert_ptr_null(scheduler_stage_progress(trial->scheduler, job, stage, &progress));
    return progress.state;
}

struct stage_spec spec_source(uint32_t partition_count, uint32_t output_partition_count)
{
    return (struct stage_spec){.output =
                                   output_partition_count > 0 ? OUTPUT_SHUFFLE : OUTPUT_RESULT,
                               .policy = RUNS_COMBINE,
                               .partition_count = partition_count,
                               .output_partition_count = output_partition_count};
}

struct stage_spec spec_reader(uint32_t partition_count, const struct stage_input *input)
{
    return (struct stage_spec){.output = OUTPUT_RESULT,
                               .policy = RUNS_COMBINE,
                               .partition_count = partition_count,
                               .input_count = 1,
                               .inputs = input};
}
