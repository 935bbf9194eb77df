#include "runtime/action.h"

#include "barks/rdd.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/scope.h"
#include "exec/pipeline.h"
#include "io/commit.h"
#include "io/manifest.h"
#include "io/part_file.h"
#include "io/sink.h"
#include "plan/gang_steps.h"
#include "plan/stage_cut.h"
#include "runtime/accumulators.h"
#include "runtime/action_watch.h"
#include "runtime/job_results.h"
#include "runtime/kept_copies.h"
#include "runtime/kept_state.h"
#include "runtime/plan_basis.h"
#include "runtime/preparing.h"
#include "runtime/quarantines.h"
#include "runtime/resume.h"
#include "runtime/shared_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one job ---- */

static uint64_t result_bytes_max(const barks_context *context)
{
    uint64_t configured = config_bytes(&context->config, CONFIG_COLLECT_BYTES_MAX);
    return configured > 0 ? configured : pool_budget_bytes(context->pool) / 4;
}

BARKS_CHECKED static barks_status *check_pipeline(const barks_context *context,
                                                  const struct pipeline *pipeline)
{
    BARKS_TRY(pipeline_check(pipeline));
    BARKS_TRY(driver_check_needs(context->driver, pipeline));
    return gang_check(pipeline, driver_worker_count(context->driver),
                      driver_executor_count(context->driver));
}

/* Takes terminal, as stage_cut does. Who calls it drops the plan, also of one that is refused. */
BARKS_CHECKED static barks_status *cut_and_check(barks_context *context, struct node *node,
                                                 struct terminal *terminal,
                                                 struct job_plan *out_plan)
{
    uint32_t *worker_counts = NULL;
    BARKS_TRY(driver_worker_counts(context->driver, &worker_counts));
    struct cut_options options = {.terminal = terminal,
                                  .node_count = context->node_count,
                                  .next_id = &context->next_id,
                                  .worker_counts = worker_counts,
                                  .executor_count = driver_executor_count(context->driver),
                                  .divides_partitions =
                                      config_choice(&context->config, CONFIG_LARGE_PARTITIONS) ==
                                      LARGE_PARTITIONS_AUTO};
    barks_status *cut = stage_cut(node, &options, out_plan);
    free(worker_counts);
    BARKS_TRY(cut);
    for (uint32_t i = 0; i < out_plan->stage_count; i++)
        BARKS_TRY(check_pipeline(context, out_plan->stages[i].pipeline));
    return NULL;
}

/* What cannot run is refused before the jobs that prepare it have run. Where none do, running it
 * will tell. */
BARKS_CHECKED static barks_status *check_unprepared(barks_context *context, struct node *node,
                                                    const struct terminal *terminal)
{
    barks_status *status = NULL;
    struct job_plan plan = {0};
    struct terminal counting = {.kind = TERMINAL_COUNT,
                                .first_partition = terminal->first_partition,
                                .end_partition = terminal->end_partition};
    if (find_unprepared(node, context->node_count, &status) == NULL)
        return status;
    status = cut_and_check(context, node, &counting, &plan);
    job_plan_drop(&plan);
    terminal_drop(&counting);
    return status;
}

barks_status *action_run_job(barks_context *context, struct node *node, struct terminal *terminal,
                             const char *what, struct job *job)
{
    *job = (struct job){.what = what, .result_bytes_max = result_bytes_max(context)};
    BARKS_TRY(cut_and_check(context, node, terminal, &job->plan));
    bool was_there = false;
    BARKS_TRY(resume_plan(context, node, what, job, &was_there));
    if (was_there) {
        resume_note_done(context->resume, job, true);
        return NULL;
    }
    context->job_count++;
    lock_release(&context->planning);
    barks_status *status = NULL;
    if (!action_watch_begin(job))
        status = barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE, "%s was cancelled", what);
    if (status == NULL)
        status = driver_submit(context->driver, job);
    if (status == NULL) {
        driver_wait(context->driver, job);
        status = job->status;
        job->status = NULL;
    }
    action_watch_end(job);
    lock_acquire(&context->planning);
    context->begun_again += job->begins_again;
    context->inputs_gone += job->is_input_gone;
    context->damages += job->has_met_damage;
    shared_values_end_job(context);
    if (status == NULL)
        resume_note_done(context->resume, job, false);
    else
        resume_note_lost(context->resume, job, status);
    return status;
}

barks_status *action_rows(const struct job *job, struct batch *rows, uint64_t *out_partition_rows)
{
    uint64_t partition_rows = 0;
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        BARKS_TRY(job_results_next_rows(&results, rows, &head, &more));
        partition_rows += more ? head.partition_rows : 0;
    }
    *out_partition_rows = partition_rows;
    return NULL;
}

/* The terminal that a job has taken is given back, for another try. */
static void take_back(struct job *job, struct terminal *terminal)
{
    if (job->plan.stage_count == 0)
        return;
    struct pipeline *last = job->plan.stages[job->plan.stage_count - 1].pipeline;
    if (last == NULL || last->terminal.kind == 0 || terminal->kind != 0)
        return;
    *terminal = last->terminal;
    last->terminal = (struct terminal){0};
}

/* Until it succeeds, or another plan would not either. */
BARKS_CHECKED static barks_status *run_planned(barks_context *context, struct node *node,
                                               struct terminal *terminal,
                                               const struct action_again *again, const char *what,
                                               struct job *job)
{
    struct plan_basis basis = {0};
    for (;;) {
        plan_basis_note(context, &basis);
        barks_status *status = check_unprepared(context, node, terminal);
        if (status == NULL)
            status = preparing_run(context, node, what);
        if (status == NULL)
            status = action_run_job(context, node, terminal, what, job);
        if (!plan_basis_has_changed(context, &basis, status))
            return plan_basis_give_up(context, &basis, status);
        LOG(LEVEL_DEBUG, "runtime", "%s is planned again: %s", what, barks_status_text(status));
        take_back(job, terminal);
        status = quarantines_end(job, status);
        barks_status_free(status);
        job_drop(job);
        if (again != NULL)
            BARKS_TRY(again->begin(again->self));
    }
}

barks_status *action_run_hidden(barks_context *context, struct node *node,
                                struct terminal *terminal, const struct action_again *again,
                                const char *what, struct job *job)
{
    *job = (struct job){0};
    struct action_watch own;
    bool is_own = !action_watch_is_used(); /* what no `struct action` stands for */
    if (is_own) {
        action_watch_init(&own, context->driver, &context->watches);
        (void)action_watch_use(&own); /* nobody watched before */
    }
    lock_acquire(&context->planning);
    context->action_count++;
    barks_status *status = node_error(node);
    if (status == NULL)
        status = run_planned(context, node, terminal, again, what, job);
    if (status == NULL)
        status = accumulators_take(context, job);
    if (status == NULL)
        kept_copies_make(context);
    lock_release(&context->planning);
    if (is_own) {
        (void)action_watch_use(NULL);
        action_watch_drop(&own);
    }
    terminal_drop(terminal);
    return status;
}

barks_status *action_run(barks_context *context, struct node *node, struct terminal *terminal,
                         const char *what, struct job *job)
{
    return quarantines_end(job, action_run_hidden(context, node, terminal, NULL, what, job));
}

/* ---- writing ---- */

static int by_index(const void *left, const void *right)
{
    uint32_t a = ((const struct commit_part *)left)->index,
             b = ((const struct commit_part *)right)->index;
    return (a > b) - (a < b);
}

/* The parts that the tasks wrote, by index. */
BARKS_CHECKED static barks_status *parts_of(const struct job *job, struct commit_part **out_parts,
                                            size_t *out_count)
{
    size_t size_bytes = 0, count = 0;
    for (uint32_t i = 0; i < job->result_count; i++)
        size_bytes += job->results[i].size_bytes;
    struct commit_part *parts = calloc(size_bytes / sizeof *parts + 1, sizeof *parts);
    if (parts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of the parts");
    for (uint32_t i = 0; i < job->result_count; i++) {
        size_t here = job->results[i].size_bytes / sizeof *parts;
        if (here > 0)
            memcpy(parts + count, job->results[i].data, here * sizeof *parts);
        count += here;
    }
    qsort(parts, count, sizeof *parts, by_index);
    *out_parts = parts;
    *out_count = count;
    return NULL;
}

/* A dataset without partitions is one empty part (S64), which the driver writes. */
BARKS_CHECKED static barks_status *write_empty_part(barks_context *context,
                                                    const struct commit *commit,
                                                    const struct sink_format *format,
                                                    const barks_schema *schema,
                                                    struct commit_part *out_part)
{
    struct part_file part = {0};
    struct sink *sink = NULL;
    BARKS_TRY(part_file_open(&part, commit, context->pool, 0,
                             &(const struct part_attempt){.executor = 0}));
    barks_status *status = format->create(&part.writer, schema, &sink);
    if (status == NULL)
        status = sink_finish(sink);
    sink_destroy(sink);
    if (status == NULL)
        return part_file_end(&part, 0, out_part);
    part_file_drop(&part);
    return status;
}

BARKS_CHECKED static barks_status *publish(barks_context *context, const struct commit *commit,
                                           const struct sink_format *format,
                                           const struct node *node, const struct job *job)
{
    struct commit_part *parts = NULL;
    size_t count = 0;
    BARKS_TRY(parts_of(job, &parts, &count));
    barks_status *status = NULL;
    if (count == 0) {
        status = write_empty_part(context, commit, format, &node->record->schema, &parts[0]);
        count = 1;
    }
    if (status == NULL)
        status = commit_end(commit, parts, count);
    free(parts);
    return status;
}

/* The tasks own a commit of their own, so that the driver's lives as long as it needs. */
BARKS_CHECKED static barks_status *copy_commit(const struct commit *commit,
                                               struct commit **out_copy)
{
    BARKS_AUTO(buffer) bytes = {.limit_bytes = 1 << 20};
    size_t used_bytes = 0;
    BARKS_TRY(commit_pack(commit, &bytes));
    struct commit *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an output");
    barks_status *status = commit_unpack(bytes.data, bytes.size_bytes, &used_bytes, copy);
    if (status != NULL) {
        free(copy);
        return status;
    }
    *out_copy = copy;
    return NULL;
}

BARKS_CHECKED static barks_status *
write_under(barks_context *context, struct node *node, const struct sink_format *format,
            const struct commit *commit, const struct fingerprint *fingerprint, const char *what)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_WRITE, .format = format};
    barks_status *status = copy_commit(commit, &terminal.commit);
    if (status == NULL)
        status = action_run_hidden(context, node, &terminal, NULL, what, &job);
    if (status == NULL)
        resume_store_output(&job, fingerprint);
    if (status == NULL)
        status = publish(context, commit, format, node, &job);
    status = quarantines_end(&job, status);
    terminal_drop(&terminal);
    job_drop(&job);
    return status;
}

/* Whether a job before this one has written just this output. What is to be sampled or broadcast
 * for the dataset is, since its rows follow from that, too. */
BARKS_CHECKED static barks_status *find_output(barks_context *context, struct node *node,
                                               const struct sink_format *format, const char *output,
                                               int save_mode, const char *what,
                                               struct fingerprint *out_fingerprint,
                                               bool *out_is_there)
{
    char name[FINGERPRINT_NAME_BYTES];
    struct plan_basis basis = {0};
    barks_status *status = NULL;
    *out_fingerprint = (struct fingerprint){0};
    *out_is_there = false;
    if (context->resume == NULL)
        return NULL;
    lock_acquire(&context->planning);
    do {
        barks_status_free(status);
        plan_basis_note(context, &basis);
        status = check_unprepared(context, node, &(struct terminal){.kind = TERMINAL_WRITE});
        if (status == NULL)
            status = preparing_run(context, node, what);
    } while (plan_basis_has_changed(context, &basis, status));
    status = plan_basis_give_up(context, &basis, status);
    if (status == NULL)
        status = resume_name_output(context, node, what, format->name, save_mode, out_fingerprint);
    fingerprint_name(out_fingerprint, name);
    if (status == NULL && out_fingerprint->is_known && !config_bool(&context->config, CONFIG_FRESH))
        *out_is_there = manifest_is_of(output, name, save_mode == BARKS_APPEND);
    if (*out_is_there)
        status = resume_take_output(context, node, what, out_fingerprint);
    lock_release(&context->planning);
    return status;
}

/* For the summary. */
static void note_output(barks_context *context, const char *output)
{
    lock_acquire(&context->planning);
    free(context->output);
    context->output = strdup(output);
    lock_release(&context->planning);
}

barks_status *action_write(barks_context *context, struct node *node,
                           const struct sink_format *format, const char *output, int save_mode,
                           const char *what)
{
    char job_id[64];
    struct commit commit = {0};
    BARKS_TRY(node_error(node));
    BARKS_TRY_DOING(format->check_schema(&node->record->schema), "%s", what);
    if (save_mode < BARKS_ERROR_IF_EXISTS || save_mode > BARKS_IGNORE)
        BARKS_FAIL(BARKS_INVALID, "%s: .mode is %d, and none of barks_save_mode", what, save_mode);
    if (save_mode == BARKS_IGNORE && access(output, F_OK) == 0)
        return NULL;
    bool is_there = false;
    struct fingerprint fingerprint = {0};
    char name[FINGERPRINT_NAME_BYTES];
    BARKS_TRY(find_output(context, node, format, output, save_mode, what, &fingerprint, &is_there));
    if (is_there) {
        note_output(context, output);
        return NULL;
    }
    fingerprint_name(&fingerprint, name);
    snprintf(job_id, sizeof job_id, "%ld-%" PRIx64, (long)getpid(), wall_ns());
    struct commit_options options = {.output = output,
                                     .job_id = job_id,
                                     .suffix = format->suffix,
                                     .fingerprint = fingerprint.is_known ? name : NULL,
                                     .overwrite = save_mode == BARKS_OVERWRITE,
                                     .append = save_mode == BARKS_APPEND};
    BARKS_TRY_DOING(commit_begin(&options, &commit), "%s", what);
    barks_status *status = write_under(context, node, format, &commit, &fingerprint, what);
    if (status == NULL) {
        note_output(context, commit.output);
    } else {
        barks_status *stays = commit_abort(&commit);
        if (stays != NULL)
            LOG(LEVEL_WARN, "runtime", "%s", barks_status_text(stays));
        barks_status_free(stays);
    }
    commit_drop(&commit);
    return status;
}
