/* How often stages are stored where it is known how often jobs fail: storing costs time each time,
 * and what was not stored is computed again after a failure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Begins with mtbf_ns alone, zeroed else. */
struct store_pace {
    uint64_t mtbf_ns; /* mean time between failures of the job; 0: not known, all is stored */
    uint64_t cost_ns; /* of storing, all that were stored added up */
    uint32_t stored_count;
    uint64_t last_ns; /* when the last one was stored */
};

/* The time between two stored stages that costs least in the mean; 0: store each, as long as it is
 * not known what that costs. J. T. Daly, "A higher order estimate of the optimum checkpoint
 * interval for restart dumps", Future Generation Computer Systems 22 (2006), equation 37. */
uint64_t store_pace_interval_ns(const struct store_pace *pace);

/* Whether a stage that has ended now is worth storing. */
bool store_pace_is_due(const struct store_pace *pace, uint64_t now_ns);

void store_pace_note(struct store_pace *pace, uint64_t cost_ns, uint64_t now_ns);
