/* Ranks that are lost while the rest goes on, played by one endpoint: the same program on all
 * ranks. The driver lets executors die, notices it, and begins epochs; executors make rounds and
 * send each other messages, and check every byte. */
#pragma once

#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SURVIVAL_SIZE_MAX = 16 };

/* All ranks have the same. */
struct survival_options {
    uint64_t seed;
    uint32_t wave_count;    /* times that one or more executors are told to die */
    uint64_t die_after_max; /* what a victim is told; what it means is for die to say */
    size_t round_bytes_max; /* of each executor to each other */
    size_t message_bytes_max;
    /* From now on the rank may die at any moment. */
    void (*die)(void *context, uint32_t rank, uint64_t after);
    bool (*is_dead)(void *context, uint32_t rank); /* the driver asks */
    void *context;
};

/* Buffers of rounds: what was given up is kept, and never touched again. */
struct survival_buffers {
    struct survival_buffers *next;
    struct net_round_size send_sizes[SURVIVAL_SIZE_MAX], receive_sizes[SURVIVAL_SIZE_MAX];
    struct net_piece send_pieces[SURVIVAL_SIZE_MAX], receive_pieces[SURVIVAL_SIZE_MAX];
    uint8_t *send, *receive;
};

enum survival_state { SURVIVAL_RESTING, SURVIVAL_SIZES, SURVIVAL_PAYLOAD, SURVIVAL_STOPPED };

struct survival {
    struct net *net; /* borrowed */
    struct survival_options options;
    uint64_t random;
    uint32_t epoch;
    bool is_lost[SURVIVAL_SIZE_MAX];
    uint32_t sent_count[SURVIVAL_SIZE_MAX], received_count[SURVIVAL_SIZE_MAX];
    uint32_t total_rounds;
    /* An executor's. */
    enum survival_state state;
    uint32_t round; /* of this epoch */
    bool stop_wanted, has_end;
    uint32_t expected_count[SURVIVAL_SIZE_MAX];  /* told by the end */
    struct survival_buffers *buffers, *given_up; /* owned */
    /* The driver's. */
    bool has_announced; /* the epoch, to all; the first needs none */
    bool has_gone, has_stopped;
    bool is_ready[SURVIVAL_SIZE_MAX], is_done[SURVIVAL_SIZE_MAX];
    bool is_doomed[SURVIVAL_SIZE_MAX]; /* was told to die */
    uint32_t words[SURVIVAL_SIZE_MAX]; /* heard in this epoch */
    uint32_t waves_left, words_wanted;
    uint32_t done_sent[SURVIVAL_SIZE_MAX][SURVIVAL_SIZE_MAX];
};

BARKS_CHECKED barks_status *survival_init(struct survival *survival, struct net *net,
                                          const struct survival_options *options);
/* After the end of whatever may still use what was given up. */
void survival_drop(struct survival *survival);

BARKS_CHECKED barks_status *survival_step(struct survival *survival, bool *out_moved,
                                          bool *out_done);
