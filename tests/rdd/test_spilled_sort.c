/* Partitions that do not fit in memory while they are sorted: exec/sorted_runs.c, row_merge.c. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 400000, TEXT_BYTES = 150 }; /* 80 MB, of which a worker may hold half of 64 MiB */

enum key_kind { MIXED, FEW, EQUAL, ASCENDING, DESCENDING, KEY_KINDS };

struct making {
    uint64_t seed;
    int64_t kind;
};

BARKS_RECORD(sorted_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(key_and_id, (i64, key), (i64, id));

static int64_t key_of(const struct making *making, int64_t id)
{
    uint64_t mixed = ((uint64_t)id + making->seed) * UINT64_C(0x9e3779b97f4a7c15);
    switch ((enum key_kind)making->kind) {
    case MIXED:
        return (int64_t)(mixed ^ mixed >> 31);
    case FEW:
        return (int64_t)(mixed >> 60);
    case EQUAL:
        return 5;
    case ASCENDING:
        return id;
    case DESCENDING:
        return -id;
    case KEY_KINDS:
        break;
    }
    return 0;
}

BARKS_MAP(make_row, barks_number, sorted_row, struct making)
{
    char text[TEXT_BYTES];
    size_t length = (size_t)in->value % TEXT_BYTES;
    memset(text, 'a' + (int)(in->value % 26), sizeof text);
    *out = (struct sorted_row){.key = key_of(env, in->value), .id = in->value};
    out->text = barks_str_make(out, text, in->value % 3 == 0 ? sizeof text : length);
}

BARKS_FILTER(has_its_text, sorted_row)
{
    size_t length = (size_t)in->id % TEXT_BYTES;
    barks_str text = in->text;
    bool is_good = text.length == (in->id % 3 == 0 ? TEXT_BYTES : length);
    for (uint32_t i = 0; i < text.length && is_good; i++)
        is_good = barks_str_bytes(&text)[i] == (char)('a' + in->id % 26);
    return is_good;
}

BARKS_COMPARE(by_key, sorted_row) { return a->key < b->key ? -1 : a->key > b->key; }

static barks_rdd *make_rows(barks_context *context, const struct making *making)
{
    return barks_generate(context, ROWS, 20, make_row, making);
}

/* That the rows are all there, ordered by key (turned round or not), equal ones by id. */
static void check_sorted(barks_rdd *sorted, const struct making *making, bool is_descending)
{
    int64_t count = 0;
    barks_rdd *good = barks_filter(sorted, has_its_text, NULL);
    struct key_and_id *rows = barks_collect(barks_select(good, "key, id"), key_and_id, &count);
    uint8_t *is_seen = calloc(ROWS, 1);
    ck_assert_ptr_nonnull(is_seen);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(rows[i].id >= 0 && rows[i].id < ROWS && !is_seen[rows[i].id]);
        is_seen[rows[i].id] = 1;
        ck_assert_int_eq(rows[i].key, key_of(making, rows[i].id));
        if (i == 0)
            continue;
        bool is_before =
            is_descending ? rows[i - 1].key > rows[i].key : rows[i - 1].key < rows[i].key;
        ck_assert_msg(is_before || (rows[i - 1].key == rows[i].key && rows[i - 1].id < rows[i].id),
                      "kind %d, row %d", (int)making->kind, (int)i);
    }
    free(is_seen);
}

static void sort_all_kinds(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    for (making.kind = 0; making.kind < KEY_KINDS; making.kind++) {
        barks_rdd *rows = make_rows(context, &making);
        check_sorted(barks_sort_by(rows, "key", .partitions = 1), &making, false);
        if (making.kind <= FEW)
            check_sorted(barks_sort_by(rows, "key desc", .partitions = 1), &making, true);
    }
}

static void sort_by_function(barks_context *context)
{
    struct making making = {.seed = property_seed(), .kind = FEW};
    check_sorted(barks_sort_by_fn(make_rows(context, &making), by_key, .partitions = 1), &making,
                 false);
}

/* Nothing is read for long when few rows are wanted. */
static void take_a_few(barks_context *context)
{
    struct making making = {.seed = property_seed(), .kind = DESCENDING};
    int64_t count = 0;
    barks_rdd *sorted = barks_sort_by(make_rows(context, &making), "key", .partitions = 1);
    struct key_and_id *rows = barks_take(barks_select(sorted, "key, id"), 5, key_and_id, &count);
    ck_assert_int_eq(count, 5);
    for (int64_t i = 0; i < 5; i++)
        ck_assert_int_eq(rows[i].id, ROWS - 1 - i);
}

START_TEST(any_order_of_rows_is_sorted_on_disk) { run_within("64m", sort_all_kinds, "1", 0); }
END_TEST
START_TEST(on_two_executors_too) { run_within("96m", sort_all_kinds, "2", 0); }
END_TEST
START_TEST(functions_order_rows_on_disk) { run_within("64m", sort_by_function, "1", 0); }
END_TEST
START_TEST(a_few_are_taken) { run_within("64m", take_a_few, "1", 0); }
END_TEST

SUITE_MAIN("rdd/spilled_sort", any_order_of_rows_is_sorted_on_disk, on_two_executors_too,
           functions_order_rows_on_disk, a_few_are_taken)
