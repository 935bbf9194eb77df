#include "base/pool.h"
#include "exec/emit.h"
#include "exec/sort.h"
#include "support/property.h"

#include <check.h>

#undef fail

#include "barks/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(sorted_row, (optional(i64), number), (str, text), (optional(f64), real));

enum { ROWS = 3000 };

static struct sorted_row rows[ROWS];
static char texts[ROWS][24];

static void make_rows(uint64_t *random)
{
    for (int i = 0; i < ROWS; i++) {
        int length =
            snprintf(texts[i], sizeof texts[i], "%.*s%d", (int)(property_next(random) % 15),
                     "aaaaaaaaaaaaaaa", (int)(property_next(random) % 50));
        rows[i] =
            (struct sorted_row){.number = {.value = (int64_t)(property_next(random) % 7) - 3,
                                           .valid = property_next(random) % 5 > 0},
                                .text = barks_str_of(texts[i], (size_t)length),
                                .real = {.value = property_next(random) % 9 == 0
                                                      ? __builtin_nan("")
                                                      : (double)(property_next(random) % 5) - 2,
                                         .valid = property_next(random) % 6 > 0}};
    }
}

/* For any order of any columns: each row is not after its neighbour, equal ones keep their order,
 * and none is lost. */
START_TEST(rows_order_is_a_stable_sort)
{
    uint64_t seed = property_seed(), random = seed;
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(64 << 20, &pool));
    for (int round = 0; round < 30; round++) {
        struct batch *batch = NULL;
        uint32_t row_count = (uint32_t)(property_next(&random) % ROWS);
        static uint32_t order[ROWS];
        static bool seen[ROWS];
        memset(seen, 0, sizeof seen);
        struct sort_key keys[3];
        uint32_t key_count = 1 + (uint32_t)(property_next(&random) % 3);
        for (uint32_t k = 0; k < key_count; k++)
            keys[k] = (struct sort_key){.column = (uint32_t)(property_next(&random) % 3),
                                        .descending = property_next(&random) % 2 == 0,
                                        .nulls_first = property_next(&random) % 2 == 0};
        make_rows(&random);
        ck_assert_ptr_null(batch_create(pool, &barks_record_sorted_row.schema, 1, &batch));
        ck_assert_ptr_null(rows_to_batch(&barks_record_sorted_row, rows, row_count, pool, batch));
        ck_assert_ptr_null(rows_order(&batch->base, keys, key_count, pool, order));
        for (uint32_t i = 0; i < row_count; i++) {
            int against = i == 0 ? -1
                                 : batch_compare_rows(&batch->base, order[i - 1], &batch->base,
                                                      order[i], keys, key_count);
            ck_assert_msg(!seen[order[i]] &&
                              (against < 0 || (against == 0 && order[i - 1] < order[i])),
                          "round %d, place %" PRIu32 "; replay with BARKS_TEST_SEED=%" PRIu64,
                          round, i, seed);
            seen[order[i]] = true;
        }
        batch_destroy(batch);
    }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("exec/sort", rows_order_is_a_stable_sort)
