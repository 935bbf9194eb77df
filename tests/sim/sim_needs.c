/* What must hold of tasks that need more than a worker: no executor gives more than it has, and no
 * unit to two at a time. */
#include "sim/sim_world.h"

#include <inttypes.h>

enum { KINDS = 2, UNITS_MAX = 3, MEMORY = 100 };

static uint32_t count_of(uint64_t units) { return (uint32_t)__builtin_popcountll(units); }

static uint32_t threads_of(const struct task_needs *needs)
{
    return needs->threads > 0 ? needs->threads : 1;
}

void sim_invent_needs(struct sim_world *world, struct sim_stage *stage)
{
    struct task_needs *needs = &stage->spec.needs;
    if (!sim_chance(world, world->weather.stage_is_needy))
        return;
    needs->threads = sim_chance(world, 500) ? sim_below(world, 4) : 0;
    needs->memory_bytes = sim_chance(world, 500) ? sim_below(world, MEMORY) : 0;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        needs->units[kind] = sim_chance(world, 300) ? (uint8_t)(1 + sim_below(world, 2)) : 0;
}

void sim_invent_offer(struct sim_world *world, struct sim_executor *executor)
{
    if (!sim_chance(world, 800))
        return;
    executor->offer.memory_bytes = sim_chance(world, 800) ? MEMORY : MEMORY / 2;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (uint32_t unit = 0; unit < UNITS_MAX; unit++)
            if (sim_chance(world, 800))
                executor->offer.units[kind] |= UINT64_C(1) << sim_below(world, 64);
}

bool sim_needs_are_plain(const struct task_needs *needs)
{
    bool is_plain = threads_of(needs) == 1 && needs->memory_bytes == 0;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        is_plain &= needs->units[kind] == 0;
    return is_plain;
}

uint32_t sim_room(const struct sim_executor *executor, const struct task_needs *needs)
{
    uint64_t room = executor->worker_count / threads_of(needs);
    if (needs->memory_bytes > 0 && executor->offer.memory_bytes / needs->memory_bytes < room)
        room = executor->offer.memory_bytes / needs->memory_bytes;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        if (needs->units[kind] > 0 &&
            count_of(executor->offer.units[kind]) / needs->units[kind] < room)
            room = count_of(executor->offer.units[kind]) / needs->units[kind];
    return (uint32_t)room;
}

static const struct task_needs *needs_of(const struct sim_world *world, const struct attempt_id *id)
{
    return &world->jobs[id->job - 1].stages[id->stage].spec.needs;
}

/* With all that runs there, as the world knows of it. */
void oracle_given(struct sim_world *world, struct sim_attempt *attempt)
{
    const struct sim_executor *executor = &world->executors[attempt->id.executor];
    const struct task_needs *needs = needs_of(world, &attempt->id);
    uint32_t threads = 0;
    uint64_t memory_bytes = 0, taken[SCHEDULER_RESOURCES_MAX] = {0};
    scheduler_given(world->scheduler, &attempt->id, attempt->units);
    for (size_t index = 0; index < world->attempt_count; index++) {
        const struct sim_attempt *other = &world->attempts[index];
        if (!other->is_open || other->id.executor != attempt->id.executor)
            continue;
        threads += threads_of(needs_of(world, &other->id));
        memory_bytes += needs_of(world, &other->id)->memory_bytes;
        for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX && other != attempt; kind++)
            taken[kind] |= other->units[kind];
    }
    if (threads > executor->worker_count * (1 + world->options.ahead) ||
        memory_bytes > executor->offer.memory_bytes)
        sim_fail(world, "executor %u gives %u workers and %" PRIu64 " bytes, which it has not",
                 attempt->id.executor, threads, memory_bytes);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if (count_of(attempt->units[kind]) != needs->units[kind] ||
            (attempt->units[kind] & (taken[kind] | ~executor->offer.units[kind])) != 0)
            sim_fail(world,
                     "executor %u gives units %" PRIx64 " of kind %u, of which %" PRIx64
                     " are taken",
                     attempt->id.executor, attempt->units[kind], kind, taken[kind]);
}

/* Somebody lacks what a task of the stage needs: all do, unless its tasks are bound. */
void oracle_look_for_able(struct sim_world *world, struct sim_stage *stage)
{
    const struct stage_spec *spec = &stage->spec;
    uint32_t able = 0, living = 0;
    for (uint32_t id = 0; id < world->executor_count; id++) {
        if (!world->executors[id].has_joined || world->executors[id].is_lost)
            continue;
        living++;
        able += sim_room(&world->executors[id], &spec->needs) > 0;
    }
    stage->was_unable |= able < living && (able == 0 || spec->input_count > 0);
}

void oracle_no_needs(struct sim_world *world, const struct sim_job *job,
                     const struct job_outcome *outcome)
{
    if (!job->stages[outcome->attempt.stage].was_unable)
        sim_fail(world, "job %" PRIu64 " failed for needs that were always met", job->spec.id);
}
