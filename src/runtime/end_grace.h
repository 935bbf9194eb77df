/* How long what must end is given to end by itself. */
#pragma once

#include "base/clock.h"
#include "base/config.h"

#include <stdint.h>

/* Of who must end, where --barks-time-reserve says nothing. */
#define LEAST_GRACE_NS (UINT64_C(10) * NS_PER_S)

/* Of attempts that were told to cancel, and of a process that is to leave. */
static inline uint64_t end_grace_ns(const struct config *config)
{
    uint64_t reserve_ns = config_duration_ns(config, CONFIG_TIME_RESERVE);
    return reserve_ns > 0 ? reserve_ns : LEAST_GRACE_NS;
}
