/* One message of bytes that lie at several places: MPI gathers and scatters them itself. */
#pragma once

#include "barks/status.h"

#include <mpi.h>

#include <stddef.h>
#include <stdint.h>

/* Begins with mpi_blocks_init or zeroed, ends with mpi_blocks_drop; filled anew for each message.
 * Threads: one owner. Invariant: count <= capacity. */
struct mpi_blocks {
    int *lengths;     /* owned */
    MPI_Aint *places; /* owned */
    size_t bytes;     /* of all */
    uint32_t count;
    uint32_t capacity;
};

/* Where a message goes or comes from. */
struct mpi_way {
    MPI_Comm comm;
    uint32_t peer;
    int tag;
};

/* Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *mpi_blocks_init(struct mpi_blocks *blocks, uint32_t capacity);
void mpi_blocks_drop(struct mpi_blocks *blocks);

void mpi_blocks_clear(struct mpi_blocks *blocks);
/* No bytes: nothing is added. All together have at most NET_ROUND_BYTES_MAX. */
void mpi_blocks_add(struct mpi_blocks *blocks, const void *at, size_t bytes);

/* The bytes stay untouched until the request is done, the blocks may be filled anew at once. */
BARKS_CHECKED barks_status *mpi_blocks_send(const struct mpi_blocks *blocks, struct mpi_way way,
                                            MPI_Request *request);
/* A shorter message fills the first of them. */
BARKS_CHECKED barks_status *mpi_blocks_receive(const struct mpi_blocks *blocks, struct mpi_way way,
                                               MPI_Request *request);
