/* Partitions that were kept. */
#include "exec/operator.h"

barks_status *kept_source_run(struct task *task, const struct pipe_node *leaf,
                              uint32_t leaf_partition, struct operator* into)
{
    (void)task, (void)leaf_partition, (void)into;
    BARKS_FAIL(BARKS_INTERNAL, "kept_source at %s: not built yet", leaf->where);
}
