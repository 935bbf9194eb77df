/* Rows that are dealt to parts in memory, and accumulators that go by way of them:
 * exec/memory_parts.c, combine_piles.c. */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "exec/combine_piles.h"
#include "exec/memory_parts.h"
#include "exec/operator.h"
#include "exec/piles.h"
#include "shuffle/combine.h"
#include "support/property.h"
#include "support/room.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(numbered, (i64, key), (i64, place));
BARKS_RECORD(noted, (i64, place), (str, text));

/* The order of rows counts. */
BARKS_REDUCE(chain, numbered)
{
    acc->place = (int64_t)((uint64_t)acc->place * 31 + (uint64_t)in->place);
}

/* ---- parts ---- */

enum { ROWS_MAX = 20000 };

static uint32_t text_length(int64_t place) { return (uint32_t)(place * 7 % 40); }

static struct batch *make_notes(int64_t first, uint32_t row_count)
{
    struct batch *batch = NULL;
    must(batch_create(room.pool, &barks_record_noted.schema, row_count + 1, &batch));
    for (uint32_t row = 0; row < row_count; row++) {
        int64_t place = first + row;
        void *bytes = NULL;
        must(batch_make_bytes(batch, text_length(place) + 1, &bytes));
        memset(bytes, 'a' + (int)(place % 26), text_length(place));
        ((int64_t *)batch->base.columns[0].values)[row] = place;
        ((barks_str *)batch->base.columns[1].values)[row] =
            barks_str_of((const char *)bytes, text_length(place));
    }
    batch->base.row_count = row_count;
    return batch;
}

/* What a part should be: the places of its rows, in order. */
struct expected {
    int64_t *places;
    uint32_t count, next;
};

static barks_status *check_notes(void *context, struct batch *batch)
{
    struct expected *expected = context;
    const barks_column *columns = batch->base.columns;
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        ck_assert_uint_lt(expected->next, expected->count);
        int64_t place = expected->places[expected->next++];
        barks_str text = ((const barks_str *)columns[1].values)[row];
        ck_assert_int_eq(((const int64_t *)columns[0].values)[row], place);
        ck_assert_uint_eq(text.length, text_length(place));
        if (text.length > 0)
            ck_assert_int_eq(barks_str_bytes(&text)[text.length - 1], 'a' + (int)(place % 26));
    }
    return NULL;
}

/* Adds rows in batches, some of which find no memory the first time, and looks at the parts. */
static void deal_and_check(struct random *random, uint32_t row_count, uint32_t rows_max)
{
    static struct expected expected[PART_COUNT];
    static uint64_t hashes[ROWS_MAX];
    static struct parts parts;
    uint32_t level = (uint32_t)random_below(random, 12);
    uint64_t few = random_below(random, 3) == 0 ? random_next(random) : 0;
    parts_init(&parts, room.pool, &barks_record_noted.schema, level);
    for (int part = 0; part < PART_COUNT; part++)
        expected[part] = (struct expected){.places = calloc(row_count + 1, sizeof(int64_t))};
    for (uint32_t first = 0, count = 0; first < row_count; first += count) {
        count = (uint32_t)random_below(random, rows_max + 1);
        if (count > row_count - first)
            count = row_count - first;
        struct batch *rows = make_notes(first, count);
        for (uint32_t i = 0; i < count; i++) {
            hashes[i] = random_next(random) | few;
            struct expected *part = &expected[hashes[i] << (level * PART_BITS) >> (64 - PART_BITS)];
            part->places[part->count++] = first + i;
        }
        pool_fail_after(room.pool, random_below(random, 60));
        barks_status *status = parts_add(&parts, rows, hashes);
        pool_fail_after(room.pool, 0);
        if (status != NULL)
            must(parts_add(&parts, rows, hashes)); /* as if nothing had been tried */
        barks_status_free(status);
        batch_destroy(rows);
    }
    ck_assert_uint_eq(parts.memory_bytes, pool_used_bytes(room.pool));
    for (uint32_t part = 0; part < PART_COUNT; part++) {
        must(parts_visit(&parts, part, check_notes, &expected[part]));
        ck_assert_uint_eq(expected[part].next, expected[part].count);
        free(expected[part].places);
    }
    ck_assert_uint_eq(parts.memory_bytes, 0);
    parts_drop(&parts);
    parts_drop(&parts);
}

START_TEST(rows_lie_in_the_part_of_their_hash_in_the_order_of_adding)
{
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    for (int round = 0; round < 20; round++)
        deal_and_check(&random, (uint32_t)random_below(&random, 10 * ROWS_MAX),
                       round % 2 == 0 ? ROWS_MAX : 100);
    end();
}
END_TEST

START_TEST(parts_that_are_not_read_leave_nothing)
{
    begin(UINT64_C(64) << 20);
    static uint64_t hashes[5000];
    static struct parts parts;
    struct random random = random_of(property_seed());
    for (int i = 0; i < 5000; i++)
        hashes[i] = random_next(&random);
    parts_init(&parts, room.pool, &barks_record_noted.schema, 0);
    struct batch *rows = make_notes(0, 5000);
    must(parts_add(&parts, rows, hashes));
    batch_destroy(rows);
    parts_drop(&parts);
    end();
}
END_TEST

/* ---- accumulators ---- */

/* A task that consists of one aggregate. */
static struct pipe_node node = {.step = {.kind = STEP_COMBINE}, .record = &barks_record_numbered};
static const struct pipeline pipeline = {.nodes = &node, .node_count = 1};
static const struct task_spec spec = {.pipeline = &pipeline};

static struct combine *open_table(struct pool *pool, uint64_t bytes_limit)
{
    static const uint32_t key = 0;
    struct combine_options options = {.pool = pool,
                                      .in = &barks_record_numbered.schema,
                                      .accumulator = &barks_record_numbered,
                                      .key_columns = &key,
                                      .key_fields = &key,
                                      .key_count = 1,
                                      .function = &chain.function,
                                      .bytes_limit = bytes_limit};
    struct combine *table = NULL;
    must(combine_create(&options, &table));
    return table;
}

struct folded {
    struct numbered *rows; /* as they were given on */
    uint64_t count;
};

static barks_status *note(void *context, struct batch *batch)
{
    struct folded *folded = context;
    for (uint32_t row = 0; row < batch->base.row_count; row++)
        folded->rows[folded->count++] =
            (struct numbered){.key = ((const int64_t *)batch->base.columns[0].values)[row],
                              .place = ((const int64_t *)batch->base.columns[1].values)[row]};
    return NULL;
}

/* Adds rows to a table that has all memory, and by way of parts to one that has not. */
static void fold_both(uint64_t row_count, uint64_t key_count, uint64_t coming_bytes,
                      bool *out_on_disk)
{
    const struct task_services services = {.pool = room.pool, .room = &room, .worker_count = 1};
    struct task_progress progress = {0};
    struct task task = {.spec = &spec, .services = &services, .progress = &progress};
    struct pool *ample = NULL;
    must(pool_create(UINT64_C(4) << 30, &ample));
    struct combine *right = open_table(ample, 0);
    struct combine *table = open_table(room.pool, pool_budget_bytes(room.pool) / 2);
    struct combine_piles piles = {.options = {.task = &task,
                                              .node = &node,
                                              .table = table,
                                              .function = &chain.function,
                                              .rows = &barks_record_numbered.schema,
                                              .accumulators = &barks_record_numbered.schema,
                                              .coming_bytes = coming_bytes}};
    struct random random = random_of(property_seed());
    for (uint64_t first = 0; first < row_count; first += 10000) {
        struct batch *batch = NULL;
        uint32_t row = 0;
        must(batch_create(room.pool, &barks_record_numbered.schema, 10000, &batch));
        for (batch->base.row_count = 0; batch->base.row_count < 10000; batch->base.row_count++) {
            ((int64_t *)batch->base.columns[0].values)[batch->base.row_count] =
                (int64_t)random_below(&random, key_count);
            ((int64_t *)batch->base.columns[1].values)[batch->base.row_count] =
                (int64_t)first + batch->base.row_count;
        }
        must(combine_add(right, batch, &row));
        must(combine_piles_add(&piles, batch));
        batch_destroy(batch);
    }
    struct folded expected = {.rows = calloc(combine_row_count(right), sizeof(struct numbered))};
    struct folded got = {.rows = calloc(combine_row_count(right), sizeof(struct numbered))};
    *out_on_disk = scratch_written_bytes(room.scratch) > 0;
    uint64_t key_rows = combine_row_count(right);
    must(combine_drain(right, true, note, &expected));
    must(combine_piles_give(&piles, note, &got));
    ck_assert_uint_eq(got.count, key_rows);
    ck_assert_mem_eq(got.rows, expected.rows, key_rows * sizeof(struct numbered));
    free(expected.rows);
    free(got.rows);
    combine_piles_drop(&piles);
    combine_destroy(table);
    combine_destroy(right);
    pool_destroy(ample);
}

START_TEST(accumulators_come_out_of_parts_as_out_of_a_table)
{
    bool on_disk = true;
    begin(UINT64_C(512) << 20);
    fold_both(600000, 500000, 600000 * 16, &on_disk);
    ck_assert(!on_disk);
    ck_assert_uint_lt(pool_peak_bytes(room.pool), UINT64_C(40) << 20); /* a table of all takes 24 */
    end();
}
END_TEST

START_TEST(parts_of_parts_give_the_same)
{
    bool on_disk = true;
    begin(UINT64_C(512) << 20);
    fold_both(3200000, UINT64_C(1) << 60, 3200000 * 16, &on_disk);
    ck_assert(!on_disk);
    end();
}
END_TEST

START_TEST(parts_that_outgrow_the_share_go_to_disk)
{
    bool on_disk = false;
    begin(UINT64_C(64) << 20);
    fold_both(3000000, 2000000, 1000, &on_disk); /* of which 1000 bytes were said to come */
    ck_assert(on_disk);
    ck_assert_uint_le(pool_peak_bytes(room.pool), UINT64_C(64) << 20);
    end();
}
END_TEST

SUITE_MAIN("exec/memory_parts", rows_lie_in_the_part_of_their_hash_in_the_order_of_adding,
           parts_that_are_not_read_leave_nothing, accumulators_come_out_of_parts_as_out_of_a_table,
           parts_of_parts_give_the_same, parts_that_outgrow_the_share_go_to_disk)
