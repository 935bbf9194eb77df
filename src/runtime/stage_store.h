/* An executor's thread that writes complete shuffles into the work directory, so that neither the
 * communication thread nor a worker waits for the disk. */
#pragma once

#include "barks/status.h"
#include "shuffle/stored_frames.h"

#include <stdbool.h>
#include <stdint.h>

struct net;
struct reduce_side;
struct spill_room;

/* Threads: made, asked and ended by the communication thread; it locks. */
struct stage_store;

/* What it needs is borrowed; net is woken when something was written. The thread is started with
 * the first shuffle. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_store_create(struct reduce_side *reduce_side,
                                               const struct spill_room *room, struct net *net,
                                               struct stage_store **out_store);
/* Waits for what is being written. NULL is fine. */
void stage_store_destroy(struct stage_store *store);

/* Takes path (free). Errors: BARKS_NO_MEMORY, BARKS_LIMIT: no thread. */
BARKS_CHECKED barks_status *stage_store_give(struct stage_store *store, uint64_t shuffle,
                                             uint32_t slot, char *path, uint64_t tag);

/* One that was written, or could not be (out_status, the caller's); false: none. */
bool stage_store_take(struct stage_store *store, uint64_t *out_shuffle, uint32_t *out_slot,
                      barks_status **out_status, struct stored_pieces *out_pieces);
