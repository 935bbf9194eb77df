#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "io/text_source.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POOL_BYTES = 64 * 1024 * 1024 };

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

/* Lines with their lengths, one after the other: what a test compares. */
struct rows {
    char *bytes;
    size_t size_bytes;
    size_t capacity;
    uint64_t count;
};

static void rows_drop(struct rows *rows)
{
    free(rows->bytes);
    *rows = (struct rows){0};
}

static void rows_add(struct rows *rows, const char *bytes, size_t length)
{
    if (rows->size_bytes + length + 4 > rows->capacity) {
        rows->capacity = 2 * (rows->size_bytes + length + 4);
        rows->bytes = realloc(rows->bytes, rows->capacity);
        ck_assert_ptr_nonnull(rows->bytes);
    }
    uint32_t short_length = (uint32_t)length;
    memcpy(rows->bytes + rows->size_bytes, &short_length, 4);
    memcpy(rows->bytes + rows->size_bytes + 4, bytes, length);
    rows->size_bytes += length + 4;
    rows->count++;
}

static bool rows_equal(const struct rows *a, const struct rows *b)
{
    return a->count == b->count && a->size_bytes == b->size_bytes &&
           (a->size_bytes == 0 || memcmp(a->bytes, b->bytes, a->size_bytes) == 0);
}

/* S61 in the dumbest way. */
static void model_lines(const char *text, size_t size_bytes, struct rows *out)
{
    if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size_bytes -= 3;
    }
    size_t first = 0;
    for (size_t i = 0; i < size_bytes; i++)
        if (text[i] == '\n') {
            rows_add(out, text + first, i - first - (i > first && text[i - 1] == '\r'));
            first = i + 1;
        }
    if (first < size_bytes)
        rows_add(out, text + first, size_bytes - first);
}

static void rows_add_batch(struct rows *rows, const struct batch *batch)
{
    const barks_str *texts = batch->base.columns[0].values;
    for (uint32_t i = 0; i < batch->base.row_count; i++)
        rows_add(rows, barks_str_bytes(&texts[i]), texts[i].length);
}

/* A batch that somebody holds is as it was, whatever was read since. */
static void check_kept(const struct batch *kept, const struct rows *rows)
{
    BARKS_AUTO(rows) now = {0};
    if (kept == NULL)
        return;
    rows_add_batch(&now, kept);
    REQUIRE(rows_equal(&now, rows), "a batch has changed while it was held");
}

/* Reads splits to their end. Each row's place is looked up now and then and compared with the text
 * at it. */
static barks_status *read_rows(const struct text_source_options *options,
                               const struct split *splits, size_t split_count, uint64_t *random,
                               struct rows *out)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    BARKS_TRY(text_source_open(pool, options, splits, split_count, &source));
    must(batch_create(pool, text_source_schema(), 0, &batch));
    barks_status *status = NULL;
    struct batch *kept = NULL; /* now and then a batch is held while the source goes on */
    BARKS_AUTO(rows) kept_rows = {0};
    uint64_t before = out->count;
    while ((status = source_next(source, batch)) == NULL && batch->base.row_count > 0) {
        must(batch_validate(batch, false));
        const barks_str *texts = batch->base.columns[0].values;
        rows_add_batch(out, batch);
        if (random != NULL && property_next(random) % 4 == 0) {
            uint32_t row = (uint32_t)(property_next(random) % batch->base.row_count);
            struct source_place place = {0};
            source_place(source, row, &place);
            size_t file_bytes = 0;
            char *file = read_file(place.path, &file_bytes);
            bool marked =
                place.offset == 0 && file_bytes >= 3 && memcmp(file, "\xef\xbb\xbf", 3) == 0;
            ck_assert_uint_le(place.offset + texts[row].length, file_bytes);
            REQUIRE(place.offset == 0 || file[place.offset - 1] == '\n',
                    "place.offset == 0 || file[place.offset - 1] == '\\n'");
            ck_assert_mem_eq(file + place.offset + (marked ? 3 : 0), barks_str_bytes(&texts[row]),
                             texts[row].length);
            free(file);
        }
        if (random != NULL && property_next(random) % 4 == 0) {
            check_kept(kept, &kept_rows);
            batch_destroy(kept);
            kept = batch;
            rows_drop(&kept_rows);
            rows_add_batch(&kept_rows, kept);
            must(batch_create(pool, text_source_schema(), 0, &batch));
        }
    }
    if (status == NULL)
        ck_assert_uint_eq(source->row_count, out->count - before);
    source_close(source);
    batch_destroy(batch);
    check_kept(kept, &kept_rows); /* also after the source is gone */
    batch_destroy(kept);
    return status;
}

static size_t random_text(uint64_t *random, char *text, size_t size_max)
{
    static const char *const kinds[] = {"\n",   "\r\n",     "\r",           "ab",   "",
                                        "x\0y", "\xff\xfe", "\xef\xbb\xbf", "\n\n", "word "};
    size_t size_bytes = 0;
    size_t wanted = property_next(random) % size_max;
    unsigned line_ends = 1 + (unsigned)(property_next(random) % 30);
    if (property_next(random) % 4 == 0) {
        memcpy(text, "\xef\xbb\xbf", 3);
        size_bytes = 3;
    }
    while (size_bytes < wanted) {
        size_t kind = property_next(random) % line_ends;
        const char *piece = kind < 10 ? kinds[kind] : "longer text";
        size_t length = kind == 5 ? 3 : strlen(piece);
        memcpy(text + size_bytes, piece, length);
        size_bytes += length;
    }
    return size_bytes;
}

START_TEST(each_line_is_read_once_wherever_the_splits_lie)
{
    begin();
    uint64_t seed = property_seed();
    uint64_t random = seed;
    static char text[20000];
    for (int step = 0; step < 400; step++) {
        BARKS_AUTO(rows) expected = {0};
        BARKS_AUTO(rows) found = {0};
        struct split splits[64];
        size_t split_count = 0;
        size_t file_count = 1 + property_next(&random) % 4;
        for (size_t f = 0; f < file_count; f++) {
            char name[20];
            (void)snprintf(name, sizeof name, "f%zu", f);
            const char *path = path_in(directory, name);
            size_t size_bytes = random_text(&random, text, step % 2 == 0 ? 100 : 15000);
            write_file(path, text, size_bytes);
            model_lines(text, size_bytes, &expected);
            struct split whole = split_of(path);
            uint64_t at = 0;
            for (size_t left = 1 + property_next(&random) % 10; left > 0; left--) {
                splits[split_count] = whole;
                splits[split_count].begin = at;
                at = left == 1 ? size_bytes : at + property_next(&random) % (size_bytes - at + 1);
                splits[split_count++].end = at;
            }
        }
        struct text_source_options options = {.chunk_bytes = 16 + property_next(&random) % 3000};
        for (size_t first = 0; first < split_count;) { /* several splits to a partition */
            size_t count = 1 + property_next(&random) % (split_count - first);
            must(read_rows(&options, splits + first, count, &random, &found));
            first += count;
        }
        REQUIRE(rows_equal(&expected, &found),
                "step %d: %ju lines instead of %ju; replay with BARKS_TEST_SEED=%" PRIu64, step,
                (uintmax_t)found.count, (uintmax_t)expected.count, seed);
    }
    end();
}
END_TEST

static void expect_lines(const char *text, size_t size_bytes, size_t line_count,
                         const char *const *lines)
{
    const char *path = path_in(directory, "text");
    write_file(path, text, size_bytes);
    BARKS_AUTO(rows) expected = {0};
    for (size_t i = 0; i < line_count; i++)
        rows_add(&expected, lines[i], strlen(lines[i]));
    struct split split = split_of(path);
    for (size_t chunk_bytes = 0; chunk_bytes < 30; chunk_bytes += chunk_bytes == 0 ? 16 : 1) {
        BARKS_AUTO(rows) found = {0};
        struct text_source_options options = {.chunk_bytes = chunk_bytes};
        must(read_rows(&options, &split, 1, NULL, &found));
        ck_assert(rows_equal(&expected, &found));
    }
}
#define EXPECT(text, ...)                                                                          \
    do {                                                                                           \
        const char *const lines[] = {__VA_ARGS__};                                                 \
        expect_lines((text), sizeof(text) - 1, sizeof lines / sizeof *lines, lines);               \
    } while (0)

START_TEST(line_ends_are_as_decided)
{
    begin();
    expect_lines("", 0, 0, NULL);
    expect_lines("\xef\xbb\xbf", 3, 0, NULL);
    EXPECT("\n", "");
    EXPECT("a", "a");
    EXPECT("\n\n", "", "");
    EXPECT("a\r\nb\r\r\nc\r", "a", "b\r", "c\r");
    EXPECT("\r\n", "");
    EXPECT("\xef\xbb\xbf\r\nx", "", "x");
    EXPECT("\xef\xbb\xbfhello and more than twelve\n\xef\xbb\xbf", "hello and more than twelve",
           "\xef\xbb\xbf");
    EXPECT("\xef\xbb\n", "\xef\xbb");
    end();
}
END_TEST

START_TEST(a_line_above_the_limit_is_named_with_its_offset)
{
    begin();
    char text[400];
    memset(text, 'x', sizeof text);
    memcpy(text, "first\n", 6);
    text[206] = '\n';
    const char *path = path_in(directory, "long");
    write_file(path, text, sizeof text);
    struct split split = split_of(path);
    for (size_t chunk_bytes = 16; chunk_bytes < 1000; chunk_bytes += 7) {
        struct text_source_options options = {.line_bytes_max = 200, .chunk_bytes = chunk_bytes};
        BARKS_AUTO(rows) rows = {0};
        must(read_rows(&options, &split, 1, NULL, &rows));
        ck_assert_uint_eq(rows.count, 3);
        options.line_bytes_max = 199;
        must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_LIMIT, path, "byte 6 ", "199",
                  NULL);
    }
    text[399] = '\n'; /* the last line may be long and whole, too */
    text[206] = 'x';
    write_file(path, text, sizeof text);
    split = split_of(path);
    struct text_source_options options = {.line_bytes_max = 392};
    BARKS_AUTO(rows) rows = {0};
    must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_LIMIT, path, "byte 6 ", NULL);
    options.line_bytes_max = 393;
    must(read_rows(&options, &split, 1, NULL, &rows));
    end();
}
END_TEST

START_TEST(a_long_line_needs_no_more_than_four_times_its_length)
{
    begin();
    size_t size_bytes = 10 * 1000 * 1000;
    char *text = malloc(size_bytes);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size_bytes);
    const char *path = path_in(directory, "long");
    write_file(path, text, size_bytes);
    free(text);
    struct split split = split_of(path);
    struct text_source_options options = {0};
    BARKS_AUTO(rows) rows = {0};
    must(read_rows(&options, &split, 1, NULL, &rows));
    ck_assert_uint_eq(rows.count, 1);
    ck_assert_uint_lt(pool_peak_bytes(pool), 4 * size_bytes);
    end();
}
END_TEST

START_TEST(blocks_are_used_again_when_nobody_holds_them)
{
    begin();
    size_t size_bytes = 20 * 1000 * 1000;
    char *text = malloc(size_bytes);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = i % 80 == 79 ? '\n' : 'x';
    const char *path = path_in(directory, "text");
    write_file(path, text, size_bytes);
    free(text);
    struct split split = split_of(path);
    struct text_source_options options = {0};
    BARKS_AUTO(rows) rows = {0};
    must(read_rows(&options, &split, 1, NULL, &rows));
    ck_assert_uint_eq(rows.count, size_bytes / 80);
    ck_assert_uint_le(pool_peak_bytes(pool), 2 * 1024 * 1024);
    end();
}
END_TEST

START_TEST(a_file_that_is_cut_or_changed_is_an_error)
{
    begin();
    const char *path = path_in(directory, "text");
    struct text_source_options options = {.chunk_bytes = 16};
    write_text_file(path, "one line\nanother line that goes on\n");
    struct split split = split_of(path);
    ck_assert_int_eq(truncate(path, 20), 0);
    BARKS_AUTO(rows) rows = {0};
    must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_IO, path, "byte 20", "35", NULL);

    write_text_file(path, "one line\nanother line that goes on\n");
    split = split_of(path);
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_IO, path, "changed", NULL);
    ck_assert_int_eq(unlink(path), 0);
    must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_IO, path, "No such file", NULL);
    end();
}
END_TEST

START_TEST(a_file_that_is_cut_while_it_is_read_is_an_error)
{
    begin();
    const char *path = path_in(directory, "text");
    write_text_file(path, "one line\nanother line that goes on\n");
    struct split split = split_of(path);
    struct text_source_options options = {.chunk_bytes = 16};
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(text_source_open(pool, &options, &split, 1, &source));
    must(batch_create(pool, text_source_schema(), 0, &batch));
    must(source_next(source, batch));
    ck_assert_uint_eq(batch->base.row_count, 1);
    ck_assert_int_eq(truncate(path, 20), 0);
    must_fail(source_next(source, batch), BARKS_IO, path, "byte 20", NULL);
    ck_assert_uint_eq(batch->base.row_count, 0);
    source_close(source);
    batch_destroy(batch);
    end();
}
END_TEST

START_TEST(a_file_that_has_grown_is_read_to_its_old_end)
{
    begin();
    const char *path = path_in(directory, "log");
    write_text_file(path, "one\ntwo");
    struct split split = split_of(path);
    write_text_file(path, "one\ntwo and more\nthree\n");
    struct text_source_options options = {0};
    BARKS_AUTO(rows) rows = {0};
    BARKS_AUTO(rows) expected = {0};
    rows_add(&expected, "one", 3);
    rows_add(&expected, "two", 3);
    must(read_rows(&options, &split, 1, NULL, &rows));
    ck_assert(rows_equal(&expected, &rows));
    end();
}
END_TEST

START_TEST(the_budget_is_an_error_that_names_the_line)
{
    begin();
    struct pool *small = NULL;
    struct pool *large = pool;
    must(pool_create(4 * 1024 * 1024, &small));
    size_t size_bytes = 8 * 1000 * 1000;
    char *text = malloc(size_bytes);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size_bytes);
    const char *path = path_in(directory, "long");
    write_file(path, text, size_bytes);
    free(text);
    struct split split = split_of(path);
    struct text_source_options options = {0};
    BARKS_AUTO(rows) rows = {0};
    pool = small;
    must_fail(read_rows(&options, &split, 1, NULL, &rows), BARKS_LIMIT, path, "byte 0", NULL);
    ck_assert_uint_eq(pool_used_bytes(small), 0);
    pool_destroy(small);
    pool = large;
    end();
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    begin();
    struct source *source = NULL;
    struct text_source_options options = {.line_bytes_max = UINT64_C(1) << 32};
    must_fail(text_source_open(pool, &options, NULL, 0, &source), BARKS_INVALID, "line_bytes_max",
              NULL);
    options = (struct text_source_options){.chunk_bytes = 1};
    must_fail(text_source_open(pool, &options, NULL, 0, &source), BARKS_INVALID, "chunk_bytes",
              NULL);
    end();
}
END_TEST

SUITE_MAIN("io/text_source", each_line_is_read_once_wherever_the_splits_lie,
           line_ends_are_as_decided, a_line_above_the_limit_is_named_with_its_offset,
           a_long_line_needs_no_more_than_four_times_its_length,
           blocks_are_used_again_when_nobody_holds_them, a_file_that_is_cut_or_changed_is_an_error,
           a_file_that_is_cut_while_it_is_read_is_an_error,
           a_file_that_has_grown_is_read_to_its_old_end, the_budget_is_an_error_that_names_the_line,
           options_that_make_no_sense_are_refused)
