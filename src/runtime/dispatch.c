#include "base/clock.h"
#include "base/fault.h"
#include "exec/partition_share.h"
#include "runtime/dispatch_state.h"
#include "runtime/gatherings.h"
#include "runtime/job_history.h"
#include "runtime/loans.h"
#include "runtime/offers.h"
#include "runtime/pool_settings.h"
#include "runtime/scheduler_log.h"
#include "runtime/stage_places.h"

#include <inttypes.h>
#include <stdlib.h>

struct job *dispatch_find_job(const struct dispatch *dispatch, uint64_t id)
{
    struct job *job = dispatch->jobs;
    while (job != NULL && job->id != id)
        job = job->next;
    return job;
}

const struct terminal *job_terminal(const struct job *job, uint32_t stage)
{
    return &job->plan.stages[stage].pipeline->terminal;
}

/* ---- life ---- */

barks_status *dispatch_join(struct dispatch *dispatch, uint32_t rank)
{
    const struct member *all = dispatch->members->all;
    struct event event = {.kind = EVENT_EXECUTOR_JOINED, .time_ns = monotonic_ns()};
    event.executor_joined.executor = rank;
    while (all[event.executor_joined.node].hello.node_id != all[rank - 1].hello.node_id)
        event.executor_joined.node++;
    event.executor_joined.worker_count = all[rank - 1].welcome.worker_count;
    event.executor_joined.offer = &all[rank - 1].offer;
    return dispatch_handle(dispatch, &event);
}

barks_status *dispatch_create(const struct dispatch_options *dispatch_options,
                              struct dispatch **out_dispatch)
{
    struct members *members = dispatch_options->members;
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (dispatch == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the driver");
    *dispatch = (struct dispatch){.options = *dispatch_options,
                                  .net = dispatch_options->net,
                                  .members = members,
                                  .next_job = 1,
                                  .time_left_ns = UINT64_MAX};
    barks_status *status = task_batches_init(&dispatch->batches, members->count);
    if (status == NULL)
        status = scheduler_create(&dispatch_options->scheduling, &dispatch->scheduler);
    if (status == NULL)
        status = scheduler_log_open(dispatch_options->scheduler_log, &dispatch_options->scheduling,
                                    &dispatch->scheduler_log);
    if (status == NULL && dispatch_options->scheduling.recovers)
        status = recovery_init(&dispatch->recovery, members->count,
                               dispatch_options->recovery_deadline_ns);
    for (uint32_t rank = 1; rank <= members->count && status == NULL; rank++)
        if (member_workers(&members->all[rank - 1]) > 0)
            status = dispatch_join(dispatch, rank);
    if (status != NULL) {
        dispatch_destroy(dispatch);
        return status;
    }
    *out_dispatch = dispatch;
    return NULL;
}

void dispatch_destroy(struct dispatch *dispatch)
{
    if (dispatch == NULL)
        return;
    report_table_drop(&dispatch->reports);
    for (uint64_t i = 0; i < dispatch->error_count; i++)
        barks_status_free(dispatch->errors[i].status);
    task_batches_drop(&dispatch->batches);
    gatherings_forget(dispatch, NULL);
    loans_drop(dispatch);
    for (uint32_t executor = 1; executor <= dispatch->members->count; executor++)
        live_tasks_forget(dispatch, executor);
    free(dispatch->errors);
    free(dispatch->cancelled);
    free(dispatch->left_jobs);
    decision_list_drop(&dispatch->decisions);
    recovery_drop(&dispatch->recovery);
    scheduler_destroy(dispatch->scheduler);
    scheduler_log_close(dispatch->scheduler_log);
    free(dispatch);
}

void dispatch_set_time_left(struct dispatch *dispatch, uint64_t left_ns)
{
    dispatch->time_left_ns = left_ns;
}

bool dispatch_has_run_dry(const struct dispatch *dispatch)
{
    uint64_t live_count = 0;
    if (dispatch->held_count == 0 || dispatch->jobs == NULL)
        return false;
    for (const struct job *job = dispatch->jobs; job != NULL; job = job->next)
        for (uint32_t stage = 0; stage < job->plan.stage_count; stage++) {
            struct stage_progress progress = {0};
            barks_status_free(
                scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress));
            live_count += progress.attempts_live;
            if (job->stages[stage].is_committing)
                return false;
        }
    return live_count <= dispatch->held_count;
}

bool dispatch_is_busy(const struct dispatch *dispatch) { return dispatch->jobs != NULL; }

struct driver_totals dispatch_totals(const struct dispatch *dispatch)
{
    struct driver_totals totals = dispatch->totals;
    for (uint32_t i = 0; i < dispatch->members->count; i++) {
        const struct member *member = &dispatch->members->all[i];
        totals.peak_bytes += atomic_load_explicit(&member->peak_bytes, memory_order_relaxed);
        totals.spilled_bytes += atomic_load_explicit(&member->spilled_bytes, memory_order_relaxed);
    }
    return totals;
}

/* Takes status, which says why. */
BARKS_CHECKED static barks_status *end_job(struct dispatch *dispatch, struct job *job,
                                           barks_status *status)
{
    job->status = status;
    struct event event = {.kind = EVENT_JOB_CANCELLED, .time_ns = monotonic_ns()};
    event.job_cancelled.job = job->id;
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *cancel_job(struct dispatch *dispatch, struct job *job)
{
    return end_job(
        dispatch, job,
        barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE, "%s was cancelled", job->what));
}

static bool stage_is_over(const struct dispatch *dispatch, const struct job *job, uint32_t stage)
{
    struct stage_progress progress = {0};
    if (stage >= job->plan.stage_count)
        return true;
    barks_status_free(scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress));
    return progress.state == STAGE_COMMITTED || progress.state == STAGE_SKIPPED;
}

BARKS_CHECKED static barks_status *stop_task(struct dispatch *dispatch, const struct job_part *part,
                                             bool *out_was_told)
{
    struct event event = {
        .kind = EVENT_TASK_STOPPED,
        .time_ns = monotonic_ns(),
        .task_stopped = {.job = part->job, .stage = part->stage, .task = part->task}};
    *out_was_told = scheduler_task_runs(dispatch->scheduler, part->job, part->stage, part->task);
    return *out_was_told ? dispatch_handle(dispatch, &event) : NULL;
}

barks_status *dispatch_stop(struct dispatch *dispatch, const struct job_part *part,
                            bool *out_was_told)
{
    struct job *job = dispatch_find_job(dispatch, part->job);
    *out_was_told = false;
    if (job == NULL || job->status != NULL)
        return NULL;
    if (part->kind == PART_TASK)
        return stop_task(dispatch, part, out_was_told);
    if (part->kind == PART_STAGE && stage_is_over(dispatch, job, part->stage))
        return NULL;
    *out_was_told = true;
    if (part->kind == PART_ALL)
        return cancel_job(dispatch, job);
    return end_job(dispatch, job,
                   barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE,
                                    "%s was cancelled: its stage %" PRIu32 " was", job->what,
                                    part->stage + 1));
}

barks_status *dispatch_cancel_marked(struct dispatch *dispatch)
{
    for (struct job *job = dispatch->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (!job->is_cancelled || job->status != NULL)
            continue;
        BARKS_TRY(cancel_job(dispatch, job));
        next = dispatch->jobs; /* from the front: the job may have left the list */
    }
    return NULL;
}

/* Reports of the last stage's attempts that count so far, which have a result; where out_reports is
 * not NULL they are filled in, by their tasks. */
static uint32_t find_results(const struct dispatch *dispatch, const struct job *job,
                             struct attempt_report **out_reports)
{
    uint32_t count = 0;
    uint64_t number = job->stages[job->plan.stage_count - 1].reports;
    while (number != 0) {
        struct attempt_report *report = report_table_at(&dispatch->reports, number);
        number = report->next;
        if (report->result == NULL)
            continue;
        if (out_reports != NULL)
            out_reports[count] = report;
        count++;
    }
    return count;
}

static int by_task(const void *left, const void *right)
{
    const struct attempt_report *a = *(struct attempt_report *const *)left,
                                *b = *(struct attempt_report *const *)right;
    return (a->id.task > b->id.task) - (a->id.task < b->id.task);
}

/* What is there becomes the results of the job. */
BARKS_CHECKED static barks_status *take_results(struct dispatch *dispatch, struct job *job)
{
    uint32_t count = find_results(dispatch, job, NULL);
    struct attempt_report **reports = calloc((size_t)count + 1, sizeof(struct attempt_report *));
    job->results = calloc((size_t)count + 1, sizeof *job->results);
    if (reports == NULL || job->results == NULL) {
        free(reports);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " results", count);
    }
    find_results(dispatch, job, reports);
    qsort(reports, count, sizeof(struct attempt_report *), by_task);
    for (uint32_t i = 0; i < count; i++)
        job->results[job->result_count++] = report_take_result(reports[i]);
    free(reports);
    return NULL;
}

barks_status *dispatch_end_late(struct dispatch *dispatch, uint64_t now_ns)
{
    for (struct job *job = dispatch->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->deadline_ns == 0 || now_ns < job->deadline_ns || job->status != NULL)
            continue;
        BARKS_TRY(take_results(dispatch, job));
        job->is_late = true;
        BARKS_TRY(end_job(dispatch, job,
                          barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE,
                                           "%s was not done in its time", job->what)));
        next = dispatch->jobs; /* from the front: the job may have left the list */
    }
    return NULL;
}

barks_status *dispatch_lose(struct dispatch *dispatch, const struct member_loss *loss,
                            uint64_t now_ns)
{
    return recovery_begin(dispatch, loss, now_ns);
}

uint64_t dispatch_recovery_until_ns(const struct dispatch *dispatch)
{
    const struct recovery *recovery = &dispatch->recovery;
    return recovery->is_under_way ? recovery->epoch_began_ns + recovery->deadline_ns : 0;
}

uint32_t dispatch_lost_count(const struct dispatch *dispatch)
{
    return dispatch->recovery.lost_count;
}

barks_status *dispatch_tick(struct dispatch *dispatch, uint64_t now_ns)
{
    BARKS_TRY(recovery_look(dispatch, now_ns));
    if (now_ns < scheduler_next_deadline_ns(dispatch->scheduler))
        return NULL;
    return dispatch_handle(dispatch, &(struct event){.kind = EVENT_TIMER, .time_ns = now_ns});
}

/* ---- submitting ---- */

/* A task must not run twice at the same time where rows go to a function of the job that does what
 * it likes with them, or where they are kept. */
static bool forbids_copies(const struct pipeline *pipeline)
{
    enum terminal_kind kind = pipeline->terminal.kind;
    if (kind == TERMINAL_FOREACH || kind == TERMINAL_SINK || pipeline->gang.is_gang)
        return true;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        if (pipeline->nodes[i].step.kind == STEP_KEEP)
            return true;
    return false;
}

BARKS_CHECKED static barks_status *describe_stage(const struct stage_plan *plan, bool is_timed,
                                                  uint64_t gang_wait_ns, struct stage_spec *out,
                                                  uint64_t **out_partition_bytes,
                                                  uint64_t *out_bytes_total)
{
    const struct terminal *terminal = &plan->pipeline->terminal;
    uint32_t partition_count = pipeline_partition_count(plan->pipeline);
    uint64_t *partition_bytes = calloc((size_t)partition_count + 1, sizeof *partition_bytes);
    if (partition_bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a stage of %" PRIu32 " partitions",
                   partition_count);
    bool reads_files = stage_reads_files(plan);
    for (uint32_t p = 0; p < partition_count; p++) {
        partition_bytes[p] = stage_weight(plan, p);
        *out_bytes_total += reads_files ? partition_bytes[p] : 0;
    }
    *out_partition_bytes = partition_bytes;
    *out = (struct stage_spec){
        .output = terminal->kind == TERMINAL_SHUFFLE ? OUTPUT_SHUFFLE
                  : terminal->kind == TERMINAL_WRITE || terminal->kind == TERMINAL_SINK
                      ? OUTPUT_SINK
                      : OUTPUT_RESULT,
        .policy = is_timed || plan->pipeline->gang.is_gang ? RUNS_SINGLE
                  : terminal_combines(terminal)            ? RUNS_COMBINE
                                                           : RUNS_SPREAD,
        .partition_count = partition_count,
        .output_partition_count = terminal->partition_count,
        .input_count = plan->input_count,
        .inputs = plan->inputs,
        .partition_bytes = partition_bytes,
        .pins = plan->pins,
        .forbids_copies = forbids_copies(plan->pipeline),
        .shares = partition_share_fits(plan->pipeline),
        .is_gang = plan->pipeline->gang.is_gang,
        .is_spread = plan->pipeline->gang.is_spread,
        .gang_wait_ns = gang_wait_ns,
        .is_available = plan->stored != NULL,
    };
    return NULL;
}

/* Who has not said in which pool it runs is in the default one, which is always there. */
static void settle_pool(const struct dispatch *dispatch, struct job *job)
{
    if (job->labels.pool >= dispatch->options.pools->count)
        barks_status_free(pool_settings_find(dispatch->options.pools, NULL, &job->labels.pool));
}

void dispatch_note_skipped(struct dispatch *dispatch, const struct job *job, uint32_t stage,
                           const char *reason)
{
    dispatch->totals.skipped_count++;
    job_history_stage_skipped(dispatch->options.history, job, stage, reason);
}

/* Stages that the scheduler will not run, from the last one on, before it hears of the job, which
 * may be over when it has. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED static barks_status *note_skipped_stages(struct dispatch *dispatch,
                                                       const struct job *job)
{
    uint32_t count = job->plan.stage_count;
    bool *is_read = calloc(count, sizeof *is_read);
    if (is_read == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a job of %" PRIu32 " stages", count);
    is_read[count - 1] = true;
    for (uint32_t stage = count; stage-- > 0;) {
        const struct stage_plan *plan = &job->plan.stages[stage];
        if (!is_read[stage])
            dispatch_note_skipped(dispatch, job, stage, "only stages that are skipped read it");
        else if (plan->stored != NULL)
            dispatch_note_skipped(dispatch, job, stage, "its rows are in the work directory");
        for (uint32_t i = 0; i < plan->input_count && is_read[stage] && plan->stored == NULL; i++)
            is_read[plan->inputs[i].parent] = true;
    }
    free(is_read);
    for (uint32_t i = 0; i < job->plan.left_out_count; i++)
        dispatch_note_skipped(dispatch, job, SCHEDULER_ANY,
                              "what is read of it is kept, or is not asked for");
    return NULL;
}

barks_status *dispatch_submit(struct dispatch *dispatch, struct job *job)
{
    fault_point(POINT_JOB_SUBMITTED);
    uint32_t stage_count = job->plan.stage_count;
    /* At once: whatever fails from now on, who waits for the job is told. */
    job->id = dispatch->next_job++;
    job->next = dispatch->jobs;
    settle_pool(dispatch, job);
    dispatch->jobs = job;
    job_history_action_started(dispatch->options.history, job,
                               dispatch->options.pools->names[job->labels.pool]);
    struct stage_spec *specs = calloc(stage_count, sizeof *specs);
    uint64_t **partition_bytes = calloc(stage_count, sizeof *partition_bytes);
    struct stage_places *places = calloc(stage_count, sizeof *places);
    job->stages = calloc(stage_count, sizeof *job->stages);
    barks_status *status = NULL;
    if (specs == NULL || partition_bytes == NULL || places == NULL || job->stages == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for a job of %" PRIu32 " stages", stage_count);
    if (status == NULL)
        status = shuffle_index_make(&job->plan, &job->shuffles);
    for (uint32_t i = 0; i < stage_count && status == NULL; i++) {
        status = describe_stage(&job->plan.stages[i], job->deadline_ns != 0 && i + 1 == stage_count,
                                dispatch->options.together_wait_ns, &specs[i], &partition_bytes[i],
                                &job->stages[i].bytes_total);
        if (status == NULL)
            status = stage_places_fill(&job->plan.stages[i], dispatch->members, &places[i]);
        specs[i].needs = offers_task_needs(dispatch->members, &job->plan.stages[i].pipeline->needs);
        specs[i].place_firsts = places[i].firsts;
        specs[i].places = places[i].places;
    }
    if (status == NULL)
        status = note_skipped_stages(dispatch, job);
    if (status == NULL) {
        struct job_spec spec = {.id = job->id,
                                .deadline_ns = job->end_ns,
                                .pool = job->labels.pool,
                                .priority = job->labels.priority,
                                .stage_count = stage_count,
                                .stages = specs};
        struct event event = {
            .kind = EVENT_JOB_SUBMITTED, .time_ns = monotonic_ns(), .job_submitted = &spec};
        status = dispatch_handle(dispatch, &event);
    }
    for (uint32_t i = 0; i < stage_count && partition_bytes != NULL; i++)
        free(partition_bytes[i]);
    for (uint32_t i = 0; i < stage_count && places != NULL; i++)
        stage_places_drop(&places[i]);
    free(partition_bytes);
    free(places);
    free(specs);
    return status;
}

barks_status *dispatch_handle(struct dispatch *dispatch, const struct event *event)
{
    bool is_outermost = dispatch->decisions.count == 0;
    BARKS_TRY(scheduler_log_handle(dispatch->scheduler_log, dispatch->scheduler, event,
                                   &dispatch->decisions));
    if (!is_outermost)
        return NULL;
    for (size_t i = 0; i < dispatch->decisions.count; i++) {
        struct decision decision = dispatch->decisions.items[i]; /* the list may move */
        BARKS_TRY(dispatch_carry_out(dispatch, &decision));
    }
    dispatch->decisions.count = 0;
    return dispatch->is_taking_reports ? NULL : dispatch_send_batches(dispatch);
}

struct stage_view dispatch_view_stage(const struct dispatch *dispatch, const struct job *job,
                                      uint32_t stage)
{
    const struct job_stage *state = &job->stages[stage];
    struct stage_progress progress = {0};
    barks_status *status = scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress);
    barks_status_free(status); /* a stage that the scheduler does not know has no tasks to show */
    struct stage_view view = {
        .what = job->what,
        .description = job->labels.description,
        .stage_number = stage + 1,
        .stage_total = job->plan.stage_count,
        .tasks_done = progress.tasks_done,
        .task_count = progress.task_count,
        .rows = state->rows,
        .bytes = state->bytes,
        .bytes_total = state->bytes_total,
        .started_ns = state->started_ns,
    };
    live_tasks_add_up(dispatch, job, stage, &view);
    return view;
}

/* ---- what is to be seen ---- */

void dispatch_note_running(struct dispatch *dispatch, struct job *job, uint32_t stage)
{
    struct job_stage *state = &job->stages[stage];
    if (state->is_running)
        return;
    state->is_running = true;
    state->job = job;
    state->index = stage;
    state->previous_running = dispatch->last_running;
    state->next_running = NULL;
    if (dispatch->last_running != NULL)
        dispatch->last_running->next_running = state;
    else
        dispatch->first_running = state;
    dispatch->last_running = state;
}

void dispatch_note_idle(struct dispatch *dispatch, struct job_stage *stage)
{
    if (!stage->is_running)
        return;
    stage->is_running = false;
    if (stage->previous_running != NULL)
        stage->previous_running->next_running = stage->next_running;
    else
        dispatch->first_running = stage->next_running;
    if (stage->next_running != NULL)
        stage->next_running->previous_running = stage->previous_running;
    else
        dispatch->last_running = stage->previous_running;
}

uint32_t dispatch_view(struct dispatch *dispatch, struct stage_view *out_views,
                       uint32_t view_count_max)
{
    uint32_t count = 0;
    const struct job_stage *stage = dispatch->first_running;
    for (; stage != NULL && count < view_count_max; stage = stage->next_running)
        out_views[count++] = dispatch_view_stage(dispatch, stage->job, stage->index);
    return count;
}
