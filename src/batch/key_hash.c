/* The key hash, version 1 (docs/key-hash.md). It decides which partition a row belongs to, also in
 * files that outlive the job, so none of this may change:
 *
 *     str, bytes     xxh3_64 (seed 0) of the bytes
 *     i32, i64       of the value as 8 little-endian bytes
 *     f32, f64       of the value as an f64 in 8 little-endian bytes, -0.0 as 0.0, every NaN as
 * 0x7ff8000000000000 bool           of one byte null           the constant NULL_HASH list the hash
 * of its length as an i64, combined with that of each item struct         the hash of its field
 * count as an i64, combined with that of each field several keys   the hash of the first, combined
 * with that of each further one
 *
 * combined: hash_combine of base/hash.h. */
#include "base/hash.h"
#include "batch/batch.h"
#include "batch/column.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define NULL_HASH UINT64_C(0x6e756c6c6e756c6c)

/* Rows whose hashes lie on the stack before they are combined. */
enum { HASH_ROWS = 256 };

static inline uint64_t hash_integer(int64_t value) { return hash_bytes(&value, sizeof value); }

static inline uint64_t hash_double(double value)
{
    uint64_t bits = 0;
    if (isnan(value))
        bits = UINT64_C(0x7ff8000000000000);
    else if (value != 0.0) /* else 0 for either zero */
        memcpy(&bits, &value, sizeof bits);
    return hash_bytes(&bits, sizeof bits);
}

static inline uint64_t hash_string(const barks_str *text)
{
    return hash_bytes(barks_str_bytes(text), text->length);
}

static uint64_t hash_at(const barks_column *column, uint32_t row);

static uint64_t hash_list(const barks_column *column, uint32_t row)
{
    barks_list_slice items = ((const barks_list_slice *)column->values)[row];
    uint64_t hash = hash_integer(items.length);
    for (uint32_t item = 0; item < items.length; item++)
        hash = hash_combine(hash, hash_at(&column->children[0], items.offset + item));
    return hash;
}

static uint64_t hash_struct(const barks_column *column, uint32_t row)
{
    uint32_t field_count = column->type->fields->field_count;
    uint64_t hash = hash_integer(field_count);
    for (uint32_t field = 0; field < field_count; field++)
        hash = hash_combine(hash, hash_at(&column->children[field], row));
    return hash;
}

/* One value: what lists and structs hold. */
static uint64_t hash_at(const barks_column *column, uint32_t row)
{
    if (!barks_is_valid(column, row))
        return NULL_HASH;
    switch (column->type->id) {
    case BARKS_BOOL:
        return hash_bytes((const uint8_t *)column->values + row, 1);
    case BARKS_I32:
        return hash_integer(((const int32_t *)column->values)[row]);
    case BARKS_I64:
        return hash_integer(((const int64_t *)column->values)[row]);
    case BARKS_F32:
        return hash_double((double)((const float *)column->values)[row]);
    case BARKS_F64:
        return hash_double(((const double *)column->values)[row]);
    case BARKS_STR:
    case BARKS_BYTES:
        return hash_string((const barks_str *)column->values + row);
    case BARKS_LIST:
        return hash_list(column, row);
    case BARKS_STRUCT:
        return hash_struct(column, row);
    }
    return 0;
}

/* Rows [first, first + count) of one column; those that are missing are put right by the caller. */
static void hash_rows(const barks_column *column, uint32_t first, uint32_t count, uint64_t *out)
{
    switch (column->type->id) {
    case BARKS_BOOL:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_bytes((const uint8_t *)column->values + first + k, 1);
        return;
    case BARKS_I32:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_integer(((const int32_t *)column->values)[first + k]);
        return;
    case BARKS_I64:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_integer(((const int64_t *)column->values)[first + k]);
        return;
    case BARKS_F32:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_double((double)((const float *)column->values)[first + k]);
        return;
    case BARKS_F64:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_double(((const double *)column->values)[first + k]);
        return;
    case BARKS_STR:
    case BARKS_BYTES:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_string((const barks_str *)column->values + first + k);
        return;
    case BARKS_LIST:
    case BARKS_STRUCT:
        for (uint32_t k = 0; k < count; k++)
            out[k] = hash_at(column, first + k);
        return;
    }
}

static void hash_column(const barks_column *column, uint32_t first, uint32_t count, uint64_t *out)
{
    hash_rows(column, first, count, out);
    if (column->validity == NULL)
        return;
    for (uint32_t k = 0; k < count; k++)
        out[k] = barks_is_valid(column, first + k) ? out[k] : NULL_HASH;
}

void batch_hash_rows(const barks_batch *batch, const uint32_t *columns, uint32_t column_count,
                     uint32_t first_row, uint32_t row_count, uint64_t *out_hashes)
{
    assert(column_count > 0);
    hash_column(&batch->columns[columns[0]], first_row, row_count, out_hashes);
    for (uint32_t i = 1; i < column_count; i++) {
        for (uint32_t first = 0; first < row_count; first += HASH_ROWS) {
            uint64_t next[HASH_ROWS];
            uint32_t left = row_count - first;
            uint32_t count = left < HASH_ROWS ? left : HASH_ROWS;
            hash_column(&batch->columns[columns[i]], first_row + first, count, next);
            for (uint32_t k = 0; k < count; k++)
                out_hashes[first + k] = hash_combine(out_hashes[first + k], next[k]);
        }
    }
}

void batch_hash(const barks_batch *batch, const uint32_t *columns, uint32_t column_count,
                uint64_t *out_hashes)
{
    batch_hash_rows(batch, columns, column_count, 0, batch->row_count, out_hashes);
}
