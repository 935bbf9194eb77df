/* The parts of the page that `barks report` writes. */
#pragma once

#include "barks/status.h"

#include <stdint.h>
#include <stdio.h>

struct job_log;
struct logged_attempt;

/* Attempts of all stages, those of one stage together, the shortest first. Begins with
 * stage_times_init, ends with stage_times_drop. */
struct stage_times {
    const struct logged_attempt **sorted; /* owned; only attempts that ended well */
    uint64_t count;
};
BARKS_CHECKED barks_status *stage_times_init(const struct job_log *log,
                                             struct stage_times *out_times);
void stage_times_drop(struct stage_times *times);
/* Those of one stage: [*out_first, *out_end) of sorted. */
void stage_times_find(const struct stage_times *times, uint64_t action, uint64_t stage,
                      uint64_t *out_first, uint64_t *out_end);

/* Nanoseconds that workers spent in tasks. */
uint64_t report_busy_ns(const struct job_log *log);

void report_timeline(FILE *out, const struct job_log *log);
void report_stages(FILE *out, const struct job_log *log, const struct stage_times *times);
void report_advice(FILE *out, const struct job_log *log, const struct stage_times *times);
