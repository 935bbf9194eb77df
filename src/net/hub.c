#include "net/hub.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Virtual time that a message or a round may take, in steps; a few outlast a whole exchange. */
enum { DELAY_STEPS_USUAL = 16, DELAY_STEPS_RARE = 400 };

uint64_t hub_delay_locked(struct hub *hub)
{
    if (!hub->has_delays)
        return 0;
    uint64_t limit =
        random_below(&hub->locked.random, 16) == 0 ? DELAY_STEPS_RARE : DELAY_STEPS_USUAL;
    return random_below(&hub->locked.random, limit);
}

void hub_happen_locked(struct hub_endpoint *endpoint)
{
    endpoint->locked.woken = true;
    condition_signal(&endpoint->happened);
}

static void happen_to_executors_locked(struct hub *hub)
{
    for (uint32_t rank = 1; rank < hub->size; rank++)
        hub_happen_locked(&hub->endpoints[rank]);
}

static void message_destroy(struct hub_message *message)
{
    free(message->bytes);
    free(message);
}

static void hub_destroy(struct hub *hub)
{
    for (uint32_t rank = 0; rank < hub->size; rank++)
        condition_drop(&hub->endpoints[rank].happened);
    condition_drop(&hub->unread);
    lock_drop(&hub->lock);
    free(hub->locked.pairs);
    free(hub);
}

barks_status *hub_open(const struct net_backend *backend, uint32_t size, bool has_delays,
                       uint64_t seed, bool recovers, struct net **out_nets)
{
    if (size == 0)
        BARKS_FAIL(BARKS_INVALID, "no endpoints are asked for; there must be one at least");
    struct hub *hub = calloc(1, sizeof *hub + size * sizeof hub->endpoints[0]);
    if (hub == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u endpoints", size);
    lock_init(&hub->lock, LOCK_NET, "net hub");
    condition_init(&hub->unread);
    hub->size = size;
    hub->has_delays = has_delays;
    hub->locked.open_count = size;
    hub->locked.random = random_of(seed);
    hub->locked.pairs = calloc((size_t)size * size, sizeof *hub->locked.pairs);
    for (uint32_t rank = 0; rank < size; rank++) {
        struct hub_endpoint *endpoint = &hub->endpoints[rank];
        endpoint->net =
            (struct net){.backend = backend, .rank = rank, .size = size, .recovers = recovers};
        endpoint->hub = hub;
        condition_init(&endpoint->happened);
    }
    if (hub->locked.pairs == NULL) {
        hub_destroy(hub);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u endpoints", size);
    }
    for (uint32_t rank = 0; rank < size; rank++)
        out_nets[rank] = &hub->endpoints[rank].net;
    return NULL;
}

/* Messages that were not fetched go with the endpoint. Peers that wait for a round with it are
 * woken, and find that it is gone. */
void hub_close(struct net *net, bool after_failure)
{
    (void)after_failure; /* nothing collective here in any case */
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    endpoint->locked.closed = true;
    while (endpoint->locked.reader_count > 0) /* for as long as a memcpy takes */
        condition_wait(&hub->unread, &hub->lock);
    struct hub_message *first = endpoint->locked.first;
    endpoint->locked.first = endpoint->locked.last = NULL;
    happen_to_executors_locked(hub);
    bool is_last = --hub->locked.open_count == 0;
    lock_release(&hub->lock);
    while (first != NULL) {
        struct hub_message *next = first->next;
        message_destroy(first);
        first = next;
    }
    if (is_last)
        hub_destroy(hub);
}

/* In the order in which they are due; after those of the same time, so that pairs keep theirs. */
static void insert_locked(struct hub_endpoint *to, struct hub_message *message)
{
    if (to->locked.last == NULL || to->locked.last->due <= message->due) {
        if (to->locked.last == NULL)
            to->locked.first = message;
        else
            to->locked.last->next = message;
        to->locked.last = message;
        return;
    }
    struct hub_message **link = &to->locked.first;
    while ((*link)->due <= message->due)
        link = &(*link)->next;
    message->next = *link;
    *link = message;
}

barks_status *hub_send(struct net *net, uint32_t to, const void *bytes, size_t size_bytes)
{
    struct hub *hub = hub_endpoint_of(net)->hub;
    struct hub_message *message = calloc(1, sizeof *message);
    uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);
    if (message == NULL || copy == NULL) {
        free(message);
        free(copy);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message of %zu bytes to rank %u", size_bytes,
                   to);
    }
    if (size_bytes > 0)
        memcpy(copy, bytes, size_bytes);
    *message = (struct hub_message){.from = net->rank, .size_bytes = size_bytes, .bytes = copy};

    lock_acquire(&hub->lock);
    struct hub_endpoint *receiver = &hub->endpoints[to];
    bool closed = receiver->locked.closed;
    bool arrives = !closed && !receiver->locked.silent &&
                   !hub->endpoints[net->rank].locked.silent &&
                   !hub_pair_locked(hub, net->rank, to)->is_lost &&
                   !hub_pair_locked(hub, to, net->rank)->is_lost;
    if (arrives) {
        if (hub->has_delays) {
            uint64_t *last_due = &hub_pair_locked(hub, net->rank, to)->message_due;
            message->due = hub->locked.now + hub_delay_locked(hub);
            if (message->due < *last_due)
                message->due = *last_due;
            *last_due = message->due;
        }
        insert_locked(receiver, message);
        hub_happen_locked(receiver);
    }
    lock_release(&hub->lock);
    if (!arrives)
        message_destroy(message);
    if (closed && !net->recovers)
        BARKS_FAIL(BARKS_LOST, "rank %u is gone: it has closed its endpoint", to);
    return NULL;
}

void hub_drop_messages_locked(struct hub_endpoint *endpoint, uint32_t from, uint64_t from_due)
{
    struct hub_message **link = &endpoint->locked.first;
    endpoint->locked.last = NULL;
    while (*link != NULL) {
        struct hub_message *message = *link;
        if (message->from == from && message->due >= from_due) {
            *link = message->next;
            message_destroy(message);
        } else {
            endpoint->locked.last = message;
            link = &message->next;
        }
    }
}

/* What has not arrived yet may be lost with its sender: from each pair's messages all those after
 * an arbitrary time. */
void net_fall_silent(struct net *net)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    endpoint->locked.silent = true;
    for (uint32_t rank = 0; rank < hub->size && hub->has_delays; rank++)
        hub_drop_messages_locked(&hub->endpoints[rank], net->rank,
                                 hub->locked.now + 1 + hub_delay_locked(hub));
    lock_release(&hub->lock);
}

barks_status *hub_poll(struct net *net, struct net_message *out_message, bool *out_got)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    hub->locked.now += hub->has_delays;
    struct hub_message *message = endpoint->locked.first;
    if (message != NULL && (message->due > hub->locked.now || endpoint->locked.silent))
        message = NULL;
    if (message != NULL) {
        endpoint->locked.first = message->next;
        if (message->next == NULL)
            endpoint->locked.last = NULL;
    }
    lock_release(&hub->lock);
    *out_got = message != NULL;
    if (message != NULL) {
        *out_message = (struct net_message){
            .from = message->from, .bytes = message->bytes, .size_bytes = message->size_bytes};
        free(message);
    }
    return NULL;
}

void hub_wake(struct net *net)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    lock_acquire(&endpoint->hub->lock);
    hub_happen_locked(endpoint);
    lock_release(&endpoint->hub->lock);
}

void hub_sleep(struct net *net, uint64_t nap_ns_max)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    uint64_t deadline_ns = monotonic_ns() + nap_ns_max;
    lock_acquire(&endpoint->hub->lock);
    while (!endpoint->locked.woken &&
           condition_wait_until(&endpoint->happened, &endpoint->hub->lock, deadline_ns))
        ;
    endpoint->locked.woken = false;
    lock_release(&endpoint->hub->lock);
}

void hub_abort(struct net *net, int exit_code)
{
    (void)net;
    _exit(exit_code); /* all ranks are this process */
}
