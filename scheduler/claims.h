/* Who must run each partition of a stage: whoever holds what it reads, or keeps what it makes. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct executor_table;
struct stage;

/* Begins zeroed, ends with claims_drop. Where a range of one owner begins although the one before
 * it may have the same is told too. */
struct claims {
    uint32_t *owners; /* owned, as the next; EXECUTOR_NONE: anybody */
    bool *is_begin;
};

/* Errors: BARKS_NO_MEMORY. O(partitions and inputs). */
BARKS_CHECKED barks_status *claims_fill(const struct stage *stage,
                                        const struct executor_table *table, struct claims *claims);
void claims_drop(struct claims *claims);
