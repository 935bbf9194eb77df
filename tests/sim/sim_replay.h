/* What the simulations have in common: how many worlds, how to see one again, and its log. */
#pragma once

#include "scheduler/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BARKS_SIM_WORLDS, or, where that is not set, count. */
uint64_t sim_world_count(uint64_t count);

/* Says on stderr how to see the world of a seed again. variables: "BARKS_SIM_EXECUTORS=100 " or "".
 */
void sim_tell_replay(const char *program, const char *variables, uint64_t seed);

/* scheduler_handle with the event and its decisions, which are all that the list holds, in the
 * journal. */
BARKS_CHECKED barks_status *sim_handle(struct journal *journal, struct scheduler *scheduler,
                                       const struct event *event, struct decision_list *decisions);

/* The journal has so many events, and they give the same decisions again; or out_failure says what
 * is wrong. */
bool sim_replays(struct journal *journal, uint64_t event_count, char *out_failure,
                 size_t failure_bytes);
