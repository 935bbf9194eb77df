#include "net/mpi_tasks.h"

#include "net/mpi_error.h"

#include <stdlib.h>

enum { TAGS = 1 << 14 /* MPI promises 32767 */ };

BARKS_CHECKED static barks_status *connect_group(MPI_Comm parent, MPI_Group all, const int *ranks,
                                                 int count, uint64_t stage, MPI_Comm *out)
{
    MPI_Group group = MPI_GROUP_NULL;
    MPI_Comm made = MPI_COMM_NULL;
    BARKS_TRY(mpi_status_of(MPI_Group_incl(all, count, ranks, &group), "list the tasks"));
    barks_status *status = mpi_status_of(
        MPI_Comm_create_group(parent, group, (int)(stage % TAGS), &made), "connect the tasks");
    (void)MPI_Group_free(&group);
    if (status == NULL) /* the parent returns them, which the code of a job does not look at */
        status = mpi_status_of(MPI_Comm_set_errhandler(made, MPI_ERRORS_ARE_FATAL),
                               "set its error handler");
    *out = made;
    return status;
}

barks_status *mpi_tasks_connect(MPI_Comm parent, const uint32_t *ranks, uint32_t count,
                                uint64_t stage, MPI_Comm *out)
{
    MPI_Group all = MPI_GROUP_NULL;
    int *in_parent = calloc((size_t)count + 1, sizeof *in_parent);
    if (in_parent == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a communicator of %u tasks", count);
    for (uint32_t i = 0; i < count; i++)
        in_parent[i] = (int)ranks[i] - 1; /* the driver, rank 0, is not among them */
    barks_status *status = mpi_status_of(MPI_Comm_group(parent, &all), "list the executors");
    if (status == NULL)
        status = connect_group(parent, all, in_parent, (int)count, stage, out);
    if (all != MPI_GROUP_NULL)
        (void)MPI_Group_free(&all);
    free(in_parent);
    return status;
}
