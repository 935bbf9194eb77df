/* The strings and list items of accumulators: bytes that live as long as a combine table's rows. */
#pragma once

#include "barks/status.h"
#include "barks/str.h"
#include "batch/block.h"

#include <stddef.h>
#include <stdint.h>

struct pool;

/* Begins as {.pool = p}, which holds nothing; ends with keeper_drop. Bytes never move, and blocks
 * are counted, so that batches may hold them longer than the keeper.
 * Threads: one owner at a time. Invariant: used_bytes <= size of the last block. */
struct keeper {
    struct pool *pool;
    struct block **blocks; /* owned references */
    uint32_t block_count;
    uint32_t block_capacity;
    uint64_t used_bytes; /* of the last block */
    uint64_t held_bytes; /* of all blocks, as the pool counts them */
    uint64_t kept_bytes; /* handed out */
};

/* What barks_call.task_self points to (at its beginning) in a call of barks_function.fold. */
struct call_scope {
    struct keeper *keep; /* where barks_keep copies to */
};

/* n bytes, aligned for any item of a list when alignment is 8, else 1. Errors: as pool_acquire. */
BARKS_CHECKED barks_status *keeper_make(struct keeper *keeper, size_t n, size_t alignment,
                                        void **out_bytes);

/* Makes *text, where it is longer than a view holds, a view of a copy. Errors: as pool_acquire;
 * *text is then as before. */
BARKS_CHECKED barks_status *keeper_own(struct keeper *keeper, barks_str *text);

/* Copying what is still needed and releasing the rest: what is made after keeper_begin_copy lies in
 * new blocks, and keeper_release_first lets go of those before, whose number it returned. */
uint32_t keeper_begin_copy(struct keeper *keeper);
void keeper_release_first(struct keeper *keeper, uint32_t block_count);

/* Lets go of everything; twice is fine. */
void keeper_drop(struct keeper *keeper);
