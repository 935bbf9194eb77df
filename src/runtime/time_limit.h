/* When the time that a job was given is over. */
#pragma once

#include <stdint.h>

/* Until Slurm ends the job; 0: it says nothing of it, or of an end that is past (of a shell that
 * outlived its allocation, of a limit that was raised). */
uint64_t time_limit_slurm_seconds_left(void);

/* By monotonic_ns: after limit_ns from now (0: no limit), or when Slurm ends the job, whichever is
 * sooner; 0: never. */
uint64_t time_limit_deadline_ns(uint64_t limit_ns);
