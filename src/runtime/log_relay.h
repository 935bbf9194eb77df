/* Lines that an executor logs, on their way to the driver: only the driver prints, so that lines of
 * many ranks do not mix. */
#pragma once

#include "barks/status.h"
#include "base/log.h"

#include <stddef.h>

/* Takes the log's lines of this process from its opening to its closing. Threads: lines come from
 * any; take is the communication thread's. Bounded: lines past LOG_RELAY_LINES_MAX that wait are
 * dropped and counted. */
struct log_relay;
enum { LOG_RELAY_LINES_MAX = 1000 };

BARKS_CHECKED barks_status *log_relay_open(struct log_relay **out_relay);
void log_relay_close(
    struct log_relay *relay); /* lines that still wait are printed here; NULL is fine */

/* The oldest line, to be freed; NULL: none waits. */
char *log_relay_take(struct log_relay *relay, enum log_level *out_level);
