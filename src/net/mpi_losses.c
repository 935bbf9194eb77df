#include "net/mpi_losses.h"

#include "net/mpi_error.h"

#include <stdlib.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif

barks_status *losses_init(struct mpi_losses *losses, uint32_t size)
{
    *losses = (struct mpi_losses){.size = size};
    losses->is_lost = calloc(size, sizeof *losses->is_lost);
    losses->suspicions = calloc(size, sizeof *losses->suspicions);
    if (losses->is_lost != NULL && losses->suspicions != NULL)
        return NULL;
    losses_drop(losses);
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what is known of %u ranks", size);
}

void losses_drop(struct mpi_losses *losses)
{
    free(losses->is_lost);
    free(losses->suspicions);
    *losses = (struct mpi_losses){0};
}

void losses_suspect(struct mpi_losses *losses, uint32_t rank)
{
    if (losses->suspicions[rank] == SUSPICION_NONE)
        losses->suspicions[rank] = SUSPICION_NEW;
}

barks_status *losses_judge(struct mpi_losses *losses, uint32_t rank, int code, const char *doing,
                           bool *out_is_gone)
{
    *out_is_gone = mpi_is_loss(code);
    if (!*out_is_gone)
        return mpi_status_of_code(code, doing);
    losses_suspect(losses, rank);
    return NULL;
}

#ifdef OMPI_HAVE_MPI_EXT_FTMPI
/* Suspects the ranks of comm that have ended, and acknowledges them. */
BARKS_CHECKED static barks_status *acknowledge(struct mpi_losses *losses, MPI_Comm comm)
{
    MPI_Group gone = MPI_GROUP_NULL, all = MPI_GROUP_NULL;
    BARKS_TRY(mpi_status_of(MPIX_Comm_failure_ack(comm), "acknowledge the end of ranks"));
    BARKS_TRY(mpi_status_of(MPIX_Comm_failure_get_acked(comm, &gone), "tell who has ended"));
    barks_status *status = mpi_status_of(MPI_Comm_group(comm, &all), "list its ranks");
    int count = 0;
    if (status == NULL)
        status = mpi_status_of(MPI_Group_size(gone, &count), "count who has ended");
    for (int i = 0; i < count && status == NULL; i++) {
        int rank = MPI_UNDEFINED;
        status =
            mpi_status_of(MPI_Group_translate_ranks(gone, 1, &i, all, &rank), "tell who has ended");
        if (status == NULL && rank != MPI_UNDEFINED)
            losses_suspect(losses, (uint32_t)rank);
    }
    if (all != MPI_GROUP_NULL)
        (void)MPI_Group_free(&all);
    (void)MPI_Group_free(&gone);
    return status;
}
#else
BARKS_CHECKED static barks_status *acknowledge(struct mpi_losses *losses, MPI_Comm comm)
{
    (void)losses;
    (void)comm;
    return NULL;
}
#endif

barks_status *losses_judge_any(struct mpi_losses *losses, MPI_Comm comm, int code,
                               const char *doing, bool *out_is_pending)
{
    *out_is_pending = mpi_is_loss(code);
    return *out_is_pending ? acknowledge(losses, comm) : mpi_status_of_code(code, doing);
}

bool losses_take_suspect(struct mpi_losses *losses, uint32_t *out_rank)
{
    for (uint32_t rank = 0; rank < losses->size; rank++) {
        if (losses->suspicions[rank] != SUSPICION_NEW)
            continue;
        losses->suspicions[rank] = SUSPICION_TOLD;
        if (losses->is_lost[rank])
            continue;
        *out_rank = rank;
        return true;
    }
    return false;
}
