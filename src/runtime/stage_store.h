/* Complete shuffles of an executor are written into the work directory, by the thread of its
 * errands. */
#pragma once

#include "runtime/errands.h"
#include "shuffle/stored_frames.h"

#include <stdint.h>

struct reduce_side;
struct spill_room;

/* One that is to be written, then what became of it: errand.status, pieces. */
struct store_order {
    struct errand errand;
    struct reduce_side *reduce_side; /* borrowed, as the room */
    const struct spill_room *room;
    uint64_t shuffle, tag;
    uint32_t slot;
    char *path; /* owned */
    struct stored_pieces pieces;
    uint64_t took_ns;
};

/* Takes path (free). Errors: BARKS_NO_MEMORY; path is freed. */
BARKS_CHECKED barks_status *store_order_create(struct reduce_side *reduce_side,
                                               const struct spill_room *room, char *path,
                                               struct store_order **out_order);
