/* What the tasks of a stage need, of what its steps say. */
#pragma once

#include "exec/pipeline.h"

/* Sets pipeline->needs: of each thing the most that a step says that is computed there. Errors:
 * BARKS_NO_MEMORY, BARKS_LIMIT. O(steps and kept partitions). */
BARKS_CHECKED barks_status *needs_find(struct pipeline *pipeline);
