#include "net/hub.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Virtual time that a message or a round may take, in steps; a few outlast a whole exchange. */
enum { DELAY_STEPS_USUAL = 16, DELAY_STEPS_RARE = 400 };

static struct hub_endpoint *endpoint_of(struct net *net) { return (struct hub_endpoint *)net; }

static uint64_t delay_locked(struct hub *hub)
{
    if (!hub->has_delays)
        return 0;
    uint64_t limit =
        random_below(&hub->locked.random, 16) == 0 ? DELAY_STEPS_RARE : DELAY_STEPS_USUAL;
    return random_below(&hub->locked.random, limit);
}

static void happen_locked(struct hub_endpoint *endpoint)
{
    endpoint->locked.woken = true;
    condition_signal(&endpoint->happened);
}

static void happen_to_executors_locked(struct hub *hub)
{
    for (uint32_t rank = 1; rank < hub->size; rank++)
        happen_locked(&hub->endpoints[rank]);
}

static void hub_destroy(struct hub *hub)
{
    for (uint32_t rank = 0; rank < hub->size; rank++)
        condition_drop(&hub->endpoints[rank].happened);
    condition_drop(&hub->unread);
    lock_drop(&hub->lock);
    free(hub->locked.pair_due);
    free(hub);
}

barks_status *hub_open(const struct net_backend *backend, uint32_t size, bool has_delays,
                       uint64_t seed, struct net **out_nets)
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
    hub->locked.pair_due = calloc((size_t)size * size, sizeof *hub->locked.pair_due);
    for (uint32_t rank = 0; rank < size; rank++) {
        struct hub_endpoint *endpoint = &hub->endpoints[rank];
        endpoint->net = (struct net){.backend = backend, .rank = rank, .size = size};
        endpoint->hub = hub;
        condition_init(&endpoint->happened);
    }
    if (hub->locked.pair_due == NULL) {
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
    struct hub_endpoint *endpoint = endpoint_of(net);
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
        free(first->bytes);
        free(first);
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
    struct hub *hub = endpoint_of(net)->hub;
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
    if (!closed) {
        if (hub->has_delays) {
            uint64_t *pair_due = &hub->locked.pair_due[(size_t)net->rank * hub->size + to];
            message->due = hub->locked.now + delay_locked(hub);
            if (message->due < *pair_due)
                message->due = *pair_due;
            *pair_due = message->due;
        }
        insert_locked(receiver, message);
        happen_locked(receiver);
    }
    lock_release(&hub->lock);
    if (closed) {
        free(copy);
        free(message);
        BARKS_FAIL(BARKS_LOST, "rank %u is gone: it has closed its endpoint", to);
    }
    return NULL;
}

barks_status *hub_poll(struct net *net, struct net_message *out_message, bool *out_got)
{
    struct hub_endpoint *endpoint = endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    hub->locked.now += hub->has_delays;
    struct hub_message *message = endpoint->locked.first;
    if (message != NULL && message->due > hub->locked.now)
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

/* round->phase is HUB_NONE between phases. */
BARKS_CHECKED static barks_status *phase_begin(struct net *net, struct hub_round begun)
{
    struct hub_endpoint *endpoint = endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    struct hub_round *round = &endpoint->locked.round;
    bool is_free = round->phase == HUB_NONE;
    if (is_free) {
        begun.begun = round->begun + 1;
        begun.copied = round->copied;
        begun.due = hub->locked.now + delay_locked(hub);
        *round = begun;
        happen_to_executors_locked(hub);
    }
    lock_release(&hub->lock);
    if (!is_free)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u began a round before the last one was done", net->rank);
    return NULL;
}

barks_status *hub_sizes_begin(struct net *net, const struct net_round_size *send,
                              struct net_round_size *receive)
{
    return phase_begin(
        net, (struct hub_round){.phase = HUB_SIZES, .send_sizes = send, .receive_sizes = receive});
}

barks_status *hub_payload_begin(struct net *net, const uint8_t *send,
                                const struct net_piece *send_pieces, uint8_t *receive,
                                const struct net_piece *receive_pieces)
{
    return phase_begin(net, (struct hub_round){.phase = HUB_PAYLOAD,
                                               .send = send,
                                               .send_pieces = send_pieces,
                                               .receive = receive,
                                               .receive_pieces = receive_pieces});
}

/* Everything that the peers have for this endpoint. Runs without the lock: what it reads was
 * written before the peers began the phase, and stays until this endpoint has copied. */
BARKS_CHECKED static barks_status *copy_from_peers(struct hub *hub, uint32_t rank,
                                                   const struct hub_round *mine)
{
    uint32_t me = rank - 1;
    for (uint32_t i = 0; i + 1 < hub->size; i++) {
        const struct hub_round *theirs = &hub->endpoints[i + 1].locked.round;
        if (theirs->phase != mine->phase)
            BARKS_FAIL(BARKS_INTERNAL, "ranks %u and %u are in different halves of a round", rank,
                       i + 1);
        if (mine->phase == HUB_SIZES) {
            mine->receive_sizes[i] = theirs->send_sizes[me];
            if (theirs->send_sizes[me].sequence != mine->send_sizes[i].sequence)
                BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", rank,
                           mine->send_sizes[i].sequence, i + 1, theirs->send_sizes[me].sequence);
            continue;
        }
        const struct net_piece *from = &theirs->send_pieces[me];
        const struct net_piece *to = &mine->receive_pieces[i];
        if (from->bytes != to->bytes)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u sends %zu bytes to rank %u, which expects %zu",
                       i + 1, from->bytes, rank, to->bytes);
        if (to->bytes > 0)
            memcpy(mine->receive + to->offset_bytes, theirs->send + from->offset_bytes, to->bytes);
    }
    return NULL;
}

/* The first executor that left without ending this phase, so that its buffers may be gone; 0: none.
 */
static uint32_t lost_rank_locked(const struct hub *hub, uint64_t phase)
{
    for (uint32_t rank = 1; rank < hub->size; rank++) {
        const struct hub_endpoint *peer = &hub->endpoints[rank];
        if (peer->locked.closed &&
            (peer->locked.round.copied < phase || peer->locked.round.phase != HUB_NONE))
            return rank;
    }
    return 0;
}

static bool all_have_begun_locked(const struct hub *hub, uint64_t phase)
{
    for (uint32_t rank = 1; rank < hub->size; rank++)
        if (hub->endpoints[rank].locked.round.begun < phase)
            return false;
    return true;
}

static bool all_have_copied_locked(const struct hub *hub, uint64_t phase)
{
    for (uint32_t rank = 1; rank < hub->size; rank++)
        if (hub->endpoints[rank].locked.round.copied < phase)
            return false;
    return true;
}

/* Marks all executors as being read from, so that none closes meanwhile. */
static void count_readers_locked(struct hub *hub, bool begin)
{
    for (uint32_t rank = 1; rank < hub->size; rank++) {
        if (begin)
            hub->endpoints[rank].locked.reader_count++;
        else
            hub->endpoints[rank].locked.reader_count--;
    }
    if (!begin)
        condition_broadcast(&hub->unread);
}

barks_status *hub_round_test(struct net *net, bool *out_done)
{
    struct hub_endpoint *endpoint = endpoint_of(net);
    struct hub *hub = endpoint->hub;
    struct hub_round *mine = &endpoint->locked.round;
    barks_status *status = NULL;
    bool done = false;
    lock_acquire(&hub->lock);
    hub->locked.now += hub->has_delays;
    uint64_t phase = mine->begun;
    bool is_out = mine->phase == HUB_NONE;
    uint32_t lost = is_out ? 0 : lost_rank_locked(hub, phase);
    if (!is_out && lost == 0 && mine->copied < phase && hub->locked.now >= mine->due &&
        all_have_begun_locked(hub, phase)) {
        count_readers_locked(hub, true);
        lock_release(&hub->lock);
        status = copy_from_peers(hub, net->rank, mine);
        lock_acquire(&hub->lock);
        count_readers_locked(hub, false);
        if (status == NULL)
            mine->copied = phase;
        happen_to_executors_locked(hub);
    }
    if (!is_out && status == NULL && lost == 0 && all_have_copied_locked(hub, phase)) {
        mine->phase = HUB_NONE;
        done = true;
    }
    lock_release(&hub->lock);
    BARKS_TRY(status);
    if (is_out)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", net->rank);
    if (lost != 0)
        BARKS_FAIL(BARKS_LOST, "executor %u is gone: it closed its endpoint in phase %" PRIu64,
                   lost, phase);
    *out_done = done;
    return NULL;
}

void hub_wake(struct net *net)
{
    struct hub_endpoint *endpoint = endpoint_of(net);
    lock_acquire(&endpoint->hub->lock);
    happen_locked(endpoint);
    lock_release(&endpoint->hub->lock);
}

void hub_sleep(struct net *net, uint64_t nap_ns_max)
{
    struct hub_endpoint *endpoint = endpoint_of(net);
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
