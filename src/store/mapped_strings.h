/* Strings on disk that lie at an address all the same: the kernel reads them when someone looks,
 * and forgets them when it has no room. For those that views point at, whose number has no bound.
 */
#pragma once

#include "batch/row_strings.h"
#include "store/spill.h"

struct mapped_chunk;

/* Begins as {.base.take = mapped_strings_take, .room = room}, which holds nothing; ends with
 * mapped_strings_drop. Blocks live on with who holds them, within the room's life. Threads: one
 * owner at a time. */
struct mapped_strings {
    struct string_room base; /* first */
    const struct spill_room *room;
    struct mapped_chunk *chunk; /* that is being filled, in memory; NULL: none */
    size_t used_bytes;
};

/* string_room.take. Chunks are written when they are full, unless nobody holds them any more. Their
 * bytes are looked at as soon as they are on disk, and when the last holder lets go: what has
 * changed meanwhile is noted then (scratch_check). Errors: BARKS_LIMIT, BARKS_NO_MEMORY, those of
 * scratch_write and scratch_map, BARKS_BAD_INPUT: they are not what was written. */
BARKS_CHECKED barks_status *mapped_strings_take(struct string_room *base, size_t length,
                                                struct block **out_block, uint8_t **out_bytes);
void mapped_strings_drop(struct mapped_strings *strings); /* zeroed ones too */
