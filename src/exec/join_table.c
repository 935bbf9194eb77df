#include "exec/join_table.h"

#include "base/pool.h"

#include <string.h>

BARKS_CHECKED static barks_status *acquire(struct join_table *table)
{
    size_t row_count = table->rows->base.row_count;
    table->slot_count = 16;
    while (table->slot_count < 2 * row_count)
        table->slot_count *= 2;
    size_t slot_bytes = table->slot_count * sizeof *table->slots;
    size_t bytes = slot_bytes + row_count * sizeof *table->next;
    void *memory = NULL;
    BARKS_TRY_DOING(pool_acquire(table->pool, bytes, &memory), "look up %zu rows by key",
                    row_count);
    table->acquired_bytes = bytes;
    table->slots = memory;
    table->next = (uint32_t *)(void *)((char *)memory + slot_bytes);
    memset(memory, 0xff, bytes); /* no rows anywhere */
    return NULL;
}

/* The slot of row i's key, or the free one where it belongs. */
static inline struct join_slot *find_slot(const struct join_table *table, const barks_batch *batch,
                                          uint32_t row, const uint32_t *keys, uint64_t hash)
{
    size_t mask = table->slot_count - 1;
    for (size_t place = hash & mask;; place = (place + 1) & mask) {
        struct join_slot *slot = &table->slots[place];
        if (slot->first == BARKS_NO_ROW)
            return slot;
        if (slot->hash == hash && batch_rows_equal(batch, row, keys, &table->rows->base,
                                                   slot->first, table->keys, table->key_count))
            return slot;
    }
}

static void insert(struct join_table *table, uint32_t row, uint64_t hash)
{
    struct join_slot *slot = find_slot(table, &table->rows->base, row, table->keys, hash);
    if (slot->first == BARKS_NO_ROW) {
        *slot = (struct join_slot){.hash = hash, .first = row, .last = row};
        return;
    }
    table->next[slot->last] = row;
    slot->last = row;
}

barks_status *join_table_build(struct join_table *table, struct pool *pool,
                               const struct batch *rows, const uint32_t *keys, uint32_t key_count)
{
    *table = (struct join_table){.pool = pool, .rows = rows, .keys = keys, .key_count = key_count};
    uint32_t row_count = rows->base.row_count;
    void *memory = NULL;
    size_t hash_bytes = (row_count + (size_t)1) * sizeof(uint64_t);
    BARKS_TRY(acquire(table));
    BARKS_TRY_DOING(pool_acquire(pool, hash_bytes, &memory), "look up %u rows by key", row_count);
    uint64_t *hashes = memory;
    batch_hash(&rows->base, keys, key_count, hashes);
    for (uint32_t row = 0; row < row_count; row++)
        insert(table, row, hashes[row]);
    pool_release(pool, memory, hash_bytes);
    return NULL;
}

void join_table_drop(struct join_table *table)
{
    if (table->slots != NULL)
        pool_release(table->pool, table->slots, table->acquired_bytes);
    *table = (struct join_table){0};
}

void join_table_find(const struct join_table *table, const barks_batch *batch, const uint32_t *keys,
                     uint64_t *hashes, uint32_t *out_first)
{
    batch_hash(batch, keys, table->key_count, hashes);
    for (uint32_t row = 0; row < batch->row_count; row++)
        out_first[row] = find_slot(table, batch, row, keys, hashes[row])->first;
}
