#include "exec/join_table.h"

#include "base/pool.h"

#include <string.h>

/* Rows whose slots, and then keys, are on their way into the cache at once. */
enum { FIND_ROWS = 128, SLOTS_MIN = 16 };

/* ---- slots ---- */

static ALWAYS_INLINE struct join_slot *home_of(const struct join_table *table, uint64_t hash)
{
    table_hash_product product = (table_hash_product)hash * table->slot_count;
    return &table->slots[(uint64_t)(product >> 64)];
}

static ALWAYS_INLINE struct join_slot *slot_after(const struct join_table *table,
                                                  struct join_slot *slot)
{
    return ++slot == table->slots + table->slot_count ? table->slots : slot;
}

/* From slot on the first that has the tag of hash, or is free. */
static ALWAYS_INLINE struct join_slot *find_tag(const struct join_table *table,
                                                struct join_slot *slot, uint64_t hash)
{
    while (slot->tag != (uint32_t)hash && slot->first != BARKS_NO_ROW)
        slot = slot_after(table, slot);
    return slot;
}

/* From slot on, which find_tag has found, the one of row's key, or the free one where it belongs.
 */
static ALWAYS_INLINE struct join_slot *find_key(const struct join_table *table,
                                                enum join_key_kind kind, struct join_slot *slot,
                                                const struct join_keys *keys, uint32_t row,
                                                uint64_t hash)
{
    while (slot->first != BARKS_NO_ROW &&
           !join_keys_equal(kind, keys, row, &table->keys, slot->first))
        slot = find_tag(table, slot_after(table, slot), hash);
    return slot;
}

/* Hashes of at most FIND_ROWS rows, and their slots on the way into the cache. */
static ALWAYS_INLINE void hash_rows(const struct join_table *table, enum join_key_kind kind,
                                    const struct join_keys *keys, uint32_t first, uint32_t count,
                                    uint64_t *out_hashes)
{
    join_keys_hash(kind, keys, first, count, out_hashes);
    for (uint32_t k = 0; k < count; k++)
        __builtin_prefetch(home_of(table, out_hashes[k]));
}

/* Where keys may be in the table: what find_key begins with, also after keys were added. What it
 * looks at is on its way into the cache. */
static ALWAYS_INLINE void find_slots(const struct join_table *table, enum join_key_kind kind,
                                     const uint64_t *hashes, uint32_t count,
                                     struct join_slot **out_slots)
{
    for (uint32_t k = 0; k < count; k++) {
        struct join_slot *slot = find_tag(table, home_of(table, hashes[k]), hashes[k]);
        out_slots[k] = slot;
        if (kind == JOIN_KEY_ANY || slot->first == BARKS_NO_ROW)
            continue;
        __builtin_prefetch(join_keys_place(kind, &table->keys, slot->first));
        if (table->next != NULL)
            __builtin_prefetch(&table->next[slot->first]);
    }
}

/* ---- building ---- */

BARKS_CHECKED static barks_status *acquire_unset(struct join_table *table, size_t bytes,
                                                 void **out_memory)
{
    BARKS_TRY_DOING(pool_acquire(table->pool, bytes, out_memory), "look up %u rows by key",
                    table->rows->base.row_count);
    memset(*out_memory, 0xff, bytes); /* BARKS_NO_ROW everywhere */
    return NULL;
}

BARKS_CHECKED static barks_status *insert(struct join_table *table, struct join_slot *slot,
                                          uint32_t row, uint64_t hash)
{
    void *memory = NULL;
    if (slot->first == BARKS_NO_ROW) {
        *slot = (struct join_slot){.tag = (uint32_t)hash, .first = row};
        return NULL;
    }
    if (table->next == NULL) {
        BARKS_TRY(acquire_unset(table, table->rows->base.row_count * sizeof *table->next, &memory));
        table->next = memory;
    }
    table->next[row] = slot->first;
    slot->first = row;
    return NULL;
}

/* The last rows first, so that each is put before those of its key that are there. */
BARKS_CHECKED static ALWAYS_INLINE barks_status *insert_rows(struct join_table *table,
                                                             enum join_key_kind kind)
{
    uint64_t hashes[FIND_ROWS];
    struct join_slot *slots[FIND_ROWS];
    for (uint32_t end = table->rows->base.row_count; end > 0;) {
        uint32_t count = end < FIND_ROWS ? end : FIND_ROWS;
        uint32_t first = end - count;
        hash_rows(table, kind, &table->keys, first, count, hashes);
        find_slots(table, kind, hashes, count, slots);
        for (uint32_t k = count; k-- > 0;) {
            struct join_slot *slot =
                find_key(table, kind, slots[k], &table->keys, first + k, hashes[k]);
            BARKS_TRY(insert(table, slot, first + k, hashes[k]));
        }
        end = first;
    }
    return NULL;
}

barks_status *join_table_build(struct join_table *table, struct pool *pool,
                               const struct batch *rows, const uint32_t *keys, uint32_t key_count)
{
    size_t row_count = rows->base.row_count;
    void *memory = NULL;
    *table = (struct join_table){.pool = pool,
                                 .rows = rows,
                                 .keys = join_keys_of(&rows->base, keys, key_count),
                                 .slot_count = row_count + row_count / 2 + SLOTS_MIN};
    BARKS_TRY(acquire_unset(table, table->slot_count * sizeof *table->slots, &memory));
    table->slots = memory;
    switch (table->keys.kind) {
    case JOIN_KEY_NUMBER:
        return insert_rows(table, JOIN_KEY_NUMBER);
    case JOIN_KEY_STR:
        return insert_rows(table, JOIN_KEY_STR);
    case JOIN_KEY_ANY:
        return insert_rows(table, JOIN_KEY_ANY);
    }
    return NULL;
}

void join_table_drop(struct join_table *table)
{
    if (table->slots != NULL)
        pool_release(table->pool, table->slots, table->slot_count * sizeof *table->slots);
    if (table->next != NULL)
        pool_release(table->pool, table->next, table->rows->base.row_count * sizeof *table->next);
    *table = (struct join_table){0};
}

/* ---- looking up ---- */

static ALWAYS_INLINE void find_rows(const struct join_table *table, enum join_key_kind kind,
                                    const struct join_keys *keys, uint32_t *out_first)
{
    uint64_t hashes[FIND_ROWS];
    struct join_slot *slots[FIND_ROWS];
    uint32_t row_count = keys->batch->row_count;
    for (uint32_t first = 0; first < row_count; first += FIND_ROWS) {
        uint32_t count = row_count - first < FIND_ROWS ? row_count - first : FIND_ROWS;
        hash_rows(table, kind, keys, first, count, hashes);
        find_slots(table, kind, hashes, count, slots);
        for (uint32_t k = 0; k < count; k++)
            out_first[first + k] =
                find_key(table, kind, slots[k], keys, first + k, hashes[k])->first;
    }
}

void join_table_find(const struct join_table *table, const barks_batch *batch, const uint32_t *keys,
                     uint32_t *out_first)
{
    const struct join_keys asked = join_keys_of(batch, keys, table->keys.column_count);
    switch (asked.kind) {
    case JOIN_KEY_NUMBER:
        find_rows(table, JOIN_KEY_NUMBER, &asked, out_first);
        return;
    case JOIN_KEY_STR:
        find_rows(table, JOIN_KEY_STR, &asked, out_first);
        return;
    case JOIN_KEY_ANY:
        find_rows(table, JOIN_KEY_ANY, &asked, out_first);
        return;
    }
}
