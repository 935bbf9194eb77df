#include "sim/sim_world.h"

#include <string.h>

/* Few different counts, so that joins find partners. */
static uint32_t some_partition_count(struct sim_world *world)
{
    static const uint32_t counts[] = {1, 2, 5, 5, 9, 9, 16};
    return counts[sim_below(world, sizeof counts / sizeof *counts)];
}

/* An earlier shuffle, of that many partitions unless 0; SIM_NOWHERE: none found. */
static uint32_t some_shuffle(struct sim_world *world, const struct sim_job *job, uint32_t index,
                             uint32_t partition_count)
{
    for (int attempt = 0; attempt < 4 && index > 0; attempt++) {
        uint32_t parent = sim_below(world, index);
        const struct stage_spec *spec = &job->stages[parent].spec;
        if (spec->output == OUTPUT_SHUFFLE &&
            (partition_count == 0 || spec->output_partition_count == partition_count))
            return parent;
    }
    return SIM_NOWHERE;
}

static struct stage_input *add_input(struct sim_stage *stage, uint32_t parent, enum input_kind kind,
                                     uint32_t first)
{
    struct stage_input *input = &stage->inputs[stage->spec.input_count++];
    *input = (struct stage_input){.parent = parent, .kind = kind, .first_partition = first};
    return input;
}

/* Shuffles side by side, some of them joined, perhaps partitions of its own behind them. */
static void invent_inputs(struct sim_world *world, struct sim_job *job, uint32_t index)
{
    struct sim_stage *stage = &job->stages[index];
    uint32_t end = 0;
    for (uint32_t i = sim_below(world, 3); i > 0; i--) {
        uint32_t parent = some_shuffle(world, job, index, 0);
        if (parent == SIM_NOWHERE || stage->spec.input_count + 2 > SIM_INPUTS_MAX)
            break;
        uint32_t count = job->stages[parent].spec.output_partition_count;
        add_input(stage, parent, INPUT_PARTITIONS, end)->is_in_pieces = sim_chance(world, 500);
        if (sim_chance(world, 400)) {
            uint32_t other = some_shuffle(world, job, index, count);
            if (other != SIM_NOWHERE)
                add_input(stage, other, INPUT_PARTITIONS, end);
        }
        end += count;
    }
    if (index > 0 && stage->spec.input_count < SIM_INPUTS_MAX && sim_chance(world, 200))
        add_input(stage, sim_below(world, index), INPUT_AFTER, 0);
    if (end == 0 || sim_chance(world, 150))
        end += sim_chance(world, 50) ? 0 : 1 + sim_below(world, 20);
    stage->spec.partition_count = end;
}

static void invent_sizes_and_places(struct sim_world *world, struct sim_stage *stage)
{
    uint32_t count = stage->spec.partition_count;
    if (sim_chance(world, 600)) {
        for (uint32_t partition = 0; partition < count; partition++)
            stage->partition_bytes[partition] =
                sim_chance(world, 100) ? 0 : (uint64_t)1 << sim_below(world, 63);
        stage->spec.partition_bytes = stage->partition_bytes;
    }
    if (!sim_chance(world, 400))
        return;
    uint32_t place = 0;
    for (uint32_t partition = 0; partition < count; partition++) {
        stage->place_firsts[partition] = place;
        for (uint32_t i = sim_below(world, SIM_PLACES_MAX + 1); i > 0; i--)
            stage->places[place++] = (struct place){
                .kind = sim_chance(world, 500) ? PLACE_EXECUTOR : PLACE_NODE,
                .id = sim_below(world, SIM_EXECUTORS_MAX + 2) /* some do not exist */
            };
    }
    stage->place_firsts[count] = place;
    stage->spec.place_firsts = stage->place_firsts;
    stage->spec.places = stage->places;
}

static bool is_read(const struct sim_job *job, uint32_t index)
{
    for (uint32_t reader = index + 1; reader < job->spec.stage_count; reader++)
        for (uint32_t i = 0; i < job->stages[reader].spec.input_count; i++)
            if (job->stages[reader].inputs[i].parent == index &&
                job->stages[reader].inputs[i].kind == INPUT_PARTITIONS)
                return true;
    return false;
}

void sim_invent_job(struct sim_world *world, struct sim_job *job, uint64_t id)
{
    *job = (struct sim_job){.spec = {.id = id, .stages = job->specs}};
    job->spec.stage_count = 1 + sim_below(world, SIM_STAGES_MAX);
    if (world->options.pool_count > 0)
        job->spec.pool = sim_below(world, world->options.pool_count);
    if (sim_chance(world, 300))
        job->spec.priority = (int32_t)sim_below(world, 5) - 2;
    for (uint32_t index = 0; index < job->spec.stage_count; index++) {
        struct sim_stage *stage = &job->stages[index];
        stage->spec.policy = sim_chance(world, 500)   ? RUNS_COMBINE
                             : sim_chance(world, 200) ? RUNS_SINGLE
                                                      : RUNS_SPREAD;
        stage->spec.output = OUTPUT_SHUFFLE;
        stage->spec.output_partition_count = some_partition_count(world);
        stage->spec.is_available = sim_chance(world, 30);
        stage->spec.forbids_copies = sim_chance(world, 200);
        stage->spec.shares =
            stage->spec.policy == RUNS_COMBINE && sim_chance(world, world->weather.stage_shares);
        invent_inputs(world, job, index);
        invent_sizes_and_places(world, stage);
        sim_invent_gang(world, stage);
        stage->spec.shares &= !stage->spec.is_gang;
        sim_invent_needs(world, stage);
        memset(stage->sent_to, 0xff, sizeof stage->sent_to); /* SIM_NOWHERE */
    }
    for (uint32_t index = 0; index < job->spec.stage_count; index++) {
        struct stage_spec *spec = &job->stages[index].spec;
        if (!is_read(job, index)) {
            spec->output = sim_chance(world, 500) ? OUTPUT_RESULT : OUTPUT_SINK;
            spec->output_partition_count = 0;
        }
        spec->inputs = job->stages[index].inputs;
        job->specs[index] = *spec;
    }
    if (sim_chance(world, world->weather.job_has_deadline))
        job->spec.deadline_ns = world->time_ns + 1 + sim_below(world, 2000);
}
