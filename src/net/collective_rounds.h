/* Rounds by MPI's collectives among the executors: for jobs that end when a rank does. */
#pragma once

#include "net/net.h"
#include "net/node_rounds.h"

#include <mpi.h>

/* The communicator of all ranks but 0, made by those alone; the caller's. */
BARKS_CHECKED barks_status *mpi_executors_connect(MPI_Comm all, MPI_Comm *out);

/* Threads: the endpoint's owner. */
struct collective_rounds {
    MPI_Comm executors; /* owned; MPI_COMM_NULL on the driver */
    uint32_t executor_count;
    uint32_t rank;
    MPI_Request request; /* MPI_REQUEST_NULL: no phase is outstanding */
    bool is_sizes;
    const struct net_round_size *send_sizes;
    const struct net_round_size *receive_sizes;
    int *counts; /* owned: four arrays of executor_count, which MPI reads until the phase is done */
    struct node_rounds nodes;  /* for phases of two levels */
    uint64_t *totals;          /* owned: by executor, what it sends in this phase */
    struct net_piece *entries; /* owned: where size entries lie in their arrays */
};

/* Collective over the executors; the driver only learns that it has no part. */
BARKS_CHECKED barks_status *collective_rounds_open(struct collective_rounds *rounds, MPI_Comm all,
                                                   uint32_t rank, uint32_t size,
                                                   enum net_levels levels);
/* Frees everything, the communicator too. Only when no phase is outstanding, and collective. */
void collective_rounds_close(struct collective_rounds *rounds);

static inline bool collective_rounds_is_outstanding(const struct collective_rounds *rounds)
{
    return rounds->request != MPI_REQUEST_NULL || node_rounds_is_outstanding(&rounds->nodes);
}

BARKS_CHECKED barks_status *collective_rounds_sizes(struct collective_rounds *rounds,
                                                    const struct net_round_size *send,
                                                    struct net_round_size *receive);
BARKS_CHECKED barks_status *collective_rounds_payload(struct collective_rounds *rounds,
                                                      const uint8_t *send,
                                                      const struct net_piece *send_pieces,
                                                      uint8_t *receive,
                                                      const struct net_piece *receive_pieces);
/* *out_moved: something has come on, and more may soon. */
BARKS_CHECKED barks_status *collective_rounds_test(struct collective_rounds *rounds,
                                                   bool *out_moved, bool *out_done);
