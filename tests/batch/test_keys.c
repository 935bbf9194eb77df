/* Order, equality and hash of rows: compare.c and key_hash.c. */
#include "base/hash.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "batch/column.h"
#include "model.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int sign(int order) { return order < 0 ? -1 : order > 0; }

/* The model's rows under keys: nulls placed by the key, values turned round where it descends. */
static int expected_order(const struct model *model, uint32_t i, uint32_t j,
                          const struct sort_key *keys, uint32_t key_count)
{
    for (uint32_t k = 0; k < key_count; k++) {
        const struct value *a = &model->rows[i][keys[k].column];
        const struct value *b = &model->rows[j][keys[k].column];
        int order = 0;
        if (a->there != b->there)
            order = a->there == keys[k].nulls_first ? 1 : -1;
        else if (a->there)
            order = model_compare(model->schema->fields[keys[k].column].type, a, b) *
                    (keys[k].descending ? -1 : 1);
        if (order != 0)
            return order;
    }
    return 0;
}

/* Random rows of a random schema in two batches, so that a and b are not the same memory. */
struct pair {
    const barks_schema *schema;
    struct model model;
    struct batch *a;
    struct batch *b;
};

static struct pair make_pair(struct model_world *world, uint32_t row_count)
{
    struct pair pair = {.schema = model_schema(world, 2)};
    pair.model = model_empty(pair.schema);
    model_add_random(world, &pair.model, row_count);
    must(batch_create(world->pool, pair.schema, 0, &pair.a));
    must(batch_create(world->pool, pair.schema, 0, &pair.b));
    must(model_write(&pair.model, 0, row_count, pair.a));
    must(model_write(&pair.model, 0, row_count, pair.b));
    return pair;
}

static void drop_pair(struct model_world *world, struct pair *pair)
{
    batch_destroy(pair->a);
    batch_destroy(pair->b);
    arena_reset(&world->arena);
}

START_TEST(rows_are_ordered_as_the_model_says)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 60; round++) {
        struct pair pair = make_pair(&world, 40);
        struct sort_key keys[2];
        for (int k = 0; k < 2; k++)
            keys[k] =
                (struct sort_key){.column = (uint32_t)model_below(&world, pair.schema->field_count),
                                  .descending = model_below(&world, 2) == 0,
                                  .nulls_first = model_below(&world, 2) == 0};
        for (uint32_t i = 0; i < 40; i++)
            for (uint32_t j = 0; j < 40; j++)
                ck_assert_msg(
                    sign(batch_compare_rows(&pair.a->base, i, &pair.b->base, j, keys, 2)) ==
                        expected_order(&pair.model, i, j, keys, 2),
                    "rows %u and %u, seed %" PRIu64, i, j, world.seed);
        drop_pair(&world, &pair);
    }
    model_world_end(&world);
}
END_TEST

/* What a sort relies on, whatever the model says. */
START_TEST(the_order_is_a_strict_weak_one)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 20; round++) {
        struct pair pair = make_pair(&world, 25);
        struct sort_key key = {.column = 0, .descending = round % 2 == 0, .nulls_first = true};
        const barks_batch *batch = &pair.a->base;
        for (uint32_t i = 0; i < 25; i++) {
            ck_assert_int_eq(batch_compare_rows(batch, i, batch, i, &key, 1), 0);
            for (uint32_t j = 0; j < 25; j++) {
                int ij = sign(batch_compare_rows(batch, i, batch, j, &key, 1));
                ck_assert_int_eq(ij, -sign(batch_compare_rows(batch, j, batch, i, &key, 1)));
                for (uint32_t k = 0; k < 25; k++) {
                    int jk = sign(batch_compare_rows(batch, j, batch, k, &key, 1));
                    int ik = sign(batch_compare_rows(batch, i, batch, k, &key, 1));
                    if (ij <= 0 && jk <= 0)
                        ck_assert_int_eq(ik, ij < 0 || jk < 0 ? -1 : 0);
                }
            }
        }
        drop_pair(&world, &pair);
    }
    model_world_end(&world);
}
END_TEST

static bool expected_equal(const struct model *model, uint32_t i, uint32_t j,
                           const uint32_t *columns, uint32_t column_count)
{
    for (uint32_t k = 0; k < column_count; k++)
        if (model_compare(model->schema->fields[columns[k]].type, &model->rows[i][columns[k]],
                          &model->rows[j][columns[k]]) != 0)
            return false;
    return true;
}

/* And unequal ones different hashes: a collision among so few rows would be a mistake, not chance.
 */
START_TEST(rows_are_equal_as_the_model_says_and_then_hash_alike)
{
    struct model_world world;
    model_world_begin(&world);
    uint32_t equal_pairs = 0;
    for (int round = 0; round < 60; round++) {
        struct pair pair = make_pair(&world, 60);
        uint32_t columns[2] = {(uint32_t)model_below(&world, pair.schema->field_count),
                               (uint32_t)model_below(&world, pair.schema->field_count)};
        uint32_t column_count = (uint32_t)model_below(&world, 2) + 1;
        uint64_t a_hashes[60];
        uint64_t b_hashes[60];
        batch_hash(&pair.a->base, columns, column_count, a_hashes);
        batch_hash(&pair.b->base, columns, column_count, b_hashes);
        for (uint32_t i = 0; i < 60; i++)
            for (uint32_t j = 0; j < 60; j++) {
                bool equal = expected_equal(&pair.model, i, j, columns, column_count);
                ck_assert_msg(batch_rows_equal(&pair.a->base, i, columns, &pair.b->base, j, columns,
                                               column_count) == equal &&
                                  (a_hashes[i] == b_hashes[j]) == equal,
                              "rows %u and %u, seed %" PRIu64, i, j, world.seed);
                equal_pairs += equal && i != j;
            }
        ck_assert(batch_equal(&pair.a->base, &pair.b->base));
        drop_pair(&world, &pair);
    }
    ck_assert_uint_gt(equal_pairs, 0);
    model_world_end(&world);
}
END_TEST

static const barks_type types[] = {
    [BARKS_BOOL] = {.id = BARKS_BOOL}, [BARKS_I32] = {.id = BARKS_I32},
    [BARKS_I64] = {.id = BARKS_I64},   [BARKS_F32] = {.id = BARKS_F32},
    [BARKS_F64] = {.id = BARKS_F64},   [BARKS_STR] = {.id = BARKS_STR}};
static const barks_schema number_schema = {
    .field_count = 4,
    .fields = (const barks_field[]){{"i32", &types[BARKS_I32], false},
                                    {"i64", &types[BARKS_I64], false},
                                    {"f32", &types[BARKS_F32], false},
                                    {"f64", &types[BARKS_F64], false}}};

START_TEST(numbers_of_equal_value_and_different_width_are_equal_and_hash_alike)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &number_schema, 3, &batch));
    memcpy(batch->base.columns[0].values, (int32_t[]){-7, 0, 7}, 12);
    memcpy(batch->base.columns[1].values, (int64_t[]){-7, INT64_C(1) << 32, 7}, 24);
    memcpy(batch->base.columns[2].values, (float[]){-0.0f, (float)NAN, 0.5f}, 12);
    memcpy(batch->base.columns[3].values, (double[]){0.0, -(double)NAN, 0.5}, 24);
    batch->base.row_count = 3;
    const bool equal[2][3] = {{true, false, true}, {true, true, true}};
    for (uint32_t kind = 0; kind < 2; kind++) {
        const uint32_t narrow = 2 * kind;
        const uint32_t wide = 2 * kind + 1;
        uint64_t narrow_hashes[3];
        uint64_t wide_hashes[3];
        batch_hash(&batch->base, &narrow, 1, narrow_hashes);
        batch_hash(&batch->base, &wide, 1, wide_hashes);
        for (uint32_t row = 0; row < 3; row++) {
            ck_assert(batch_rows_equal(&batch->base, row, &narrow, &batch->base, row, &wide, 1) ==
                      equal[kind][row]);
            ck_assert((narrow_hashes[row] == wide_hashes[row]) == equal[kind][row]);
        }
    }
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

static const barks_type i64_list_type = {.id = BARKS_LIST, .item = &types[BARKS_I64]};
static const barks_type row_type = {
    .id = BARKS_STRUCT,
    .fields = &(const barks_schema){
        .field_count = 1, .fields = &(const barks_field){"flag", &types[BARKS_BOOL], false}}};
static const barks_schema pinned_schema = {
    .field_count = 6,
    .fields = (const barks_field[]){{"str", &types[BARKS_STR], true},
                                    {"i64", &types[BARKS_I64], false},
                                    {"f64", &types[BARKS_F64], false},
                                    {"bool", &types[BARKS_BOOL], false},
                                    {"list", &i64_list_type, false},
                                    {"struct", &row_type, false}}};

static const barks_schema text_schema = {
    .field_count = 1, .fields = &(const barks_field){"text", &types[BARKS_STR], false}};

/* Files that outlive a job are partitioned by these numbers, so they may never change. */
START_TEST(the_key_hash_is_the_fixed_one)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &pinned_schema, 2, &batch));
    barks_column *columns = batch->base.columns;
    memcpy(columns[0].values, (barks_str[]){BARKS_STR_LITERAL("apple"), {0}}, 32);
    columns[0].validity[0] = ~UINT64_C(2);
    memcpy(columns[1].values, (int64_t[]){1, -1}, 16);
    memcpy(columns[2].values, (double[]){1.5, -0.0}, 16);
    memcpy(columns[3].values, (uint8_t[]){0, 1}, 2);
    must(column_reserve_items(batch, &columns[4], 2));
    memcpy(columns[4].children[0].values, (int64_t[]){1, -1}, 16);
    columns[4].item_count = 2;
    memcpy(columns[4].values, (barks_list_slice[]){{0, 2}, {0, 0}}, 16);
    memcpy(columns[5].children[0].values, (uint8_t[]){0, 1}, 2);
    batch->base.row_count = 2;
    const uint64_t expected[7][2] = {{UINT64_C(0x517a430dcf1f8a00), UINT64_C(0x6e756c6c6e756c6c)},
                                     {UINT64_C(0x2fbc593564db792e), UINT64_C(0x5111c7e47d784413)},
                                     {UINT64_C(0x2561a4889ff63458), UINT64_C(0xc77b3abb6f87acd9)},
                                     {UINT64_C(0xc44bdff4074eecdb), UINT64_C(0xe12ef9d2eb86ceeb)},
                                     {UINT64_C(0xc25d92ec389dfac8), UINT64_C(0xc77b3abb6f87acd9)},
                                     {UINT64_C(0x31f7e0d18f8a232a), UINT64_C(0x88009105347d40be)},
                                     {UINT64_C(0x53472122c13323a9), UINT64_C(0x7195a0d1c77db8df)}};
    for (uint32_t i = 0; i < 7; i++) {
        uint64_t hashes[2];
        const uint32_t all[] = {0, 1, 2, 3, 4, 5};
        batch_hash(&batch->base, i < 6 ? &all[i] : all, i < 6 ? 1 : 6, hashes);
        for (uint32_t row = 0; row < 2; row++)
            ck_assert_msg(hashes[row] == expected[i][row], "case %u, row %u: %#" PRIx64, i, row,
                          hashes[row]);
    }
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

/* The kernels of key_hash.c against the library's plain call, for every length and for any content.
 */
START_TEST(strings_hash_as_xxh3_of_their_bytes)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &text_schema, 1000, &batch));
    static char text[1000][300];
    static uint64_t hashes[1000];
    for (uint32_t row = 0; row < 1000; row++) {
        uint32_t length = row < 300 ? row : (uint32_t)model_below(&world, 20);
        for (uint32_t i = 0; i < length; i++)
            text[row][i] = (char)model_below(&world, 256);
        ((barks_str *)batch->base.columns[0].values)[row] = barks_str_of(text[row], length);
    }
    for (uint32_t row_count = 0; row_count <= 1000; row_count += 1 + row_count / 3) {
        batch->base.row_count = row_count;
        batch_hash(&batch->base, &(const uint32_t){0}, 1, hashes);
        for (uint32_t row = 0; row < row_count; row++) {
            uint32_t length = ((barks_str *)batch->base.columns[0].values)[row].length;
            ck_assert_uint_eq(hashes[row], XXH3_64bits(text[row], length));
        }
    }
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

SUITE_MAIN("batch/keys", rows_are_ordered_as_the_model_says, the_order_is_a_strict_weak_one,
           rows_are_equal_as_the_model_says_and_then_hash_alike,
           numbers_of_equal_value_and_different_width_are_equal_and_hash_alike,
           the_key_hash_is_the_fixed_one, strings_hash_as_xxh3_of_their_bytes)
