/* What to ask of Slurm next time, and what stands out. */
#include "base/clock.h"
#include "base/units.h"
#include "cli/job_log.h"
#include "cli/report.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SKEWED_MAX = 10 };
#define MIB (UINT64_C(1) << 20)
/* What a rank needs beside its pool: code, MPI, stacks. */
#define RANK_BYTES (256 * MIB)
/* Tasks that took so much longer than most, and so long, are skewed. */
#define SKEW_TIMES 3
#define SKEW_NS NS_PER_S
/* Less busy than that is room for fewer cores. */
#define BUSY_ENOUGH 0.5

static uint64_t round_up(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

static uint64_t with_room(uint64_t value, uint64_t percent)
{
    return value / 100 * (100 + percent) + value % 100 * (100 + percent) / 100;
}

/* The driver is a thread of the one executor's process. */
static bool is_one_process(const struct job_log *log)
{
    for (uint64_t i = 0; i < log->executor_count; i++)
        if (log->executors[i].is.pid != log->job.pid)
            return false;
    return true;
}

/* What the executors of the fullest machine needed at most; all of them where there is no memory to
 * tell them apart. */
static uint64_t fullest_node_bytes(const struct job_log *log)
{
    uint64_t *sums = calloc(log->node_count, sizeof *sums);
    uint64_t all = 0, most = 0;
    for (uint64_t i = 0; i < log->executor_count; i++) {
        const struct logged_executor *executor = &log->executors[i];
        all += executor->peak_bytes;
        if (sums == NULL)
            continue;
        sums[executor->node_index] += executor->peak_bytes;
        most = sums[executor->node_index] > most ? sums[executor->node_index] : most;
    }
    most = sums != NULL ? most : all;
    free(sums);
    return most;
}

static void say_skew(FILE *out, const struct job_log *log, const struct stage_times *times)
{
    uint32_t said = 0;
    for (uint64_t i = 0; i < log->stage_count && said < SKEWED_MAX; i++) {
        const struct history_stage_started *stage = &log->stages[i].began;
        uint64_t first = 0, end = 0;
        stage_times_find(times, stage->action, stage->stage, &first, &end);
        if (end - first < 3)
            continue;
        const struct logged_attempt *middle = times->sorted[first + (end - first) / 2],
                                    *last = times->sorted[end - 1];
        uint64_t median_ns = middle->end_ns - middle->begin_ns,
                 longest_ns = last->end_ns - last->begin_ns;
        if (longest_ns < SKEW_NS || longest_ns / SKEW_TIMES < median_ns)
            continue;
        fprintf(out,
                "<li>Stage %" PRIu64 " of action %" PRIu64 ": task %" PRIu64
                " took %s, the median is %s. Its partitions are uneven: a hot key, or one large "
                "file.</li>\n",
                stage->stage + 1, stage->action, last->task, units_duration(longest_ns).text,
                units_duration(median_ns).text);
        said++;
    }
}

static double busy_share(const struct job_log *log)
{
    double given = (double)job_log_worker_count(log) * (double)log->end_ns;
    return given > 0 ? (double)report_busy_ns(log) / given : 0;
}

static uint64_t workers_max(const struct job_log *log)
{
    uint64_t most = 1;
    for (uint64_t i = 0; i < log->executor_count; i++)
        most = log->executors[i].is.worker_count > most ? log->executors[i].is.worker_count : most;
    return most;
}

static void say_findings(FILE *out, const struct job_log *log, const struct stage_times *times)
{
    double busy = busy_share(log);
    uint64_t spilled = 0;
    for (uint64_t i = 0; i < log->executor_count; i++)
        spilled += log->executors[i].spilled_bytes;
    fputs("<ul>\n", out);
    if (spilled > 0)
        fprintf(out,
                "<li>%s went to scratch because memory was used up; the memory asked for below has "
                "room for it.</li>\n",
                units_bytes(spilled).text);
    if (busy < BUSY_ENOUGH && log->end_ns > NS_PER_S)
        fprintf(out,
                "<li>Workers were idle %.0f %% of the time: fewer cores would do, or more and "
                "smaller partitions (split_bytes) would use them.</li>\n",
                100 * (1 - busy));
    if (log->has_ended && log->ended.hot_key_count > 0)
        fprintf(out, "<li>%" PRIu64 " hot keys of joins were found and spread.</li>\n",
                log->ended.hot_key_count);
    if (log->has_ended && log->ended.rows_filtered > 0)
        fprintf(out,
                "<li>%" PRIu64 " rows of joins were not sent, since the other side lacks their "
                "keys.</li>\n",
                log->ended.rows_filtered);
    say_skew(out, log, times);
    fputs("</ul>\n", out);
}

void report_advice(FILE *out, const struct job_log *log, const struct stage_times *times)
{
    uint64_t nodes = log->node_count, spilled = 0;
    if (log->executor_count == 0 || log->attempt_count == 0)
        return;
    for (uint64_t i = 0; i < log->executor_count; i++)
        spilled += log->executors[i].spilled_bytes;
    uint64_t bytes = fullest_node_bytes(log);
    bool alone = is_one_process(log);
    double busy = busy_share(log);
    uint64_t workers = workers_max(log), cores = workers;
    if (busy < BUSY_ENOUGH && log->end_ns > NS_PER_S)
        cores = (uint64_t)((double)workers * busy * 1.25) + 1;
    cores = cores < workers ? cores : workers;
    uint64_t tasks_per_node = alone ? 1 : (log->executor_count + 1 + nodes - 1) / nodes;
    uint64_t memory =
        with_room(bytes + spilled / nodes, 25) + (alone ? 1 : tasks_per_node) * RANK_BYTES;
    uint64_t minutes = with_room(log->end_ns, 50) / (60 * NS_PER_S) + 1;
    fputs("<h2>Next time</h2>\n", out);
    say_findings(out, log, times);
    fprintf(out,
            "<pre id=\"sbatch\">#SBATCH --nodes=%" PRIu64 "\n#SBATCH --ntasks-per-node=%" PRIu64
            "\n#SBATCH --cpus-per-task=%" PRIu64 "\n#SBATCH --mem=%" PRIu64
            "M\n#SBATCH --time=%02" PRIu64 ":%02" PRIu64 ":00\n</pre>\n",
            nodes, tasks_per_node, cores, round_up(memory, 256 * MIB) / MIB, minutes / 60,
            minutes % 60);
    fprintf(out,
            "<p class=\"n\">For the same input. Memory: the peak of the pools on the fullest host "
            "and what was spilled, a quarter more, and %s for each rank. Time: what it took and a "
            "half more%s.</p>\n",
            units_bytes(RANK_BYTES).text,
            log->has_ended && log->ended.exit_code == 0
                ? ""
                : "; but this run did not end well, so it may need more");
}
