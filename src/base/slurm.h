/* What Slurm's environment says of the job that this process belongs to. */
#pragma once

#include <stdint.h>

/* Zero is what Slurm does not say. Read from the environment each time: nothing is kept. */
struct slurm_allocation {
    uint32_t core_count;    /* that the job has on this node; Slurm's "CPUs", which are threads of
                               cores where it was told of them */
    uint64_t memory_bytes;  /* likewise */
    uint64_t end_time;      /* seconds since 1970: when the job is ended */
    uint32_t restart_count; /* how often it was put into the queue again */
};
struct slurm_allocation slurm_allocation(void);
