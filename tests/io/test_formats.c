#include "barks/str.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "io/delimited.h"
#include "io/file_writer.h"
#include "io/format.h"
#include "io/path_fields.h"
#include "io/schema_text.h"
#include "io/sink.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { POOL_BYTES = 256 * 1024 * 1024 };

static struct pool *pool;
static char *directory;

static void begin(void)
{
    must(pool_create(POOL_BYTES, &pool));
    directory = make_directory();
}

static void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

/* All rows of a file in one batch; the status of the reading. */
static barks_status *read_all(const char *format_name, const struct source_options *options,
                              const barks_schema *schema, const struct split *splits, size_t count,
                              struct bad_rows *bad, struct batch **out_rows)
{
    const struct source_format *format = source_format_find(format_name);
    struct source *source = NULL;
    struct batch *batch = NULL;
    ck_assert_ptr_nonnull(format);
    must(format->check(options, schema));
    must(format->open(pool, options, schema, splits, count, bad, &source));
    must(batch_create(pool, schema, 0, &batch));
    must(batch_create(pool, schema, 0, out_rows));
    barks_status *status = NULL;
    while ((status = source_next(source, batch)) == NULL && batch->base.row_count > 0) {
        must(batch_validate(batch, false));
        struct source_place place = {0};
        source_place(source, batch->base.row_count - 1, &place);
        ck_assert_ptr_nonnull(place.path);
        must(batch_append(*out_rows, batch, 0, batch->base.row_count, BATCH_KEEP));
    }
    source_close(source);
    batch_destroy(batch);
    return status;
}

static void write_rows(const char *format_name, const struct batch *rows, const char *path)
{
    const struct sink_format *format = sink_format_find(format_name);
    struct file_writer writer = {0};
    struct sink *sink = NULL;
    uint64_t file_bytes = 0;
    ck_assert_ptr_nonnull(format);
    must(format->check_schema(rows->base.schema));
    must(file_writer_open(&writer, pool, path));
    must(format->create(&writer, rows->base.schema, &sink));
    must(sink_write(sink, &rows->base));
    must(sink_finish(sink));
    sink_destroy(sink);
    must(file_writer_close(&writer, false, &file_bytes));
}

static const char nested[] =
    "{\"name\":\"a\\n\\\"\\u00e9\\ud83d\\ude00\\ud800x\",\"n\":-9223372036854775808,\"x\":1.5e300,"
    "\"b\":true,\"tags\":[\"p\",\"\",\"a longer text than an inlined one\"],"
    "\"at\":{\"x\":1,\"y\":[[1,2],[],[3]]},\"more\":{\"a\":[1,{\"b\":null}]}}\n"
    "\n"
    "  {\"tags\" : [ ] , \"at\":{\"y\":[],\"x\":2},\"b\":false,\"x\":\"NaN\",\"name\":null}\r\n"
    "{\"b\":false,\"at\":{\"x\":null,\"y\":[[]]},\"x\":\"-Infinity\",\"tags\":[],\"n\":null}";
static const char nested_schema[] = "name str?, n i64?, x f64, b bool, tags list<str>, "
                                    "at struct<x i32?, y list<list<i64>>>";

START_TEST(nested_json_is_read_and_written_back_the_same)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL, *again = NULL;
    struct source_options options = {0};
    const char *path = path_in(directory, "in.json");
    must(schema_parse(nested_schema, &schema));
    write_text_file(path, nested);
    struct split split = split_of(path);
    must(read_all("json", &options, schema, &split, 1, NULL, &rows));
    ck_assert_uint_eq(rows->base.row_count, 3);
    const barks_str *name = rows->base.columns[0].values;
    ck_assert(
        barks_str_equal(name[0], barks_str_of("a\n\"\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx", 13)));
    ck_assert_int_eq(((const int64_t *)rows->base.columns[1].values)[0], INT64_MIN);
    ck_assert(!barks_is_valid(&rows->base.columns[1], 1));
    const char *out = path_in(directory, "out.json");
    write_rows("json", rows, out);
    split = split_of(out);
    must(read_all("json", &options, schema, &split, 1, NULL, &again));
    ck_assert(batch_equal(&rows->base, &again->base));
    batch_destroy(again);
    const char *batches = path_in(directory, "out.batches");
    write_rows("batches", rows, batches);
    split = split_of(batches);
    must(read_all("batches", &options, schema, &split, 1, NULL, &again));
    ck_assert(batch_equal(&rows->base, &again->base));
    batch_destroy(again);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(json_lines_come_once_whatever_the_splits)
{
    begin();
    uint64_t seed = property_seed();
    uint64_t random = seed;
    barks_schema *schema = NULL;
    char *text = malloc(200000);
    size_t used = 0;
    must(schema_parse("i i64, t str", &schema));
    for (int i = 0; i < 500; i++)
        used +=
            (size_t)snprintf(text + used, 200000 - used, "{\"i\":%d,\"t\":\"%.*s\"}\n%s", i,
                             (int)(property_next(&random) % 90),
                             "0123456789012345678901234567890123456789012345678901234567890123456"
                             "789012345678901234567890123456789",
                             property_next(&random) % 9 == 0 ? "\n" : "");
    const char *path = path_in(directory, "in.json");
    write_file(path, text, used - property_next(&random) % 2);
    for (int round = 0; round < 50; round++) {
        struct source_options options = {.chunk_bytes = 16 + property_next(&random) % 3000};
        struct split splits[3] = {split_of(path), split_of(path), split_of(path)};
        splits[0].end = splits[1].begin = property_next(&random) % used;
        splits[1].end = splits[2].begin =
            splits[0].end + property_next(&random) % (splits[2].end - splits[0].end + 1);
        int64_t next = 0;
        for (int s = 0; s < 3; s++) {
            struct batch *rows = NULL;
            must(read_all("json", &options, schema, &splits[s], 1, NULL, &rows));
            for (uint32_t i = 0; i < rows->base.row_count; i++)
                REQUIRE(((const int64_t *)rows->base.columns[0].values)[i] == next++,
                        "row %" PRIi64 "; replay with BARKS_TEST_SEED=%" PRIu64, next - 1, seed);
            batch_destroy(rows);
        }
        ck_assert_int_eq(next, 500);
    }
    free(text);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(json_that_is_no_row_says_why)
{
    begin();
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"{\"i\":1", "',' or '}' is missing"},
        {"{\"i\":1.5}", "is no i64"},
        {"{\"i\":\"1\"}", "'i' is '\"1\"}', which is no i64"},
        {"{\"j\":1}", "'i' is missing"},
        {"{\"i\":null}", "is null"},
        {"{\"i\":1} x", "something follows"},
        {"[1]", "no object"},
        {"{\"i\":1,\"i\":2}", "comes twice"},
        {"{\"i\":1,\"s\":\"\\q\"}", "escape"},
        {"{\"i\":1,\"s\":\"x}", "not closed"},
        {"{\"i\":1,\"l\":[1,null]}", "is null"},
        {"{\"i\":1,\"z\":[[[[tru]]]]}", "no value"},
    };
    barks_schema *schema = NULL;
    must(schema_parse("i i64, s str?, l list<i64>?", &schema));
    const char *path = path_in(directory, "bad.json");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct batch *rows = NULL;
        struct source_options options = {0};
        char text[200];
        snprintf(text, sizeof text, "{\"i\":0}\n%s\n{\"i\":2}\n", cases[c].line);
        write_text_file(path, text);
        struct split split = split_of(path);
        must_fail(read_all("json", &options, schema, &split, 1, NULL, &rows), BARKS_BAD_INPUT,
                  "line 2", cases[c].reason, NULL);
        batch_destroy(rows);
        struct bad_rows bad = {.mode = BAD_ROWS_DROP};
        must(read_all("json", &options, schema, &split, 1, &bad, &rows));
        ck_assert_uint_eq(rows->base.row_count, 2);
        ck_assert_uint_eq(bad.count, 1);
        batch_destroy(rows);
    }
    struct batch *rows = NULL;
    struct source_options strict = {.strict = true};
    write_text_file(path, "{\"i\":0,\"unknown\":1}\n");
    struct split split = split_of(path);
    must_fail(read_all("json", &strict, schema, &split, 1, NULL, &rows), BARKS_BAD_INPUT,
              "'unknown'", NULL);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

/* ---- one array a file ---- */

static void put_spaces(char *text, size_t *used, uint64_t *random)
{
    for (uint64_t i = property_next(random) % 4; i > 0; i--)
        text[(*used)++] = " \n\r\t"[property_next(random) % 4];
}

START_TEST(an_array_has_the_same_rows_however_it_is_spaced_and_read)
{
    begin();
    uint64_t seed = property_seed(), random = seed;
    enum { TEXT_BYTES = 400000, ROWS_MAX = 3000 };
    barks_schema *schema = NULL;
    char *text = malloc(TEXT_BYTES);
    ck_assert_ptr_nonnull(text);
    must(schema_parse("i i64, t str, l list<i64>", &schema));
    const char *path = path_in(directory, "in.json");
    for (int round = 0; round < 30; round++) {
        size_t used = 0;
        uint32_t rows_wanted = (uint32_t)(property_next(&random) % (round % 2 ? ROWS_MAX : 3));
        put_spaces(text, &used, &random);
        text[used++] = '[';
        for (uint32_t i = 0; i < rows_wanted; i++) {
            put_spaces(text, &used, &random);
            used += (size_t)snprintf(text + used, TEXT_BYTES - used,
                                     "%s{\"l\":[%u,\n%u],\"i\":%u ,\"t\":\"],}[\\\"%.*s\\\\\"}",
                                     i > 0 ? "," : "", i, i, i, (int)(property_next(&random) % 30),
                                     "{{{{{{{{{{]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
        }
        put_spaces(text, &used, &random);
        text[used++] = ']';
        put_spaces(text, &used, &random);
        write_file(path, text, used);
        struct source_options options = {.chunk_bytes = 16 + property_next(&random) % 3000,
                                         .array = round % 3 == 0};
        struct split split = split_of(path);
        struct batch *rows = NULL;
        must(read_all("json", &options, schema, &split, 1, NULL, &rows));
        REQUIRE(rows->base.row_count == rows_wanted,
                "%u rows; replay with BARKS_TEST_SEED=%" PRIu64, (unsigned)rows->base.row_count,
                seed);
        for (uint32_t i = 0; i < rows_wanted; i++) {
            const barks_str *t = (const barks_str *)rows->base.columns[1].values + i;
            ck_assert_int_eq(((const int64_t *)rows->base.columns[0].values)[i], i);
            ck_assert(memcmp(barks_str_bytes(t), "],}[\"", 5) == 0 &&
                      barks_str_bytes(t)[t->length - 1] == '\\');
        }
        batch_destroy(rows);
    }
    free(text);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(an_array_that_is_wrong_says_where)
{
    begin();
    static const struct {
        const char *text, *reason;
        bool wants_array;
        uint64_t bad_rows; /* where it can be read, but for these */
    } cases[] = {
        {"[{\"i\":1}\n{\"i\":2}]", "line 2 of", false, 0},
        {"[{\"i\":1},]", "value is missing", false, 0},
        {"[,{\"i\":1}]", "value is missing", false, 0},
        {"[{\"i\":1}", "not closed", false, 0},
        {"[{\"i\":1},", "not closed", false, 0},
        {"[{\"i\":\"1", "not closed", false, 0},
        {"[", "not closed", false, 0},
        {"[{\"i\":1}] x", "something follows", false, 0},
        {"{\"i\":1}", ".array = true", true, 0},
        {"[{\"i\":1},7, \"a,]\" ,null,[{}],{\"i\":[1}},{\"i\":2},}]", NULL, false, 6},
        {"", NULL, true, 0},
        {" \n", NULL, false, 0},
        {"\xef\xbb\xbf[]", NULL, true, 0},
        {"\xef\xbb\xbf [ ]", NULL, false, 0},
    };
    barks_schema *schema = NULL;
    must(schema_parse("i i64", &schema));
    const char *path = path_in(directory, "bad.json");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct batch *rows = NULL;
        struct source_options options = {.array = cases[c].wants_array, .chunk_bytes = 16};
        struct bad_rows bad = {.mode = BAD_ROWS_DROP};
        write_text_file(path, cases[c].text);
        struct split split = split_of(path);
        barks_status *status = read_all("json", &options, schema, &split, 1, &bad, &rows);
        if (cases[c].reason != NULL)
            must_fail(status, BARKS_BAD_INPUT, path, cases[c].reason, NULL);
        else
            must(status);
        ck_assert_uint_eq(bad.count, cases[c].bad_rows);
        batch_destroy(rows);
    }
    schema_destroy(schema);
    end();
}
END_TEST

/* "i", NUL and more is another key than "i". */
START_TEST(a_key_with_a_nul_is_no_shorter_key)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL;
    struct source_options options = {0};
    must(schema_parse("i i64?", &schema));
    const char *path = path_in(directory, "in.json");
    write_text_file(path, "{\"i\\u0000and much that stands behind it\":1}\n{\"i\":2}\n");
    struct split split = split_of(path);
    must(read_all("json", &options, schema, &split, 1, NULL, &rows));
    ck_assert_uint_eq(rows->base.row_count, 2);
    ck_assert(!barks_is_valid(&rows->base.columns[0], 0));
    ck_assert(((const int64_t *)rows->base.columns[0].values)[1] == 2);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(numbers_beyond_i64_are_for_f64)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL;
    struct source_options options = {0};
    must(schema_parse("i i64?, x f64?", &schema));
    const char *path = path_in(directory, "in.json");
    write_text_file(path, "{\"x\":9223372036854775808,\"i\":9223372036854775807}\n"
                          "{\"x\":-1e400,\"i\":-9223372036854775808}\n"
                          "{\"x\":123456789012345678901234567890}\n");
    struct split split = split_of(path);
    must(read_all("json", &options, schema, &split, 1, NULL, &rows));
    const double *x = rows->base.columns[1].values;
    ck_assert(x[0] == 9223372036854775808.0 && x[1] < -1e308 &&
              x[2] == 123456789012345678901234567890.0);
    ck_assert(((const int64_t *)rows->base.columns[0].values)[0] == INT64_MAX);
    batch_destroy(rows);
    write_text_file(path, "{\"i\":9223372036854775808}\n");
    split = split_of(path);
    must_fail(read_all("json", &options, schema, &split, 1, NULL, &rows), BARKS_BAD_INPUT,
              "9223372036854775808", "is no i64", NULL);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

/* ---- text between separators ---- */

START_TEST(texts_between_separators_are_those_of_a_loop_wherever_the_splits_lie)
{
    begin();
    uint64_t seed = property_seed(), random = seed;
    static const char *const separators[] = {"|", "\r\n", "ab", "aab", "\n\n\t", "abc|abd"};
    static const barks_type str = {.id = BARKS_STR};
    static const barks_field fields[] = {{.name = "text", .type = &str}};
    static const barks_schema schema = {.field_count = 1, .fields = fields};
    const char *path = path_in(directory, "in.txt");
    for (int round = 0; round < 300; round++) {
        char text[600];
        const char *separator = separators[property_next(&random) % 6];
        size_t used = property_next(&random) % 500, separator_bytes = strlen(separator);
        for (size_t i = 0; i < used; i++)
            text[i] = "ab\r\n|\t\0c"[property_next(&random) % 8];
        for (size_t i = 0; i + 8 < used; i += 1 + property_next(&random) % 40)
            memcpy(text + i, separator, separator_bytes);
        write_file(path, text, used);
        struct source_options options = {.chunk_bytes = 16 + property_next(&random) % 300,
                                         .record_separator = (uint8_t *)(uintptr_t)separator,
                                         .record_separator_bytes = separator_bytes};
        struct split splits[4] = {split_of(path), split_of(path), split_of(path), split_of(path)};
        for (int s = 1; s < 4; s++) {
            splits[s].begin = splits[s - 1].begin;
            if (used > splits[s].begin)
                splits[s].begin += property_next(&random) % (used - splits[s].begin);
            splits[s - 1].end = splits[s].begin;
        }
        size_t at = 0;
        for (int s = 0; s < 4; s++) {
            struct batch *rows = NULL;
            if (splits[s].begin == splits[s].end && splits[s].begin > 0)
                continue; /* no plan has such a split */
            must(read_all("text", &options, &schema, &splits[s], 1, NULL, &rows));
            for (uint32_t i = 0; i < rows->base.row_count; i++) {
                const barks_str *is = (const barks_str *)rows->base.columns[0].values + i;
                const char *end = memmem(text + at, used - at, separator, separator_bytes);
                size_t length = end != NULL ? (size_t)(end - text) - at : used - at;
                REQUIRE(at < used && is->length == length &&
                            memcmp(barks_str_bytes(is), text + at, length) == 0,
                        "row %u at %zu; replay with BARKS_TEST_SEED=%" PRIu64, i, at, seed);
                at += length + (end != NULL ? separator_bytes : 0);
            }
            batch_destroy(rows);
        }
        REQUIRE(at == used, "%zu bytes of %zu; replay with BARKS_TEST_SEED=%" PRIu64, at, used,
                seed);
    }
    ck_assert(separator_overlaps((const uint8_t *)"abcab", 5));
    ck_assert(!separator_overlaps((const uint8_t *)"aab", 3));
    end();
}
END_TEST

START_TEST(records_of_fixed_length_and_whole_files_are_rows)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL;
    struct source_options options = {.fixed_bytes = 7, .skip = 3, .chunk_bytes = 16};
    char bytes[3 + 7 * 100];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    const char *path = path_in(directory, "records");
    write_file(path, bytes, sizeof bytes);
    must(schema_parse("data bytes", &schema));
    for (uint64_t cut = 0; cut <= sizeof bytes; cut += 13) {
        struct split splits[2] = {split_of(path), split_of(path)};
        splits[0].end = splits[1].begin = cut;
        must(read_all("fixed", &options, schema, splits, 2, NULL, &rows));
        ck_assert_uint_eq(rows->base.row_count, 100);
        for (uint32_t i = 0; i < 100; i++)
            ck_assert_mem_eq(barks_str_bytes((const barks_str *)rows->base.columns[0].values + i),
                             bytes + 3 + 7 * i, 7);
        batch_destroy(rows);
    }
    write_file(path, bytes, sizeof bytes - 1);
    struct split split = split_of(path);
    must_fail(read_all("fixed", &options, schema, &split, 1, NULL, &rows), BARKS_BAD_INPUT,
              "records", "multiple of 7", NULL);
    batch_destroy(rows);
    schema_destroy(schema);
    must(schema_parse("path str, content bytes", &schema));
    struct split both[2] = {split_of(path), split};
    write_file(path_in(directory, "empty"), "", 0);
    both[1] = split_of(path_in(directory, "empty"));
    both[0] = split_of(path = path_in(directory, "records"));
    must(read_all("whole", &options, schema, both, 2, NULL, &rows));
    ck_assert_uint_eq(rows->base.row_count, 2);
    const barks_str *content = rows->base.columns[1].values;
    ck_assert_uint_eq(content[0].length, sizeof bytes - 1);
    ck_assert_mem_eq(barks_str_bytes(&content[0]), bytes, sizeof bytes - 1);
    ck_assert_uint_eq(content[1].length, 0);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(a_damaged_file_of_batches_is_an_error)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL, *again = NULL;
    struct source_options options = {0};
    const char *path = path_in(directory, "in.json");
    must(schema_parse(nested_schema, &schema));
    write_text_file(path, nested);
    struct split split = split_of(path);
    must(read_all("json", &options, schema, &split, 1, NULL, &rows));
    const char *whole = path_in(directory, "whole");
    write_rows("batches", rows, whole);
    size_t size_bytes = 0;
    char *bytes = read_file(whole, &size_bytes);
    const char *part = path_in(directory, "part");
    for (size_t n = 0; n < size_bytes; n++) {
        write_file(part, bytes, n);
        split = split_of(part);
        must_fail(read_all("batches", &options, schema, &split, 1, NULL, &again), BARKS_BAD_INPUT,
                  "part", NULL);
        batch_destroy(again);
    }
    free(bytes);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(every_compression_is_read_and_a_cut_file_is_an_error)
{
    begin();
    static const struct {
        const char *program, *name;
        enum compression kind;
    } cases[] = {
        {"bzip2", "a.bz2", COMPRESSION_BZIP2},
        {"xz", "a.xz", COMPRESSION_XZ},
        {"lz4", "a.lz4", COMPRESSION_LZ4},
    };
    barks_schema *schema = NULL;
    must(schema_parse("text str", &schema));
    char *plain = strdup(path_in(directory, "plain"));
    FILE *file = fopen(plain, "w");
    for (int i = 0; i < 50000; i++)
        fprintf(file, "line %d\n", i);
    fclose(file);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char command[1000], head[6];
        size_t size_bytes = 0, output_bytes = 0;
        int status = 0;
        struct batch *rows = NULL;
        struct source_options options = {0};
        char *packed = strdup(path_in(directory, cases[c].name));
        const char *program = cases[c].program;
        snprintf(command, sizeof command, "%s -c %s > %s; %s -c %s >> %s", program, plain, packed,
                 program, plain, packed);
        free(run_command(command, &output_bytes, &status));
        char *bytes = read_file(packed, &size_bytes);
        memcpy(head, bytes, sizeof head);
        enum compression kind = COMPRESSION_NONE;
        barks_status *known = compression_detect(packed, (const uint8_t *)head, sizeof head, &kind);
        if (size_bytes > 100 && known == NULL) { /* the program and the library are there */
            ck_assert_int_eq(kind, cases[c].kind);
            struct split split = split_of(packed);
            split.compression = kind;
            must(read_all("text", &options, schema, &split, 1, NULL, &rows));
            ck_assert_uint_eq(rows->base.row_count, 100000);
            batch_destroy(rows);
            for (size_t n = size_bytes - 1; n > 10; n -= n / 5 + 1) {
                if (n == size_bytes / 2)
                    continue; /* the first stream alone is whole */
                write_file(packed, bytes, n);
                split = split_of(packed);
                split.compression = kind;
                must_fail(read_all("text", &options, schema, &split, 1, NULL, &rows),
                          BARKS_BAD_INPUT, cases[c].name, NULL);
                batch_destroy(rows);
            }
        }
        barks_status_free(known);
        free(bytes);
        free(packed);
    }
    free(plain);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(paths_give_values)
{
    begin();
    barks_schema *schema = NULL;
    struct batch *rows = NULL;
    must(schema_parse("year i64, name str?, x i64", &schema));
    must(batch_create(pool, schema, 2, &rows));
    rows->base.row_count = 2;
    must(path_fields_fill("/data/year=2024/name=a%20b%2Fc/x.csv", rows));
    ck_assert_int_eq(((const int64_t *)rows->base.columns[0].values)[1], 2024);
    ck_assert(barks_str_equal(((const barks_str *)rows->base.columns[1].values)[1],
                              barks_str_of("a b/c", 5)));
    ck_assert(path_has_field("/y/year=1/z", "year"));
    ck_assert(!path_has_field("/y/year=1", "year"));
    must(path_fields_fill("/name=__HIVE_DEFAULT_PARTITION__/x.csv", rows));
    ck_assert(!barks_is_valid(&rows->base.columns[1], 0));
    must_fail(path_fields_fill("/year=x/f", rows), BARKS_BAD_INPUT, "'year'", "no i64", NULL);
    batch_destroy(rows);
    schema_destroy(schema);
    end();
}
END_TEST

START_TEST(schemas_are_read_from_text)
{
    static const char *const wrong[] = {"",           "a",          "a i65",
                                        "a i64,",     "a i64 b",    "a i64, a str",
                                        "a list<i64", "a struct<>", "a list<>"};
    barks_schema *schema = NULL;
    must(schema_parse(nested_schema, &schema));
    ck_assert_uint_eq(schema->field_count, 6);
    ck_assert_str_eq(schema->fields[5].type->fields->fields[1].name, "y");
    ck_assert(schema->fields[0].nullable && !schema->fields[2].nullable);
    schema_destroy(schema);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        must_fail(schema_parse(wrong[i], &schema), BARKS_INVALID, "the schema", NULL);
}
END_TEST

SUITE_MAIN("io/formats", nested_json_is_read_and_written_back_the_same,
           json_lines_come_once_whatever_the_splits, a_key_with_a_nul_is_no_shorter_key,
           json_that_is_no_row_says_why, an_array_has_the_same_rows_however_it_is_spaced_and_read,
           an_array_that_is_wrong_says_where, numbers_beyond_i64_are_for_f64,
           texts_between_separators_are_those_of_a_loop_wherever_the_splits_lie,
           records_of_fixed_length_and_whole_files_are_rows, a_damaged_file_of_batches_is_an_error,
           every_compression_is_read_and_a_cut_file_is_an_error, paths_give_values,
           schemas_are_read_from_text)
