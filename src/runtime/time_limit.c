#include "runtime/time_limit.h"

#include "base/clock.h"
#include "base/slurm.h"

#include <time.h>

uint64_t time_limit_slurm_seconds_left(void)
{
    uint64_t at = slurm_allocation().end_time, now = (uint64_t)time(NULL);
    return at > now ? at - now : 0;
}

/* Nanoseconds that Slurm leaves the job; UINT64_MAX: it says nothing. */
static uint64_t slurm_left_ns(void)
{
    uint64_t at = slurm_allocation().end_time, now = (uint64_t)time(NULL);
    if (at == 0)
        return UINT64_MAX;
    return at > now ? (at - now) * NS_PER_S : 0;
}

uint64_t time_limit_deadline_ns(uint64_t limit_ns)
{
    uint64_t left_ns = slurm_left_ns();
    if (limit_ns > 0 && limit_ns < left_ns)
        left_ns = limit_ns;
    return left_ns == UINT64_MAX ? 0 : monotonic_ns() + left_ns;
}
