/* Bad rows that the tasks of a job have put aside: shown with its success, or removed. */
#pragma once

#include "barks/status.h"

struct job;

/* status: how the job ended, taken and given back. NULL: what was put aside takes its names, and
 * the first failure of that is the result; else it is removed. A job that was not planned has
 * nothing.
 */
BARKS_CHECKED barks_status *quarantines_end(const struct job *job, barks_status *status);
/* What a job that only looks has put aside is removed. */
void quarantines_discard(const struct job *job);
