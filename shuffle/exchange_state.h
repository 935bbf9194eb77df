/* Inside of the exchange; for exchange.c, which makes it and takes frames, and burst.c, which moves
 * them in rounds. */
#pragma once

#include "net/net.h"
#include "shuffle/exchange.h"
#include "shuffle/inbox.h"
#include "shuffle/outbox.h"

#include <stdatomic.h>

enum {
    ROUND_BYTES_FIRST = 64 << 10, /* what everybody may send before the first credit */
    RECEIVE_SETS = 3,             /* one arriving, one being taken apart, one promised */
};

enum exchange_state {
    EXCHANGE_IDLE,    /* no burst */
    EXCHANGE_BETWEEN, /* a burst, no round outstanding */
    EXCHANGE_SIZES,
    EXCHANGE_PAYLOAD,
};

/* A round's payload for all peers, each in its own stretch. */
struct send_set {
    uint8_t *bytes;           /* owned, of the pool */
    struct net_piece *pieces; /* owned */
};

struct receive_set {
    uint8_t *bytes;           /* owned, of the pool */
    struct net_piece *pieces; /* owned; what is not taken yet */
};

struct exchange {
    struct exchange_options options;
    uint32_t count; /* executors */
    uint32_t me;    /* index */
    struct outbox outbox;

    /* All below is the communication thread's. */
    struct inbox *inboxes; /* owned: count */
    enum exchange_state state;
    uint64_t burst;         /* running, or the last */
    uint64_t started_burst; /* of the last start */
    uint64_t told_burst;    /* for which exchange_wants_burst was true */
    uint32_t sequence;      /* of the round */

    struct net_round_size *send_sizes, *receive_sizes; /* owned: count */
    uint64_t *credits;                                 /* owned: for the next round, of each peer */
    struct send_set send[2];
    uint32_t filling; /* the set that is or will be filled; the other may be in flight */
    struct receive_set receive[RECEIVE_SETS];
    uint32_t waiting_sets[RECEIVE_SETS]; /* with something left, oldest first */
    uint32_t waiting_count;
    uint32_t arriving_set;             /* or the one that was last */
    struct net_piece *arriving_pieces; /* owned: count */
    uint64_t arriving_bytes;
    size_t set_bytes;

    bool has_promised;  /* credit for the next round */
    bool has_moved;     /* since the last entry */
    bool is_stalled;    /* what arrived waits for memory */
    bool burst_goes_on; /* after the outstanding round */
    bool stalled_too_long;
    uint32_t closing_rank; /* who said so in this round; 0: none */
    uint32_t stalled_rounds;
    uint64_t round_not_before_ns;
    uint64_t payload_bytes; /* that the outstanding round sends or receives, whichever are more */
    barks_status *failure;  /* owned: told when the burst has ended for all */
    bool is_broken;         /* net failed */

    /* For other threads; relaxed, each on its own. */
    _Atomic uint64_t waiting_since_ns;
    _Atomic uint32_t waiting_what; /* round * 2 + (1 for payload) */
    _Atomic uint64_t rounds, frames_sent, bytes_sent, frames_received, bytes_received;
};

static inline uint32_t peer_count(const struct exchange *exchange) { return exchange->count - 1; }

static inline uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Everybody may send what is sure to fit: at the beginning, and where streams begin anew. */
static inline void reset_credits(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->count; i++)
        exchange->credits[i] = smaller(ROUND_BYTES_FIRST, exchange->options.round_bytes_per_peer);
    exchange->has_promised = true;
}
