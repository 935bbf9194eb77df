/* Carries out what the scheduler decides. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "net/net.h"
#include "plan/plan_codec.h"
#include "runtime/dispatch_state.h"
#include "runtime/gatherings.h"
#include "runtime/job_failure.h"
#include "runtime/job_history.h"
#include "runtime/loans.h"
#include "runtime/message.h"
#include "runtime/pool_settings.h"
#include "runtime/resume.h"
#include "runtime/run_cuts.h"
#include "runtime/store_reports.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- decisions ---- */

barks_status *dispatch_owners(const struct dispatch *dispatch, const struct job *job,
                              uint32_t stage, struct owner_range **out_ranges, uint32_t *out_count)
{
    uint32_t limit = scheduler_executor_limit(dispatch->scheduler);
    struct owner_range *ranges = calloc(limit, sizeof *ranges);
    if (ranges == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the owners of a shuffle");
    barks_status *status =
        scheduler_owners(dispatch->scheduler, job->id, stage, limit, ranges, out_count);
    if (status != NULL)
        free(ranges);
    else
        *out_ranges = ranges;
    return status;
}

/* The slots of the partitions: their owners, fixed by the scheduler when the stage begins. */
BARKS_CHECKED static barks_status *fill_owners(struct dispatch *dispatch, struct job *job,
                                               uint32_t stage)
{
    struct terminal *terminal = &job->plan.stages[stage].pipeline->terminal;
    struct owner_range *ranges = NULL;
    uint32_t range_count = 0;
    if (terminal->owners != NULL)
        return NULL; /* it is shipped again, after a loss */
    terminal->owners = calloc((size_t)terminal->partition_count + 1, sizeof *terminal->owners);
    if (terminal->owners == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the owners of a shuffle");
    BARKS_TRY(dispatch_owners(dispatch, job, stage, &ranges, &range_count));
    for (uint32_t i = 0; i < range_count; i++)
        for (uint32_t p = ranges[i].first_partition; p < ranges[i].end_partition; p++)
            terminal->owners[p] = ranges[i].slot;
    free(ranges);
    return NULL;
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
        pack_u64(&state->packed, job->id);
        pack_u64(&state->packed, dispatch->options.pools->specs[job->labels.pool].weight);
        BARKS_TRY(pipeline_pack(pipeline, &state->packed));
    }
    BARKS_TRY(
        net_send(dispatch->net, executor, state->packed.bytes.data, state->packed.bytes.size));
    fault_point(POINT_STAGE_SHIPPED);
    return NULL;
}

/* Whether a task of the stage is expected to end in the time that is left: one that takes as long
 * as the median of those that have ended, which a few slow or empty ones do not move. Where not
 * even one for each worker has ended, that says nothing, and the task is begun. */
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
    return scheduler_stage_median_ns(dispatch->scheduler, job->id, stage) < dispatch->time_left_ns;
}

/* Of each resource that the stage needs, which units the scheduler has given to the attempt. */
static void pack_given(const struct dispatch *dispatch, const struct pipeline *pipeline,
                       const struct attempt_id *id, struct packer *out)
{
    const struct name_counts *names = &dispatch->members->resources;
    uint64_t units[SCHEDULER_RESOURCES_MAX] = {0};
    uint32_t count = pipeline->needs.resources.count;
    if (count > 0)
        scheduler_given(dispatch->scheduler, id, units);
    pack_u64(out, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t kind = name_counts_find(names, pipeline->needs.resources.items[i].name);
        pack_u64(out, kind < names->count ? units[kind] : 0);
    }
}

static void say_if_shared(const struct job *job, const struct decision *decision)
{
    if (decision->start_task.piece_count > 1 && decision->start_task.piece == 0 &&
        decision->start_task.id.attempt == 0)
        LOG(LEVEL_INFO, "runtime",
            "%s: partition %" PRIu32 " of stage %" PRIu32 " is far larger than the others: %" PRIu32
            " tasks share it",
            job->what, decision->start_task.first_partition, decision->start_task.id.stage,
            decision->start_task.piece_count);
}

BARKS_CHECKED static barks_status *pack_task(const struct dispatch *dispatch,
                                             const struct stage_plan *stage,
                                             const struct decision *start, const struct loan *loan,
                                             struct packer *out)
{
    const struct attempt_id *id = &start->start_task.id;
    pack_u64(out, id->job);
    pack_u64(out, stage->pipeline->stage);
    pack_u64(out, id->stage);
    pack_u64(out, id->task);
    pack_u64(out, id->attempt);
    pack_u64(out, start->start_task.first_partition);
    pack_u64(out, start->start_task.end_partition);
    pack_u64(out, start->start_task.piece);
    pack_u64(out, start->start_task.piece_count);
    pack_bool(out, start->start_task.is_alone);
    pack_given(dispatch, stage->pipeline, id, out);
    loan_pack(loan, out);
    for (uint32_t p = start->start_task.first_partition; p < start->start_task.end_partition; p++)
        BARKS_TRY(stage_payload(stage, p, out));
    return NULL;
}

barks_status *dispatch_send_task(struct dispatch *dispatch, struct job *job,
                                 const struct decision *start, const struct loan *loan)
{
    const struct attempt_id *id = &start->start_task.id;
    struct packer *out = task_batches_open(&dispatch->batches, id->executor);
    BARKS_TRY(pack_task(dispatch, &job->plan.stages[id->stage], start, loan, out));
    BARKS_TRY(live_tasks_add(dispatch, job, start));
    dispatch_note_running(dispatch, job, id->stage);
    dispatch->members->all[id->executor - 1].attempts_out++;
    dispatch->totals.task_count++;
    dispatch->totals.again_count += id->attempt > 0;
    say_if_shared(job, start);
    job_history_task_started(dispatch->options.history, start);
    return task_batches_note(&dispatch->batches, id->executor) ? dispatch_send_batches(dispatch)
                                                               : NULL;
}

barks_status *dispatch_send_batches(struct dispatch *dispatch)
{
    return task_batches_send(&dispatch->batches, dispatch->net);
}

BARKS_CHECKED static barks_status *start_task(struct dispatch *dispatch, struct job *job,
                                              const struct decision *decision)
{
    if (dispatch->is_out_of_time || !has_time_for(dispatch, job, decision->start_task.id.stage)) {
        dispatch->is_out_of_time = true;
        dispatch->held_count++;
        return NULL;
    }
    return decision->start_task.lender != SCHEDULER_ANY
               ? loan_begin(dispatch, job, decision)
               : dispatch_send_task(dispatch, job, decision, NULL);
}

BARKS_CHECKED static barks_status *send_cancel(struct dispatch *dispatch,
                                               const struct attempt_id *id)
{
    struct packer out = {0};
    bool was_sent = false;
    BARKS_TRY(loans_cancel(dispatch, id, &was_sent));
    if (!was_sent)
        return NULL;
    BARKS_TRY(dispatch_note_cancelled(dispatch, id));
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
    struct attempt_id id = {
        .job = job->id, .stage = stage, .task = run, .attempt = out_run->attempt};
    *out_report = report_table_find(&dispatch->reports, out_run->report, &id);
    if (*out_report == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a run counts by a report that never came");
    return NULL;
}

BARKS_CHECKED static barks_status *pack_runs(struct dispatch *dispatch, struct job *job,
                                             uint32_t stage, uint32_t slot, struct packer *out)
{
    uint32_t run_count = job->stages[stage].run_count;
    pack_u64(out, run_count);
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        if (report->frames.bytes == NULL)
            BARKS_FAIL(BARKS_INTERNAL, "a map task did not say what it sent");
        pack_u64(out, counted.attempt);
        pack_u64(out, frame_counts_of(&report->frames, slot));
    }
    return NULL;
}

/* Tells who holds a slot of a shuffle which attempts count, and how many frames of each there must
 * be for it. */
BARKS_CHECKED static barks_status *publish_slot(struct dispatch *dispatch, struct job *job,
                                                uint32_t stage, const struct owner_range *range)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_COMMIT);
    pack_u64(&out, job_terminal(job, stage)->shuffle);
    pack_u64(&out, range->slot);
    pack_u64(&out, job->stages[stage].commit);
    pack_u64(&out, range->first_partition);
    pack_u64(&out, range->end_partition);
    barks_status *status = pack_runs(dispatch, job, stage, range->slot, &out);
    if (status != NULL) {
        packer_drop(&out);
        return status;
    }
    if (job->stages[stage].is_stored)
        resume_pack_place(job, stage, range, &out);
    else
        resume_pack_no_place(&out);
    return message_send(dispatch->net, range->executor, &out);
}

BARKS_CHECKED static barks_status *publish_shuffle(struct dispatch *dispatch, struct job *job,
                                                   uint32_t stage)
{
    struct job_stage *state = &job->stages[stage];
    struct owner_range *ranges = NULL;
    BARKS_TRY(dispatch_owners(dispatch, job, stage, &ranges, &state->slot_count));
    /* Not again by a later commit, after a loss: what had been read may be gone. */
    state->is_stored = !state->was_committed && resume_begin_storing(job, stage);
    barks_status *status = NULL;
    for (uint32_t i = 0; i < state->slot_count && status == NULL; i++)
        status = publish_slot(dispatch, job, stage, &ranges[i]);
    free(ranges);
    fault_point(POINT_COMMIT_SENT);
    return status;
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

/* Where what a run has added stands: that of an attempt before it, which counts no more, or room
 * for one more. */
BARKS_CHECKED static barks_status *find_accumulated(struct job *job, uint32_t stage, uint32_t run,
                                                    struct job_accumulated **out_place)
{
    bool may_be_there = job->stages[stage].commit > 1;
    for (uint32_t i = 0; i < job->accumulated_count && may_be_there; i++)
        if (job->accumulated[i].stage == stage && job->accumulated[i].run == run) {
            free(job->accumulated[i].bytes);
            *out_place = &job->accumulated[i];
            return NULL;
        }
    BARKS_TRY(job_reserve_accumulated(job));
    *out_place = &job->accumulated[job->accumulated_count++];
    return NULL;
}

/* What bodies have added in the attempts that count, which a stage has just become of. */
BARKS_CHECKED static barks_status *gather_accumulated(struct dispatch *dispatch, struct job *job,
                                                      uint32_t stage, uint32_t run_count)
{
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        struct attempt_report *report = NULL;
        struct job_accumulated *place = NULL;
        BARKS_TRY(dispatch_counted_report(dispatch, job, stage, run, &counted, &report));
        if (report->accumulated == NULL)
            continue;
        BARKS_TRY(find_accumulated(job, stage, run, &place));
        *place = (struct job_accumulated){.stage = stage,
                                          .run = run,
                                          .bytes = report->accumulated,
                                          .size_bytes = report->accumulated_bytes};
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
    dispatch_note_idle(dispatch, &job->stages[stage]);
    job->stages[stage].was_committed = true;
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
    uint32_t stage = decision->commit_stage.stage, run_count = decision->commit_stage.run_count;
    struct job_stage *state = &job->stages[stage];
    barks_status *problem = NULL;
    state->commit = decision->commit_stage.commit;
    state->run_count = run_count;
    state->ready_count = 0;
    free(state->output_bytes);
    state->output_bytes = NULL;
    store_reports_destroy(state->stored);
    state->stored = NULL;
    state->is_committing = true;
    dispatch_note_running(dispatch, job, stage);
    if (dispatch->recovery.is_on)
        BARKS_TRY(recovery_check_commit(dispatch, job, stage, run_count, &problem));
    BARKS_TRY(gather_accumulated(dispatch, job, stage, run_count));
    if (problem == NULL && job_terminal(job, stage)->finds_hot_keys)
        BARKS_TRY(dispatch_tell_hot_keys(dispatch, job, stage, run_count, &problem));
    if (problem == NULL && job_terminal(job, stage)->filter_role == FILTER_COLLECTS)
        BARKS_TRY(dispatch_tell_keys(dispatch, job, stage, run_count));
    if (problem != NULL)
        return dispatch_begin_again(dispatch, job, problem);
    if (job_terminal(job, stage)->kind == TERMINAL_SHUFFLE)
        return publish_shuffle(dispatch, job, stage);
    if (stage + 1 == job->plan.stage_count)
        BARKS_TRY(gather_results(dispatch, job, stage, run_count));
    return dispatch_committed(dispatch, job, stage);
}

barks_status *dispatch_begin_again(struct dispatch *dispatch, struct job *job, barks_status *status)
{
    if (job->status != NULL) { /* it is ending anyway */
        barks_status_free(status);
        return NULL;
    }
    job->status = status;
    job->begins_again = true;
    struct event event = {.kind = EVENT_JOB_CANCELLED, .time_ns = monotonic_ns()};
    event.job_cancelled.job = job->id;
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *release_stage(struct dispatch *dispatch, struct job *job,
                                                 uint32_t stage)
{
    struct job_stage *state = &job->stages[stage];
    report_table_forget(&dispatch->reports, &state->reports);
    if (state->packed.bytes.size == 0)
        return NULL; /* never shipped, or released before */
    packer_drop(&state->packed);
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        if (member_is_lost(&dispatch->members->all[rank - 1]))
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

static void free_stages(struct dispatch *dispatch, struct job *job)
{
    for (uint32_t i = 0; job->stages != NULL && i < job->plan.stage_count; i++) {
        dispatch_note_idle(dispatch, &job->stages[i]);
        packer_drop(&job->stages[i].packed);
        free(job->stages[i].output_bytes);
        key_filter_drop(&job->stages[i].filter);
        free(job->stages[i].attempts);
        store_reports_destroy(job->stages[i].stored);
    }
    free(job->stages);
    job->stages = NULL;
    shuffle_index_drop(&job->shuffles);
}

/* The job is over: from now on it belongs to the thread that waits for it. */
void dispatch_let_go(struct dispatch *dispatch, struct job *job)
{
    struct job **link = &dispatch->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    job_history_action_ended(dispatch->options.history, job);
    gatherings_forget(dispatch, job);
    dispatch_forget_job(dispatch, job);
    free_stages(dispatch, job);
    fault_point(POINT_JOB_ENDED);
    dispatch->options.job_ended(dispatch->options.context, job);
}

BARKS_CHECKED static barks_status *end_job(struct dispatch *dispatch, struct job *job,
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

static uint64_t job_of(const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        return decision->ship_stage.job;
    case DECISION_START_TASK:
        return decision->start_task.id.job;
    case DECISION_ATTEMPT_OVERRUN:
        return decision->attempt_overrun.job;
    case DECISION_CUT_RUNS:
        return decision->cut_runs.job;
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

/* The scheduler says so once more when the last of its attempts has ended. */
barks_status *dispatch_finish_job(struct dispatch *dispatch, struct job *job,
                                  const struct job_outcome *outcome)
{
    if (dispatch->left_count == dispatch->left_capacity) {
        uint32_t capacity = 2 * dispatch->left_capacity + 8;
        uint64_t *left = reallocarray(dispatch->left_jobs, capacity, sizeof *left);
        if (left == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " jobs", capacity);
        dispatch->left_jobs = left;
        dispatch->left_capacity = capacity;
    }
    dispatch->left_jobs[dispatch->left_count++] = job->id;
    return end_job(dispatch, job, outcome);
}

/* Whether the decision is about a job that was left, of which nobody wants to hear any more. */
static bool is_of_left_job(struct dispatch *dispatch, const struct decision *decision)
{
    uint64_t id = job_of(decision);
    uint32_t index = 0;
    while (index < dispatch->left_count && dispatch->left_jobs[index] != id)
        index++;
    if (index == dispatch->left_count)
        return false;
    if (decision->kind == DECISION_JOB_FINISHED)
        dispatch->left_jobs[index] = dispatch->left_jobs[--dispatch->left_count];
    return true;
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
    job_history_excluded(dispatch->options.history, decision);
}

barks_status *dispatch_carry_out(struct dispatch *dispatch, const struct decision *decision)
{
    struct job *job = dispatch_find_job(dispatch, job_of(decision));
    if (job == NULL && is_of_left_job(dispatch, decision))
        return NULL;
    if (job == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "the scheduler decided %d about a job that is over",
                   (int)decision->kind);
    if (decision->kind != DECISION_START_TASK)
        BARKS_TRY(dispatch_send_batches(dispatch)); /* what follows may be about these tasks */
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        return ship_stage(dispatch, job, decision->ship_stage.stage, decision->ship_stage.executor);
    case DECISION_START_TASK:
        return start_task(dispatch, job, decision);
    case DECISION_ATTEMPT_OVERRUN:
        return dispatch_note_overrun(dispatch, job, &decision->attempt_overrun);
    case DECISION_CUT_RUNS:
        return run_cuts_ask(dispatch, job, decision);
    case DECISION_CANCEL_ATTEMPT:
        return send_cancel(dispatch, &decision->cancel_attempt);
    case DECISION_DISCARD_ATTEMPT:
        dispatch_discard_report(dispatch, job, &decision->discard_attempt.id,
                                decision->discard_attempt.report);
        return NULL;
    case DECISION_COMMIT_STAGE:
        return commit_stage(dispatch, job, decision);
    case DECISION_OWNERS_CHANGED:
        return recovery_tell_holders(dispatch, job, decision->owners_changed.stage);
    case DECISION_EXECUTOR_EXCLUDED:
        warn_of_exclusion(dispatch, job, decision);
        return NULL;
    case DECISION_RELEASE_STAGE:
        return release_stage(dispatch, job, decision->release_stage.stage);
    case DECISION_JOB_FINISHED:
        return end_job(dispatch, job, &decision->job_finished.outcome);
    }
    BARKS_FAIL(BARKS_INTERNAL, "unknown decision %d", (int)decision->kind);
}
