/* Signals that end a job: the driver notes them and ends in good order. */
#pragma once

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and SIGHUP from now on; a second SIGINT ends the process at once.
 * SIGUSR1, which Slurm can send before the end of the time, is caught where the program leaves it
 * alone. Call after MPI_Init or before threads; idempotent. */
void signals_catch(void);

/* The signal that came first, or 0; SIGUSR1 is none of them. Threads: any. */
int signals_pending(void);

/* Whether SIGUSR1 has come since it was last asked. Threads: any, one at a time. */
bool signals_take_warning(void);
