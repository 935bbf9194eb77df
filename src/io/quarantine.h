/* Where bad rows are put aside: a directory whose files appear with the success of a job.
 *
 *     DIR/.bad-00007.json.TOKEN-3.HOST-PID-1  an attempt at partition 7, in job 3
 *     DIR/.bad-00007.json.TOKEN-3             whole; where it is empty, the old file will go
 *     DIR/bad-00007.json                      after the job's success
 */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct quarantine_place {
    const char *directory;
    const char *token; /* unlike that of any other read; of letters, digits and '-' */
    uint64_t job;
};

/* To be freed; NULL without memory. */
char *quarantine_path(const struct quarantine_place *place, uint32_t partition);
char *quarantine_hidden_path(const struct quarantine_place *place, uint32_t partition);
char *quarantine_attempt_path(const struct quarantine_place *place, uint32_t partition);

/* What the job's tasks left takes its names, and attempts that are not whole go.
 * Errors: BARKS_IO, BARKS_NO_MEMORY; what came before has its name then. */
BARKS_CHECKED barks_status *quarantine_publish(const struct quarantine_place *place);
/* All that the job's tasks left goes. Errors: likewise. */
BARKS_CHECKED barks_status *quarantine_discard(const struct quarantine_place *place);
