/* The executors among whom the partitions of some shuffles are divided: those alive at one moment.
 */
#pragma once

#include "barks/status.h"

#include <stdint.h>

/* Immutable once made and counted: thousands of stages share one. Members may be lost since; their
 * ranges then belong to their heirs (executor.h). */
struct roster {
    uint32_t reference_count;
    uint32_t member_count;
    uint32_t *executors;     /* ascending */
    uint32_t *worker_counts; /* the second half of the same allocation */
};

/* Room for that many members, which the caller fills in. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *roster_create(uint32_t member_count, struct roster **out_roster);
struct roster *roster_acquire(struct roster *roster);
void roster_release(struct roster *roster); /* NULL is fine */
