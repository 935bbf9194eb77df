/* A user's function that says where rows go, as the partitioner of a shuffle. */
#pragma once

#include "batch/row_window.h"
#include "exec/operator.h"

/* Begins zeroed, ends with chooser_drop. Threads: the task's. */
struct chooser {
    struct task *task;           /* borrowed */
    const struct terminal *plan; /* borrowed */
    struct row_window window;
    int64_t *chosen; /* owned */
    uint32_t capacity;
};
BARKS_CHECKED barks_status *chooser_init(struct chooser *chooser, struct task *task,
                                         const barks_schema *rows);
void chooser_drop(struct chooser *chooser);

/* partitioner.choose, its context being a chooser. Errors: BARKS_USER_ERROR with the row whose
 * partition there is not. */
BARKS_CHECKED barks_status *chooser_choose(void *context, const struct batch *batch,
                                           uint32_t *out_partitions);
