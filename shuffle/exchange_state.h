/* Inside of the exchange; for exchange.c, which makes it and takes frames, burst.c, which moves
 * them in rounds, take.c, which takes apart what has arrived, and epoch.c, for when executors are
 * lost. */
#pragma once

#include "net/net.h"
#include "shuffle/exchange.h"
#include "shuffle/inbox.h"
#include "shuffle/outbox.h"

#include <stdatomic.h>

enum {
    ROUND_BYTES_FIRST = 64 << 10, /* what everybody may send before the first credit */
    RECEIVE_SETS = 3,             /* one arriving, one being taken apart, one promised */
    SLICE_BYTES = 1 << 20,        /* copied between two looks at the round */
    OWN_BYTES = 64 << 10,         /* of frames to oneself, as an heir, copied at once */
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

/* Memory that net may still use, of a round that was given up. */
struct abandoned {
    struct abandoned *next;
    void *memory;
    size_t pool_bytes; /* of the pool; 0: of malloc */
};

struct exchange {
    struct exchange *next; /* of those that were left behind (exchange_destroy) */
    struct exchange_options options;
    uint32_t count; /* executors */
    uint32_t me;    /* index */
    struct outbox outbox;

    /* All below is the communication thread's. */
    struct inbox *inboxes; /* owned: count; its own is for what it sends to itself as an heir */
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

    /* With retains. */
    uint64_t *taken_counts;      /* owned: by peer, whole frames of its stream */
    uint32_t generation;         /* how often all streams have begun anew after a failure */
    uint32_t next_generation;    /* where this burst ends with one */
    bool resumes;                /* the next round is the first of an epoch */
    uint8_t *own_bytes;          /* owned, of the pool: of frames to oneself */
    struct net_piece own_piece;  /* what of these is not taken yet */
    bool is_own_stalled;         /* it waits for memory */
    struct abandoned *abandoned; /* for ever */

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

/* burst.c: the first failure is told; it makes the next round a closing one. */
void exchange_fail(struct exchange *exchange, barks_status *status);

/* take.c: each takes apart a slice of what waits, if there is any. */
bool exchange_take_arrived(struct exchange *exchange);
bool exchange_take_own(struct exchange *exchange);
bool exchange_has_own(struct exchange *exchange);

/* epoch.c: what the first sizes of an epoch say; sends again what had not arrived. */
BARKS_CHECKED barks_status *exchange_resume(struct exchange *exchange);
/* What a destroyed exchange leaves behind. */
void exchange_leave_abandoned(struct exchange *exchange);

/* The flags of a size entry; above them the generation. */
enum {
    ENTRY_MORE = 1,
    ENTRY_MOVED = 2,
    ENTRY_CLOSING = 4,
    ENTRY_RESUMES = 8, /* credit_bytes is how many frames the sender of the entry has taken */
    ENTRY_FLAG_BITS = 8,
};

static inline bool is_lost(const struct exchange *exchange, uint32_t i)
{
    return exchange->outbox.streams[i].is_lost; /* which only this thread writes */
}

static inline void add_to(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint32_t peer_count(const struct exchange *exchange) { return exchange->count - 1; }

static inline uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Everybody may send what is sure to fit: at the beginning, and where streams begin anew. */
static inline void reset_credits(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->count; i++)
        exchange->credits[i] = smaller(ROUND_BYTES_FIRST, exchange->options.round_bytes_per_peer);
    exchange->has_promised = true;
}
