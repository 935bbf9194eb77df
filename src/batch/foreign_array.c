#include "batch/foreign_array.h"

#include "batch/block.h"

#include <stdlib.h>

barks_status *foreign_array_create(struct foreign_array **out_foreign)
{
    struct foreign_array *foreign = calloc(1, sizeof *foreign);
    if (foreign == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an Arrow array");
    atomic_init(&foreign->holders, 1);
    *out_foreign = foreign;
    return NULL;
}

void foreign_array_let_go(struct foreign_array *foreign)
{
    /* Acquire and release, as in block_release: what other holders read comes before. */
    if (atomic_fetch_sub_explicit(&foreign->holders, 1, memory_order_acq_rel) != 1)
        return;
    if (foreign->array.release != NULL)
        foreign->array.release(&foreign->array);
    free(foreign);
}

static void give_back(struct block *block) { foreign_array_let_go(block->owner); }

barks_status *foreign_array_block(struct foreign_array *foreign, const void *bytes,
                                  size_t size_bytes, struct block **out_block)
{
    /* A batch finds blocks by their addresses: this one's is nobody else's. */
    void *begin = size_bytes > 0 ? (void *)(uintptr_t)bytes : foreign;
    BARKS_TRY(block_adopt(begin, size_bytes, give_back, foreign, out_block));
    atomic_fetch_add_explicit(&foreign->holders, 1, memory_order_relaxed);
    return NULL;
}
