#include "base/arena.h"

#include "base/checked.h"
#include "base/pool.h"

#include <assert.h>
#include <stdbool.h>

/* The head of a block; what is handed out follows it. */
struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of the block, this head included */
};

enum { HEAD_BYTES = 64 }; /* keeps the first allocation aligned to a cache line */
_Static_assert(sizeof(struct arena_block) <= HEAD_BYTES, "a block's head fits before its memory");

void arena_init(struct arena *arena, struct pool *pool, size_t block_bytes)
{
    *arena = (struct arena){.pool = pool, .block_bytes = pool_size_class(block_bytes)};
}

static void use(struct arena *arena, struct arena_block *block)
{
    arena->cursor = (uint8_t *)block + HEAD_BYTES;
    arena->room_bytes = block->bytes - HEAD_BYTES;
    poison(arena->cursor, arena->room_bytes);
}

barks_status *arena_alloc_slow(struct arena *arena, size_t bytes, size_t alignment, void **out)
{
    assert(alignment > 0 && (alignment & (alignment - 1)) == 0 && alignment <= POOL_ALIGNMENT);
    /* The head pushes what follows it to the next multiple of a large alignment. */
    size_t offset_bytes = alignment > HEAD_BYTES ? alignment : HEAD_BYTES;
    size_t needed_bytes = 0;
    if (ckd_add(&needed_bytes, bytes, offset_bytes))
        needed_bytes = SIZE_MAX; /* which the pool refuses in words */
    bool is_alone = needed_bytes > arena->block_bytes / 4;
    size_t block_bytes = is_alone ? pool_size_class(needed_bytes) : arena->block_bytes;
    void *memory = NULL;
    BARKS_TRY(pool_acquire(arena->pool, block_bytes, &memory));
    struct arena_block *block = memory;
    block->bytes = block_bytes;
    arena->bytes += block_bytes;
    if (is_alone && arena->blocks != NULL) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
        *out = (uint8_t *)block + offset_bytes;
        return NULL;
    }
    block->next = arena->blocks;
    arena->blocks = block;
    use(arena, block);
    return arena_alloc(arena, bytes, alignment, out);
}

/* Gives back all blocks from this one on. */
static void release_blocks(struct arena *arena, struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        arena->bytes -= block->bytes;
        pool_release(arena->pool, block, block->bytes);
        block = next;
    }
}

void arena_reset(struct arena *arena)
{
    if (arena->blocks == NULL)
        return;
    /* A first block larger than usual served one large request: not worth keeping. */
    if (arena->blocks->bytes > arena->block_bytes) {
        arena_drop(arena);
        return;
    }
    release_blocks(arena, arena->blocks->next);
    arena->blocks->next = NULL;
    use(arena, arena->blocks);
}

void arena_drop(struct arena *arena)
{
    release_blocks(arena, arena->blocks);
    arena->blocks = NULL;
    arena->cursor = NULL;
    arena->room_bytes = 0;
    arena->bytes = 0;
}
