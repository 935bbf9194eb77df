/* Stages that tell each other the hot keys of a join (exec/pipeline.h, enum hot_role), or which
 * keys there are (enum filter_role): the one begins after the other, and is told what that has
 * found. */
#pragma once

#include "plan/stage_cut.h"

#include <stdint.h>

#define STAGE_NONE UINT32_MAX

/* The stage begins when the other one is over. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_begin_after(struct stage_plan *stage, uint32_t other);

/* The stage whose hot keys this one is told, and the one that is told this one's; STAGE_NONE: none.
 */
uint32_t hot_stage_before(const struct job_plan *plan, uint32_t stage);
uint32_t hot_stage_after(const struct job_plan *plan, uint32_t stage);

/* What a stage has found, once it is told; NULL: it does not tell any. */
const struct hot_list *hot_stage_found(const struct job_plan *plan, uint32_t stage);

/* Likewise of all keys: the stage whose keys this one is told, of FILTER_TESTS, and the one that is
 * told this one's, of FILTER_COLLECTS; STAGE_NONE: none. */
uint32_t filter_stage_before(const struct job_plan *plan, uint32_t stage);
uint32_t filter_stage_after(const struct job_plan *plan, uint32_t stage);

/* A stage of HOT_COPY has nothing to copy: it need not run, and who reads its shuffle is told that
 * it is empty. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *hot_stage_skip(struct job_plan *plan, uint32_t stage);
