/* MPI's result codes as statuses. */
#pragma once

#include "barks/status.h"

#include <mpi.h>

/* NULL for MPI_SUCCESS; else what was being done and MPI's own words for it.
 * Codes: BARKS_LOST where MPI says that a peer is gone, else BARKS_IO. */
BARKS_CHECKED barks_status *mpi_status_of(int code, const char *doing);
