/* What every backend of net must do, played by one endpoint: the same program on all ranks. */
#pragma once

#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All ranks have the same. The sizes and bytes of messages and rounds follow from the seed, so that
 * each receiver knows what it must get. */
struct conformance_options {
    uint64_t seed;
    uint32_t messages_per_pair;
    size_t message_bytes_max;
    size_t big_message_bytes; /* one such to the next rank and one to oneself; 0: none */
    bool sends_all_at_once;   /* before the first poll: all of them are in flight */
    uint32_t round_count;
    size_t round_bytes_max; /* of each executor to each other */
};

/* Messages of faster ranks that are parts ahead. Begins all zero. */
struct conformance_early {
    struct net_message *messages; /* owned */
    size_t count;
    size_t capacity;
};
void conformance_early_drop(struct conformance_early *early);

/* Steps never block, so one thread may play all ranks in turn. */
struct conformance {
    struct net *net;                 /* borrowed */
    struct conformance_early *early; /* borrowed */
    struct conformance_options options;
    uint32_t sent_count;                               /* messages to each rank */
    uint32_t *received_count;                          /* owned: messages from each rank */
    uint64_t left_count;                               /* messages to come */
    uint32_t round;                                    /* done */
    int phase;                                         /* 0: between rounds, 1: sizes, 2: payload */
    struct net_round_size *send_sizes, *receive_sizes; /* owned */
    struct net_piece *send_pieces, *receive_pieces;    /* owned */
    uint8_t *send, *receive;                           /* owned */
    size_t stride_bytes;
};

BARKS_CHECKED barks_status *conformance_init(struct conformance *conformance, struct net *net,
                                             const struct conformance_options *options,
                                             struct conformance_early *early);
void conformance_drop(struct conformance *conformance);

/* *out_moved: something arrived or was sent; *out_done: all is as it must be. Anything that is not
 * is BARKS_INTERNAL. */
BARKS_CHECKED barks_status *conformance_step(struct conformance *conformance, bool *out_moved,
                                             bool *out_done);

/* Steps to the end, waiting in between: for an endpoint with a thread of its own. */
BARKS_CHECKED barks_status *conformance_run(struct net *net,
                                            const struct conformance_options *options,
                                            struct conformance_early *early);
