/* Rounds of the endpoints of one process, and what an epoch is there. */
#include "base/assertion.h"
#include "net/hub.h"

#include <inttypes.h>
#include <string.h>

/* What the simulator writes to buffers that were given up, as late arrivals may under MPI: whoever
 * still uses them finds it. */
enum { SCRIBBLE_BYTE = 0xdb, SCRIBBLE_STEPS = 2000 };

/* round->phase is HUB_NONE between phases. */
BARKS_CHECKED static barks_status *phase_begin(struct net *net, struct hub_round begun)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    struct hub_round *round = &endpoint->locked.round;
    bool is_free = round->phase == HUB_NONE;
    if (is_free) {
        begun.begun = round->begun + 1;
        *round = begun;
        for (uint32_t rank = 1; rank < hub->size; rank++) {
            hub_pair_locked(hub, net->rank, rank)->copy_due =
                hub->locked.now + hub_delay_locked(hub);
            hub_happen_locked(&hub->endpoints[rank]);
        }
    }
    lock_release(&hub->lock);
    if (!is_free)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u began a round before the last one was done", net->rank);
    return NULL;
}

barks_status *hub_sizes_begin(struct net *net, const struct net_round_size *send,
                              struct net_round_size *receive)
{
    memset(receive, 0, (net->size - 1) * sizeof *receive); /* what the lost would say */
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

/* What a peer has for this endpoint. Runs without the lock: what it reads was written before the
 * peer began the phase, and stays until this endpoint has copied. */
BARKS_CHECKED static barks_status *copy_from_peer(uint32_t rank, const struct hub_round *mine,
                                                  uint32_t peer, const struct hub_round *theirs)
{
    uint32_t me = rank - 1, i = peer - 1;
    if (theirs->phase != mine->phase)
        BARKS_FAIL(BARKS_INTERNAL, "ranks %u and %u are in different halves of a round", rank,
                   peer);
    if (mine->phase == HUB_SIZES) {
        mine->receive_sizes[i] = theirs->send_sizes[me];
        if (theirs->send_sizes[me].sequence != mine->send_sizes[i].sequence)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", rank,
                       mine->send_sizes[i].sequence, peer, theirs->send_sizes[me].sequence);
        return NULL;
    }
    const struct net_piece *from = &theirs->send_pieces[me];
    const struct net_piece *to = &mine->receive_pieces[i];
    if (from->bytes != to->bytes)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u sends %zu bytes to rank %u, which expects %zu", peer,
                   from->bytes, rank, to->bytes);
    if (to->bytes > 0)
        memcpy(mine->receive + to->offset_bytes, theirs->send + from->offset_bytes, to->bytes);
    return NULL;
}

/* Whether one has what the other sends in this phase: both are then in the same epoch. */
static bool has_copied_locked(struct hub *hub, uint32_t rank, uint32_t from,
                              const struct hub_endpoint *asking)
{
    return hub->endpoints[rank].locked.epoch == asking->locked.epoch &&
           hub_pair_locked(hub, rank, from)->copied >= asking->locked.round.begun;
}

static bool can_copy_locked(struct hub *hub, const struct hub_endpoint *mine, uint32_t peer)
{
    const struct hub_endpoint *theirs = &hub->endpoints[peer];
    return !theirs->locked.closed && !theirs->locked.silent && !mine->locked.silent &&
           theirs->locked.epoch == mine->locked.epoch &&
           theirs->locked.round.begun == mine->locked.round.begun &&
           hub_pair_locked(hub, mine->net.rank, peer)->copy_due <= hub->locked.now;
}

/* Lets go of the lock to copy; the peer's buffers stay while it has a reader. */
BARKS_CHECKED static barks_status *copy_locked(struct hub *hub, struct hub_endpoint *mine,
                                               uint32_t peer)
{
    struct hub_endpoint *theirs = &hub->endpoints[peer];
    struct hub_round from = theirs->locked.round, to = mine->locked.round;
    theirs->locked.reader_count++;
    lock_release(&hub->lock);
    barks_status *status = copy_from_peer(mine->net.rank, &to, peer, &from);
    lock_acquire(&hub->lock);
    theirs->locked.reader_count--;
    condition_broadcast(&hub->unread);
    if (status == NULL)
        hub_pair_locked(hub, mine->net.rank, peer)->copied = to.begun;
    hub_happen_locked(theirs);
    return status;
}

/* Copies what can be copied. *out_done: nothing is left to do in either direction.
 * *out_gone: an executor that has left before that; 0: none. */
BARKS_CHECKED static barks_status *advance_locked(struct hub *hub, struct hub_endpoint *mine,
                                                  bool *out_done, uint32_t *out_gone)
{
    uint32_t me = mine->net.rank;
    *out_done = !mine->locked.silent;
    for (uint32_t peer = 1; peer < hub->size; peer++) {
        if (hub_pair_locked(hub, me, peer)->is_lost)
            continue;
        if (!has_copied_locked(hub, me, peer, mine) && can_copy_locked(hub, mine, peer))
            BARKS_TRY(copy_locked(hub, mine, peer));
        if (has_copied_locked(hub, me, peer, mine) && has_copied_locked(hub, peer, me, mine))
            continue;
        *out_done = false;
        if (hub->endpoints[peer].locked.closed && *out_gone == 0)
            *out_gone = peer;
    }
    return NULL;
}

/* Late arrivals in what the endpoint has given up. */
static void scribble(const struct hub_endpoint *endpoint)
{
    const struct hub_round *round = &endpoint->given_up;
    uint32_t executor_count = endpoint->net.size - 1;
    if (round->phase == HUB_SIZES)
        memset(round->receive_sizes, SCRIBBLE_BYTE, executor_count * sizeof *round->receive_sizes);
    for (uint32_t i = 0; i < executor_count && round->phase == HUB_PAYLOAD; i++)
        if (round->receive_pieces[i].bytes > 0)
            memset(round->receive + round->receive_pieces[i].offset_bytes, SCRIBBLE_BYTE,
                   round->receive_pieces[i].bytes);
}

barks_status *hub_round_test(struct net *net, bool *out_done)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    barks_status *status = NULL;
    bool done = false;
    uint32_t gone = 0;
    lock_acquire(&hub->lock);
    hub->locked.now += hub->has_delays;
    bool is_scribbling = hub->locked.now < endpoint->given_up_until;
    bool is_out = endpoint->locked.round.phase == HUB_NONE;
    uint64_t phase = endpoint->locked.round.begun;
    if (!is_out)
        status = advance_locked(hub, endpoint, &done, &gone);
    if (done && status == NULL)
        endpoint->locked.round.phase = HUB_NONE;
    lock_release(&hub->lock);
    if (is_scribbling)
        scribble(endpoint);
    BARKS_TRY(status);
    if (is_out)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", net->rank);
    if (gone != 0 && !net->recovers)
        BARKS_FAIL(BARKS_LOST, "executor %u is gone: it closed its endpoint in phase %" PRIu64,
                   gone, phase);
    *out_done = done;
    return NULL;
}

barks_status *hub_epoch_begin(struct net *net, uint32_t epoch, const bool *is_lost,
                              bool *out_gave_up)
{
    struct hub_endpoint *endpoint = hub_endpoint_of(net);
    struct hub *hub = endpoint->hub;
    lock_acquire(&hub->lock);
    uint32_t last_epoch = endpoint->locked.epoch;
    bool gives_up = endpoint->locked.round.phase != HUB_NONE;
    if (epoch > last_epoch) {
        if (gives_up && hub->has_delays) {
            endpoint->given_up = endpoint->locked.round;
            endpoint->given_up_until = hub->locked.now + SCRIBBLE_STEPS;
        }
        endpoint->locked.epoch = epoch;
        endpoint->locked.round = (struct hub_round){0};
        for (uint32_t rank = 0; rank < hub->size; rank++) {
            struct hub_pair *pair = hub_pair_locked(hub, net->rank, rank);
            pair->copied = 0;
            if (is_lost[rank] && !pair->is_lost)
                hub_drop_messages_locked(endpoint, rank, 0);
            pair->is_lost = pair->is_lost || is_lost[rank];
        }
    }
    lock_release(&hub->lock);
    if (epoch <= last_epoch)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u is told to begin epoch %u after epoch %u", net->rank,
                   epoch, last_epoch);
    *out_gave_up = gives_up;
    return NULL;
}
