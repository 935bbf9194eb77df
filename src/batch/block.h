/* Counted runs of bytes that string views point into: text chunks, received frames, arenas of made
 * strings. */
#pragma once

#include "barks/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

enum { BLOCK_SLACK_BYTES = 64 }; /* readable after the end, so that kernels may load past it */

/* Immutable for all but its maker once views are handed on. Threads: the count is atomic, so any
 * thread may hold one. */
struct block {
    _Atomic uint32_t holders;
    uint8_t *bytes; /* size_bytes, and BLOCK_SLACK_BYTES more that are readable */
    size_t size_bytes;
    size_t acquired_bytes; /* what was asked of the pool */
    struct pool *pool;
    void (*give_back)(struct block *block); /* of block_adopt; NULL: to the pool */
    void *owner;                            /* for give_back */
};

/* One holder: the caller. Content undefined but for the slack, which is zero. Errors: as
 * pool_acquire. */
BARKS_CHECKED barks_status *block_create(struct pool *pool, size_t size_bytes,
                                         struct block **out_block);

/* A block of memory that is not the pool's (a mapped file, a received buffer): give_back is called
 * once, when the last holder lets go, with owner in the block. BLOCK_SLACK_BYTES after the end must
 * be readable too. Errors: BARKS_NO_MEMORY; give_back is not called then. */
BARKS_CHECKED barks_status *block_adopt(void *bytes, size_t size_bytes,
                                        void (*give_back)(struct block *block), void *owner,
                                        struct block **out_block);

struct block *block_acquire(struct block *block); /* returns block */
void block_release(struct block *block); /* the last one gives the memory back; NULL is fine */

/* What it takes of its pool's budget; nothing where its memory is not the pool's. */
size_t block_memory_bytes(const struct block *block);

/* True when the caller is the only holder, so that he may write into it again. */
static inline int block_is_mine(struct block *block)
{
    return atomic_load_explicit(&block->holders, memory_order_acquire) == 1;
}
