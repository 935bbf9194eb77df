/* barks report: one page of HTML that needs nothing else. */
#include "cli/report.h"

#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/job_log.h"
#include "cli/text_out.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { FAILURES_MAX = 100, EXECUTORS_MAX = 512, TIME_BYTES = 64 };

static const char style[] =
    "<style>\n"
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;"
    "color:#222;background:#fff}\n"
    "h1{font-size:1.5em;margin:0}h2{font-size:1.15em;margin:2em 0 .5em}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd;vertical-align:top}\n"
    "th{background:#f4f4f4;position:sticky;top:0}\n"
    ".t{text-align:left}.e{color:#a00}.n{color:#777}\n"
    "pre{background:#f4f4f4;padding:.8em;overflow:auto;white-space:pre-wrap}\n"
    "svg{width:100%;height:auto;border:1px solid #ddd}\n"
    ".wide{overflow-x:auto}\n"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}th,pre{background:#"
    "262626}"
    "th,td,svg{border-color:#444}.e{color:#f88}svg text{fill:#ddd}}\n"
    "</style>\n";

uint64_t report_busy_ns(const struct job_log *log)
{
    uint64_t busy_ns = 0;
    for (uint64_t i = 0; i < log->attempt_count; i++)
        busy_ns += logged_attempt_end(log, &log->attempts[i]) - log->attempts[i].begin_ns;
    return busy_ns;
}

static void heading(FILE *out, const struct job_log *log, const char *id)
{
    char when[TIME_BYTES] = "";
    time_t seconds = (time_t)(log->job.start_wall_ns / NS_PER_S);
    struct tm parts = {0};
    if (gmtime_r(&seconds, &parts) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>", out);
    html_write(out, id);
    fputs("</title>\n", out);
    fputs(style, out);
    fputs("</head><body>\n<h1>", out);
    html_write(out, log->job.name);
    fprintf(out, ": <span%s>%s</span></h1>\n<p class=\"n\">",
            log->has_ended && log->ended.exit_code == 0 ? "" : " class=\"e\"",
            job_log_outcome(log));
    html_write(out, id);
    fprintf(out, " &middot; %s &middot; barks ", when);
    html_write(out, log->job.version);
    if (log->job.slurm_job != NULL) {
        fputs(" &middot; Slurm job ", out);
        html_write(out, log->job.slurm_job);
    }
    fputs("</p>\n", out);
}

static void row(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<tr><td class=\"t\">%s</td><td class=\"t\">", name);
    html_write(out, value);
    fputs("</td></tr>\n", out);
}

static void summary(FILE *out, const struct job_log *log)
{
    char text[200];
    uint64_t workers = job_log_worker_count(log);
    double busy = (double)report_busy_ns(log);
    double given = (double)workers * (double)log->end_ns;
    fputs("<table id=\"summary\">\n", out);
    row(out, "time", units_duration(log->end_ns).text);
    snprintf(text, sizeof text, "%" PRIu64 " with %" PRIu64 " workers on %" PRIu64 " host%s",
             log->executor_count, workers, log->node_count, log->node_count == 1 ? "" : "s");
    row(out, "executors", text);
    snprintf(text, sizeof text, "%.0f %% of the workers' time", given > 0 ? 100 * busy / given : 0);
    row(out, "busy", text);
    if (log->has_ended) {
        snprintf(text, sizeof text, "%" PRIu64 " stages, %" PRIu64 " tasks", log->ended.stage_count,
                 log->ended.task_count);
        row(out, "work", text);
        snprintf(text, sizeof text, "%" PRIu64 " stages", log->ended.skipped_count);
        row(out, "skipped", text);
        snprintf(text, sizeof text, "%s rows, %s", count_with_gaps(log->ended.rows_read).text,
                 units_bytes(log->ended.bytes_read).text);
        row(out, "read", text);
        row(out, "shuffled", units_bytes(log->ended.bytes_shuffled).text);
        row(out, "spilled", units_bytes(log->ended.spilled_bytes).text);
        snprintf(text, sizeof text, "%s rows, %s", count_with_gaps(log->ended.rows_written).text,
                 units_bytes(log->ended.bytes_written).text);
        row(out, "written", text);
        row(out, "peak memory of all executors", units_bytes(log->ended.peak_bytes).text);
        snprintf(text, sizeof text, "%" PRIu64, log->ended.exit_code);
        row(out, "exit status", text);
    }
    if (log->ended.output != NULL)
        row(out, "output", log->ended.output);
    fputs("</table>\n", out);
}

/* What the log itself lacks. */
static void gaps(FILE *out, const struct job_log *log)
{
    if (!log->has_ended)
        fputs("<p class=\"e\">The log does not tell the job's end: it still ran, or was killed, or "
              "never called barks_finalize. What follows is what is known.</p>\n",
              out);
    if (log->is_cut)
        fputs("<p class=\"e\">The log ends within an event.</p>\n", out);
    if (log->dropped_count > 0)
        fprintf(out,
                "<p class=\"e\">%" PRIu64 " events were dropped: the disk of the log was too "
                "slow.</p>\n",
                log->dropped_count);
    if (log->damaged_count > 0)
        fprintf(out, "<p class=\"e\">%" PRIu64 " events are damaged and were passed over.</p>\n",
                log->damaged_count);
    if (log->unknown_count > 0)
        fprintf(out,
                "<p class=\"n\">%" PRIu64 " events are of kinds that only a later barks "
                "knows.</p>\n",
                log->unknown_count);
}

static void failure(FILE *out, uint64_t time_ns, const char *where, uint64_t exit_code,
                    const char *error)
{
    fprintf(out, "<tr><td>%s</td><td class=\"t\">", units_duration(time_ns).text);
    html_write(out, where);
    fprintf(out, "</td><td>%" PRIu64 "</td><td class=\"t e\">", exit_code);
    html_write(out, error != NULL ? error : "(without a word)");
    fputs("</td></tr>\n", out);
}

/* An executor that was left out since tasks failed there. */
static void exclusion(FILE *out, const struct job_log *log, const struct history_excluded *excluded)
{
    const char *host = excluded->executor > 0 && excluded->executor <= log->executor_count
                           ? log->executors[excluded->executor - 1].is.host
                           : NULL;
    fprintf(out, "<tr><td>%s</td><td class=\"t\">executor %" PRIu64 " (",
            units_duration(excluded->time_ns).text, excluded->executor);
    html_write(out, host != NULL ? host : "unknown");
    fprintf(out, ") is left out of action %" PRIu64, excluded->action);
    if (excluded->whole_action == 0)
        fprintf(out, ", stage %" PRIu64, excluded->stage + 1);
    fprintf(out, ", until %s</td><td></td><td class=\"t e\">",
            units_duration(excluded->until_ns).text);
    html_write(out, excluded->error != NULL ? excluded->error : "(without a word)");
    fputs("</td></tr>\n", out);
}

static bool failed(const struct logged_attempt *attempt)
{
    return logged_attempt_state(attempt) == ATTEMPT_FAILED;
}

static void failures(FILE *out, const struct job_log *log)
{
    char where[200];
    uint64_t count = log->trouble_count + log->exclusion_count, shown = 0;
    for (uint64_t i = 0; i < log->attempt_count; i++)
        count += failed(&log->attempts[i]);
    for (uint64_t i = 0; i < log->action_count; i++)
        count += log->actions[i].exit_code != 0;
    if (count == 0)
        return;
    fprintf(out,
            "<h2>Failures</h2>\n<table id=\"failures\"><tr><th>at</th><th class=\"t\">where</th>"
            "<th>status</th><th class=\"t\">why</th></tr>\n");
    for (uint64_t i = 0; i < log->trouble_count && shown < FAILURES_MAX; i++, shown++)
        failure(out, log->troubles[i].time_ns, "the driver", log->troubles[i].exit_code,
                log->troubles[i].error);
    for (uint64_t i = 0; i < log->exclusion_count && shown < FAILURES_MAX; i++, shown++)
        exclusion(out, log, &log->exclusions[i]);
    for (uint64_t i = 0; i < log->action_count && shown < FAILURES_MAX; i++) {
        const struct logged_action *action = &log->actions[i];
        if (action->exit_code == 0)
            continue;
        shown++;
        failure(out, action->end_ns, action->began.what, action->exit_code, action->error);
    }
    for (uint64_t i = 0; i < log->attempt_count && shown < FAILURES_MAX; i++) {
        const struct logged_attempt *attempt = &log->attempts[i];
        if (!failed(attempt))
            continue;
        shown++;
        snprintf(where, sizeof where,
                 "action %" PRIu64 ", stage %" PRIu64 ", task %" PRIu64 ", attempt %" PRIu64
                 ", executor %" PRIu64,
                 attempt->action, attempt->stage + 1, attempt->task, attempt->attempt,
                 attempt->executor);
        failure(out, attempt->end_ns, where, attempt->exit_code, attempt->error);
    }
    fputs("</table>\n", out);
    if (shown < count)
        fprintf(out, "<p class=\"n\">and %" PRIu64 " more</p>\n", count - shown);
}

static void executors(FILE *out, const struct job_log *log)
{
    fputs("<h2>Executors</h2>\n<table id=\"executors\"><tr><th>executor</th><th "
          "class=\"t\">host</th><th>workers</th><th>cores</th><th>budget</th><th>peak</th>"
          "<th>spilled</th></tr>\n",
          out);
    for (uint64_t i = 0; i < log->executor_count && i < EXECUTORS_MAX; i++) {
        const struct logged_executor *executor = &log->executors[i];
        fprintf(out, "<tr><td>%" PRIu64 "</td><td class=\"t\">", i + 1);
        html_write(out, executor->is.host);
        fprintf(out,
                "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%s</td><td>%s</td>"
                "<td>%s</td></tr>\n",
                executor->is.worker_count, executor->is.core_count,
                units_bytes(executor->is.memory_bytes).text, units_bytes(executor->peak_bytes).text,
                units_bytes(executor->spilled_bytes).text);
    }
    fputs("</table>\n", out);
    if (log->executor_count > EXECUTORS_MAX)
        fprintf(out, "<p class=\"n\">and %" PRIu64 " more</p>\n",
                log->executor_count - EXECUTORS_MAX);
}

static void settings(FILE *out, const struct job_log *log)
{
    fputs("<h2>Settings</h2>\n<table id=\"settings\"><tr><th class=\"t\">key</th><th "
          "class=\"t\">value</th><th class=\"t\">from</th></tr>\n",
          out);
    for (uint64_t i = 0; i < log->setting_count; i++) {
        const struct history_setting *setting = &log->settings[i];
        bool is_default = setting->origin != NULL && strcmp(setting->origin, "default") == 0;
        fprintf(out, "<tr%s><td class=\"t\">", is_default ? " class=\"n\"" : "");
        html_write(out, setting->key);
        fputs("</td><td class=\"t\">", out);
        html_write(out, setting->value);
        fputs("</td><td class=\"t\">", out);
        html_write(out, setting->origin);
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
}

/* Executors that the job went on without. */
static void losses(FILE *out, const struct job_log *log)
{
    if (log->departure_count == 0)
        return;
    fprintf(out, "<h2>Lost executors</h2>\n<table id=\"losses\"><tr><th>at</th>"
                 "<th>executor</th><th class=\"t\">why</th></tr>\n");
    for (uint64_t i = 0; i < log->departure_count && i < FAILURES_MAX; i++) {
        const struct history_executor_lost *lost = &log->departures[i];
        fprintf(out, "<tr><td>%s</td><td>%" PRIu64 "</td><td class=\"t e\">",
                units_duration(lost->time_ns).text, lost->executor);
        html_write(out, lost->error != NULL ? lost->error : "(without a word)");
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
    for (uint64_t i = 0; i < log->recovery_count && i < FAILURES_MAX; i++) {
        const struct history_recovery *recovery = &log->recoveries[i];
        fprintf(out, "<p>At %s", units_duration(recovery->time_ns).text);
        fprintf(out, " the job went on, %s", units_duration(recovery->took_ns).text);
        fprintf(out,
                " after %" PRIu64 " of them were found to be lost: %" PRIu64
                " tasks again, %s sent again.</p>\n",
                recovery->lost_count, recovery->task_count, units_bytes(recovery->sent_bytes).text);
    }
}

barks_status *report_write(FILE *out, const struct job_log *log, const char *id)
{
    struct stage_times times = {0};
    BARKS_TRY(stage_times_init(log, &times));
    heading(out, log, id);
    gaps(out, log);
    summary(out, log);
    failures(out, log);
    losses(out, log);
    report_advice(out, log, &times);
    report_timeline(out, log);
    report_stages(out, log, &times);
    executors(out, log);
    settings(out, log);
    fputs("</body></html>\n", out);
    stage_times_drop(&times);
    return NULL;
}
