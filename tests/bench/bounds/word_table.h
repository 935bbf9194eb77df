/* The table of wordcount_bound: counts by words, which are keys of 16 bytes or longer ones in
 * memory of their own. */
#pragma once

#include "bound.h"

/* The top byte of high is the length of a short word, which the bytes of low and high then are. For
 * a longer word it is LONG, low is the word's hash and the rest of high the address of its struct
 * long_word. */
struct key {
    uint64_t low, high;
};

static const uint64_t LONG = UINT64_C(0xFF) << 56;

struct long_word {
    uint64_t length_bytes;
    char bytes[];
};

struct slot { /* two to a cache line; free where count is 0 */
    struct key key;
    uint64_t hash;
    uint64_t count;
};

struct table {
    struct slot *slots; /* owned, 1 << bits */
    uint64_t used_count;
    unsigned bits;
    char *memory; /* for long words */
    size_t memory_left_bytes;
};

static inline uint64_t hash_key(struct key key)
{
    return mix(key.low ^ UINT64_C(0xa0761d6478bd642f), key.high ^ UINT64_C(0xe7037ed1a0b428db));
}

static uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = length, piece = 0;
    for (; length >= sizeof piece; bytes += sizeof piece, length -= sizeof piece) {
        memcpy(&piece, bytes, sizeof piece);
        hash = mix(hash ^ piece, UINT64_C(0x9e3779b97f4a7c15));
    }
    piece = 0;
    memcpy(&piece, bytes, length);
    return mix(hash ^ piece, UINT64_C(0xa0761d6478bd642f));
}

static const struct long_word *long_word_of(struct key key)
{
    return (const struct long_word *)(uintptr_t)(key.high ^
                                                 LONG); /* user addresses have 56 bits at most */
}

static bool is_long(struct key key) { return (key.high & LONG) == LONG; }

static inline size_t table_home(const struct table *table, uint64_t hash)
{
    return (size_t)(hash >> (64 - table->bits));
}

static inline size_t table_next(const struct table *table, size_t index)
{
    return (index + 1) & (((size_t)1 << table->bits) - 1);
}

static void table_init(struct table *table, unsigned bits)
{
    *table = (struct table){.slots = map_memory(sizeof(struct slot) << bits), .bits = bits};
}

/* What lies around the huge pages stays mapped, and untouched. */
static void table_drop(struct table *table)
{
    if (munmap(table->slots, sizeof(struct slot) << table->bits) != 0)
        die("munmap");
}

static void table_grow(struct table *table)
{
    struct table grown = *table;
    grown.bits = table->bits + 1;
    grown.slots = map_memory(sizeof(struct slot) << grown.bits);
    for (size_t i = 0; i < (size_t)1 << table->bits; i++) {
        if (table->slots[i].count == 0)
            continue;
        size_t to = table_home(&grown, table->slots[i].hash);
        while (grown.slots[to].count != 0)
            to = table_next(&grown, to);
        grown.slots[to] = table->slots[i];
    }
    table_drop(table);
    *table = grown;
}

static void table_reserve(struct table *table, uint64_t added_count)
{
    while ((table->used_count + added_count) * 8 > (UINT64_C(5) << table->bits))
        table_grow(table);
}

static inline void table_add(struct table *table, struct key key, uint64_t hash, uint64_t count)
{
    size_t i = table_home(table, hash);
    struct slot *slot = &table->slots[i];
    while (slot->key.low != key.low || slot->key.high != key.high) {
        if (slot->count == 0) {
            *slot = (struct slot){.key = key, .hash = hash};
            table->used_count++;
            break;
        }
        i = table_next(table, i);
        slot = &table->slots[i];
    }
    slot->count += count;
}

/* Where a long word is, or a free slot for it. */
static struct slot *table_find_long(struct table *table, const char *bytes, size_t length,
                                    uint64_t hash)
{
    table_reserve(table, 1);
    size_t i = table_home(table, hash);
    for (; table->slots[i].count != 0; i = table_next(table, i)) {
        const struct slot *slot = &table->slots[i];
        if (slot->hash != hash || !is_long(slot->key))
            continue;
        const struct long_word *word = long_word_of(slot->key);
        if (word->length_bytes == length && memcmp(word->bytes, bytes, length) == 0)
            break;
    }
    return &table->slots[i];
}

/* Memory for a long word of the table; it lives as long as the process. */
static struct long_word *table_take_memory(struct table *table, size_t bytes)
{
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > table->memory_left_bytes) {
        table->memory_left_bytes = bytes > HUGE_PAGE_BYTES ? bytes : HUGE_PAGE_BYTES;
        table->memory = map_memory(table->memory_left_bytes);
    }
    char *taken = table->memory;
    table->memory += bytes;
    table->memory_left_bytes -= bytes;
    return (struct long_word *)(void *)taken;
}

static void table_add_long(struct table *table, const char *bytes, size_t length)
{
    uint64_t hash = hash_bytes(bytes, length);
    struct slot *slot = table_find_long(table, bytes, length, hash);
    if (slot->count == 0) {
        struct long_word *word = table_take_memory(table, sizeof *word + length);
        word->length_bytes = length;
        memcpy(word->bytes, bytes, length);
        *slot = (struct slot){.key = {hash, LONG | (uintptr_t)word}, .hash = hash};
        table->used_count++;
    }
    slot->count++;
}

/* Adds what another table has counted; a long word stays where it is. */
static void table_merge(struct table *table, const struct slot *from, uint64_t hash)
{
    if (!is_long(from->key)) {
        table_add(table, from->key, hash, from->count);
        return;
    }
    const struct long_word *word = long_word_of(from->key);
    struct slot *slot = table_find_long(table, word->bytes, word->length_bytes, hash);
    if (slot->count == 0) {
        *slot = (struct slot){.key = from->key, .hash = hash};
        table->used_count++;
    }
    slot->count += from->count;
}
