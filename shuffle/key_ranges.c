#include "shuffle/key_ranges.h"

#include "base/pack.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool is_number(barks_type_id type)
{
    return type == BARKS_I32 || type == BARKS_I64 || type == BARKS_F32 || type == BARKS_F64;
}

void key_ranges_init(struct key_ranges *ranges, const barks_schema *schema,
                     const uint32_t *key_columns, uint32_t key_count)
{
    *ranges = (struct key_ranges){.count = key_count < KEY_RANGES_MAX ? key_count : KEY_RANGES_MAX};
    for (uint32_t k = 0; k < ranges->count; k++)
        ranges->all[k] =
            (struct number_range){.is_known = is_number(schema->fields[key_columns[k]].type->id),
                                  .low = INT64_MAX,
                                  .high = INT64_MIN};
}

/* As an integer, in whose order they are. */
static inline int64_t place_of_real(double value)
{
    int64_t bits;
    if (isnan(value))
        return INT64_MAX;
    if (value == 0.0)
        return 0; /* either zero */
    memcpy(&bits, &value, sizeof bits);
    return bits < 0 ? (int64_t)(UINT64_C(0x8000000000000000) - (uint64_t)bits) : bits;
}

static inline int64_t place_at(const barks_column *column, uint32_t row)
{
    switch (column->type->id) {
    case BARKS_I32:
        return ((const int32_t *)column->values)[row];
    case BARKS_I64:
        return ((const int64_t *)column->values)[row];
    case BARKS_F32:
        return place_of_real((double)((const float *)column->values)[row]);
    case BARKS_F64:
        return place_of_real(((const double *)column->values)[row]);
    case BARKS_BOOL:
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        break;
    }
    return 0;
}

static void widen(struct number_range *range, int64_t low, int64_t high)
{
    range->low = low < range->low ? low : range->low;
    range->high = high > range->high ? high : range->high;
}

static void add_column(struct number_range *range, const barks_column *column, uint32_t row_count)
{
    struct number_range seen = *range;
    for (uint32_t row = 0; row < row_count; row++) {
        if (!barks_is_valid(column, row)) {
            seen.has_null = true;
            continue;
        }
        int64_t place = place_at(column, row);
        widen(&seen, place, place);
    }
    *range = seen;
}

void key_ranges_add(struct key_ranges *ranges, const barks_batch *rows, const uint32_t *key_columns)
{
    for (uint32_t k = 0; k < ranges->count; k++)
        if (ranges->all[k].is_known)
            add_column(&ranges->all[k], &rows->columns[key_columns[k]], rows->row_count);
}

void key_ranges_merge(struct key_ranges *ranges, const struct key_ranges *other)
{
    for (uint32_t k = 0; k < ranges->count; k++) {
        struct number_range *range = &ranges->all[k];
        range->is_known &= k < other->count && other->all[k].is_known;
        if (!range->is_known)
            continue;
        range->has_null |= other->all[k].has_null;
        widen(range, other->all[k].low, other->all[k].high);
    }
}

bool key_ranges_are_open(const struct key_ranges *ranges)
{
    bool are_open = true;
    for (uint32_t k = 0; k < ranges->count; k++)
        are_open &= !ranges->all[k].is_known;
    return are_open;
}

static void test_column(const struct number_range *range, const barks_column *column,
                        uint32_t first, uint32_t count, uint8_t *inside)
{
    for (uint32_t k = 0; k < count; k++) {
        if (!barks_is_valid(column, first + k)) {
            inside[k] &= range->has_null;
            continue;
        }
        int64_t place = place_at(column, first + k);
        inside[k] &= (uint8_t)((place >= range->low) & (place <= range->high));
    }
}

void key_ranges_test(const struct key_ranges *ranges, const barks_batch *rows,
                     const uint32_t *key_columns, uint32_t first, uint32_t count, uint8_t *inside)
{
    for (uint32_t k = 0; k < ranges->count; k++)
        if (ranges->all[k].is_known && is_number(rows->columns[key_columns[k]].type->id))
            test_column(&ranges->all[k], &rows->columns[key_columns[k]], first, count, inside);
}

void key_ranges_pack(const struct key_ranges *ranges, struct packer *out)
{
    pack_u64(out, ranges->count);
    for (uint32_t k = 0; k < ranges->count; k++) {
        pack_bool(out, ranges->all[k].is_known);
        pack_bool(out, ranges->all[k].has_null);
        pack_i64(out, ranges->all[k].low);
        pack_i64(out, ranges->all[k].high);
    }
}

barks_status *key_ranges_unpack(struct key_ranges *ranges, struct unpacker *in)
{
    struct key_ranges read = {.count = unpack_count(in)};
    if (read.count > KEY_RANGES_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "ranges of %" PRIu32 " key columns, of which at most %d are",
                   read.count, KEY_RANGES_MAX);
    for (uint32_t k = 0; k < read.count; k++) {
        read.all[k].is_known = unpack_bool(in);
        read.all[k].has_null = unpack_bool(in);
        read.all[k].low = unpack_i64(in);
        read.all[k].high = unpack_i64(in);
    }
    *ranges = read;
    return NULL;
}
