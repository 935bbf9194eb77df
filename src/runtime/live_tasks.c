#include "runtime/live_tasks.h"

#include "base/clock.h"
#include "runtime/dispatch_state.h"

#include <stdlib.h>

static struct live_task **list_of(struct dispatch *dispatch, uint32_t executor)
{
    return &dispatch->members->all[executor - 1].live;
}

/* The link to it; to NULL: there is none. */
static struct live_task **find(struct dispatch *dispatch, const struct attempt_id *id)
{
    struct live_task **link = list_of(dispatch, id->executor);
    while (*link != NULL && ((*link)->id.job != id->job || (*link)->id.stage != id->stage ||
                             (*link)->id.task != id->task || (*link)->id.attempt != id->attempt))
        link = &(*link)->next;
    return link;
}

/* ---- what is expected of a run ---- */

/* Adds what partition p of the stage reads of exchanges; false: that is not known. */
static bool add_exchanged(const struct job *job, const struct stage_plan *plan, uint32_t p,
                          uint64_t *weight)
{
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const struct stage_input *input = &plan->inputs[i];
        const struct terminal *parent = job_terminal(job, input->parent);
        const uint64_t *bytes = job->stages[input->parent].output_bytes;
        uint32_t count = stage_input_count(input, parent->partition_count);
        if (input->kind != INPUT_PARTITIONS || p < input->first_partition ||
            p - input->first_partition >= count || job->plan.stages[input->parent].stored != NULL)
            continue;
        if (bytes == NULL)
            return false;
        *weight += bytes[p - input->first_partition + input->parent_first];
    }
    return true;
}

static uint64_t weight_of_run(const struct job *job, const struct decision *start)
{
    const struct stage_plan *plan = &job->plan.stages[start->start_task.id.stage];
    uint64_t weight = 0;
    for (uint32_t p = start->start_task.first_partition; p < start->start_task.end_partition; p++) {
        weight += stage_weight(plan, p);
        if (!add_exchanged(job, plan, p, &weight))
            return 0;
    }
    return weight / start->start_task.piece_count;
}

barks_status *live_tasks_add(struct dispatch *dispatch, const struct job *job,
                             const struct decision *start)
{
    const struct attempt_id *id = &start->start_task.id;
    struct live_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note an attempt that runs");
    *task = (struct live_task){.next = *list_of(dispatch, id->executor),
                               .id = *id,
                               .sent_ns = monotonic_ns(),
                               .weight = weight_of_run(job, start)};
    *list_of(dispatch, id->executor) = task;
    return NULL;
}

/* ---- how fast it is ---- */

/* Rows where exchanges are read, whose bytes are not counted; else bytes, or rows where there are
 * none. */
static struct pace_attempt paced(const struct job *job, const struct live_task *task, uint64_t rows,
                                 uint64_t bytes)
{
    bool goes_by_rows = stage_reads_shuffles(&job->plan.stages[task->id.stage]) || bytes == 0;
    return (struct pace_attempt){.weight = task->weight,
                                 .amount = goes_by_rows ? rows : bytes,
                                 .age_ns = monotonic_ns() - task->sent_ns};
}

barks_status *live_tasks_note_read(struct dispatch *dispatch, const struct attempt_id *id,
                                   uint64_t rows, uint64_t bytes)
{
    struct live_task *task = *find(dispatch, id);
    const struct job *job = dispatch_find_job(dispatch, id->job);
    const struct scheduler_options *scheduling = &dispatch->options.scheduling;
    struct pace_limits limits = {.percent = scheduling->slow_percent,
                                 .least_ns = scheduling->slow_min_ns};
    if (task == NULL || job == NULL)
        return NULL;
    task->rows = rows;
    task->bytes = bytes;
    struct pace_attempt attempt = paced(job, task, rows, bytes);
    if (!task_pace_wants_copy(&job->stages[id->stage].pace, &limits, &attempt))
        return NULL;
    struct event event = {.kind = EVENT_COPY_WANTED,
                          .time_ns = monotonic_ns(),
                          .copy_wanted = {.job = id->job, .stage = id->stage, .task = id->task}};
    return dispatch_handle(dispatch, &event);
}

void live_tasks_end(struct dispatch *dispatch, const struct attempt_id *id,
                    const struct task_counters *counters)
{
    struct live_task **link = find(dispatch, id), *task = *link;
    struct job *job = dispatch_find_job(dispatch, id->job);
    if (task == NULL)
        return;
    if (counters != NULL && job != NULL) {
        struct pace_attempt attempt = paced(job, task, counters->rows_read, counters->bytes_read);
        task_pace_add(&job->stages[id->stage].pace, &attempt);
    }
    *link = task->next;
    free(task);
}

void live_tasks_forget(struct dispatch *dispatch, uint32_t executor)
{
    struct live_task **list = list_of(dispatch, executor);
    while (*list != NULL) {
        struct live_task *next = (*list)->next;
        free(*list);
        *list = next;
    }
}

void live_tasks_add_up(const struct dispatch *dispatch, const struct job *job, uint32_t stage,
                       struct stage_view *view)
{
    for (uint32_t i = 0; i < dispatch->members->count; i++)
        for (const struct live_task *task = dispatch->members->all[i].live; task != NULL;
             task = task->next)
            if (task->id.job == job->id && task->id.stage == stage) {
                view->rows += task->rows;
                view->bytes += task->bytes;
            }
}
