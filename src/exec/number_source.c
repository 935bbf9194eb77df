/* Numbers, counted or spaced. */
#include "exec/operator.h"

barks_status *number_source_run(struct task *task, const struct pipe_node *leaf,
                                uint32_t leaf_partition, struct operator* into)
{
    (void)task, (void)leaf_partition, (void)into;
    BARKS_FAIL(BARKS_INTERNAL, "number_source at %s: not built yet", leaf->where);
}
