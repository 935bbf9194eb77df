/* The life of a job: barks_init on every rank, barks_finalize on the driver. */
#pragma once

#include "barks/api.h"
#include "barks/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct barks_context barks_context;

/**
 * Starts barks. On rank 0, the driver, it returns; the other ranks serve as executors and end
 * inside it. Without mpirun, or under `mpirun -np 1`, driver and executors are threads of this one
 * process and MPI is not touched.
 *
 * Takes the options that begin with --barks- out of argv (`--barks-help` lists them and exits with
 * status 0).
 *
 * Ownership: the context belongs to barks; barks_finalize ends it, and every dataset with it.
 * Errors:    never NULL: a bad setting, a rank with another binary, a second call print one
 *            sentence and end the process with the error's exit status (barks_exit_code).
 * Threads:   call it once, from main, before other threads use barks. Collective: all ranks.
 */
BARKS_API barks_context *barks_init(int *argc, char ***argv);

/**
 * Ends the job: executors leave, the summary is printed.
 *
 * Returns the exit status for main: 0, or that of the first action that failed and whose error was
 * not taken with barks_take_error.
 *
 * Ownership: takes the context; datasets and rows that actions returned die with it.
 * Errors:    without a context, or called twice, it says so on stderr and returns 2. An action
 *            after it fails, and says so.
 * Threads:   the one that called barks_init.
 */
BARKS_API int barks_finalize(barks_context *context);

/**
 * The error of the last action that failed, or NULL. The job no longer counts as failed.
 *
 * Ownership: the caller's, until barks_status_free.
 * Errors:    none of its own.
 * Threads:   the one that called barks_init.
 */
BARKS_API BARKS_CHECKED barks_status *barks_take_error(barks_context *context);

/**
 * The exit status for an error: 2 invalid use, 3 bad input, 4 resource (memory, disk, limit), 5
 * input/output, 6 a user function failed, 7 an executor was lost, 8 cancelled, 70 internal; 0 for
 * NULL.
 *
 * Errors:    none.
 * Threads:   any.
 */
BARKS_API int barks_exit_code(const barks_status *status);

#ifdef __cplusplus
}
#endif
