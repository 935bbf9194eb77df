/* Carries out what the scheduler decides. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "net/net.h"
#include "plan/plan_codec.h"
#include "runtime/dispatch_state.h"
#include "runtime/job_failure.h"
#include "runtime/job_history.h"
#include "runtime/message.h"
#include "runtime/resume.h"
#include "runtime/store_reports.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- decisions ---- */

/* The owners are fixed by the scheduler when the stage begins. */
BARKS_CHECKED static barks_status *fill_owners(struct dispatch *dispatch, struct job *job,
                                               uint32_t stage)
{
    struct terminal *terminal = &job->plan.stages[stage].pipeline->terminal;
    uint32_t limit = scheduler_executor_limit(dispatch->scheduler), range_count = 0;
    struct owner_range *ranges = calloc(limit, sizeof *ranges);
    terminal->owners = calloc((size_t)terminal->partition_count + 1, sizeof *terminal->owners);
    barks_status *status = NULL;
    if (ranges == NULL || terminal->owners == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the owners of a shuffle");
    if (status == NULL)
        status = scheduler_owners(dispatch->scheduler, job->id, stage, limit, ranges, &range_count);
    for (uint32_t i = 0; i < range_count && status == NULL; i++)
        for (uint32_t p = ranges[i].first_partition; p < ranges[i].end_partition; p++)
            terminal->owners[p] = ranges[i].executor;
    free(ranges);
    return status;
}

BARKS_CHECKED static barks_status *ship_stage(struct dispatch *dispatch, struct job *job,
                                              uint32_t stage, uint32_t executor)
{
    struct job_stage *state = &job->stages[stage];
    struct pipeline *pipeline = job->plan.stages[stage].pipeline;
    if (state->packed.bytes.size == 0) {
        state->started_ns = monotonic_ns();
        dispatch->totals.stage_count++;
        job_history_stage_started(dispatch->options.history, job, stage);
        if (pipeline->terminal.kind == TERMINAL_SHUFFLE)
            BARKS_TRY(fill_owners(dispatch, job, stage));
        pack_u64(&state->packed, MESSAGE_STAGE);
        pack_u64(&state->packed, pipeline->stage);
        BARKS_TRY(pipeline_pack(pipeline, &state->packed));
    }
    BARKS_TRY(
        net_send(dispatch->net, executor, state->packed.bytes.data, state->packed.bytes.size));
    fault_point(POINT_STAGE_SHIPPED);
    return NULL;
}

/* Whether a task of the stage is expected to end in the time that is left. Expected is the mean so
 * far: the time that all workers have spent, by the tasks that have ended and the halves of those
 * that run. Where not even one for each worker has ended, it says nothing, and the task is begun.
 */
static bool has_time_for(const struct dispatch *dispatch, const struct job *job, uint32_t stage)
{
    struct stage_progress progress = {0};
    if (dispatch->time_left_ns == UINT64_MAX)
        return true;
    barks_status_free(scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress));
    uint64_t at_once = members_worker_count(dispatch->members);
    at_once = at_once < progress.task_count ? at_once : progress.task_count;
    if (progress.tasks_done < at_once)
        return true;
    uint64_t elapsed_ns = monotonic_ns() - job->stages[stage].started_ns;
    uint64_t half_tasks = 2 * (uint64_t)progress.tasks_done + progress.attempts_live;
    return elapsed_ns / half_tasks * 2 * at_once < dispatch->time_left_ns;
}

BARKS_CHECKED static barks_status *start_task(struct dispatch *dispatch, struct job *job,
                                              const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    const struct stage_plan *stage = &job->plan.stages[id->stage];
    struct packer out = {0};
    if (dispatch->is_out_of_time || !has_time_for(dispatch, job, id->stage)) {
        dispatch->is_out_of_time = true;
        dispatch->held_count++;
        return NULL;
    }
    pack_u64(&out, MESSAGE_TASK);
    pack_u64(&out, id->job);
    pack_u64(&out, stage->pipeline->stage);
    pack_u64(&out, id->stage);
    pack_u64(&out, id->task);
    pack_u64(&out, id->attempt);
    pack_u64(&out, decision->start_task.first_partition);
    pack_u64(&out, decision->start_task.end_partition);
    barks_status *status = NULL;
    for (uint32_t p = decision->start_task.first_partition;
         p < decision->start_task.end_partition && status == NULL; p++)
        status = stage_payload(stage, p, &out);
    if (status != NULL) {
        packer_drop(&out);
        return status;
    }
    dispatch->totals.task_count++;
    dispatch->totals.again_count += id->attempt > 0;
    job_history_task_started(dispatch->options.history, id, decision->start_task.first_partition,
                             decision->start_task.end_partition);
    BARKS_TRY(message_send(dispatch->net, id->executor, &out));
    fault_point(POINT_TASK_SENT);
    return NULL;
}

BARKS_CHECKED static barks_status *send_cancel(struct dispatch *dispatch,
                                               const struct attempt_id *id)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_CANCEL);
    pack_u64(&out, id->job);
    pack_u64(&out, id->stage);
    pack_u64(&out, id->task);
    pack_u64(&out, id->attempt);
    return message_send(dispatch->net, id->executor, &out);
}

__attribute__((noinline)) barks_status *dispatch_counted_report(const struct dispatch *dispatch,
                                                                const struct job *job,
                                                                uint32_t stage, uint32_t run,
                                                                struct counted_run *out_run,
                                                                struct attempt_report **out_report)
{
    BARKS_TRY(scheduler_counted_run(dispatch->scheduler, job->id, stage, run, out_run));
    if (out_run->report >= dispatch->report_count)
        BARKS_FAIL(BARKS_INTERNAL, "a run counts by a report that never came");
    *out_report = &dispatch->reports[out_run->report];
    return NULL;
}

/* Tells each executor which attempts of a shuffle count, and how many frames of each it must have.
 * Owners ascend, so that the partitions of one lie together: its slot. */
BARKS_CHECKED static barks_status *publish_shuffle(struct dispatch *dispatch, struct job *job,
                                                   uint32_t stage, uint32_t run_count)
{
    const struct terminal *terminal = job_terminal(job, stage);
    uint32_t end = 0;
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        struct packer out = {0};
        barks_status *status = NULL;
        uint32_t first = end;
        while (end < terminal->partition_count && terminal->owners[end] == rank)
            end++;
        pack_u64(&out, MESSAGE_COMMIT);
        pack_u64(&out, terminal->shuffle);
        pack_u64(&out, rank); /* the slot */
        pack_u64(&out, first);
        pack_u64(&out, end);
        pack_u64(&out, run_count);
        for (uint32_t run = 0; run < run_count && status == NULL; run++) {
            struct counted_run counted = {0};
            struct attempt_report *report = NULL;
            status = dispatch_counted_report(dispatch, job, stage, run, &counted, &report);
            if (status == NULL && report->sent == NULL)
                status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                          "a map task did not say what it sent");
            if (status != NULL)
                break;
            pack_u64(&out, counted.attempt);
            pack_u64(&out, report->sent[rank - 1].frame_count);
        }
        if (status == NULL)
            resume_pack_place(job, stage, rank, &out);
        if (status != NULL) {
            packer_drop(&out);
            return status;
        }
        BARKS_TRY(message_send(dispatch->net, rank, &out));
    }
    fault_point(POINT_COMMIT_SENT);
    return NULL;
}

BARKS_CHECKED static barks_status *gather_results(struct dispatch *dispatch, struct job *job,
                                                  uint32_t stage, uint32_t run_count)
{
    job->results = calloc((size_t)run_count + 1, sizeof *job->results);
    if (job->results == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " results", run_count);
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        job->results[run] = report_take_result(report);
        job->result_count = run + 1;
    }
    return NULL;
}

/* What bodies have added in the attempts that count, which a stage has just become of. */
BARKS_CHECKED static barks_status *gather_accumulated(struct dispatch *dispatch, struct job *job,
                                                      uint32_t stage, uint32_t run_count)
{
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        if (report->accumulated == NULL)
            continue;
        if (job->accumulated_count == job->accumulated_capacity) {
            uint32_t capacity = 2 * job->accumulated_capacity + 16;
            struct job_accumulated *grown =
                realloc(job->accumulated, capacity * sizeof *job->accumulated);
            if (grown == NULL)
                BARKS_FAIL(BARKS_NO_MEMORY, "no memory for accumulators");
            job->accumulated = grown;
            job->accumulated_capacity = capacity;
        }
        job->accumulated[job->accumulated_count++] = (struct job_accumulated){
            .stage = stage, .bytes = report->accumulated, .size_bytes = report->accumulated_bytes};
        report->accumulated = NULL;
    }
    return NULL;
}

barks_status *dispatch_committed(struct dispatch *dispatch, struct job *job, uint32_t stage)
{
    struct event event = {.kind = EVENT_STAGE_COMMITTED, .time_ns = monotonic_ns()};
    event.stage_committed.job = job->id;
    event.stage_committed.stage = stage;
    event.stage_committed.commit = job->stages[stage].commit;
    event.stage_committed.output_partition_bytes = job->stages[stage].output_bytes;
    job->stages[stage].is_committing = false;
    resume_store_stage(job, stage, job->stages[stage].stored);
    store_reports_destroy(job->stages[stage].stored);
    job->stages[stage].stored = NULL;
    struct stage_view view = dispatch_view_stage(dispatch, job, stage);
    dispatch->options.stage_ended(dispatch->options.context, &view);
    job_history_stage_ended(dispatch->options.history, job, stage, view.task_count,
                            dispatch_totals(dispatch).spilled_bytes);
    fault_point(POINT_STAGE_COMMITTED);
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *commit_stage(struct dispatch *dispatch, struct job *job,
                                                const struct decision *decision)
{
    uint32_t stage = decision->commit_stage.stage;
    struct job_stage *state = &job->stages[stage];
    state->commit = decision->commit_stage.commit;
    state->ready_count = 0;
    free(state->output_bytes);
    state->output_bytes = NULL;
    state->is_committing = true;
    BARKS_TRY(gather_accumulated(dispatch, job, stage, decision->commit_stage.run_count));
    if (job_terminal(job, stage)->hot_role == HOT_SPREAD)
        BARKS_TRY(dispatch_tell_hot_keys(dispatch, job, stage, decision->commit_stage.run_count));
    if (job_terminal(job, stage)->kind == TERMINAL_SHUFFLE)
        return publish_shuffle(dispatch, job, stage, decision->commit_stage.run_count);
    if (stage + 1 == job->plan.stage_count)
        BARKS_TRY(gather_results(dispatch, job, stage, decision->commit_stage.run_count));
    return dispatch_committed(dispatch, job, stage);
}

BARKS_CHECKED static barks_status *release_stage(struct dispatch *dispatch, struct job *job,
                                                 uint32_t stage)
{
    struct job_stage *state = &job->stages[stage];
    if (state->packed.bytes.size == 0)
        return NULL; /* never shipped, or released before */
    packer_drop(&state->packed);
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        if (dispatch->members->all[rank - 1].is_lost)
            continue;
        struct packer out = {0};
        pack_u64(&out, MESSAGE_RELEASE);
        pack_u64(&out, job->plan.stages[stage].pipeline->stage);
        pack_u64(&out, job_terminal(job, stage)->shuffle);
        BARKS_TRY(message_send(dispatch->net, rank, &out));
    }
    fault_point(POINT_RELEASE_SENT);
    return NULL;
}

static void free_stages(struct job *job)
{
    for (uint32_t i = 0; job->stages != NULL && i < job->plan.stage_count; i++) {
        packer_drop(&job->stages[i].packed);
        free(job->stages[i].output_bytes);
        store_reports_destroy(job->stages[i].stored);
    }
    free(job->stages);
    job->stages = NULL;
}

/* The job is over: from now on it belongs to the thread that waits for it. */
void dispatch_let_go(struct dispatch *dispatch, struct job *job)
{
    struct job **link = &dispatch->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    job_history_action_ended(dispatch->options.history, job);
    free_stages(job);
    if (dispatch->jobs == NULL)
        dispatch_forget_reports(dispatch);
    fault_point(POINT_JOB_ENDED);
    dispatch->options.job_ended(dispatch->options.context, job);
}

BARKS_CHECKED static barks_status *finish_job(struct dispatch *dispatch, struct job *job,
                                              const struct job_outcome *outcome)
{
    for (uint32_t stage = 0; stage < job->plan.stage_count; stage++)
        BARKS_TRY(release_stage(dispatch, job, stage));
    if (outcome->result == JOB_RESULT_FAILED && job->is_late) { /* it had failed before */
        barks_status_free(job->status);
        job->status = NULL;
        job->is_late = false;
    }
    if (outcome->result != JOB_RESULT_DONE && job->status == NULL)
        job->status = job_failure(dispatch, job, outcome);
    dispatch_let_go(dispatch, job);
    return NULL;
}

void dispatch_abandon(struct dispatch *dispatch, const barks_status *status)
{
    char text[2048]; /* with its causes */
    barks_status_format(status, text, sizeof text);
    while (dispatch->jobs != NULL) {
        struct job *job = dispatch->jobs;
        if (job->status == NULL)
            job->status = barks_status_new(barks_status_code(status), NULL, BARKS_HERE,
                                           "%s; %s did not end", text, job->what);
        dispatch_let_go(dispatch, job);
    }
}

static void warn_of_exclusion(const struct dispatch *dispatch, const struct job *job,
                              const struct decision *decision)
{
    uint32_t rank = decision->executor_excluded.executor;
    bool is_of_job = decision->executor_excluded.stage == SCHEDULER_ANY;
    LOG(LEVEL_WARN, "runtime",
        "tasks of %s keep failing on executor %" PRIu32
        " (%s): it gets no more of %s for a time (--barks-exclusion)",
        job->what, rank, dispatch->members->all[rank - 1].hello.host,
        is_of_job ? "them" : "this stage");
}

static uint64_t job_of(const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        return decision->ship_stage.job;
    case DECISION_START_TASK:
        return decision->start_task.id.job;
    case DECISION_CANCEL_ATTEMPT:
        return decision->cancel_attempt.job;
    case DECISION_DISCARD_ATTEMPT:
        return decision->discard_attempt.id.job;
    case DECISION_COMMIT_STAGE:
        return decision->commit_stage.job;
    case DECISION_OWNERS_CHANGED:
        return decision->owners_changed.job;
    case DECISION_RELEASE_STAGE:
        return decision->release_stage.job;
    case DECISION_EXECUTOR_EXCLUDED:
        return decision->executor_excluded.job;
    case DECISION_JOB_FINISHED:
        return decision->job_finished.job;
    }
    return 0;
}

barks_status *dispatch_carry_out(struct dispatch *dispatch, const struct decision *decision)
{
    struct job *job = dispatch_find_job(dispatch, job_of(decision));
    if (job == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "the scheduler decided %d about a job that is over",
                   (int)decision->kind);
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        return ship_stage(dispatch, job, decision->ship_stage.stage, decision->ship_stage.executor);
    case DECISION_START_TASK:
        return start_task(dispatch, job, decision);
    case DECISION_CANCEL_ATTEMPT:
        return send_cancel(dispatch, &decision->cancel_attempt);
    case DECISION_DISCARD_ATTEMPT:
        dispatch_discard_report(dispatch, job, decision->discard_attempt.report);
        return NULL;
    case DECISION_COMMIT_STAGE:
        return commit_stage(dispatch, job, decision);
    case DECISION_OWNERS_CHANGED:
        BARKS_FAIL(BARKS_INTERNAL, "the scheduler moved a shuffle though recovery is off");
    case DECISION_EXECUTOR_EXCLUDED:
        warn_of_exclusion(dispatch, job, decision);
        return NULL;
    case DECISION_RELEASE_STAGE:
        return release_stage(dispatch, job, decision->release_stage.stage);
    case DECISION_JOB_FINISHED:
        return finish_job(dispatch, job, &decision->job_finished.outcome);
    }
    BARKS_FAIL(BARKS_INTERNAL, "unknown decision %d", (int)decision->kind);
}
