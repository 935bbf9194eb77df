#include "net/mpi_blocks.h"

#include "base/assertion.h"
#include "net/mpi_error.h"
#include "net/net.h"

#include <stdlib.h>

barks_status *mpi_blocks_init(struct mpi_blocks *blocks, uint32_t capacity)
{
    *blocks = (struct mpi_blocks){
        .lengths = calloc(capacity, sizeof *blocks->lengths),
        .places = calloc(capacity, sizeof *blocks->places),
        .capacity = capacity,
    };
    if (blocks->lengths != NULL && blocks->places != NULL)
        return NULL;
    mpi_blocks_drop(blocks);
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for messages of %u parts", capacity);
}

void mpi_blocks_drop(struct mpi_blocks *blocks)
{
    free(blocks->lengths);
    free(blocks->places);
    *blocks = (struct mpi_blocks){0};
}

void mpi_blocks_clear(struct mpi_blocks *blocks)
{
    blocks->count = 0;
    blocks->bytes = 0;
}

void mpi_blocks_add(struct mpi_blocks *blocks, const void *at, size_t bytes)
{
    if (bytes == 0)
        return;
    BARKS_ASSERT(blocks->count < blocks->capacity && bytes <= NET_ROUND_BYTES_MAX &&
                 blocks->bytes <= NET_ROUND_BYTES_MAX - bytes);
    blocks->lengths[blocks->count] = (int)bytes;
    blocks->places[blocks->count] = (MPI_Aint)(uintptr_t)at; /* what MPI_Get_address would say */
    blocks->count++;
    blocks->bytes += bytes;
}

/* The caller's to free, also while a request of it is under way. */
BARKS_CHECKED static barks_status *make_type(const struct mpi_blocks *blocks, MPI_Datatype *out)
{
    BARKS_TRY(mpi_status_of(MPI_Type_create_hindexed((int)blocks->count, blocks->lengths,
                                                     blocks->places, MPI_BYTE, out),
                            "describe a message of several parts"));
    barks_status *status =
        mpi_status_of(MPI_Type_commit(out), "describe a message of several parts");
    if (status != NULL)
        (void)MPI_Type_free(out); /* the first error is the one to tell */
    return status;
}

barks_status *mpi_blocks_send(const struct mpi_blocks *blocks, struct mpi_way way,
                              MPI_Request *request)
{
    MPI_Datatype type = MPI_DATATYPE_NULL;
    BARKS_TRY(make_type(blocks, &type));
    barks_status *status =
        mpi_status_of(MPI_Isend(MPI_BOTTOM, 1, type, (int)way.peer, way.tag, way.comm, request),
                      "send a part of a round");
    (void)MPI_Type_free(&type); /* which MPI does once the message has gone */
    return status;
}

barks_status *mpi_blocks_receive(const struct mpi_blocks *blocks, struct mpi_way way,
                                 MPI_Request *request)
{
    MPI_Datatype type = MPI_DATATYPE_NULL;
    BARKS_TRY(make_type(blocks, &type));
    barks_status *status =
        mpi_status_of(MPI_Irecv(MPI_BOTTOM, 1, type, (int)way.peer, way.tag, way.comm, request),
                      "post a receive of a round");
    (void)MPI_Type_free(&type); /* likewise, once it has come */
    return status;
}
