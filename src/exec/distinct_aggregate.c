/* About how many rows of a key differ. The state is a string of bytes that is written in place: of
 * few rows an open table of their hashes, 0 where it is free, so that the number is exact; of many
 * 2^precision registers and one byte more, so that its length tells it from a table. */
#include "batch/batch.h"
#include "exec/column_folding.h"
#include "exec/column_number.h"
#include "exec/registers.h"
#include "shuffle/combine_keep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BYTES_MIN = 32, TABLE_BYTES_MAX = 4096, HASHES_AT_ONCE = 256 };

struct sketch {
    uint8_t *bytes;
    size_t size_bytes;
};

static struct sketch sketch_of(const barks_str *text)
{
    return (struct sketch){(uint8_t *)(uintptr_t)barks_str_bytes(text), text->length};
}

static bool has_registers(const struct sketch *sketch) { return sketch->size_bytes % 2 == 1; }

static uint64_t hash_in(const struct sketch *sketch, size_t slot)
{
    uint64_t hash;
    memcpy(&hash, sketch->bytes + slot * sizeof hash, sizeof hash);
    return hash;
}

/* True where hash was not in the table, which has room for it. */
static bool put(const struct sketch *sketch, uint64_t hash)
{
    size_t mask = sketch->size_bytes / sizeof hash - 1, slot = hash & mask;
    for (uint64_t found; (found = hash_in(sketch, slot)) != 0; slot = (slot + 1) & mask)
        if (found == hash)
            return false;
    memcpy(sketch->bytes + slot * sizeof hash, &hash, sizeof hash);
    return true;
}

/* A state of the fold's own; zeros. Longer than what a view holds in itself. */
static bool make(const struct folding *folding, size_t size_bytes, struct sketch *out)
{
    const struct call_scope *scope = folding->call->task_self;
    void *bytes = NULL;
    folding->call->status = keeper_make(scope->keep, size_bytes, 8, &bytes);
    if (folding->call->status != NULL)
        return false;
    memset(bytes, 0, size_bytes);
    *out = (struct sketch){bytes, size_bytes};
    return true;
}

static bool make_registers(const struct folding *folding, struct sketch *out)
{
    return make(folding, ((size_t)1 << folding->item->precision) + 1, out);
}

/* What was in *from is in a larger state. */
static bool grow(const struct folding *folding, struct sketch *from)
{
    struct sketch larger;
    size_t size_bytes = from->size_bytes == 0 ? TABLE_BYTES_MIN : 2 * from->size_bytes;
    bool fits = size_bytes <= TABLE_BYTES_MAX;
    if (fits ? !make(folding, size_bytes, &larger) : !make_registers(folding, &larger))
        return false;
    for (size_t slot = 0; slot < from->size_bytes / sizeof(uint64_t); slot++) {
        uint64_t hash = hash_in(from, slot);
        if (hash == 0)
            continue;
        if (fits)
            (void)put(&larger, hash); /* it is new there, and there is room */
        else
            registers_add(larger.bytes, folding->item->precision, hash);
    }
    *from = larger;
    return true;
}

static void add(const struct folding *folding, struct sketch *sketch, int64_t *count, uint64_t hash)
{
    hash += hash == 0;
    while (!has_registers(sketch) && 2 * ((uint64_t)*count + 1) > sketch->size_bytes / sizeof hash)
        if (!grow(folding, sketch))
            return;
    if (has_registers(sketch))
        registers_add(sketch->bytes, folding->item->precision, hash);
    else
        *count += put(sketch, hash);
}

static void merge(const struct folding *folding, struct sketch *sketch, int64_t *count,
                  const struct sketch *other)
{
    if (!has_registers(other)) {
        for (size_t slot = 0; slot < other->size_bytes / sizeof(uint64_t); slot++)
            if (hash_in(other, slot) != 0 && folding->call->status == NULL)
                add(folding, sketch, count, hash_in(other, slot));
        return;
    }
    while (!has_registers(sketch))
        if (!grow(folding, sketch))
            return;
    registers_merge(sketch->bytes, other->bytes, folding->item->precision);
}

void fold_distinct(const struct folding *folding)
{
    const struct column_aggregate *item = folding->item;
    uint64_t hashes[HASHES_AT_ONCE];
    for (uint32_t k = 0; k < folding->count && folding->call->status == NULL; k++) {
        uint32_t row = folding->first_row + k, left = folding->count - k;
        if (!folding->merges && k % HASHES_AT_ONCE == 0)
            batch_hash_rows(folding->call->batch, item->columns, item->column_count, row,
                            left < HASHES_AT_ONCE ? left : HASHES_AT_ONCE, hashes);
        barks_str *state = state_of(folding->accumulators[k], item, 0);
        int64_t *count = state_of(folding->accumulators[k], item, 1);
        struct sketch sketch = sketch_of(state);
        folding->call->row_index = row;
        if (folding->merges) {
            struct sketch other =
                sketch_of((const barks_str *)folding->call->columns[item->fields[0]]->values + row);
            merge(folding, &sketch, count, &other);
        } else {
            add(folding, &sketch, count, hashes[k % HASHES_AT_ONCE]);
        }
        if (sketch.size_bytes > 0) /* the view has the first bytes, too */
            *state = barks_str_of((const char *)sketch.bytes, sketch.size_bytes);
    }
}

int64_t distinct_state_count(const struct column_aggregate *item, const barks_column *states,
                             const barks_column *counts, uint32_t row)
{
    struct sketch sketch = sketch_of((const barks_str *)states->values + row);
    return has_registers(&sketch) ? llround(registers_estimate(sketch.bytes, item->precision))
                                  : integer_at(counts, row);
}
