#include "scheduler/job_spec.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static struct stage_spec result_of(uint32_t partition_count, uint32_t input_count,
                                   const struct stage_input *inputs)
{
    return (struct stage_spec){.output = OUTPUT_RESULT,
                               .policy = RUNS_SPREAD,
                               .partition_count = partition_count,
                               .input_count = input_count,
                               .inputs = inputs};
}

static struct stage_spec shuffle_of(uint32_t partition_count, uint32_t output_partition_count)
{
    return (struct stage_spec){.output = OUTPUT_SHUFFLE,
                               .policy = RUNS_COMBINE,
                               .partition_count = partition_count,
                               .output_partition_count = output_partition_count};
}

static void expect(const struct stage_spec *stages, uint32_t stage_count, barks_code code,
                   const char *text)
{
    struct job_spec spec = {.id = 1, .stage_count = stage_count, .stages = stages};
    barks_status *status = job_spec_check(&spec);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    ck_assert_msg(strstr(barks_status_text(status), text) != NULL, "'%s' lacks '%s'",
                  barks_status_text(status), text);
    barks_status_free(status);
}

START_TEST(good_jobs_pass)
{
    struct stage_input join_and_union[] = {
        {.parent = 0, .kind = INPUT_PARTITIONS, .first_partition = 0},
        {.parent = 1, .kind = INPUT_PARTITIONS, .first_partition = 0},
        {.parent = 2, .kind = INPUT_PARTITIONS, .first_partition = 5},
        {.parent = 2, .kind = INPUT_AFTER, .first_partition = 99},
    };
    struct stage_spec stages[] = {shuffle_of(3, 5), shuffle_of(0, 5), shuffle_of(1, 2),
                                  result_of(9, 4, join_and_union)};
    struct job_spec spec = {.id = 1, .stage_count = 4, .stages = stages};
    ck_assert_ptr_null(job_spec_check(&spec));
}
END_TEST

START_TEST(a_job_has_stages)
{
    expect(NULL, 0, BARKS_INVALID, "job 1 has no stages");
    struct stage_spec stage = result_of(1, 0, NULL);
    expect(&stage, SCHEDULER_STAGES_MAX + 1, BARKS_LIMIT, "has 1048577 stages; the limit is");
}
END_TEST

START_TEST(inputs_come_before_and_are_shuffles)
{
    struct stage_input input = {.parent = 1, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {shuffle_of(1, 2), result_of(2, 1, &input)};
    expect(stages, 2, BARKS_INVALID, "stage 1 reads stage 1, which does not come before it");
    input.parent = 0;
    stages[0] = result_of(1, 0, NULL);
    expect(stages, 2, BARKS_INVALID, "reads partitions of stage 0, which is no shuffle");
    input.kind = (enum input_kind)7;
    expect(stages, 2, BARKS_INVALID, "input of the unknown kind 7");
    stages[1].inputs = NULL;
    expect(stages, 2, BARKS_INVALID, "stage 1 has no list of its 1 inputs");
}
END_TEST

START_TEST(inputs_fit_and_do_not_half_overlap)
{
    struct stage_input inputs[] = {
        {.parent = 0, .kind = INPUT_PARTITIONS, .first_partition = 1},
        {.parent = 0, .kind = INPUT_PARTITIONS, .first_partition = 3},
    };
    struct stage_spec stages[] = {shuffle_of(1, 4), result_of(4, 1, inputs)};
    expect(stages, 2, BARKS_INVALID, "reads 4 partitions of stage 0 from its partition 1 on");
    inputs[0].first_partition = UINT32_MAX;
    expect(stages, 2, BARKS_INVALID, "from its partition 4294967295 on");
    inputs[0].first_partition = 1;
    stages[1] = result_of(8, 2, inputs);
    expect(stages, 2, BARKS_INVALID, "[1, 5) and [3, 7), which overlap but differ");
}
END_TEST

START_TEST(inputs_may_read_some_partitions_and_overlap_where_they_agree)
{
    struct stage_input inputs[] = {
        {.parent = 0, .kind = INPUT_PARTITIONS, .partition_count = 4},
        {.parent = 1,
         .kind = INPUT_PARTITIONS,
         .first_partition = 2,
         .parent_first = 2,
         .partition_count = 2},
    };
    struct stage_spec stages[] = {shuffle_of(1, 4), shuffle_of(1, 4), result_of(4, 2, inputs)};
    struct job_spec spec = {.id = 1, .stage_count = 3, .stages = stages};
    ck_assert_ptr_null(job_spec_check(&spec));
    inputs[1].parent_first = 1;
    expect(stages, 3, BARKS_INVALID, "[0, 4) and [2, 4), which overlap but differ");
    inputs[1].parent_first = 3;
    expect(stages, 3, BARKS_INVALID, "reads 2 partitions of stage 1 from partition 3 of its 4 on");
    inputs[1].parent_first = 2;
    stages[1] = shuffle_of(1, 5);
    expect(stages, 3, BARKS_INVALID, "overlap but differ");
}
END_TEST

START_TEST(shuffles_have_partitions_and_readers)
{
    struct stage_spec stages[] = {shuffle_of(1, 0), result_of(2, 0, NULL)};
    expect(stages, 2, BARKS_INVALID, "the shuffle of stage 0 has no partitions");
    stages[0].output_partition_count = 2;
    expect(stages, 2, BARKS_INVALID, "nobody reads the shuffle of stage 0");
    stages[0].output_partition_count = SCHEDULER_PARTITIONS_MAX + 1;
    expect(stages, 2, BARKS_LIMIT, "the limit is 8388608");
    stages[1].output_partition_count = 1;
    expect(stages + 1, 1, BARKS_INVALID, "puts out 1 partitions but is no shuffle");
}
END_TEST

START_TEST(unknown_numbers_are_refused)
{
    struct stage_spec stage = result_of(1, 0, NULL);
    stage.policy = (enum run_policy)9;
    expect(&stage, 1, BARKS_INVALID, "unknown policy 9");
    stage = result_of(1, 0, NULL);
    stage.output = (enum stage_output)9;
    expect(&stage, 1, BARKS_INVALID, "output of the unknown kind 9");
}
END_TEST

START_TEST(places_are_in_order)
{
    uint32_t firsts[] = {0, 2, 1};
    struct place places[] = {{PLACE_NODE, 1}, {(enum place_kind)5, 1}};
    struct stage_spec stage = result_of(2, 0, NULL);
    stage.place_firsts = firsts;
    stage.places = places;
    expect(&stage, 1, BARKS_INVALID, "places of stage 0 end before they begin at partition 1");
    firsts[2] = 2;
    expect(&stage, 1, BARKS_INVALID, "place of the unknown kind 5");
    stage.places = NULL;
    expect(&stage, 1, BARKS_INVALID, "no list of its 2 places");
}
END_TEST

SUITE_MAIN("scheduler/job_spec", good_jobs_pass, a_job_has_stages,
           inputs_come_before_and_are_shuffles, inputs_fit_and_do_not_half_overlap,
           inputs_may_read_some_partitions_and_overlap_where_they_agree,
           shuffles_have_partitions_and_readers, unknown_numbers_are_refused, places_are_in_order)
