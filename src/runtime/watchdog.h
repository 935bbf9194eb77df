/* Ends the process when its communication thread is stuck: a thread inside MPI cannot be asked to
 * come back. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

/* What barks_exit_code gives for BARKS_LOST, for those who leave without a status. */
enum { EXIT_LOST = 7 };

/* Its thread never calls MPI. Threads: beat and phase from the watched thread. */
struct watchdog;

BARKS_CHECKED barks_status *watchdog_start(struct watchdog **out_watchdog);
void watchdog_stop(struct watchdog *watchdog); /* NULL is fine */

/* The watched thread begins something that must end, or beat again, within limit_ns; else the
 * process says so and leaves with the exit status of a lost rank. what is a literal. limit_ns 0: no
 * limit. NULL watchdog: does nothing. */
void watchdog_phase(struct watchdog *watchdog, const char *what, uint64_t limit_ns);

/* The watched thread is alive. */
void watchdog_beat(struct watchdog *watchdog);
