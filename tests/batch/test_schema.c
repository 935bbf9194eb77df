#include "base/buffer.h"
#include "base/scope.h"
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

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type str_type = {.id = BARKS_STR};
static const barks_type f64_type = {.id = BARKS_F64};
static const barks_schema word_schema = {
    .field_count = 2,
    .fields = (const barks_field[]){{"word", &str_type, false}, {"count", &i64_type, true}}};
static const barks_type word_type = {.id = BARKS_STRUCT, .fields = &word_schema};
static const barks_type words_type = {.id = BARKS_LIST, .item = &word_type};
static const barks_schema order_schema = {
    .field_count = 3,
    .fields = (const barks_field[]){
        {"customer", &str_type, false}, {"price", &f64_type, true}, {"words", &words_type, false}}};

START_TEST(schemas_are_printed_with_their_types)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = 1000};
    must(schema_print(&order_schema, &text));
    const char *expected = "customer str, price f64?, words list<struct<word str, count i64?>>";
    ck_assert_uint_eq(text.size_bytes, strlen(expected));
    ck_assert_mem_eq(text.data, expected, strlen(expected));
    BARKS_AUTO(buffer) small = {.limit_bytes = 10};
    must_be(schema_print(&order_schema, &small), BARKS_LIMIT);
}
END_TEST

START_TEST(fields_are_found_by_name_and_near_ones_suggested)
{
    ck_assert_int_eq(schema_find(&order_schema, "words"), 2);
    ck_assert_int_eq(schema_find(&order_schema, "word"), -1);
    ck_assert_str_eq(schema_nearest(&order_schema, "word"), "words");
    ck_assert_str_eq(schema_nearest(&order_schema, "Customer"), "customer");
    ck_assert_str_eq(schema_nearest(&order_schema, "custmoer"), "customer");
    ck_assert_str_eq(schema_nearest(&order_schema, "prize"), "price");
    ck_assert_ptr_null(schema_nearest(&order_schema, "quantity"));
    ck_assert_ptr_null(schema_nearest(&order_schema, ""));
    char endless[200];
    memset(endless, 'c', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    ck_assert_ptr_null(schema_nearest(&order_schema, endless));
}
END_TEST

/* Random schemas: copies and decoded ones are equal and hash alike; two random ones are equal only
 * when they hash alike.
 */
START_TEST(copies_and_decoded_schemas_are_equal)
{
    struct model_world world;
    model_world_begin(&world);
    const barks_schema *last = model_schema(&world, 3);
    for (int round = 0; round < 200; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        barks_schema *copy = NULL;
        barks_schema *decoded = NULL;
        size_t used_bytes = 0;
        BARKS_AUTO(buffer) bytes = {.limit_bytes = 100000};
        must(schema_copy(schema, &copy));
        must(schema_encode(schema, &bytes));
        size_t size_bytes = bytes.size_bytes;
        must(buffer_append(&bytes, "more", 4)); /* what follows is not its business */
        must(schema_decode(bytes.data, bytes.size_bytes, &used_bytes, &decoded));
        ck_assert_uint_eq(used_bytes, size_bytes);
        ck_assert(schema_equal(schema, copy) && schema_equal(copy, decoded));
        ck_assert_uint_eq(schema_hash(schema), schema_hash(copy));
        ck_assert_uint_eq(schema_hash(schema), schema_hash(decoded));
        ck_assert(schema_equal(schema, last) == (schema_hash(schema) == schema_hash(last)));
        schema_destroy(copy);
        schema_destroy(decoded);
        last = schema;
    }
    model_world_end(&world);
}
END_TEST

/* Cut at every byte, and every byte flipped: an error, or a schema that encodes to the changed
 * bytes. */
START_TEST(malformed_schemas_are_refused)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 50; round++) {
        const barks_schema *schema = model_schema(&world, 3);
        BARKS_AUTO(buffer) bytes = {.limit_bytes = 100000};
        must(schema_encode(schema, &bytes));
        for (size_t at = 0; at < bytes.size_bytes; at++) {
            barks_schema *decoded = NULL;
            size_t used_bytes = 0;
            must_be(schema_decode(bytes.data, at, &used_bytes, &decoded), BARKS_BAD_INPUT);
            uint8_t flip = (uint8_t)(model_below(&world, 255) + 1);
            bytes.data[at] ^= flip;
            barks_status *status =
                schema_decode(bytes.data, bytes.size_bytes, &used_bytes, &decoded);
            if (status == NULL) {
                BARKS_AUTO(buffer) again = {.limit_bytes = 100000};
                must(schema_encode(decoded, &again));
                ck_assert_uint_eq(again.size_bytes, used_bytes);
                ck_assert_mem_eq(again.data, bytes.data, used_bytes);
                schema_destroy(decoded);
            } else {
                must_be(status, BARKS_BAD_INPUT);
            }
            bytes.data[at] ^= flip;
        }
    }
    model_world_end(&world);
}
END_TEST

START_TEST(types_nested_too_deep_are_refused_both_ways)
{
    barks_type types[SCHEMA_DEPTH_MAX + 1] = {{.id = BARKS_I64}};
    for (int i = 1; i <= SCHEMA_DEPTH_MAX; i++)
        types[i] = (barks_type){.id = BARKS_LIST, .item = &types[i - 1]};
    barks_field field = {"deep", &types[SCHEMA_DEPTH_MAX - 1], false};
    const barks_schema schema = {.field_count = 1, .fields = &field};
    BARKS_AUTO(buffer) bytes = {.limit_bytes = 1000};
    must(schema_encode(&schema, &bytes));
    barks_schema *decoded = NULL;
    size_t used_bytes = 0;
    must(schema_decode(bytes.data, bytes.size_bytes, &used_bytes, &decoded));
    schema_destroy(decoded);
    /* One level more, put in by hand before the last byte. */
    const uint8_t list = BARKS_LIST;
    const uint8_t i64 = BARKS_I64;
    bytes.size_bytes--;
    must(buffer_append(&bytes, &list, 1));
    must(buffer_append(&bytes, &i64, 1));
    must_be(schema_decode(bytes.data, bytes.size_bytes, &used_bytes, &decoded), BARKS_BAD_INPUT);
    field.type = &types[SCHEMA_DEPTH_MAX];
    size_t before_bytes = bytes.size_bytes;
    must_be(schema_encode(&schema, &bytes), BARKS_LIMIT);
    ck_assert_uint_eq(bytes.size_bytes, before_bytes);
}
END_TEST

SUITE_MAIN("batch/schema", schemas_are_printed_with_their_types,
           fields_are_found_by_name_and_near_ones_suggested, copies_and_decoded_schemas_are_equal,
           malformed_schemas_are_refused, types_nested_too_deep_are_refused_both_ways)
