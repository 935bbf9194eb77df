/* Is a submitted job one that can be run? */
#pragma once

#include "barks/status.h"
#include "scheduler/event.h"

/* Errors: BARKS_INVALID with the stage and the rule, BARKS_LIMIT, BARKS_NO_MEMORY. O(n log n). */
BARKS_CHECKED barks_status *job_spec_check(const struct job_spec *spec);
