/* The executors as the driver knows them. */
#pragma once

#include "barks/status.h"
#include "base/name_counts.h"
#include "base/pause.h"
#include "runtime/hello.h"
#include "scheduler/event.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct net;
struct unpacker;

struct member {
    struct hello hello;
    struct welcome welcome;
    struct executor_offer offer; /* of kinds as members.resources names them */
    bool has_hello;
    _Atomic bool is_lost;  /* relaxed: set by the driver's thread, read by those that plan */
    _Atomic bool is_spare; /* likewise: it is given nothing until another is lost */
    bool is_suspect;       /* MPI says that it is gone */
    bool was_called_slow;  /* to the person, once */
    uint32_t attempts_out; /* that it was sent and has not answered */
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
    struct name_counts resources; /* that some have; immutable once all have said hello */
};
void members_drop(struct members *members);

/* Waits for every executor's hello, checks that all fit together, shares out cores and memory, and
 * answers; the last ones are spare, as many as the setting says, if net recovers. Errors:
 * BARKS_LOST (one did not come before the deadline; names which), BARKS_INVALID (they do not fit),
 * BARKS_LIMIT (too little memory). The executors still wait then: members_end tells them. */
BARKS_CHECKED barks_status *members_gather(struct net *net, const struct config *config,
                                           struct members *out_members);

/* Tells every executor that is not lost to end with the exit status. False: one could not be told
 * (which is logged), or is lost, so that nothing collective may follow. */
bool members_end(struct net *net, const struct members *members, int exit_status);
/* Where that is so, everybody leaves at once: gives those who were told a moment to go. */
void members_await_end(struct net *net, const struct members *members);

/* An executor that is surely gone (its process on this node has ended, MPI says so) or silent past
 * the deadline (by the time of pauses->looked_ns), and is lost from now on. The sentence says which
 * and how it is known. */
struct member_loss {
    uint32_t rank;
    char sentence[384];
    uint64_t silent_ns; /* since when nothing was heard of it */
    bool is_gone;       /* its process has ended; else it may wake up */
};
bool members_find_lost(struct members *members, struct net *net, const struct pause_watch *pauses,
                       uint64_t silent_ns_max, struct member_loss *out_loss);
/* One that is lost and may wake up is told to end, and ended where it is on this node. Before net
 * hears of the loss. */
void members_end_lost(struct net *net, const struct members *members,
                      const struct member_loss *loss);

static inline bool member_is_lost(const struct member *member)
{
    return atomic_load_explicit(&member->is_lost, memory_order_relaxed);
}
/* It has not taken anybody's place; it may be lost all the same. */
static inline bool member_is_spare(const struct member *member)
{
    return atomic_load_explicit(&member->is_spare, memory_order_relaxed);
}
/* Of one that may be given tasks, else 0. */
static inline uint32_t member_workers(const struct member *member)
{
    return member_is_lost(member) || member_is_spare(member) ? 0 : member->welcome.worker_count;
}
uint32_t members_spare_count(const struct members *members); /* that live */
/* A spare that is none any more, best of the node of the one that is lost; 0: there is none. */
uint32_t members_take_spare(struct members *members, uint32_t lost);
uint32_t members_worker_count(const struct members *members);
uint32_t members_living_count(const struct members *members);
