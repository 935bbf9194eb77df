/* Ends the process when its communication thread is stuck: a thread inside MPI cannot be asked to
 * come back. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

/* What barks_exit_code gives for BARKS_LOST and BARKS_OUT_OF_TIME, for those who leave without a
 * status. */
enum { EXIT_LOST = 7, EXIT_OUT_OF_TIME = 75 };

/* Its thread never calls MPI. Threads: all but stop from the watched thread. */
struct watchdog;

BARKS_CHECKED barks_status *watchdog_start(struct watchdog **out_watchdog);
void watchdog_stop(struct watchdog *watchdog); /* NULL is fine */

/* The watched thread begins something that must end, or beat again, within limit_ns; else the
 * process says so and leaves with the exit status of a lost rank. what is a literal. limit_ns 0: no
 * limit. NULL watchdog: does nothing. */
void watchdog_phase(struct watchdog *watchdog, const char *what, uint64_t limit_ns);

/* From now on the stack of the watched thread is shown where it has not beaten for so long within a
 * phase that has a limit, once each time, before others take this process for lost. 0: never. */
void watchdog_show_after(struct watchdog *watchdog, uint64_t silent_ns);

/* At this moment of monotonic_ns the process leaves with the exit status, after the sentence (of at
 * most 255 bytes, copied), whatever the watched thread does: it would have set another moment
 * before. 0: never. NULL watchdog: does nothing. */
void watchdog_deadline(struct watchdog *watchdog, uint64_t at_ns, int exit_status,
                       const char *sentence);

/* The watched thread is alive. */
void watchdog_beat(struct watchdog *watchdog);
