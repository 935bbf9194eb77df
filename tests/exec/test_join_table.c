/* The look-up table of joins against a loop over all rows. */
#include "base/pool.h"
#include "exec/join_table.h"
#include "support/property.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type i32_type = {.id = BARKS_I32};
static const barks_type f64_type = {.id = BARKS_F64};
static const barks_type str_type = {.id = BARKS_STR};
static const barks_field fields[] = {{"long", &i64_type, true},
                                     {"short", &i32_type, true},
                                     {"text", &str_type, true},
                                     {"real", &f64_type, true}};
enum { LONG, SHORT, TEXT, REAL, FIELDS };
static const barks_schema schema = {FIELDS, fields};

/* Texts as long as views hold, and longer ones. */
static barks_str text_of(int64_t key)
{
    static char texts[4000][24];
    char *text = texts[key % 4000];
    int length = snprintf(text, sizeof texts[0], key % 2 == 0 ? "%d" : "number %d of some",
                          (int)(key % 4000));
    return barks_str_of(text, (size_t)length);
}

static struct batch *make_rows(struct pool *pool, uint64_t *seed, uint32_t row_count,
                               uint64_t key_count)
{
    struct batch *batch = NULL;
    ck_assert_ptr_null(batch_create(pool, &schema, row_count + 1, &batch));
    ck_assert_ptr_null(batch_reserve(batch, row_count));
    barks_column *columns = batch->base.columns;
    for (uint32_t row = 0; row < row_count; row++) {
        int64_t key = (int64_t)(property_next(seed) % key_count);
        ((int64_t *)columns[LONG].values)[row] = key;
        ((int32_t *)columns[SHORT].values)[row] = (int32_t)key;
        ((barks_str *)columns[TEXT].values)[row] = key == 0 ? (barks_str){0} : text_of(key);
        ((double *)columns[REAL].values)[row] = (double)key;
        for (uint32_t i = 0; key == 0 && i < FIELDS; i++)
            columns[i].validity[row / 64] &= ~(UINT64_C(1) << row % 64);
    }
    batch->base.row_count = row_count;
    return batch;
}

static void check_keys(struct pool *pool, const struct batch *held, const struct batch *asked,
                       const uint32_t *held_keys, const uint32_t *keys, uint32_t key_count)
{
    uint32_t first[200];
    struct join_table table = {0};
    ck_assert_ptr_null(join_table_build(&table, pool, held, held_keys, key_count));
    join_table_find(&table, &asked->base, keys, first);
    for (uint32_t row = 0; row < 200; row++) {
        uint32_t match = first[row];
        for (uint32_t i = 0; i < held->base.row_count; i++) {
            if (!batch_rows_equal(&asked->base, row, keys, &held->base, i, held_keys, key_count))
                continue;
            ck_assert_uint_eq(match, i);
            match = join_table_next(&table, match);
        }
        ck_assert_uint_eq(match, BARKS_NO_ROW);
    }
    join_table_drop(&table);
}

static void check(struct pool *pool, uint64_t *seed, uint32_t held_count, uint64_t key_count)
{
    static const struct {
        uint32_t held[2], asked[2], count;
    } keys[] = {{{LONG}, {LONG}, 1},
                {{SHORT}, {SHORT}, 1},
                {{LONG}, {SHORT}, 1},
                {{SHORT}, {LONG}, 1},
                {{TEXT}, {TEXT}, 1},
                {{REAL}, {REAL}, 1},
                {{TEXT, LONG}, {TEXT, SHORT}, 2}};
    struct batch *held = make_rows(pool, seed, held_count, key_count);
    struct batch *asked = make_rows(pool, seed, 200, key_count + 3);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        check_keys(pool, held, asked, keys[i].held, keys[i].asked, keys[i].count);
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
    static const uint32_t keys[] = {LONG};
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
