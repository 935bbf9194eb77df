/* Ends the process by force when it has not ended by itself: a thread in a function of the user's,
 * main too, cannot be asked to come back. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct hard_end;

/* After so long the process says so in one sentence and leaves with exit_status; under mpirun the
 * other ranks are ended by that. Errors: BARKS_NO_MEMORY, BARKS_LIMIT (no thread). */
BARKS_CHECKED barks_status *hard_end_arm(uint64_t after_ns, int exit_status,
                                         struct hard_end **out_hard_end);
void hard_end_disarm(struct hard_end *hard_end); /* NULL is fine */
