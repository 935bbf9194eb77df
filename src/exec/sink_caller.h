/* Calls of a BARKS_SINK, by tasks and by the driver. */
#pragma once

#include "barks/custom.h"
#include "barks/status.h"

#include <stdint.h>

/* What the result of a task that writes into a sink consists of: the parts that it has committed.
 */
struct sink_committed {
    uint32_t partition, attempt;
    uint64_t row_count;
};

/* One part, or the driver's view of all. Begins zeroed, ends with sink_part_drop. */
struct sink_part {
    const barks_function *sink; /* borrowed, as are env and job_name */
    const void *env;
    const char *job_name;
    uint32_t partition, attempt;
    uint64_t row_count;
    void *state;                        /* owned */
    const struct barks_part *committed; /* BARKS_COMMIT_JOB; borrowed */
    uint32_t committed_count;
};

/* The rest is set by the caller. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *sink_part_begin(struct sink_part *part, const barks_function *sink,
                                            const void *env, const char *job_name);
void sink_part_drop(struct sink_part *part);

/* Calls the sink in this phase; call: columns and rows in BARKS_BATCH, and the task. Errors:
 * BARKS_USER_ERROR, with sink, phase and part. */
BARKS_CHECKED barks_status *sink_part_call(struct sink_part *part, int phase, barks_call *call);

/* BARKS_ABORT or BARKS_ABORT_JOB, which cannot fail: what it reports is logged. */
void sink_part_abort(struct sink_part *part, int phase, barks_call *call);
