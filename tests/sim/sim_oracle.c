#include "sim/sim_world.h"

#include <inttypes.h>

static struct sim_job *job_of(struct sim_world *world, uint64_t id)
{
    if (id == 0 || id > world->job_count || !world->jobs[id - 1].is_submitted) {
        sim_fail(world, "a decision about job %" PRIu64 ", which was never submitted", id);
        return NULL;
    }
    struct sim_job *job = &world->jobs[id - 1];
    if (job->is_finished) {
        sim_fail(world, "a decision about job %" PRIu64 ", which is over", id);
        return NULL;
    }
    return job;
}

static struct sim_stage *stage_of(struct sim_world *world, uint64_t id, uint32_t stage)
{
    struct sim_job *job = job_of(world, id);
    if (job != NULL && stage < job->spec.stage_count)
        return &job->stages[stage];
    sim_fail(world, "a decision about stage %u of job %" PRIu64 ", which does not exist", stage,
             id);
    return NULL;
}

static bool is_usable(struct sim_world *world, uint32_t executor, const char *what)
{
    if (executor < world->executor_count && world->executors[executor].has_joined &&
        !world->executors[executor].is_lost)
        return true;
    sim_fail(world, "%s on executor %u, which does not live", what, executor);
    return false;
}

size_t oracle_find_attempt(const struct sim_world *world, const struct attempt_id *id)
{
    for (size_t index = world->attempt_count; index-- > 0;) {
        const struct attempt_id *other = &world->attempts[index].id;
        if (other->job == id->job && other->stage == id->stage && other->task == id->task &&
            other->attempt == id->attempt && other->executor == id->executor)
            return index;
    }
    return SIZE_MAX;
}

void oracle_ship(struct sim_world *world, const struct decision *decision)
{
    struct sim_stage *stage = stage_of(world, decision->ship_stage.job, decision->ship_stage.stage);
    uint32_t executor = decision->ship_stage.executor;
    if (stage == NULL || !is_usable(world, executor, "a stage is shipped"))
        return;
    if (stage->is_shipped[executor])
        sim_fail(world, "stage %u is shipped twice to executor %u", decision->ship_stage.stage,
                 executor);
    stage->is_shipped[executor] = true;
}

static bool is_skipped(struct sim_world *world, uint64_t job, uint32_t stage)
{
    struct stage_progress progress;
    barks_status *status = scheduler_stage_progress(world->scheduler, job, stage, &progress);
    if (status != NULL) {
        sim_fail(world, "%s", barks_status_text(status));
        barks_status_free(status);
        return false;
    }
    return progress.state == STAGE_SKIPPED;
}

/* Every partition that the run reads lies on its executor, or on that which lends it. */
static void check_inputs(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    uint32_t first = decision->start_task.first_partition, end = decision->start_task.end_partition;
    uint32_t lender = decision->start_task.lender;
    uint32_t holder = lender != SCHEDULER_ANY ? lender : id->executor;
    struct sim_job *job = &world->jobs[id->job - 1];
    const struct sim_stage *stage = &job->stages[id->stage];
    for (uint32_t i = 0; i < stage->spec.input_count; i++) {
        const struct stage_input *input = &stage->inputs[i];
        const struct sim_stage *parent = &job->stages[input->parent];
        if (is_skipped(world, id->job, input->parent))
            continue;
        if (parent->commits_done == 0)
            sim_fail(world, "stage %u starts before stage %u is committed", id->stage,
                     input->parent);
        if (input->kind != INPUT_PARTITIONS)
            continue;
        for (uint32_t partition = first; partition < end; partition++) {
            if (partition < input->first_partition ||
                partition >= input->first_partition + parent->spec.output_partition_count)
                continue;
            if (parent->sent_to[partition - input->first_partition] != holder)
                sim_fail(world,
                         "task %u of stage %u of job %" PRIu64
                         " reads on executor %u, but partition %u of stage %u is on %d",
                         id->task, id->stage, id->job, holder, partition - input->first_partition,
                         input->parent, (int)parent->sent_to[partition - input->first_partition]);
        }
    }
}

/* No shuffle pins the partition, with which a task begins, so that the task has a choice. */
static bool has_choice(struct sim_world *world, const struct attempt_id *id, uint32_t partition)
{
    const struct sim_job *job = &world->jobs[id->job - 1];
    const struct sim_stage *stage = &job->stages[id->stage];
    for (uint32_t i = 0; i < stage->spec.input_count; i++) {
        const struct stage_input *input = &stage->inputs[i];
        uint32_t end =
            input->first_partition + job->stages[input->parent].spec.output_partition_count;
        if (input->kind == INPUT_PARTITIONS && partition >= input->first_partition &&
            partition < end && !is_skipped(world, id->job, input->parent))
            return false;
    }
    return true;
}

static bool is_of_task(const struct sim_attempt *attempt, const struct attempt_id *id)
{
    return attempt->id.job == id->job && attempt->id.stage == id->stage &&
           attempt->id.task == id->task;
}

static bool was_lent_in_vain(const struct sim_world *world, const struct attempt_id *id,
                             uint32_t lender)
{
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        bool is_loan = attempt->lender != SCHEDULER_ANY &&
                       (lender == SCHEDULER_ANY || attempt->lender == lender);
        if (is_loan && is_of_task(attempt, id) && attempt->is_setback)
            return true;
    }
    return false;
}

/* Pinned, an attempt may begin elsewhere all the same. */
static bool may_be_lent(const struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    const struct stage_spec *spec = &world->jobs[id->job - 1].stages[id->stage].spec;
    return decision->start_task.piece_count == 1 && !spec->is_gang && !spec->forbids_copies &&
           (!spec->shares || decision->start_task.is_alone) && spec->pins == NULL &&
           !was_lent_in_vain(world, id, SCHEDULER_ANY);
}

static bool has_failed_on(const struct sim_world *world, const struct attempt_id *id,
                          uint32_t executor)
{
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        bool counts = attempt->is_overrun || !attempt->was_told_to_cancel;
        if (attempt->has_failed && counts && is_of_task(attempt, id) &&
            attempt->id.executor == executor)
            return true;
    }
    return false;
}

/* A task is not tried again where it failed, nor where its stage or job excludes the executor,
 * while somebody lives who was never excluded and has not failed it. */
static void check_avoidance(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    bool is_free = decision->start_task.lender != SCHEDULER_ANY || may_be_lent(world, decision) ||
                   has_choice(world, id, decision->start_task.first_partition);
    const struct sim_job *job = &world->jobs[id->job - 1];
    bool is_gang = job->stages[id->stage].spec.is_gang;
    if (!is_free || (is_gang && !oracle_gang_has_room_without(world, id, id->executor)))
        return;
    bool is_other_usable = false, is_other_fresh = false;
    for (uint32_t other = 0; other < world->executor_count; other++) {
        if (other == id->executor || !world->executors[other].has_joined ||
            world->executors[other].is_lost || job->was_excluded[other] ||
            sim_room(&world->executors[other], &job->stages[id->stage].spec.needs) == 0)
            continue;
        is_other_usable = true;
        is_other_fresh |= !has_failed_on(world, id, other);
    }
    bool is_excluded = world->time_ns < job->excluded_until_ns[id->executor] ||
                       world->time_ns < job->stages[id->stage].excluded_until_ns[id->executor];
    if (is_excluded && is_other_usable)
        sim_fail(world, "task %u of stage %u starts on executor %u, which is excluded", id->task,
                 id->stage, id->executor);
    if (is_other_fresh && !is_gang && has_failed_on(world, id, id->executor))
        sim_fail(world, "task %u of stage %u starts again on executor %u, where it failed",
                 id->task, id->stage, id->executor);
}

/* A second attempt at a task that runs already: it may have one, on another executor, and is slow
 * unless the world has asked for the copy. */
static void check_copy(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    bool is_free = decision->start_task.lender != SCHEDULER_ANY ||
                   has_choice(world, id, decision->start_task.first_partition);
    const struct sim_stage *stage = &world->jobs[id->job - 1].stages[id->stage];
    const struct sim_attempt *running = NULL;
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        if (!attempt->is_open || attempt->was_told_to_cancel || !is_of_task(attempt, id))
            continue;
        if (running != NULL)
            sim_fail(world, "task %u of stage %u gets a second copy", id->task, id->stage);
        running = attempt;
    }
    if (running == NULL)
        return;
    world->copies_made++;
    if (stage->spec.forbids_copies || !is_free || (stage->spec.shares && !running->is_alone))
        sim_fail(world, "task %u of stage %u is copied, which must not be", id->task, id->stage);
    if (running->id.executor == id->executor)
        sim_fail(world, "task %u of stage %u is copied to the executor that runs it", id->task,
                 id->stage);
    if (stage->is_copy_wanted)
        return;
    if (world->options.slow_percent == 0 ||
        world->time_ns - running->start_ns < world->options.slow_min_ns)
        sim_fail(world, "task %u of stage %u is copied after %d ns", id->task, id->stage,
                 (int)(world->time_ns - running->start_ns));
}

/* It has run as long as it may, and no earlier; then its task has failed. */
void oracle_overrun(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->attempt_overrun;
    size_t index = oracle_find_attempt(world, id);
    if (job_of(world, id->job) == NULL || !is_usable(world, id->executor, "an attempt overruns"))
        return;
    if (index == SIZE_MAX || !world->attempts[index].is_open ||
        world->attempts[index].was_told_to_cancel) {
        sim_fail(world, "an attempt overruns that does not run");
        return;
    }
    struct sim_attempt *attempt = &world->attempts[index];
    uint64_t begin_ns = attempt->is_said_to_run ? attempt->said_ns : attempt->start_ns;
    if (world->options.attempt_ns_max == 0 ||
        world->time_ns - begin_ns < world->options.attempt_ns_max)
        sim_fail(world, "an attempt overruns after %d ns", (int)(world->time_ns - begin_ns));
    attempt->has_failed = attempt->is_overrun = true;
    attempt->error_hash = 1000000 + index;
    world->overruns++;
}

/* No attempt goes on longer than it may without being told. */
static void check_overruns(struct sim_world *world)
{
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        uint64_t begin_ns = attempt->is_said_to_run ? attempt->said_ns : attempt->start_ns;
        if (attempt->is_open && !attempt->was_told_to_cancel && world->options.attempt_ns_max > 0 &&
            world->event == EVENT_TIMER &&
            world->time_ns - begin_ns >= world->options.attempt_ns_max)
            sim_fail(world, "an attempt has run for %d ns and was not told to end",
                     (int)(world->time_ns - begin_ns));
    }
}

void oracle_step(struct sim_world *world) { check_overruns(world); }

void oracle_excluded(struct sim_world *world, const struct decision *decision)
{
    struct sim_job *job = job_of(world, decision->executor_excluded.job);
    uint32_t executor = decision->executor_excluded.executor;
    uint64_t until_ns = world->time_ns + world->options.exclusion_ns;
    if (job == NULL || !is_usable(world, executor, "an exclusion"))
        return;
    if (world->options.exclusion_ns == 0)
        sim_fail(world, "executor %u is excluded, though that is off", executor);
    job->was_excluded[executor] = true;
    if (decision->executor_excluded.stage == SCHEDULER_ANY)
        job->excluded_until_ns[executor] = until_ns;
    else
        job->stages[decision->executor_excluded.stage].excluded_until_ns[executor] = until_ns;
}

/* It lives, runs an attempt of a stage that shares, others are idle, and nothing counts yet. */
void oracle_cut_wanted(struct sim_world *world, const struct decision *decision)
{
    uint64_t job = decision->cut_runs.job;
    uint32_t index = decision->cut_runs.stage, here = decision->cut_runs.executor;
    const struct sim_stage *stage = stage_of(world, job, index);
    if (stage == NULL || !is_usable(world, here, "runs are cut"))
        return;
    bool is_idle_elsewhere = false, runs_here = false;
    for (uint32_t id = 0; id < world->executor_count; id++)
        is_idle_elsewhere |= id != here && world->executors[id].has_joined &&
                             !world->executors[id].is_lost &&
                             world->executors[id].open_attempts < world->executors[id].worker_count;
    for (size_t i = 0; i < world->attempt_count; i++)
        runs_here |= world->attempts[i].is_open && world->attempts[i].id.job == job &&
                     world->attempts[i].id.stage == index && world->attempts[i].id.executor == here;
    if (!stage->spec.shares || stage->commit > 0 || world->options.slow_percent == 0 ||
        !is_idle_elsewhere || !runs_here || decision->cut_runs.percent == 0 ||
        decision->cut_runs.percent > 100)
        sim_fail(world, "runs of stage %u are cut on executor %u, which must not be", index, here);
}

/* What it has given up others do, if the attempt may count still. */
void oracle_cut(struct sim_world *world, const struct event *event)
{
    size_t index = oracle_find_attempt(world, &event->run_cut.id);
    struct sim_attempt *attempt = &world->attempts[index];
    if (!attempt->is_open)
        return;
    attempt->end_partition = event->run_cut.end_partition;
    attempt->is_alone = event->run_cut.is_alone;
    world->cuts_made++;
}

/* Only a partition that reads something in pieces is divided, and it alone. */
static void check_piece(struct sim_world *world, const struct sim_stage *stage,
                        const struct decision *decision)
{
    uint32_t piece = decision->start_task.piece, count = decision->start_task.piece_count;
    uint32_t first = decision->start_task.first_partition;
    uint32_t end = decision->start_task.end_partition;
    bool may_be_divided = false;
    for (uint32_t i = 0; i < stage->spec.input_count; i++)
        may_be_divided |=
            stage->inputs[i].is_in_pieces && stage->inputs[i].first_partition <= first;
    if (piece >= count || (count > 1 && (!may_be_divided || first + 1 != end)))
        sim_fail(world, "a task of [%u, %u) has piece %u of %u", first, end, piece, count);
    world->pieces_made += count > 1;
}

/* Whoever lends lives, and is another one; what is lent is a whole run of a task that may run
 * anywhere, is lent to nobody else, and has not been lent by the same one in vain. */
static void check_lender(struct sim_world *world, const struct sim_stage *stage,
                         const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    uint32_t lender = decision->start_task.lender;
    if (lender == SCHEDULER_ANY || !is_usable(world, lender, "an input is lent"))
        return;
    if (lender == id->executor || decision->start_task.piece_count > 1 || stage->spec.is_gang ||
        stage->spec.forbids_copies || stage->spec.pins != NULL ||
        (stage->spec.shares && !decision->start_task.is_alone))
        sim_fail(world, "task %u of stage %u is lent, which must not be", id->task, id->stage);
    if (has_choice(world, id, decision->start_task.first_partition))
        sim_fail(world, "task %u of stage %u is lent what is nowhere", id->task, id->stage);
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        if (attempt->lender != SCHEDULER_ANY && is_of_task(attempt, id) && attempt->is_open &&
            !attempt->was_told_to_cancel)
            sim_fail(world, "task %u of stage %u is lent twice", id->task, id->stage);
    }
    if (was_lent_in_vain(world, id, lender))
        sim_fail(world, "task %u of stage %u is lent again, which was in vain", id->task,
                 id->stage);
    world->loans_made++;
}

void oracle_start(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    uint32_t first = decision->start_task.first_partition, end = decision->start_task.end_partition;
    struct sim_stage *stage = stage_of(world, id->job, id->stage);
    if (stage == NULL || !is_usable(world, id->executor, "a task starts"))
        return;
    struct sim_executor *executor = &world->executors[id->executor];
    if (++executor->open_attempts > executor->worker_count * (1 + world->options.ahead))
        sim_fail(world, "executor %u of %u workers has %u tasks", id->executor,
                 executor->worker_count, executor->open_attempts);
    world->given_ahead += executor->open_attempts > executor->worker_count;
    if (!stage->is_shipped[id->executor])
        sim_fail(world, "stage %u was not shipped to executor %u", id->stage, id->executor);
    if (first >= end || end > stage->spec.partition_count)
        sim_fail(world, "task %u of stage %u is [%u, %u)", id->task, id->stage, first, end);
    check_piece(world, stage, decision);
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct attempt_id *other = &world->attempts[index].id;
        if (other->job == id->job && other->stage == id->stage && other->task == id->task &&
            other->attempt == id->attempt)
            sim_fail(world, "attempt %u of task %u of stage %u is started twice", id->attempt,
                     id->task, id->stage);
    }
    if (stage->spec.is_gang)
        oracle_gang_start(world, id);
    check_lender(world, stage, decision);
    check_inputs(world, decision);
    check_avoidance(world, decision);
    check_copy(world, decision);
    world->jobs[id->job - 1].has_begun = true;
}

void oracle_cancel(struct sim_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->cancel_attempt;
    size_t index = oracle_find_attempt(world, id);
    if (job_of(world, id->job) == NULL ||
        !is_usable(world, id->executor, "an attempt is cancelled"))
        return;
    if (index == SIZE_MAX || !world->attempts[index].is_open)
        sim_fail(world, "an attempt is cancelled that does not run");
    else if (world->attempts[index].was_told_to_cancel ||
             (world->attempts[index].was_stopped && world->event == EVENT_TASK_STOPPED))
        sim_fail(world, "an attempt is cancelled twice");
    else if (world->event == EVENT_TASK_STOPPED) {
        world->attempts[index].was_stopped = true;
        world->stops++;
    } else
        world->attempts[index].was_told_to_cancel = true;
}

void oracle_discard(struct sim_world *world, const struct decision *decision)
{
    size_t index = decision->discard_attempt.report;
    if (job_of(world, decision->discard_attempt.id.job) == NULL)
        return;
    if (index >= world->attempt_count ||
        oracle_find_attempt(world, &decision->discard_attempt.id) != index ||
        !world->attempts[index].has_finished || world->attempts[index].is_discarded)
        sim_fail(world, "report %zu is discarded, which did not just finish", index);
    else
        world->attempts[index].is_discarded = true;
}

/* The runs cover the partitions, once each, and in order but for those that were made of what
 * others gave up; each counted attempt did that run, finished, and has its output still. */
static void check_runs(struct sim_world *world, const struct decision *decision)
{
    uint64_t job = decision->commit_stage.job;
    uint32_t stage = decision->commit_stage.stage;
    const struct sim_stage *known = &world->jobs[job - 1].stages[stage];
    bool is_covered[SIM_PARTITIONS_MAX] = {0};
    uint32_t end = 0, piece = 0, covered = 0;
    for (uint32_t run = 0; run < decision->commit_stage.run_count; run++) {
        struct counted_run counted;
        barks_status *status = scheduler_counted_run(world->scheduler, job, stage, run, &counted);
        if (status != NULL) {
            sim_fail(world, "%s", barks_status_text(status));
            barks_status_free(status);
            return;
        }
        bool is_in_order = known->spec.shares || counted.first_partition == end;
        if (!is_in_order || counted.piece != piece || counted.report >= world->attempt_count) {
            sim_fail(world, "run %u of stage %u begins at %u, piece %u, not at %u, piece %u", run,
                     stage, counted.first_partition, counted.piece, end, piece);
            return;
        }
        const struct sim_attempt *attempt = &world->attempts[counted.report];
        bool is_last_piece = piece + 1 == counted.piece_count;
        piece = is_last_piece ? 0 : piece + 1;
        end = is_last_piece ? counted.end_partition : counted.first_partition;
        for (uint32_t p = counted.first_partition; is_last_piece && p < end; p++) {
            if (is_covered[p])
                sim_fail(world, "partition %u of stage %u counts twice", p, stage);
            is_covered[p] = true;
            covered++;
        }
        if (attempt->id.job != job || attempt->id.stage != stage || attempt->id.task != run ||
            attempt->id.attempt != counted.attempt || attempt->id.executor != counted.executor ||
            attempt->first_partition != counted.first_partition ||
            attempt->end_partition != counted.end_partition || attempt->piece != counted.piece ||
            attempt->piece_count != counted.piece_count)
            sim_fail(world, "run %u of stage %u counts an attempt at something else", run, stage);
        if (!attempt->has_finished || attempt->is_discarded || attempt->is_dropped)
            sim_fail(world, "run %u of stage %u counts an attempt that has no output", run, stage);
        if (known->spec.output == OUTPUT_SHUFFLE && world->executors[counted.executor].is_lost)
            sim_fail(world, "run %u of stage %u counts output of a lost executor", run, stage);
    }
    if (covered != known->spec.partition_count || piece != 0)
        sim_fail(world, "the runs of stage %u cover %u of %u partitions", stage, covered,
                 known->spec.partition_count);
}

static void note_owners(struct sim_world *world, uint64_t job, uint32_t stage,
                        struct sim_stage *known)
{
    struct owner_range ranges[SIM_EXECUTORS_MAX];
    uint32_t count = 0, end = 0;
    barks_status *status =
        scheduler_owners(world->scheduler, job, stage, SIM_EXECUTORS_MAX, ranges, &count);
    if (status != NULL) {
        sim_fail(world, "%s", barks_status_text(status));
        barks_status_free(status);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].first_partition != end || ranges[i].end_partition <= end)
            sim_fail(world, "the owners of stage %u have a hole at partition %u", stage, end);
        if (!is_usable(world, ranges[i].executor, "partitions are owned"))
            return;
        for (; end < ranges[i].end_partition && end < SIM_PARTITIONS_MAX; end++)
            known->owners_at_commit[end] = ranges[i].executor;
    }
    if (end != known->spec.output_partition_count)
        sim_fail(world, "owners of %u of %u partitions", end, known->spec.output_partition_count);
}

void oracle_commit(struct sim_world *world, const struct decision *decision)
{
    uint64_t job = decision->commit_stage.job;
    uint32_t index = decision->commit_stage.stage;
    struct sim_stage *stage = stage_of(world, job, index);
    if (stage == NULL)
        return;
    world->jobs[job - 1].has_begun = true;
    if (decision->commit_stage.commit != ++stage->commit)
        sim_fail(world, "commit %u of stage %u follows commit %u", decision->commit_stage.commit,
                 index, stage->commit - 1);
    if (stage->spec.output != OUTPUT_SHUFFLE && stage->commits_done > 0)
        sim_fail(world, "stage %u, which puts out for good, is committed twice", index);
    check_runs(world, decision);
    if (stage->spec.output == OUTPUT_SHUFFLE)
        note_owners(world, job, index, stage);
}

void oracle_committed(struct sim_world *world, struct sim_job *job, uint32_t index)
{
    (void)world;
    struct sim_stage *stage = &job->stages[index];
    stage->commits_done++;
    for (uint32_t partition = 0; partition < stage->spec.output_partition_count; partition++)
        stage->sent_to[partition] = stage->owners_at_commit[partition];
}

void oracle_release(struct sim_world *world, const struct decision *decision)
{
    uint64_t job = decision->release_stage.job;
    uint32_t index = decision->release_stage.stage;
    struct sim_stage *stage = stage_of(world, job, index);
    if (stage == NULL)
        return;
    if (stage->commits_done == 0)
        sim_fail(world, "stage %u is released before it is committed", index);
    for (uint32_t executor = 0; executor < SIM_EXECUTORS_MAX; executor++)
        stage->is_shipped[executor] = false;
    for (uint32_t partition = 0; partition < SIM_PARTITIONS_MAX; partition++)
        stage->sent_to[partition] = SIM_NOWHERE;
    for (size_t attempt = 0; attempt < world->attempt_count; attempt++)
        if (world->attempts[attempt].id.job == job && world->attempts[attempt].id.stage == index)
            world->attempts[attempt].is_dropped = true;
}

void oracle_lost(struct sim_world *world, uint32_t executor)
{
    world->executors[executor].is_lost = true;
    for (size_t attempt = 0; attempt < world->attempt_count; attempt++)
        if (world->attempts[attempt].id.executor == executor)
            world->attempts[attempt].is_open = false;
    for (uint32_t job = 0; job < world->job_count; job++)
        for (uint32_t stage = 0; stage < world->jobs[job].spec.stage_count; stage++)
            for (uint32_t partition = 0; partition < SIM_PARTITIONS_MAX; partition++)
                if (world->jobs[job].stages[stage].sent_to[partition] == executor)
                    world->jobs[job].stages[stage].sent_to[partition] = SIM_NOWHERE;
}

/* A job may fail only for what happened to it. */
static void check_failure(struct sim_world *world, const struct sim_job *job,
                          const struct job_outcome *outcome)
{
    uint32_t failures = 0, lost = 0, equal_hashes = 0;
    bool is_final = false;
    if (outcome->cause == CAUSE_NEEDS) {
        oracle_no_needs(world, job, outcome);
        return;
    }
    if (outcome->cause == CAUSE_ROOM || outcome->cause == CAUSE_ROOM_LATE) {
        oracle_no_room(world, job, outcome);
        return;
    }
    if (job->stages[outcome->attempt.stage].spec.is_gang)
        failures = oracle_gang_failures(world, job->spec.id, outcome->attempt.stage);
    for (size_t i = 0; i < world->attempt_count; i++) {
        const struct sim_attempt *attempt = &world->attempts[i];
        if (attempt->id.job != job->spec.id || attempt->id.stage != outcome->attempt.stage ||
            attempt->id.task != outcome->attempt.task)
            continue;
        lost += world->executors[attempt->id.executor].is_lost;
        failures += attempt->has_failed;
        is_final |= attempt->is_final;
        for (size_t j = 0; j < i; j++)
            equal_hashes += attempt->has_failed && world->attempts[j].has_failed &&
                            attempt->error_hash == world->attempts[j].error_hash;
    }
    uint32_t living = 0, gone = 0;
    for (uint32_t executor = 0; executor < world->executor_count; executor++) {
        living += world->executors[executor].has_joined && !world->executors[executor].is_lost;
        gone += world->executors[executor].is_lost;
    }
    if (outcome->cause == CAUSE_LOST) {
        bool must = !world->options.recovers || living == 0 || lost > world->options.losses_max;
        if (gone == 0 || !must)
            sim_fail(world, "job %" PRIu64 " failed of a loss that it should bear", job->spec.id);
    } else if (!job->is_commit_failed && failures < world->options.attempts_max && !is_final &&
               equal_hashes == 0) {
        sim_fail(world, "job %" PRIu64 " failed after %u failures of one task", job->spec.id,
                 failures);
    }
}

void oracle_job_finished(struct sim_world *world, const struct decision *decision)
{
    const struct job_outcome *outcome = &decision->job_finished.outcome;
    struct sim_job *job = job_of(world, decision->job_finished.job);
    if (job == NULL)
        return;
    for (size_t attempt = 0; attempt < world->attempt_count; attempt++)
        if (world->attempts[attempt].id.job == job->spec.id && world->attempts[attempt].is_open)
            sim_fail(world, "job %" PRIu64 " is over but attempts run", job->spec.id);
    switch (outcome->result) {
    case JOB_RESULT_DONE:
        for (uint32_t stage = 0; stage < job->spec.stage_count; stage++)
            if (job->stages[stage].commits_done == 0 && !is_skipped(world, job->spec.id, stage))
                sim_fail(world, "job %" PRIu64 " is done without stage %u", job->spec.id, stage);
        break;
    case JOB_RESULT_FAILED:
        check_failure(world, job, outcome);
        break;
    case JOB_RESULT_CANCELLED:
        if (!job->is_cancelled)
            sim_fail(world, "job %" PRIu64 " was cancelled by nobody", job->spec.id);
        break;
    }
    job->is_finished = true;
    job->outcome = *outcome;
}

/* Nothing more will happen: then no job may be left that could go on. */
void oracle_at_end(struct sim_world *world)
{
    uint32_t living = 0, joined = 0;
    for (uint32_t executor = 0; executor < world->executor_count; executor++) {
        living += world->executors[executor].has_joined && !world->executors[executor].is_lost;
        joined += world->executors[executor].has_joined;
    }
    bool could_begin = living > 0 && joined >= world->options.executor_count_min;
    for (uint32_t job = 0; job < world->job_count; job++)
        if (!world->jobs[job].is_finished && (could_begin || world->jobs[job].has_begun))
            sim_fail(world, "job %" PRIu64 " never ended, though %u executors live",
                     world->jobs[job].spec.id, living);
}
