/* Rows of a mebibyte, more of them in a batch than memory holds: bodies that make them
 * (exec/emitting.c), their way through shuffles (shuffle/buckets.c), sorts and files
 * (io/batches_sink.c). */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 150, TEXT_BYTES = 1 << 20, ITEMS = 1 << 17 };

BARKS_RECORD(wide_row, (i64, id), (str, text));
BARKS_RECORD(list_row, (i64, id), (list(i64), items));
BARKS_RECORD(seen_row, (i64, id), (bool, is_good));

static _Thread_local char text_room[TEXT_BYTES + 1];
static _Thread_local int64_t item_room[ITEMS];

static uint32_t length_of(int64_t id) { return (uint32_t)(TEXT_BYTES - id * 1009 % 5000); }

static barks_str text_of(int64_t id)
{
    memset(text_room, (int)('a' + id % 26), length_of(id));
    return barks_str_of(text_room, length_of(id));
}

static bool is_text_of(barks_str text, int64_t id)
{
    return text.length == length_of(id) && barks_str_equal(text, text_of(id));
}

BARKS_MAP(make_wide, barks_number, wide_row, int64_t)
{
    int64_t id = in->value + *env;
    barks_str text = text_of(id);
    *out = (struct wide_row){.id = id,
                             .text = barks_str_make(out, barks_str_bytes(&text), text.length)};
}

/* Each row three times, the texts made anew. */
BARKS_FLAT_MAP(make_three, barks_number, wide_row)
{
    for (int64_t id = 3 * in->value; id < 3 * in->value + 3; id++) {
        barks_str text = text_of(id);
        emit(.id = id, .text = barks_str_make(out, barks_str_bytes(&text), text.length));
    }
}

BARKS_MAP(make_list, barks_number, list_row, int64_t)
{
    for (int64_t i = 0; i < ITEMS; i++)
        item_room[i] = in->value * i;
    *out = (struct list_row){.id = in->value + *env, .items = {item_room, ITEMS}};
}

BARKS_MAP(see_wide, wide_row, seen_row)
{
    *out = (struct seen_row){.id = in->id, .is_good = is_text_of(in->text, in->id)};
}

BARKS_RECORD(keyed_id, (i64, key), (i64, id));
BARKS_RECORD(id_row, (i64, id));
BARKS_RECORD(keyed_wide, (i64, key), (i64, id), (str, text));

BARKS_MAP(make_keyed, barks_number, keyed_id)
{
    *out = (struct keyed_id){.key = in->value, .id = in->value};
}

BARKS_FLAT_MAP(make_three_values, id_row, wide_row)
{
    for (int64_t id = 3 * in->id; id < 3 * in->id + 3; id++) {
        barks_str text = text_of(id);
        emit(.id = id, .text = barks_str_make(out, barks_str_bytes(&text), text.length));
    }
}

BARKS_MAP(make_value, id_row, wide_row)
{
    barks_str text = text_of(in->id);
    *out = (struct wide_row){.id = in->id,
                             .text = barks_str_make(out, barks_str_bytes(&text), text.length)};
}

BARKS_MAP(see_keyed, keyed_wide, seen_row, int64_t)
{
    *out = (struct seen_row){.id = in->id, .is_good = is_text_of(in->text, in->id)};
    out->is_good = out->is_good && in->id / *env == in->key;
}

BARKS_MAP(see_list, list_row, seen_row)
{
    *out = (struct seen_row){.id = in->id, .is_good = in->items.count == ITEMS};
    for (int64_t i = 0; out->is_good && i < ITEMS; i++)
        out->is_good = in->items.items[i] == in->id * i;
}

static void check_ids(barks_rdd *seen, int64_t row_count)
{
    int64_t count = 0;
    struct seen_row *rows = barks_collect(barks_sort_by(seen, "id"), seen_row, &count);
    ck_assert_int_eq(count, row_count);
    for (int64_t i = 0; i < count; i++)
        ck_assert(rows[i].id == i && rows[i].is_good);
}

static const int64_t zero = 0;

static void make_them(barks_context *context)
{
    barks_rdd *wide = barks_generate(context, ROWS, 1, make_wide, &zero);
    check_ids(barks_map(wide, see_wide, NULL), ROWS);
    barks_rdd *three = barks_flat_map(barks_range(context, 0, ROWS / 3, 1, 1), make_three, NULL);
    check_ids(barks_map(three, see_wide, NULL), ROWS);
    const int64_t one_each = 1, three_each = 3;
    barks_rdd *keyed = barks_map(barks_range(context, 0, ROWS, 1, 1), make_keyed, NULL);
    check_ids(barks_map(barks_map_values(keyed, "key", make_value, NULL), see_keyed, &one_each),
              ROWS);
    check_ids(barks_map(barks_flat_map_values(keyed, "key", make_three_values, NULL), see_keyed,
                        &three_each),
              3 * (int64_t)ROWS);
    barks_rdd *lists = barks_generate(context, ROWS, 1, make_list, &zero);
    check_ids(barks_map(lists, see_list, NULL), ROWS);
}

static void exchange_them(barks_context *context)
{
    barks_rdd *wide = barks_generate(context, ROWS, 2, make_wide, &zero);
    check_ids(barks_map(barks_repartition(wide, 3), see_wide, NULL), ROWS);
    check_ids(barks_map(barks_sort_by(wide, "text, id"), see_wide, NULL), ROWS);
    barks_rdd *lists = barks_generate(context, ROWS, 2, make_list, &zero);
    check_ids(barks_map(barks_repartition(lists, 3), see_list, NULL), ROWS);
}

static void run(const char *command) { ck_assert_msg(system(command) == 0, "%s", command); }

/* A file has the same bytes, whatever the batches in which its rows came. */
static void write_them(barks_context *context)
{
    char folder[] = "/tmp/barks-wide-XXXXXX", path[64], again[64], command[200];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/once", folder);
    snprintf(again, sizeof again, "%s/twice", folder);
    ck_assert(barks_write_batches(barks_generate(context, ROWS, 2, make_wide, &zero), path));
    barks_rdd *rows = barks_read_batches(context, path, wide_row);
    check_ids(barks_map(rows, see_wide, NULL), ROWS);
    ck_assert(barks_write_batches(
        barks_flat_map(barks_range(context, 0, ROWS / 3, 1, 2), make_three, NULL), again));
    snprintf(command, sizeof command, "cd %s && diff -r once twice", folder);
    run(command);
    ck_assert(barks_write_json(rows, again, .overwrite = true));
    snprintf(command, sizeof command, "rm -r %s", folder);
    run(command);
}

#define WITHIN(name, body, memory, executors)                                                      \
    START_TEST(name) { run_within((memory), (body), (executors), 0); }                             \
    END_TEST
WITHIN(bodies_make_more_than_fits, make_them, "64m", "1")
WITHIN(they_are_exchanged, exchange_them, "64m", "1")
WITHIN(they_are_exchanged_on_two_executors, exchange_them, "96m", "2")
WITHIN(they_are_written, write_them, "64m", "1")

SUITE_MAIN("rdd/wide_rows", bodies_make_more_than_fits, they_are_exchanged,
           they_are_exchanged_on_two_executors, they_are_written)
