/* A window whose rows are on disk, read piece by piece while its body runs. */
#pragma once

#include "exec/group_caller.h"
#include "exec/placed_rows.h"
#include "store/mapped_strings.h"

#include <stdint.h>

/* Begins with window_feed_init, ends with window_feed_drop. Threads: the task's only. */
struct window_feed {
    struct group_feed feed;           /* first: it leads here */
    struct group_caller *caller;      /* borrowed */
    const struct placed_rows *placed; /* borrowed */
    uint64_t kept_bytes_max;          /* of strings passed by, in memory for the body */
    struct mapped_strings strings;    /* the others */
    struct batch *slice;              /* owned: the piece at hand */
    uint32_t piece;
    uint64_t begin, end; /* places of the window */
};

/* Errors: as batch_create. */
BARKS_CHECKED barks_status *window_feed_init(struct window_feed *feed, struct group_caller *caller,
                                             const struct placed_rows *placed,
                                             const struct spill_room *room,
                                             uint64_t kept_bytes_max);
void window_feed_drop(struct window_feed *feed); /* zeroed ones too */

/* Nothing is read of the partition any more. */
void window_feed_clear(struct window_feed *feed);

/* Calls the function with the rows [begin, end), all of which are in pieces, and hands on what it
 * emits. Errors: those of group_caller_call, row_run_read and mapped_strings_take. */
BARKS_CHECKED barks_status *window_feed_call(struct window_feed *feed, uint64_t begin,
                                             uint64_t end);
