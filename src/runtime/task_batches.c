#include "runtime/task_batches.h"

#include "base/fault.h"
#include "runtime/message.h"

#include <stdlib.h>

/* Beyond that a message saves nothing by being larger. */
enum { MESSAGE_BYTES_MAX = 1 << 20 };

barks_status *task_batches_init(struct task_batches *batches, uint32_t executor_count)
{
    *batches = (struct task_batches){
        .of = calloc((size_t)executor_count + 1, sizeof *batches->of),
        .ranks = calloc((size_t)executor_count + 1, sizeof *batches->ranks),
        .task_counts = calloc((size_t)executor_count + 1, sizeof *batches->task_counts)};
    if (batches->of != NULL && batches->ranks != NULL && batches->task_counts != NULL)
        return NULL;
    task_batches_drop(batches);
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the messages to %u executors", executor_count);
}

void task_batches_drop(struct task_batches *batches)
{
    for (uint32_t i = 0; i < batches->rank_count; i++)
        packer_drop(&batches->of[batches->ranks[i] - 1]);
    free(batches->of);
    free(batches->ranks);
    free(batches->task_counts);
    *batches = (struct task_batches){0};
}

struct packer *task_batches_open(struct task_batches *batches, uint32_t rank)
{
    struct packer *message = &batches->of[rank - 1];
    if (message->bytes.size == 0) {
        batches->ranks[batches->rank_count++] = rank;
        batches->task_counts[rank - 1] = 0;
        pack_u64(message, MESSAGE_TASKS);
    }
    batches->bytes -= message->bytes.size;
    return message;
}

bool task_batches_note(struct task_batches *batches, uint32_t rank)
{
    batches->task_counts[rank - 1]++;
    batches->bytes += batches->of[rank - 1].bytes.size;
    return batches->bytes >= MESSAGE_BYTES_MAX;
}

barks_status *task_batches_send(struct task_batches *batches, struct net *net)
{
    barks_status *status = NULL;
    for (uint32_t i = 0; i < batches->rank_count; i++) {
        uint32_t rank = batches->ranks[i];
        if (status != NULL)
            packer_drop(&batches->of[rank - 1]);
        else
            status = message_send(net, rank, &batches->of[rank - 1]);
        for (uint32_t task = 0; status == NULL && task < batches->task_counts[rank - 1]; task++)
            fault_point(POINT_TASK_SENT);
    }
    batches->rank_count = 0;
    batches->bytes = 0;
    return status;
}
