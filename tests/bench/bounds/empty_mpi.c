/* What MPI itself costs to start and end: the bound for the start-up of a job under mpirun. */
#include <mpi.h>

int main(int argc, char **argv)
{
    return MPI_Init(&argc, &argv) != MPI_SUCCESS || MPI_Finalize() != MPI_SUCCESS;
}
