/* Runs the events of a journal through a scheduler again: equal events give equal decisions. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_DIFFERENCE_BYTES = 2000, REPLAY_VERSION_BYTES = 32 };

struct replay {
    char version[REPLAY_VERSION_BYTES]; /* of barks, that wrote the journal */
    uint64_t event_count, decision_count, job_count;
    bool has_open_event; /* the last event has no decisions: the program ended there */
    /* The first decision that is another one now, in words; "": all are the same. */
    char difference[REPLAY_DIFFERENCE_BYTES];
};

/**
 * Replays a journal to its end, or to the first difference.
 *
 * Errors:  BARKS_BAD_INPUT: it is no journal, or a record is damaged or cut off; out_replay has
 * what was the same up to there. BARKS_INVALID: it is of a later barks. BARKS_NO_MEMORY. Threads:
 * any; nothing is shared.
 */
BARKS_CHECKED barks_status *replay_run(const void *bytes, size_t size_bytes,
                                       struct replay *out_replay);
