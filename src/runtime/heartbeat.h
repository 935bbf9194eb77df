/* How often driver and executors say that they live while there is nothing else to say, and what
 * they do when they cannot. */
#pragma once

#include "base/clock.h"
#include "base/config.h"

#include <stdint.h>

/* As the setting says, but never so seldom that it would be taken for silence. */
static inline uint64_t heartbeat_ns(const struct config *config)
{
    uint64_t wanted_ns = config_duration_ns(config, CONFIG_HEARTBEAT);
    uint64_t most_ns = config_duration_ns(config, CONFIG_LOST_DEADLINE) / 4;
    return wanted_ns < most_ns ? wanted_ns : most_ns;
}

/* A rank that is silent for so long shows where it is, before it is taken for lost. */
static inline uint64_t silence_to_show_ns(const struct config *config)
{
    uint64_t limit_ns = config_duration_ns(config, CONFIG_LOST_DEADLINE);
    uint64_t show_ns = limit_ns / 4 * 3;
    return show_ns > NS_PER_S ? show_ns : NS_PER_S;
}
