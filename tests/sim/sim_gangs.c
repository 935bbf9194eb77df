/* What must hold of stages whose tasks all run at once. */
#include "sim/sim_world.h"

#include <inttypes.h>

void sim_invent_gang(struct sim_world *world, struct sim_stage *stage)
{
    enum { TASKS_MAX = 9 };
    if (stage->spec.partition_count > TASKS_MAX || !sim_chance(world, world->weather.stage_is_gang))
        return;
    stage->spec.policy = RUNS_SINGLE;
    stage->spec.is_gang = true;
    stage->spec.is_spread = sim_chance(world, 250);
    if (sim_chance(world, 300))
        stage->spec.gang_wait_ns = 1 + sim_below(world, 1000);
}

static bool is_of_gang(const struct sim_attempt *attempt, uint64_t job, uint32_t stage)
{
    return attempt->id.job == job && attempt->id.stage == stage;
}

/* An attempt that may still count. */
static bool is_in_round(const struct sim_attempt *attempt)
{
    return attempt->is_open && !attempt->was_told_to_cancel;
}

static void check_gang(struct sim_world *world, uint64_t job, uint32_t index)
{
    const struct stage_spec *spec = &world->jobs[job - 1].stages[index].spec;
    uint32_t running = 0, done = 0, round = SIM_NOWHERE, on[SIM_EXECUTORS_MAX] = {0};
    for (size_t i = 0; i < world->attempt_count; i++) {
        const struct sim_attempt *attempt = &world->attempts[i];
        bool counts = attempt->has_finished && !attempt->was_told_to_cancel &&
                      !attempt->is_discarded && !attempt->is_dropped;
        if (!is_of_gang(attempt, job, index) || (!is_in_round(attempt) && !counts))
            continue;
        if (round != SIM_NOWHERE && round != attempt->id.attempt)
            sim_fail(world, "attempts %u and %u of stage %u, a gang, are of one time", round,
                     attempt->id.attempt, index);
        round = attempt->id.attempt;
        running += !counts;
        done += counts;
        if (++on[attempt->id.executor] > 1 && spec->is_spread)
            sim_fail(world, "two tasks of stage %u, which is spread, are on executor %u", index,
                     attempt->id.executor);
    }
    if (running > 0 && running + done != spec->partition_count)
        sim_fail(world, "%u and %u of %u tasks of stage %u, a gang, run or are done", running, done,
                 spec->partition_count, index);
}

void oracle_gangs(struct sim_world *world)
{
    for (uint32_t job = 0; job < world->job_count; job++)
        for (uint32_t stage = 0; stage < world->jobs[job].spec.stage_count; stage++)
            if (world->jobs[job].stages[stage].spec.is_gang && !world->jobs[job].is_finished)
                check_gang(world, job + 1, stage);
}

void oracle_gang_start(struct sim_world *world, const struct attempt_id *id)
{
    for (size_t i = 0; i < world->attempt_count; i++)
        if (is_of_gang(&world->attempts[i], id->job, id->stage) && world->attempts[i].is_open &&
            world->attempts[i].id.attempt != id->attempt)
            sim_fail(world, "stage %u, a gang, starts while attempt %u of it runs", id->stage,
                     world->attempts[i].id.attempt);
}

uint32_t oracle_gang_failures(const struct sim_world *world, uint64_t job, uint32_t stage)
{
    uint32_t failures = 0;
    for (size_t i = 0; i < world->attempt_count; i++)
        failures += is_of_gang(&world->attempts[i], job, stage) && world->attempts[i].has_failed;
    return failures;
}

static uint32_t room_on(const struct sim_executor *executor, const struct stage_spec *spec)
{
    uint32_t room = sim_room(executor, &spec->needs);
    return spec->is_spread && room > 1 ? 1 : room;
}

static uint32_t room_for(const struct sim_world *world, const struct stage_spec *spec)
{
    uint32_t room = 0;
    for (uint32_t i = 0; i < world->executor_count; i++) {
        const struct sim_executor *executor = &world->executors[i];
        if (executor->has_joined && !executor->is_lost)
            room += room_on(executor, spec);
    }
    return room;
}

void oracle_look_for_room(struct sim_world *world)
{
    for (uint32_t job = 0; job < world->job_count; job++)
        for (uint32_t index = 0; index < world->jobs[job].spec.stage_count; index++) {
            struct sim_stage *stage = &world->jobs[job].stages[index];
            oracle_look_for_able(world, stage);
            stage->had_no_room |= room_for(world, &stage->spec) < stage->spec.partition_count;
        }
}

void oracle_no_room(struct sim_world *world, const struct sim_job *job,
                    const struct job_outcome *outcome)
{
    const struct sim_stage *stage = &job->stages[outcome->attempt.stage];
    const struct stage_spec *spec = &stage->spec;
    bool is_pinned = spec->input_count > 0; /* heirs may have more than they can do at once */
    bool may_be_late = spec->gang_wait_ns > 0 && world->time_ns >= spec->gang_wait_ns;
    bool is_right = outcome->cause == CAUSE_ROOM ? is_pinned || stage->had_no_room : may_be_late;
    if (!spec->is_gang || !is_right)
        sim_fail(world, "job %" PRIu64 " failed of %d for want of %u workers, and there are %u",
                 job->spec.id, (int)outcome->cause, spec->partition_count, room_for(world, spec));
}

/* Of a gang, whom the others have no room for goes where it would not. */
bool oracle_gang_has_room_without(const struct sim_world *world, const struct attempt_id *id,
                                  uint32_t executor)
{
    const struct sim_job *job = &world->jobs[id->job - 1];
    const struct stage_spec *spec = &job->stages[id->stage].spec;
    uint32_t room = 0;
    for (uint32_t i = 0; i < world->executor_count; i++) {
        const struct sim_executor *other = &world->executors[i];
        if (i != executor && other->has_joined && !other->is_lost && !job->was_excluded[i])
            room += room_on(other, spec);
    }
    return room >= spec->partition_count;
}
