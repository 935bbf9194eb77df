/* What the tasks of a job's last stage have sent to the driver, partition by partition. */
#pragma once

#include "barks/status.h"
#include "exec/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

/* How far somebody has read; begins with the job alone. Threads: one owner at a time. */
struct job_results {
    const struct job *job; /* borrowed */
    uint32_t task;
    size_t offset; /* in what the task has sent */
};

/* The next head, in the order of tasks, and where the head's bytes lie, which stay there; *out_more
 * is false at the end. Errors: BARKS_BAD_INPUT. */
BARKS_CHECKED barks_status *job_results_next(struct job_results *results,
                                             struct result_head *out_head,
                                             const uint8_t **out_bytes, bool *out_more);
/* The same; rows that follow are appended to `rows` (strings copied). */
BARKS_CHECKED barks_status *job_results_next_rows(struct job_results *results, struct batch *rows,
                                                  struct result_head *out_head, bool *out_more);
