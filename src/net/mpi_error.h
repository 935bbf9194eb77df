/* MPI's result codes as statuses. */
#pragma once

#include "barks/status.h"
#include "base/fault.h"

#include <mpi.h>

#include <stdbool.h>

/* NULL for MPI_SUCCESS; else what was being done and MPI's own words for it.
 * Codes: BARKS_LOST where MPI says that a peer is gone, else BARKS_IO. */
BARKS_CHECKED barks_status *mpi_status_of_code(int code, const char *doing);

/* Whether it says that a peer is gone. */
bool mpi_is_loss(int code);

/* Whether MPI itself notices that a rank is gone and goes on without it. Only after MPI_Init. */
bool mpi_has_ulfm(void);

/* The same of a call of MPI, which is not made where a fault is due. */
#define mpi_status_of(call, doing)                                                                 \
    mpi_status_of_code(fault_strikes(FAULT_mpi) ? MPI_ERR_OTHER : (call), (doing))
