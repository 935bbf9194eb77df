/* What reduce_side.c and reduce_spill.c share. */
#pragma once

#include "base/givers.h"
#include "base/lock.h"
#include "base/pool.h"
#include "shuffle/arrival.h"
#include "store/spill.h"

struct reduce_side {
    const struct spill_room *room;
    struct giver giver;
    struct lock lock;
    struct condition moved; /* some partition does not move any more */
    struct {
        struct arrival **arrivals; /* owned; by ascending shuffle */
        uint32_t arrival_count;
        uint32_t arrival_capacity;
    } locked;
};

/* A giver's give: puts frames that nobody looks at just now on disk. */
uint64_t reduce_side_give(void *context, uint64_t bytes, barks_status **out_failure);
