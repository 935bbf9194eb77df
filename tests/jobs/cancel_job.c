/* Jobs that do not end until somebody ends them: cancel_job MODE FOLDER
 *
 *   pipe   each partition goes through a shell that waits, once it has read a line, for a process
 *          of its own
 *   deaf   the same, and neither heeds SIGTERM
 *   sort   a function that takes its time gets the rows of a sort
 *   dealt  the same with the rows of an exchange
 *
 * FOLDER gets a file for each task that is at work. */
#include <barks/barks.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PARTITIONS = 4, ROWS = 1000 * 1000 };

struct folder {
    char path[300];
};

BARKS_MAP(to_text, barks_number, barks_text) { out->text = BARKS_STR_LITERAL("line"); }

BARKS_FOREACH(take_time, barks_number, struct folder)
{
    char path[400];
    static _Thread_local bool has_begun;
    if (!has_begun) {
        snprintf(path, sizeof path, "%s/%u", env->path, (unsigned)barks_task()->partition);
        int file = open(path, O_CREAT | O_WRONLY, 0666);
        if (file < 0)
            fail("cannot make '%s'", path);
        close(file);
        has_begun = true;
    }
    nanosleep(&(struct timespec){.tv_nsec = 500 * 1000}, NULL);
}

static void run_pipe(barks_context *context, const char *before, const struct folder *folder)
{
    char shell[400], variable[400];
    snprintf(shell, sizeof shell, "%s read -r line; sleep 1000 & touch \"$BEGUN/$$\"; wait",
             before);
    snprintf(variable, sizeof variable, "BEGUN=%s", folder->path);
    barks_rdd *lines = barks_map(barks_range(context, 0, 100, 1, PARTITIONS), to_text, NULL);
    barks_count(
        barks_pipe(lines, .shell = shell, .environment = (const char *const[]){variable, NULL}));
}

int main(int argc, char **argv)
{
    struct folder folder = {0};
    barks_context *context = barks_init(&argc, &argv);
    if (argc != 3) {
        fprintf(stderr, "usage: cancel_job MODE FOLDER\n");
        barks_finalize(context);
        return 2;
    }
    snprintf(folder.path, sizeof folder.path, "%s", argv[2]);
    barks_rdd *numbers = barks_range(context, 0, ROWS, 1, PARTITIONS);
    if (strcmp(argv[1], "pipe") == 0)
        run_pipe(context, "", &folder);
    else if (strcmp(argv[1], "deaf") == 0)
        run_pipe(context, "trap '' TERM;", &folder);
    else if (strcmp(argv[1], "sort") == 0)
        barks_foreach(barks_sort_by(numbers, "value desc"), take_time, &folder);
    else
        barks_foreach(barks_repartition(numbers, PARTITIONS), take_time, &folder);
    return barks_finalize(context);
}
