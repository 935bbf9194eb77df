/* Finds the hot keys of a side of a join while its map partitions are computed, and spreads their
 * rows (hot_keys.h).
 *
 * A map partition decides by its own rows, in their order: by the first HOT_WATCH_ROWS, and from
 * then on, so that a key is found that comes late, by one in about HOT_WATCH_EVERY. So whoever
 * computes it, and how often, deals its rows alike.
 */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/hot_keys.h"

#include <stdint.h>

enum {
    HOT_WATCH_ROWS = 4096,
    HOT_WATCH_EVERY = 16,
    HOT_KEY_LEAST = 200,         /* a key has at least one in so many of the rows, */
    HOT_PER_PARTITION_MAX = 512, /* and a map partition at most so many keys */
};

struct hot_watch_options {
    uint32_t partition_count;
    const uint32_t *key_columns; /* borrowed */
    uint32_t key_count;
    const struct hot_list *excluded; /* borrowed: keys that are not spread; NULL: none */
};

/* Threads: one owner at a time. */
struct hot_watch;
/* Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *hot_watch_create(const struct hot_watch_options *options,
                                             struct hot_watch **out_watch);
void hot_watch_destroy(struct hot_watch *watch); /* NULL is fine */

/* The rows of a map partition come next. */
void hot_watch_begin(struct hot_watch *watch, uint32_t map_partition);

/* Rows of hot keys get another partition; hashes are those of the rows' keys, of which partitions
 * have been made. Errors: BARKS_NO_MEMORY. Cost: O(rows), of those before a hot key is found but a
 * HOT_WATCH_EVERY-th. */
BARKS_CHECKED barks_status *hot_watch_spread(struct hot_watch *watch, const barks_batch *rows,
                                             const uint64_t *hashes, uint32_t *partitions);

/* The keys whose rows were spread, of all map partitions so far. */
const struct hot_list *hot_watch_found(const struct hot_watch *watch);
