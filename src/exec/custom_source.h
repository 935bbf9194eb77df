/* Calls of a BARKS_SOURCE. */
#pragma once

#include "barks/status.h"
#include "exec/custom_splits.h"

struct pool;

/* Adds the splits that the source lists, with its env. Called by: the driver. Errors: those of the
 * body, BARKS_USER_ERROR; of custom_splits_add. */
BARKS_CHECKED barks_status *custom_source_list(const barks_function *source, const void *env,
                                               struct pool *pool, struct custom_splits *out);
