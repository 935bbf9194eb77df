/* The executors as the driver knows them. */
#pragma once

#include "barks/status.h"
#include "runtime/hello.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct net;
struct unpacker;

struct member {
    struct hello hello;
    struct welcome welcome;
    bool has_hello;
    bool is_lost;
    uint64_t last_heard_ns;
    uint64_t used_bytes, sent_bytes; /* of its last pulse */
    /* Likewise; relaxed, since whoever waits for actions reads them between two. */
    _Atomic uint64_t peak_bytes, spilled_bytes;
};

/* Member i is rank i + 1. */
struct members {
    struct hello driver;
    struct member *all; /* owned */
    uint32_t count;
};
void members_drop(struct members *members);

/* Waits for every executor's hello, checks that all fit together, shares out cores and memory, and
 * answers. Errors: BARKS_LOST (one did not come before the deadline; names which), BARKS_INVALID
 * (they do not fit), BARKS_LIMIT (too little memory). The executors still wait then: members_end
 * tells them. */
BARKS_CHECKED barks_status *members_gather(struct net *net, const struct config *config,
                                           struct members *out_members);

/* Tells every executor that is not lost to end with the exit status. False: one could not be told
 * (which is logged), so that nothing collective may follow. */
bool members_end(struct net *net, const struct members *members, int exit_status);

/* An executor that is surely gone (its process on this node has ended) or silent past the deadline,
 * or NULL. The sentence says which and how it is known. */
const struct member *members_find_lost(struct members *members, uint64_t now_ns,
                                       uint64_t silent_ns_max, uint32_t *out_rank,
                                       char *out_sentence, size_t sentence_bytes);

uint32_t members_worker_count(const struct members *members);
