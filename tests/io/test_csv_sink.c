#include "barks/str.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/value_text.h"
#include "io/file_writer.h"
#include "io/number_text.h"
#include "io/sink.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pool *pool;
static char *directory;

static void begin(void)
{
    must(pool_create(64 * 1024 * 1024, &pool));
    directory = make_directory();
}

static void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

static const barks_type bool_type = {.id = BARKS_BOOL};
static const barks_type i32_type = {.id = BARKS_I32};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type f32_type = {.id = BARKS_F32};
static const barks_type f64_type = {.id = BARKS_F64};
static const barks_type str_type = {.id = BARKS_STR};
static const barks_type bytes_type = {.id = BARKS_BYTES};
static const barks_type list_type = {.id = BARKS_LIST, .item = &i64_type};

/* Writes one batch in a format; the file's content, to be freed. */
static char *write_batch(const struct sink_format *format, const barks_batch *batch,
                         size_t *out_size_bytes)
{
    const char *path = path_in(directory, "out");
    struct file_writer writer = {0};
    struct sink *sink = NULL;
    uint64_t file_bytes = 0;
    must(format->check_schema(batch->schema));
    must(file_writer_open(&writer, pool, path));
    must(format->create(&writer, batch->schema, &sink));
    must(sink_write(sink, batch));
    must(sink_finish(sink));
    ck_assert_uint_eq(sink->row_count, batch->row_count);
    sink_destroy(sink);
    must(file_writer_close(&writer, false, &file_bytes));
    char *content = read_file(path, out_size_bytes);
    ck_assert_uint_eq(file_bytes, *out_size_bytes);
    return content;
}

static void expect_content(const struct sink_format *format, const barks_batch *batch,
                           const char *wanted)
{
    size_t size_bytes = 0;
    char *content = write_batch(format, batch, &size_bytes);
    ck_assert_str_eq(content, wanted);
    free(content);
}

START_TEST(every_type_has_its_form)
{
    begin();
    const barks_field fields[] = {
        {"flag", &bool_type, true},           {"small", &i32_type, false},
        {"large", &i64_type, true},           {"single", &f32_type, false},
        {"double, really", &f64_type, false}, {"text", &str_type, true},
        {"raw", &bytes_type, false}};
    const barks_schema schema = {.field_count = 7, .fields = fields};
    uint8_t flags[] = {1, 0, 0};
    int32_t small[] = {INT32_MIN, 0, 12345678};
    int64_t large[] = {INT64_MIN, INT64_MAX, 0};
    float singles[] = {0.1f, -0.0f, 16777216.0f};
    double doubles[] = {0.1, 1e21, -1e-7};
    barks_str texts[] = {BARKS_STR_LITERAL("plain"), BARKS_STR_LITERAL(""), {0}};
    barks_str raws[] = {BARKS_STR_LITERAL("a,b"), BARKS_STR_LITERAL("say \"yes\" and a lot more\r"),
                        BARKS_STR_LITERAL(" a longer one, with blanks ")};
    uint64_t flag_validity = 3, text_validity = 3, large_validity = 3;
    barks_column columns[] = {{.type = &bool_type, .values = flags, .validity = &flag_validity},
                              {.type = &i32_type, .values = small},
                              {.type = &i64_type, .values = large, .validity = &large_validity},
                              {.type = &f32_type, .values = singles},
                              {.type = &f64_type, .values = doubles},
                              {.type = &str_type, .values = texts, .validity = &text_validity},
                              {.type = &bytes_type, .values = raws}};
    barks_batch batch = {.schema = &schema, .row_count = 3, .columns = columns};
    expect_content(
        &csv_format, &batch,
        "flag,small,large,single,\"double, really\",text,raw\n"
        "true,-2147483648,-9223372036854775808,0.1,0.1,plain,\"a,b\"\n"
        "false,0,9223372036854775807,-0,1e+21,\"\",\"say \"\"yes\"\" and a lot more\r\"\n"
        ",12345678,,16777216,-1e-07,,\" a longer one, with blanks \"\n");
    batch.row_count = 0;
    expect_content(&csv_format, &batch, "flag,small,large,single,\"double, really\",text,raw\n");
    end();
}
END_TEST

START_TEST(text_is_lines)
{
    begin();
    const barks_field fields[] = {{"text", &str_type, true}};
    const barks_schema schema = {.field_count = 1, .fields = fields};
    barks_str texts[] = {
        BARKS_STR_LITERAL("short"), {0}, BARKS_STR_LITERAL("longer than twelve, \"so\"")};
    uint64_t validity = 5;
    barks_column column = {.type = &str_type, .values = texts, .validity = &validity};
    barks_batch batch = {.schema = &schema, .row_count = 3, .columns = &column};
    expect_content(&text_format, &batch, "short\n\nlonger than twelve, \"so\"\n");
    end();
}
END_TEST

START_TEST(schemas_that_a_format_cannot_hold_are_refused_in_words)
{
    begin();
    const barks_field fields[] = {{"name", &str_type, false}, {"items", &list_type, false}};
    const barks_schema schema = {.field_count = 2, .fields = fields};
    must_fail(csv_format.check_schema(&schema), BARKS_INVALID, "'items'", "list", "CSV", NULL);
    must_fail(text_format.check_schema(&schema), BARKS_INVALID, "2", "one column", NULL);
    const barks_schema number = {.field_count = 1,
                                 .fields = &(const barks_field){"n", &i64_type, false}};
    must_fail(text_format.check_schema(&number), BARKS_INVALID, "'n'", "i64", NULL);
    const barks_schema none = {0};
    must_fail(csv_format.check_schema(&none), BARKS_INVALID, "columns", NULL);
    ck_assert_ptr_eq(sink_format_find("csv"), &csv_format);
    ck_assert_ptr_eq(sink_format_find("text"), &text_format);
    ck_assert_ptr_null(sink_format_find("xml"));
    end();
}
END_TEST

/* Rows of two columns of texts that are full of what has to be quoted. */
static void random_rows(uint64_t *random, struct batch *batch, uint32_t row_count,
                        size_t length_max)
{
    static const char kinds[] = {',',        '"',        '\n', '\r', 'a', 'b', ' ',
                                 (char)0xc3, (char)0xa9, '\t', 'x',  'y', 'z'};
    must(batch_reserve(batch, row_count));
    for (uint32_t row = 0; row < row_count; row++)
        for (uint32_t c = 0; c < 2; c++) {
            size_t length = property_next(random) % length_max;
            unsigned first = property_next(random) % 2 == 0 ? 4 : 0; /* half of them plain */
            void *bytes = NULL;
            must(batch_make_bytes(batch, length, &bytes));
            for (size_t i = 0; i < length; i++)
                ((char *)bytes)[i] = kinds[first + property_next(random) % (sizeof kinds - first)];
            ((barks_str *)batch->base.columns[c].values)[row] = barks_str_of(bytes, length);
        }
    batch->base.row_count = row_count;
}

START_TEST(another_reader_reads_back_what_was_written)
{
    begin();
    if (system("python3 -c 'import csv' 2>/dev/null") != 0)
        goto done; /* the exact bytes are tested above */
    uint64_t seed = property_seed();
    uint64_t random = seed;
    const barks_field fields[] = {{"a", &str_type, false}, {"b", &str_type, false}};
    const barks_schema schema = {.field_count = 2, .fields = fields};
    for (int step = 0; step < 6; step++) {
        struct batch *batch = NULL;
        must(batch_create(pool, &schema, 0, &batch));
        random_rows(&random, batch, 200, step % 2 == 0 ? 30 : 400);
        size_t size_bytes = 0;
        free(write_batch(&csv_format, &batch->base, &size_bytes));
        char *command = NULL;
        ck_assert_int_gt(
            asprintf(
                &command,
                "python3 -c 'import csv,sys\n"
                "for row in csv.reader(open(sys.argv[1], newline=\"\", encoding=\"latin-1\")):\n"
                "    for cell in row: print(cell.encode(\"latin-1\").hex())' %s",
                path_in(directory, "out")),
            0);
        int status = 0;
        char *cells = run_command(command, &size_bytes, &status);
        free(command);
        ck_assert_int_eq(status, 0);
        const char *at = cells;
        ck_assert_int_eq(strncmp(at, "61\n62\n", 6), 0); /* the header */
        at += 6;
        for (uint32_t row = 0; row < batch->base.row_count; row++)
            for (uint32_t c = 0; c < 2; c++) {
                const barks_str *text = (const barks_str *)batch->base.columns[c].values + row;
                for (uint32_t i = 0; i < text->length; i++, at += 2) {
                    char hex[3];
                    (void)snprintf(hex, sizeof hex, "%02x",
                                   (unsigned)(uint8_t)barks_str_bytes(text)[i]);
                    REQUIRE(at[0] == hex[0] && at[1] == hex[1], "row %u; BARKS_TEST_SEED=%" PRIu64,
                            row, seed);
                }
                REQUIRE(*at++ == '\n', "row %u; BARKS_TEST_SEED=%" PRIu64, row, seed);
            }
        ck_assert_int_eq(*at, '\0');
        free(cells);
        batch_destroy(batch);
    }
done:
    end();
}
END_TEST

START_TEST(texts_longer_than_the_buffer_are_written)
{
    begin();
    const barks_field fields[] = {{"a", &str_type, false}};
    const barks_schema schema = {.field_count = 1, .fields = fields};
    size_t length = 3 * 1000 * 1000;
    char *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', length);
    barks_str text = barks_str_of(bytes, length);
    barks_column column = {.type = &str_type, .values = &text};
    barks_batch batch = {.schema = &schema, .row_count = 1, .columns = &column};
    size_t size_bytes = 0;
    char *content = write_batch(&csv_format, &batch, &size_bytes);
    ck_assert_uint_eq(size_bytes, 2 + length + 1);
    ck_assert_mem_eq(content + 2, bytes, length);
    free(content);
    content = write_batch(&text_format, &batch, &size_bytes);
    ck_assert_uint_eq(size_bytes, length + 1);
    ck_assert_mem_eq(content, bytes, length);
    free(content);
    memset(bytes, '"', length);
    text = barks_str_of(bytes, length);
    content = write_batch(&csv_format, &batch, &size_bytes);
    ck_assert_uint_eq(size_bytes, 2 + 2 * length + 2 + 1);
    for (size_t i = 2; i < size_bytes - 1; i++)
        REQUIRE(content[i] == '"', "content[i] == '\"'");
    free(content);
    free(bytes);
    end();
}
END_TEST

START_TEST(numbers_are_the_texts_of_the_batch_layer)
{
    begin();
    uint64_t seed = property_seed();
    uint64_t random = seed;
    char fast[NUMBER_TEXT_MAX];
    char slow[NUMBER_TEXT_BYTES];
    for (int step = 0; step < 60000; step++) {
        uint64_t bits = property_next(&random) >> property_next(&random) % 64;
        size_t length = i64_text((int64_t)bits, slow);
        REQUIRE((size_t)(number_put_i64(fast, (int64_t)bits) - fast) == length &&
                    memcmp(fast, slow, length) == 0,
                "%" PRId64, (int64_t)bits);
        double value = (double)(int64_t)bits;
        float single = 0;
        switch (property_next(&random) % 4) {
        case 0:
            memcpy(&value, &bits, sizeof value); /* any double, NaN and infinity among them */
            break;
        case 1:
            value /= 100;
            break;
        case 2:
            value = (double)(bits % 100000000);
            for (uint64_t places = property_next(&random) % 12; places > 0; places--)
                value /= 10;
            break;
        default:
            break;
        }
        if (property_next(&random) % 2 == 0)
            value = -value;
        length = f64_text(value, slow);
        REQUIRE((size_t)(number_put_f64(fast, value) - fast) == length &&
                    memcmp(fast, slow, length) == 0,
                "%s of %.17g; BARKS_TEST_SEED=%" PRIu64, slow, value, seed);
        uint32_t low = (uint32_t)bits;
        memcpy(&single, &low, sizeof single);
        if (step % 2 == 0)
            single = (float)value;
        length = f32_text(single, slow);
        REQUIRE((size_t)(number_put_f32(fast, single) - fast) == length &&
                    memcmp(fast, slow, length) == 0,
                "%s of %.9g; BARKS_TEST_SEED=%" PRIu64, slow, (double)single, seed);
    }
    for (uint64_t power = 1; power <= 1000000000000000000u; power *= 10)
        for (uint64_t value = power - 1; value <= power + 1; value++) {
            size_t length = i64_text((int64_t)value, slow);
            ck_assert_uint_eq((size_t)(number_put_u64(fast, value) - fast), length);
            ck_assert_mem_eq(fast, slow, length);
        }
    ck_assert_uint_eq((size_t)(number_put_u64(fast, UINT64_MAX) - fast), 20);
    ck_assert_mem_eq(fast, "18446744073709551615", 20);
    end();
}
END_TEST

SUITE_MAIN("io/csv_sink", every_type_has_its_form, text_is_lines,
           schemas_that_a_format_cannot_hold_are_refused_in_words,
           another_reader_reads_back_what_was_written, texts_longer_than_the_buffer_are_written,
           numbers_are_the_texts_of_the_batch_layer)
