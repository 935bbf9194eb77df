/* What reduce_side.c, reduce_read.c and reduce_spill.c share. */
#pragma once

#include "base/givers.h"
#include "base/lock.h"
#include "base/pool.h"
#include "shuffle/arrival.h"
#include "store/spill.h"

struct reduce_side {
    const struct spill_room *room;
    bool recovers;
    struct giver giver;
    struct lock lock;
    struct condition moved; /* some partition does not move any more */
    struct {
        struct arrival **arrivals; /* owned; by ascending (shuffle, slot) */
        uint32_t arrival_count;
        uint32_t arrival_capacity;
    } locked;
};

/* The committed slot that the partition belongs to; NULL. */
struct arrival *reduce_side_find_locked(const struct reduce_side *reduce_side, uint64_t shuffle,
                                        uint32_t partition);
/* Waits until none of its frames are on their way to disk. The caller is a user of it, or no other
 * thread drops it. */
void reduce_side_await_still_locked(struct reduce_side *reduce_side, const struct arrival *arrival);
/* A user less. True: it was the last of a dropped one, which the caller destroys, without the lock.
 */
bool reduce_side_let_go_locked(struct arrival *arrival);

/* A giver's give: puts frames that nobody looks at just now on disk. */
uint64_t reduce_side_give(void *context, uint64_t bytes, barks_status **out_failure);
