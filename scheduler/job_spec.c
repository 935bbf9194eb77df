#include "scheduler/job_spec.h"

#include "base/checked.h"

#include <inttypes.h>
#include <stdlib.h>

/* Partitions of a stage that read partition + shift of a shuffle of so many partitions. */
struct range {
    uint32_t first, end;
    uint32_t shift; /* modulo 2^32 */
    uint32_t output_partition_count;
};

static int compare_ranges(const void *a_pointer, const void *b_pointer)
{
    const struct range *a = a_pointer, *b = b_pointer;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

BARKS_CHECKED static barks_status *check_input(const struct job_spec *spec, uint32_t index,
                                               const struct stage_input *input,
                                               struct range *out_range)
{
    if (input->parent >= index)
        BARKS_FAIL(BARKS_INVALID, "stage %u reads stage %u, which does not come before it", index,
                   input->parent);
    const struct stage_spec *parent = &spec->stages[input->parent];
    switch (input->kind) {
    case INPUT_AFTER:
        *out_range = (struct range){0};
        return NULL;
    case INPUT_PARTITIONS:
        break;
    default: /* a number from outside */
        BARKS_FAIL(BARKS_INVALID, "stage %u has an input of the unknown kind %d", index,
                   (int)input->kind);
    }
    if (parent->output != OUTPUT_SHUFFLE)
        BARKS_FAIL(BARKS_INVALID, "stage %u reads partitions of stage %u, which is no shuffle",
                   index, input->parent);
    uint32_t count = stage_input_count(input, parent->output_partition_count), parent_end = 0;
    *out_range = (struct range){.first = input->first_partition,
                                .shift = input->parent_first - input->first_partition,
                                .output_partition_count = parent->output_partition_count};
    if (ckd_add(&parent_end, input->parent_first, count) ||
        parent_end > parent->output_partition_count)
        BARKS_FAIL(BARKS_INVALID,
                   "stage %u reads %u partitions of stage %u from partition %u of its %u on", index,
                   count, input->parent, input->parent_first, parent->output_partition_count);
    if (ckd_add(&out_range->end, input->first_partition, count) ||
        out_range->end > spec->stages[index].partition_count)
        BARKS_FAIL(
            BARKS_INVALID,
            "stage %u of %u partitions reads %u partitions of stage %u from its partition %u on",
            index, spec->stages[index].partition_count, count, input->parent,
            input->first_partition);
    return NULL;
}

/* A partition has one owner: what several inputs cover, they must cover alike. What two of them
 * cover is covered by the one before both that reaches farthest, so each is held against that. */
BARKS_CHECKED static barks_status *check_overlaps(uint32_t index, struct range *ranges,
                                                  uint32_t count)
{
    if (count < 2)
        return NULL;
    qsort(ranges, count, sizeof *ranges, compare_ranges);
    const struct range *farthest = &ranges[0];
    for (uint32_t i = 1; i < count; i++) {
        const struct range *range = &ranges[i];
        if (range->first < farthest->end &&
            (range->shift != farthest->shift ||
             range->output_partition_count != farthest->output_partition_count))
            BARKS_FAIL(BARKS_INVALID,
                       "stage %u has inputs at its partitions [%u, %u) and [%u, %u), which overlap "
                       "but differ",
                       index, farthest->first, farthest->end, range->first, range->end);
        if (range->end > farthest->end)
            farthest = range;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *check_inputs(const struct job_spec *spec, uint32_t index,
                                                struct range *ranges, bool *is_read)
{
    const struct stage_spec *stage = &spec->stages[index];
    if (stage->input_count > 0 && stage->inputs == NULL)
        BARKS_FAIL(BARKS_INVALID, "stage %u has no list of its %u inputs", index,
                   stage->input_count);
    uint32_t range_count = 0;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        BARKS_TRY(check_input(spec, index, &stage->inputs[i], &ranges[range_count]));
        if (stage->inputs[i].kind == INPUT_PARTITIONS) {
            is_read[stage->inputs[i].parent] = true;
            range_count++;
        }
    }
    return check_overlaps(index, ranges, range_count);
}

BARKS_CHECKED static barks_status *check_places(uint32_t index, const struct stage_spec *stage)
{
    if (stage->place_firsts == NULL)
        return NULL;
    for (uint32_t partition = 0; partition < stage->partition_count; partition++)
        if (stage->place_firsts[partition] > stage->place_firsts[partition + 1])
            BARKS_FAIL(BARKS_INVALID,
                       "the places of stage %u end before they begin at partition %u", index,
                       partition);
    uint32_t first = stage->place_firsts[0], end = stage->place_firsts[stage->partition_count];
    if (first != 0 || (end > 0 && stage->places == NULL))
        BARKS_FAIL(BARKS_INVALID, "stage %u has no list of its %u places", index, end);
    for (uint32_t place = 0; place < end; place++)
        if (stage->places[place].kind != PLACE_EXECUTOR && stage->places[place].kind != PLACE_NODE)
            BARKS_FAIL(BARKS_INVALID, "stage %u has a place of the unknown kind %d", index,
                       (int)stage->places[place].kind);
    return NULL;
}

BARKS_CHECKED static barks_status *check_needs(uint32_t index, const struct task_needs *needs)
{
    if (needs->threads > SCHEDULER_WORKERS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "the tasks of stage %u need %u threads; the limit is %d", index,
                   needs->threads, SCHEDULER_WORKERS_MAX);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if (needs->units[kind] > SCHEDULER_UNITS_MAX)
            BARKS_FAIL(BARKS_LIMIT, "the tasks of stage %u need %u of one kind; the limit is %d",
                       index, (unsigned)needs->units[kind], SCHEDULER_UNITS_MAX);
    return NULL;
}

BARKS_CHECKED static barks_status *check_stage(uint32_t index, const struct stage_spec *stage)
{
    switch (stage->policy) {
    case RUNS_COMBINE:
    case RUNS_SPREAD:
    case RUNS_SINGLE:
        break;
    default: /* a number from outside */
        BARKS_FAIL(BARKS_INVALID, "stage %u has the unknown policy %d of runs", index,
                   (int)stage->policy);
    }
    if (stage->is_gang && stage->policy != RUNS_SINGLE)
        BARKS_FAIL(BARKS_INVALID, "the tasks of stage %u run at once, so each is one partition",
                   index);
    if (stage->is_spread && !stage->is_gang)
        BARKS_FAIL(BARKS_INVALID, "stage %u is spread, but its tasks do not run at once", index);
    switch (stage->output) {
    case OUTPUT_SHUFFLE:
        if (stage->output_partition_count == 0)
            BARKS_FAIL(BARKS_INVALID, "the shuffle of stage %u has no partitions", index);
        break;
    case OUTPUT_RESULT:
    case OUTPUT_SINK:
        if (stage->output_partition_count != 0)
            BARKS_FAIL(BARKS_INVALID, "stage %u puts out %u partitions but is no shuffle", index,
                       stage->output_partition_count);
        break;
    default: /* a number from outside */
        BARKS_FAIL(BARKS_INVALID, "stage %u has an output of the unknown kind %d", index,
                   (int)stage->output);
    }
    if (stage->partition_count > SCHEDULER_PARTITIONS_MAX ||
        stage->output_partition_count > SCHEDULER_PARTITIONS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "stage %u has %u partitions and puts out %u; the limit is %d",
                   index, stage->partition_count, stage->output_partition_count,
                   SCHEDULER_PARTITIONS_MAX);
    BARKS_TRY(check_needs(index, &stage->needs));
    return check_places(index, stage);
}

BARKS_CHECKED static barks_status *check_stages(const struct job_spec *spec, struct range *ranges,
                                                bool *is_read)
{
    for (uint32_t index = 0; index < spec->stage_count; index++) {
        BARKS_TRY(check_stage(index, &spec->stages[index]));
        BARKS_TRY(check_inputs(spec, index, ranges, is_read));
    }
    for (uint32_t index = 0; index < spec->stage_count; index++)
        if (spec->stages[index].output == OUTPUT_SHUFFLE && !is_read[index])
            BARKS_FAIL(BARKS_INVALID, "nobody reads the shuffle of stage %u", index);
    return NULL;
}

barks_status *job_spec_check(const struct job_spec *spec)
{
    if (spec->stage_count == 0 || spec->stages == NULL)
        BARKS_FAIL(BARKS_INVALID, "job %" PRIu64 " has no stages", spec->id);
    if (spec->stage_count > SCHEDULER_STAGES_MAX)
        BARKS_FAIL(BARKS_LIMIT, "job %" PRIu64 " has %u stages; the limit is %d", spec->id,
                   spec->stage_count, SCHEDULER_STAGES_MAX);
    uint32_t inputs = 0, inputs_max = 0;
    for (uint32_t index = 0; index < spec->stage_count; index++) {
        uint32_t count = spec->stages[index].input_count;
        if (ckd_add(&inputs, inputs, count))
            BARKS_FAIL(BARKS_LIMIT, "the stages of job %" PRIu64 " have more than %u inputs",
                       spec->id, UINT32_MAX);
        inputs_max = count > inputs_max ? count : inputs_max;
    }
    struct range *ranges = calloc((size_t)inputs_max + 1, sizeof *ranges);
    bool *is_read = calloc(spec->stage_count, sizeof *is_read);
    barks_status *status = NULL;
    if (ranges == NULL || is_read == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory to check the %u stages of a job", spec->stage_count);
    else
        status = check_stages(spec, ranges, is_read);
    free(ranges);
    free(is_read);
    return status;
}
