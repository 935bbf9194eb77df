/* Runs a command and says what it and all its descendants cost; see usage. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] = "usage: peak [-i MILLISECONDS] [-o FILE] COMMAND [ARGUMENT...]\n"
                            "\n"
                            "Runs COMMAND and appends one line to FILE (stderr):\n"
                            "  wall S cpu S peak_kib N processes N samples N status N\n"
                            "wall: seconds from start to end of COMMAND. cpu: user and system "
                            "seconds of all its processes\n"
                            "that were waited for. peak_kib: the greatest sum, over COMMAND and "
                            "its descendants, of anonymous\n"
                            "and shared memory (a page shared by two counts twice; mapped files do "
                            "not count), sampled every\n"
                            "MILLISECONDS (10). processes: the most at one time. status: the exit "
                            "status, or 128 + signal;\n"
                            "it is also peak's own. 126, 127: COMMAND could not be started.\n";

enum { PROCESSES_MAX = 4096 };

struct process {
    int id, parent_id;
    bool is_ours;
};

struct cost {
    uint64_t peak_kib;
    unsigned process_peak;
    unsigned sample_count;
};

static double now_seconds(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail for this clock */
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The parent of a process, or -1 where it is gone. The name in parentheses may hold anything, ')'
 * too. */
static int parent_of(const char *id)
{
    char path[64], text[512];
    int length = snprintf(path, sizeof path, "/proc/%s/stat", id);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "r") : NULL;
    if (file == NULL)
        return -1;
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = '\0';
    const char *after_name = strrchr(text, ')');
    int parent_id = -1;
    if (after_name == NULL || sscanf(after_name + 1, " %*c %d", &parent_id) != 1)
        return -1;
    return parent_id;
}

static unsigned list_processes(struct process *processes)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return 0;
    for (struct dirent *entry = readdir(directory); entry != NULL && count < PROCESSES_MAX;
         entry = readdir(directory)) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        int parent_id = parent_of(entry->d_name);
        if (parent_id >= 0)
            processes[count++] = (struct process){.id = (int)strtol(entry->d_name, NULL, 10),
                                                  .parent_id = parent_id};
    }
    closedir(directory);
    return count;
}

/* Marks the descendants of this process; each pass finds at least one more generation. */
static void mark_descendants(struct process *processes, unsigned count)
{
    bool has_grown = true;
    while (has_grown) {
        has_grown = false;
        for (unsigned i = 0; i < count; i++) {
            bool is_child = processes[i].parent_id == getpid();
            for (unsigned k = 0; k < count && !is_child; k++)
                is_child = processes[k].is_ours && processes[k].id == processes[i].parent_id;
            if (is_child && !processes[i].is_ours) {
                processes[i].is_ours = true;
                has_grown = true;
            }
        }
    }
}

static uint64_t memory_kib(int process_id)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", process_id);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0; /* it has ended */
    uint64_t sum_kib = 0;
    unsigned long kib = 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "RssAnon: %lu", &kib) == 1 || sscanf(line, "RssShmem: %lu", &kib) == 1)
            sum_kib += kib;
    fclose(file);
    return sum_kib;
}

static void sample(struct cost *cost)
{
    static struct process processes[PROCESSES_MAX];
    unsigned count = list_processes(processes), ours = 0;
    mark_descendants(processes, count);
    uint64_t sum_kib = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!processes[i].is_ours)
            continue;
        ours++;
        sum_kib += memory_kib(processes[i].id);
    }
    cost->sample_count++;
    if (sum_kib > cost->peak_kib)
        cost->peak_kib = sum_kib;
    if (ours > cost->process_peak)
        cost->process_peak = ours;
}

static double cpu_seconds(void)
{
    struct rusage used = {0};
    if (getrusage(RUSAGE_CHILDREN, &used) != 0)
        return 0;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* Samples until the child ends; a look each half millisecond, so that wall is exact to that. */
static int watch(pid_t child, double interval_seconds, struct cost *cost)
{
    const struct timespec nap = {.tv_nsec = 500000};
    int status = 0;
    double next_seconds = now_seconds();
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (ended < 0 && errno != EINTR)
            return 126;
        if (now_seconds() >= next_seconds) {
            sample(cost);
            next_seconds = now_seconds() + interval_seconds;
        }
        (void)nanosleep(&nap, NULL); /* an early return only means an early look */
    }
}

static int run(char **command, double interval_seconds, FILE *report)
{
    struct cost cost = {0};
    /* Orphans of the command become our children, and stay in the sum. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    double start_seconds = now_seconds();
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "peak: fork: %s\n", strerror(errno));
        return 126;
    }
    if (child == 0) {
        execvp(command[0], command);
        fprintf(stderr, "peak: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    int status = watch(child, interval_seconds, &cost);
    double wall_seconds = now_seconds() - start_seconds;
    if (fprintf(report, "wall %.4f cpu %.3f peak_kib %llu processes %u samples %u status %d\n",
                wall_seconds, cpu_seconds(), (unsigned long long)cost.peak_kib, cost.process_peak,
                cost.sample_count, status) < 0 ||
        fflush(report) != 0)
        return 126;
    return status;
}

int main(int argc, char **argv)
{
    unsigned long interval_ms = 10;
    const char *report_path = NULL;
    int option = 0;
    while ((option = getopt(argc, argv, "+i:o:h")) != -1) {
        if (option == 'i')
            interval_ms = strtoul(optarg, NULL, 10);
        else if (option == 'o')
            report_path = optarg;
        else
            return fputs(usage, option == 'h' ? stdout : stderr) < 0 || option != 'h' ? 2 : 0;
    }
    if (optind >= argc || interval_ms == 0) {
        fputs(usage, stderr);
        return 2;
    }
    FILE *report = report_path != NULL ? fopen(report_path, "ae") : stderr;
    if (report == NULL) {
        fprintf(stderr, "peak: %s: %s\n", report_path, strerror(errno));
        return 2;
    }
    return run(argv + optind, (double)interval_ms * 1e-3, report);
}
