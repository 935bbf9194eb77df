#include "exec/held_rows.h"

#include "base/pool.h"
#include "exec/sort.h"

barks_status *held_rows_init(struct held_rows *held, struct pool *pool, const barks_schema *schema)
{
    held->pool = pool;
    return batch_create(pool, schema, BATCH_ROWS, &held->rows);
}

static void forget_order(struct held_rows *held)
{
    if (held->order != NULL)
        pool_release(held->pool, held->order, held->order_bytes);
    held->order = NULL;
}

void held_rows_drop(struct held_rows *held)
{
    forget_order(held);
    batch_destroy(held->rows);
    *held = (struct held_rows){0};
}

void held_rows_clear(struct held_rows *held)
{
    forget_order(held);
    batch_clear(held->rows);
}

barks_status *held_rows_add(struct held_rows *held, const struct batch *batch)
{
    return batch_append(held->rows, batch, 0, batch->base.row_count, BATCH_KEEP);
}

barks_status *held_rows_seal(struct held_rows *held, const struct sort_key *keys,
                             uint32_t key_count)
{
    uint32_t row_count = held->rows->base.row_count;
    void *order = NULL;
    if (row_count == 0 || key_count == 0)
        return NULL;
    size_t bytes = row_count * sizeof *held->order;
    BARKS_TRY_DOING(pool_acquire(held->pool, bytes, &order), "sort %u rows", row_count);
    held->order = order;
    held->order_bytes = bytes;
    return rows_order(&held->rows->base, keys, key_count, held->pool, held->order);
}
