#include "scheduler_driver.h"

#include <check.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void driver_init(struct driver *driver, const struct scheduler_options *options)
{
    memset(driver, 0, sizeof *driver);
    ck_assert_ptr_null(scheduler_create(options, &driver->scheduler));
}

void driver_drop(struct driver *driver)
{
    scheduler_destroy(driver->scheduler);
    decision_list_drop(&driver->decisions);
}

__attribute__((format(printf, 2, 3))) static void say(struct driver *driver, const char *format,
                                                      ...)
{
    size_t length = strlen(driver->text);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(driver->text + length, sizeof driver->text - length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(length + (size_t)written, sizeof driver->text);
}

static const char *cause_name(enum failure_cause cause)
{
    static const char *const names[] = {"none", "user error", "bad input", "resource",
                                        "lost", "cancelled",  "deadline"};
    return names[cause];
}

static void say_attempt(struct driver *driver, const char *what, const struct attempt_id *id)
{
    say(driver, " %s %" PRIu64 "/%u.%u#%u@%u", what, id->job, id->stage, id->task, id->attempt,
        id->executor);
}

static void say_outcome(struct driver *driver, const struct decision *decision)
{
    const struct job_outcome *outcome = &decision->job_finished.outcome;
    uint64_t job = decision->job_finished.job;
    switch (outcome->result) {
    case JOB_RESULT_DONE:
        say(driver, " done %" PRIu64, job);
        return;
    case JOB_RESULT_FAILED:
        say(driver, " failed %" PRIu64 "(%s %" PRIu64 ")", job, cause_name(outcome->cause),
            outcome->error);
        return;
    case JOB_RESULT_CANCELLED:
        say(driver, " cancelled %" PRIu64 "(%s)", job, cause_name(outcome->cause));
        return;
    }
    ck_abort_msg("an unknown result");
}

static void say_decision(struct driver *driver, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        say(driver, " ship %" PRIu64 "/%u@%u", decision->ship_stage.job, decision->ship_stage.stage,
            decision->ship_stage.executor);
        return;
    case DECISION_START_TASK:
        say_attempt(driver, "start", &decision->start_task.id);
        say(driver, "[%u,%u)", decision->start_task.first_partition,
            decision->start_task.end_partition);
        return;
    case DECISION_CANCEL_ATTEMPT:
        say_attempt(driver, "cancel", &decision->cancel_attempt);
        return;
    case DECISION_DISCARD_ATTEMPT:
        say_attempt(driver, "discard", &decision->discard_attempt.id);
        return;
    case DECISION_COMMIT_STAGE:
        say(driver, " commit %" PRIu64 "/%u#%u(%u)", decision->commit_stage.job,
            decision->commit_stage.stage, decision->commit_stage.commit,
            decision->commit_stage.run_count);
        return;
    case DECISION_OWNERS_CHANGED:
        say(driver, " owners %" PRIu64 "/%u", decision->owners_changed.job,
            decision->owners_changed.stage);
        return;
    case DECISION_RELEASE_STAGE:
        say(driver, " release %" PRIu64 "/%u", decision->release_stage.job,
            decision->release_stage.stage);
        return;
    case DECISION_JOB_FINISHED:
        say_outcome(driver, decision);
        return;
    }
    ck_abort_msg("an unknown decision");
}

const char *driver_send(struct driver *driver, const struct event *event)
{
    struct event timed = *event;
    timed.time_ns = driver->time_ns;
    driver->decisions.count = 0;
    driver->text[0] = '\0';
    barks_status *status = scheduler_handle(driver->scheduler, &timed, &driver->decisions);
    ck_assert_msg(status == NULL, "%s", status == NULL ? "" : barks_status_text(status));
    ck_assert(scheduler_is_sound(driver->scheduler));
    for (size_t i = 0; i < driver->decisions.count; i++)
        say_decision(driver, &driver->decisions.items[i]);
    return driver->text;
}

barks_code driver_refused(struct driver *driver, const struct event *event)
{
    driver->decisions.count = 0;
    barks_status *status = scheduler_handle(driver->scheduler, event, &driver->decisions);
    ck_assert_ptr_nonnull(status);
    ck_assert(!scheduler_is_broken(driver->scheduler) && driver->decisions.count == 0);
    ck_assert(scheduler_is_sound(driver->scheduler));
    barks_code code = barks_status_code(status);
    barks_status_free(status);
    return code;
}

const char *driver_join(struct driver *driver, uint32_t executor, uint32_t node, uint32_t workers)
{
    return driver_send(driver, &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                               .executor_joined = {.executor = executor,
                                                                   .node = node,
                                                                   .worker_count = workers}});
}

const char *driver_lose(struct driver *driver, uint32_t executor)
{
    return driver_send(driver, &(struct event){.kind = EVENT_EXECUTOR_LOST,
                                               .executor_lost = {.executor = executor}});
}

const char *driver_job(struct driver *driver, uint64_t job, uint32_t stage_count,
                       const struct stage_spec *stages)
{
    struct job_spec spec = {.id = job, .stage_count = stage_count, .stages = stages};
    return driver_send(driver,
                       &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec});
}

const char *driver_cancel(struct driver *driver, uint64_t job)
{
    return driver_send(driver,
                       &(struct event){.kind = EVENT_JOB_CANCELLED, .job_cancelled = {.job = job}});
}

const char *driver_begin(struct driver *driver, struct attempt_id id)
{
    return driver_send(driver,
                       &(struct event){.kind = EVENT_ATTEMPT_STARTED, .attempt_started = id});
}

const char *driver_finish(struct driver *driver, struct attempt_id id)
{
    return driver_send(driver, &(struct event){.kind = EVENT_ATTEMPT_FINISHED,
                                               .attempt_finished = {.id = id, .report = 100}});
}

const char *driver_fail(struct driver *driver, struct attempt_id id, enum failure_cause cause,
                        uint64_t error, uint64_t error_hash)
{
    return driver_send(driver, &(struct event){.kind = EVENT_ATTEMPT_FAILED,
                                               .attempt_failed = {.id = id,
                                                                  .cause = cause,
                                                                  .is_retryable = true,
                                                                  .error = error,
                                                                  .error_hash = error_hash}});
}

const char *driver_committed(struct driver *driver, uint64_t job, uint32_t stage, uint32_t commit)
{
    return driver_send(
        driver, &(struct event){.kind = EVENT_STAGE_COMMITTED,
                                .stage_committed = {.job = job, .stage = stage, .commit = commit}});
}

const char *driver_want_copy(struct driver *driver, uint64_t job, uint32_t stage, uint32_t task)
{
    return driver_send(driver,
                       &(struct event){.kind = EVENT_COPY_WANTED,
                                       .copy_wanted = {.job = job, .stage = stage, .task = task}});
}

const char *driver_timer(struct driver *driver, uint64_t time_ns)
{
    driver->time_ns = time_ns;
    return driver_send(driver, &(struct event){.kind = EVENT_TIMER});
}

struct attempt_id attempt_of(uint32_t stage, uint32_t task, uint32_t attempt, uint32_t executor)
{
    return (struct attempt_id){
        .job = 1, .stage = stage, .task = task, .attempt = attempt, .executor = executor};
}

enum stage_state driver_state(struct driver *driver, uint64_t job, uint32_t stage)
{
    struct stage_progress progress;
    ck_assert_ptr_null(scheduler_stage_progress(driver->scheduler, job, stage, &progress));
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
