/* Tables of whole numbers that become arrays: shuffle/combine_array.c. */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "shuffle/combine.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(wide, (i64, key), (i64, places));
BARKS_RECORD(narrow, (i64, places), (i32, key));

/* The order of a key's rows counts. */
BARKS_REDUCE(chain_wide, wide)
{
    acc->places = (int64_t)((uint64_t)acc->places * 31 + (uint64_t)in->places);
}
BARKS_REDUCE(chain_narrow, narrow)
{
    acc->places = (int64_t)((uint64_t)acc->places * 31 + (uint64_t)in->places);
}

static const uint32_t column_0 = 0, column_1 = 1;

static struct combine_options options_of(struct pool *pool, bool is_wide)
{
    const uint32_t *key = is_wide ? &column_0 : &column_1;
    return (struct combine_options){
        .pool = pool,
        .in = is_wide ? &barks_record_wide.schema : &barks_record_narrow.schema,
        .accumulator = is_wide ? &barks_record_wide : &barks_record_narrow,
        .key_columns = key,
        .key_fields = key,
        .key_count = 1,
        .function = is_wide ? BARKS_FUNCTION_OF(reduce, chain_wide)
                            : BARKS_FUNCTION_OF(reduce, chain_narrow),
        .array_bytes_min = 1,
    };
}

/* What came of each key, by key. */
struct sums {
    struct wide *items; /* owned */
    uint32_t count, capacity;
    bool is_wide;
};

static struct wide *new_sum(struct sums *sums)
{
    if (sums->count == sums->capacity) {
        sums->capacity = 2 * sums->capacity + 64;
        sums->items = realloc(sums->items, sums->capacity * sizeof *sums->items);
        ck_assert_ptr_nonnull(sums->items);
    }
    return &sums->items[sums->count++];
}

static int by_key(const void *left, const void *right)
{
    int64_t a = ((const struct wide *)left)->key, b = ((const struct wide *)right)->key;
    return (a > b) - (a < b);
}

static barks_status *take_batch(void *context, struct batch *batch)
{
    struct sums *sums = context;
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        const void *keys = batch->base.columns[sums->is_wide ? 0 : 1].values;
        const int64_t *places = batch->base.columns[sums->is_wide ? 1 : 0].values;
        int64_t key = sums->is_wide ? ((const int64_t *)keys)[row] : ((const int32_t *)keys)[row];
        *new_sum(sums) = (struct wide){.key = key, .places = places[row]};
    }
    return NULL;
}

/* Row after row by a search: the model. */
static void expect(struct sums *sums, int64_t key, int64_t place)
{
    for (uint32_t i = 0; i < sums->count; i++)
        if (sums->items[i].key == key) {
            sums->items[i].places =
                (int64_t)((uint64_t)sums->items[i].places * 31 + (uint64_t)place);
            return;
        }
    *new_sum(sums) = (struct wide){.key = key, .places = place};
}

static void check_equal(struct sums *expected, struct sums *found)
{
    ck_assert_uint_eq(expected->count, found->count);
    if (found->count > 0) {
        qsort(expected->items, expected->count, sizeof *expected->items, by_key);
        qsort(found->items, found->count, sizeof *found->items, by_key);
    }
    for (uint32_t i = 0; i < found->count; i++) {
        ck_assert_int_eq(expected->items[i].key, found->items[i].key);
        ck_assert_int_eq(expected->items[i].places, found->items[i].places);
    }
    free(expected->items);
    free(found->items);
}

static void put_row(struct batch *batch, bool is_wide, int64_t key, int64_t place)
{
    uint32_t row = batch->base.row_count++;
    ((int64_t *)batch->base.columns[is_wide ? 1 : 0].values)[row] = place;
    if (is_wide)
        ((int64_t *)batch->base.columns[0].values)[row] = key;
    else
        ((int32_t *)batch->base.columns[1].values)[row] = (int32_t)key;
}

/* Adds rows of random keys of [first, first + range), and a few of any. */
static void add_rows(struct combine *combine, struct pool *pool, struct random *random,
                     int64_t first, uint32_t range, struct sums *expected)
{
    struct batch *batch = NULL;
    const barks_schema *schema =
        expected->is_wide ? &barks_record_wide.schema : &barks_record_narrow.schema;
    uint32_t strangers = (uint32_t)random_below(random, 3) * 40; /* of 1000 */
    ck_assert_ptr_null(batch_create(pool, schema, BATCH_ROWS, &batch));
    for (int i = 0; i < 8; i++) {
        uint32_t row = 0, count = (uint32_t)random_below(random, BATCH_ROWS + 1);
        batch_clear(batch);
        for (uint32_t k = 0; k < count; k++) {
            int64_t key = (int64_t)((uint64_t)first + random_below(random, range));
            if (random_below(random, 1000) < strangers)
                key = (int64_t)random_next(random) >> random_below(random, 64);
            key = expected->is_wide ? key : (int32_t)key;
            put_row(batch, expected->is_wide, key, (int64_t)i * BATCH_ROWS + k);
            expect(expected, key, (int64_t)i * BATCH_ROWS + k);
        }
        ck_assert_ptr_null(combine_add(combine, batch, &row));
        ck_assert(combine_is_sound(combine));
    }
    ck_assert_uint_eq(combine_row_count(combine), expected->count);
    batch_destroy(batch);
}

static const int64_t firsts[] = {0,         1,
                                 -700,      -3000,
                                 123456789, INT64_C(1) << 40,
                                 INT32_MIN, INT32_MAX - 1999,
                                 INT64_MIN, INT64_MAX - 1999};

START_TEST(an_array_folds_what_a_search_does)
{
    uint64_t seed = property_seed();
    struct random random = random_of(seed);
    struct pool *pool = NULL;
    uint32_t arrays = 0;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    for (uint32_t round = 0; round < 4 * sizeof firsts / sizeof firsts[0]; round++) {
        const bool is_wide = round % 2 == 0;
        struct combine_options options = options_of(pool, is_wide);
        struct combine *combine = NULL;
        int64_t first = firsts[round / 4];
        if (round % 4 >= 2) { /* an array that is expected, rightly or not */
            int64_t before = (int64_t)random_below(&random, 2) * 500;
            if (first < INT64_MIN + before)
                before = 0; /* no key is smaller */
            options.window = (struct key_window){first - before, UINT64_C(1) << 11};
        }
        ck_assert_ptr_null(combine_create(&options, &combine));
        for (int life = 0; life < 3; life++) { /* what it was once is expected again */
            struct sums expected = {.is_wide = is_wide}, found = {.is_wide = is_wide};
            add_rows(combine, pool, &random, first, 2000, &expected);
            ck_assert_ptr_null(combine_drain(combine, false, take_batch, &found));
            ck_assert_uint_eq(combine_bytes(combine), 0);
            check_equal(&expected, &found);
        }
        arrays += combine_key_window(combine).place_count > 0;
        combine_destroy(combine);
    }
    ck_assert_uint_gt(arrays, 10);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

static void add_keys(struct combine *combine, struct pool *pool, uint32_t count, int64_t step)
{
    struct batch *batch = NULL;
    ck_assert_ptr_null(batch_create(pool, &barks_record_wide.schema, BATCH_ROWS, &batch));
    for (uint32_t i = 0; i < count;) {
        uint32_t row = 0;
        batch_clear(batch);
        for (; i < count && batch->base.row_count < BATCH_ROWS; i++)
            put_row(batch, true, i * step, 1);
        ck_assert_ptr_null(combine_add(combine, batch, &row));
    }
    batch_destroy(batch);
}

/* Whether so many keys, each step from the last, become an array. */
static bool becomes_array(struct combine_options *options, uint32_t count, int64_t step)
{
    struct combine *combine = NULL;
    struct sums sums = {.is_wide = true};
    ck_assert_ptr_null(combine_create(options, &combine));
    add_keys(combine, options->pool, count, step);
    bool is_array = combine_key_window(combine).place_count > 0;
    ck_assert_ptr_null(combine_drain(combine, false, take_batch, &sums));
    ck_assert_uint_eq(sums.count, count);
    free(sums.items);
    combine_destroy(combine);
    return is_array;
}

START_TEST(only_many_keys_close_together_become_an_array)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    struct combine_options options = options_of(pool, true);
    ck_assert(becomes_array(&options, 100000, 1));
    ck_assert(becomes_array(&options, 100000, 3));
    ck_assert(becomes_array(&options, 100000, -1)); /* wider and wider */
    ck_assert(!becomes_array(&options, 100000, 1000));
    ck_assert(!becomes_array(&options, 100, 1)); /* of which the first slots are enough */
    options.bytes_limit = 10000;                 /* for want of room */
    ck_assert(!becomes_array(&options, 3000, 1));
    options.bytes_limit = 0;
    options.array_bytes_min = UINT64_C(16) << 20;
    ck_assert(!becomes_array(&options, 100000, 1));
    options.array_bytes_min = 0;
    ck_assert(!becomes_array(&options, 100000, 1));
    pool_destroy(pool);
}
END_TEST

/* Without a place for it in memory there are slots, as long as these find some. */
START_TEST(no_shortage_of_memory_harms)
{
    struct pool *pool = NULL;
    uint32_t refused = 0, arrays = 0;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    for (uint64_t n = 1; n < 40; n++) {
        struct combine_options options = options_of(pool, true);
        struct combine *combine = NULL;
        struct batch *batch = NULL;
        barks_status *status = NULL;
        ck_assert_ptr_null(batch_create(pool, &barks_record_wide.schema, BATCH_ROWS, &batch));
        ck_assert_ptr_null(combine_create(&options, &combine));
        pool_fail_after(pool, n);
        for (int64_t i = 0; status == NULL && i < 20000;) {
            uint32_t row = 0;
            batch_clear(batch);
            for (; batch->base.row_count < BATCH_ROWS; i++)
                put_row(batch, true, i, 1);
            status = combine_add(combine, batch, &row);
            ck_assert(combine_is_sound(combine));
        }
        pool_fail_after(pool, 0);
        refused += status != NULL;
        arrays += combine_key_window(combine).place_count > 0;
        barks_status_free(status);
        combine_destroy(combine);
        batch_destroy(batch);
        ck_assert_uint_eq(pool_used_bytes(pool), 0);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(arrays, 10);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("shuffle/combine_array", an_array_folds_what_a_search_does,
           only_many_keys_close_together_become_an_array, no_shortage_of_memory_harms)
