/* The payload of a round in two levels: inside each node first, then one message from a node to
 * each executor of the others. For rounds of many small pieces, where ranks may not be lost. */
#pragma once

#include "net/mpi_blocks.h"
#include "net/net.h"
#include "net/node_map.h"

#include <mpi.h>

#include <stdbool.h>

/* Of a round, or of anything that executors send each other in the same way. Stays untouched until
 * it is done. Arrays have an entry for each executor. */
struct node_payload {
    const uint8_t *send;
    const struct net_piece *send_pieces;
    uint8_t *receive;
    const struct net_piece *receive_pieces;
    const uint64_t *totals; /* bytes that each executor sends to all others; all know the same */
};

enum node_phase { NODE_IDLE, NODE_GATHERS, NODE_CROSSES };

/* Threads: the endpoint's owner. */
struct node_rounds {
    MPI_Comm comm; /* owned: the executors, for nothing but this; MPI_COMM_NULL: it cannot pay */
    struct node_map map;
    uint32_t me;
    uint32_t node, size, place; /* mine: how many there are in it, and where I am */
    enum net_levels levels;
    uint64_t total_bytes_max; /* of an executor in one phase: else what passes here had no bound */

    /* Executors of other nodes by the place of who passes on what this node has for them, then by
     * number: lane i is far[lane_first[i]] .. far[lane_first[i + 1] - 1]. */
    uint32_t *far;        /* owned */
    uint32_t *lane_first; /* owned: size + 1 */
    uint32_t *far_bytes;  /* owned: what I send to each of far: the heads of my messages */

    size_t slot_bytes;
    uint8_t *slots;         /* owned: what each of my node has sent me to be passed on, by place */
    size_t *passed_bytes;   /* owned: by place, how much of its slot has been passed on */
    size_t *crossing_bytes; /* owned: by node, what comes from there in one message */

    enum node_phase phase;
    struct node_payload payload;
    struct mpi_blocks blocks;
    MPI_Request *requests; /* owned: see the offsets in node_rounds.c */
    MPI_Status *statuses;  /* owned */
    uint32_t request_count;
};

/* Collective over the executors, which all have the same levels. */
BARKS_CHECKED barks_status *node_rounds_open(struct node_rounds *rounds, MPI_Comm executors,
                                             uint32_t executor_count, uint32_t me,
                                             enum net_levels levels);
/* Frees everything, the communicator too. Only when nothing is outstanding, and collective. */
void node_rounds_close(struct node_rounds *rounds);

/* Whether what has these totals is to go in two levels: the same answer on all executors. */
bool node_rounds_suit(const struct node_rounds *rounds, const uint64_t *totals);

static inline bool node_rounds_is_outstanding(const struct node_rounds *rounds)
{
    return rounds->phase != NODE_IDLE;
}

BARKS_CHECKED barks_status *node_rounds_begin(struct node_rounds *rounds,
                                              const struct node_payload *payload);
/* *out_moved: one of the levels is done. */
BARKS_CHECKED barks_status *node_rounds_test(struct node_rounds *rounds, bool *out_moved,
                                             bool *out_done);
