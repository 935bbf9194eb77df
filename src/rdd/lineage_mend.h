/* A dataset becomes another one of the same rows, and what was made of it before follows. */
#pragma once

#include "rdd/dataset.h"

/* All under the planning lock. */

/* The handle becomes a step that passes on the rows of the one that it was (STEP_KEEP, of which
 * nothing is kept yet), so that what is put in that one's place is read by all who hold the handle.
 * That one goes on under a handle of the context's own, *out_inner. Errors: BARKS_NO_MEMORY; or the
 * handle itself bears the error, and *out_inner is as it was. */
BARKS_CHECKED barks_status *lineage_put_above(barks_rdd *rdd, barks_rdd **out_inner);

/* After a dataset has become another: steps that read its partitions, made before, read them where
 * they now lie. Pairs of partitions that no longer lie together are brought together by exchanges.
 * Errors: BARKS_NO_MEMORY, BARKS_LIMIT. Cost: O(datasets of the context). */
BARKS_CHECKED barks_status *lineage_mend(barks_context *context);
