#include "barks/context.h"

int barks_exit_code(const barks_status *status)
{
    if (status == NULL)
        return 0;
    switch (barks_status_code(status)) {
    case BARKS_INVALID:
        return 2;
    case BARKS_BAD_INPUT:
        return 3;
    case BARKS_NO_MEMORY:
    case BARKS_LIMIT:
        return 4;
    case BARKS_IO:
        return 5;
    case BARKS_USER_ERROR:
        return 6;
    case BARKS_LOST:
        return 7;
    case BARKS_CANCELLED:
        return 8;
    case BARKS_INTERNAL:
        return 70;
    case BARKS_OUT_OF_TIME:
        return 75; /* EX_TEMPFAIL: the same command may succeed later */
    }
    return 70;
}
