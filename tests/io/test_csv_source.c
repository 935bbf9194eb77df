#include "barks/str.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "io/bad_rows.h"
#include "io/csv_source.h"
#include "io/quarantine.h"
#include "io/schema_text.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOL_BYTES = 256 * 1024 * 1024, ROWS_MAX = 400, TEXT_MAX = 60 };

static struct pool *pool;
static char *directory;
static barks_schema *schema;

static void begin(void)
{
    must(pool_create(POOL_BYTES, &pool));
    directory = make_directory();
}

static void end(void)
{
    schema_destroy(schema);
    schema = NULL;
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

/* ---- a file whose rows are known ---- */

struct model_row {
    int64_t number;
    bool has_number, has_text;
    double real;
    size_t text_bytes;
    char text[TEXT_MAX];
};

struct model {
    struct model_row rows[ROWS_MAX];
    size_t row_count;
    char *file;
    size_t file_bytes;
};

static void put(struct model *model, const char *bytes, size_t length)
{
    model->file = realloc(model->file, model->file_bytes + length + 1);
    ck_assert_ptr_nonnull(model->file);
    memcpy(model->file + model->file_bytes, bytes, length);
    model->file_bytes += length;
}

/* A text of characters that matter; with quotes where it needs them, and now and then elsewhere. */
static void put_text(struct model *model, const struct model_row *row, uint64_t *random)
{
    const char *text = row->text;
    if (!row->has_text)
        return;
    bool needs = row->text_bytes == 0 || text[0] == '"';
    for (size_t i = 0; i < row->text_bytes; i++)
        needs |= text[i] == ',' || text[i] == '\n' || text[i] == '\r';
    if (!needs && property_next(random) % 3 != 0) {
        put(model, text, row->text_bytes);
        return;
    }
    put(model, "\"", 1);
    for (size_t i = 0; i < row->text_bytes; i++)
        put(model, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2 : 1);
    put(model, "\"", 1);
}

static void put_text_end(struct model *model, uint64_t *random)
{
    bool carriage = property_next(random) % 3 == 0;
    put(model, carriage ? "\r\n" : "\n", carriage ? 2 : 1);
}

static void put_row(struct model *model, uint64_t *random)
{
    static const char characters[] = "abcdefgh,\"\n\r 1";
    struct model_row *row = &model->rows[model->row_count++];
    char number[64];
    row->has_number = property_next(random) % 5 != 0;
    row->number = (int64_t)property_next(random) >> (property_next(random) % 64);
    row->has_text = property_next(random) % 5 != 0;
    row->text_bytes = property_next(random) % (property_next(random) % 4 == 0 ? TEXT_MAX : 8);
    for (size_t i = 0; i < row->text_bytes; i++)
        row->text[i] = characters[property_next(random) % (sizeof characters - 1)];
    row->real = (double)((int64_t)property_next(random) >> (property_next(random) % 64)) / 1024;
    int length = snprintf(number, sizeof number, "%" PRIi64, row->number);
    if (row->has_number)
        put(model, number, (size_t)length);
    put(model, ",", 1);
    put_text(model, row, random);
    length = snprintf(number, sizeof number, ",%.17g", row->real);
    put(model, number, (size_t)length);
    bool last = model->row_count == ROWS_MAX;
    if (!last || property_next(random) % 2 == 0)
        put_text_end(model, random);
}

static void make_model(struct model *model, uint64_t *random)
{
    size_t rows = 1 + property_next(random) % (ROWS_MAX - 1);
    if (property_next(random) % 3 == 0)
        put(model, "\xef\xbb\xbf", 3);
    for (size_t i = 0; i < rows; i++)
        put_row(model, random);
}

static bool row_is(const barks_batch *batch, uint32_t i, const struct model_row *row)
{
    const barks_str *text = (const barks_str *)batch->columns[1].values + i;
    double real = ((const double *)batch->columns[2].values)[i];
    bool number_good =
        barks_is_valid(&batch->columns[0], i) == row->has_number &&
        ((const int64_t *)batch->columns[0].values)[i] == (row->has_number ? row->number : 0);
    bool text_good =
        barks_is_valid(&batch->columns[1], i) == row->has_text &&
        (!row->has_text || (text->length == row->text_bytes &&
                            memcmp(barks_str_bytes(text), row->text, row->text_bytes) == 0));
    return number_good && text_good && real == row->real;
}

static size_t check_rows(const struct source_options *options, const struct split *splits,
                         size_t split_count, const struct model *model, size_t row, uint64_t seed)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(csv_source_open(pool, options, schema, splits, split_count, NULL, &source));
    must(batch_create(pool, schema, 0, &batch));
    for (;;) {
        must(source_next(source, batch));
        must(batch_validate(batch, false));
        if (batch->base.row_count == 0)
            break;
        for (uint32_t i = 0; i < batch->base.row_count; i++, row++)
            REQUIRE(row < model->row_count && row_is(&batch->base, i, &model->rows[row]),
                    "row %zu differs; replay with BARKS_TEST_SEED=%" PRIu64, row, seed);
    }
    source_close(source);
    batch_destroy(batch);
    return row;
}

/* The states at the beginnings of splits, from their maps, as a driver finds them. */
static void find_states(const struct source_options *options, struct split *splits, size_t count)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    enum csv_state state = CSV_ROW;
    must(csv_scan_open(pool, options, splits, count, &source));
    must(batch_create(pool, csv_scan_schema(), 0, &batch));
    for (size_t i = 0; i < count; i++) {
        must(source_next(source, batch));
        ck_assert_uint_eq(batch->base.row_count, 1);
        splits[i].start_state = (uint8_t)state;
        state = csv_map_apply((csv_map)((const int64_t *)batch->base.columns[0].values)[0], state);
    }
    must(source_next(source, batch));
    ck_assert_uint_eq(batch->base.row_count, 0);
    source_close(source);
    batch_destroy(batch);
}

static void split_anywhere(uint64_t seed)
{
    begin();
    uint64_t random = seed;
    must(schema_parse("number i64?, text str?, real f64", &schema));
    for (int round = 0; round < 60; round++) {
        struct model *model = calloc(1, sizeof *model);
        ck_assert_ptr_nonnull(model);
        make_model(model, &random);
        const char *path = path_in(directory, "rows.csv");
        write_file(path, model->file, model->file_bytes);
        struct split splits[8];
        struct source_options options = {.multiline = true};
        size_t count = 1 + property_next(&random) % 8;
        uint64_t at = 0;
        for (size_t i = 0; i < count; i++) {
            splits[i] = split_of(path);
            splits[i].begin = at;
            at = i + 1 == count ? model->file_bytes
                                : at + property_next(&random) % (model->file_bytes - at + 1);
            splits[i].end = at;
        }
        options.chunk_bytes = 16 + property_next(&random) % 500;
        find_states(&options, splits, count);
        size_t row = 0;
        for (size_t i = 0; i < count; i++)
            row = check_rows(&options, &splits[i], 1, model, row, seed);
        ck_assert_uint_eq(row, model->row_count);
        ck_assert_uint_eq(check_rows(&options, splits, count, model, 0, seed), model->row_count);
        free(model->file);
        free(model);
    }
    end();
}

START_TEST(any_splits_and_chunks_give_each_row_once)
{
    split_anywhere(property_seed());
    split_anywhere(UINT64_C(8631453000247508098)); /* a split that begins inside a mark */
}
END_TEST

/* Reads a text of CSV; what its rows print as, one a line, to be freed. */
static barks_status *read_text(const char *text, const struct source_options *options,
                               struct bad_rows *bad, char *out, size_t out_bytes)
{
    const char *path = path_in(directory, "text.csv");
    write_text_file(path, text);
    struct split split = split_of(path);
    struct source *source = NULL;
    struct batch *batch = NULL;
    size_t used = 0;
    out[0] = '\0';
    must(csv_source_open(pool, options, schema, &split, 1, bad, &source));
    must(batch_create(pool, schema, 0, &batch));
    barks_status *status = NULL;
    while ((status = source_next(source, batch)) == NULL && batch->base.row_count > 0)
        for (uint32_t i = 0; i < batch->base.row_count; i++) {
            for (uint32_t c = 0; c < schema->field_count; c++) {
                const barks_column *column = &batch->base.columns[c];
                const barks_str *view = (const barks_str *)column->values + i;
                if (!barks_is_valid(column, i))
                    used += (size_t)snprintf(out + used, out_bytes - used, "null ");
                else if (column->type->id == BARKS_STR)
                    used += (size_t)snprintf(out + used, out_bytes - used, "[%.*s] ",
                                             (int)view->length, barks_str_bytes(view));
                else
                    used += (size_t)snprintf(out + used, out_bytes - used, "%" PRIi64 " ",
                                             ((const int64_t *)column->values)[i]);
            }
            out[used - 1] = '\n';
        }
    source_close(source);
    batch_destroy(batch);
    return status;
}

START_TEST(the_rules_of_values_hold)
{
    begin();
    char got[1000];
    struct source_options plain = {0};
    must(schema_parse("a str?, b i64?", &schema));
    must(read_text("x,1\r\n\"\",2\n,3\n\n\"a \"\"b\"\"\",\n'q\"r', 4 \n\"1\n2\",\"5\"", &plain,
                   NULL, got, sizeof got));
    ck_assert_str_eq(got, "[x] 1\n[] 2\nnull 3\n[a \"b\"] null\n['q\"r'] 4\n[1\n2] 5\n");
    struct source_options other = {
        .separator = ';', .quote = '\'', .escape = '\\', .comment = '#', .skip = 2};
    other.null_text = (char *)(uintptr_t) "NA"; /* lent */
    must(read_text("junk \"\nmore\n# no row\n'a\\'b';1\nNA;NA\nx;9223372036854775807\n", &other,
                   NULL, got, sizeof got));
    ck_assert_str_eq(got, "[a'b] 1\nnull null\n[x] 9223372036854775807\n");
    other.null_text = (char *)(uintptr_t) "-1"; /* lent */
    other.skip = 0;
    must(read_text("x;-1\n'-1';-10\n", &other, NULL, got, sizeof got));
    ck_assert_str_eq(got, "[x] null\n[-1] -10\n");
    must(read_text("", &plain, NULL, got, sizeof got));
    ck_assert_str_eq(got, "");
    end();
}
END_TEST

START_TEST(columns_are_found_by_their_names)
{
    begin();
    char got[1000];
    char *names[] = {(char *)(uintptr_t) "c", (char *)(uintptr_t) "b", (char *)(uintptr_t) "a"};
    struct source_options options = {.header = true, .names = names, .name_count = 3};
    must(schema_parse("a str?, b i64?", &schema));
    must(read_text("c,\"b\",a\nz,1,x\n\"w\nw\",2,y\n", &options, NULL, got, sizeof got));
    ck_assert_str_eq(got, "[x] 1\n[y] 2\n");
    must_fail(read_text("c,a,b\nz,1,x\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT,
              "column 2", "text.csv", NULL);
    end();
}
END_TEST

START_TEST(a_bad_row_is_told_dropped_kept_or_put_aside)
{
    begin();
    static const char text[] = "x,1\ny,two\n\"z\" q,3\nw\nv,1,2\nu,7\n";
    char got[1000];
    struct source_options options = {0};
    struct bad_rows bad = {0};
    must(schema_parse("a str?, b i64", &schema));
    must_fail(read_text(text, &options, NULL, got, sizeof got), BARKS_BAD_INPUT, "line 2",
              "text.csv", "column 2", "'two'", "no i64", NULL);
    must_fail(read_text("x,1\n\"y,2\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT, "line 2",
              "a quote is not closed", NULL);
    must_fail(read_text("x,\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT, "'b' is empty",
              NULL);
    must(bad_rows_init(&bad, pool, BAD_ROWS_DROP, NULL, 0));
    must(read_text(text, &options, &bad, got, sizeof got));
    ck_assert_str_eq(got, "[x] 1\n[u] 7\n");
    ck_assert_uint_eq(bad.count, 4);
    bad_rows_drop(&bad);
    struct quarantine_place place = {.directory = directory, .token = "7-a", .job = 12};
    must(bad_rows_init(&bad, pool, BAD_ROWS_QUARANTINE, &place, 3));
    must(read_text(text, &options, &bad, got, sizeof got));
    must(bad_rows_finish(&bad));
    bad_rows_drop(&bad);
    ck_assert_int_ne(access(path_in(directory, "bad-00003.json"), F_OK), 0); /* not yet */
    must(quarantine_publish(&place));
    size_t size_bytes = 0;
    char *aside = read_file(path_in(directory, "bad-00003.json"), &size_bytes);
    ck_assert_ptr_nonnull(strstr(aside, "\"byte\":4,"));
    ck_assert_ptr_nonnull(strstr(aside, "\"text\":\"\\\"z\\\" q,3\"}\n"));
    free(aside);
    must(bad_rows_init(&bad, pool, BAD_ROWS_DROP, NULL, 0));
    bad.most = 3;
    must_fail(read_text(text, &options, &bad, got, sizeof got), BARKS_BAD_INPUT,
              "4 rows of one partition are bad, more than .max_bad = 3; the last: byte 20 of '",
              "text.csv', column 3: the row has more than 2 columns", NULL);
    bad_rows_drop(&bad);
    schema_destroy(schema);
    must(schema_parse("a str?, b i64?, _corrupt str?", &schema));
    options.bad_rows = BAD_ROWS_KEEP;
    must(bad_rows_init(&bad, pool, BAD_ROWS_KEEP, NULL, 0));
    must(read_text(text, &options, &bad, got, sizeof got));
    bad_rows_drop(&bad);
    ck_assert_str_eq(got, "[x] 1 null\nnull null [y,two]\nnull null [\"z\" q,3]\nnull null [w]\n"
                          "null null [v,1,2]\n[u] 7 null\n");
    end();
}
END_TEST

START_TEST(what_is_put_aside_appears_with_its_job_alone)
{
    begin();
    char got[1000];
    struct source_options options = {0};
    struct bad_rows bad = {0}, unfinished = {0};
    must(schema_parse("a i64", &schema));
    struct quarantine_place first = {.directory = directory, .token = "7-a", .job = 1};
    struct quarantine_place second = {.directory = directory, .token = "7-a", .job = 10};
    const char *shown = path_in(directory, "bad-00000.json");
    for (int attempt = 0; attempt < 2; attempt++) { /* two of one partition */
        must(bad_rows_init(&bad, pool, BAD_ROWS_QUARANTINE, &first, 0));
        must(read_text("x\n1\n", &options, &bad, got, sizeof got));
        must(bad_rows_finish(&bad));
        bad_rows_drop(&bad);
    }
    must(bad_rows_init(&unfinished, pool, BAD_ROWS_QUARANTINE, &first, 1));
    must(read_text("y\n", &options, &unfinished, got, sizeof got));
    must(bad_rows_init(&bad, pool, BAD_ROWS_QUARANTINE, &second, 2));
    must(read_text("z\n", &options, &bad, got, sizeof got));
    must(bad_rows_finish(&bad));
    bad_rows_drop(&bad);
    must(quarantine_publish(&first));
    bad_rows_drop(&unfinished);
    size_t size_bytes = 0;
    char *aside = read_file(shown, &size_bytes);
    ck_assert_ptr_nonnull(strstr(aside, "\"text\":\"x\"}\n"));
    free(aside);
    ck_assert_int_ne(access(path_in(directory, "bad-00001.json"), F_OK), 0);
    ck_assert_int_ne(access(path_in(directory, "bad-00002.json"), F_OK), 0);
    must(quarantine_discard(&second));
    must(quarantine_publish(&second));
    ck_assert_int_ne(access(path_in(directory, "bad-00002.json"), F_OK), 0);
    must(bad_rows_init(&bad, pool, BAD_ROWS_QUARANTINE, &second, 0)); /* the input was mended */
    must(read_text("1\n", &options, &bad, got, sizeof got));
    must(bad_rows_finish(&bad));
    bad_rows_drop(&bad);
    ck_assert_int_eq(access(shown, F_OK), 0);
    must(quarantine_publish(&second));
    ck_assert_int_ne(access(shown, F_OK), 0);
    struct quarantine_place gone = {.directory = "/nowhere/at/all", .token = "7-a"};
    must_fail(quarantine_publish(&gone), BARKS_IO, "/nowhere/at/all", NULL);
    end();
}
END_TEST

START_TEST(a_first_record_is_read_as_names)
{
    begin();
    const char *path = path_in(directory, "head.csv");
    struct source_options options = {.skip = 1};
    struct csv_record record = {0};
    write_text_file(path, "\xef\xbb\xbfignored\n\na,\"b \"\"c\"\"\nd\",\r\n1,2,3\n");
    struct split split = split_of(path);
    must(csv_read_first(pool, &options, &split, &record));
    ck_assert_uint_eq(record.count, 3);
    ck_assert_str_eq(record.values[0], "a");
    ck_assert_str_eq(record.values[1], "b \"c\"\nd");
    ck_assert_str_eq(record.values[2], "");
    csv_record_drop(&record);
    end();
}
END_TEST

START_TEST(names_of_columns_are_trimmed_and_differ)
{
    begin();
    static const char *const wanted[] = {"a", "b c", "column_3", "a_2", "a_3", "column_6", "a_1"};
    const char *path = path_in(directory, "head.csv");
    struct source_options options = {0};
    struct csv_record record = {0};
    write_text_file(path, " a ,b c\t,,a,\" a\",  ,a_1\n");
    struct split split = split_of(path);
    must(csv_read_header(pool, &options, &split, &record));
    ck_assert_uint_eq(record.count, 7);
    for (uint32_t c = 0; c < record.count; c++)
        ck_assert_str_eq(record.values[c], wanted[c]);
    csv_record_drop(&record);
    end();
}
END_TEST

START_TEST(maps_of_many_bytes_are_those_of_one_byte_after_the_other)
{
    uint64_t seed = property_seed(), random = seed;
    static const char alphabet[] = "\"\"'\\,,\n\r#abcdefghij";
    for (int round = 0; round < 400; round++) {
        struct source_options options = {.escape = round % 3 == 0 ? '\\' : 0,
                                         .comment = round % 4 == 0 ? '#' : 0,
                                         .quote = round % 5 == 0 ? '\'' : 0,
                                         .no_quotes = round % 7 == 0};
        struct csv_machine machine;
        uint8_t bytes[1000];
        size_t size = property_next(&random) % sizeof bytes;
        uint64_t letters = 1 + property_next(&random) % (sizeof alphabet - 1);
        for (size_t i = 0; i < size; i++)
            bytes[i] =
                (uint8_t)alphabet[property_next(&random) % 3 == 0 ? property_next(&random) % letters
                                                                  : sizeof alphabet - 2];
        csv_machine_init(&machine, &options);
        csv_map map = CSV_MAP_SAME;
        for (size_t at = 0; at < size;) {
            size_t step = 1 + property_next(&random) % 300;
            step = step < size - at ? step : size - at;
            map = csv_map_extend(&machine, map, bytes + at, step);
            at += step;
        }
        for (unsigned s = 0; s < CSV_STATES; s++) {
            bool possible = s != CSV_COMMENT || options.comment != 0;
            enum csv_state slow = csv_machine_run(&machine, (enum csv_state)s, bytes, size);
            REQUIRE(!possible || csv_map_apply(map, (enum csv_state)s) == slow,
                    "round %d, state %u; replay with BARKS_TEST_SEED=%" PRIu64, round, s, seed);
        }
    }
}
END_TEST

START_TEST(short_and_long_rows_are_taken_where_that_is_asked_for)
{
    begin();
    static const char text[] = "x,1,2\ny\nz,3\nw,4,5,6\nv,7,8,\"9\n9\",10\nu,11,12\n\"t\"";
    char got[1000];
    must(schema_parse("a str, b i64?, c i64?", &schema));
    struct source_options options = {.ragged = CSV_RAGGED_SHORT};
    struct bad_rows bad = {.mode = BAD_ROWS_DROP};
    must(read_text(text, &options, &bad, got, sizeof got));
    ck_assert_str_eq(got, "[x] 1 2\n[y] null null\n[z] 3 null\n[u] 11 12\n[t] null null\n");
    ck_assert_uint_eq(bad.count, 2);
    options.ragged = CSV_RAGGED_ANY;
    for (size_t chunk_bytes = 16; chunk_bytes < 40; chunk_bytes++) {
        options.chunk_bytes = chunk_bytes;
        must(read_text(text, &options, NULL, got, sizeof got));
        ck_assert_str_eq(got, "[x] 1 2\n[y] null null\n[z] 3 null\n[w] 4 5\n[v] 7 8\n[u] 11 12\n"
                              "[t] null null\n");
    }
    schema_destroy(schema);
    must(schema_parse("a str, b i64?, c i64", &schema));
    must_fail(read_text(text, &options, NULL, got, sizeof got), BARKS_BAD_INPUT, "line 2",
              "column 3: the row has 1 columns, and the field 'c' is not optional", NULL);
    end();
}
END_TEST

START_TEST(each_file_may_have_columns_of_its_own)
{
    begin();
    char got[1000];
    struct source_options options = {.header = true, .columns = CSV_BY_NAME};
    must(schema_parse("a str?, b i64?", &schema));
    must(read_text("z, b ,a\n1,2,x\n", &options, NULL, got, sizeof got));
    ck_assert_str_eq(got, "[x] 2\n");
    must(read_text("b\n1\n\n2\n", &options, NULL, got, sizeof got));
    ck_assert_str_eq(got, "null 1\nnull null\nnull 2\n"); /* of one column an empty line is null */
    must(read_text("y,z\n1,2\n", &options, NULL, got, sizeof got));
    ck_assert_str_eq(got, "null null\n");
    must(read_text("", &options, NULL, got, sizeof got));
    must_fail(read_text("b\nx\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT, "line 2",
              "column 'b' is 'x'", NULL);
    options.columns = CSV_BY_NAME_STRICT;
    must_fail(read_text("a,b,z\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT,
              "column 3 of '", "is 'z', and no field is", NULL);
    schema_destroy(schema);
    must(schema_parse("a str?, b i64", &schema));
    must_fail(read_text("a,c\nx,1\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT,
              "is 'c', and no field is", NULL);
    options.columns = CSV_BY_NAME;
    must_fail(read_text("a\nx\n", &options, NULL, got, sizeof got), BARKS_BAD_INPUT,
              "has no column 'b', and its field is not optional", NULL);
    end();
}
END_TEST

SUITE_MAIN("io/csv_source", any_splits_and_chunks_give_each_row_once, the_rules_of_values_hold,
           columns_are_found_by_their_names, a_bad_row_is_told_dropped_kept_or_put_aside,
           what_is_put_aside_appears_with_its_job_alone, a_first_record_is_read_as_names,
           names_of_columns_are_trimmed_and_differ,
           maps_of_many_bytes_are_those_of_one_byte_after_the_other,
           short_and_long_rows_are_taken_where_that_is_asked_for,
           each_file_may_have_columns_of_its_own)
