/* What actions cost when there is nothing to compute: rdd_bench [PARTITIONS [ACTIONS]]
 *
 * Counts a dataset of so many partitions, each but one empty, in a few tasks of many partitions and
 * in a task for each (which does nothing but be scheduled, shipped, run and reported), a small
 * dataset again and again, and a small dataset that is cached. A line of `name value` pairs. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

BARKS_RECORD(number, (i64, value));

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int64_t count_by_runs(barks_rdd *rdd) { return barks_count(rdd); }

/* The same within a time, of which there is enough: by a task for each partition. */
static int64_t count_by_partitions(barks_rdd *rdd)
{
    barks_bounds counted = {0};
    return barks_count_within(rdd, 3600, 0.95, &counted) ? (int64_t)counted.value : -1;
}

/* The median of so many count actions; negative when one does not give what is expected. */
static double median_count_seconds(barks_rdd *rdd, int64_t (*count)(barks_rdd *rdd), int actions,
                                   int64_t expected)
{
    double *seconds = calloc((size_t)actions, sizeof *seconds), median = -1;
    bool is_right = seconds != NULL;
    for (int i = 0; i < actions && is_right; i++) {
        double start = now_seconds();
        is_right = count(rdd) == expected;
        seconds[i] = now_seconds() - start;
    }
    if (is_right) {
        qsort(seconds, (size_t)actions, sizeof *seconds, compare_doubles);
        median = seconds[actions / 2];
    }
    free(seconds);
    return median;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    uint32_t partitions = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    int actions = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 200;
    static struct number rows[1000];
    for (int i = 0; i < 1000; i++)
        rows[i].value = i;
    barks_rdd *empty = barks_parallelize(ctx, number, rows, 1, partitions);
    double many = median_count_seconds(empty, count_by_runs, 5, 1);
    double tasks = median_count_seconds(empty, count_by_partitions, 5, 1);
    barks_rdd *few = barks_parallelize(ctx, number, rows, 1000, 16);
    double small = median_count_seconds(few, count_by_runs, actions, 1000);
    barks_rdd *cached = barks_cache(barks_parallelize(ctx, number, rows, 1000, 16));
    double warm = median_count_seconds(cached, count_by_runs, 1, 1000);
    warm = median_count_seconds(cached, count_by_runs, actions, 1000);
    if (many > 0 && tasks > 0 && small > 0 && warm > 0)
        printf("partitions %u seconds %.4f partitions_per_second %.0f tasks_per_second %.0f "
               "small_action_ms %.3f cached_action_ms %.3f\n",
               partitions, many, partitions / many, partitions / tasks, small * 1e3, warm * 1e3);
    return barks_finalize(ctx);
}
