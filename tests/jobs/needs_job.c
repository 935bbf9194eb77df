/* Jobs whose tasks need more than a worker: needs_job MODE THREADS MEBIBYTES RESOURCES
 *   plain     each task says what it was given, and when
 *   shuffled  the same of rows that come through an exchange; cached of rows that are kept, whose
 *             tasks need nothing
 *   flaky     the first attempt of each task fails
 *   together  all tasks run at once; behind a sort in sorted
 *   beside    an action whose tasks need nothing runs meanwhile
 * Prints a line for each task: executor, begin and end in nanoseconds, threads, how many units of
 * 'gpu' it was given, which (-1: none), the sum of its rows. */
#include <barks/barks.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 1000, PARTITIONS = 12 };

BARKS_RECORD(number, (i64, value));
BARKS_RECORD(given, (i64, executor), (i64, begin), (i64, end), (i64, threads), (i64, count),
             (i64, first), (i64, second), (i64, sum));

struct mode {
    char name[16];
};
struct total {
    int64_t sum, begin;
};

static bool is(const struct mode *mode, const char *name) { return strcmp(mode->name, name) == 0; }

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void nap_ms(long ms)
{
    struct timespec nap = {.tv_nsec = ms * 1000000};
    nanosleep(&nap, NULL);
}

BARKS_MAP_PARTITIONS(tell, number, given, struct total, struct mode)
{
    if (phase == BARKS_OPEN)
        state->begin = now_ns();
    for (uint32_t row = 0; phase == BARKS_BATCH && row < batch->row_count; row++)
        state->sum += batch->value[row];
    if (phase != BARKS_CLOSE)
        return;
    uint32_t count = 0, none = 0;
    const uint32_t *devices = barks_given("gpu", &count);
    if (barks_given("unheard", &none) != NULL || none != 0) {
        fail("what nobody needs was given");
        return;
    }
    if (is(env, "flaky") && barks_task()->attempt == 0) {
        fail("the first time it fails, in partition %d", (int)barks_task()->partition);
        return;
    }
    nap_ms(10);
    emit(.executor = barks_task()->executor, .begin = state->begin, .end = now_ns(),
         .threads = barks_given_threads(), .count = count,
         .first = count > 0 ? (int64_t)devices[0] : -1,
         .second = count > 1 ? (int64_t)devices[1] : -1, .sum = state->sum);
}

BARKS_MAP(dawdle, number, number)
{
    nap_ms(1);
    out->value = in->value;
}

/* Tells that a task has begun. */
BARKS_MAP(heard, number, number)
{
    if (in->value == 0)
        fprintf(stderr, "a task runs\n");
    out->value = in->value;
}

BARKS_REDUCE(keep_one, number) { (void)acc, (void)in; }

static void print(const struct given *rows, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
               " %" PRId64 "\n",
               rows[i].executor, rows[i].begin, rows[i].end, rows[i].threads, rows[i].count,
               rows[i].first, rows[i].second, rows[i].sum);
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc < 5)
        return 2;
    struct mode mode = {""};
    snprintf(mode.name, sizeof mode.name, "%s", argv[1]);
    bool runs_together = is(&mode, "together") || is(&mode, "sorted");
    uint32_t partitions = runs_together ? 2 : PARTITIONS;
    static struct number rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i].value = i;
    barks_rdd *numbers = barks_parallelize(ctx, number, rows, ROWS, partitions);
    if (is(&mode, "shuffled"))
        numbers = barks_reduce_by_key(numbers, "value", keep_one, .partitions = partitions);
    barks_future *busy = NULL;
    if (is(&mode, "beside"))
        busy = barks_count_async(
            barks_map(barks_parallelize(ctx, number, rows, ROWS, 40), dawdle, NULL));
    if (is(&mode, "sorted"))
        numbers = barks_sort_by(barks_map(numbers, heard, NULL), "value", .partitions = partitions);
    barks_rdd *told = runs_together ? barks_map_partitions_together(numbers, tell, &mode)
                                    : barks_map_partitions(numbers, tell, &mode);
    barks_set_needs(told, .threads = (uint32_t)strtoul(argv[2], NULL, 10),
                    .memory_bytes = strtoull(argv[3], NULL, 10) << 20, .resources = argv[4]);
    if (is(&mode, "cached")) {
        if (barks_count(barks_cache(told)) != PARTITIONS)
            return 1;
    }
    int64_t count = 0;
    struct given *given = NULL;
    given = barks_collect(told, given, &count);
    if (given != NULL)
        print(given, count);
    if (busy != NULL)
        printf("busy %" PRId64 "\n", barks_future_count(busy));
    return barks_finalize(ctx);
}
