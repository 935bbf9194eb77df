/* Pieces of memory from 4 KiB to 1 MiB, in sizes that double: extents that are cut up. */
#pragma once

#include "barks/status.h"
#include "base/extent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PIECE_BITS_MIN = 12,                                /* 4 KiB */
    PIECE_BITS_MAX = 20,                                /* 1 MiB */
    SLAB_CLASSES = PIECE_BITS_MAX - PIECE_BITS_MIN + 1, /* class c has pieces of 4 KiB << c */
};

#define PIECE_BYTES_MAX ((size_t)1 << PIECE_BITS_MAX)

struct slab; /* an extent of pieces of one class */

/* All zero: none. Ends with slabs_drop. Threads: one owner at a time (the pool calls under its
 * lock). */
struct slabs {
    struct slab *with_free[SLAB_CLASSES]; /* those that have a free piece; lists */
    struct slab **all;                    /* owned, by address */
    size_t count;
    size_t capacity;
};
void slabs_drop(struct slabs *slabs); /* extents are not given back */

/* Of the piece that holds bytes, at most PIECE_BYTES_MAX. */
size_t slabs_piece_bytes(size_t bytes);

/* *out_is_zero: the piece was never handed out, so every byte is zero.
 * Errors: those of extents_take, whose mapped_bytes_max it is. */
BARKS_CHECKED barks_status *slabs_take(struct slabs *slabs, struct extents *extents, size_t bytes,
                                       uint64_t mapped_bytes_max, void **out, bool *out_is_zero);
/* An extent of which all pieces are free goes back. */
void slabs_give(struct slabs *slabs, struct extents *extents, void *memory, size_t bytes);
