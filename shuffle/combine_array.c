/* Accumulators of whole-number keys that lie close together: an array, in which a key is a place.
 *
 * Most keys that people group by are numbers given out one after the other. Of a table of many
 * such keys every look-up hashes, compares, and waits for a line or two of memory; of an array it
 * waits for one line. Keys that come later and lie elsewhere go to the slots, as if there were no
 * array, until slots would grow again and a wider array holds them too. */
#include "base/checked.h"
#include "base/pool.h"
#include "shuffle/combine_table.h"

#include <string.h>

#define ALWAYS_INLINE __attribute__((always_inline)) inline

/* An array of what would be more places than this is none that memory holds. */
enum { ARRAY_BITS_MAX = 40 };

/* An array may be so many times as large as the slots would be that it stands for; one that is
 * expected to be filled may be more, as long as few keys do not pay for clearing it. */
enum { ARRAY_EXCESS = 2, EXPECTED_EXCESS = 16 };

/* Of array_bytes_min, what slots have when there are keys enough to tell whether they are like
 * those of the table before. */
enum { EXPECTED_SHARE = 8 };

/* The kind of key and the bytes of an accumulator, where they are known when compiling. */
struct array_shape {
    enum find_kind kind;
    size_t stride_bytes;
    size_t key_offset;
};

static ALWAYS_INLINE int64_t load_key(enum find_kind kind, const void *from)
{
    int32_t narrow = 0;
    int64_t wide = 0;
    if (kind == FIND_I64) {
        memcpy(&wide, from, sizeof wide);
        return wide;
    }
    memcpy(&narrow, from, sizeof narrow);
    return narrow;
}

static ALWAYS_INLINE size_t key_bytes(enum find_kind kind) { return kind == FIND_I64 ? 8 : 4; }

/* The place of a key, which is none where it is not below place_count. */
static ALWAYS_INLINE uint64_t place_of(const struct key_array *array, int64_t key)
{
    return (uint64_t)key - (uint64_t)array->window.first_key;
}

/* Memory begins as zeros: a place that is taken has its key, and the key 0 is told apart. */
static ALWAYS_INLINE bool is_taken(const struct combine *combine, struct array_shape shape,
                                   const uint8_t *accumulator, int64_t key)
{
    return load_key(shape.kind, accumulator + shape.key_offset) == key &&
           (key != 0 || combine->array.has_zero);
}

static struct array_shape shape_of(const struct combine *combine)
{
    return (struct array_shape){combine->find_kind, combine->stride_bytes - sizeof(struct slot),
                                combine->key_offset};
}

static void note_taken(struct key_array *array, int64_t key)
{
    array->has_zero |= key == 0;
    array->taken_count++;
}

/* ---- beginning ---- */

/* Of the keys there are. */
static void find_span(const struct combine *combine, int64_t *out_first, int64_t *out_last)
{
    struct array_shape shape = shape_of(combine);
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint64_t i = 0; i < combine_slot_count(combine); i++) {
        struct slot *slot = combine_slot(combine, i);
        if (slot->hash == 0)
            continue;
        int64_t key =
            load_key(shape.kind, (const uint8_t *)slot_accumulator(slot) + shape.key_offset);
        first = key < first ? key : first;
        last = key > last ? key : last;
    }
    *out_first = first;
    *out_last = last;
}

/* A window of the span, a power of two wide, from a rounder number on: keys that have not come yet
 * are likely to be few at both ends. Of no places: it is too wide. */
static struct key_window window_around(int64_t first, int64_t last)
{
    uint64_t span = (uint64_t)last - (uint64_t)first;
    uint32_t bits = FIRST_BITS;
    while (bits < ARRAY_BITS_MAX && span >> bits != 0)
        bits++;
    for (; bits <= ARRAY_BITS_MAX; bits++) {
        const uint64_t sign = UINT64_C(1) << 63, step = UINT64_C(1) << (bits - 4);
        uint64_t begin = (((uint64_t)first ^ sign) & ~(step - 1)) ^ sign;
        if (((uint64_t)last - begin) >> bits == 0)
            return (struct key_window){(int64_t)begin, UINT64_C(1) << bits};
    }
    return (struct key_window){0};
}

static bool holds(const struct key_window *window, int64_t first, int64_t last)
{
    return (uint64_t)first - (uint64_t)window->first_key < window->place_count &&
           (uint64_t)last - (uint64_t)window->first_key < window->place_count;
}

/* All accumulators in slots would take these, with room for some more. */
static uint64_t slots_bytes_needed(const struct combine *combine)
{
    uint64_t count = UINT64_C(1) << FIRST_BITS;
    while ((combine->row_count + FIND_ROWS) * 8 > LOAD_EIGHTHS * count)
        count *= 2;
    return count * combine->stride_bytes;
}

/* The window of a table like this one, once there are some keys to tell by; else that of the keys
 * there are, once it is not much larger than slots would be. */
static bool choose_window(const struct combine *combine, struct key_window *out_window)
{
    const struct key_window *now = &combine->array.window;
    const uint64_t bytes_min = combine->options.array_bytes_min;
    const uint64_t slots_bytes = slots_bytes_needed(combine);
    const uint64_t places_max = slots_bytes / shape_of(combine).stride_bytes;
    int64_t first = 0, last = 0;
    if (slots_bytes <= bytes_min / EXPECTED_SHARE)
        return false;
    find_span(combine, &first, &last);
    *out_window = combine->window;
    if (now->place_count == 0 && out_window->place_count <= EXPECTED_EXCESS * places_max &&
        holds(out_window, first, last))
        return true;
    if (now->place_count > 0) {
        int64_t now_last = (int64_t)((uint64_t)now->first_key + now->place_count - 1);
        first = now->first_key < first ? now->first_key : first;
        last = now_last > last ? now_last : last;
    }
    *out_window = window_around(first, last);
    return slots_bytes > bytes_min && out_window->place_count > 0 &&
           out_window->place_count <= ARRAY_EXCESS * places_max;
}

static void move_slots(const struct combine *combine, struct key_array *to)
{
    struct array_shape shape = shape_of(combine);
    for (uint64_t i = 0; i < combine_slot_count(combine); i++) {
        struct slot *slot = combine_slot(combine, i);
        if (slot->hash == 0)
            continue;
        uint8_t *accumulator = slot_accumulator(slot);
        int64_t key = load_key(shape.kind, accumulator + shape.key_offset);
        copy_words(to->places + place_of(to, key) * shape.stride_bytes, accumulator,
                   combine->options.accumulator->size);
        note_taken(to, key);
    }
}

static void move_places(const struct combine *combine, struct key_array *to)
{
    const struct key_array *from = &combine->array;
    if (from->places == NULL)
        return;
    memcpy(to->places + place_of(to, from->window.first_key) * shape_of(combine).stride_bytes,
           from->places, from->bytes);
    to->has_zero = from->has_zero;
    to->taken_count = from->taken_count;
}

static bool may_begin(const struct combine *combine)
{
    return combine->options.array_bytes_min > 0 && combine->slots != NULL &&
           combine_slots_taken(combine) > 0 && combine->owned_count == 0 &&
           (combine->find_kind == FIND_I64 || combine->find_kind == FIND_I32);
}

bool combine_array_begin(struct combine *combine)
{
    struct key_array array = {0};
    const uint64_t limit = combine->options.bytes_limit;
    void *places = NULL;
    if (!may_begin(combine) || !choose_window(combine, &array.window) ||
        ckd_mul(&array.bytes, array.window.place_count, shape_of(combine).stride_bytes) ||
        (limit > 0 && array.bytes > limit / 2))
        return false;
    barks_status *status = pool_acquire_zeroed(combine->options.pool, array.bytes, &places);
    if (status != NULL) { /* slots may still find room to grow */
        barks_status_free(status);
        return false;
    }
    array.places = places;
    move_places(combine, &array);
    move_slots(combine, &array);
    combine_release_slots(combine);
    combine_array_release(combine);
    combine->array = array;
    combine->window = array.window;
    return true;
}

void combine_array_release(struct combine *combine)
{
    struct key_array *array = &combine->array;
    if (array->places != NULL)
        pool_release(combine->options.pool, array->places + array->released_bytes,
                     array->bytes - array->released_bytes);
    *array = (struct key_array){0};
}

/* ---- finding ---- */

static bool is_stranger(const struct combine *combine, int64_t key)
{
    return place_of(&combine->array, key) >= combine->array.window.place_count;
}

/* Row k, which has no accumulator in the array yet. */
BARKS_CHECKED static barks_status *find_missing(struct combine *combine, struct array_shape shape,
                                                const barks_batch *batch, uint32_t first,
                                                uint32_t k, int64_t key)
{
    if (is_stranger(combine, key))
        return combine_find_row(combine, batch, first, k);
    uint8_t *accumulator =
        combine->array.places + place_of(&combine->array, key) * shape.stride_bytes;
    if (is_taken(combine, shape, accumulator, key)) /* by a row before this one */
        return NULL;
    BARKS_TRY(combine_begin_accumulator(combine, batch, first + k, accumulator));
    note_taken(&combine->array, key);
    combine->row_count++;
    combine->fresh[combine->fresh_count++] = k;
    return NULL;
}

static ALWAYS_INLINE void prefetch(const struct combine *combine, struct array_shape shape,
                                   int64_t key)
{
    uint64_t place = place_of(&combine->array, key);
    place = place < combine->array.window.place_count ? place : 0;
    __builtin_prefetch(combine->array.places + place * shape.stride_bytes, 1, 2);
}

static ALWAYS_INLINE barks_status *find_places(struct combine *combine, struct array_shape shape,
                                               const barks_batch *batch, uint32_t first,
                                               uint32_t row_count)
{
    const size_t bytes = key_bytes(shape.kind);
    const uint8_t *keys =
        (const uint8_t *)batch->columns[combine->options.key_columns[0]].values + first * bytes;
    const uint32_t rest = batch->row_count - first;
    uint32_t ahead = first == 0 ? 0 : row_count, miss_count = 0;
    const uint32_t ahead_end = rest < row_count + FIND_ROWS ? rest : row_count + FIND_ROWS;
    if (first == 0)
        for (; ahead < row_count; ahead++)
            prefetch(combine, shape, load_key(shape.kind, keys + ahead * bytes));
    for (uint32_t k = 0; k < row_count; k++) {
        if (ahead < ahead_end)
            prefetch(combine, shape, load_key(shape.kind, keys + ahead++ * bytes));
        int64_t key = load_key(shape.kind, keys + k * bytes);
        uint64_t place = place_of(&combine->array, key);
        bool is_inside = place < combine->array.window.place_count;
        uint8_t *accumulator = combine->array.places + (is_inside ? place : 0) * shape.stride_bytes;
        combine->accumulators[k] = accumulator;
        combine->misses[miss_count] = k;
        miss_count += !(is_inside & is_taken(combine, shape, accumulator, key));
    }
    for (uint32_t m = 0; m < miss_count; m++)
        if (is_stranger(combine, load_key(shape.kind, keys + combine->misses[m] * bytes)))
            combine_hash_row(combine, batch, first, combine->misses[m]);
    for (uint32_t m = 0; m < miss_count; m++) {
        uint32_t k = combine->misses[m];
        BARKS_TRY(
            find_missing(combine, shape, batch, first, k, load_key(shape.kind, keys + k * bytes)));
    }
    return NULL;
}

barks_status *combine_array_find(struct combine *combine, const barks_batch *batch, uint32_t first,
                                 uint32_t row_count)
{
    struct array_shape any = shape_of(combine);
    bool is_small = any.stride_bytes == 16 && any.key_offset == 0;
    if (any.kind == FIND_I32 && is_small)
        return find_places(combine, (struct array_shape){FIND_I32, 16, 0}, batch, first, row_count);
    if (any.kind == FIND_I32)
        return find_places(combine, any, batch, first, row_count);
    any.kind = FIND_I64; /* known from here on */
    if (is_small)
        return find_places(combine, (struct array_shape){FIND_I64, 16, 0}, batch, first, row_count);
    return find_places(combine, any, batch, first, row_count);
}

/* ---- emptying ---- */

uint8_t *combine_array_next(const struct combine *combine, uint64_t *place)
{
    const struct key_array *array = &combine->array;
    struct array_shape shape = shape_of(combine);
    for (; *place < array->window.place_count; ++*place) {
        uint8_t *accumulator = array->places + *place * shape.stride_bytes;
        /* Places may go on behind the greatest number, and are empty there. */
        int64_t key = (int64_t)((uint64_t)array->window.first_key + *place);
        if (is_taken(combine, shape, accumulator, key))
            return accumulator;
    }
    return NULL;
}

void combine_array_release_before(struct combine *combine, uint64_t place)
{
    struct key_array *array = &combine->array;
    size_t front_bytes = place * shape_of(combine).stride_bytes - array->released_bytes;
    array->released_bytes +=
        pool_release_front(combine->options.pool, array->places + array->released_bytes,
                           array->bytes - array->released_bytes, front_bytes);
}
