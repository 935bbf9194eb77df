/* Partitions that this executor keeps. */
#include "exec/operator.h"
#include "store/kept.h"

#include <stdio.h>

struct kept_reader {
    struct task *task;
    struct operator* into;
};

static barks_status *push_kept(void *context, struct batch *batch)
{
    struct kept_reader *reader = context;
    struct task *task = reader->task;
    if (task->partition_done)
        return NULL;
    source_count(task, batch->base.row_count, 0);
    return operator_push(reader->into, batch);
}

barks_status *kept_source_run(struct task *task, const struct pipe_node *node, uint32_t partition,
                              struct operator* into)
{
    struct kept_name name = {.dataset = (uint64_t)node->step.numbers[0], .partition = partition};
    struct kept_reader reader = {.task = task, .into = into};
    bool found = false;
    snprintf(task->place, sizeof task->place, "kept rows of partition %u of %s", partition,
             node->where);
    BARKS_TRY(kept_read(task->services->kept, name, push_kept, &reader, &found));
    if (!found)
        BARKS_FAIL(BARKS_LOST, "kept partition %u of the dataset at %s is gone", partition,
                   node->where);
    return NULL;
}
