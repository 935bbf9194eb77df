/* A lost executor: which attempts, outputs and deliveries went with it, and what must run again.
 *
 * Three things may be lost with executor X. Attempts that ran on it: their tasks are pending again.
 * Map output that it kept: the tasks that made it are pending again, if anybody still needs it.
 * Partitions of shuffles that had been sent to it: X's heir owns them now, so who made them must
 * send them again; tasks that were to read them on X are pinned to the heir.
 *
 * What has been lost of committed stages is only made again when a reader demands it. Demands are
 * found from the last stage to the first, since readers come after what they read: a demanded stage
 * that has to run again demands its own inputs, which may have been released long ago. Then states
 * are set from the first stage to the last, since a stage waits for its parents. Both are loops:
 * chains of 10,000 stages are no problem. Runs, once committed, stay the same, so that what is kept
 * elsewhere still fits. */
#include "base/assertion.h"
#include "scheduler/roster.h"
#include "scheduler/scheduler_state.h"

static bool is_of(const struct attempt_crash *crash, const struct attempt_id *id)
{
    return crash != NULL && crash->id.job == id->job && crash->id.stage == id->stage &&
           crash->id.task == id->task && crash->id.attempt == id->attempt;
}

/* What has ended its executor would have failed the attempt, were it less grave, so that it counts
 * as that: the same twice is enough. Its executor needs no avoiding. Is it the last failure? */
static bool count_crash(const struct scheduler *scheduler, struct stage *stage, struct task *task,
                        uint64_t hash)
{
    bool is_same = hash != 0 && hash == task->error_hash;
    task->error_hash = hash;
    task->failures++;
    stage->gang.failures += stage->gang.is_gang;
    return is_same || task->failures >= scheduler->options.attempts_max ||
           stage->gang.failures >= scheduler->options.attempts_max;
}

/* Takes one attempt off the lost executor; its task may need another. */
BARKS_CHECKED static barks_status *lose_attempt(struct scheduler *scheduler, uint32_t index,
                                                const struct attempt_crash *crash)
{
    struct attempt attempt = scheduler->attempts.items[index];
    struct attempt_id id = attempt_identity(&attempt);
    struct job *job = attempt.job;
    attempt_end(scheduler, index, ATTEMPT_LOST);
    if (attempt.is_cancel_sent)
        return job_end_if_idle(scheduler, job);
    struct task *task = &attempt.stage->tasks[attempt.task];
    bool is_crash = is_of(crash, &id);
    if (!is_crash && !attempt.is_ahead)
        task->losses++;
    bool is_last = is_crash ? count_crash(scheduler, attempt.stage, task, crash->error_hash)
                            : task->losses > scheduler->options.losses_max;
    bool can_go_on = scheduler->options.recovers && scheduler->executors.living_count > 0;
    if (!can_go_on || is_last) {
        task_move(task, TASK_FAILED, &scheduler->transitions);
        struct job_outcome outcome = {
            .result = JOB_RESULT_FAILED, .cause = CAUSE_LOST, .attempt = id};
        if (is_crash && is_last) {
            outcome.cause = CAUSE_USER_ERROR;
            outcome.error = crash->error;
        }
        return job_finish(scheduler, job, &outcome);
    }
    if (attempt.stage->gang.is_gang)
        return gang_end_round(scheduler, attempt.stage);
    if (task_has_hope(scheduler, task))
        return NULL; /* its copy goes on */
    task_move(task, TASK_PENDING, &scheduler->transitions);
    return task_enqueue(scheduler, attempt.stage, attempt.task);
}

/* What it has lent of the lane's tasks ends: an attempt may not have got it yet, and one that ended
 * well after all would leave its stage waiting for what nobody reads any more. */
BARKS_CHECKED static barks_status *end_loans(struct scheduler *scheduler, struct stage *stage,
                                             uint32_t lane, uint32_t lost)
{
    for (uint32_t index = stage->job->attempts_head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_of_job) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        if (attempt->stage != stage || stage->tasks[attempt->task].lane != lane ||
            attempt->executor == lost || attempt->is_cancel_sent)
            continue;
        struct task *task = &stage->tasks[attempt->task];
        uint32_t task_index = attempt->task;
        BARKS_TRY(attempt_cancel(scheduler, index));
        if (task_has_hope(scheduler, task))
            continue; /* on the lost one, which ends next */
        task_move(task, TASK_PENDING, &scheduler->transitions);
        BARKS_TRY(task_enqueue(scheduler, stage, task_index));
    }
    return NULL;
}

/* Its pinned lanes go to its heir, who lacks the inputs of their tasks; wishes for it are void. A
 * gang that runs needs these again should its round end, so the round ends now, when they can be
 * sent. */
BARKS_CHECKED static barks_status *move_lanes(struct scheduler *scheduler, struct stage *stage,
                                              uint32_t lost)
{
    bool is_round = stage->gang.is_gang && stage_is_active(stage), ends_round = false;
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        struct lane *lane = &stage->lanes[index];
        if (lane->level != LANE_EXECUTOR || lane->place != lost)
            continue;
        lane_dequeue(scheduler, lane);
        if (!lane->is_pinned)
            continue;
        lane->place = executor_heir(&scheduler->executors, lost);
        stage->has_stale_inputs |= lane->open_count > 0 || is_round;
        ends_round |= is_round;
        if (stage->gang.is_gang)
            continue;
        BARKS_TRY(end_loans(scheduler, stage, index, lost));
        if (lane_first(lane) != TASK_NONE)
            BARKS_TRY(lane_enqueue(scheduler, lane));
    }
    return ends_round ? gang_end_round(scheduler, stage) : NULL;
}

/* Did the lost executor own partitions of the stage's shuffle, of its own or as somebody's heir? */
static bool was_sent_to(const struct scheduler *scheduler, const struct stage *stage, uint32_t lost)
{
    const struct roster *roster = job_roster(stage->job, stage);
    if (roster == NULL)
        return false;
    for (uint32_t member = 0; member < roster->member_count; member++) {
        uint32_t owner = roster->executors[member];
        while (owner != lost && owner != EXECUTOR_NONE &&
               !executor_is_alive(&scheduler->executors, owner))
            owner = scheduler->executors.executors[owner].heir;
        if (owner == lost)
            return true;
    }
    return false;
}

static bool is_output_gone(const struct scheduler *scheduler, const struct stage *stage,
                           const struct task *task)
{
    bool is_kept =
        !stage->is_released && executor_is_alive(&scheduler->executors, task->counted_executor);
    return task->state == TASK_DONE && !is_kept;
}

/* All of its tasks run again with the one whose output is gone. */
BARKS_CHECKED static barks_status *reset_gang(struct scheduler *scheduler, struct stage *stage)
{
    for (uint32_t index = 0; index < stage->task_count; index++)
        stage->has_stale_inputs |= stage->tasks[index].lane != LANE_NONE;
    return gang_end_round(scheduler, stage);
}

/* Done tasks whose output is gone, kept by a lost executor or released, must run again. A copy that
 * was told to stop when they were done may still run, and counts if it finishes all the same. */
BARKS_CHECKED static barks_status *reset_tasks(struct scheduler *scheduler, struct stage *stage)
{
    for (uint32_t index = 0; index < stage->task_count; index++) {
        struct task *task = &stage->tasks[index];
        if (!is_output_gone(scheduler, stage, task))
            continue;
        if (stage->gang.is_gang)
            return reset_gang(scheduler, stage);
        task_move(task, TASK_PENDING, &scheduler->transitions);
        stage->tasks_done--;
        if (task->lane !=
            LANE_NONE) { /* where it is pinned now, its inputs are not, or not any more */
            stage->lanes[task->lane].open_count++;
            stage->has_stale_inputs = true;
        }
        BARKS_TRY(task_enqueue(scheduler, stage, index));
    }
    return NULL;
}

/* Does the stage, which is not committed, need what a committed parent put out once more? */
static bool demands(const struct scheduler *scheduler, const struct stage *stage,
                    const struct stage *parent, uint32_t lost)
{
    if (!stage->is_split)
        return was_sent_to(scheduler, parent, lost);
    return stage->has_stale_inputs;
}

static bool is_over(const struct stage *stage)
{
    return stage->state == STAGE_COMMITTED || stage->state == STAGE_SKIPPED;
}

/* The stages that come after have been looked at, so is_demanded says all. */
BARKS_CHECKED static barks_status *find_demands(struct scheduler *scheduler, struct stage *stage,
                                                uint32_t lost)
{
    struct job *job = stage->job;
    if (is_over(stage) && !stage->is_demanded)
        return NULL;
    if (stage->is_split && stage->output == OUTPUT_SHUFFLE)
        BARKS_TRY(reset_tasks(scheduler, stage));
    for (uint32_t i = stage->input_first; i < stage->input_end; i++) {
        struct stage *parent = &job->stages[job->inputs[i].parent];
        if (job->inputs[i].kind == INPUT_PARTITIONS && parent->state == STAGE_COMMITTED &&
            demands(scheduler, stage, parent, lost))
            parent->is_demanded = true;
    }
    return NULL;
}

static uint32_t count_missing(const struct stage *stage)
{
    const struct job *job = stage->job;
    uint32_t missing = 0;
    for (uint32_t i = stage->input_first; i < stage->input_end; i++)
        missing += !is_over(&job->stages[job->inputs[i].parent]) &&
                   (job->inputs[i].kind == INPUT_PARTITIONS || !stage->is_split);
    return missing;
}

BARKS_CHECKED static barks_status *tell_owners(struct scheduler *scheduler,
                                               const struct stage *stage)
{
    struct decision changed = {.kind = DECISION_OWNERS_CHANGED,
                               .owners_changed = {.job = stage->job->id, .stage = stage->index}};
    return scheduler_decide(scheduler, &changed);
}

/* A stage that was complete or committed has tasks to run again, or an active one lacks inputs. */
BARKS_CHECKED static barks_status *reopen(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->has_stale_inputs) {
        stage->parents_missing = count_missing(stage);
        BARKS_ASSERT(stage->parents_missing > 0);
        stage_dequeue(scheduler, stage);
        stage_move(stage, STAGE_WAITING, &scheduler->transitions);
        return NULL;
    }
    if (stage_is_active(stage))
        return NULL;
    stage_move(stage, STAGE_READY, &scheduler->transitions);
    return stage_enqueue(scheduler, stage);
}

/* It has not begun, but the partitions of its shuffle may have owners, whom it shares with another
 * one that has (a join's two sides). */
BARKS_CHECKED static barks_status *settle_unsplit(struct scheduler *scheduler, struct stage *stage,
                                                  uint32_t lost)
{
    stage->parents_missing = count_missing(stage);
    return stage->output == OUTPUT_SHUFFLE && was_sent_to(scheduler, stage, lost)
               ? tell_owners(scheduler, stage)
               : NULL;
}

/* The stages that come before are in their new states. */
BARKS_CHECKED static barks_status *settle(struct scheduler *scheduler, struct stage *stage,
                                          uint32_t lost)
{
    bool is_whole = stage->tasks_done == stage->task_count;
    bool was_committed = stage->state == STAGE_COMMITTED;
    switch (stage->state) {
    case STAGE_SKIPPED:
    case STAGE_FAILED:
        return NULL;
    case STAGE_WAITING:
        if (!stage->is_split)
            return settle_unsplit(scheduler, stage, lost);
        stage->parents_missing = count_missing(stage);
        break;
    case STAGE_READY:
    case STAGE_RUNNING:
    case STAGE_COMPLETE:
        break;
    case STAGE_COMMITTED:
        if (!stage->is_demanded)
            return NULL;
        stage->is_demanded = false;
        stage->is_released = false;
        stage->job->stages_left++;
        break;
    }
    bool is_resent =
        stage->output == OUTPUT_SHUFFLE && (was_committed || was_sent_to(scheduler, stage, lost));
    if (is_resent)
        BARKS_TRY(tell_owners(scheduler, stage));
    if (stage->state == STAGE_WAITING)
        return NULL;
    if (!is_whole)
        return reopen(scheduler, stage);
    return is_resent ? stage_complete(scheduler, stage) : NULL;
}

static void count_readers(struct stage *stage)
{
    const struct job *job = stage->job;
    stage->readers_left = 0;
    for (uint32_t i = stage->child_first; i < stage->child_end; i++)
        stage->readers_left += job->inputs[job->children[i].input].kind == INPUT_PARTITIONS &&
                               !is_over(&job->stages[job->children[i].stage]);
}

BARKS_CHECKED static barks_status *recover_job(struct scheduler *scheduler, struct job *job,
                                               uint32_t lost)
{
    for (uint32_t index = job->stage_count; index-- > 0;)
        BARKS_TRY(find_demands(scheduler, &job->stages[index], lost));
    for (uint32_t index = 0; index < job->stage_count; index++)
        BARKS_TRY(settle(scheduler, &job->stages[index], lost));
    for (uint32_t index = 0; index < job->stage_count; index++)
        count_readers(&job->stages[index]);
    for (uint32_t index = 0; index < job->stage_count && job->state == JOB_RUNNING; index++)
        if (job->stages[index].is_split && !is_over(&job->stages[index]))
            BARKS_TRY(stage_check_needs(scheduler, &job->stages[index]));
    return NULL;
}

BARKS_CHECKED static barks_status *for_each_running_job(
    struct scheduler *scheduler, uint32_t lost,
    barks_status *(*act)(struct scheduler *scheduler, struct job *job, uint32_t lost))
{
    struct job *next = NULL;
    for (struct job *job = scheduler->first_job; job != NULL; job = next) {
        next = job->next; /* the job may end */
        if (job->state == JOB_RUNNING)
            BARKS_TRY(act(scheduler, job, lost));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *move_lanes_of_job(struct scheduler *scheduler, struct job *job,
                                                     uint32_t lost)
{
    for (uint32_t index = 0; index < job->stage_count; index++)
        BARKS_TRY(move_lanes(scheduler, &job->stages[index], lost));
    return NULL;
}

BARKS_CHECKED static barks_status *fail_job(struct scheduler *scheduler, struct job *job,
                                            uint32_t lost)
{
    (void)lost;
    struct job_outcome outcome = {.result = JOB_RESULT_FAILED, .cause = CAUSE_LOST};
    return job_finish(scheduler, job, &outcome);
}

/* What tasks that are still to run may need of an heir. */
static struct task_needs needs_of_running(const struct scheduler *scheduler)
{
    struct task_needs sum = {.threads = 1};
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next)
        for (uint32_t index = 0; index < job->stage_count && job->state == JOB_RUNNING; index++)
            if (!is_over(&job->stages[index]))
                needs_add(&sum, job->stages[index].needs);
    return sum;
}

barks_status *executor_recover(struct scheduler *scheduler, const struct event *event)
{
    struct executor_table *table = &scheduler->executors;
    uint32_t lost = event->executor_lost.executor;
    struct task_needs wanted = needs_of_running(scheduler);
    executor_lose(table, lost, &wanted);
    locality_lose(scheduler, lost);
    passed_check(scheduler);
    bool can_go_on = scheduler->options.recovers && table->living_count > 0;
    if (can_go_on)
        BARKS_TRY(for_each_running_job(scheduler, lost, move_lanes_of_job));
    while (table->executors[lost].attempts_head != ATTEMPT_NONE)
        BARKS_TRY(lose_attempt(scheduler, table->executors[lost].attempts_head,
                               event->executor_lost.crash));
    BARKS_TRY(for_each_running_job(scheduler, lost, can_go_on ? recover_job : fail_job));
    lane_queue_drop(&table->executors[lost].lanes);
    return dispatch_all(scheduler);
}
