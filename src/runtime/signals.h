/* Signals that end a job: the driver notes them and ends in good order. */
#pragma once

/* Catches SIGINT, SIGTERM and SIGHUP from now on; a second SIGINT ends the process at once. Call
 * after MPI_Init or before threads; idempotent. */
void signals_catch(void);

/* The signal that came first, or 0. Threads: any. */
int signals_pending(void);
