#include "runtime/time_limit.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

/* Nanoseconds that Slurm leaves the job; UINT64_MAX: it says nothing. */
static uint64_t slurm_left_ns(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME"); /* seconds of the calendar */
    char *end = NULL;
    unsigned long long at = text != NULL ? strtoull(text, &end, 10) : 0;
    time_t now = time(NULL);
    if (at == 0 || *end != '\0' || at > UINT32_MAX * UINT64_C(4))
        return UINT64_MAX;
    return at > (unsigned long long)now ? (at - (unsigned long long)now) * NS_PER_S : 0;
}

uint64_t time_limit_deadline_ns(uint64_t limit_ns)
{
    uint64_t left_ns = slurm_left_ns();
    if (limit_ns > 0 && limit_ns < left_ns)
        left_ns = limit_ns;
    return left_ns == UINT64_MAX ? 0 : monotonic_ns() + left_ns;
}
