/* Rows of files, in any format that is known. */
#include "exec/operator.h"

barks_status *file_source_run(struct task *task, const struct pipe_node *leaf,
                              uint32_t leaf_partition, const struct task_payload *payload,
                              struct operator* into)
{
    (void)task, (void)leaf_partition, (void)payload, (void)into;
    BARKS_FAIL(BARKS_INTERNAL, "file_source at %s: not built yet", leaf->where);
}
