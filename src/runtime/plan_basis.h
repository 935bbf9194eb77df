/* What plans follow from besides the lineage, to tell whether one that failed is to be made anew.
 */
#pragma once

#include "barks/status.h"
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>

/* Begins zeroed, which is before the first try. Threads: who holds the planning lock. */
struct plan_basis {
    uint32_t tries;
    uint64_t kept_changes, stored_losses, begun_again, inputs_gone;
    uint64_t damages; /* before the first try */
};

/* A plan is about to be made; takes in what executors have said of kept partitions. */
void plan_basis_note(barks_context *context, struct plan_basis *basis);

/**
 * Whether another plan may succeed, now that jobs of this one have ended with status (borrowed;
 * NULL: well). A kept partition may have been evicted, or the dataset unpersisted, between the
 * planning and its reading; rows that were put on disk, or a stored stage, turn out to be damaged;
 * an executor was lost with what cannot be made again in parts; or a task that took too long ended
 * as it was given up. The last try, and anything else, is not tried again.
 */
bool plan_basis_has_changed(barks_context *context, struct plan_basis *basis,
                            const barks_status *status);

/* What an action ends with that is not tried again: status (taken; NULL: well), but of rows that
 * disks have damaged, time and again, BARKS_IO: starting the job again would not help. */
BARKS_CHECKED barks_status *plan_basis_give_up(const barks_context *context,
                                               const struct plan_basis *basis,
                                               barks_status *status);
