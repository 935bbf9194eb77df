/* Communicators that the job's own code gets inside of tasks, made by worker threads: so only where
 * MPI runs with MPI_THREAD_MULTIPLE. */
#pragma once

#include "barks/status.h"

#include <mpi.h>

#include <stddef.h>
#include <stdint.h>

/* parent: of all executors, used for nothing else. ranks are executors', in the order that they
 * get; all of these call it at about the same time. stage tells apart who makes them at once. *out
 * is for the caller to free (MPI_Comm_free). */
BARKS_CHECKED barks_status *mpi_tasks_connect(MPI_Comm parent, const uint32_t *ranks,
                                              uint32_t count, uint64_t stage, MPI_Comm *out);
