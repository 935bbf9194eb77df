#include "runtime/task_communicators.h"

#include "net/net.h"

static barks_status *check(void *context)
{
    return net_communicator_check(((struct task_communicators *)context)->net);
}

static barks_status *make(void *context, const uint32_t *ranks, uint32_t count, uint64_t stage,
                          void *out_communicator, size_t size_bytes)
{
    struct task_communicators *own = context;
    atomic_fetch_add_explicit(&own->open_count, 1, memory_order_relaxed);
    barks_status *status =
        net_communicator_make(own->net, ranks, count, stage, out_communicator, size_bytes);
    if (status != NULL)
        atomic_fetch_sub_explicit(&own->open_count, 1, memory_order_relaxed);
    return status;
}

static void end(void *context, void *communicator)
{
    struct task_communicators *own = context;
    if (communicator != NULL)
        net_communicator_free(own->net, communicator);
    atomic_fetch_sub_explicit(&own->open_count, 1, memory_order_relaxed);
}

void task_communicators_init(struct task_communicators *own, struct net *net,
                             struct communicators *out_for_tasks)
{
    own->net = net;
    atomic_init(&own->open_count, 0);
    *out_for_tasks =
        (struct communicators){.context = own, .check = check, .make = make, .end = end};
}

bool task_communicators_are_open(const struct task_communicators *own)
{
    return atomic_load_explicit(&own->open_count, memory_order_relaxed) > 0;
}
