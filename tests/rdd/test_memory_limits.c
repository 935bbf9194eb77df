/* What has to fit in memory and does not: one sentence that says what, how much, of how much, and
 * what helps. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 40000, TEXT_BYTES = 4000, WIDE_BYTES = 40 << 20 }; /* 160 MB; a row of 40 MiB */

BARKS_RECORD(text_row, (i64, key), (str, text));
BARKS_RECORD(list_row, (i64, key), (list(str), text));
BARKS_RECORD(length_row, (i64, key), (i64, length));

static char letters[WIDE_BYTES];

BARKS_MAP(make_text, barks_number, text_row)
{
    *out = (struct text_row){.key = in->value % 3 > 0,
                             .text = barks_str_make(out, letters, TEXT_BYTES)};
}

BARKS_MAP(make_wide, barks_number, text_row)
{
    *out = (struct text_row){.key = in->value, .text = barks_str_make(out, letters, WIDE_BYTES)};
}

BARKS_REDUCE(join_texts, text_row)
{
    static char joined[ROWS * TEXT_BYTES]; /* there is one worker */
    uint32_t length = acc->text.length;
    memcpy(joined, barks_str_bytes(&acc->text), length);
    memcpy(joined + length, barks_str_bytes(&in->text), in->text.length);
    acc->text = barks_str_of(joined, length + in->text.length);
}

BARKS_MAP_BATCHES(see_many, text_row, length_row) { emit(.length = batch->row_count); }

static barks_rdd *texts(barks_context *context, uint32_t partitions)
{
    memset(letters, 'x', sizeof letters);
    return barks_generate(context, ROWS, partitions, make_text, NULL);
}

/* All of the words, in the one sentence. */
static void expect(barks_context *context, const char *what, const char *const *words)
{
    char text[3000] = "";
    barks_status *error = barks_take_error(context);
    ck_assert_msg(error != NULL, "%s: no error", what);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(barks_status_code(error) == BARKS_LIMIT, "%s: %s", what, text);
    for (size_t i = 0; words[i] != NULL; i++)
        ck_assert_msg(strstr(text, words[i]) != NULL, "%s: '%s' is not in '%s'", what, words[i],
                      text);
    barks_status_free(error);
}
#define EXPECT(what, ...) expect(context, (what), (const char *const[]){__VA_ARGS__, NULL})

/* Every sentence of the pool has them. */
#define POOL_WORDS "more do not fit", "of the memory budget of 64.0 MiB", "--barks-memory"

static void lists(barks_context *context)
{
    ck_assert_int_eq(barks_count(barks_glom(texts(context, 2))), -1);
    EXPECT("glom", "glom at", "partition", POOL_WORDS);
    ck_assert_int_eq(barks_count(barks_aggregate(texts(context, 20), "key", "list(text) as texts")),
                     -1);
    EXPECT("list", "combine at", "the rows of one key", "one value", POOL_WORDS);
    ck_assert_int_eq(barks_count(barks_group_by_key(texts(context, 20), "key")), -1);
    EXPECT("group_by_key", "group at", "the list of key", POOL_WORDS);
}

static void values_that_grow(barks_context *context)
{
    ck_assert_int_eq(barks_count(barks_scan(texts(context, 2), join_texts)), -1);
    EXPECT("scan", "scan at", POOL_WORDS);
    ck_assert_int_eq(barks_count(barks_reduce_by_key(texts(context, 20), "key", join_texts)), -1);
    EXPECT("reduce_by_key, before it is sent", "'join_texts'", "does not grow", POOL_WORDS);
    barks_rdd *joined =
        barks_reduce_by_key(texts(context, 20), "key", join_texts, .map_side_combine = BARKS_NEVER);
    ck_assert_int_eq(barks_count(joined), -1);
    EXPECT("reduce_by_key", "combine at", "the rows of one key", POOL_WORDS);
}

static void batches_of_many_rows(barks_context *context)
{
    barks_rdd *seen = barks_map_batches(texts(context, 1), see_many, NULL, .rows = ROWS);
    ck_assert_int_eq(barks_count(seen), -1);
    EXPECT("map_batches", "map_batches at", "batches of 40000 rows", "fewer .rows", POOL_WORDS);
}

static void sides_that_are_sent_whole(barks_context *context)
{
    barks_rdd *left = barks_select(texts(context, 2), "key");
    ck_assert_int_eq(
        barks_count(barks_join(left, texts(context, 2), "key", .broadcast = BARKS_ALWAYS)), -1);
    EXPECT("broadcast", "broadcast", "BARKS_NEVER");
}

static void what_comes_to_the_driver(barks_context *context)
{
    int64_t count = 0;
    ck_assert_ptr_null(barks_collect(texts(context, 8), text_row, &count));
    EXPECT("collect", "collect at", "--barks-collect-bytes-max");
}

static void rows_that_are_written(barks_context *context)
{
    char folder[] = "/tmp/barks-limits-XXXXXX", path[64], command[100];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out", folder);
    memset(letters, 'x', sizeof letters);
    barks_rdd *wide = barks_generate(context, 2, 1, make_wide, NULL);
    ck_assert(!barks_write_batches(wide, path));
    EXPECT("write_batches", "write batches at", POOL_WORDS);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

#define WITHIN(name, body)                                                                         \
    START_TEST(name)                                                                               \
    {                                                                                              \
        setenv("BARKS_WORKERS", "1", 1);                                                           \
        run_within("64m", (body), "1", 0);                                                         \
    }                                                                                              \
    END_TEST
WITHIN(lists_are_one_value, lists)
WITHIN(values_grow, values_that_grow)
WITHIN(batches_have_as_many_rows_as_wanted, batches_of_many_rows)
WITHIN(sides_are_sent_whole, sides_that_are_sent_whole)
WITHIN(the_driver_holds_what_is_collected, what_comes_to_the_driver)
WITHIN(rows_are_written_whole, rows_that_are_written)

SUITE_MAIN("rdd/memory_limits", lists_are_one_value, values_grow,
           batches_have_as_many_rows_as_wanted, sides_are_sent_whole,
           the_driver_holds_what_is_collected, rows_are_written_whole)
