#include "net/held_back.h"

#include "base/clock.h"
#include "base/fault.h"

#include <stdlib.h>
#include <string.h>

struct held_message {
    struct held_message *next;
    struct net *net;
    uint32_t to;
    uint64_t until_ns;
    size_t size_bytes;
    uint8_t bytes[];
};

/* In the order of sending. An endpoint's messages are those of its owner's thread. */
static _Thread_local struct held_message *held;

static const struct held_message *last_to(const struct net *net, uint32_t to)
{
    const struct held_message *last = NULL;
    for (const struct held_message *message = held; message != NULL; message = message->next)
        if (message->net == net && message->to == to)
            last = message;
    return last;
}

BARKS_CHECKED static barks_status *hold(struct net *net, uint32_t to, const void *bytes,
                                        size_t size_bytes, uint64_t until_ns)
{
    struct held_message *message = malloc(sizeof *message + size_bytes);
    if (message == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to hold back a message of %zu bytes", size_bytes);
    *message =
        (struct held_message){.net = net, .to = to, .until_ns = until_ns, .size_bytes = size_bytes};
    if (size_bytes > 0)
        memcpy(message->bytes, bytes, size_bytes);
    struct held_message **end = &held;
    while (*end != NULL)
        end = &(*end)->next;
    *end = message;
    return NULL;
}

barks_status *held_back_send(struct net *net, uint32_t to, const void *bytes, size_t size_bytes)
{
    uint64_t delay_ns = 0;
    const struct held_message *before = last_to(net, to);
    switch (fault_message_now(to, &delay_ns)) {
    case FAULT_FAILS:
        BARKS_FAIL(BARKS_LOST, "a message of %zu bytes to rank %u was made to fail (BARKS_FAULT)",
                   size_bytes, to);
    case FAULT_DROPPED:
        return NULL;
    case FAULT_DELAYED:
        return hold(net, to, bytes, size_bytes, monotonic_ns() + delay_ns);
    case FAULT_NONE:
    case FAULT_SHORT:
    case FAULT_SPOILT:
        break;
    }
    return before != NULL ? hold(net, to, bytes, size_bytes, before->until_ns)
                          : net->backend->send(net, to, bytes, size_bytes);
}

barks_status *held_back_flush(struct net *net, bool all)
{
    barks_status *status = NULL;
    uint64_t now_ns = held != NULL ? monotonic_ns() : 0;
    for (struct held_message **link = &held; *link != NULL && status == NULL;) {
        struct held_message *message = *link;
        if (message->net != net || (!all && now_ns < message->until_ns)) {
            link = &message->next;
            continue;
        }
        *link = message->next;
        status = net->backend->send(net, message->to, message->bytes, message->size_bytes);
        free(message);
    }
    return status;
}
