#include "exec/packed_sort.h"

#include "base/pool.h"

#include <inttypes.h>
#include <string.h>

enum {
    DIGIT_BITS_MAX = 9, /* as many places as a processor has near translations and lines for */
    PLACE_ITEMS = 8,    /* wanted in a place of the last digit */
    FEW_ITEMS = 24,     /* that are sorted by insertion */
    WORD_BITS = 64,
};
static const uint64_t SIGN = UINT64_C(1) << 63;

/* ---- packing ---- */

static uint32_t bits_of(uint64_t number)
{
    return number == 0 ? 0 : WORD_BITS - (uint32_t)__builtin_clzll(number);
}

struct range {
    int64_t low, high;
};

/* Of all values; those of rows without one are 0. */
static bool find_range(const barks_column *column, uint32_t count, struct range *out)
{
    struct range range = {INT64_MAX, INT64_MIN};
    const void *values = column->values;
    switch (column->type->id) {
    case BARKS_BOOL:
        range = (struct range){0, 1};
        break;
    case BARKS_I32:
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = ((const int32_t *)values)[i];
            range.low = value < range.low ? value : range.low;
            range.high = value > range.high ? value : range.high;
        }
        break;
    case BARKS_I64:
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = ((const int64_t *)values)[i];
            range.low = value < range.low ? value : range.low;
            range.high = value > range.high ? value : range.high;
        }
        break;
    case BARKS_F32:
    case BARKS_F64:
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        return false;
    }
    *out = range;
    return true;
}

/* Its bits; WORD_BITS where it does not fit. */
static uint32_t measure_key(const struct sort_rows *rows, const struct sort_key *key,
                            struct packed_key *out)
{
    const barks_column *column = &rows->batch->columns[key->column];
    bool may_be_null = column->validity != NULL;
    struct range range = {0};
    if (!find_range(column, rows->batch->row_count, &range))
        return WORD_BITS;
    uint64_t greatest = (uint64_t)range.high - (uint64_t)range.low;
    if (greatest >= SIGN)
        return WORD_BITS;
    greatest += may_be_null;
    out->low = key->descending ? (uint64_t)range.high : (uint64_t)range.low;
    out->first = may_be_null && key->nulls_first;
    out->null_code = out->first > 0 ? 0 : greatest;
    return bits_of(greatest);
}

bool packed_sort_fits(const struct sort_rows *rows, struct packed_keys *out_packed)
{
    *out_packed = (struct packed_keys){.rows = rows};
    uint32_t count = rows->batch->row_count;
    if (count == 0 || rows->key_count == 0 || rows->key_count > PACKED_KEYS_MAX)
        return false;
    out_packed->row_bits = bits_of(count - 1);
    uint32_t used_bits = out_packed->row_bits;
    for (uint32_t k = rows->key_count; k-- > 0;) {
        uint32_t bits = measure_key(rows, &rows->keys[k], &out_packed->keys[k]);
        out_packed->keys[k].shift = used_bits;
        used_bits += bits;
        if (used_bits >= WORD_BITS) /* so that even the shift of a key of no bits is less */
            return false;
    }
    return true;
}

/* As uint64_t the differences are right whatever the signs. */
static void pack_numbers(const struct packed_key *key, bool descending, const barks_column *column,
                         uint64_t *words, uint32_t count)
{
    const int32_t *narrow = column->values;
    const uint64_t *wide = column->values;
    const uint8_t *flags = column->values;
    uint64_t low = key->low, turn = descending ? UINT64_MAX : 0, first = key->first;
    uint32_t shift = key->shift;
    first += descending; /* high - value is ~(value - high) + 1 */
    switch (column->type->id) {
    case BARKS_BOOL:
        for (uint32_t i = 0; i < count; i++)
            words[i] |= (((flags[i] - low) ^ turn) + first) << shift;
        return;
    case BARKS_I32:
        for (uint32_t i = 0; i < count; i++)
            words[i] |= ((((uint64_t)narrow[i] - low) ^ turn) + first) << shift;
        return;
    case BARKS_I64:
        for (uint32_t i = 0; i < count; i++)
            words[i] |= (((wide[i] - low) ^ turn) + first) << shift;
        return;
    case BARKS_F32:
    case BARKS_F64:
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        return;
    }
}

/* The bits of key k and those above, of a word: as long as nothing lies there but codes. */
static void pack_nulls(const struct packed_key *key, const barks_column *column, uint64_t *words,
                       uint32_t count)
{
    uint64_t above = ~((UINT64_C(1) << key->shift) - 1);
    for (uint32_t i = 0; i < count; i++)
        if (!barks_is_valid(column, i))
            words[i] = (words[i] & ~above) | key->null_code << key->shift;
}

/* From the last key up, so that a key still has nothing above it when nulls are put in. */
static void pack(const struct packed_keys *packed, uint64_t *words)
{
    const struct sort_rows *rows = packed->rows;
    uint32_t count = rows->batch->row_count;
    for (uint32_t i = 0; i < count; i++)
        words[i] = i;
    for (uint32_t k = rows->key_count; k-- > 0;) {
        const barks_column *column = &rows->batch->columns[rows->keys[k].column];
        pack_numbers(&packed->keys[k], rows->keys[k].descending, column, words, count);
        if (column->validity != NULL)
            pack_nulls(&packed->keys[k], column, words, count);
    }
}

/* ---- sorting ---- */

static void insertion_sort(uint64_t *words, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint64_t word = words[i];
        uint32_t place = i;
        for (; place > 0 && word < words[place - 1]; place--)
            words[place] = words[place - 1];
        words[place] = word;
    }
}

/* Throws words to their places in `to`, by the bits from shift on; out_ends are the ends of these.
 */
static void scatter(const uint64_t *from, uint32_t count, uint64_t *to, uint32_t shift,
                    uint32_t place_count, uint32_t *out_ends)
{
    uint64_t mask = place_count - 1;
    memset(out_ends, 0, place_count * sizeof *out_ends);
    for (uint32_t i = 0; i < count; i++)
        out_ends[from[i] >> shift & mask]++;
    uint32_t begin = 0;
    for (uint32_t place = 0; place < place_count; place++) {
        uint32_t place_words = out_ends[place];
        out_ends[place] = begin;
        begin += place_words;
    }
    for (uint32_t i = 0; i < count; i++)
        to[out_ends[from[i] >> shift & mask]++] = from[i];
}

static uint64_t differing_bits(const uint64_t *words, uint32_t count)
{
    uint64_t bits = 0;
    for (uint32_t i = 1; i < count; i++)
        bits |= words[i] ^ words[0];
    return bits;
}

/* Sorts words into other, or where they are. Those of equal keys lie in the order of their rows
 * already, and stay so: no digit reaches below the keys. Depth: a call for each digit. */
static void sort(uint64_t *words, uint32_t count, uint64_t *other, bool into_other,
                 uint32_t row_bits)
{
    uint64_t differing = 0;
    if (count <= FEW_ITEMS)
        insertion_sort(words, count);
    else
        differing = differing_bits(words, count);
    if (differing >> row_bits == 0) {
        if (into_other)
            memcpy(other, words, count * sizeof *words);
        return;
    }
    uint32_t digit_bits = bits_of(count / PLACE_ITEMS), bits = bits_of(differing);
    digit_bits = digit_bits < DIGIT_BITS_MAX ? digit_bits : DIGIT_BITS_MAX;
    uint32_t shift = bits > digit_bits + row_bits ? bits - digit_bits : row_bits;
    uint32_t place_count = 1u << (bits - shift);
    uint32_t ends[1 << DIGIT_BITS_MAX];
    scatter(words, count, other, shift, place_count, ends);
    if (shift == row_bits) { /* that was all */
        if (!into_other)
            memcpy(words, other, count * sizeof *words);
        return;
    }
    uint32_t begin = 0;
    for (uint32_t place = 0; place < place_count; place++) {
        uint32_t end = ends[place];
        if (begin < end)
            sort(other + begin, end - begin, words + begin, !into_other, row_bits);
        begin = end;
    }
}

/* ---- what comes of it ---- */

static void give_begins(const uint64_t *words, uint32_t count, uint32_t shift, uint64_t *out_begins)
{
    for (uint32_t first = 0; first < count; first += WORD_BITS) {
        uint32_t in_word = count - first < WORD_BITS ? count - first : WORD_BITS;
        uint64_t bits = first == 0; /* of the first place */
        for (uint32_t i = first == 0; i < in_word; i++)
            bits |= (uint64_t)((words[first + i] ^ words[first + i - 1]) >> shift != 0) << i;
        out_begins[first / WORD_BITS] = bits;
    }
}

barks_status *packed_sort(const struct packed_keys *packed, uint32_t group_key_count,
                          struct pool *pool, uint32_t *out_order, uint64_t *out_begins)
{
    uint32_t count = packed->rows->batch->row_count;
    size_t memory_bytes = 2 * (size_t)count * sizeof(uint64_t);
    void *memory = NULL;
    BARKS_TRY_DOING(pool_acquire(pool, memory_bytes, &memory), "sort %" PRIu32 " rows", count);
    uint64_t *words = memory;
    pack(packed, words);
    sort(words, count, words + count, false, packed->row_bits);
    uint64_t row_mask = (UINT64_C(1) << packed->row_bits) - 1;
    for (uint32_t i = 0; i < count; i++)
        out_order[i] = (uint32_t)(words[i] & row_mask);
    if (out_begins != NULL)
        give_begins(words, count, packed->keys[group_key_count - 1].shift, out_begins);
    pool_release(pool, memory, memory_bytes);
    return NULL;
}
