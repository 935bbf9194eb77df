/* Files that begin with a byte-order mark, cut in it and near it: in each format whose files are
 * split, the rows are those of the file as a whole, each once. */
#include "barks/str.h"
#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "io/csv_source.h"
#include "io/format.h"
#include "io/schema_text.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

#define MARK "\xef\xbb\xbf"
enum { CUT_MAX = 9, SPLITS = 3 };

static struct pool *pool;
static char *directory;

static void put_bytes(struct buffer *out, const void *bytes, size_t size_bytes)
{
    must(buffer_append(out, bytes, size_bytes));
}

/* The str values of the first column, each in brackets, behind one another. */
static void read_rows(const char *format, const struct source_options *options,
                      const barks_schema *schema, const struct split *splits, size_t split_count,
                      struct buffer *out)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(source_format_find(format)->open(pool, options, schema, splits, split_count, NULL,
                                          &source));
    must(batch_create(pool, schema, 0, &batch));
    for (;;) {
        must(source_next(source, batch));
        if (batch->base.row_count == 0)
            break;
        for (uint32_t i = 0; i < batch->base.row_count; i++) {
            const barks_str *view = (const barks_str *)batch->base.columns[0].values + i;
            put_bytes(out, "[", 1);
            put_bytes(out, barks_str_bytes(view), view->length);
            put_bytes(out, "]", 1);
        }
    }
    source_close(source);
    batch_destroy(batch);
}

/* As a driver finds them, of all splits of a file. */
static void find_states(const struct source_options *options, struct split *splits)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    enum csv_state state = CSV_ROW;
    must(csv_scan_open(pool, options, splits, SPLITS, &source));
    must(batch_create(pool, csv_scan_schema(), 0, &batch));
    for (size_t i = 0; i < SPLITS; i++) {
        must(source_next(source, batch));
        splits[i].start_state = (uint8_t)state;
        state = csv_map_apply((csv_map)((const int64_t *)batch->base.columns[0].values)[0], state);
    }
    source_close(source);
    batch_destroy(batch);
}

/* All ways to cut the beginning of a text into three splits; `wanted` as read_rows puts it. */
static void cut_everywhere(const char *format, const struct source_options *options,
                           const char *schema_text, const char *text, const char *wanted)
{
    barks_schema *schema = NULL;
    const char *path = path_in(directory, "marked");
    uint64_t size_bytes = strlen(text);
    must(schema_parse(schema_text, &schema));
    write_file(path, text, size_bytes);
    for (uint64_t first = 0; first <= CUT_MAX && first <= size_bytes; first++)
        for (uint64_t second = first; second <= CUT_MAX && second <= size_bytes; second++) {
            const uint64_t cuts[] = {0, first, second, size_bytes};
            struct split splits[SPLITS];
            BARKS_AUTO(buffer) apart = {.limit_bytes = 1000};
            BARKS_AUTO(buffer) together = {.limit_bytes = 1000};
            for (size_t i = 0; i < SPLITS; i++) {
                splits[i] = split_of(path);
                splits[i].begin = cuts[i];
                splits[i].end = cuts[i + 1];
            }
            if (options->multiline)
                find_states(options, splits);
            for (size_t i = 0; i < SPLITS; i++)
                read_rows(format, options, schema, &splits[i], 1, &apart);
            read_rows(format, options, schema, splits, SPLITS, &together);
            put_bytes(&apart, "", 1);
            put_bytes(&together, "", 1);
            REQUIRE(strcmp((const char *)apart.data, wanted) == 0 &&
                        strcmp((const char *)together.data, wanted) == 0,
                    "%s cut at %ju and %ju gives '%s', together '%s', not '%s'", format,
                    (uintmax_t)first, (uintmax_t)second, (const char *)apart.data,
                    (const char *)together.data, wanted);
        }
    schema_destroy(schema);
}

static void begin(void)
{
    must(pool_create(64 << 20, &pool));
    directory = make_directory();
}

static void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

START_TEST(csv_has_each_row_once)
{
    begin();
    struct source_options options = {.chunk_bytes = 16, .comment = '#'};
    for (int multiline = 0; multiline < 2; multiline++) {
        options.multiline = multiline == 1;
        cut_everywhere("csv", &options, "text str", MARK, "");
        cut_everywhere("csv", &options, "text str", MARK "x", "[x]");
        cut_everywhere("csv", &options, "text str", MARK "ab\n\"c\"\nd", "[ab][c][d]");
        cut_everywhere("csv", &options, "text str", MARK "\na\n\nb\n", "[a][b]");
        cut_everywhere("csv", &options, "text str", MARK "\"a,\"\n" MARK "b\n", "[a,][" MARK "b]");
        cut_everywhere("csv", &options, "text str", MARK "#\"\na\nb\n", "[a][b]");
        cut_everywhere("csv", &options, "text str", "\"a,,\"\n\"b,\"\nc\n", "[a,,][b,][c]");
        cut_everywhere("csv", &options, "text str", "a\n" MARK "b\nc\n", "[a][" MARK "b][c]");
    }
    cut_everywhere("csv", &options, "text str", MARK "\"a\n\"\n\"\n\nb\"\nc\n", "[a\n][\n\nb][c]");
    cut_everywhere("csv", &options, "text str", MARK "\"\"\"\n\"\"\"\nb\n", "[\"\n\"][b]");
    options.header = true;
    cut_everywhere("csv", &options, "text str", MARK "\"h\n\"\n\"a\nb\"\nc\n", "[a\nb][c]");
    end();
}
END_TEST

START_TEST(json_lines_has_each_row_once)
{
    begin();
    struct source_options options = {.chunk_bytes = 16};
    cut_everywhere("json", &options, "a str", MARK, "");
    cut_everywhere("json", &options, "a str", MARK "{\"a\":\"x\"}", "[x]");
    cut_everywhere("json", &options, "a str", MARK "{\"a\":\"x\"}\n{\"a\":\"y\"}\n", "[x][y]");
    cut_everywhere("json", &options, "a str", MARK "\n\n{\"a\":\"x\"}\n{\"a\":\"y\"}\n", "[x][y]");
    end();
}
END_TEST

START_TEST(text_has_each_row_once)
{
    begin();
    struct source_options options = {.chunk_bytes = 16};
    cut_everywhere("text", &options, "text str", MARK, "");
    cut_everywhere("text", &options, "text str", MARK "\n\nab\n", "[][][ab]");
    cut_everywhere("text", &options, "text str", MARK "ab\n" MARK "\nc", "[ab][" MARK "][c]");
    uint8_t separators[] = "||";
    options.record_separator = separators;
    for (options.record_separator_bytes = 1; options.record_separator_bytes < 3;
         options.record_separator_bytes++) {
        bool one = options.record_separator_bytes == 1;
        memcpy(separators, one ? "|" : "|;", 2);
        cut_everywhere("text", &options, "text str", one ? MARK "a|b||c" : MARK "a|;b|;|;c",
                       "[a][b][][c]");
        cut_everywhere("text", &options, "text str", one ? MARK "|b" : MARK "|;b", "[][b]");
        cut_everywhere("text", &options, "text str", one ? MARK "abcdefgh|" : MARK "abcdefgh|;",
                       "[abcdefgh]");
    }
    end();
}
END_TEST

SUITE_MAIN("io/byte_order_mark", csv_has_each_row_once, json_lines_has_each_row_once,
           text_has_each_row_once)
