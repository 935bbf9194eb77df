/* What connects the endpoints of one process: the common part of the local backend and the
 * simulator. */
#pragma once

#include "base/lock.h"
#include "base/random.h"
#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A control message on its way. */
struct hub_message {
    struct hub_message *next;
    uint64_t due; /* virtual time at which it arrives; 0 without delays */
    uint32_t from;
    size_t size_bytes;
    uint8_t *bytes; /* owned */
};

enum hub_phase {
    HUB_NONE,
    HUB_SIZES,
    HUB_PAYLOAD,
};

/* The last phase that an endpoint began. Phases of an epoch are numbered alike on all executors.
 * Each receiver copies from the buffers of each sender once both have begun; an endpoint is done
 * when it has copied from all living peers and they from it: so buffers stay as they are until
 * then, and one may be done while others still wait for each other. */
struct hub_round {
    enum hub_phase phase;
    uint64_t begun; /* phases begun in this epoch */
    const struct net_round_size *send_sizes;
    struct net_round_size *receive_sizes;
    const uint8_t *send;
    const struct net_piece *send_pieces;
    uint8_t *receive;
    const struct net_piece *receive_pieces;
};

struct hub_endpoint {
    struct net net; /* first: what callers hold */
    struct hub *hub;
    struct condition happened; /* something for this endpoint's owner: message, round, wake */
    struct {
        bool woken; /* something happened since the last wait */
        bool closed;
        bool silent;           /* as if its process had died */
        uint32_t reader_count; /* endpoints that are copying from this one's buffers */
        uint32_t epoch;
        struct hub_message *first;
        struct hub_message *last;
        struct hub_round round;
    } locked;                  /* by hub->lock */
    struct hub_round given_up; /* the simulator's: scribbled on until then */
    uint64_t given_up_until;   /* its owner's, as given_up */
};

/* What an endpoint knows of another one: an entry for each pair. */
struct hub_pair {
    bool is_lost;         /* in the eyes of the endpoint */
    uint64_t copied;      /* phases whose data the endpoint has copied from the other */
    uint64_t copy_due;    /* virtual time before which it does not copy the present one */
    uint64_t message_due; /* when its last message to the other arrives */
};

/* Lives until the last endpoint is closed. Threads: each endpoint has one owner; the lock guards
 * all that they share. */
struct hub {
    struct lock lock; /* rank LOCK_NET; nothing else is taken under it */
    uint32_t size;
    bool has_delays;         /* the simulator: virtual time passes with every poll and test */
    struct condition unread; /* some reader_count became 0 */
    struct {
        uint32_t open_count;
        uint64_t now;           /* virtual time */
        struct random random;   /* of delays */
        struct hub_pair *pairs; /* owned: [endpoint * size + other] */
    } locked;
    struct hub_endpoint endpoints[]; /* size */
};

/* Errors: BARKS_INVALID (no endpoints), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *hub_open(const struct net_backend *backend, uint32_t size,
                                     bool has_delays, uint64_t seed, bool recovers,
                                     struct net **out_nets);

static inline struct hub_endpoint *hub_endpoint_of(struct net *net)
{
    return (struct hub_endpoint *)net;
}

static inline struct hub_pair *hub_pair_locked(struct hub *hub, uint32_t rank, uint32_t other)
{
    return &hub->locked.pairs[(size_t)rank * hub->size + other];
}

/* Of a message or a copy, in steps; 0 without delays. */
uint64_t hub_delay_locked(struct hub *hub);
void hub_happen_locked(struct hub_endpoint *endpoint);
/* Forgets what has arrived from a rank that is lost. */
void hub_drop_messages_locked(struct hub_endpoint *endpoint, uint32_t from, uint64_t from_due);

/* Calls of a backend that do not differ between the two: hub.c. */
void hub_close(struct net *net, bool after_failure);
BARKS_CHECKED barks_status *hub_send(struct net *net, uint32_t to, const void *bytes,
                                     size_t size_bytes);
BARKS_CHECKED barks_status *hub_poll(struct net *net, struct net_message *out_message,
                                     bool *out_got);
void hub_wake(struct net *net);
void hub_abort(struct net *net, int exit_code);

/* Sleeps until something happened or the nap is over. */
void hub_sleep(struct net *net, uint64_t nap_ns_max);

/* hub_rounds.c */
BARKS_CHECKED barks_status *hub_sizes_begin(struct net *net, const struct net_round_size *send,
                                            struct net_round_size *receive);
BARKS_CHECKED barks_status *hub_payload_begin(struct net *net, const uint8_t *send,
                                              const struct net_piece *send_pieces, uint8_t *receive,
                                              const struct net_piece *receive_pieces);
BARKS_CHECKED barks_status *hub_round_test(struct net *net, bool *out_done);
BARKS_CHECKED barks_status *hub_epoch_begin(struct net *net, uint32_t epoch, const bool *is_lost,
                                            bool *out_gave_up);
