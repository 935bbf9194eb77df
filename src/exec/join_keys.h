/* Keys of rows as a join looks at them: hashed and compared by loops for the common kinds. */
#pragma once

#include "batch/batch.h"
#include "shuffle/table_hash.h"

#include <stdbool.h>
#include <stdint.h>

#define ALWAYS_INLINE __attribute__((always_inline)) inline

enum join_key_kind {
    JOIN_KEY_NUMBER, /* one column of i32 or i64 */
    JOIN_KEY_STR,    /* one column of str or bytes */
    JOIN_KEY_ANY,    /* any types, any number of columns */
};

/* Key columns of a batch. Equal keys of two batches have one kind, since their types are equal but
 * for the width of numbers. */
struct join_keys {
    const barks_batch *batch; /* borrowed */
    const uint32_t *columns;  /* borrowed; column_count of them */
    uint32_t column_count;
    enum join_key_kind kind;
    bool is_narrow;            /* numbers: i32 */
    const barks_column *first; /* columns[0] of batch */
};

static inline struct join_keys join_keys_of(const barks_batch *batch, const uint32_t *columns,
                                            uint32_t column_count)
{
    const barks_column *first = &batch->columns[columns[0]];
    struct join_keys keys = {batch, columns, column_count, JOIN_KEY_ANY, false, first};
    barks_type_id type = first->type->id;
    if (column_count > 1)
        return keys;
    if (type == BARKS_I32 || type == BARKS_I64)
        keys.kind = JOIN_KEY_NUMBER;
    else if (type == BARKS_STR || type == BARKS_BYTES)
        keys.kind = JOIN_KEY_STR;
    keys.is_narrow = type == BARKS_I32;
    return keys;
}

static ALWAYS_INLINE uint64_t join_keys_number(const struct join_keys *keys, uint32_t row)
{
    return keys->is_narrow ? (uint64_t)((const int32_t *)keys->first->values)[row]
                           : ((const uint64_t *)keys->first->values)[row];
}

/* Hashes of rows [first_row, first_row + row_count), for use within the process. Not the key hash
 * itself: its bits have chosen the partition already. A null's is that of its zero value. */
static ALWAYS_INLINE void join_keys_hash(enum join_key_kind kind, const struct join_keys *keys,
                                         uint32_t first_row, uint32_t row_count, uint64_t *out)
{
    switch (kind) {
    case JOIN_KEY_NUMBER:
        for (uint32_t k = 0; k < row_count; k++)
            out[k] = table_hash_number(join_keys_number(keys, first_row + k));
        return;
    case JOIN_KEY_STR:
        for (uint32_t k = 0; k < row_count; k++)
            out[k] = table_hash_str((const barks_str *)keys->first->values + first_row + k);
        return;
    case JOIN_KEY_ANY:
        batch_hash_rows(keys->batch, keys->columns, keys->column_count, first_row, row_count, out);
        for (uint32_t k = 0; k < row_count; k++)
            out[k] = table_hash_number(out[k]);
        return;
    }
}

/* Where a look at the key of a row begins. */
static ALWAYS_INLINE const void *join_keys_place(enum join_key_kind kind,
                                                 const struct join_keys *keys, uint32_t row)
{
    size_t bytes = kind == JOIN_KEY_STR ? sizeof(barks_str) : keys->is_narrow ? 4 : 8;
    return (const uint8_t *)keys->first->values + row * bytes;
}

/* Row i of a against row j of b: null is equal to null, NaN to NaN, -0.0 to 0.0. */
static ALWAYS_INLINE bool join_keys_equal(enum join_key_kind kind, const struct join_keys *a,
                                          uint32_t i, const struct join_keys *b, uint32_t j)
{
    if (kind == JOIN_KEY_ANY)
        return batch_rows_equal(a->batch, i, a->columns, b->batch, j, b->columns, a->column_count);
    bool is_equal = kind == JOIN_KEY_NUMBER
                        ? join_keys_number(a, i) == join_keys_number(b, j)
                        : barks_str_equal(((const barks_str *)a->first->values)[i],
                                          ((const barks_str *)b->first->values)[j]);
    return is_equal && barks_is_valid(a->first, i) == barks_is_valid(b->first, j);
}
