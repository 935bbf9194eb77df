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

BARKS_RECORD(sorted_row, (optional(i64), number), (str, text), (optional(f64), real), (i32, small),
             (f32, single), (bool, flag), (optional(bytes), name), (i64, any), (list(i32), items));

enum { ROWS = 3000, COLUMNS = 9, PATH_BYTES = 90 };

static struct sorted_row rows[ROWS];
static char texts[ROWS][24];
static char names[ROWS][PATH_BYTES + 12];
static int32_t items[ROWS][2];

/* Extremes, and what lies between them. */
static int64_t any_number(uint64_t *random)
{
    switch (property_next(random) % 4) {
    case 0:
        return INT64_MIN;
    case 1:
        return INT64_MAX;
    case 2:
        return (int64_t)(property_next(random) % 100);
    default:
        return (int64_t)property_next(random);
    }
}

/* Alike at the beginning for none, a few or many bytes, some of them ended by a zero byte. */
static barks_optional_bytes any_name(char *bytes, uint64_t *random)
{
    static const size_t alike[] = {0, 3, 7, 20, PATH_BYTES};
    size_t length = alike[property_next(random) % 5];
    memset(bytes, 'p', length);
    for (uint64_t more = property_next(random) % 12; more > 0; more--)
        bytes[length++] = (char)(property_next(random) % 3);
    return (barks_optional_bytes){.value = barks_str_of(bytes, length),
                                  .valid = property_next(random) % 5 > 0};
}

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
                                         .valid = property_next(random) % 6 > 0},
                                .small = (int32_t)any_number(random),
                                .single = (float)any_number(random),
                                .flag = property_next(random) % 2 == 0,
                                .name = any_name(names[i], random),
                                .any = any_number(random)};
        items[i][0] = (int32_t)(property_next(random) % 3);
        rows[i].items =
            (barks_list_i32){.items = items[i], .count = (uint32_t)(property_next(random) % 3)};
    }
}

static uint32_t any_keys(uint64_t *random, struct sort_key *out)
{
    uint32_t key_count = 1 + (uint32_t)(property_next(random) % 3);
    for (uint32_t k = 0; k < key_count; k++)
        out[k] = (struct sort_key){.column = (uint32_t)(property_next(random) % COLUMNS),
                                   .descending = property_next(random) % 2 == 0,
                                   .nulls_first = property_next(random) % 2 == 0};
    return key_count;
}

/* For any order of any columns: each row is not after its neighbour, equal ones keep their order,
 * and none is lost; and a group begins where the first keys differ. */
START_TEST(rows_order_is_a_stable_sort)
{
    uint64_t seed = property_seed(), random = seed;
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(64 << 20, &pool));
    for (int round = 0; round < 200; round++) {
        struct batch *batch = NULL;
        uint32_t row_count = (uint32_t)(property_next(&random) % ROWS);
        static uint32_t order[ROWS], grouped[ROWS];
        static uint64_t begins[ROWS / 64 + 1];
        static bool seen[ROWS];
        memset(seen, 0, sizeof seen);
        memset(begins, 0xa5, sizeof begins);
        struct sort_key keys[3];
        uint32_t key_count = any_keys(&random, keys);
        uint32_t group_key_count = 1 + (uint32_t)(property_next(&random) % key_count);
        make_rows(&random);
        ck_assert_ptr_null(batch_create(pool, &barks_record_sorted_row.schema, 1, &batch));
        ck_assert_ptr_null(rows_to_batch(&barks_record_sorted_row, rows, row_count, pool, batch));
        ck_assert_ptr_null(rows_order(&batch->base, keys, key_count, pool, order));
        ck_assert_ptr_null(rows_order_groups(&batch->base, keys, key_count, group_key_count, pool,
                                             grouped, begins));
        ck_assert_msg(memcmp(order, grouped, row_count * sizeof *order) == 0,
                      "round %d; replay with BARKS_TEST_SEED=%" PRIu64, round, seed);
        for (uint32_t i = 0; i < row_count; i++) {
            int against = i == 0 ? -1
                                 : batch_compare_rows(&batch->base, order[i - 1], &batch->base,
                                                      order[i], keys, key_count);
            bool begins_group =
                i == 0 || batch_compare_rows(&batch->base, order[i - 1], &batch->base, order[i],
                                             keys, group_key_count) != 0;
            ck_assert_msg(!seen[order[i]] &&
                              (against < 0 || (against == 0 && order[i - 1] < order[i])) &&
                              (begins[i / 64] >> i % 64 & 1) == begins_group,
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

BARKS_RECORD(two_numbers, (i64, a), (i64, b));

/* Keys that just fit a word with the row's number, and those that just do not: whether the width of
 * a key is 0, the whole word, or one bit more. */
START_TEST(keys_of_any_width_are_sorted_right)
{
    enum { COUNT = 100 };
    static struct two_numbers numbers[COUNT];
    uint64_t seed = property_seed(), random = seed;
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(64 << 20, &pool));
    for (uint32_t a_bits = 0; a_bits <= 64; a_bits++)
        for (uint32_t b_bits = 0; b_bits <= 64; b_bits += b_bits < 50 ? 7 : 1) {
            struct batch *batch = NULL;
            uint32_t order[COUNT];
            uint64_t begins[COUNT / 64 + 1];
            struct sort_key keys[] = {{.column = 0, .descending = a_bits % 2 == 0}, {.column = 1}};
            for (int i = 0; i < COUNT; i++) {
                uint64_t a = property_next(&random), b = property_next(&random);
                numbers[i] = (struct two_numbers){
                    .a = a_bits == 0 ? -5 : (int64_t)(a >> (64 - a_bits)) - 5 * (a_bits < 64),
                    .b = b_bits == 0 ? INT64_MIN : (int64_t)(b >> (64 - b_bits))};
            }
            ck_assert_ptr_null(batch_create(pool, &barks_record_two_numbers.schema, 1, &batch));
            ck_assert_ptr_null(
                rows_to_batch(&barks_record_two_numbers, numbers, COUNT, pool, batch));
            ck_assert_ptr_null(rows_order_groups(&batch->base, keys, 2, 1, pool, order, begins));
            for (uint32_t i = 1; i < COUNT; i++) {
                int against =
                    batch_compare_rows(&batch->base, order[i - 1], &batch->base, order[i], keys, 2);
                bool begins_group = numbers[order[i - 1]].a != numbers[order[i]].a;
                ck_assert_msg((against < 0 || (against == 0 && order[i - 1] < order[i])) &&
                                  (begins[i / 64] >> i % 64 & 1) == begins_group,
                              "bits %" PRIu32 " and %" PRIu32 ", place %" PRIu32
                              "; replay with BARKS_TEST_SEED=%" PRIu64,
                              a_bits, b_bits, i, seed);
            }
            batch_destroy(batch);
        }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("exec/sort", rows_order_is_a_stable_sort, keys_of_any_width_are_sorted_right)
