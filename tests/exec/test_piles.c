/* Rows that are dealt to piles on disk: exec/piles.c. */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "exec/piles.h"
#include "support/property.h"
#include "support/room.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(dealt, (i64, place), (str, text), (list(i64), numbers));

static uint32_t text_length(int64_t place, uint32_t longest)
{
    return (uint32_t)((uint64_t)place * 2654435761u % (longest + 1));
}

static uint32_t number_count(int64_t place) { return (uint32_t)(place % 4); }

/* Rows that are known by their place. */
static struct batch *make_rows(int64_t first, uint32_t row_count, uint32_t longest)
{
    struct batch *batch = NULL;
    must(batch_create(room.pool, &barks_record_dealt.schema, row_count + 1, &batch));
    must(batch_reserve(batch, row_count + 1));
    barks_column *columns = batch->base.columns;
    must(column_reserve_items(batch, &columns[2], 4 * row_count + 4));
    uint32_t item = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        int64_t place = first + row;
        uint32_t length = text_length(place, longest);
        void *bytes = NULL;
        must(batch_make_bytes(batch, length + 1, &bytes));
        memset(bytes, 'a' + (int)(place % 26), length);
        ((int64_t *)columns[0].values)[row] = place;
        ((barks_str *)columns[1].values)[row] = barks_str_of((const char *)bytes, length);
        ((barks_list_slice *)columns[2].values)[row] =
            (barks_list_slice){.offset = item, .length = number_count(place)};
        for (uint32_t i = 0; i < number_count(place); i++)
            ((int64_t *)columns[2].children[0].values)[item++] = place + i;
    }
    columns[2].item_count = item;
    batch->base.row_count = row_count;
    return batch;
}

/* What the piles should be: the places of their rows, in order. */
struct expected {
    int64_t *places;
    uint32_t count, next;
    uint32_t longest;
    uint64_t piece_bytes_max;
};

static barks_status *check_piece(void *context, struct batch *batch)
{
    struct expected *expected = context;
    const barks_column *columns = batch->base.columns;
    ck_assert_uint_le(batch->base.row_count, BATCH_ROWS);
    if (batch->base.row_count > 1)
        ck_assert_uint_le(batch_bytes(batch), expected->piece_bytes_max + expected->longest);
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        ck_assert_uint_lt(expected->next, expected->count);
        int64_t place = expected->places[expected->next++];
        barks_str text = ((const barks_str *)columns[1].values)[row];
        barks_list_slice numbers = ((const barks_list_slice *)columns[2].values)[row];
        ck_assert_int_eq(((const int64_t *)columns[0].values)[row], place);
        ck_assert_uint_eq(text.length, text_length(place, expected->longest));
        if (text.length > 0)
            ck_assert_int_eq(barks_str_bytes(&text)[text.length - 1], 'a' + (int)(place % 26));
        ck_assert_uint_eq(numbers.length, number_count(place));
        for (uint32_t i = 0; i < numbers.length; i++)
            ck_assert_int_eq(((const int64_t *)columns[2].children[0].values)[numbers.offset + i],
                             place + i);
    }
    return NULL;
}

/* Adds so many rows in batches of up to rows_max, and looks at what becomes of them. */
static void deal_and_check(struct random *random, uint32_t level, uint64_t share_bytes,
                           uint32_t row_count, uint32_t rows_max, uint32_t longest)
{
    static struct expected expected[PILE_COUNT];
    static uint64_t hashes[4 * BATCH_ROWS];
    static struct piles piles;
    uint64_t few = random_below(random, 3) == 0 ? random_next(random) : 0;
    piles_init(&piles, &room, &barks_record_dealt.schema, level, share_bytes);
    for (int pile = 0; pile < PILE_COUNT; pile++)
        expected[pile] = (struct expected){.places = calloc(row_count + 1, sizeof(int64_t)),
                                           .longest = longest,
                                           .piece_bytes_max = 4 * piles.buffer_bytes};
    for (uint32_t first = 0, count = 0; first < row_count; first += count) {
        count = (uint32_t)random_below(random, rows_max + 1);
        if (count > row_count - first)
            count = row_count - first;
        struct batch *rows = make_rows(first, count, longest);
        for (uint32_t i = 0; i < count; i++) {
            hashes[i] = random_next(random) | few;
            uint64_t bits = hashes[i];
            for (uint32_t l = 0; l < level; l++)
                bits *= PILE_COUNT;
            struct expected *pile = &expected[bits / (UINT64_MAX / PILE_COUNT + 1)];
            pile->places[pile->count++] = first + i;
        }
        must(piles_add(&piles, rows, hashes));
        batch_destroy(rows);
    }
    must(piles_flush(&piles));
    ck_assert_uint_eq(pool_used_bytes(room.pool), 0);
    for (int pile = 0; pile < PILE_COUNT; pile++) {
        ck_assert_uint_eq(piles.runs[pile].row_count, expected[pile].count);
        must(row_run_visit(&piles.runs[pile], &barks_record_dealt.schema, true, check_piece,
                           &expected[pile]));
        ck_assert_uint_eq(expected[pile].next, expected[pile].count);
        free(expected[pile].places);
    }
    piles_drop(&piles);
    piles_drop(&piles);
}

START_TEST(rows_lie_in_the_pile_of_their_hash_in_the_order_of_adding)
{
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    for (int round = 0; round < 40; round++) {
        uint32_t level = (uint32_t)random_below(&random, PILE_LEVELS);
        uint64_t share_bytes = UINT64_C(1) << random_below(&random, 28);
        deal_and_check(&random, level, share_bytes, (uint32_t)random_below(&random, 20000),
                       round % 2 == 0 ? 4 * BATCH_ROWS : 100, round % 4 < 2 ? 12 : 200);
    }
    end();
}
END_TEST

START_TEST(small_rows_of_all_piles_take_a_part_of_the_share)
{
    const uint64_t share_bytes = UINT64_C(32) << 20;
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    deal_and_check(&random, 0, share_bytes, 200000, BATCH_ROWS, 300);
    ck_assert_uint_lt(pool_peak_bytes(room.pool), share_bytes);
    end();
}
END_TEST

/* A batch alone may be half of all memory. */
START_TEST(rows_of_a_mebibyte_find_room_as_long_as_one_does)
{
    begin(UINT64_C(96) << 20);
    struct random random = random_of(property_seed());
    for (int round = 0; round < 4; round++)
        deal_and_check(&random, 0, UINT64_C(4) << 20, 200, 20, 2 << 20);
    end();
}
END_TEST

START_TEST(piles_that_are_not_read_leave_nothing)
{
    begin(UINT64_C(64) << 20);
    static uint64_t hashes[5000];
    struct random random = random_of(property_seed());
    static struct piles piles;
    for (int i = 0; i < 5000; i++)
        hashes[i] = random_next(&random);
    piles_init(&piles, &room, &barks_record_dealt.schema, 0, 1 << 20);
    struct batch *rows = make_rows(0, 5000, 100);
    must(piles_add(&piles, rows, hashes));
    batch_destroy(rows);
    piles_drop(&piles);
    piles = (struct piles){0};
    piles_drop(&piles);
    end();
}
END_TEST

SUITE_MAIN("exec/piles", rows_lie_in_the_pile_of_their_hash_in_the_order_of_adding,
           small_rows_of_all_piles_take_a_part_of_the_share,
           rows_of_a_mebibyte_find_room_as_long_as_one_does, piles_that_are_not_read_leave_nothing)
