/* Was it that job's turn? What pools and jobs have is counted here anew, and by the rules another
 * job may not go before, if it has a task that could have run just as well. Turns among equals are
 * left to test_pool_sim.c. */
#include "sim/sim_world.h"

#include <inttypes.h>

static uint64_t running_of(const struct sim_world *world, uint64_t job, uint32_t pool)
{
    uint64_t count = 0;
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *attempt = &world->attempts[index];
        count += attempt->is_open && (job == 0 || attempt->id.job == job) &&
                 world->jobs[attempt->id.job - 1].spec.pool == pool;
    }
    return count;
}

static struct pool_spec spec_of(const struct sim_world *world, uint32_t pool)
{
    return world->options.pool_count > 0 ? world->pools[pool]
                                         : (struct pool_spec){.policy = POOL_FIFO, .weight = 1};
}

static bool pool_goes_before(const struct sim_world *world, uint32_t a, uint32_t b)
{
    struct pool_spec spec_a = spec_of(world, a), spec_b = spec_of(world, b);
    uint64_t count_a = running_of(world, 0, a), count_b = running_of(world, 0, b);
    bool needy_a = count_a < spec_a.workers_min, needy_b = count_b < spec_b.workers_min;
    if (needy_a != needy_b)
        return needy_a;
    return needy_a ? count_a * spec_b.workers_min < count_b * spec_a.workers_min
                   : count_a * spec_b.weight < count_b * spec_a.weight;
}

static bool job_goes_before(const struct sim_world *world, const struct sim_job *a,
                            const struct sim_job *b)
{
    uint32_t pool = a->spec.pool;
    if (pool != b->spec.pool)
        return pool_goes_before(world, pool, b->spec.pool);
    if (spec_of(world, pool).policy == POOL_FAIR)
        return running_of(world, a->spec.id, pool) < running_of(world, b->spec.id, pool);
    return a->spec.priority != b->spec.priority ? a->spec.priority > b->spec.priority
                                                : a->sequence < b->sequence;
}

static bool has_failures(const struct sim_world *world, uint64_t job, uint32_t stage)
{
    for (size_t index = 0; index < world->attempt_count; index++)
        if (world->attempts[index].id.job == job && world->attempts[index].id.stage == stage &&
            world->attempts[index].has_failed)
            return true;
    return false;
}

static bool is_pinned(const struct stage_spec *spec)
{
    for (uint32_t i = 0; i < spec->input_count; i++)
        if (spec->inputs[i].kind == INPUT_PARTITIONS)
            return true;
    return false;
}

static bool may_wait_for_places(const struct sim_world *world, const struct stage_spec *spec)
{
    return spec->place_firsts != NULL && world->options.locality_wait_ns > 0;
}

/* A task that waits and may run anywhere: of a stage whose tasks have no place, and none has
 * failed. */
static bool has_free_task(const struct sim_world *world, const struct sim_job *job)
{
    for (uint32_t executor = 0; executor < world->executor_count; executor++)
        if (job->was_excluded[executor])
            return false;
    for (uint32_t stage = 0; stage < job->spec.stage_count; stage++) {
        struct stage_progress progress = {0};
        barks_status *status =
            scheduler_stage_progress(world->scheduler, job->spec.id, stage, &progress);
        bool is_known = status == NULL;
        barks_status_free(status);
        bool is_active = progress.state == STAGE_READY || progress.state == STAGE_RUNNING;
        if (is_known && is_active && !is_pinned(&job->stages[stage].spec) &&
            !may_wait_for_places(world, &job->stages[stage].spec) &&
            progress.tasks_done + progress.attempts_live < progress.task_count &&
            !has_failures(world, job->spec.id, stage))
            return true;
    }
    return false;
}

/* Gangs and who needs more than a worker start by turns of their own, and hold workers back. */
static bool may_hold(const struct sim_job *job)
{
    for (uint32_t stage = 0; stage < job->spec.stage_count; stage++)
        if (job->stages[stage].spec.is_gang || !sim_needs_are_plain(&job->stages[stage].spec.needs))
            return true;
    return false;
}

static bool somebody_may_hold(const struct sim_world *world)
{
    for (uint32_t index = 0; index < world->job_count; index++)
        if (world->jobs[index].is_submitted && may_hold(&world->jobs[index]))
            return true;
    return false;
}

/* Joins, losses and skips make many stages ready, one after the other. */
void oracle_order(struct sim_world *world, const struct attempt_id *id)
{
    if (world->event == EVENT_EXECUTOR_JOINED || world->event == EVENT_EXECUTOR_LOST ||
        world->event == EVENT_STAGE_SKIPPED || world->failure[0] != '\0' ||
        somebody_may_hold(world))
        return;
    const struct sim_job *chosen = &world->jobs[id->job - 1];
    for (uint32_t index = 0; index < world->job_count; index++) {
        const struct sim_job *job = &world->jobs[index];
        if (job == chosen || !job->is_submitted || job->is_finished ||
            !job_goes_before(world, job, chosen) || !has_free_task(world, job))
            continue;
        sim_fail(world,
                 "job %" PRIu64 " of pool %u gets a worker before job %" PRIu64 " of pool %u",
                 id->job, chosen->spec.pool, job->spec.id, job->spec.pool);
    }
}
