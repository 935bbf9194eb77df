/* The job's exit status in a file (setting exit_file), for who starts it and cannot learn it from
 * mpirun: that of Open MPI 4.1 with --enable-recovery ends with 0 whatever its ranks return.
 *
 * Only the driver's process has such a file. Without one, exit_note_write does nothing.
 */
#pragma once

#include "barks/status.h"

/* NULL or "none": no file. An empty file is one whose job has not ended, or was killed. Another
 * file than before replaces that. Threads: before there are others. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *exit_note_open(const char *path);

/* Safe in a signal handler. The last call counts. */
void exit_note_write(int exit_status);
