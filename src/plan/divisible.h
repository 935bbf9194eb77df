/* Which stages can have partitions that several tasks read, each a piece (scheduler/pieces.h). */
#pragma once

#include "plan/stage_cut.h"

/* Sets piece_role of the stage's steps, and is_in_pieces of its inputs, which are known; plan has
 * the stages that fill these. A stage stays as it is whose rows would be others than those of whole
 * partitions, or come in another order, or which does something for each partition. Errors:
 * BARKS_NO_MEMORY. O(steps and inputs). */
BARKS_CHECKED barks_status *divisible_find(const struct job_plan *plan, struct stage_plan *stage);
