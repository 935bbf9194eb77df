/* Rounds by messages between each two executors, so that one that is gone spoils only what concerns
 * itself: for jobs that go on without lost ranks. */
#pragma once

#include "net/mpi_losses.h"
#include "net/net.h"
#include "net/same_node.h"

#include <mpi.h>

struct peer_phase;

/* Threads: the endpoint's owner. */
struct peer_rounds {
    MPI_Comm comm;             /* owned: all ranks, for nothing but this */
    struct mpi_losses *losses; /* borrowed */
    uint32_t rank;
    uint32_t size;
    uint32_t epoch;
    struct same_node near;       /* whose payload is read from its memory */
    struct peer_phase *phase;    /* owned: what is outstanding, or is reused */
    struct peer_phase *given_up; /* MPI may still write to them: never freed */
};

/* Collective: every two ranks have met when it returns, since who dies before can stop others from
 * connecting to him. losses has entries for size ranks. */
BARKS_CHECKED barks_status *peer_rounds_open(struct peer_rounds *rounds, MPI_Comm all,
                                             uint32_t rank, struct mpi_losses *losses);
/* Frees everything, the communicator too: only while nothing was given up, and collective. */
void peer_rounds_close(struct peer_rounds *rounds);

bool peer_rounds_is_outstanding(const struct peer_rounds *rounds);

BARKS_CHECKED barks_status *peer_rounds_sizes(struct peer_rounds *rounds,
                                              const struct net_round_size *send,
                                              struct net_round_size *receive);
BARKS_CHECKED barks_status *peer_rounds_payload(struct peer_rounds *rounds, const uint8_t *send,
                                                const struct net_piece *send_pieces,
                                                uint8_t *receive,
                                                const struct net_piece *receive_pieces);

/* A word to and from each living rank, the driver too: whoever has it from all knows that all are
 * as far. Who is gone is not waited for: at the end, whoever has met all leaves at once, and MPI
 * may tell that before its word is read. */
BARKS_CHECKED barks_status *peer_rounds_meet(struct peer_rounds *rounds);

/* While they meet: whoever of this node has died since is lost, and not waited for. */
void peer_rounds_pass_dead(struct peer_rounds *rounds);

/* Of what was begun last. Sizes or payload of a rank that is gone are never done. */
BARKS_CHECKED barks_status *peer_rounds_test(struct peer_rounds *rounds, bool *out_done);

/* Gives up what is outstanding; the caller then marks the lost. Errors leave all as it was. */
BARKS_CHECKED barks_status *peer_rounds_epoch(struct peer_rounds *rounds, uint32_t epoch,
                                              bool *out_gave_up);
