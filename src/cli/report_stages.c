/* A line for each stage: how long its tasks took, and how unevenly. */
#include "base/units.h"
#include "cli/job_log.h"
#include "cli/report.h"
#include "cli/text_out.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STAGES_MAX = 2000, QUANTILES = 5 };

static uint64_t duration_of(const struct logged_attempt *attempt)
{
    return attempt->end_ns - attempt->begin_ns;
}

static int compare_stage(const struct logged_attempt *attempt, uint64_t action, uint64_t stage)
{
    if (attempt->action != action)
        return attempt->action < action ? -1 : 1;
    return (attempt->stage > stage) - (attempt->stage < stage);
}

static int by_stage_and_time(const void *left, const void *right)
{
    const struct logged_attempt *a = *(const struct logged_attempt *const *)left,
                                *b = *(const struct logged_attempt *const *)right;
    int order = compare_stage(a, b->action, b->stage);
    if (order != 0)
        return order;
    return (duration_of(a) > duration_of(b)) - (duration_of(a) < duration_of(b));
}

barks_status *stage_times_init(const struct job_log *log, struct stage_times *out_times)
{
    *out_times = (struct stage_times){0};
    out_times->sorted = calloc(log->attempt_count + 1, sizeof(const struct logged_attempt *));
    if (out_times->sorted == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu64 " attempts", log->attempt_count);
    for (uint64_t i = 0; i < log->attempt_count; i++)
        if (log->attempts[i].end_ns != TIME_OPEN && log->attempts[i].exit_code == 0)
            out_times->sorted[out_times->count++] = &log->attempts[i];
    qsort(out_times->sorted, out_times->count, sizeof(const struct logged_attempt *),
          by_stage_and_time);
    return NULL;
}

void stage_times_drop(struct stage_times *times)
{
    free(times->sorted);
    *times = (struct stage_times){0};
}

/* The first attempt that does not come before the stage, or before the one after it. */
static uint64_t find_bound(const struct stage_times *times, uint64_t action, uint64_t stage,
                           bool after)
{
    uint64_t low = 0, high = times->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = compare_stage(times->sorted[middle], action, stage);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void stage_times_find(const struct stage_times *times, uint64_t action, uint64_t stage,
                      uint64_t *out_first, uint64_t *out_end)
{
    *out_first = find_bound(times, action, stage, false);
    *out_end = find_bound(times, action, stage, true);
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The 0, 25, 50, 75 and 100 % of what tasks read. */
static void row_quantiles(FILE *out, const struct stage_times *times, uint64_t first, uint64_t end)
{
    uint64_t count = end - first;
    uint64_t *rows = calloc(count + 1, sizeof *rows);
    fputs("<td>", out);
    if (rows == NULL)
        fputs("(no memory)", out);
    for (uint64_t i = 0; i < count && rows != NULL; i++)
        rows[i] = times->sorted[first + i]->rows_read;
    if (rows != NULL && count > 0) {
        qsort(rows, count, sizeof *rows, by_number);
        for (uint64_t q = 0; q < QUANTILES; q++)
            fprintf(out, "%s%s", q > 0 ? " / " : "",
                    count_with_gaps(rows[(count - 1) * q / (QUANTILES - 1)]).text);
    }
    fputs("</td>", out);
    free(rows);
}

static void time_quantiles(FILE *out, const struct stage_times *times, uint64_t first, uint64_t end)
{
    uint64_t count = end - first;
    for (uint64_t q = 0; q < QUANTILES; q++) {
        fputs("<td>", out);
        if (count > 0)
            fputs(units_duration(
                      duration_of(times->sorted[first + (count - 1) * q / (QUANTILES - 1)]))
                      .text,
                  out);
        fputs("</td>", out);
    }
}

static void stage_line(FILE *out, const struct job_log *log, const struct logged_stage *stage,
                       const struct stage_times *times)
{
    uint64_t first = 0, end = 0, rows = 0, bytes = 0, sent = 0;
    stage_times_find(times, stage->began.action, stage->began.stage, &first, &end);
    for (uint64_t i = first; i < end; i++) {
        rows += times->sorted[i]->rows_read;
        bytes += times->sorted[i]->bytes_read;
        sent += times->sorted[i]->bytes_sent;
    }
    uint64_t end_ns = stage->end_ns != TIME_OPEN ? stage->end_ns : log->end_ns;
    uint64_t took_ns = end_ns > stage->began.time_ns ? end_ns - stage->began.time_ns : 0;
    fprintf(out, "<tr><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td class=\"t\">",
            stage->began.action, stage->began.stage + 1);
    html_write(out, stage->began.reads);
    fputs(" &rarr; ", out);
    html_write(out, stage->began.output);
    if (stage->began.steps != NULL) {
        fputs("<br><span class=\"n\">", out);
        html_write(out, stage->began.steps);
        fputs("</span>", out);
    }
    fprintf(out, "</td><td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%s%s</td>",
            stage->began.partition_count, end - first, units_duration(took_ns).text,
            stage->end_ns == TIME_OPEN ? " <span class=\"e\">no end</span>" : "");
    fprintf(out, "<td>%s</td><td>%s</td><td>%s</td>", count_with_gaps(rows).text,
            units_bytes(bytes).text, units_bytes(sent).text);
    time_quantiles(out, times, first, end);
    row_quantiles(out, times, first, end);
    fputs("</tr>\n", out);
}

static void skipped_stages(FILE *out, const struct job_log *log)
{
    if (log->skip_count == 0)
        return;
    fputs("<h2>Skipped stages</h2>\n<table id=\"skipped\"><tr><th>action</th><th>stage</th>"
          "<th class=\"t\">steps</th><th class=\"t\">why</th></tr>\n",
          out);
    for (uint64_t i = 0; i < log->skip_count && i < STAGES_MAX; i++) {
        const struct history_stage_skipped *skip = &log->skips[i];
        fprintf(out, "<tr><td>%" PRIu64 "</td>", skip->action);
        if (skip->stage == UINT32_MAX)
            fputs("<td>not planned</td>", out);
        else
            fprintf(out, "<td>%" PRIu64 "</td>", skip->stage + 1);
        fputs("<td class=\"t\">", out);
        html_write(out, skip->steps);
        fputs("</td><td class=\"t\">", out);
        html_write(out, skip->reason);
        fputs("</td></tr>\n", out);
    }
    fputs("</table>\n", out);
    if (log->skip_count > STAGES_MAX)
        fprintf(out, "<p class=\"n\">and %" PRIu64 " more</p>\n", log->skip_count - STAGES_MAX);
}

void report_stages(FILE *out, const struct job_log *log, const struct stage_times *times)
{
    fputs("<h2>Stages</h2>\n<div class=\"wide\"><table id=\"stages\"><tr><th>action</th>"
          "<th>stage</th><th class=\"t\">from &rarr; to</th><th>partitions</th><th>tasks done</th>"
          "<th>time</th><th>rows</th><th>read</th><th>sent</th><th>task min</th><th>25 %</th>"
          "<th>median</th><th>75 %</th><th>max</th><th>rows of tasks, 0 / 25 / 50 / 75 / 100 %</th>"
          "</tr>\n",
          out);
    for (uint64_t i = 0; i < log->stage_count && i < STAGES_MAX; i++)
        stage_line(out, log, &log->stages[i], times);
    fputs("</table></div>\n", out);
    if (log->stage_count > STAGES_MAX)
        fprintf(out, "<p class=\"n\">and %" PRIu64 " more</p>\n", log->stage_count - STAGES_MAX);
    skipped_stages(out, log);
    fputs("<h2>Actions</h2>\n<table id=\"actions\"><tr><th>action</th><th class=\"t\">what</th>"
          "<th>stages</th><th>time</th><th>status</th></tr>\n",
          out);
    for (uint64_t i = 0; i < log->action_count && i < STAGES_MAX; i++) {
        const struct logged_action *action = &log->actions[i];
        uint64_t end_ns = action->end_ns != TIME_OPEN ? action->end_ns : log->end_ns;
        uint64_t took_ns = end_ns > action->began.time_ns ? end_ns - action->began.time_ns : 0;
        fprintf(out, "<tr><td>%" PRIu64 "</td><td class=\"t\">", action->began.action);
        if (action->began.description != NULL) {
            html_write(out, action->began.description);
            fputs(": ", out);
        }
        html_write(out, action->began.what);
        fprintf(out, "</td><td>%" PRIu64 "</td><td>%s</td>", action->began.stage_count,
                units_duration(took_ns).text);
        if (action->end_ns == TIME_OPEN)
            fputs("<td class=\"e\">no end</td></tr>\n", out);
        else
            fprintf(out, "<td%s>%" PRIu64 "</td></tr>\n",
                    action->exit_code != 0 ? " class=\"e\"" : "", action->exit_code);
    }
    fputs("</table>\n", out);
    if (log->action_count > STAGES_MAX)
        fprintf(out, "<p class=\"n\">and %" PRIu64 " more</p>\n", log->action_count - STAGES_MAX);
}
