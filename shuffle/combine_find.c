/* Finding the accumulators of rows, many at a time. */
#include "shuffle/combine_table.h"
#include "shuffle/table_hash.h"

#include <assert.h>
#include <string.h>

#define ALWAYS_INLINE __attribute__((always_inline)) inline

static ALWAYS_INLINE uint64_t load_u64(const void *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static ALWAYS_INLINE int64_t load_i32(const void *from)
{
    int32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* What the loops below are compiled for: kind always, and the shape of a slot where it is a common
 * one, so that slots are found by shifts and keys by fixed offsets. */
struct shape {
    enum find_kind kind;
    size_t stride_bytes;
    size_t key_offset;
    bool is_plain; /* no options of tests change hashes */
};

static ALWAYS_INLINE struct slot *slot_at(const struct combine *combine, struct shape shape,
                                          uint64_t index)
{
    void *slot = combine->slots + index * shape.stride_bytes;
    return slot;
}

/* A key as two words that are equal for equal keys, unless it is a long string. */
struct key_words {
    uint64_t head;
    uint64_t rest;
};

static ALWAYS_INLINE struct key_words load_key(enum find_kind kind, const void *key)
{
    if (kind == FIND_STR)
        return (struct key_words){load_u64(key), load_u64((const uint8_t *)key + 8)};
    if (kind == FIND_I32)
        return (struct key_words){(uint64_t)load_i32(key), 0};
    return (struct key_words){load_u64(key), 0};
}

static ALWAYS_INLINE size_t key_bytes(enum find_kind kind)
{
    return kind == FIND_STR ? sizeof(barks_str) : kind == FIND_I32 ? 4 : 8;
}

/* Out of line: inlined, it would take the registers of the loops around it. */
__attribute__((noinline)) static uint64_t hash_long_string(const void *key)
{
    const barks_str *text = key;
    return hash_bytes(text->pointer, text->length);
}

static ALWAYS_INLINE uint64_t hash_key(enum find_kind kind, const void *key)
{
    struct key_words words = load_key(kind, key);
    if (kind != FIND_STR)
        return table_hash_number(words.head);
    if (__builtin_expect((uint32_t)words.head > BARKS_STR_INLINE, 0))
        return hash_long_string(key);
    return table_hash_view(words.head, words.rest);
}

static ALWAYS_INLINE bool slot_holds(struct shape shape, struct slot *slot, uint64_t hash,
                                     struct key_words words)
{
    struct key_words there =
        load_key(shape.kind, (uint8_t *)slot_accumulator(slot) + shape.key_offset);
    return ((slot->hash ^ hash) | (there.head ^ words.head) | (there.rest ^ words.rest)) == 0;
}

/* Begins an accumulator in an empty slot, distance slots behind where the search began. */
BARKS_CHECKED static barks_status *insert(struct combine *combine, const barks_batch *batch,
                                          uint32_t first, uint32_t k, struct slot *slot,
                                          uint64_t distance)
{
    BARKS_TRY(combine_begin_accumulator(combine, batch, first + k, slot_accumulator(slot)));
    combine_take_slot(combine, slot, combine->hashes[k], distance);
    combine->fresh[combine->fresh_count++] = k;
    return NULL;
}

static ALWAYS_INLINE bool slot_equals(struct shape shape, struct slot *slot, uint64_t hash,
                                      const void *key)
{
    if (slot->hash != hash)
        return false;
    if (slot_holds(shape, slot, hash, load_key(shape.kind, key)))
        return true;
    if (shape.kind != FIND_STR)
        return false;
    barks_str there, here;
    memcpy(&there, (uint8_t *)slot_accumulator(slot) + shape.key_offset, sizeof there);
    memcpy(&here, key, sizeof here);
    return barks_str_equal(there, here);
}

/* Integers are cheap to compare, so that two slots are looked at before a row is a miss. */
static ALWAYS_INLINE bool looks_at_two(struct shape shape) { return shape.kind != FIND_STR; }

/* The slots of the rows that missed are in the cache by now, but two things may not be: the next
 * slot, where most of those went that found theirs taken, and the bytes of long strings. */
static ALWAYS_INLINE void prefetch_for_misses(struct combine *combine, struct shape shape,
                                              uint32_t miss_count)
{
    for (uint32_t m = 0; m < miss_count; m++) {
        uint64_t hash = combine->hashes[combine->misses[m]];
        struct slot *slot = slot_at(combine, shape, combine_home(combine, hash));
        if (slot->hash == 0)
            continue;
        if (shape.kind == FIND_STR && slot->hash == hash) {
            barks_str there;
            memcpy(&there, (uint8_t *)slot_accumulator(slot) + shape.key_offset, sizeof there);
            if (there.length > BARKS_STR_INLINE)
                __builtin_prefetch(there.pointer);
        } else {
            size_t seen_count = looks_at_two(shape) ? 2 : 1;
            __builtin_prefetch((const uint8_t *)slot + seen_count * shape.stride_bytes);
        }
    }
}

/* Hashes of the keys of a look-up to come, and the slots looked at first on their way into the
 * cache: one or two lines. */
static ALWAYS_INLINE void hash_row(struct combine *combine, struct shape shape, const void *key,
                                   uint64_t *out_hash)
{
    uint64_t hash = hash_key(shape.kind, key) | 1;
    hash = shape.is_plain ? hash << combine->hash_shift | 1 : combine_slot_hash(combine, hash);
    *out_hash = hash;
    const void *slot = slot_at(combine, shape, combine_home(combine, hash));
    __builtin_prefetch(slot, 1);
    if (looks_at_two(shape))
        __builtin_prefetch((const uint8_t *)slot + 2 * shape.stride_bytes - 1, 1);
    else if (shape.stride_bytes % 32 != 0)
        __builtin_prefetch((const uint8_t *)slot + shape.stride_bytes - 1, 1);
}

/* Where each row's search begins, or goes on; counts into misses those that do not end there.
 * Without branches: which of the two it is cannot be foreseen. */
static ALWAYS_INLINE uint32_t look(struct combine *combine, struct shape shape, const void *key,
                                   uint32_t k, uint32_t miss_count)
{
    const uint64_t hash = combine->hashes[k], home = combine_home(combine, hash);
    const struct key_words words = load_key(shape.kind, key);
    struct slot *slot = slot_at(combine, shape, home);
    bool is_found = slot_holds(shape, slot, hash, words);
    uintptr_t accumulator = (uintptr_t)slot_accumulator(slot);
    if (looks_at_two(shape)) {
        uint64_t mask = combine_slot_count(combine) - 1;
        struct slot *second = slot_at(combine, shape, (home + 1) & mask);
        bool is_second = slot_holds(shape, second, hash, words);
        accumulator ^= (accumulator ^ (uintptr_t)slot_accumulator(second)) & -(uintptr_t)is_second;
        is_found |= is_second;
    }
    combine->accumulators[k] = (void *)accumulator; /* NOLINT(performance-no-int-to-ptr): chosen */
    combine->misses[miss_count] = k;
    return miss_count + !is_found;
}

static ALWAYS_INLINE barks_status *find_keys(struct combine *combine, struct shape shape,
                                             const barks_batch *batch, uint32_t first,
                                             uint32_t row_count)
{
    const size_t bytes = key_bytes(shape.kind);
    const barks_column *column = &batch->columns[combine->options.key_columns[0]];
    const uint8_t *keys = (const uint8_t *)column->values + first * bytes;
    const uint8_t *next_keys = keys + row_count * bytes;
    uint32_t next_count = batch->row_count - first - row_count;
    if (next_count > FIND_ROWS)
        next_count = FIND_ROWS;
    if (first == 0)
        for (uint32_t k = 0; k < row_count; k++)
            hash_row(combine, shape, keys + k * bytes, &combine->hashes[k]);

    uint32_t miss_count = 0, k = 0;
    for (; k < next_count; k++) {
        hash_row(combine, shape, next_keys + k * bytes, &combine->next_hashes[k]);
        miss_count = look(combine, shape, keys + k * bytes, k, miss_count);
    }
    for (; k < row_count; k++)
        miss_count = look(combine, shape, keys + k * bytes, k, miss_count);

    prefetch_for_misses(combine, shape, miss_count);
    const uint64_t mask = combine_slot_count(combine) - 1;
    for (uint32_t m = 0; m < miss_count; m++) {
        k = combine->misses[m];
        uint64_t hash = combine->hashes[k];
        uint64_t home = combine_home(combine, hash);
        for (uint64_t distance = 0;; distance++) {
            struct slot *slot = slot_at(combine, shape, (home + distance) & mask);
            combine->accumulators[k] = slot_accumulator(slot);
            if (slot_equals(shape, slot, hash, keys + k * bytes))
                break;
            if (slot->hash == 0) {
                BARKS_TRY(insert(combine, batch, first, k, slot, distance));
                break;
            }
        }
    }
    uint64_t *hashes = combine->hashes;
    combine->hashes = combine->next_hashes;
    combine->next_hashes = hashes;
    return NULL;
}

static bool keys_equal(const struct combine *combine, const void *accumulator,
                       const barks_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < combine->options.key_count; i++)
        if (!accumulator_equals_row(&combine->fields[combine->options.key_fields[i]], accumulator,
                                    &batch->columns[combine->options.key_columns[i]], row))
            return false;
    return true;
}

static ALWAYS_INLINE void hash_keys(enum find_kind kind, const barks_column *column, uint32_t first,
                                    uint32_t row_count, uint64_t *out_hashes)
{
    const size_t bytes = key_bytes(kind);
    const uint8_t *keys = (const uint8_t *)column->values + first * bytes;
    for (uint32_t k = 0; k < row_count; k++)
        out_hashes[k] = hash_key(kind, keys + k * bytes);
}

static void hash_any(const struct combine *combine, const barks_batch *rows,
                     const uint32_t *columns, uint32_t first, uint32_t row_count,
                     uint64_t *out_hashes)
{
    const struct combine_options *options = &combine->options;
    memset(out_hashes, 0, row_count * sizeof *out_hashes);
    for (uint32_t i = 0; i < options->key_count; i++)
        accumulator_hash_column(combine->fields[options->key_fields[i]].type,
                                &rows->columns[columns[i]], first, row_count, out_hashes);
}

void combine_hash(const struct combine *combine, const barks_batch *rows, const uint32_t *columns,
                  uint32_t first, uint32_t row_count, uint64_t *out_hashes)
{
    switch (combine->find_kind) {
    case FIND_STR:
        hash_keys(FIND_STR, &rows->columns[columns[0]], first, row_count, out_hashes);
        break;
    case FIND_I64:
        hash_keys(FIND_I64, &rows->columns[columns[0]], first, row_count, out_hashes);
        break;
    case FIND_I32:
        hash_keys(FIND_I32, &rows->columns[columns[0]], first, row_count, out_hashes);
        break;
    case FIND_ONE:
    case FIND_ANY:
        hash_any(combine, rows, columns, first, row_count, out_hashes);
        break;
    }
    for (uint32_t k = 0; k < row_count; k++)
        out_hashes[k] = (out_hashes[k] & combine->options.hash_and) | combine->options.hash_or;
}

void combine_hash_rows(const struct combine *combine, const barks_batch *rows, uint64_t *out_hashes)
{
    combine_hash(combine, rows, combine->options.key_columns, 0, rows->row_count, out_hashes);
}

void combine_hash_accumulators(const struct combine *combine, const barks_batch *accumulators,
                               uint64_t *out_hashes)
{
    combine_hash(combine, accumulators, combine->options.key_fields, 0, accumulators->row_count,
                 out_hashes);
}

barks_status *combine_find_row(struct combine *combine, const barks_batch *batch, uint32_t first,
                               uint32_t k)
{
    const uint64_t mask = combine_slot_count(combine) - 1;
    const uint64_t hash = combine->hashes[k], home = combine_home(combine, hash);
    for (uint64_t distance = 0;; distance++) {
        struct slot *slot = combine_slot(combine, (home + distance) & mask);
        combine->accumulators[k] = slot_accumulator(slot);
        if (slot->hash == hash && keys_equal(combine, slot_accumulator(slot), batch, first + k))
            return NULL;
        if (slot->hash == 0)
            return insert(combine, batch, first, k, slot, distance);
    }
}

/* Any number of keys of any types; none is one key that all rows share. */
BARKS_CHECKED static barks_status *find_any(struct combine *combine, const barks_batch *batch,
                                            uint32_t first, uint32_t row_count)
{
    combine_hash(combine, batch, combine->options.key_columns, first, row_count, combine->hashes);
    for (uint32_t k = 0; k < row_count; k++) {
        combine->hashes[k] = combine_slot_hash(combine, combine->hashes[k]);
        __builtin_prefetch(combine_slot(combine, combine_home(combine, combine->hashes[k])), 1);
    }
    for (uint32_t k = 0; k < row_count; k++)
        BARKS_TRY(combine_find_row(combine, batch, first, k));
    return NULL;
}

void combine_hash_row(struct combine *combine, const barks_batch *batch, uint32_t first, uint32_t k)
{
    uint64_t hash = 0;
    combine_hash(combine, batch, combine->options.key_columns, first + k, 1, &hash);
    combine->hashes[k] = combine_slot_hash(combine, hash);
    __builtin_prefetch(combine_slot(combine, combine_home(combine, combine->hashes[k])), 1);
}

/* Loops of one kind: for slots of {key, i64} and {key, i64, i64} with the key in front, and any. */
#define FIND_LOOPS(name, find_kind)                                                                \
    BARKS_CHECKED static barks_status *name(struct combine *combine, const barks_batch *batch,     \
                                            uint32_t first, uint32_t row_count)                    \
    {                                                                                              \
        struct shape any = {(find_kind), combine->stride_bytes, combine->key_offset, false};       \
        struct shape small = {(find_kind), (find_kind) == FIND_STR ? 32 : 24, 0, true};            \
        struct shape large = {(find_kind), small.stride_bytes + 8, 0, true};                       \
        bool is_plain = !combine->is_test && any.key_offset == 0;                                  \
        if (is_plain && any.stride_bytes == small.stride_bytes)                                    \
            return find_keys(combine, small, batch, first, row_count);                             \
        if (is_plain && any.stride_bytes == large.stride_bytes)                                    \
            return find_keys(combine, large, batch, first, row_count);                             \
        return find_keys(combine, any, batch, first, row_count);                                   \
    }
FIND_LOOPS(find_str, FIND_STR)
FIND_LOOPS(find_i64, FIND_I64)
FIND_LOOPS(find_i32, FIND_I32)

barks_status *combine_find(struct combine *combine, const barks_batch *batch, uint32_t first,
                           uint32_t row_count)
{
    assert(row_count <= FIND_ROWS && first + row_count <= batch->row_count);
    combine->fresh_count = 0;
    if (combine->array.places != NULL)
        return combine_array_find(combine, batch, first, row_count);
    switch (combine->find_kind) {
    case FIND_STR:
        return find_str(combine, batch, first, row_count);
    case FIND_I64:
        return find_i64(combine, batch, first, row_count);
    case FIND_I32:
        return find_i32(combine, batch, first, row_count);
    case FIND_ONE:
    case FIND_ANY:
        return find_any(combine, batch, first, row_count);
    }
    assert(false);
    return NULL;
}
