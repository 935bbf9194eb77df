/* Steps whose function runs on all partitions at once, and the stages that have one. */
#pragma once

#include "exec/pipeline.h"

/* Is it read, and not computed? */
bool pipe_node_is_kept_whole(const struct pipe_node *node);
/* For each step, whether it is computed or read where it is kept whole; below that, none is. Owned
 * by the caller. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *pipeline_find_computed(const struct pipeline *pipeline,
                                                   bool **out_is_computed);

/* Sets pipeline->gang. Errors: BARKS_NO_MEMORY. O(steps and kept partitions). */
BARKS_CHECKED barks_status *gang_find(struct pipeline *pipeline);

/* What is kept of rows that are made of all partitions at once counts only where all is: else all
 * are made anew. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *gang_forget_partly_kept(struct pipeline *pipeline);

/* Its tasks are just those of the function, and there are workers for them, of so many in all and
 * so many executors. Errors: BARKS_INVALID, BARKS_LIMIT, in one sentence. */
BARKS_CHECKED barks_status *gang_check(const struct pipeline *pipeline, uint32_t worker_count,
                                       uint32_t executor_count);
