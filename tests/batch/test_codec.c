#include "base/pool.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "batch/codec_format.h"
#include "batch/schema.h"
#include "model.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <string.h>

static void must_be(barks_status *status, barks_code code)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    barks_status_free(status);
}

/* Rows [first, first + row_count) in a block of exactly their size. */
static struct block *encode(struct model_world *world, const struct batch *batch, uint32_t first,
                            uint32_t row_count)
{
    struct block *block = NULL;
    uint64_t bytes = codec_encoded_bytes(&batch->base, first, row_count);
    must(block_create(world->pool, bytes, &block));
    codec_encode(&batch->base, first, row_count, block->bytes);
    for (uint32_t i = 0; i < BLOCK_SLACK_BYTES; i++)
        ck_assert_uint_eq(block->bytes[bytes + i], 0);
    uint64_t peeked = 0;
    must(codec_peek(block->bytes, CODEC_HEADER_BYTES, &peeked));
    ck_assert_uint_eq(peeked, bytes);
    return block;
}

/* What a flipped or forged encoding is given, so that a decoder that trusts it can be seen to. */
static void forge_checksum(struct block *block, uint64_t body_bytes)
{
    uint64_t checksum = codec_checksum(block->bytes, body_bytes);
    memcpy(block->bytes + offsetof(struct codec_header, checksum), &checksum, sizeof checksum);
}

START_TEST(any_rows_come_back_as_they_were)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 100; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        struct model expected = model_empty(schema);
        struct batch *batch = NULL;
        struct batch *decoded = NULL;
        model_add_random(&world, &model, (uint32_t)model_below(&world, 300));
        must(batch_create(world.pool, schema, 0, &batch));
        must(batch_create(world.pool, schema, 0, &decoded));
        must(model_write(&model, 0, model.row_count, batch));
        for (int step = 0; step < 5; step++) { /* decoding appends */
            uint32_t first = (uint32_t)model_below(&world, model.row_count + 1);
            uint32_t count = (uint32_t)model_below(&world, model.row_count - first + 1);
            struct block *block = encode(&world, batch, first, count);
            must(codec_decode(block->bytes, block->size_bytes,
                              model_below(&world, 2) == 0 ? block : NULL, decoded));
            block_release(block); /* decoded holds it, where it needs to */
            for (uint32_t i = first; i < first + count; i++)
                model_add_row(&world, &expected, model.rows[i]);
            model_check(&world, &expected, decoded);
        }
        batch_destroy(batch);
        batch_destroy(decoded);
        arena_reset(&world.arena);
    }
    model_world_end(&world);
}
END_TEST

/* Every flip of a byte and every cut is refused, and leaves no row. */
START_TEST(changed_and_cut_encodings_are_refused)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 10; round++) {
        const barks_schema *schema = model_schema(&world, 2);
        struct model model = model_empty(schema);
        struct batch *batch = NULL;
        struct batch *decoded = NULL;
        model_add_random(&world, &model, 20);
        must(batch_create(world.pool, schema, 0, &batch));
        must(batch_create(world.pool, schema, 0, &decoded));
        must(model_write(&model, 0, model.row_count, batch));
        struct block *block = encode(&world, batch, 0, 20);
        for (size_t at = 0; at < block->size_bytes; at++) {
            uint8_t flip = (uint8_t)(model_below(&world, 255) + 1);
            block->bytes[at] ^= flip;
            must_be(codec_decode(block->bytes, block->size_bytes, block, decoded), BARKS_BAD_INPUT);
            block->bytes[at] ^= flip;
            must_be(codec_decode(block->bytes, at, block, decoded), BARKS_BAD_INPUT);
        }
        ck_assert_uint_eq(decoded->base.row_count, 0);
        must(codec_decode(block->bytes, block->size_bytes, block, decoded));
        model_check(&world, &model, decoded);
        block_release(block);
        batch_destroy(batch);
        batch_destroy(decoded);
        arena_reset(&world.arena);
    }
    model_world_end(&world);
}
END_TEST

/* With a checksum that fits, a changed body either is refused and changes nothing, or gives a batch
 * that is sound. */
START_TEST(forged_encodings_give_sound_batches_or_none)
{
    struct model_world world;
    model_world_begin(&world);
    uint32_t refused = 0;
    uint32_t taken = 0;
    for (int round = 0; round < 20; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        struct batch *batch = NULL;
        struct batch *decoded = NULL;
        model_add_random(&world, &model, 30);
        must(batch_create(world.pool, schema, 0, &batch));
        must(batch_create(world.pool, schema, 0, &decoded));
        must(model_write(&model, 0, model.row_count, batch));
        must(model_write(&model, 0, model.row_count, decoded));
        struct block *block = encode(&world, batch, 0, 30);
        for (size_t at = 16; at < block->size_bytes; at++) {
            uint8_t before = block->bytes[at];
            uint8_t flip = (uint8_t)(model_below(&world, 255) + 1);
            uint64_t body_bytes = 0;
            block->bytes[at] ^= flip;
            memcpy(&body_bytes, block->bytes + offsetof(struct codec_header, body_bytes), 8);
            if (body_bytes <= block->size_bytes - CODEC_HEADER_BYTES)
                forge_checksum(block, body_bytes);
            barks_status *status = codec_decode(block->bytes, block->size_bytes, NULL, decoded);
            if (status == NULL) {
                taken++;
                must(batch_validate(decoded, false));
                ck_assert(batch_is_sound(decoded));
                batch_truncate(decoded, 30);
            } else {
                refused++;
                must_be(status, BARKS_BAD_INPUT);
            }
            block->bytes[at] = before;
            forge_checksum(block, block->size_bytes - CODEC_HEADER_BYTES);
        }
        model_check(&world, &model, decoded);
        block_release(block);
        batch_destroy(batch);
        batch_destroy(decoded);
        arena_reset(&world.arena);
    }
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_gt(refused, 0);
    model_world_end(&world);
}
END_TEST

static const barks_type str_type = {.id = BARKS_STR};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type empty_type = {.id = BARKS_STRUCT, .fields = &(barks_schema){0}};
static const barks_type list_type = {.id = BARKS_LIST, .item = &i64_type};
static const barks_schema count_schema = {
    .field_count = 2,
    .fields = (const barks_field[]){{"word", &str_type, false}, {"count", &i64_type, true}}};
static const barks_schema list_schema = {.field_count = 1,
                                         .fields = &(const barks_field){"list", &list_type, false}};
static const barks_schema empty_schema = {
    .field_count = 1, .fields = &(const barks_field){"nothing", &empty_type, false}};

/* The format itself, byte by byte: who changes it must change the version too. */
START_TEST(the_format_is_the_one_drawn)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &count_schema, 2, &batch));
    ((barks_str *)batch->base.columns[0].values)[0] = BARKS_STR_LITERAL("ab");
    ((barks_str *)batch->base.columns[0].values)[1] = BARKS_STR_LITERAL("a longer word");
    ((int64_t *)batch->base.columns[1].values)[0] = 258;
    ((int64_t *)batch->base.columns[1].values)[1] = -1;
    batch->base.row_count = 2;
    struct block *block = encode(&world, batch, 0, 2);
    static const uint8_t body[] = "\x01\x02\x0d"
                                  "aba longer word"
                                  "\x00\x02\x01\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff";
    ck_assert_uint_eq(block->size_bytes, CODEC_HEADER_BYTES + sizeof body - 1);
    ck_assert_mem_eq(block->bytes + CODEC_HEADER_BYTES, body, sizeof body - 1);
    static const uint8_t head[] = "brka\x01\0\0\0";
    ck_assert_mem_eq(block->bytes, head, 8);
    struct codec_header header;
    memcpy(&header, block->bytes, sizeof header);
    ck_assert_uint_eq(header.schema_hash, schema_hash(&count_schema));
    ck_assert_uint_eq(header.schema_hash, UINT64_C(13977484220049767700));
    ck_assert_uint_eq(header.checksum, UINT64_C(18266060903471893043));
    block_release(block);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

START_TEST(another_schema_is_refused)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    struct batch *other = NULL;
    must(batch_create(world.pool, &count_schema, 0, &batch));
    must(batch_create(world.pool, &list_schema, 0, &other));
    struct block *block = encode(&world, batch, 0, 0);
    must_be(codec_decode(block->bytes, block->size_bytes, block, other), BARKS_BAD_INPUT);
    must(codec_decode(block->bytes, block->size_bytes, block, batch));
    ck_assert_uint_eq(batch->base.row_count, 0);
    block_release(block);
    batch_destroy(batch);
    batch_destroy(other);
    model_world_end(&world);
}
END_TEST

/* What a function may put together: lists that share items, or have them in another order. */
START_TEST(lists_in_any_order_of_their_items_are_encoded)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    struct batch *decoded = NULL;
    must(batch_create(world.pool, &list_schema, 5, &batch));
    must(batch_create(world.pool, &list_schema, 0, &decoded));
    barks_column *list = &batch->base.columns[0];
    must(column_reserve_items(batch, list, 6));
    for (int64_t i = 0; i < 6; i++)
        ((int64_t *)list->children[0].values)[i] = i;
    list->item_count = 6;
    const barks_list_slice slices[5] = {{4, 2}, {0, 3}, {3, 0}, {3, 1}, {1, 4}};
    memcpy(list->values, slices, sizeof slices);
    batch->base.row_count = 5;
    struct block *block = encode(&world, batch, 0, 5);
    must(codec_decode(block->bytes, block->size_bytes, block, decoded));
    must(batch_validate(decoded, true));
    ck_assert(batch_equal(&batch->base, &decoded->base));
    ck_assert_uint_eq(decoded->base.columns[0].item_count, 10);
    block_release(block);
    batch_destroy(batch);
    batch_destroy(decoded);
    model_world_end(&world);
}
END_TEST

START_TEST(a_small_body_cannot_claim_many_rows)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &count_schema, 0, &batch));
    struct block *block = encode(&world, batch, 0, 0);
    for (uint64_t row_count = 1; row_count <= UINT64_C(1) << 33; row_count *= 2) {
        memcpy(block->bytes + offsetof(struct codec_header, row_count), &row_count, 8);
        forge_checksum(block, block->size_bytes - CODEC_HEADER_BYTES);
        must_be(codec_decode(block->bytes, block->size_bytes, NULL, batch), BARKS_BAD_INPUT);
        ck_assert_uint_eq(batch->base.columns[0].capacity, 0);
    }
    block_release(block);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

/* Rows of no bytes can be many; what they cost is nothing. */
START_TEST(rows_of_nothing_are_counted)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    struct batch *decoded = NULL;
    must(batch_create(world.pool, &empty_schema, 0, &batch));
    must(batch_create(world.pool, &empty_schema, 0, &decoded));
    must(batch_reserve(batch, 1 << 30));
    batch->base.row_count = 1 << 30;
    struct block *block = encode(&world, batch, 5, (1 << 30) - 5);
    ck_assert_uint_eq(block->size_bytes, CODEC_HEADER_BYTES);
    must(codec_decode(block->bytes, block->size_bytes, block, decoded));
    ck_assert_uint_eq(decoded->base.row_count, (1 << 30) - 5);
    must(codec_decode(block->bytes, block->size_bytes, block, decoded));
    must_be(codec_decode(block->bytes, block->size_bytes, block, decoded), BARKS_LIMIT);
    block_release(block);
    batch_destroy(batch);
    batch_destroy(decoded);
    model_world_end(&world);
}
END_TEST

START_TEST(a_block_is_held_only_for_enough_long_strings)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    struct batch *few = NULL;
    struct batch *many = NULL;
    must(batch_create(world.pool, &count_schema, 20, &batch));
    must(batch_create(world.pool, &count_schema, 0, &few));
    must(batch_create(world.pool, &count_schema, 0, &many));
    for (uint32_t i = 0; i < 20; i++) {
        ((barks_str *)batch->base.columns[0].values)[i] =
            i < 19 ? BARKS_STR_LITERAL("short") : BARKS_STR_LITERAL("a string of 20 bytes");
        ((int64_t *)batch->base.columns[1].values)[i] = i;
    }
    batch->base.row_count = 20;
    struct block *mostly_short = encode(&world, batch, 0, 20);
    struct block *one_long = encode(&world, batch, 19, 1);
    must(codec_decode(mostly_short->bytes, mostly_short->size_bytes, mostly_short, few));
    must(codec_decode(one_long->bytes, one_long->size_bytes, one_long, many));
    ck_assert(block_is_mine(mostly_short));
    ck_assert(!block_is_mine(one_long));
    must(batch_validate(few, true));
    must(batch_validate(many, true));
    ck_assert(batch_equal(&batch->base, &few->base));
    block_release(mostly_short);
    block_release(one_long);
    batch_destroy(batch);
    batch_destroy(few);
    batch_destroy(many);
    model_world_end(&world);
}
END_TEST

START_TEST(decode_without_memory_changes_nothing)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 20; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        struct model model = model_empty(schema);
        struct model head = model_empty(schema);
        struct batch *batch = NULL;
        struct batch *decoded = NULL;
        model_add_random(&world, &model, 500);
        must(batch_create(world.pool, schema, 0, &batch));
        must(batch_create(world.pool, schema, 0, &decoded));
        must(model_write(&model, 0, 500, batch));
        must(model_write(&model, 0, 10, decoded));
        for (uint32_t i = 0; i < 10; i++)
            model_add_row(&world, &head, model.rows[i]);
        struct block *block = encode(&world, batch, 10, 490);
        for (uint64_t n = 1;; n++) {
            pool_fail_after(world.pool, n);
            barks_status *status = codec_decode(block->bytes, block->size_bytes,
                                                round % 2 == 0 ? block : NULL, decoded);
            pool_fail_after(world.pool, 0);
            if (status == NULL)
                break;
            must_be(status, BARKS_NO_MEMORY);
            model_check(&world, &head, decoded);
        }
        model_check(&world, &model, decoded);
        block_release(block);
        batch_destroy(batch);
        batch_destroy(decoded);
        arena_reset(&world.arena);
    }
    model_world_end(&world);
}
END_TEST

SUITE_MAIN("batch/codec", any_rows_come_back_as_they_were, changed_and_cut_encodings_are_refused,
           forged_encodings_give_sound_batches_or_none, the_format_is_the_one_drawn,
           another_schema_is_refused, lists_in_any_order_of_their_items_are_encoded,
           a_small_body_cannot_claim_many_rows, rows_of_nothing_are_counted,
           a_block_is_held_only_for_enough_long_strings, decode_without_memory_changes_nothing)
