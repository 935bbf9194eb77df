/* Memory of the kernel in multiples of 2 MiB, on huge pages where it gives them, kept when idle. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXTENT_BYTES ((size_t)2 << 20) /* a huge page */

struct extent {
    uint8_t *memory;
    size_t bytes;
};

/* All zero is an empty cache. Ends with extents_drop, which unmaps what is idle.
 * Threads: one owner at a time (the pool calls under its lock).
 * Invariant: idle extents are sorted by address and no two touch; each is a multiple of
 * EXTENT_BYTES in place and size; idle_capacity >= idle_count + taken_count, so that giving back
 * never needs memory. */
struct extents {
    struct extent *idle; /* owned */
    size_t idle_count;
    size_t idle_capacity;
    size_t taken_count;    /* extents handed out and not given back */
    uint64_t idle_bytes;   /* mapped and idle */
    uint64_t mapped_bytes; /* idle and handed out */
};

/* Hands out bytes (a multiple of EXTENT_BYTES, not 0): the idle extent that fits best, else a new
 * mapping, for which idle extents are unmapped first where all mappings would pass mapped_bytes_max
 * (which is a wish: what is in use stays). *out_is_zero: it is new, so every byte is zero. All of
 * it is poisoned (poison.h): whoever uses bytes of it lifts that first. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *extents_take(struct extents *extents, size_t bytes,
                                         uint64_t mapped_bytes_max, void **out, bool *out_is_zero);

/* Makes what was taken, old_bytes, larger: bytes (a multiple of EXTENT_BYTES, more than before) at
 * another address, with the old content in front and zeros behind. Pages are moved, not copied;
 * but where an idle extent is large enough that is used, since its pages cost nothing more. What is
 * new is poisoned, and idle extents are unmapped, as in extents_take. Errors: BARKS_NO_MEMORY;
 * memory is then as before. */
BARKS_CHECKED barks_status *extents_grow(struct extents *extents, void *memory, size_t old_bytes,
                                         size_t bytes, uint64_t mapped_bytes_max, void **out);

/* Gives back the first bytes of what was taken, but not all of it; false, and nothing is given,
 * without memory to note it. */
bool extents_give_front(struct extents *extents, void *memory, size_t bytes);

/* Gives back what was taken, all of it or what is left. */
void extents_give(struct extents *extents, void *memory, size_t bytes);

/* Unmaps idle extents, the largest first, until they hold at most idle_bytes_max. */
void extents_trim(struct extents *extents, uint64_t idle_bytes_max);

void extents_drop(struct extents *extents);

bool extents_are_sound(const struct extents *extents);
