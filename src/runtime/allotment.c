#include "runtime/allotment.h"

#include "base/clock.h"
#include "base/config.h"

/* Slurm's manual: "the signal may be sent up to 60 seconds earlier". */
#define EARLY_NS (UINT64_C(60) * NS_PER_S)
/* Slurm looks at its clock now and then, and so ends a job late rather than early. */
#define NEAR_NS (UINT64_C(5) * NS_PER_S)

struct allotment allotment_begin(const struct config *config, uint64_t seconds_left,
                                 uint64_t now_ns)
{
    uint64_t limit_ns = config_duration_ns(config, CONFIG_TIME_LIMIT);
    return (struct allotment){
        .limit_ns = limit_ns > 0 && limit_ns < UINT64_MAX - now_ns ? now_ns + limit_ns : UINT64_MAX,
        .end_ns = seconds_left > 0 && seconds_left < UINT64_MAX / NS_PER_S / 2
                      ? now_ns + seconds_left * NS_PER_S
                      : UINT64_MAX,
        .reserve_ns = config_duration_ns(config, CONFIG_TIME_RESERVE),
        .warned_ns = config_duration_ns(config, CONFIG_TIME_WARNED),
    };
}

void allotment_warn(struct allotment *allotment, uint64_t now_ns)
{
    uint64_t warned_end_ns = now_ns + allotment->warned_ns;
    allotment->is_warned = true;
    if (allotment->end_ns == UINT64_MAX || allotment->end_ns > warned_end_ns + EARLY_NS)
        allotment->end_ns = warned_end_ns;
}

static uint64_t left_of_end_ns(const struct allotment *allotment, uint64_t now_ns)
{
    if (allotment->end_ns == UINT64_MAX || (allotment->reserve_ns == 0 && !allotment->is_warned))
        return UINT64_MAX;
    if (allotment->end_ns <= allotment->reserve_ns)
        return 0;
    uint64_t until_ns = allotment->end_ns - allotment->reserve_ns;
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

/* The limit needs no reserve: who ends the job then is barks itself. */
uint64_t allotment_left_ns(const struct allotment *allotment, uint64_t now_ns)
{
    uint64_t left_ns = left_of_end_ns(allotment, now_ns), limit_left_ns = UINT64_MAX;
    if (allotment->limit_ns != UINT64_MAX)
        limit_left_ns = allotment->limit_ns > now_ns ? allotment->limit_ns - now_ns : 0;
    return left_ns < limit_left_ns ? left_ns : limit_left_ns;
}

uint64_t allotment_end_ns(const struct allotment *allotment)
{
    return allotment->limit_ns < allotment->end_ns ? allotment->limit_ns : allotment->end_ns;
}

const char *allotment_who_ends(const struct allotment *allotment)
{
    if (allotment->limit_ns < allotment->end_ns)
        return "--barks-time-limit has set";
    return allotment->is_warned ? "SIGUSR1 warned of" : "Slurm has set";
}

bool allotment_explains_signal(const struct allotment *allotment, uint64_t now_ns)
{
    return allotment->is_warned ||
           (allotment->end_ns != UINT64_MAX && now_ns + NEAR_NS >= allotment->end_ns);
}
