#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "shuffle/combine.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

/* Numbers: many, in bad orders, and in tables that may not grow. */
BARKS_RECORD(counted, (i64, key), (i64, count));

static void counted_loop(barks_call *call, void *const *accumulators, uint32_t first_row,
                         uint32_t count)
{
    const int64_t *keys = call->columns[0]->values;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t row = first_row + k;
        if (keys[row] == INT64_MIN) {
            barks_call_fail(call, BARKS_HERE, "bad row %d", 7);
            call->row_index = row;
            return;
        }
        ((struct counted *)accumulators[k])->count++;
    }
}
static const barks_function counted_function = {.name = "count",
                                                .kind = BARKS_KIND_REDUCE,
                                                .in = &barks_record_counted,
                                                .out = &barks_record_counted,
                                                .fold = counted_loop};
static const uint32_t column_0 = 0;

static struct combine_options counted_options(struct pool *pool)
{
    return (struct combine_options){.pool = pool,
                                    .in = &barks_record_counted.schema,
                                    .accumulator = &barks_record_counted,
                                    .key_columns = &column_0,
                                    .key_fields = &column_0,
                                    .key_count = 1,
                                    .function = &counted_function};
}

/* Adds keys first, first + step, ... */
static void add_keys(struct combine *combine, struct batch *batch, uint64_t count, int64_t first,
                     int64_t step)
{
    for (uint64_t added = 0; added < count; added += batch->base.row_count) {
        batch_clear(batch);
        uint32_t rows = count - added < BATCH_ROWS ? (uint32_t)(count - added) : BATCH_ROWS;
        ck_assert_ptr_null(batch_reserve(batch, rows));
        for (uint32_t i = 0; i < rows; i++) {
            ((int64_t *)batch->base.columns[0].values)[i] = first + (int64_t)(added + i) * step;
            ((int64_t *)batch->base.columns[1].values)[i] = 1;
        }
        batch->base.row_count = rows;
        uint32_t row = 0;
        ck_assert_ptr_null(combine_add(combine, batch, &row));
    }
}

/* What is drained out of one table is added to another. */
struct refill {
    struct combine *into;
    uint64_t rows;
};
static barks_status *refill(void *context, struct batch *batch)
{
    struct refill *self = context;
    uint32_t row = 0;
    self->rows += batch->base.row_count;
    return combine_add(self->into, batch, &row);
}

START_TEST(keys_in_the_order_of_another_table_do_not_crowd)
{
    enum { KEYS = 300000 };
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct combine *from = NULL, *into = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(1) << 30, &pool));
    ck_assert_ptr_null(batch_create(pool, &barks_record_counted.schema, BATCH_ROWS, &batch));
    struct combine_options options = counted_options(pool);
    ck_assert_ptr_null(combine_create(&options, &from));
    ck_assert_ptr_null(combine_create(&options, &into));
    for (int round = 0; round < 2; round++) {
        add_keys(from, batch, KEYS, 0, 1);
        ck_assert_uint_eq(combine_row_count(from), KEYS);
        struct refill self = {.into = into};
        /* Quadratic behaviour would take minutes here, which the timeout of the test does not give.
         */
        ck_assert_ptr_null(combine_drain(from, true, refill, &self));
        ck_assert_uint_eq(self.rows, KEYS);
    }
    ck_assert_uint_eq(combine_row_count(into), KEYS);
    ck_assert(combine_is_sound(into));
    ck_assert_uint_le(combine_bytes(into), UINT64_C(64) << 20);
    combine_destroy(from);
    combine_destroy(into);
    batch_destroy(batch);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

static barks_status *ignore(void *context, struct batch *batch)
{
    *(uint64_t *)context += batch->base.row_count;
    return NULL;
}

START_TEST(a_table_says_when_it_is_full_and_stays_below_its_limit)
{
    const uint64_t limit = UINT64_C(3) << 20;
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct combine *combine = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &barks_record_counted.schema, BATCH_ROWS, &batch));
    struct combine_options options = counted_options(pool);
    options.bytes_limit = limit;
    ck_assert_ptr_null(combine_create(&options, &combine));
    ck_assert(!combine_is_full(combine));
    uint64_t drained = 0;
    int drains = 0;
    for (int64_t i = 0; i < 300; i++) {
        add_keys(combine, batch, BATCH_ROWS, i * BATCH_ROWS, 1);
        ck_assert_uint_le(combine_bytes(combine), limit);
        if (combine_is_full(combine)) {
            ck_assert_uint_gt(combine_row_count(combine), 10000);
            ck_assert_ptr_null(combine_drain(combine, false, ignore, &drained));
            ck_assert(!combine_is_full(combine));
            drains++;
        }
    }
    ck_assert_int_gt(drains, 2);
    ck_assert_ptr_null(combine_drain(combine, false, ignore, &drained));
    ck_assert_uint_eq(drained, 300 * BATCH_ROWS);
    combine_destroy(combine);
    batch_destroy(batch);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_pool_that_refuses_to_let_it_grow_makes_it_full_not_broken)
{
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct combine *combine = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(8) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &barks_record_counted.schema, BATCH_ROWS, &batch));
    struct combine_options options = counted_options(pool);
    ck_assert_ptr_null(combine_create(&options, &combine));
    uint64_t drained = 0;
    int drains = 0;
    for (int64_t i = 0; i < 500; i++) {
        add_keys(combine, batch, BATCH_ROWS, i * BATCH_ROWS, 1);
        if (combine_is_full(combine)) {
            ck_assert_ptr_null(combine_drain(combine, false, ignore, &drained));
            drains++;
        }
    }
    ck_assert_int_gt(drains, 1);
    ck_assert_ptr_null(combine_drain(combine, false, ignore, &drained));
    ck_assert_uint_eq(drained, 500 * BATCH_ROWS);
    combine_destroy(combine);
    batch_destroy(batch);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_table_is_useless_where_keys_do_not_repeat)
{
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct combine *combine = NULL;
    uint64_t drained = 0;
    ck_assert_ptr_null(pool_create(UINT64_C(1) << 30, &pool));
    ck_assert_ptr_null(batch_create(pool, &barks_record_counted.schema, BATCH_ROWS, &batch));
    struct combine_options options = counted_options(pool);
    ck_assert_ptr_null(combine_create(&options, &combine));
    add_keys(combine, batch, 1 << 17, 0, 1);
    ck_assert(!combine_is_useless(combine)); /* too few rows to tell */
    add_keys(combine, batch, 1 << 17, 1 << 17, 1);
    ck_assert(combine_is_useless(combine));
    add_keys(combine, batch, 1 << 16, 0, 1);
    ck_assert(!combine_is_useless(combine)); /* of so few rows one in five repeats a key */
    add_keys(combine, batch, 1 << 20, 1 << 18, 1);
    ck_assert(combine_is_useless(combine)); /* of so many less than one in ten */
    add_keys(combine, batch, 1 << 17, 0, 1);
    ck_assert(!combine_is_useless(combine));
    ck_assert_ptr_null(combine_drain(combine, false, ignore, &drained));
    ck_assert(!combine_is_useless(combine));
    combine_destroy(combine);
    batch_destroy(batch);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_row_that_a_body_refuses_is_named)
{
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct combine *combine = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &barks_record_counted.schema, BATCH_ROWS, &batch));
    struct combine_options options = counted_options(pool);
    ck_assert_ptr_null(combine_create(&options, &combine));
    for (uint32_t i = 0; i < 700; i++)
        ((int64_t *)batch->base.columns[0].values)[i] = i == 600 || i == 30 ? INT64_MIN : i;
    batch->base.row_count = 700;
    uint32_t row = 0;
    barks_status *status = combine_add(combine, batch, &row);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_USER_ERROR);
    ck_assert_str_eq(barks_status_text(status), "bad row 7");
    ck_assert_uint_eq(row, 600);
    barks_status_free(status);
    combine_destroy(combine);
    batch_destroy(batch);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

/* --- What bodies keep --- */

BARKS_RECORD(other_key, (i32, key), (i64, count));

START_TEST(options_that_do_not_fit_are_refused)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    static const uint32_t column_9 = 9;
    barks_function filter = counted_function, other = counted_function;
    filter.kind = BARKS_KIND_FILTER;
    other.in = &barks_record_other_key;
    barks_record shifted = barks_record_counted;
    static const uint32_t offsets[] = {8, 0};
    shifted.offsets = offsets;
    struct combine_options options[6];
    for (int i = 0; i < 6; i++)
        options[i] = counted_options(pool);
    options[0].function = &filter;
    options[1].function = &other;
    options[2].key_columns = &column_9;
    options[3].key_fields = &column_9;
    options[4].in = &barks_record_other_key.schema;
    options[5].function = NULL;
    options[5].accumulator = &shifted;
    for (int i = 0; i < 6; i++) {
        struct combine *combine = NULL;
        barks_status *status = combine_create(&options[i], &combine);
        ck_assert_msg(status != NULL, "options %d", i);
        ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
        barks_status_free(status);
    }
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("shuffle/combine_limits", keys_in_the_order_of_another_table_do_not_crowd,
           a_table_says_when_it_is_full_and_stays_below_its_limit,
           a_pool_that_refuses_to_let_it_grow_makes_it_full_not_broken,
           a_table_is_useless_where_keys_do_not_repeat, a_row_that_a_body_refuses_is_named,
           options_that_do_not_fit_are_refused)
