/* When the time that a job was given is over. */
#pragma once

#include <stdint.h>

/* By monotonic_ns: after limit_ns from now (0: no limit), or when Slurm ends the job, whichever is
 * sooner; 0: never. */
uint64_t time_limit_deadline_ns(uint64_t limit_ns);
