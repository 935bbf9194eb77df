/* Any thread asks the driver's to end a job, or a part of it, and waits for what it says. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>

struct driver;
struct job_part;

/* False: there is no such part, or it is over, or the driver ends. Threads: any but the driver's.
 */
bool driver_stop(struct driver *driver, const struct job_part *part);

/* What was asked by now is done, and told. */
BARKS_CHECKED barks_status *driver_answer_stops(struct driver *driver);
