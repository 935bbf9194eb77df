#include "net/mpi_error.h"

#include <stdio.h>
#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif

bool mpi_is_loss(int code)
{
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
    int class = MPI_ERR_UNKNOWN;
    if (code == MPI_SUCCESS || MPI_Error_class(code, &class) != MPI_SUCCESS)
        return false;
    return class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING ||
           class == MPIX_ERR_REVOKED;
#else
    (void)code;
    return false;
#endif
}

barks_status *mpi_status_of_code(int code, const char *doing)
{
    if (code == MPI_SUCCESS)
        return NULL;
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        (void)snprintf(text, sizeof text, "unknown error %d", code);
    return barks_status_new(mpi_is_loss(code) ? BARKS_LOST : BARKS_IO, NULL, BARKS_HERE,
                            "MPI failed to %s: %s", doing, text);
}

bool mpi_has_ulfm(void)
{
#ifdef OMPI_HAVE_MPI_EXT_FTMPI
    int is_initialised = 0, is_finalized = 0, has_value = 0;
    int *value = NULL;
    return MPI_Initialized(&is_initialised) == MPI_SUCCESS && is_initialised &&
           MPI_Finalized(&is_finalized) == MPI_SUCCESS && !is_finalized &&
           MPI_Comm_get_attr(MPI_COMM_WORLD, MPIX_FT, &value, &has_value) == MPI_SUCCESS &&
           has_value && *value != 0;
#else
    return false;
#endif
}
