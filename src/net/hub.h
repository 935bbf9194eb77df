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

/* The last phase that an endpoint began. Phases are numbered alike on all executors. Each receiver
 * copies from the buffers of the senders once all have begun, and nobody is done before all have
 * copied: so buffers stay as they are until then. */
struct hub_round {
    enum hub_phase phase;
    uint64_t begun;  /* phases begun */
    uint64_t copied; /* phases whose data this endpoint has copied to itself */
    uint64_t due;    /* virtual time before which the phase is not done */
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
        uint32_t reader_count; /* endpoints that are copying from this one's buffers */
        struct hub_message *first;
        struct hub_message *last;
        struct hub_round round;
    } locked; /* by hub->lock */
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
        uint64_t now;         /* virtual time */
        struct random random; /* of delays */
        uint64_t *pair_due;   /* [from * size + to]: when the last message of the pair arrives */
    } locked;
    struct hub_endpoint endpoints[]; /* size */
};

/* Errors: BARKS_INVALID (no endpoints), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *hub_open(const struct net_backend *backend, uint32_t size,
                                     bool has_delays, uint64_t seed, struct net **out_nets);

/* Calls of a backend that do not differ between the two. */
void hub_close(struct net *net, bool after_failure);
BARKS_CHECKED barks_status *hub_send(struct net *net, uint32_t to, const void *bytes,
                                     size_t size_bytes);
BARKS_CHECKED barks_status *hub_poll(struct net *net, struct net_message *out_message,
                                     bool *out_got);
BARKS_CHECKED barks_status *hub_sizes_begin(struct net *net, const struct net_round_size *send,
                                            struct net_round_size *receive);
BARKS_CHECKED barks_status *hub_payload_begin(struct net *net, const uint8_t *send,
                                              const struct net_piece *send_pieces, uint8_t *receive,
                                              const struct net_piece *receive_pieces);
BARKS_CHECKED barks_status *hub_round_test(struct net *net, bool *out_done);
void hub_wake(struct net *net);
void hub_abort(struct net *net, int exit_code);

/* Sleeps until something happened or the nap is over. */
void hub_sleep(struct net *net, uint64_t nap_ns_max);
