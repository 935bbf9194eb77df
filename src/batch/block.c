#include "batch/block.h"

#include "base/checked.h"
#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

barks_status *block_create(struct pool *pool, size_t size_bytes, struct block **out_block)
{
    size_t acquired_bytes = 0;
    if (ckd_add(&acquired_bytes, size_bytes, (size_t)BLOCK_SLACK_BYTES))
        BARKS_FAIL(BARKS_LIMIT, "a block of %zu bytes is larger than memory can be", size_bytes);
    struct block *block = malloc(sizeof *block);
    if (block == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the description of a block");
    void *bytes = NULL;
    barks_status *status = pool_acquire(pool, acquired_bytes, &bytes);
    if (status != NULL) {
        free(block);
        return status;
    }
    *block = (struct block){
        .bytes = bytes, .size_bytes = size_bytes, .acquired_bytes = acquired_bytes, .pool = pool};
    atomic_init(&block->holders, 1);
    memset(block->bytes + size_bytes, 0, BLOCK_SLACK_BYTES);
    *out_block = block;
    return NULL;
}

barks_status *block_adopt(void *bytes, size_t size_bytes, void (*give_back)(struct block *block),
                          void *owner, struct block **out_block)
{
    struct block *block = malloc(sizeof *block);
    if (block == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the description of a block");
    *block = (struct block){
        .bytes = bytes, .size_bytes = size_bytes, .give_back = give_back, .owner = owner};
    atomic_init(&block->holders, 1);
    *out_block = block;
    return NULL;
}

struct block *block_acquire(struct block *block)
{
    /* Relaxed: whoever hands the block over orders what the other thread sees of it. */
    uint32_t before = atomic_fetch_add_explicit(&block->holders, 1, memory_order_relaxed);
    assert(before >= 1 && before < UINT32_MAX);
    (void)before;
    return block;
}

void block_release(struct block *block)
{
    if (block == NULL)
        return;
    /* Release pairs with the acquire of the last holder (below, and in block_is_mine): what every
     * other holder read or wrote happens before the memory is used again. */
    if (atomic_fetch_sub_explicit(&block->holders, 1, memory_order_acq_rel) != 1)
        return;
    if (block->give_back != NULL)
        block->give_back(block);
    else
        pool_release(block->pool, block->bytes, block->acquired_bytes);
    free(block);
}

size_t block_memory_bytes(const struct block *block)
{
    return block->pool != NULL ? pool_size_class(block->acquired_bytes) : 0;
}
