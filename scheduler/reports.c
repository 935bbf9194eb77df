/* What executors and the runtime report of attempts and commits. */
#include "base/checked.h"
#include "scheduler/scheduler_state.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SETBACKS_MAX = 256 }; /* of one task, lest a body that ends them itself does so for ever */

/* The job that an event is about, while it has work to do; NULL: it is over, or unknown by now. */
static struct job *running_job(const struct scheduler *scheduler, uint64_t id)
{
    struct job *job = scheduler_find_job(scheduler, id);
    return job != NULL && job->state == JOB_RUNNING ? job : NULL;
}

uint32_t attempt_find(const struct scheduler *scheduler, const struct attempt_id *id)
{
    const struct job *job = scheduler_find_job(scheduler, id->job);
    if (job == NULL || id->stage >= job->stage_count)
        return ATTEMPT_NONE;
    const struct stage *stage = &job->stages[id->stage];
    if (stage->tasks == NULL || id->task >= stage->task_count)
        return ATTEMPT_NONE;
    uint32_t index = stage->tasks[id->task].attempts_head;
    while (index != ATTEMPT_NONE && scheduler->attempts.items[index].number != id->attempt)
        index = scheduler->attempts.items[index].next_of_task;
    bool is_it = index != ATTEMPT_NONE && scheduler->attempts.items[index].executor == id->executor;
    return is_it ? index : ATTEMPT_NONE;
}

void handle_attempt_started(struct scheduler *scheduler, const struct event *event)
{
    uint32_t index = attempt_find(scheduler, &event->attempt_started);
    if (index == ATTEMPT_NONE || scheduler->attempts.items[index].state != ATTEMPT_SENT ||
        scheduler->attempts.items[index].is_ahead) /* by the order of reports it cannot have */
        return;
    attempt_move(&scheduler->attempts.items[index], ATTEMPT_RUNNING, &scheduler->transitions);
    scheduler->attempts.items[index].start_ns = scheduler->now_ns;
    overruns_put_last(scheduler, index);
}

/* The first attempt of a task that finishes counts. */
BARKS_CHECKED static barks_status *count_attempt(struct scheduler *scheduler, struct stage *stage,
                                                 const struct attempt_id *id, uint64_t report,
                                                 uint64_t start_ns)
{
    struct task *task = &stage->tasks[id->task];
    task_move(task, TASK_DONE, &scheduler->transitions);
    task->counted_attempt = id->attempt;
    task->counted_executor = id->executor;
    task->counted_report = report;
    stage->tasks_done++;
    if (task->lane != LANE_NONE)
        stage->lanes[task->lane].open_count--;
    for (uint32_t index = task->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_task)
        BARKS_TRY(attempt_cancel(scheduler, index));
    if (stage->tasks_done == stage->task_count)
        return stage_complete(scheduler, stage);
    if (task->is_cut) /* how long it took says nothing of whole runs */
        return NULL;
    return speculation_note_finished(scheduler, stage, scheduler->now_ns - start_ns);
}

barks_status *handle_attempt_finished(struct scheduler *scheduler, const struct event *event)
{
    const struct attempt_id *id = &event->attempt_finished.id;
    uint32_t index = attempt_find(scheduler, id);
    if (index == ATTEMPT_NONE)
        return NULL;
    scheduler->is_deciding = true;
    struct job *job = scheduler->attempts.items[index].job;
    struct stage *stage = scheduler->attempts.items[index].stage;
    bool counts = !scheduler->attempts.items[index].is_cancel_sent;
    uint64_t start_ns = scheduler->attempts.items[index].start_ns;
    attempt_end(scheduler, index, ATTEMPT_FINISHED);
    if (counts) {
        BARKS_TRY(count_attempt(scheduler, stage, id, event->attempt_finished.report, start_ns));
    } else {
        struct decision discard = {
            .kind = DECISION_DISCARD_ATTEMPT,
            .discard_attempt = {.id = *id, .report = event->attempt_finished.report}};
        BARKS_TRY(scheduler_decide(scheduler, &discard));
        BARKS_TRY(job_end_if_idle(scheduler, job));
    }
    return executor_dispatch(scheduler, id->executor);
}

/* Is this failure of a task the last one that its job bears? */
static bool is_last_failure(const struct scheduler *scheduler, const struct event *event,
                            const struct stage *stage)
{
    const struct task *task = &stage->tasks[event->attempt_failed.id.task];
    uint64_t hash = event->attempt_failed.error_hash;
    if (event->attempt_failed.cause == CAUSE_CANCELLED)
        hash = 0;
    return !event->attempt_failed.is_retryable || task->setbacks >= SETBACKS_MAX ||
           task->failures >= scheduler->options.attempts_max ||
           stage->gang.failures >= scheduler->options.attempts_max ||
           (hash != 0 && hash == task->error_hash);
}

/* Counts a failure by its cause. What an executor has cancelled uncalled for has ended for the sake
 * of another task, whose failure counts. */
BARKS_CHECKED static barks_status *count_failure(struct scheduler *scheduler, struct stage *stage,
                                                 const struct event *event, bool *out_is_excluded)
{
    const struct attempt_id *id = &event->attempt_failed.id;
    struct task *task = &stage->tasks[id->task];
    bool is_new = false;
    *out_is_excluded = false;
    if (event->attempt_failed.cause == CAUSE_CANCELLED) {
        task->setbacks++;
        return NULL;
    }
    task->failures++;
    stage->gang.failures += stage->gang.is_gang;
    BARKS_TRY(failure_note(stage, id->task, id->executor, &is_new));
    return is_new ? exclusion_note_failure(scheduler, stage, id->executor, out_is_excluded) : NULL;
}

barks_status *task_attempt_failed(struct scheduler *scheduler, struct stage *stage,
                                  const struct event *event, bool *out_is_excluded)
{
    const struct attempt_id *id = &event->attempt_failed.id;
    struct task *task = &stage->tasks[id->task];
    BARKS_TRY(count_failure(scheduler, stage, event, out_is_excluded));
    if (is_last_failure(scheduler, event, stage)) {
        task_move(task, TASK_FAILED, &scheduler->transitions);
        struct job_outcome outcome = {.result = JOB_RESULT_FAILED,
                                      .cause = event->attempt_failed.cause,
                                      .error = event->attempt_failed.error,
                                      .attempt = *id};
        return job_finish(scheduler, stage->job, &outcome);
    }
    if (event->attempt_failed.cause != CAUSE_CANCELLED)
        task->error_hash = event->attempt_failed.error_hash;
    if (stage->gang.is_gang)
        return gang_end_round(scheduler, stage);
    if (task_has_hope(scheduler, task))
        return NULL; /* its copy goes on */
    task_move(task, TASK_PENDING, &scheduler->transitions);
    return task_enqueue(scheduler, stage, id->task);
}

barks_status *handle_attempt_failed(struct scheduler *scheduler, const struct event *event)
{
    enum failure_cause cause = event->attempt_failed.cause;
    if (cause != CAUSE_USER_ERROR && cause != CAUSE_BAD_INPUT && cause != CAUSE_RESOURCE &&
        cause != CAUSE_CANCELLED)
        BARKS_FAIL(BARKS_INVALID, "an attempt failed of the cause %d, which attempts do not have",
                   (int)cause);
    const struct attempt_id *id = &event->attempt_failed.id;
    uint32_t index = attempt_find(scheduler, id);
    if (index == ATTEMPT_NONE)
        return NULL;
    scheduler->is_deciding = true;
    struct job *job = scheduler->attempts.items[index].job;
    struct stage *stage = scheduler->attempts.items[index].stage;
    bool matters = !scheduler->attempts.items[index].is_cancel_sent;
    attempt_end(scheduler, index, cause == CAUSE_CANCELLED ? ATTEMPT_CANCELLED : ATTEMPT_FAILED);
    bool is_excluded = false;
    if (matters)
        BARKS_TRY(task_attempt_failed(scheduler, stage, event, &is_excluded));
    else
        BARKS_TRY(job_end_if_idle(scheduler, job));
    if (is_excluded) { /* the tasks that avoided others may have no choice now */
        passed_check(scheduler);
        return dispatch_all(scheduler);
    }
    BARKS_TRY(executor_dispatch(scheduler, id->executor));
    /* Its executor may have had something better to do: then another one that is idle. */
    if (matters && job->state == JOB_RUNNING && stage_is_active(stage) &&
        stage->tasks[id->task].state == TASK_PENDING)
        return stage_dispatch(scheduler, stage);
    return NULL;
}

/* The stage whose commit an event answers; NULL: the answer comes too late to matter. */
BARKS_CHECKED static barks_status *find_commit(const struct scheduler *scheduler, uint64_t job_id,
                                               uint32_t stage_index, uint32_t commit,
                                               struct stage **out_stage)
{
    *out_stage = NULL;
    const struct job *job = running_job(scheduler, job_id);
    if (job == NULL)
        return NULL;
    if (stage_index >= job->stage_count || commit == 0 || commit > job->stages[stage_index].commit)
        BARKS_FAIL(BARKS_INVALID, "commit %u of stage %u of job %" PRIu64 " was never asked for",
                   commit, stage_index, job_id);
    struct stage *stage = &job->stages[stage_index];
    if (stage->state == STAGE_COMPLETE && stage->commit == commit)
        *out_stage = stage;
    return NULL;
}

/* Adds to the sums of a stage that is not split yet, *bytes_of, what one of its inputs holds. */
BARKS_CHECKED static barks_status *add_bytes(const struct stage *reader, uint64_t **bytes_of,
                                             uint32_t first_partition, const uint64_t *bytes,
                                             uint32_t count)
{
    if (*bytes_of == NULL) {
        *bytes_of = calloc((size_t)reader->partition_count + 1, sizeof **bytes_of);
        if (*bytes_of == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the sizes of %u partitions",
                       reader->partition_count);
    }
    uint64_t *sums = *bytes_of + first_partition;
    for (uint32_t partition = 0; partition < count; partition++)
        if (ckd_add(&sums[partition], sums[partition], bytes[partition]))
            sums[partition] = UINT64_MAX;
    return NULL;
}

BARKS_CHECKED static barks_status *tell_readers(struct stage *stage, const uint64_t *bytes)
{
    const struct job *job = stage->job;
    if (stage->output != OUTPUT_SHUFFLE || bytes == NULL || stage->is_output_known)
        return NULL;
    stage->is_output_known = true;
    for (uint32_t i = stage->child_first; i < stage->child_end; i++) {
        const struct stage_input *input = &job->inputs[job->children[i].input];
        struct stage *reader = &job->stages[job->children[i].stage];
        if (input->kind != INPUT_PARTITIONS || reader->state != STAGE_WAITING || reader->is_split)
            continue;
        uint32_t count = stage_input_count(input, stage->output_partition_count);
        BARKS_TRY(add_bytes(reader, &reader->partition_bytes, input->first_partition,
                            bytes + input->parent_first, count));
        if (input->is_in_pieces)
            BARKS_TRY(add_bytes(reader, &reader->piece_bytes, input->first_partition,
                                bytes + input->parent_first, count));
    }
    return NULL;
}

barks_status *handle_stage_committed(struct scheduler *scheduler, const struct event *event)
{
    struct stage *stage = NULL;
    BARKS_TRY(find_commit(scheduler, event->stage_committed.job, event->stage_committed.stage,
                          event->stage_committed.commit, &stage));
    if (stage == NULL)
        return NULL;
    scheduler->is_deciding = true;
    BARKS_TRY(tell_readers(stage, event->stage_committed.output_partition_bytes));
    return stage_commit(scheduler, stage);
}

barks_status *handle_commit_failed(struct scheduler *scheduler, const struct event *event)
{
    struct stage *stage = NULL;
    BARKS_TRY(find_commit(scheduler, event->commit_failed.job, event->commit_failed.stage,
                          event->commit_failed.commit, &stage));
    if (stage == NULL)
        return NULL;
    scheduler->is_deciding = true;
    struct job_outcome outcome = {.result = JOB_RESULT_FAILED,
                                  .cause = event->commit_failed.cause,
                                  .error = event->commit_failed.error};
    return job_finish(scheduler, stage->job, &outcome);
}

barks_status *handle_stage_skipped(struct scheduler *scheduler, const struct event *event)
{
    const struct job *job = running_job(scheduler, event->stage_skipped.job);
    if (job == NULL)
        return NULL;
    if (event->stage_skipped.stage >= job->stage_count ||
        job->stages[event->stage_skipped.stage].output != OUTPUT_SHUFFLE)
        BARKS_FAIL(BARKS_INVALID, "stage %u of job %" PRIu64 " fills no shuffle: it is not skipped",
                   event->stage_skipped.stage, event->stage_skipped.job);
    struct stage *stage = &job->stages[event->stage_skipped.stage];
    if (stage->state != STAGE_WAITING || stage->is_split)
        return NULL;
    scheduler->is_deciding = true;
    return stage_skip(scheduler, stage);
}

/* Nothing is tried again before they have ended: what the task does is never done twice at the same
 * time for this. */
barks_status *handle_task_stopped(struct scheduler *scheduler, const struct event *event)
{
    const struct job *job = running_job(scheduler, event->task_stopped.job);
    if (job == NULL || event->task_stopped.stage >= job->stage_count)
        return NULL;
    const struct stage *stage = &job->stages[event->task_stopped.stage];
    if (stage->tasks == NULL || event->task_stopped.task >= stage->task_count)
        return NULL;
    scheduler->is_deciding = true;
    for (uint32_t index = stage->tasks[event->task_stopped.task].attempts_head;
         index != ATTEMPT_NONE; index = scheduler->attempts.items[index].next_of_task)
        BARKS_TRY(attempt_stop(scheduler, index));
    return NULL;
}

barks_status *handle_copy_wanted(struct scheduler *scheduler, const struct event *event)
{
    const struct job *job = running_job(scheduler, event->copy_wanted.job);
    if (job == NULL || event->copy_wanted.stage >= job->stage_count)
        return NULL;
    struct stage *stage = &job->stages[event->copy_wanted.stage];
    if (stage->state != STAGE_RUNNING || event->copy_wanted.task >= stage->task_count)
        return NULL;
    const struct task *task = &stage->tasks[event->copy_wanted.task];
    bool has_started = false;
    if (task->state != TASK_RUNNING)
        return NULL;
    uint32_t executor = scheduler->attempts.items[task->attempts_head].executor;
    if (task->lane != LANE_NONE && stage->lanes[task->lane].place == executor)
        stage->lanes[task->lane].is_slow |= !task->is_heavy;
    return speculation_copy(scheduler, task->attempts_head, &has_started);
}
