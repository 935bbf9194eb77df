/* Memory that is handed out by moving a cursor and given back all at once: a task's, a batch's. */
#pragma once

#include "barks/status.h"
#include "base/poison.h"

#include <stddef.h>
#include <stdint.h>

struct arena_block;
struct pool;

/* Begins with arena_init, which takes no memory yet, or all zero (then only arena_drop is allowed).
 * Threads: one owner at a time.
 * Invariant: [cursor, cursor + room_bytes) is the unused end of the first block. */
struct arena {
    uint8_t *cursor;
    size_t room_bytes;
    struct arena_block *blocks; /* owned; the one in use first */
    struct pool *pool;          /* borrowed; outlives the arena */
    size_t block_bytes;
    uint64_t bytes;
};

/* block_bytes is what is taken from the pool at a time; it is rounded up to one of its sizes. */
void arena_init(struct arena *arena, struct pool *pool, size_t block_bytes);

/* Gives back everything but one block, which is used from its beginning again. */
void arena_reset(struct arena *arena);

/* Gives back everything; the arena is then as after arena_init. */
void arena_drop(struct arena *arena);

/* What the arena holds of the pool, used or not. */
static inline uint64_t arena_bytes(const struct arena *arena) { return arena->bytes; }

/* arena_alloc where the first block has no room. A request past a quarter of block_bytes gets a
 * block of its own, so that little of the first one is wasted. */
BARKS_CHECKED barks_status *arena_alloc_slow(struct arena *arena, size_t bytes, size_t alignment,
                                             void **out) __attribute__((cold));

/* bytes of any content, valid until the arena is reset or dropped. alignment is a power of two up
 * to 4096. For 0 bytes *out may be NULL. Errors: those of pool_acquire. */
BARKS_CHECKED static inline barks_status *arena_alloc(struct arena *arena, size_t bytes,
                                                      size_t alignment, void **out)
{
    size_t padding_bytes = -(uintptr_t)arena->cursor & (alignment - 1);
    if (__builtin_expect(
            padding_bytes > arena->room_bytes || bytes > arena->room_bytes - padding_bytes, 0))
        return arena_alloc_slow(arena, bytes, alignment, out);
    uint8_t *memory = arena->cursor + padding_bytes;
    unpoison(memory, bytes);
    arena->cursor = memory + bytes;
    arena->room_bytes -= padding_bytes + bytes;
    *out = memory;
    return NULL;
}
