/* Where windows over a whole dataset begin, and how far those of a partition reach. */
#pragma once

#include "barks/status.h"
#include "exec/step.h"

#include <stdbool.h>
#include <stdint.h>

/* Windows begin at the places 0, step, 2 * step, ... and have width rows. Of a step of STEP_WINDOWS
 * or STEP_HEADS, which it borrows. */
struct window_places {
    uint64_t width, step;
    bool is_counted;        /* else there is one partition, and row_count is not known yet */
    const uint64_t *firsts; /* places of the partitions' first rows */
    uint32_t partition_count;
    uint64_t row_count; /* of the dataset */
};
BARKS_CHECKED barks_status *window_places_open(const struct step *step, uint32_t partition_count,
                                               struct window_places *out);

/* The first window that begins at a place or after it. */
uint64_t window_next(const struct window_places *places, uint64_t place);

/* Whether the window that begins at a place, and is not whole, has rows that no whole one has. */
bool window_is_partial(const struct window_places *places, uint64_t begin);

/* A partition has the rows [begin, end) and wants those to wanted_end, for the windows that begin
 * in it. */
struct window_reach {
    uint32_t partition;
    uint64_t begin, end, wanted_end;
};
struct window_reach window_reach_of(const struct window_places *places, uint32_t partition);
