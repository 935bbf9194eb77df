/* What a task was given of what it needs: for its bodies (barks/needs.h), and of the memory budget.
 */
#pragma once

#include "barks/status.h"
#include "base/name_counts.h"

#include <stdint.h>

struct task;

/* Of a task. Begins as {0}. */
struct given {
    uint32_t *indices; /* of resource after resource, as the stage's needs name them; owned */
    uint32_t ends[NAME_COUNTS_MAX];
    uint64_t reserved_bytes;
};

/* Reserves the memory that the task needs, and finds its indices. Errors: BARKS_LIMIT (others have
 * the memory and give nothing), BARKS_NO_MEMORY. Threads: the task's. */
BARKS_CHECKED barks_status *given_begin(struct task *task);
void given_end(struct task *task);
