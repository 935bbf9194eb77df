/* How often driver and executors say that they live while there is nothing else to say. */
#pragma once

#include "base/config.h"

#include <stdint.h>

/* As the setting says, but never so seldom that it would be taken for silence. */
static inline uint64_t heartbeat_ns(const struct config *config)
{
    uint64_t wanted_ns = config_duration_ns(config, CONFIG_HEARTBEAT);
    uint64_t most_ns = config_duration_ns(config, CONFIG_LOST_DEADLINE) / 4;
    return wanted_ns < most_ns ? wanted_ns : most_ns;
}
