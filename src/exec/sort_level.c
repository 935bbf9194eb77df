/* Seven bytes of a string and, below them, how many there are of it from here on, at most 8: so a
 * prefix says of itself whether the string has ended, and "a" goes before "a\0". */
#include "exec/sort_level.h"

#include <string.h>

enum {
    STRING_BYTES = 7,
    GOES_ON = 8,
    OFFSET_MAX = 8 * STRING_BYTES, /* what is alike up to here, as paths are, is compared: each
                                      level looks at all of the strings once more */
};
static const uint64_t SIGN = UINT64_C(1) << 63;

static inline uint64_t prefix_of_number(int64_t value) { return (uint64_t)value ^ SIGN; }

static inline uint64_t prefix_of_real(double value)
{
    if (value != value)
        return UINT64_MAX;
    uint64_t bits = 0;
    value = value == 0.0 ? 0.0 : value; /* -0.0 equals 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return (bits & SIGN) != 0 ? ~bits : bits | SIGN;
}

static inline uint64_t prefix_of_bytes(uint64_t bytes, uint32_t left_bytes)
{
    return (__builtin_bswap64(bytes) & ~UINT64_C(0xff)) |
           (left_bytes < GOES_ON ? left_bytes : GOES_ON);
}

static inline uint64_t prefix_of_str(const barks_str *text)
{
    uint64_t bytes;
    if (text->length > BARKS_STR_INLINE)
        memcpy(&bytes, text->pointer, sizeof bytes);
    else /* zero where the string has ended */
        memcpy(&bytes, (const char *)text + offsetof(barks_str, prefix), sizeof bytes);
    return prefix_of_bytes(bytes, text->length);
}

static uint64_t prefix_of_rest(const barks_str *text, uint32_t offset)
{
    uint64_t bytes = 0;
    uint32_t left = text->length > offset ? text->length - offset : 0;
    if (left > 0)
        memcpy(&bytes, barks_str_bytes(text) + offset, left < sizeof bytes ? left : sizeof bytes);
    return prefix_of_bytes(bytes, left);
}

static void fill_strings(const barks_str *strings, uint32_t offset, struct sort_item *items,
                         uint32_t count)
{
    for (uint32_t i = 0; offset == 0 && i < count; i++)
        items[i].prefix = prefix_of_str(&strings[items[i].row]);
    for (uint32_t i = 0; offset > 0 && i < count; i++)
        items[i].prefix = prefix_of_rest(&strings[items[i].row], offset);
}

/* Numbers that rise with the values, before descending turns them round. */
static void fill_values(const barks_column *column, uint32_t offset, struct sort_item *items,
                        uint32_t count)
{
    const void *values = column->values;
    switch (column->type->id) {
    case BARKS_BOOL:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = ((const uint8_t *)values)[items[i].row];
        return;
    case BARKS_I32:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = prefix_of_number(((const int32_t *)values)[items[i].row]);
        return;
    case BARKS_I64:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = prefix_of_number(((const int64_t *)values)[items[i].row]);
        return;
    case BARKS_F32:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = prefix_of_real((double)((const float *)values)[items[i].row]);
        return;
    case BARKS_F64:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = prefix_of_real(((const double *)values)[items[i].row]);
        return;
    case BARKS_STR:
    case BARKS_BYTES:
        fill_strings(values, offset, items, count);
        return;
    case BARKS_LIST:
    case BARKS_STRUCT:
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = 0;
        return;
    }
}

static uint64_t prefix_of_null(const struct sort_key *key)
{
    return key->nulls_first ? 0 : UINT64_MAX;
}

void sort_level_fill(const struct sort_rows *rows, struct sort_level level, struct sort_item *items,
                     uint32_t count)
{
    const struct sort_key *key = &rows->keys[level.key];
    const barks_column *column = &rows->batch->columns[key->column];
    if (level.of_nulls) {
        for (uint32_t i = 0; i < count; i++)
            items[i].prefix = barks_is_valid(column, items[i].row) == key->nulls_first;
        return;
    }
    fill_values(column, level.offset, items, count);
    for (uint32_t i = 0; key->descending && i < count; i++)
        items[i].prefix = ~items[i].prefix;
    for (uint32_t i = 0; column->validity != NULL && i < count; i++)
        if (!barks_is_valid(column, items[i].row))
            items[i].prefix = prefix_of_null(key);
}

static enum sort_rest next_key(const struct sort_rows *rows, struct sort_level *level)
{
    *level = (struct sort_level){.key = level->key + 1};
    return level->key < rows->key_count ? SORT_LEVEL : SORT_EQUAL;
}

enum sort_rest sort_level_next(const struct sort_rows *rows, struct sort_level *level,
                               struct sort_item tied)
{
    const struct sort_key *key = &rows->keys[level->key];
    const barks_column *column = &rows->batch->columns[key->column];
    barks_type_id type = column->type->id;
    if (type == BARKS_LIST || type == BARKS_STRUCT)
        return SORT_COMPARE;
    if (level->of_nulls)
        return next_key(rows, level); /* of strings it can but be the empty one */
    if (column->validity != NULL && tied.prefix == prefix_of_null(key)) {
        level->of_nulls = true;
        return SORT_LEVEL;
    }
    uint64_t prefix = key->descending ? ~tied.prefix : tied.prefix;
    if ((type != BARKS_STR && type != BARKS_BYTES) || (prefix & 0xff) < GOES_ON)
        return next_key(rows, level);
    level->offset += STRING_BYTES;
    return level->offset <= OFFSET_MAX ? SORT_LEVEL : SORT_COMPARE;
}
