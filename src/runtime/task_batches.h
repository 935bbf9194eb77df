/* Tasks on their way to executors: those that are decided together go in one message to each. */
#pragma once

#include "barks/status.h"
#include "base/pack.h"

#include <stddef.h>
#include <stdint.h>

struct net;

/* Begins with task_batches_init, ends with task_batches_drop. Threads: one owner at a time. */
struct task_batches {
    struct packer *of;     /* owned; by rank - 1: the message so far */
    uint32_t *ranks;       /* owned; of those that have one, by when it began */
    uint32_t *task_counts; /* owned; by rank - 1: in the message */
    uint32_t rank_count;
    size_t bytes; /* of all */
};
BARKS_CHECKED barks_status *task_batches_init(struct task_batches *batches,
                                              uint32_t executor_count);
void task_batches_drop(struct task_batches *batches);

/* The message to an executor, to which one task is to be added, borrowed until the next call. */
struct packer *task_batches_open(struct task_batches *batches, uint32_t rank);
/* It has been added. True: that is so much that all should be sent now. */
bool task_batches_note(struct task_batches *batches, uint32_t rank);

/* Sends them all. Errors: those of net, and of the messages that were made. */
BARKS_CHECKED barks_status *task_batches_send(struct task_batches *batches, struct net *net);
