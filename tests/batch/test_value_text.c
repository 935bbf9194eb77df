#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/value_text.h"
#include "model.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(doubles_have_their_shortest_text)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {1.0, "1"},
        {100.0, "100"},
        {-12.5, "-12.5"},
        {123456789012345.0, "123456789012345"},
        {1234567890123456.0, "1.234567890123456e+15"},
        {1e15, "1e+15"},
        {1e21, "1e+21"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {1e-7, "1e-07"},
        {0.1 + 0.2, "0.30000000000000004"},
        {2.0 / 3.0, "0.6666666666666666"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {5e-324, "5e-324"},
        {HUGE_VAL, "Infinity"},
        {-HUGE_VAL, "-Infinity"},
        {(double)NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUMBER_TEXT_BYTES];
        ck_assert_uint_eq(f64_text(cases[i].value, text), strlen(text));
        ck_assert_str_eq(text, cases[i].text);
    }
    char text[NUMBER_TEXT_BYTES];
    (void)f32_text(0.1f, text);
    ck_assert_str_eq(text, "0.1");
    (void)f32_text(16777216.0f, text);
    ck_assert_str_eq(text, "16777216");
    (void)i64_text(INT64_MIN, text);
    ck_assert_str_eq(text, "-9223372036854775808");
    (void)i64_text(0, text);
    ck_assert_str_eq(text, "0");
}
END_TEST

START_TEST(doubles_read_back_as_they_were)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (int step = 0; step < 20000; step++) {
        uint64_t bits = property_next(&random);
        double value = 0;
        memcpy(&value, &bits, sizeof value);
        float narrow = (float)(step % 2 == 0 ? value : (double)(int64_t)bits / 1e6);
        char text[NUMBER_TEXT_BYTES];
        size_t length = f64_text(value, text);
        ck_assert_uint_lt(length, NUMBER_TEXT_BYTES);
        if (!isnan(value))
            ck_assert_msg(strtod(text, NULL) == value, "%s, seed %" PRIu64, text, seed);
        (void)f32_text(narrow, text);
        if (!isnan(narrow))
            ck_assert_msg(strtof(text, NULL) == narrow, "%s, seed %" PRIu64, text, seed);
    }
}
END_TEST

/* Of the sizes that are not left to the C library: anything, few decimal places, few binary ones,
 * next to powers of two. */
static double common_double(uint64_t *random)
{
    uint64_t bits = property_next(random);
    int power = (int)(property_next(random) % 70) - 19;
    double value = ldexp(1.0, power);
    switch (property_next(random) % 4) {
    case 0:
        return value * (1 + (double)(bits >> 12) * 0x1p-52);
    case 1:
        return (double)(bits % 100000000) / pow(10, (double)(property_next(random) % 12));
    case 2:
        return (double)(bits >> 14) + (double)(bits % 16) / 16;
    default:
        for (uint64_t steps = bits % 3; steps > 0; steps--)
            value = nextafter(value, bits >> 32 & 1 ? 0 : HUGE_VAL);
        return value;
    }
}

/* Against the definition: the fewest digits of the correctly rounded ones that read back. */
START_TEST(texts_of_common_doubles_are_the_shortest)
{
    uint64_t seed = property_seed(), random = seed;
    for (int step = 0; step < 20000; step++) {
        char text[NUMBER_TEXT_BYTES], again[NUMBER_TEXT_BYTES], shortest[NUMBER_TEXT_BYTES];
        double value = common_double(&random);
        (void)f64_text(value, text);
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(shortest, sizeof shortest, "%.*e", digits - 1, value);
            snprintf(again, sizeof again, "%.*Le", digits - 1, strtold(text, NULL));
            if (strtod(shortest, NULL) == value)
                break;
        }
        char digits_only[NUMBER_TEXT_BYTES];
        size_t length = 0;
        for (const char *at = text; *at != 0 && *at != 'e'; at++)
            if (*at != '.' && (*at != '0' || length > 0))
                digits_only[length++] = *at;
        while (length > 1 && digits_only[length - 1] == '0')
            length--;
        size_t shortest_length = strcspn(shortest, "e") - (shortest[1] == '.');
        ck_assert_msg(strtod(text, NULL) == value && strcmp(shortest, again) == 0 &&
                          length <= shortest_length,
                      "%s instead of %s; replay with BARKS_TEST_SEED=%" PRIu64, text, shortest,
                      seed);
    }
}
END_TEST

static const barks_type str_type = {.id = BARKS_STR};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type bool_type = {.id = BARKS_BOOL};
static const barks_type list_type = {.id = BARKS_LIST, .item = &i64_type};
static const barks_schema inner_schema = {
    .field_count = 2,
    .fields = (const barks_field[]){{"ok", &bool_type, false}, {"n", &i64_type, true}}};
static const barks_type struct_type = {.id = BARKS_STRUCT, .fields = &inner_schema};
static const barks_schema schema = {.field_count = 4,
                                    .fields = (const barks_field[]){{"word", &str_type, false},
                                                                    {"count", &i64_type, true},
                                                                    {"list", &list_type, false},
                                                                    {"both", &struct_type, false}}};

static struct batch *make_batch(struct model_world *world)
{
    struct batch *batch = NULL;
    void *made = NULL;
    must(batch_create(world->pool, &schema, 3, &batch));
    must(batch_make_bytes(batch, 50, &made));
    memset(made, 'x', 50);
    barks_column *columns = batch->base.columns;
    memcpy(columns[0].values,
           (barks_str[]){BARKS_STR_LITERAL("\xc3\xa9t\xc3\xa9"), barks_str_of(made, 50),
                         BARKS_STR_LITERAL("a\nb\xff")},
           48);
    memcpy(columns[1].values, (int64_t[]){-12, 0, 1234}, 24);
    columns[1].validity[0] &= ~UINT64_C(2);
    must(column_reserve_items(batch, &columns[2], 3));
    memcpy(columns[2].children[0].values, (int64_t[]){1, 2, 3}, 24);
    columns[2].item_count = 3;
    memcpy(columns[2].values, (barks_list_slice[]){{0, 2}, {0, 0}, {2, 1}}, 24);
    memcpy(columns[3].children[0].values, (uint8_t[]){0, 1, 1}, 3);
    memcpy(columns[3].children[1].values, (int64_t[]){7, 8, 0}, 24);
    columns[3].children[1].validity[0] &= ~UINT64_C(4);
    batch->base.row_count = 3;
    must(batch_validate(batch, false));
    return batch;
}

static void expect(const struct buffer *text, const char *expected)
{
    ck_assert_msg(
        text->size_bytes == strlen(expected) && memcmp(text->data, expected, text->size_bytes) == 0,
        "\n%.*s\nexpected\n%s", (int)text->size_bytes, (const char *)text->data, expected);
}

START_TEST(tables_are_aligned_and_cut)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = make_batch(&world);
    BARKS_AUTO(buffer) text = {.limit_bytes = 10000};
    must(batch_print(&batch->base, 20, &text));
    expect(
        &text,
        "word                                         count  list       both\n"
        "str                                           i64?  list<i64>  struct<ok bool, n i64?>\n"
        "-------------------------------------------  -----  ---------  -----------------------\n"
        "\xc3\xa9t\xc3\xa9                                            -12  [1, 2]     {ok: false, "
        "n: 7}\n"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...   null  []         {ok: true, n: 8}\n"
        "a\\x0ab\\xff                                    1234  [3]        {ok: true, n: null}\n"
        "(3 rows)\n");
    BARKS_AUTO(buffer) part = {.limit_bytes = 10000};
    must(batch_print(&batch->base, 1, &part));
    expect(&part, "word  count  list       both\n"
                  "str    i64?  list<i64>  struct<ok bool, n i64?>\n"
                  "----  -----  ---------  -----------------------\n"
                  "\xc3\xa9t\xc3\xa9     -12  [1, 2]     {ok: false, n: 7}\n"
                  "...\n"
                  "(1 of 3 rows)\n");
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

START_TEST(an_empty_batch_is_a_head)
{
    struct model_world world;
    model_world_begin(&world);
    struct batch *batch = NULL;
    must(batch_create(world.pool, &inner_schema, 0, &batch));
    BARKS_AUTO(buffer) text = {.limit_bytes = 1000};
    must(batch_print(&batch->base, 10, &text));
    expect(&text, "ok       n\nbool  i64?\n----  ----\n(0 rows)\n");
    BARKS_AUTO(buffer) small = {.limit_bytes = 10};
    barks_status *status = batch_print(&batch->base, 10, &small);
    ck_assert_ptr_nonnull(status);
    barks_status_free(status);
    batch_destroy(batch);
    model_world_end(&world);
}
END_TEST

/* Random values of any type can be shown, whatever is in them. */
START_TEST(any_batch_can_be_shown)
{
    struct model_world world;
    model_world_begin(&world);
    for (int round = 0; round < 30; round++) {
        const barks_schema *random_schema = model_schema(&world, 3);
        struct model model = model_empty(random_schema);
        struct batch *batch = NULL;
        model_add_random(&world, &model, 20);
        must(batch_create(world.pool, random_schema, 0, &batch));
        must(model_write(&model, 0, 20, batch));
        BARKS_AUTO(buffer) text = {.limit_bytes = 1 << 20};
        must(batch_print(&batch->base, 20, &text));
        size_t lines = 0;
        for (size_t i = 0; i < text.size_bytes; i++)
            lines += text.data[i] == '\n';
        ck_assert_uint_eq(lines, 20 + 4);
        batch_destroy(batch);
    }
    model_world_end(&world);
}
END_TEST

SUITE_MAIN("batch/value_text", doubles_have_their_shortest_text, doubles_read_back_as_they_were,
           texts_of_common_doubles_are_the_shortest, tables_are_aligned_and_cut,
           an_empty_batch_is_a_head, any_batch_can_be_shown)
