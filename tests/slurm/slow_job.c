/* Takes its time: slow_job TASKS MILLISECONDS OUTPUT
 * Squares of 0 to TASKS - 1, each by a task of its own that sleeps so long; no longer at all once
 * Slurm has put the job into the queue again. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

BARKS_RECORD(square, (i64, number), (i64, squared));

struct pace {
    int64_t milliseconds;
};

BARKS_MAP(take_time, barks_number, square, struct pace)
{
    struct timespec nap = {.tv_sec = env->milliseconds / 1000,
                           .tv_nsec = env->milliseconds % 1000 * 1000 * 1000};
    nanosleep(&nap, NULL);
    out->number = in->value;
    out->squared = in->value * in->value;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc != 4) {
        fputs("usage: slow_job TASKS MILLISECONDS OUTPUT\n", stderr);
        return barks_finalize(ctx) + 2;
    }
    struct pace pace = {.milliseconds = strtoll(argv[2], NULL, 10)};
    if (getenv("SLURM_RESTART_COUNT") != NULL)
        pace.milliseconds = 0;
    int64_t task_count = strtoll(argv[1], NULL, 10);
    barks_rdd *numbers = barks_range(ctx, 0, task_count, 1, (uint32_t)task_count);
    barks_write_csv(barks_map(numbers, take_time, &pace), argv[3]);
    return barks_finalize(ctx);
}
