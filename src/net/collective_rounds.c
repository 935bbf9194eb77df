#include "net/collective_rounds.h"

#include "base/assertion.h"
#include "net/mpi_error.h"

#include <stdlib.h>

barks_status *mpi_executors_connect(MPI_Comm all, MPI_Comm *out)
{
    MPI_Group group = MPI_GROUP_NULL, executors = MPI_GROUP_NULL;
    BARKS_TRY(mpi_status_of(MPI_Comm_group(all, &group), "list its ranks"));
    int driver = 0;
    barks_status *status =
        mpi_status_of(MPI_Group_excl(group, 1, &driver, &executors), "list the executors");
    if (status == NULL)
        status =
            mpi_status_of(MPI_Comm_create_group(all, executors, 0, out), "connect the executors");
    if (executors != MPI_GROUP_NULL)
        (void)MPI_Group_free(&executors);
    (void)MPI_Group_free(&group);
    BARKS_TRY(status);
    return mpi_status_of(MPI_Comm_set_errhandler(*out, MPI_ERRORS_RETURN), "set its error handler");
}

barks_status *collective_rounds_open(struct collective_rounds *rounds, MPI_Comm all, uint32_t rank,
                                     uint32_t size)
{
    *rounds = (struct collective_rounds){.executors = MPI_COMM_NULL,
                                         .executor_count = size - 1,
                                         .rank = rank,
                                         .request = MPI_REQUEST_NULL};
    if (rank == 0)
        return NULL;
    BARKS_TRY(mpi_executors_connect(all, &rounds->executors));
    rounds->counts = calloc((size_t)4 * rounds->executor_count, sizeof *rounds->counts);
    if (rounds->counts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the counts of %u executors",
                   rounds->executor_count);
    return NULL;
}

void collective_rounds_close(struct collective_rounds *rounds)
{
    BARKS_ASSERT(rounds->request == MPI_REQUEST_NULL);
    if (rounds->executors != MPI_COMM_NULL)
        (void)MPI_Comm_free(&rounds->executors); /* at the end of all: what could be done? */
    free(rounds->counts);
    *rounds = (struct collective_rounds){.executors = MPI_COMM_NULL, .request = MPI_REQUEST_NULL};
}

barks_status *collective_rounds_sizes(struct collective_rounds *rounds,
                                      const struct net_round_size *send,
                                      struct net_round_size *receive)
{
    BARKS_ASSERT(rounds->request == MPI_REQUEST_NULL);
    rounds->is_sizes = true;
    rounds->send_sizes = send;
    rounds->receive_sizes = receive;
    /* Tested by collective_rounds_test. NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
    return mpi_status_of(MPI_Ialltoall(send, (int)sizeof *send, MPI_BYTE, receive,
                                       (int)sizeof *receive, MPI_BYTE, rounds->executors,
                                       &rounds->request),
                         "begin the sizes of a round");
}

/* Fits: net_payload_begin has held the pieces against NET_ROUND_BYTES_MAX. */
static void fill_counts(const struct net_piece *pieces, uint32_t count, int *out_counts,
                        int *out_offsets)
{
    _Static_assert(NET_ROUND_BYTES_MAX <= INT32_MAX, "counts and displacements are ints");
    for (uint32_t i = 0; i < count; i++) {
        out_counts[i] = (int)pieces[i].bytes;
        out_offsets[i] = pieces[i].bytes > 0 ? (int)pieces[i].offset_bytes : 0;
    }
}

barks_status *collective_rounds_payload(struct collective_rounds *rounds, const uint8_t *send,
                                        const struct net_piece *send_pieces, uint8_t *receive,
                                        const struct net_piece *receive_pieces)
{
    BARKS_ASSERT(rounds->request == MPI_REQUEST_NULL);
    uint32_t count = rounds->executor_count;
    int *send_counts = rounds->counts, *send_offsets = send_counts + count;
    int *receive_counts = send_offsets + count, *receive_offsets = receive_counts + count;
    fill_counts(send_pieces, count, send_counts, send_offsets);
    fill_counts(receive_pieces, count, receive_counts, receive_offsets);
    rounds->is_sizes = false;
    return mpi_status_of(MPI_Ialltoallv(send, send_counts, send_offsets, MPI_BYTE, receive,
                                        receive_counts, receive_offsets, MPI_BYTE,
                                        rounds->executors, &rounds->request),
                         "begin the payload of a round");
}

barks_status *collective_rounds_test(struct collective_rounds *rounds, bool *out_done)
{
    if (rounds->request == MPI_REQUEST_NULL)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", rounds->rank);
    int done = 0;
    BARKS_TRY(mpi_status_of(MPI_Test(&rounds->request, &done, MPI_STATUS_IGNORE),
                            rounds->is_sizes ? "exchange the sizes of a round"
                                             : "exchange the payload of a round"));
    *out_done = done != 0;
    for (uint32_t i = 0; done && rounds->is_sizes && i < rounds->executor_count; i++)
        if (rounds->receive_sizes[i].sequence != rounds->send_sizes[i].sequence)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", rounds->rank,
                       rounds->send_sizes[i].sequence, i + 1, rounds->receive_sizes[i].sequence);
    return NULL;
}
