/* The simulator: as the local backend, but what is sent arrives after a random number of steps.
 *
 * A step is a poll or a round test of any endpoint. Messages of one pair stay in order, those of
 * different pairs overtake each other; each executor finds a round done at another step. Stepped by
 * one thread, a seed gives the same run every time. */
#include "net/hub.h"

#include <sched.h>

/* Time passes by polling only, so sleeping would stop it. */
static void sim_wait(struct net *net, uint64_t nap_ns_max)
{
    (void)net;
    (void)nap_ns_max;
    sched_yield();
}

static const struct net_backend sim_backend = {
    .name = "sim",
    .close = hub_close,
    .send = hub_send,
    .poll = hub_poll,
    .sizes_begin = hub_sizes_begin,
    .payload_begin = hub_payload_begin,
    .round_test = hub_round_test,
    .epoch_begin = hub_epoch_begin,
    .wait = sim_wait,
    .wake = hub_wake,
    .abort = hub_abort,
};

barks_status *net_sim_open(uint32_t size, uint64_t seed, bool recovers, struct net **out_nets)
{
    return hub_open(&sim_backend, size, true, seed, recovers, out_nets);
}
