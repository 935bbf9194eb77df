#include "engine.h"
#include "records.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>

/* Strings that rows of the tests point to: short ones, and long ones in this text. */
static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

static barks_str random_str(uint64_t *random)
{
    size_t length = property_next(random) % (sizeof letters - 1);
    return barks_str_of(letters + property_next(random) % (sizeof letters - length), length);
}

enum { ITEMS_MAX = 5 };
struct items {
    int64_t numbers[ITEMS_MAX];
    barks_str texts[ITEMS_MAX];
    bool flags[ITEMS_MAX];
    int32_t maybe_numbers[ITEMS_MAX];
};

static struct point random_point(uint64_t *random)
{
    struct point point = {.x = (double)(int64_t)property_next(random)};
    point.y.valid = property_next(random) % 2 == 0;
    point.y.value = point.y.valid ? (float)(property_next(random) % 1000) : 0;
    return point;
}

/* Values where an optional field is not valid are garbage: nobody may see them. */
static struct everything random_row(uint64_t *random, struct items *items)
{
    for (int i = 0; i < ITEMS_MAX; i++) {
        items->numbers[i] = (int64_t)property_next(random);
        items->texts[i] = random_str(random);
        items->flags[i] = property_next(random) % 2 == 0;
        items->maybe_numbers[i] = (int32_t)property_next(random);
    }
    struct everything row = {
        .flag = property_next(random) % 2 == 0,
        .small = (int32_t)property_next(random),
        .big = (int64_t)property_next(random),
        .single = (float)property_next(random),
        .real = (double)property_next(random),
        .text = random_str(random),
        .raw = random_str(random),
        .numbers = {items->numbers, (uint32_t)(property_next(random) % ITEMS_MAX)},
        .texts = {items->texts, (uint32_t)(property_next(random) % ITEMS_MAX)},
        .flags = {items->flags, (uint32_t)(property_next(random) % ITEMS_MAX)},
        .place = random_point(random),
        .maybe_flag = {true, property_next(random) % 2 == 0},
        .maybe_big = {4711, property_next(random) % 2 == 0},
        .maybe_text = {random_str(random), property_next(random) % 2 == 0},
        .maybe_numbers = {{items->maybe_numbers, (uint32_t)(property_next(random) % ITEMS_MAX)},
                          property_next(random) % 2 == 0},
        .maybe_place = {random_point(random), property_next(random) % 2 == 0},
    };
    return row;
}

static bool same_point(const struct point *a, const struct point *b)
{
    return a->x == b->x && a->y.valid == b->y.valid && (!a->y.valid || a->y.value == b->y.value);
}

static bool same_row(const struct everything *a, const struct everything *b)
{
    bool same = a->flag == b->flag && a->small == b->small && a->big == b->big &&
                a->single == b->single && a->real == b->real && barks_str_equal(a->text, b->text) &&
                barks_str_equal(a->raw, b->raw) && a->numbers.count == b->numbers.count &&
                a->texts.count == b->texts.count && a->flags.count == b->flags.count &&
                same_point(&a->place, &b->place) && a->maybe_flag.valid == b->maybe_flag.valid &&
                a->maybe_big.valid == b->maybe_big.valid &&
                a->maybe_text.valid == b->maybe_text.valid &&
                a->maybe_numbers.valid == b->maybe_numbers.valid &&
                a->maybe_place.valid == b->maybe_place.valid;
    for (uint32_t i = 0; same && i < a->numbers.count; i++)
        same = a->numbers.items[i] == b->numbers.items[i];
    for (uint32_t i = 0; same && i < a->texts.count; i++)
        same = barks_str_equal(a->texts.items[i], b->texts.items[i]);
    for (uint32_t i = 0; same && i < a->flags.count; i++)
        same = a->flags.items[i] == b->flags.items[i];
    if (same && a->maybe_flag.valid)
        same = a->maybe_flag.value == b->maybe_flag.value;
    if (same && a->maybe_big.valid)
        same = a->maybe_big.value == b->maybe_big.value;
    if (same && a->maybe_text.valid)
        same = barks_str_equal(a->maybe_text.value, b->maybe_text.value);
    if (same && a->maybe_numbers.valid) {
        same = a->maybe_numbers.value.count == b->maybe_numbers.value.count;
        for (uint32_t i = 0; same && i < a->maybe_numbers.value.count; i++)
            same = a->maybe_numbers.value.items[i] == b->maybe_numbers.value.items[i];
    }
    if (same && a->maybe_place.valid)
        same = same_point(&a->maybe_place.value, &b->maybe_place.value);
    return same;
}

START_TEST(schemas_are_as_declared)
{
    static const struct {
        const char *name;
        barks_type_id id, item;
        bool nullable;
        size_t offset;
    } expected[] = {
        {"flag", BARKS_BOOL, 0, false, offsetof(struct everything, flag)},
        {"small", BARKS_I32, 0, false, offsetof(struct everything, small)},
        {"big", BARKS_I64, 0, false, offsetof(struct everything, big)},
        {"single", BARKS_F32, 0, false, offsetof(struct everything, single)},
        {"real", BARKS_F64, 0, false, offsetof(struct everything, real)},
        {"text", BARKS_STR, 0, false, offsetof(struct everything, text)},
        {"raw", BARKS_BYTES, 0, false, offsetof(struct everything, raw)},
        {"numbers", BARKS_LIST, BARKS_I64, false, offsetof(struct everything, numbers)},
        {"texts", BARKS_LIST, BARKS_STR, false, offsetof(struct everything, texts)},
        {"flags", BARKS_LIST, BARKS_BOOL, false, offsetof(struct everything, flags)},
        {"place", BARKS_STRUCT, 0, false, offsetof(struct everything, place)},
        {"maybe_flag", BARKS_BOOL, 0, true, offsetof(struct everything, maybe_flag)},
        {"maybe_big", BARKS_I64, 0, true, offsetof(struct everything, maybe_big)},
        {"maybe_text", BARKS_STR, 0, true, offsetof(struct everything, maybe_text)},
        {"maybe_numbers", BARKS_LIST, BARKS_I32, true, offsetof(struct everything, maybe_numbers)},
        {"maybe_place", BARKS_STRUCT, 0, true, offsetof(struct everything, maybe_place)},
    };
    const barks_record *record = BARKS_RECORD_OF(everything);
    ck_assert_str_eq(record->name, "everything");
    ck_assert_uint_eq(record->size, sizeof(struct everything));
    ck_assert_uint_eq(record->schema.field_count, sizeof expected / sizeof *expected);
    for (uint32_t i = 0; i < record->schema.field_count; i++) {
        const barks_field *field = &record->schema.fields[i];
        ck_assert_str_eq(field->name, expected[i].name);
        ck_assert_int_eq(field->type->id, expected[i].id);
        ck_assert_int_eq(field->nullable, expected[i].nullable);
        ck_assert_uint_eq(record->offsets[i], expected[i].offset);
        if (field->type->id == BARKS_LIST)
            ck_assert_int_eq(field->type->item->id, expected[i].item);
        else
            ck_assert_ptr_null(field->type->item);
        if (field->type->id == BARKS_STRUCT)
            ck_assert_ptr_eq(field->type->fields, &BARKS_RECORD_OF(point)->schema);
        else
            ck_assert_ptr_null(field->type->fields);
    }
    ck_assert(!record->schema.fields[10].type->fields->fields[0].nullable);
    ck_assert(record->schema.fields[10].type->fields->fields[1].nullable);
}
END_TEST

START_TEST(rows_survive_columns)
{
    enum { ROWS = 700 };
    static struct everything rows[ROWS], back[ROWS];
    static struct items items[ROWS];
    static struct engine_table table;
    static struct engine_out engine;
    static uint32_t chosen[ROWS];
    const barks_record *record = BARKS_RECORD_OF(everything);
    uint64_t seed = property_seed(), random = seed;
    for (uint32_t i = 0; i < ROWS; i++) {
        rows[i] = random_row(&random, &items[i]);
        chosen[i] = (uint32_t)(property_next(&random) % ROWS);
    }
    engine_out_begin(&engine, &record->schema, &table);
    /* In two parts, the first of which does not end at a word of the bitmaps. */
    record->to_columns(rows, 333, engine.out.columns, 0, &engine.out);
    record->to_columns(rows + 333, ROWS - 333, engine.out.columns, 333, &engine.out);
    engine.out.row_count = ROWS;

    /* Where a value is null the column holds zeros. */
    for (uint32_t i = 0; i < ROWS; i++) {
        const int64_t *maybe_big = engine.out.columns[12]->values;
        const barks_list_slice *maybe_numbers = engine.out.columns[14]->values;
        const double *maybe_x = engine.out.columns[15]->children[0].values;
        ck_assert(rows[i].maybe_big.valid == barks_is_valid(engine.out.columns[12], i));
        ck_assert(maybe_big[i] == (rows[i].maybe_big.valid ? rows[i].maybe_big.value : 0));
        ck_assert(rows[i].maybe_numbers.valid || maybe_numbers[i].length == 0);
        ck_assert(rows[i].maybe_place.valid || maybe_x[i] == 0);
        ck_assert(rows[i].maybe_place.valid ||
                  !barks_is_valid(&engine.out.columns[15]->children[1], i));
    }

    engine_out_end(&engine);
    record->from_columns(table.pointers, NULL, ROWS, back);
    for (uint32_t i = 0; i < ROWS; i++)
        ck_assert_msg(same_row(&rows[i], &back[i]), "row %u; seed %" PRIu64, i, seed);
    record->from_columns(table.pointers, chosen, ROWS, back);
    for (uint32_t i = 0; i < ROWS; i++)
        ck_assert_msg(same_row(&rows[chosen[i]], &back[i]), "row %u; seed %" PRIu64, i, seed);
}
END_TEST

/* A column without a bitmap, for a field that may be null: all values are there. */
START_TEST(a_column_without_bitmap_has_no_nulls)
{
    static struct engine_table table;
    const barks_record *record = BARKS_RECORD_OF(point);
    struct point back[2];
    engine_table_create(&table, &record->schema);
    ((float *)table.columns[1].values)[1] = 2.5f;
    table.columns[1].validity = NULL;
    record->from_columns(table.pointers, NULL, 2, back);
    ck_assert(back[0].y.valid && back[0].y.value == 0);
    ck_assert(back[1].y.valid && back[1].y.value == 2.5f);
}
END_TEST

START_TEST(rows_without_lists_need_no_out)
{
    static struct engine_table table;
    const barks_record *record = BARKS_RECORD_OF(word_count);
    const struct word_count rows[2] = {{BARKS_STR_LITERAL("one"), 1},
                                       {BARKS_STR_LITERAL("two and a half"), 2}};
    engine_table_create(&table, &record->schema);
    record->to_columns(rows, 2, table.pointers, 5, NULL);
    const barks_str *words = table.columns[0].values;
    const int64_t *counts = table.columns[1].values;
    ck_assert(words[4].length == 0 && counts[4] == 0 && words[7].length == 0 && counts[7] == 0);
    ck_assert(barks_str_equal(words[5], rows[0].word) && counts[5] == 1);
    ck_assert(barks_str_equal(words[6], rows[1].word) && counts[6] == 2);
}
END_TEST

START_TEST(thirty_two_fields_are_fine)
{
    static struct engine_table table;
    const barks_record *record = BARKS_RECORD_OF(widest);
    struct widest row = {.f1 = 1, .f16 = 16, .f31 = 31, .f32 = 32}, back;
    ck_assert_uint_eq(record->schema.field_count, 32);
    ck_assert_str_eq(record->schema.fields[31].name, "f32");
    engine_table_create(&table, &record->schema);
    record->to_columns(&row, 1, table.pointers, 0, NULL);
    record->from_columns(table.pointers, NULL, 1, &back);
    ck_assert(back.f1 == 1 && back.f2 == 0 && back.f16 == 16 && back.f31 == 31 && back.f32 == 32);
}
END_TEST

SUITE_MAIN("record/record", schemas_are_as_declared, rows_survive_columns,
           a_column_without_bitmap_has_no_nulls, rows_without_lists_need_no_out,
           thirty_two_fields_are_fine)
