/* barks log: a line for each job. */
#include "base/clock.h"
#include "base/process.h"
#include "base/scope.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/find_log.h"
#include "cli/job_log.h"
#include "cli/text_out.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HOST_BYTES = 256, TIME_BYTES = 32, OUTPUT_WIDTH = 200 };

/* A log that does not say its end: the job runs, which this machine alone can know, or was killed.
 */
static bool may_run(const struct job_log *log)
{
    char host[HOST_BYTES] = "";
    if (log->has_ended || gethostname(host, sizeof host - 1) != 0 || log->job.host == NULL ||
        strcmp(host, log->job.host) != 0 || log->job.pid == 0 || log->job.pid > INT32_MAX)
        return false;
    return !process_is_gone((pid_t)log->job.pid);
}

static const char *state_of(const struct job_log *log, bool is_part)
{
    return is_part && may_run(log) ? "running" : job_log_outcome(log);
}

static uint64_t rows_of(const struct job_log *log)
{
    uint64_t rows = 0;
    if (log->has_ended)
        return log->ended.rows_read;
    for (uint64_t i = 0; i < log->attempt_count; i++)
        rows += log->attempts[i].rows_read;
    return rows;
}

static const char *first_host(const struct job_log *log)
{
    return log->executor_count > 0 && log->executors[0].is.host != NULL ? log->executors[0].is.host
                                                                        : log->job.host;
}

static void print_line(const char *id, const char *state, const struct job_log *log)
{
    char when[TIME_BYTES] = "", more[TIME_BYTES] = "";
    time_t seconds = (time_t)(log->job.start_wall_ns / NS_PER_S);
    uint64_t nodes = log->node_count;
    struct tm parts = {0};
    if (localtime_r(&seconds, &parts) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    if (nodes > 1)
        snprintf(more, sizeof more, "+%" PRIu64, nodes - 1);
    plain_write(stdout, id, OUTPUT_WIDTH);
    printf("  %s  %-10s  %10s  %14s rows  %10s  ", when, state, units_duration(log->end_ns).text,
           count_with_gaps(rows_of(log)).text,
           units_bytes(log->has_ended ? log->ended.bytes_read : 0).text);
    plain_write(stdout, first_host(log), HOST_BYTES);
    fputs(more, stdout);
    if (log->has_ended && log->ended.output != NULL) {
        fputs("  ", stdout);
        plain_write(stdout, log->ended.output, OUTPUT_WIDTH);
    }
    putchar('\n');
}

static void print_json(const struct found_log *found, const char *state, const struct job_log *log)
{
    fputs("{\"job\":", stdout);
    json_write(stdout, found->id);
    fputs(",\"name\":", stdout);
    json_write(stdout, log->job.name);
    printf(",\"state\":\"%s\",\"exit_status\":", state);
    if (log->has_ended)
        printf("%" PRIu64, log->ended.exit_code);
    else
        fputs("null", stdout);
    printf(",\"start_s\":%" PRIu64 ".%09" PRIu64 ",\"duration_s\":%" PRIu64 ".%09" PRIu64,
           log->job.start_wall_ns / NS_PER_S, log->job.start_wall_ns % NS_PER_S,
           log->end_ns / NS_PER_S, log->end_ns % NS_PER_S);
    printf(",\"executors\":%" PRIu64 ",\"workers\":%" PRIu64 ",\"hosts\":%" PRIu64
           ",\"rows_read\":%" PRIu64 ",\"bytes_read\":%" PRIu64 ",\"bytes_written\":%" PRIu64
           ",\"spilled_bytes\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"host\":",
           log->executor_count, job_log_worker_count(log), log->node_count, rows_of(log),
           log->ended.bytes_read, log->ended.bytes_written, log->ended.spilled_bytes,
           log->dropped_count);
    json_write(stdout, first_host(log));
    fputs(",\"output\":", stdout);
    json_write(stdout, log->ended.output);
    fputs(",\"path\":", stdout);
    json_write(stdout, found->path);
    fputs("}\n", stdout);
}

static bool is_wanted(const struct command_options *options, const char *id)
{
    bool wanted = options->job_count == 0;
    for (int i = 0; i < options->job_count; i++)
        wanted |= strncmp(id, options->jobs[i], strlen(options->jobs[i])) == 0;
    return wanted;
}

/* One that cannot be read is told of, and does not hide the others; the last such error ends the
 * command. */
barks_status *log_command(const struct command_options *options)
{
    struct found_logs logs = {0};
    barks_status *bad = NULL;
    if (options->output != NULL)
        BARKS_FAIL(BARKS_INVALID, "-o is an option of barks report and barks trace");
    if (options->directory == NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "the directory of event logs is not known: name it (--dir DIR), or "
                   "set event_log in barks.conf, by which jobs write them");
    BARKS_TRY(find_logs(options->directory, "", &logs));
    for (uint64_t i = 0; i < logs.count; i++) {
        struct found_log *found = &logs.items[i];
        BARKS_AUTO(job_log) log = {0};
        if (!is_wanted(options, found->id))
            continue;
        barks_status *status = job_log_read(found->path, &log);
        if (status != NULL && bad != NULL) {
            char text[1000];
            barks_status_format(bad, text, sizeof text);
            fprintf(stderr, "barks: %s\n", text);
        }
        if (status != NULL) {
            barks_status_free(bad);
            bad = status;
            continue;
        }
        if (options->as_json)
            print_json(found, state_of(&log, found->is_part), &log);
        else
            print_line(found->id, state_of(&log, found->is_part), &log);
    }
    found_logs_drop(&logs);
    return bad;
}
