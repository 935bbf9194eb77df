/* The look-up table of joins against a loop over all rows. */
#include "base/pool.h"
#include "exec/join_table.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_field fields[] = {{"other", &i64_type, false}, {"key", &i64_type, true}};
static const barks_schema schema = {2, fields};

static struct batch *make_rows(struct pool *pool, uint64_t *seed, uint32_t row_count,
                               uint64_t key_count)
{
    struct batch *batch = NULL;
    ck_assert_ptr_null(batch_create(pool, &schema, row_count + 1, &batch));
    ck_assert_ptr_null(batch_reserve(batch, row_count));
    for (uint32_t row = 0; row < row_count; row++) {
        ((int64_t *)batch->base.columns[0].values)[row] = row;
        int64_t key = (int64_t)(property_next(seed) % key_count);
        ((int64_t *)batch->base.columns[1].values)[row] = key == 0 ? 0 : key;
        if (key == 0)
            batch->base.columns[1].validity[row / 64] &= ~(UINT64_C(1) << row % 64);
    }
    batch->base.row_count = row_count;
    return batch;
}

static void check(struct pool *pool, uint64_t *seed, uint32_t held_count, uint64_t key_count)
{
    static const uint32_t keys[] = {1};
    struct batch *held = make_rows(pool, seed, held_count, key_count);
    struct batch *asked = make_rows(pool, seed, 200, key_count + 3);
    uint64_t hashes[200];
    uint32_t first[200];
    struct join_table table = {0};
    ck_assert_ptr_null(join_table_build(&table, pool, held, keys, 1));
    join_table_find(&table, &asked->base, keys, hashes, first);
    for (uint32_t row = 0; row < 200; row++) {
        uint32_t match = first[row];
        for (uint32_t i = 0; i < held_count; i++) {
            if (!batch_rows_equal(&asked->base, row, keys, &held->base, i, keys, 1))
                continue;
            ck_assert_uint_eq(match, i);
            match = join_table_next(&table, match);
        }
        ck_assert_uint_eq(match, BARKS_NO_ROW);
    }
    join_table_drop(&table);
    batch_destroy(held);
    batch_destroy(asked);
}

START_TEST(finds_all_rows_of_a_key_in_order)
{
    uint64_t seed = property_seed();
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(64u << 20, &pool));
    static const uint32_t counts[] = {0, 1, 7, 500, 3000};
    static const uint64_t key_counts[] = {1, 4, 100, 1000000};
    for (uint32_t i = 0; i < 5; i++)
        for (uint32_t k = 0; k < 4; k++)
            check(pool, &seed, counts[i], key_counts[k]);
    pool_destroy(pool);
}
END_TEST

START_TEST(no_memory_leaves_an_empty_table)
{
    static const uint32_t keys[] = {1};
    uint64_t seed = property_seed();
    struct pool *pool = NULL, *small = NULL;
    ck_assert_ptr_null(pool_create(64u << 20, &pool));
    ck_assert_ptr_null(pool_create(1u << 10, &small));
    struct batch *held = make_rows(pool, &seed, 3000, 10);
    struct join_table table = {0};
    barks_status *status = join_table_build(&table, small, held, keys, 1);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    join_table_drop(&table);
    batch_destroy(held);
    pool_destroy(small);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("exec/join_table", finds_all_rows_of_a_key_in_order, no_memory_leaves_an_empty_table)
