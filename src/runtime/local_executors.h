/* The executors of a job that runs in one process: a thread for each, over the local net. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct config;
struct local_executor;
struct members;
struct net;

/* Begins as zeros. */
struct local_executors {
    struct local_executor *all; /* owned */
    uint32_t count;
};

/* As many as --barks-local says, one where it says nothing. *out_driver_net is the endpoint of rank
 * 0, the caller's. After an error threads may run on what out holds: the process is to end.
 * Errors: BARKS_NO_MEMORY, BARKS_LIMIT (no more threads). */
BARKS_CHECKED barks_status *local_executors_start(const struct config *config,
                                                  struct local_executors *out,
                                                  struct net **out_driver_net);
/* Waits until all have ended, which the driver has told them to; of those that were lost, which
 * stand still, threads are left to the end of the process, with all that they have. */
void local_executors_join(struct local_executors *executors, const struct members *members);
void local_executors_drop(struct local_executors *executors);
