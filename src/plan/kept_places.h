/* Where the partitions of a stage must run so that they find what is kept. */
#pragma once

#include "barks/status.h"
#include "exec/pipeline.h"

#include <stdint.h>

struct cut_options;

/**
 * Chooses, of the kept partitions that pipeline's nodes name in kept_at, those that are read: one
 * that is kept elsewhere than the partition of the stage must run, by its shuffles or by what else
 * it reads, is read from its second copy (copy_at), or, where that is not there either, forgotten
 * (0 in kept_at), so that it is computed again.
 *
 * Ownership: *out_pins is the caller's (free): for each partition of the stage the executor that
 *            keeps what it reads, SCHEDULER_ANY where its shuffles decide or nothing is kept; NULL
 *            where there is none of them.
 * Errors:    BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *kept_places_choose(struct pipeline *pipeline,
                                               const struct cut_options *options,
                                               uint32_t **out_pins);
