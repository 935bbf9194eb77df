/* Where the partitions of a stage are best read, in the scheduler's words. */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"

struct members;
struct stage_plan;

/* As of struct stage_spec; both NULL: no partition has a wish that can be fulfilled. Begins zeroed,
 * ends with stage_places_drop. */
struct stage_places {
    uint32_t *firsts;     /* owned */
    struct place *places; /* owned */
};

/* Hosts that the job has no executor on are left out. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_places_fill(const struct stage_plan *stage,
                                              const struct members *members,
                                              struct stage_places *out);
void stage_places_drop(struct stage_places *places);
