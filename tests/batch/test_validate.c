/* What batch_validate finds: one fault at a time in a batch that is right without it. */
#include "base/pool.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "batch/utf8.h"
#include "model.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static const barks_type bool_type = {.id = BARKS_BOOL};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type str_type = {.id = BARKS_STR};
static const barks_type bytes_type = {.id = BARKS_BYTES};
static const barks_type list_type = {.id = BARKS_LIST, .item = &str_type};
static const barks_schema schema = {.field_count = 5,
                                    .fields = (const barks_field[]){{"flag", &bool_type, false},
                                                                    {"count", &i64_type, true},
                                                                    {"text", &str_type, false},
                                                                    {"raw", &bytes_type, false},
                                                                    {"list", &list_type, false}}};
static const barks_schema narrow_schema = {.field_count = 5,
                                           .fields =
                                               (const barks_field[]){{"flag", &bool_type, false},
                                                                     {"count", &i64_type, false},
                                                                     {"text", &str_type, false},
                                                                     {"raw", &bytes_type, false},
                                                                     {"list", &list_type, false}}};
static const barks_schema other_schema = {.field_count = 5,
                                          .fields =
                                              (const barks_field[]){{"flag", &bool_type, false},
                                                                    {"count", &str_type, true},
                                                                    {"text", &str_type, false},
                                                                    {"raw", &bytes_type, false},
                                                                    {"list", &list_type, false}}};

enum { ROWS = 3 };

struct fixture {
    struct model_world world;
    struct batch *batch;
    barks_column *columns;
    barks_str *texts;
    barks_str *items;
    barks_list_slice *slices;
    char *made; /* the bytes of texts[1] */
};

static void begin(struct fixture *fixture)
{
    static const char text[] = "a string that does not fit";
    model_world_begin(&fixture->world);
    must(batch_create(fixture->world.pool, &schema, ROWS, &fixture->batch));
    fixture->columns = fixture->batch->base.columns;
    void *made = NULL;
    must(batch_make_bytes(fixture->batch, sizeof text - 1, &made));
    memcpy(made, text, sizeof text - 1);
    fixture->made = made;
    memcpy(fixture->columns[0].values, (uint8_t[]){0, 1, 1}, ROWS);
    memcpy(fixture->columns[1].values, (int64_t[]){5, 0, 7}, 24);
    fixture->columns[1].validity[0] &= ~UINT64_C(2);
    fixture->texts = fixture->columns[2].values;
    fixture->texts[0] = BARKS_STR_LITERAL("short");
    fixture->texts[1] = barks_str_of(made, sizeof text - 1);
    fixture->texts[2] = BARKS_STR_LITERAL("\xc3\xa9t\xc3\xa9");
    memcpy(fixture->columns[3].values, fixture->texts, sizeof(barks_str) * ROWS);
    must(column_reserve_items(fixture->batch, &fixture->columns[4], 2));
    fixture->items = fixture->columns[4].children[0].values;
    fixture->items[0] = BARKS_STR_LITERAL("item");
    fixture->items[1] = fixture->texts[1];
    fixture->columns[4].item_count = 2;
    fixture->slices = fixture->columns[4].values;
    memcpy(fixture->slices, (barks_list_slice[]){{0, 1}, {1, 1}, {0, 0}},
           sizeof(barks_list_slice) * ROWS);
    fixture->batch->base.row_count = ROWS;
    must(batch_validate(fixture->batch, true));
}

static void end(struct fixture *fixture)
{
    must(batch_validate(fixture->batch, true)); /* so each fault was taken back */
    batch_destroy(fixture->batch);
    model_world_end(&fixture->world);
}

/* The text must say where: column, and row or item. */
static void finds(const struct fixture *fixture, bool check_utf8, const char *where)
{
    barks_status *status = batch_validate(fixture->batch, check_utf8);
    ck_assert_msg(status != NULL, "nothing found, expected: %s", where);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    ck_assert_msg(strstr(barks_status_text(status), where) != NULL, "'%s', expected: %s",
                  barks_status_text(status), where);
    barks_status_free(status);
}

START_TEST(bad_values_are_found_and_named)
{
    struct fixture f;
    begin(&f);
    ((uint8_t *)f.columns[0].values)[2] = 2;
    finds(&f, false, "'flag', row 2: a bool");
    ((uint8_t *)f.columns[0].values)[2] = 1;
    ((int64_t *)f.columns[1].values)[1] = 1;
    finds(&f, false, "'count', row 1: a missing value");
    ((int64_t *)f.columns[1].values)[1] = 0;
    end(&f);
}
END_TEST

START_TEST(bad_views_are_found_and_named)
{
    struct fixture f;
    begin(&f);
    f.texts[0].rest[7] = 'x';
    finds(&f, false, "'text', row 0: a short string");
    f.texts[0].rest[7] = 0;
    f.texts[1].prefix[0] = 'x';
    finds(&f, false, "'text', row 1: a string that does not begin");
    f.texts[1].prefix[0] = 'a';
    barks_str good = f.texts[1];
    f.texts[1].length = UINT32_MAX;
    finds(&f, false, "'text', row 1: a string outside");
    f.texts[1].length = good.length;
    f.texts[1].pointer = "a string that does not fit"; /* equal bytes that nobody holds */
    finds(&f, false, "'text', row 1: a string outside");
    f.texts[1].pointer = (const char *)f.batch->made->bytes + f.batch->made->size_bytes - 5;
    finds(&f, false, "'text', row 1: a string outside");
    f.texts[1].pointer = (const char *)f.batch->made->bytes - 1;
    finds(&f, false, "'text', row 1: a string outside");
    f.texts[1] = good;
    end(&f);
}
END_TEST

START_TEST(bad_lists_are_found_and_named)
{
    struct fixture f;
    begin(&f);
    f.slices[1].length = 2;
    finds(&f, false, "'list', row 1: a list that ends");
    f.slices[1] = (barks_list_slice){UINT32_MAX, 2};
    finds(&f, false, "'list', row 1: a list that ends");
    f.slices[1] = (barks_list_slice){1, 1};
    f.items[0].rest[7] = 'x';
    finds(&f, false, "'list', item 0: a short string");
    f.items[0].rest[7] = 0;
    end(&f);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_found_when_asked)
{
    struct fixture f;
    begin(&f);
    f.texts[2].prefix[0] = '\xff';
    ((barks_str *)f.columns[3].values)[2].prefix[0] = '\xff'; /* bytes may be anything */
    must(batch_validate(f.batch, false));
    finds(&f, true, "'text', row 2: text that is not UTF-8");
    f.texts[2].prefix[0] = '\xc3';
    end(&f);
}
END_TEST

START_TEST(columns_that_their_schema_does_not_have_are_found)
{
    struct fixture f;
    begin(&f);
    f.batch->base.schema = &narrow_schema;
    finds(&f, false, "'count', row 0: nulls");
    f.batch->base.schema = &other_schema;
    finds(&f, false, "'count', row 0: the column has another type");
    f.batch->base.schema = &schema;
    end(&f);
}
END_TEST

START_TEST(utf8_is_told_from_what_only_looks_like_it)
{
    static const struct {
        const char *bytes;
        bool is_valid;
    } cases[] = {
        {"", true},
        {"plain text of more than eight bytes", true},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
         true},
        {"\x80", false},             /* begins in the middle */
        {"a\xc3", false},            /* ends in the middle */
        {"\xe2\x82", false},         /* likewise */
        {"\xf0\x9f\x98", false},     /* likewise */
        {"\xc0\xaf", false},         /* '/' in two bytes */
        {"\xc1\xbf", false},         /* likewise */
        {"\xe0\x9f\xbf", false},     /* two bytes would do */
        {"\xf0\x8f\xbf\xbf", false}, /* three would */
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false}, /* likewise */
        {"\xff", false},
        {"eight bytes\xe2\x82\xac and more\xe2\x28\xa1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(utf8_is_valid(cases[i].bytes, strlen(cases[i].bytes)) == cases[i].is_valid,
                      "case %zu", i);
}
END_TEST

SUITE_MAIN("batch/validate", bad_values_are_found_and_named, bad_views_are_found_and_named,
           bad_lists_are_found_and_named, text_that_is_not_utf8_is_found_when_asked,
           columns_that_their_schema_does_not_have_are_found,
           utf8_is_told_from_what_only_looks_like_it)
