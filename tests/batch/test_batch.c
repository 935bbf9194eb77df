#include "base/pool.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "model.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <string.h>

static const barks_type str_type = {.id = BARKS_STR};
static const barks_field line_fields[] = {{.name = "text", .type = &str_type}};
static const barks_schema line_schema = {.field_count = 1, .fields = line_fields};

static void must_be(barks_status *status, barks_code code)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    barks_status_free(status);
}

static struct batch *create(struct model_world *world, const barks_schema *schema)
{
    struct batch *batch = NULL;
    must(batch_create(world->pool, schema, (uint32_t)model_below(world, 200), &batch));
    return batch;
}

/* One random change of batch, and the same one of the model: rows of from, by range or by index. */
static void change(struct model_world *world, struct batch *batch, struct model *model,
                   const struct batch *from, const struct model *from_model)
{
    enum batch_strings strings = model_below(world, 2) == 0 ? BATCH_COPY : BATCH_KEEP;
    uint32_t first = (uint32_t)model_below(world, from_model->row_count + 1);
    uint32_t count = (uint32_t)model_below(world, from_model->row_count - first + 1);
    uint32_t indices[300];
    switch (model_below(world, 5)) {
    case 0:
        must(model_write(from_model, first, count, batch));
        for (uint32_t k = 0; k < count; k++)
            model_add_row(world, model, from_model->rows[first + k]);
        break;
    case 1:
        must(batch_append(batch, from, first, count, strings));
        for (uint32_t k = 0; k < count; k++)
            model_add_row(world, model, from_model->rows[first + k]);
        break;
    case 2:
    case 3:
        count = from_model->row_count == 0 ? 0 : (uint32_t)model_below(world, 300);
        for (uint32_t k = 0; k < count; k++) {
            indices[k] = (uint32_t)model_below(world, from_model->row_count);
            model_add_row(world, model, from_model->rows[indices[k]]);
        }
        must(batch_gather(batch, from, indices, count, strings));
        break;
    default:
        if (model_below(world, 8) == 0) {
            batch_clear(batch);
            model->row_count = 0;
        } else {
            model->row_count = (uint32_t)model_below(world, model->row_count + 1);
            batch_truncate(batch, model->row_count);
        }
        break;
    }
}

START_TEST(batches_of_any_schema_equal_arrays_of_values)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 60; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        struct model from_model = model_empty(schema);
        model_add_random(&world, &from_model, (uint32_t)model_below(&world, 200));
        struct batch *batch = create(&world, schema);
        struct batch *from = create(&world, schema);
        must(model_write(&from_model, 0, from_model.row_count, from));
        for (int step = 0; step < 12; step++) {
            change(&world, batch, &model, from, &from_model);
            model_check(&world, &model, batch);
            model_check(&world, &from_model, from);
        }
        batch_destroy(from); /* what batch has kept must be its own now */
        model_check(&world, &model, batch);
        batch_destroy(batch);
        arena_reset(&world.arena);
    }
    model_world_end(&world);
}
END_TEST

/* Fails the n-th acquire for n = 1, 2, ... until an append passes; each time the rows are as
 * before. */
START_TEST(append_without_memory_changes_nothing)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 30; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        model_add_random(&world, &model, 40);
        struct model from_model = model_empty(schema);
        model_add_random(&world, &from_model, 1500);
        struct batch *batch = create(&world, schema);
        struct batch *from = create(&world, schema);
        must(model_write(&from_model, 0, from_model.row_count, from));
        must(model_write(&model, 0, model.row_count, batch));
        uint32_t indices[700];
        for (uint32_t k = 0; k < 700; k++)
            indices[k] = (uint32_t)model_below(&world, from_model.row_count);
        enum batch_strings strings = round % 2 == 0 ? BATCH_COPY : BATCH_KEEP;
        for (uint64_t n = 1;; n++) {
            pool_fail_after(world.pool, n);
            barks_status *status = round % 3 == 0
                                       ? batch_append(batch, from, 100, 700, strings)
                                       : batch_gather(batch, from, indices, 700, strings);
            pool_fail_after(world.pool, 0);
            if (status == NULL)
                break;
            must_be(status, BARKS_NO_MEMORY);
            model_check(&world, &model, batch);
        }
        for (uint32_t k = 0; k < 700; k++)
            model_add_row(&world, &model, from_model.rows[round % 3 == 0 ? 100 + k : indices[k]]);
        model_check(&world, &model, batch);
        batch_destroy(batch);
        batch_destroy(from);
        arena_reset(&world.arena);
    }
    model_world_end(&world);
}
END_TEST

START_TEST(create_without_memory_leaves_nothing)
{
    struct model_world world;
    model_world_begin(&world);
    const barks_schema *schema = model_schema(&world, 3);
    struct batch *batch = NULL;
    for (uint64_t n = 1; batch == NULL; n++) {
        pool_fail_after(world.pool, n);
        barks_status *status = batch_create(world.pool, schema, 5000, &batch);
        pool_fail_after(world.pool, 0);
        if (status != NULL) {
            must_be(status, BARKS_NO_MEMORY);
            ck_assert_uint_eq(pool_used_bytes(world.pool), 0);
        }
    }
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

/* A batch of one column whose rows are 20-byte words of a block. */
static struct batch *words_of(struct model_world *world, struct block *block)
{
    struct batch *batch = create(world, &line_schema);
    uint32_t count = (uint32_t)(block->size_bytes / 20);
    must(batch_reserve(batch, count));
    barks_str *texts = batch->base.columns[0].values;
    for (uint32_t i = 0; i < count; i++)
        texts[i] = barks_str_of((char *)block->bytes + i * 20, 20);
    batch->base.row_count = count;
    must(batch_keep_block(batch, block));
    must(batch_keep_block(batch, block));
    ck_assert_uint_eq(batch->block_count, 1);
    return batch;
}

START_TEST(a_block_is_held_when_an_eighth_of_it_is_used_and_copied_from_otherwise)
{
    struct model_world world;
    model_world_begin(&world);
    struct block *block = NULL;
    must(block_create(world.pool, 8000, &block));
    memset(block->bytes, 'x', block->size_bytes);
    struct batch *from = words_of(&world, block);
    struct batch *few = create(&world, &line_schema);
    struct batch *many = create(&world, &line_schema);
    struct batch *copied = create(&world, &line_schema);
    must(batch_append(few, from, 0, 49, BATCH_KEEP));
    must(batch_append(many, from, 0, 50, BATCH_KEEP));
    must(batch_append(copied, from, 0, 400, BATCH_COPY));
    ck_assert_ptr_ne(few->blocks[0], block);
    ck_assert_ptr_eq(many->blocks[0], block);
    ck_assert_uint_eq(many->block_count, 1);
    ck_assert_ptr_ne(copied->blocks[0], block);
    /* Once it is held, even one more row of it costs nothing. */
    must(batch_append(many, from, 399, 1, BATCH_KEEP));
    ck_assert_uint_eq(many->block_count, 1);
    must(batch_validate(few, true));
    must(batch_validate(many, true));
    must(batch_validate(copied, true));
    batch_destroy(from);
    ck_assert(!block_is_mine(block)); /* many */
    batch_destroy(many);
    ck_assert(block_is_mine(block));
    block_release(block);
    must(batch_validate(few, true));
    batch_destroy(few);
    batch_destroy(copied);
    model_world_end(&world);
}
END_TEST

START_TEST(strings_of_many_blocks_are_found)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *from = create(&world, &line_schema);
    struct batch *to = create(&world, &line_schema);
    must(batch_reserve(from, 500));
    for (uint32_t i = 0; i < 100; i++) {
        struct block *block = NULL;
        must(block_create(world.pool, 20, &block));
        memset(block->bytes, 'a' + (int)(i % 26), 20);
        must(batch_keep_block(from, block));
        block_release(block);
        ((barks_str *)from->base.columns[0].values)[i] = barks_str_of((char *)block->bytes, 20);
    }
    from->base.row_count = 100;
    must(batch_validate(from, true));
    must(batch_append(to, from, 0, 100, BATCH_KEEP));
    ck_assert_uint_eq(to->block_count, 100);
    batch_destroy(from);
    must(batch_validate(to, true));
    batch_destroy(to);
    model_world_end(&world);
}
END_TEST

START_TEST(strings_that_pass_by_are_copied)
{
    struct model_world world;
    model_world_begin(&world);
    char text[] = "a text of the caller's, on his stack";
    struct batch *from = create(&world, &line_schema);
    struct batch *to = create(&world, &line_schema);
    must(batch_reserve(from, 1));
    ((barks_str *)from->base.columns[0].values)[0] = barks_str_of(text, sizeof text - 1);
    from->base.row_count = 1;
    must_be(batch_validate(from, true), BARKS_BAD_INPUT);
    must(batch_append(to, from, 0, 1, BATCH_KEEP));
    must(batch_validate(to, true));
    batch_destroy(from);
    batch_destroy(to);
    model_world_end(&world);
}
END_TEST

START_TEST(lent_strings_stay_where_they_are_and_are_copied_by_who_holds_them)
{
    struct model_world world;
    model_world_begin(&world);
    struct block *block = NULL;
    must(block_create(world.pool, 8000, &block));
    memset(block->bytes, 'x', block->size_bytes);
    struct batch *from = words_of(&world, block);
    struct batch *passing = create(&world, &line_schema);
    struct batch *held = create(&world, &line_schema);
    const uint32_t rows[] = {399, 7, 7, 0};
    must(batch_gather(passing, from, rows, 4, BATCH_LEND));
    ck_assert_uint_eq(passing->block_count, 0);
    const barks_str *texts = passing->base.columns[0].values;
    ck_assert_ptr_eq(texts[1].pointer, (const char *)block->bytes + 7 * 20);
    must(batch_append(held, passing, 0, 4, BATCH_KEEP));
    ck_assert(batch_equal(&held->base, &passing->base));
    batch_destroy(passing);
    batch_destroy(from);
    block_release(block);
    must(batch_validate(held, true));
    batch_destroy(held);
    model_world_end(&world);
}
END_TEST

START_TEST(cleared_batches_write_their_made_block_anew_unless_someone_holds_it)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = create(&world, &line_schema);
    void *first = NULL;
    void *second = NULL;
    must(batch_make_bytes(batch, 100, &first));
    batch_clear(batch);
    must(batch_make_bytes(batch, 100, &second));
    ck_assert_ptr_eq(first, second);
    struct block *held = block_acquire(batch->made);
    batch_clear(batch);
    ck_assert_uint_eq(batch->block_count, 0);
    must(batch_make_bytes(batch, 100, &second));
    ck_assert_ptr_ne(first, second);
    block_release(held);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

START_TEST(made_bytes_are_aligned_and_apart)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = create(&world, &line_schema);
    uint8_t *made[200];
    for (uint32_t i = 0; i < 200; i++) {
        void *bytes = NULL;
        must(batch_make_bytes(batch, i * 7, &bytes));
        ck_assert_uint_eq((uintptr_t)bytes % 8, 0);
        memset(bytes, (int)i, i * 7);
        made[i] = bytes;
    }
    for (uint32_t i = 0; i < 200; i++)
        for (uint32_t k = 0; k < i * 7; k++)
            ck_assert_uint_eq(made[i][k], i);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

/* What is held for strings is little more than the strings where their bytes are known before. */
START_TEST(made_blocks_are_no_larger_than_what_is_to_come)
{
    enum { BYTES = 450 << 10, PIECE_BYTES = 100 };
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = create(&world, &line_schema);
    uint64_t before_bytes = batch_memory_bytes(batch);
    for (size_t made = 0; made < BYTES; made += PIECE_BYTES) {
        void *bytes = NULL;
        batch->made_bytes_left = BYTES - made;
        must(batch_make_bytes(batch, PIECE_BYTES, &bytes));
    }
    ck_assert_uint_lt(batch_memory_bytes(batch) - before_bytes, BYTES + BYTES / 16);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

START_TEST(more_rows_than_a_batch_holds_are_a_limit_error)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = create(&world, &line_schema);
    must(batch_reserve(batch, 10));
    batch->base.row_count = 10;
    memset(batch->base.columns[0].values, 0, 160);
    must_be(batch_reserve(batch, UINT32_MAX), BARKS_LIMIT);
    must_be(batch_reserve(batch, UINT32_C(1) << 31), BARKS_LIMIT);
    ck_assert_uint_eq(batch->base.row_count, 10);
    ck_assert(batch_is_sound(batch));
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

static void count_give_back(struct block *block) { ++*(int *)block->owner; }

START_TEST(adopted_memory_is_given_back_once)
{
    struct model_world world;
    model_world_begin(&world);
    char memory[100 + BLOCK_SLACK_BYTES] = {0};
    int given_back = 0;
    struct block *block = NULL;
    must(block_adopt(memory, 100, count_give_back, &given_back, &block));
    struct batch *batch = create(&world, &line_schema);
    must(batch_keep_block(batch, block));
    block_release(block);
    ck_assert_int_eq(given_back, 0);
    batch_destroy(batch);
    ck_assert_int_eq(given_back, 1);
    model_world_end(&world);
}
END_TEST

START_TEST(a_batch_without_columns_counts_rows)
{
    struct model_world world;
    model_world_begin(&world);
    const barks_schema schema = {.field_count = 0};
    struct batch *from = create(&world, &schema);
    struct batch *to = create(&world, &schema);
    must(batch_reserve(from, 1000));
    from->base.row_count = 1000;
    must(batch_append(to, from, 10, 20, BATCH_KEEP));
    must(batch_gather(to, from, (const uint32_t[]){5, 7}, 2, BATCH_KEEP));
    ck_assert_uint_eq(to->base.row_count, 22);
    batch_destroy(from);
    batch_destroy(to);
    model_world_end(&world);
}
END_TEST

SUITE_MAIN("batch/batch", batches_of_any_schema_equal_arrays_of_values,
           append_without_memory_changes_nothing, create_without_memory_leaves_nothing,
           a_block_is_held_when_an_eighth_of_it_is_used_and_copied_from_otherwise,
           strings_of_many_blocks_are_found, strings_that_pass_by_are_copied,
           lent_strings_stay_where_they_are_and_are_copied_by_who_holds_them,
           cleared_batches_write_their_made_block_anew_unless_someone_holds_it,
           made_bytes_are_aligned_and_apart, made_blocks_are_no_larger_than_what_is_to_come,
           more_rows_than_a_batch_holds_are_a_limit_error, adopted_memory_is_given_back_once,
           a_batch_without_columns_counts_rows)
