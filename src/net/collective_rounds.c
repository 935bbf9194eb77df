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
                                     uint32_t size, enum net_levels levels)
{
    *rounds = (struct collective_rounds){.executors = MPI_COMM_NULL,
                                         .executor_count = size - 1,
                                         .rank = rank,
                                         .request = MPI_REQUEST_NULL,
                                         .nodes.comm = MPI_COMM_NULL};
    if (rank == 0)
        return NULL;
    size_t count = rounds->executor_count;
    BARKS_TRY(mpi_executors_connect(all, &rounds->executors));
    rounds->counts = calloc(4 * count, sizeof *rounds->counts);
    rounds->totals = calloc(count, sizeof *rounds->totals);
    rounds->entries = calloc(count, sizeof *rounds->entries);
    if (rounds->counts == NULL || rounds->totals == NULL || rounds->entries == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the counts of %zu executors", count);
    for (uint32_t i = 0; i < count; i++)
        rounds->entries[i] = (struct net_piece){i * sizeof(struct net_round_size),
                                                i + 1 != rank ? sizeof(struct net_round_size) : 0};
    return node_rounds_open(&rounds->nodes, rounds->executors, rounds->executor_count, rank - 1,
                            levels);
}

void collective_rounds_close(struct collective_rounds *rounds)
{
    BARKS_ASSERT(!collective_rounds_is_outstanding(rounds));
    node_rounds_close(&rounds->nodes);
    if (rounds->executors != MPI_COMM_NULL)
        (void)MPI_Comm_free(&rounds->executors); /* at the end of all: what could be done? */
    free(rounds->counts);
    free(rounds->totals);
    free(rounds->entries);
    *rounds = (struct collective_rounds){
        .executors = MPI_COMM_NULL, .request = MPI_REQUEST_NULL, .nodes.comm = MPI_COMM_NULL};
}

barks_status *collective_rounds_sizes(struct collective_rounds *rounds,
                                      const struct net_round_size *send,
                                      struct net_round_size *receive)
{
    BARKS_ASSERT(!collective_rounds_is_outstanding(rounds));
    rounds->is_sizes = true;
    rounds->send_sizes = send;
    rounds->receive_sizes = receive;
    for (uint32_t i = 0; i < rounds->executor_count; i++)
        rounds->totals[i] = (rounds->executor_count - 1) * sizeof *send;
    receive[rounds->rank - 1] = send[rounds->rank - 1];
    if (node_rounds_suit(&rounds->nodes, rounds->totals))
        return node_rounds_begin(&rounds->nodes,
                                 &(struct node_payload){.send = (const uint8_t *)send,
                                                        .send_pieces = rounds->entries,
                                                        .receive = (uint8_t *)receive,
                                                        .receive_pieces = rounds->entries,
                                                        .totals = rounds->totals});
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
    BARKS_ASSERT(!collective_rounds_is_outstanding(rounds));
    rounds->is_sizes = false;
    if (node_rounds_suit(&rounds->nodes, rounds->totals))
        return node_rounds_begin(
            &rounds->nodes,
            &(struct node_payload){send, send_pieces, receive, receive_pieces, rounds->totals});
    uint32_t count = rounds->executor_count;
    int *send_counts = rounds->counts, *send_offsets = send_counts + count;
    int *receive_counts = send_offsets + count, *receive_offsets = receive_counts + count;
    fill_counts(send_pieces, count, send_counts, send_offsets);
    fill_counts(receive_pieces, count, receive_counts, receive_offsets);
    return mpi_status_of(MPI_Ialltoallv(send, send_counts, send_offsets, MPI_BYTE, receive,
                                        receive_counts, receive_offsets, MPI_BYTE,
                                        rounds->executors, &rounds->request),
                         "begin the payload of a round");
}

/* All are in the same round, and what each sends in its payload is known from here on. */
BARKS_CHECKED static barks_status *take_sizes(struct collective_rounds *rounds)
{
    for (uint32_t i = 0; i < rounds->executor_count; i++) {
        if (rounds->receive_sizes[i].sequence != rounds->send_sizes[i].sequence)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", rounds->rank,
                       rounds->send_sizes[i].sequence, i + 1, rounds->receive_sizes[i].sequence);
        rounds->totals[i] = rounds->receive_sizes[i].total_bytes;
    }
    return NULL;
}

barks_status *collective_rounds_test(struct collective_rounds *rounds, bool *out_moved,
                                     bool *out_done)
{
    int done = 0;
    if (!collective_rounds_is_outstanding(rounds))
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", rounds->rank);
    if (node_rounds_is_outstanding(&rounds->nodes)) {
        BARKS_TRY(node_rounds_test(&rounds->nodes, out_moved, out_done));
    } else {
        BARKS_TRY(mpi_status_of(MPI_Test(&rounds->request, &done, MPI_STATUS_IGNORE),
                                rounds->is_sizes ? "exchange the sizes of a round"
                                                 : "exchange the payload of a round"));
        *out_moved = *out_done = done != 0;
    }
    return *out_done && rounds->is_sizes ? take_sizes(rounds) : NULL;
}
