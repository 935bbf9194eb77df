/* What the scheduler alone costs: tasks and decisions a second for jobs of several shapes, against
 * executors that take no time. scheduler_bench [REPEATS] prints a table, the best of REPEATS (3).
 */
#include "scheduler/scheduler_loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

struct row {
    const char *name;
    struct loop_shape shape;
};

static long peak_mib(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss >> 10 : 0;
}

static int print_row(const struct row *row, int repeats)
{
    struct loop_result best = {.seconds = 1e9};
    for (int repeat = 0; repeat < repeats; repeat++) {
        struct loop_result result;
        if (loop_run(&row->shape, &result) == NULL)
            return EXIT_FAILURE;
        if (result.seconds < best.seconds)
            best = result;
    }
    printf("| %-28s | %9u | %9" PRIu64 " | %10.2f | %10.2f | %12.0f | %12.0f | %8ld |\n", row->name,
           row->shape.executor_count, best.tasks, best.submit_seconds * 1e3, best.seconds * 1e3,
           (double)best.tasks / best.seconds, (double)best.decisions / best.seconds, peak_mib());
    return EXIT_SUCCESS;
}

static struct stage_spec stage_of(uint32_t partition_count, enum run_policy policy)
{
    return (struct stage_spec){
        .output = OUTPUT_RESULT, .policy = policy, .partition_count = partition_count};
}

/* A chain in which each stage reads the shuffle of the one before. */
static struct stage_spec *chain_of(uint32_t stage_count, uint32_t partition_count)
{
    struct stage_spec *stages = calloc(stage_count, sizeof *stages);
    struct stage_input *inputs = calloc(stage_count, sizeof *inputs);
    if (stages == NULL || inputs == NULL)
        abort();
    for (uint32_t index = 0; index < stage_count; index++) {
        inputs[index] = (struct stage_input){.parent = index - 1, .kind = INPUT_PARTITIONS};
        stages[index] = stage_of(partition_count, RUNS_SPREAD);
        stages[index].input_count = index > 0;
        stages[index].inputs = &inputs[index];
        if (index + 1 < stage_count) {
            stages[index].output = OUTPUT_SHUFFLE;
            stages[index].output_partition_count = partition_count;
        }
    }
    return stages; /* kept to the end of the program */
}

int main(int argc, char **argv)
{
    int repeats = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 3;
    struct stage_spec small = stage_of(1000, RUNS_SPREAD), medium = stage_of(10000, RUNS_SPREAD),
                      large = stage_of(100000, RUNS_SPREAD), huge = stage_of(1000000, RUNS_SPREAD);
    const struct pool_spec fair[] = {
        {POOL_FAIR, 1, 0}, {POOL_FAIR, 3, 100}, {POOL_FIFO, 2, 0}, {POOL_FAIR, 1, 5000}};
    uint64_t *bytes = calloc(1000000, sizeof *bytes);
    if (bytes == NULL || repeats < 1)
        return EXIT_FAILURE;
    for (uint32_t partition = 0; partition < 1000000; partition++)
        bytes[partition] = (uint64_t)partition * 2654435761U % 1000003;
    struct stage_spec uneven = huge;
    uneven.partition_bytes = bytes;
    const struct row rows[] = {
        {"10 tasks an executor", {100, 2, 1, &small, 1, 0, NULL}},
        {"10 tasks an executor", {1000, 2, 1, &medium, 1, 0, NULL}},
        {"10 tasks an executor", {10000, 2, 1, &large, 1, 0, NULL}},
        {"10 tasks an executor", {100000, 2, 1, &huge, 1, 0, NULL}},
        {"4 pools, 10 jobs", {10000, 2, 1, &medium, 10, 4, fair}},
        {"4 pools, 1,000 jobs", {10000, 2, 1, &small, 1000, 4, fair}},
        {"4 pools, 100 pinned jobs", {1000, 2, 2, chain_of(2, 4000), 100, 4, fair}},
        {"a million tasks", {1000, 128, 1, &huge, 1, 0, NULL}},
        {"a million uneven tasks", {1000, 128, 1, &uneven, 1, 0, NULL}},
        {"two stages, pinned", {1000, 16, 2, chain_of(2, 100000), 1, 0, NULL}},
        {"10,000 chained stages", {4, 2, 10000, chain_of(10000, 8), 1, 0, NULL}},
    };
    printf("| %-28s | %9s | %9s | %10s | %10s | %12s | %12s | %8s "
           "|\n|---|---|---|---|---|---|---|---|\n",
           "job", "executors", "tasks", "submit ms", "all ms", "tasks/s", "decisions/s",
           "peak MiB");
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (print_row(&rows[row], repeats) != EXIT_SUCCESS)
            return EXIT_FAILURE;
    free(bytes);
    return EXIT_SUCCESS;
}
