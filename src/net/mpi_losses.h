/* Which ranks are gone: for sure, since the driver said so, or as MPI believes. */
#pragma once

#include "barks/status.h"

#include <mpi.h>

#include <stdbool.h>
#include <stdint.h>

enum suspicion {
    SUSPICION_NONE,
    SUSPICION_NEW, /* not told yet */
    SUSPICION_TOLD,
};

/* Threads: the endpoint's owner, as all of MPI's side. */
struct mpi_losses {
    bool any; /* is lost: never where the endpoint does not recover */
    uint32_t size;
    bool *is_lost;              /* owned: size */
    enum suspicion *suspicions; /* owned: size */
};

BARKS_CHECKED barks_status *losses_init(struct mpi_losses *losses, uint32_t size);
void losses_drop(struct mpi_losses *losses);

/* Tells of the rank, once, by losses_take_suspect. */
void losses_suspect(struct mpi_losses *losses, uint32_t rank);

/* The result of a call that concerned this one rank. Its end is no error: it is suspected, and
 * *out_is_gone says that the call did nothing and never will. */
BARKS_CHECKED barks_status *losses_judge(struct mpi_losses *losses, uint32_t rank, int code,
                                         const char *doing, bool *out_is_gone);

/* The result of a test of a receive from any rank, which is posted still where *out_is_pending:
 * whoever ended is suspected, and acknowledged, so that the rest is heard again. */
BARKS_CHECKED barks_status *losses_judge_any(struct mpi_losses *losses, MPI_Comm comm, int code,
                                             const char *doing, bool *out_is_pending);

/* A suspect that was not told before and is not lost already. */
bool losses_take_suspect(struct mpi_losses *losses, uint32_t *out_rank);

/* The code of a call of MPI for the two above; the call is not made where a fault is due. */
#define LOSSES_CODE(call) (fault_strikes(FAULT_mpi) ? MPI_ERR_OTHER : (call))
