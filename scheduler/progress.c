/* From stage to stage: what a commit lets begin and releases, and how a job ends. */
#include "base/assertion.h"
#include "scheduler/roster.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

barks_status *job_begin(struct scheduler *scheduler, struct job *job)
{
    job_move(job, JOB_RUNNING, &scheduler->transitions);
    if (job->stages_left == 0)
        return job_finish(scheduler, job, &(struct job_outcome){.result = JOB_RESULT_DONE});
    BARKS_TRY(exclusion_begin_job(scheduler, job));
    for (uint32_t index = 0; index < job->stage_count; index++) {
        struct stage *stage = &job->stages[index];
        if (stage->state == STAGE_WAITING && stage->parents_missing == 0)
            BARKS_TRY(stage_make_ready(scheduler, stage));
    }
    return NULL;
}

/* Does a gang read shuffles of the group that has no two tasks on one executor? */
static bool is_read_spread(const struct job *job, uint32_t group)
{
    for (uint32_t index = 0; index < job->stage_count; index++) {
        const struct stage *stage = &job->stages[index];
        for (uint32_t i = stage->input_first; i < stage->input_end && stage->gang.is_spread; i++)
            if (job->inputs[i].kind == INPUT_PARTITIONS &&
                job->stages[job->inputs[i].parent].exchange_group == group)
                return true;
    }
    return false;
}

/* How many tasks of each of the stages that read shuffles of the group have room on the executor at
 * once, where these need more than a worker; else UINT32_MAX. */
static uint32_t readers_room(const struct job *job, uint32_t group, const struct executor *executor)
{
    uint32_t room = UINT32_MAX;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        const struct stage *stage = &job->stages[index];
        for (uint32_t i = stage->input_first; i < stage->input_end && stage->needs != NULL; i++) {
            bool reads = job->inputs[i].kind == INPUT_PARTITIONS &&
                         job->stages[job->inputs[i].parent].exchange_group == group;
            uint32_t count = reads ? room_count(executor, stage->needs, true) : UINT32_MAX;
            room = count < room ? count : room;
        }
    }
    return room;
}

/* In place of all who live, those who have what the group's readers need, by how many of their
 * tasks they run at once. Where nobody has, all stay, and the reader's job fails. */
BARKS_CHECKED static barks_status *narrow(const struct scheduler *scheduler, const struct job *job,
                                          uint32_t group, struct roster **roster)
{
    const struct executor *executors = scheduler->executors.executors;
    struct roster *able = NULL;
    if ((*roster)->member_count == 0 ||
        readers_room(job, group, &executors[(*roster)->executors[0]]) == UINT32_MAX)
        return NULL;
    BARKS_TRY(roster_create((*roster)->member_count, &able));
    able->member_count = 0;
    for (uint32_t member = 0; member < (*roster)->member_count; member++) {
        uint32_t id = (*roster)->executors[member];
        uint32_t room = readers_room(job, group, &executors[id]);
        if (room == 0)
            continue;
        able->executors[able->member_count] = id;
        able->worker_counts[able->member_count++] = room;
    }
    struct roster *unused = able->member_count > 0 ? *roster : able;
    *roster = able->member_count > 0 ? able : *roster;
    roster_release(unused);
    return NULL;
}

/* The owners of what the stage and its group put out are those who live now. For a gang that is
 * spread all count alike, so that none of them gets two partitions where there are enough. */
BARKS_CHECKED static barks_status *fix_owners(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->output != OUTPUT_SHUFFLE || job_roster(stage->job, stage) != NULL)
        return NULL;
    struct roster **roster = &stage->job->rosters[stage->exchange_group];
    BARKS_TRY(executor_roster(&scheduler->executors, roster));
    BARKS_TRY(narrow(scheduler, stage->job, stage->exchange_group, roster));
    if (!is_read_spread(stage->job, stage->exchange_group))
        return NULL;
    struct roster *even = NULL;
    barks_status *status = roster_create((*roster)->member_count, &even);
    for (uint32_t member = 0; status == NULL && member < even->member_count; member++) {
        even->executors[member] = (*roster)->executors[member];
        even->worker_counts[member] = 1;
    }
    roster_release(*roster);
    *roster = even;
    return status;
}

barks_status *stage_make_ready(struct scheduler *scheduler, struct stage *stage)
{
    BARKS_TRY(fix_owners(scheduler, stage));
    if (!stage->is_split)
        BARKS_TRY(stage_split(stage, &scheduler->executors));
    stage_move(stage, STAGE_READY, &scheduler->transitions);
    stage->has_stale_inputs = false; /* its parents' commits sent them to where its tasks run */
    if (stage->task_count == 0)
        return stage_complete(scheduler, stage);
    BARKS_TRY(stage_enqueue(scheduler, stage));
    BARKS_TRY(stage_check_needs(scheduler, stage));
    return stage_is_active(stage) ? stage_dispatch(scheduler, stage) : NULL;
}

/* All of its tasks have a place to run, by what executors have in all. */
static bool has_places(const struct scheduler *scheduler, const struct stage *stage)
{
    const struct executor_table *table = &scheduler->executors;
    bool is_found = stage->any_lane == LANE_NONE;
    for (uint32_t index = 0; index < stage->lane_count; index++)
        if (stage->lanes[index].open_count > 0 &&
            !room_could_hold(&table->executors[stage->lanes[index].place], stage->needs))
            return false;
    for (uint32_t id = 0; id < table->executor_limit && !is_found; id++)
        is_found =
            executor_is_alive(table, id) && room_could_hold(&table->executors[id], stage->needs);
    return is_found;
}

barks_status *stage_check_needs(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->needs == NULL || has_places(scheduler, stage))
        return NULL;
    struct job_outcome outcome = {
        .result = JOB_RESULT_FAILED,
        .cause = CAUSE_NEEDS,
        .attempt = {.job = stage->job->id, .stage = stage->index, .executor = SCHEDULER_ANY}};
    return job_finish(scheduler, stage->job, &outcome);
}

barks_status *stage_complete(struct scheduler *scheduler, struct stage *stage)
{
    BARKS_ASSERT(stage->tasks_done == stage->task_count);
    if (stage->state != STAGE_COMPLETE) {
        stage_dequeue(scheduler, stage);
        stage_move(stage, STAGE_COMPLETE, &scheduler->transitions);
    }
    stage->commit++;
    struct decision commit = {.kind = DECISION_COMMIT_STAGE,
                              .commit_stage = {.job = stage->job->id,
                                               .stage = stage->index,
                                               .commit = stage->commit,
                                               .run_count = stage->task_count}};
    return scheduler_decide(scheduler, &commit);
}

BARKS_CHECKED static barks_status *release(struct scheduler *scheduler, struct stage *stage)
{
    stage->is_released = true;
    free(stage->shipped);
    stage->shipped = NULL;
    stage->shipped_limit = 0;
    /* With recovery its runs may be wanted again, and must then be the same. An attempt that was
     * told to cancel still needs its task. */
    if (!scheduler->options.recovers && stage->attempts_live == 0)
        stage_drop_tasks(stage);
    struct decision decision = {.kind = DECISION_RELEASE_STAGE,
                                .release_stage = {.job = stage->job->id, .stage = stage->index}};
    return scheduler_decide(scheduler, &decision);
}

BARKS_CHECKED static barks_status *release_read(struct scheduler *scheduler, struct stage *stage)
{
    struct job *job = stage->job;
    for (uint32_t i = stage->input_first; i < stage->input_end; i++) {
        struct stage *parent = &job->stages[job->inputs[i].parent];
        if (job->inputs[i].kind != INPUT_PARTITIONS)
            continue;
        parent->readers_left--;
        if (parent->readers_left == 0 && parent->state == STAGE_COMMITTED && !parent->is_released)
            BARKS_TRY(release(scheduler, parent));
    }
    if (stage->output != OUTPUT_SHUFFLE)
        return release(scheduler, stage);
    return NULL;
}

/* The stage is over. */
BARKS_CHECKED static barks_status *go_on(struct scheduler *scheduler, struct stage *stage)
{
    struct job *job = stage->job;
    BARKS_TRY(release_read(scheduler, stage));
    if (--job->stages_left == 0)
        return job_finish(scheduler, job, &(struct job_outcome){.result = JOB_RESULT_DONE});
    for (uint32_t i = stage->child_first; i < stage->child_end; i++) {
        struct stage *child = &job->stages[job->children[i].stage];
        /* Once a stage is split, order alone holds it back no more. */
        bool is_awaited =
            job->inputs[job->children[i].input].kind == INPUT_PARTITIONS || !child->is_split;
        if (child->state != STAGE_WAITING || !is_awaited)
            continue;
        BARKS_ASSERT(child->parents_missing > 0);
        if (--child->parents_missing == 0)
            BARKS_TRY(stage_make_ready(scheduler, child));
    }
    return NULL;
}

barks_status *stage_commit(struct scheduler *scheduler, struct stage *stage)
{
    stage_move(stage, STAGE_COMMITTED, &scheduler->transitions);
    return go_on(scheduler, stage);
}

barks_status *stage_skip(struct scheduler *scheduler, struct stage *stage)
{
    stage_move(stage, STAGE_SKIPPED, &scheduler->transitions);
    return go_on(scheduler, stage);
}

/* Stages that had begun have failed with the job; the others are skipped. */
static void end_stages(struct scheduler *scheduler, struct job *job)
{
    for (uint32_t index = 0; index < job->stage_count; index++) {
        struct stage *stage = &job->stages[index];
        stage_dequeue(scheduler, stage);
        if (stage->is_split && scheduler->retries.count > 0)
            retry_list_forget(&scheduler->retries, stage);
        if (stage->state == STAGE_WAITING || stage->state == STAGE_READY)
            stage_move(stage, stage->has_begun ? STAGE_FAILED : STAGE_SKIPPED,
                       &scheduler->transitions);
        else if (stage->state == STAGE_RUNNING || stage->state == STAGE_COMPLETE)
            stage_move(stage, STAGE_FAILED, &scheduler->transitions);
    }
}

BARKS_CHECKED static barks_status *cancel_attempts(struct scheduler *scheduler,
                                                   const struct job *job)
{
    for (uint32_t index = job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job)
        BARKS_TRY(attempt_cancel(scheduler, index));
    return NULL;
}

barks_status *job_finish(struct scheduler *scheduler, struct job *job,
                         const struct job_outcome *outcome)
{
    job_move(job, JOB_FINISHING, &scheduler->transitions);
    job->outcome = *outcome;
    end_stages(scheduler, job);
    BARKS_TRY(cancel_attempts(scheduler, job));
    return job_end_if_idle(scheduler, job);
}

static enum job_state state_of_result(enum job_result result)
{
    switch (result) {
    case JOB_RESULT_DONE:
        return JOB_DONE;
    case JOB_RESULT_FAILED:
        return JOB_FAILED;
    case JOB_RESULT_CANCELLED:
        break;
    }
    return JOB_CANCELLED;
}

barks_status *job_end_if_idle(struct scheduler *scheduler, struct job *job)
{
    if (job->state != JOB_FINISHING || job->attempts_live > 0)
        return NULL;
    job_move(job, state_of_result(job->outcome.result), &scheduler->transitions);
    struct decision finished = {.kind = DECISION_JOB_FINISHED,
                                .job_finished = {.job = job->id, .outcome = job->outcome}};
    scheduler_retire(scheduler, job);
    return scheduler_decide(scheduler, &finished);
}
