/* Takes its time: slow_job TASKS MILLISECONDS OUTPUT [STAGES]
 * Squares of 0 to TASKS - 1, each by a task of its own that sleeps so long; no longer at all once
 * Slurm has put the job into the queue again. With STAGES so many exchanges follow, and as much
 * sleep after each, always. The file SLOW_JOB_LOG gets a line "STAGE NUMBER" for each nap that was
 * slept. */
#include <barks/barks.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

BARKS_RECORD(square, (i64, number), (i64, squared));

struct pace {
    int64_t milliseconds, stage;
};

static void nap(const struct pace *pace, int64_t number)
{
    struct timespec length = {.tv_sec = pace->milliseconds / 1000,
                              .tv_nsec = pace->milliseconds % 1000 * 1000 * 1000};
    const char *path = getenv("SLOW_JOB_LOG");
    nanosleep(&length, NULL);
    int file = path != NULL ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;
    if (file < 0)
        return;
    dprintf(file, "%" PRId64 " %" PRId64 "\n", pace->stage, number);
    close(file);
}

BARKS_MAP(take_time, barks_number, square, struct pace)
{
    nap(env, in->value);
    out->number = in->value;
    out->squared = in->value * in->value;
}

BARKS_MAP(take_more_time, square, square, struct pace)
{
    nap(env, in->number);
    *out = *in;
    out->squared++;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc != 4 && argc != 5) {
        fputs("usage: slow_job TASKS MILLISECONDS OUTPUT [STAGES]\n", stderr);
        return barks_finalize(ctx) + 2;
    }
    struct pace pace = {.milliseconds = strtoll(argv[2], NULL, 10)};
    long long stage_count = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
    if (getenv("SLURM_RESTART_COUNT") != NULL && stage_count == 0)
        pace.milliseconds = 0;
    int64_t task_count = strtoll(argv[1], NULL, 10);
    barks_rdd *numbers = barks_range(ctx, 0, task_count, 1, (uint32_t)task_count);
    barks_rdd *squares = barks_map(numbers, take_time, &pace);
    for (pace.stage = 1; pace.stage <= stage_count; pace.stage++)
        squares = barks_map(barks_distinct(squares), take_more_time, &pace);
    barks_write_csv(squares, argv[3]);
    return barks_finalize(ctx);
}
