/* Who worked when, as a picture: a bar for each attempt, or, where there are too many for a
 * browser, how busy executors were. */
#include "base/units.h"
#include "cli/job_log.h"
#include "cli/report.h"
#include "cli/text_out.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    BARS_MAX = 4000,
    LANES_MAX = 256,
    GROUPS_MAX = 64, /* rows of the picture of how busy they were */
    BINS = 400,
    LEVELS = 20, /* of how dark a bar is */
    WIDTH = 1000,
    LEFT = 110, /* room for names */
    LANE_HEIGHT = 9,
    GROUP_HEIGHT = 14,
    TICKS = 5,
};

static const char *const colours[] = {"#4878a8", "#6aa56a", "#c78a3b", "#8a6bb0",
                                      "#4fa3a5", "#b56576", "#7d7d3f", "#5a5f9e"};

static double x_of(const struct job_log *log, uint64_t time_ns)
{
    double all = log->end_ns > 0 ? (double)log->end_ns : 1;
    double share = (double)time_ns / all;
    return LEFT + (share < 1 ? share : 1) * (WIDTH - LEFT);
}

static void open_picture(FILE *out, const struct job_log *log, uint64_t height)
{
    fprintf(out,
            "<svg id=\"timeline\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %" PRIu64
            "\" font-size=\"9\" font-family=\"sans-serif\">\n",
            WIDTH, height + 20);
    for (uint64_t tick = 0; tick <= TICKS; tick++) {
        uint64_t time_ns = log->end_ns / TICKS * tick;
        double x = x_of(log, time_ns);
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"0\" x2=\"%.1f\" y2=\"%" PRIu64
                "\" stroke=\"#bbb\" stroke-width=\".5\"/><text x=\"%.1f\" y=\"%" PRIu64
                "\" text-anchor=\"%s\">%s</text>\n",
                x, x, height + 4, x, height + 15, tick < TICKS ? "middle" : "end",
                units_duration(time_ns).text);
    }
}

static void name_row(FILE *out, const struct job_log *log, uint64_t first, uint64_t end, uint64_t y)
{
    fprintf(out, "<text x=\"2\" y=\"%" PRIu64 "\">%" PRIu64, y, first + 1);
    if (end > first + 1)
        fprintf(out, " to %" PRIu64, end);
    else if (log->executors[first].is.host != NULL) {
        fputs(" on ", out);
        html_write(out, log->executors[first].is.host);
    }
    fputs("</text>\n", out);
}

static void draw_attempt(FILE *out, const struct job_log *log, const struct logged_attempt *attempt,
                         uint64_t y)
{
    uint64_t end_ns = logged_attempt_end(log, attempt);
    double x = x_of(log, attempt->begin_ns), width = x_of(log, end_ns) - x;
    enum attempt_state state = logged_attempt_state(attempt);
    fprintf(out,
            "<rect x=\"%.2f\" y=\"%" PRIu64 "\" width=\"%.2f\" height=\"%d\" fill=\"%s\"%s><title>"
            "action %" PRIu64 ", stage %" PRIu64 ", task %" PRIu64 ", attempt %" PRIu64
            ": %s, %s rows, %s</title></rect>\n",
            x, y, width > 0.4 ? width : 0.4, LANE_HEIGHT - 1,
            state == ATTEMPT_FAILED ? "#c00"
                                    : colours[attempt->stage % (sizeof colours / sizeof *colours)],
            state == ATTEMPT_OPEN || state == ATTEMPT_CANCELLED ? " fill-opacity=\".4\"" : "",
            attempt->action, attempt->stage + 1, attempt->task, attempt->attempt,
            units_duration(end_ns - attempt->begin_ns).text,
            count_with_gaps(attempt->rows_read).text, attempt_state_name(state));
}

static uint64_t count_lanes(const struct job_log *log)
{
    uint64_t lanes = 0;
    for (uint64_t i = 0; i < log->executor_count; i++)
        lanes += log->executors[i].lane_count > 0 ? log->executors[i].lane_count : 1;
    return lanes;
}

static void draw_bars(FILE *out, const struct job_log *log)
{
    uint64_t tops[LANES_MAX], y = 0; /* no more executors than lanes */
    open_picture(out, log, count_lanes(log) * LANE_HEIGHT + 2 * log->executor_count);
    for (uint64_t i = 0; i < log->executor_count; i++) {
        uint64_t lanes = log->executors[i].lane_count > 0 ? log->executors[i].lane_count : 1;
        tops[i] = y;
        name_row(out, log, i, i + 1, y + LANE_HEIGHT - 1);
        y += lanes * LANE_HEIGHT + 2;
    }
    for (uint64_t i = 0; i < log->attempt_count; i++)
        draw_attempt(out, log, &log->attempts[i],
                     tops[log->attempts[i].executor - 1] +
                         (uint64_t)log->attempts[i].lane * LANE_HEIGHT);
    fputs("</svg>\n", out);
}

/* Adds to each bin how long the attempt was in it. */
static void add_busy(const struct job_log *log, const struct logged_attempt *attempt, double *bins)
{
    double bin_ns = (double)log->end_ns / BINS;
    double begin = (double)attempt->begin_ns / bin_ns,
           end = (double)logged_attempt_end(log, attempt) / bin_ns;
    for (uint32_t bin = begin < BINS ? (uint32_t)begin : BINS; bin < BINS && bin < end; bin++) {
        double from = begin > bin ? begin : bin, to = end < bin + 1 ? end : bin + 1;
        bins[bin] += to - from;
    }
}

static uint32_t level_of(double bin, uint64_t workers)
{
    double share = bin / (double)(workers > 0 ? workers : 1);
    return (uint32_t)((share < 1 ? share : 1) * LEVELS + 0.5);
}

/* Neighbours that are equally busy are one bar. */
static void draw_group(FILE *out, const double *bins, uint64_t workers, uint64_t y)
{
    for (uint32_t begin = 0, end; begin < BINS; begin = end) {
        uint32_t level = level_of(bins[begin], workers);
        for (end = begin + 1; end < BINS && level_of(bins[end], workers) == level;)
            end++;
        if (level > 0)
            fprintf(out,
                    "<rect x=\"%.1f\" y=\"%" PRIu64 "\" width=\"%.1f\" height=\"%d\" "
                    "fill=\"#4878a8\" fill-opacity=\"%.2f\"/>\n",
                    LEFT + (double)begin * (WIDTH - LEFT) / BINS, y,
                    (double)(end - begin) * (WIDTH - LEFT) / BINS, GROUP_HEIGHT - 2,
                    (double)level / LEVELS);
    }
}

static void draw_busy(FILE *out, const struct job_log *log)
{
    uint64_t groups = log->executor_count < GROUPS_MAX ? log->executor_count : GROUPS_MAX;
    double *bins = calloc(groups * BINS, sizeof *bins);
    if (bins == NULL || log->end_ns == 0) {
        free(bins);
        return;
    }
    for (uint64_t i = 0; i < log->attempt_count; i++)
        add_busy(log, &log->attempts[i],
                 bins + (log->attempts[i].executor - 1) * groups / log->executor_count * BINS);
    open_picture(out, log, groups * GROUP_HEIGHT);
    for (uint64_t group = 0; group < groups; group++) {
        uint64_t first = (group * log->executor_count + groups - 1) / groups,
                 end = ((group + 1) * log->executor_count + groups - 1) / groups, workers = 0;
        for (uint64_t i = first; i < end; i++)
            workers += log->executors[i].is.worker_count;
        name_row(out, log, first, end, (group + 1) * GROUP_HEIGHT - 3);
        draw_group(out, bins + group * BINS, workers, group * GROUP_HEIGHT);
    }
    fputs("</svg>\n", out);
    free(bins);
}

void report_timeline(FILE *out, const struct job_log *log)
{
    if (log->attempt_count == 0)
        return;
    fputs("<h2>Timeline</h2>\n", out);
    if (log->attempt_count <= BARS_MAX && count_lanes(log) <= LANES_MAX) {
        fputs("<p class=\"n\">A bar for each attempt, by executor and worker, coloured by stage; "
              "failed ones are red, those without an end or cancelled pale.</p>\n",
              out);
        draw_bars(out, log);
        return;
    }
    fprintf(out,
            "<p class=\"n\">%" PRIu64
            " attempts: how many of the executors' workers were busy, the "
            "darker the more.</p>\n",
            log->attempt_count);
    draw_busy(out, log);
}
