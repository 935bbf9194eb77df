/* How a thread waits that must ask MPI again and again: it spins a little after traffic, then takes
 * naps that double, and any thread can end one. */
#pragma once

#include "base/lock.h"

#include <stdbool.h>
#include <stdint.h>

/* Threads: one owner naps and notes traffic; nap_wake is for any. */
struct nap {
    struct lock lock; /* rank LOCK_NET; nothing else is taken under it */
    struct condition happened;
    uint32_t idle_count; /* naps asked for since the last traffic */
    uint64_t next_ns;    /* length of the next nap */
    struct {
        bool woken;
    } locked;
};

/* Sets the calling thread's timer slack to a microsecond: by default each short nap is 50 us
 * longer.
 */
void nap_init(struct nap *nap);
void nap_drop(struct nap *nap);

void nap_note_traffic(struct nap *nap);
void nap_wake(struct nap *nap);
void nap_take(struct nap *nap, uint64_t nap_ns_max);
