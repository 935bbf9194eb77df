#include "rdd/cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a place for files ---- */

static char place[] = "/tmp/barks-test-XXXXXX";
static bool place_is_made;

static const char *path_of(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    if (!place_is_made)
        ck_assert_ptr_nonnull(mkdtemp(place));
    place_is_made = true;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", place, name);
    return path;
}

static void remove_place(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", place);
    ck_assert_int_eq(system(command), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0);
    ck_assert_int_eq(fclose(file), 0);
}

static char *read_text(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no file '%s'", path);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* ---- every format there and back ---- */

static bool same_real(double a, double b) { return a == b || (a != a && b != b); }

static void check_same(barks_rdd *rdd, const struct cases *cases, bool is_ordered)
{
    int64_t count = 0;
    bool *seen = calloc((size_t)cases->count + 1, sizeof *seen);
    struct case_row *rows = barks_collect(rdd, case_row, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, cases->count);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(rows[i].id >= 0 && rows[i].id < cases->count && !seen[rows[i].id]);
        ck_assert(!is_ordered || rows[i].id == i);
        seen[rows[i].id] = true;
        const struct case_row *is = &cases->rows[rows[i].id];
        ck_assert(rows[i].key == is->key && same_real(rows[i].real, is->real));
        ck_assert(rows[i].number.valid == is->number.valid &&
                  rows[i].number.value == is->number.value);
        ck_assert(rows[i].text.valid == is->text.valid &&
                  barks_str_equal(rows[i].text.value, is->text.value));
    }
    free(seen);
}

SHAPES(rows_go_out_and_come_back_in_every_format)
{
    uint64_t seed = property_seed();
    for (int round = 0; round < 4; round++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        ck_assert(barks_write_csv(rdd, path_of("csv"), .overwrite = true));
        ck_assert(barks_write_json(rdd, path_of("json"), .overwrite = true));
        ck_assert(barks_write_batches(rdd, path_of("batches"), .overwrite = true));
        check_same(barks_read_csv(context, path_of("csv"), case_row), &cases, true);
        check_same(barks_read_json(context, path_of("json"), case_row), &cases, true);
        check_same(barks_read_batches(context, path_of("batches"), case_row), &cases, true);
        cases_drop(&cases);
    }
    remove_place();
}

/* ---- splits whose bounds lie inside of quotes ---- */

BARKS_RECORD(note, (i64, id), (str, text));

SHAPES(quotes_across_splits_do_not_matter)
{
    const char *path = path_of("notes.csv");
    FILE *file = fopen(path, "w");
    enum { NOTES = 9000 };
    int64_t text_bytes = 0;
    fprintf(file, "text,id\n");
    for (int i = 0; i < NOTES; i++) {
        fprintf(file, "\"note %d,\n%d,\"\"%d\"\"\n0,1\n%*s\",%d\n", i, i, i, i % 40, "", i);
        char text[100];
        text_bytes +=
            snprintf(text, sizeof text, "note %d,\n%d,\"%d\"\n0,1\n%*s", i, i, i, i % 40, "");
    }
    fclose(file);
    barks_rdd *notes = barks_read_csv(context, path, note);
    int64_t count = 0;
    struct note *rows = barks_collect(notes, note, &count);
    ck_assert_int_eq(count, NOTES);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].id, i);
        text_bytes -= rows[i].text.length;
    }
    ck_assert_int_eq(text_bytes, 0);
    remove_place();
}

/* ---- columns ---- */

BARKS_RECORD(trip, (i64, year), (optional(str), country), (f64, price));
BARKS_RECORD(found, (optional(i64), a), (optional(f64), b), (optional(bool), c), (optional(str), d),
             (optional(i64), year));

SHAPES(directories_give_columns)
{
    int64_t count = 0;
    mkdir(path_of("t"), 0777);
    mkdir(path_of("t/year=2023"), 0777);
    mkdir(path_of("t/year=2024"), 0777);
    mkdir(path_of("t/year=2023/country=a%20b"), 0777);
    mkdir(path_of("t/year=2024/country=__HIVE_DEFAULT_PARTITION__"), 0777);
    write_text(path_of("t/year=2023/country=a%20b/x.csv"), "price\n1.5\n2.5\n");
    write_text(path_of("t/year=2024/country=__HIVE_DEFAULT_PARTITION__/x.csv"), "price\n4\n");
    struct trip *trips = barks_collect(
        barks_read_csv(context, path_of("t"), trip, .partitioned = true), trip, &count);
    ck_assert_int_eq(count, 3);
    ck_assert(trips[1].year == 2023 && trips[1].country.valid && trips[1].price == 2.5);
    ck_assert(barks_str_equal(trips[0].country.value, barks_str_of("a b", 3)));
    ck_assert(trips[2].year == 2024 && !trips[2].country.valid);
    remove_place();
}

SHAPES(types_are_inferred)
{
    int64_t count = 0;
    mkdir(path_of("i"), 0777);
    mkdir(path_of("i/year=7"), 0777);
    write_text(path_of("i/year=7/x.csv"), "a,b,c,d\n1,1,true,x\n,2.5,,1\n-3,NaN,FALSE,\"\"\n");
    barks_rdd *rdd = barks_read_csv_inferred(context, path_of("i"), .partitioned = true);
    struct found *rows = barks_collect(rdd, found, &count);
    ck_assert_int_eq(count, 3);
    ck_assert(rows[0].a.value == 1 && !rows[1].a.valid && rows[2].a.value == -3);
    ck_assert(rows[1].b.value == 2.5 && rows[0].c.value && !rows[1].c.valid && rows[2].c.valid);
    ck_assert(rows[1].d.valid && rows[2].d.valid && rows[2].d.value.length == 0);
    ck_assert(rows[2].year.value == 7);
    struct found *named = barks_collect(
        barks_read_csv_as(context, path_of("i/year=7"),
                          "a i64?, b f64?, c bool?, d str?, year i64?", .header = BARKS_NEVER,
                          .skip = 1, .bad_rows = BARKS_DROP_BAD),
        found, &count);
    ck_assert_ptr_nonnull(named);
    ck_assert_int_eq(count, 0); /* four columns are not five */
    remove_place();
}

/* ---- files of other columns ---- */

BARKS_RECORD(sale, (i64, id), (optional(f64), price), (optional(str), buyer));

SHAPES(files_of_other_columns_are_read_by_name)
{
    enum { SALES = 12000 }; /* several splits a file */
    int64_t count = 0;
    ck_assert_int_eq(mkdir(path_of("s"), 0777), 0);
    FILE *first = fopen(path_of("s/a.csv"), "w"), *second = fopen(path_of("s/b.csv"), "w");
    fprintf(first, "id,price\n");
    fprintf(second, "buyer,remark,id\n");
    for (int i = 0; i < SALES; i++) {
        fprintf(first, "%d,%d.5\n", i, i);
        fprintf(second, "\"buyer\n%d\",x,%d\n", i, SALES + i);
    }
    fclose(first);
    fclose(second);
    write_text(path_of("s/c.csv"), "id\n-1\n");
    const char *folder = path_of("s");
    barks_rdd *rdd = barks_read_csv(context, folder, sale, .columns = BARKS_COLUMNS_BY_NAME);
    struct sale *sales = barks_collect(rdd, sale, &count);
    ck_assert_int_eq(count, 2 * SALES + 1);
    for (int64_t i = 0; i < count - 1; i++) {
        ck_assert_int_eq(sales[i].id, i);
        ck_assert(sales[i].price.valid == (i < SALES) && sales[i].buyer.valid == (i >= SALES));
        ck_assert(i >= SALES || sales[i].price.value == (double)i + 0.5);
    }
    ck_assert(sales[count - 1].id == -1 && !sales[count - 1].price.valid);
    rdd = barks_read_csv_inferred(context, folder, .columns = BARKS_COLUMNS_BY_NAME);
    ck_assert_str_eq(barks_schema_text(rdd), "id i64?, price f64?, buyer str?, remark str?");
    ck_assert_int_eq(barks_count(rdd), 2 * SALES + 1);
    static const char *const wrong[][2] = {{"id i64, price f64?", "BARKS_COLUMNS_BY_NAME, or add"},
                                           {"id i64, cost f64?", "is named 'cost'"}};
    for (int i = 0; i < 2; i++) {
        char text[2000];
        rdd = barks_read_csv_as(context, folder, wrong[i][0],
                                .columns = BARKS_COLUMNS_BY_NAME_STRICT);
        ck_assert_int_eq(barks_count(rdd), -1);
        barks_status *error = barks_take_error(context);
        barks_status_format(error, text, sizeof text);
        ck_assert_msg(strstr(text, wrong[i][1]) != NULL, "%s", text);
        barks_status_free(error);
    }
    ck_assert_int_eq(barks_count(barks_read_csv_as(
                         context, path_of("s/a.csv"), "id i64, price f64?, c str?",
                         .header = BARKS_NEVER, .skip = 1, .ragged = BARKS_RAGGED_SHORT)),
                     SALES);
    remove_place();
}

/* ---- bad rows ---- */

BARKS_RECORD(kept, (optional(i64), id), (optional(str), _corrupt));
BARKS_RECORD(just_id, (i64, id));

SHAPES(bad_rows_are_kept_dropped_or_put_aside)
{
    int64_t count = 0;
    write_text(path_of("bad.csv"), "id\n1\ntwo\n3\n");
    struct kept *rows = barks_collect(
        barks_read_csv(context, path_of("bad.csv"), just_id, .bad_rows = BARKS_KEEP_BAD), kept,
        &count);
    ck_assert_int_eq(count, 3);
    ck_assert(rows[0].id.value == 1 && !rows[0]._corrupt.valid && !rows[1].id.valid);
    ck_assert(barks_str_equal(rows[1]._corrupt.value, barks_str_of("two", 3)));
    ck_assert_int_eq(barks_count(barks_read_csv(context, path_of("bad.csv"), just_id,
                                                .bad_rows = BARKS_DROP_BAD)),
                     2);
    ck_assert_int_eq(barks_count(barks_read_csv(context, path_of("bad.csv"), just_id,
                                                .bad_rows = BARKS_QUARANTINE_BAD,
                                                .quarantine = path_of("aside"))),
                     2);
    ck_assert_ptr_nonnull(strstr(read_text(path_of("aside/bad-00000.json")), "\"text\":\"two\""));
    remove_place();
}

BARKS_MAP(fail_always, just_id, just_id)
{
    out->id = in->id;
    fail("no");
}

static void fails_with(barks_context *context, const char *part)
{
    char text[3000];
    barks_status *error = barks_take_error(context);
    ck_assert_int_eq(barks_status_code(error), BARKS_BAD_INPUT);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, part) != NULL, "%s", text);
    barks_status_free(error);
}

/* 40 files of 20 kB make a partition for about each two of them. */
static void write_rows_some_bad(const char *folder)
{
    char name[64];
    ck_assert_int_eq(mkdir(path_of(folder), 0777), 0);
    for (int f = 0; f < 40; f++) {
        snprintf(name, sizeof name, "%s/%02d.json", folder, f);
        FILE *file = fopen(path_of(name), "w");
        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < 1000; i++)
            fprintf(file, i % 100 == 7 ? "{\"id\":\"%06d\"}\n" : "{\"id\":%8d}\n", f * 1000 + i);
        ck_assert_int_eq(fclose(file), 0);
    }
}

SHAPES(bad_rows_are_counted_and_limited)
{
    write_rows_some_bad("dirty");
    const char *folder = path_of("dirty");
    barks_rdd *rdd = barks_read_json(context, folder, just_id, .bad_rows = BARKS_DROP_BAD);
    barks_rdd *both = barks_union(rdd, barks_sort_by(rdd, "id desc"));
    ck_assert_int_eq(barks_bad_row_count(rdd), 0);
    ck_assert_int_eq(barks_count(rdd), 39600);
    ck_assert_int_eq(barks_bad_row_count(rdd), 400);
    ck_assert_int_eq(barks_count(both), 2 * 39600); /* the sample for the order counts none */
    ck_assert_int_eq(barks_bad_row_count(both), 400 + 800);
    barks_rdd *kept =
        barks_read_json(context, folder, just_id, .bad_rows = BARKS_KEEP_BAD, .max_bad = 400);
    ck_assert_int_eq(barks_count(kept), 40000);
    ck_assert_int_eq(barks_bad_row_count(kept), 400);
    ck_assert_int_eq(barks_bad_row_count(barks_range(context, 0, 9, 1, 1)), 0);
    rdd = barks_read_json(context, folder, just_id, .bad_rows = BARKS_DROP_BAD, .max_bad = 399);
    ck_assert(!barks_write_csv(rdd, path_of("out")));
    fails_with(context, "400, more than .max_bad = 399; the last: byte 14512 of '");
    ck_assert_int_ne(access(path_of("out"), F_OK), 0);
    ck_assert_int_eq(barks_bad_row_count(rdd), 0);
    rdd = barks_read_json(context, folder, just_id, .bad_rows = BARKS_DROP_BAD, .max_bad = 3);
    ck_assert_int_eq(barks_count(rdd), -1);
    fails_with(context, "4 rows of one partition are bad, more than .max_bad = 3; the last: byte ");
    ck_assert_int_eq(barks_count(barks_read_json(context, folder, just_id, .max_bad = 3)), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_int_eq(barks_status_code(error), BARKS_INVALID);
    barks_status_free(error);
    remove_place();
}

static int names_in(const char *path)
{
    char command[400];
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", path);
    FILE *count = popen(command, "r");
    int names = -1;
    ck_assert(count != NULL && fscanf(count, "%d", &names) == 1);
    ck_assert_int_eq(pclose(count), 0);
    return names;
}

SHAPES(what_is_put_aside_appears_with_the_output)
{
    write_rows_some_bad("dirty");
    const char *folder = path_of("dirty"), *aside = path_of("aside"), *out = path_of("out");
    barks_rdd *rdd = barks_read_json(context, folder, just_id, .bad_rows = BARKS_QUARANTINE_BAD,
                                     .quarantine = aside);
    ck_assert(!barks_write_csv(barks_map(rdd, fail_always, NULL), out));
    barks_status_free(barks_take_error(context));
    ck_assert_int_eq(names_in(aside), 0); /* not even hidden ones */
    ck_assert(barks_write_csv(barks_sort_by(rdd, "id"), out));
    int files = names_in(aside);
    ck_assert_int_gt(files, 1);
    char first[64];
    snprintf(first, sizeof first, "aside/bad-%05d.json", files - 1);
    ck_assert_ptr_nonnull(strstr(read_text(path_of(first)), "\"text\":\"{"));
    ck_assert(!barks_write_csv(rdd, out)); /* it exists */
    barks_status_free(barks_take_error(context));
    ck_assert_int_eq(names_in(aside), files);
    remove_place();
}

SHAPES(a_bad_row_ends_the_action_with_its_place)
{
    write_text(path_of("bad.csv"), "id\n1\ntwo\n3\n");
    ck_assert_int_eq(barks_count(barks_read_csv(context, path_of("bad.csv"), just_id)), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_int_eq(barks_status_code(error), BARKS_BAD_INPUT);
    char text[2000];
    barks_status_format(error, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "line 3 of"));
    barks_status_free(error);
    remove_place();
}

/* ---- what is there already ---- */

SHAPES(outputs_are_refused_replaced_appended_to_or_left)
{
    const char *out = path_of("modes");
    barks_rdd *two = barks_range(context, 0, 10, 1, 2), *three = barks_range(context, 10, 40, 1, 3);
    barks_rdd *back = NULL;
    ck_assert(barks_write_csv(two, out));
    ck_assert(!barks_write_csv(two, out));
    barks_status_free(barks_take_error(context));
    ck_assert(barks_write_csv(three, out, .mode = BARKS_IGNORE));
    ck_assert_int_eq(barks_count(barks_read_csv(context, out, barks_number)), 10);
    ck_assert(barks_write_csv(three, out, .mode = BARKS_APPEND));
    ck_assert(barks_write_csv(barks_empty(context, barks_number), out, .mode = BARKS_APPEND));
    ck_assert_int_eq(barks_count(back = barks_read_csv(context, out, barks_number)), 40);
    int64_t count = 0;
    struct barks_number *n = barks_collect(back, barks_number, &count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(n[i].value, i);
    ck_assert_ptr_nonnull(strstr(read_text(path_of("modes/_SUCCESS")), "parts 6\nrows 40\n"));
    ck_assert(!barks_write_json(two, out, .mode = BARKS_APPEND));
    barks_status_free(barks_take_error(context));
    ck_assert(barks_write_json(two, out, .mode = BARKS_OVERWRITE));
    ck_assert_int_eq(barks_count(barks_read_json(context, out, barks_number)), 10);
    ck_assert(barks_write_csv(two, path_of("fresh"), .mode = BARKS_APPEND));
    remove_place();
}

/* ---- arrays and separators ---- */

BARKS_RECORD(event, (i64, id), (optional(str), kind));

SHAPES(an_array_of_many_splits_is_read_whole)
{
    enum { EVENTS = 20000 }; /* several splits of bytes */
    const char *path = path_of("events.json");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < EVENTS; i++)
        fprintf(file, "%s{\n  \"id\": %d, \"kind\": \"[%d}\"\n}", i == 0 ? "[" : ",\n", i, i);
    fprintf(file, "\n]\n");
    ck_assert_int_eq(fclose(file), 0);
    for (int array = 0; array < 2; array++) { /* asked for, and found */
        int64_t count = 0;
        barks_rdd *rdd = barks_read_json(context, path, event, .array = array == 1);
        struct event *events = barks_collect(rdd, event, &count);
        ck_assert_int_eq(count, EVENTS);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(events[i].id, i);
    }
    remove_place();
}

SHAPES(rows_end_at_the_separator_that_is_given)
{
    enum { TEXTS = 30000 };
    const char *path = path_of("texts");
    for (int round = 0; round < 3; round++) {
        /* The last one overlaps itself: the file is one split. */
        static const char *const separators[] = {"\n%\n", "\0", "--"};
        static const size_t sizes[] = {3, 1, 2};
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < TEXTS; i++) {
            fprintf(file, "%s\n%d\r", i % 10 == 0 ? "" : "text", i);
            fwrite(separators[round], 1, sizes[round], file);
        }
        ck_assert_int_eq(fclose(file), 0);
        int64_t count = 0;
        struct barks_text *rows =
            barks_collect(barks_read_text(context, path, .separator = separators[round],
                                          .separator_bytes = round == 1 ? 1 : 0),
                          barks_text, &count);
        ck_assert_int_eq(count, TEXTS);
        for (int64_t i = 0; i < count; i++) {
            char text[40];
            int length = snprintf(text, sizeof text, "%s\n%d\r", i % 10 == 0 ? "" : "text", (int)i);
            ck_assert(barks_str_equal(rows[i].text, barks_str_of(text, (size_t)length)));
        }
    }
    ck_assert_int_eq(barks_count(barks_read_text(context, path, .separator = "")), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_int_eq(barks_status_code(error), BARKS_INVALID);
    barks_status_free(error);
    remove_place();
}

/* More than a split of it before the first row, with quotes that are none in the lines to skip. */
static void write_long_head(const char *path, const char *line, int line_count)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < line_count; i++)
        ck_assert(fprintf(file, "%s\n", line) > 0);
    ck_assert(fputs("price,country\n", file) >= 0);
    for (int i = 0; i < 40000; i++)
        ck_assert(fprintf(file, "%d,\"a\nb\"\n", i) > 0);
    ck_assert_int_eq(fclose(file), 0);
}

SHAPES(what_stands_before_the_rows_may_be_longer_than_a_split)
{
    static const char schema[] = "price f64, country str?";
    double sum = 0;
    write_long_head(path_of("long.csv"), "to be skipped, with a \" in it", 10000);
    for (int header = BARKS_ALWAYS; header <= BARKS_NEVER; header++) {
        uint32_t skip = 10000 + (header == BARKS_NEVER);
        barks_rdd *rows = barks_read_csv_as(context, path_of("long.csv"), schema, .skip = skip,
                                            .header = (barks_choice)header);
        ck_assert_int_eq(barks_count(rows), 40000);
        ck_assert(barks_sum(rows, "price", &sum));
        ck_assert(sum == 40000.0 * 39999 / 2);
    }
    write_long_head(path_of("long.csv"), "# said before the header", 10000);
    barks_rdd *rows = barks_read_csv_as(context, path_of("long.csv"), schema, .comment = '#',
                                        .header = BARKS_ALWAYS);
    ck_assert_int_eq(barks_count(rows), 40000);
    write_long_head(path_of("long.csv"), "", 200000); /* empty lines */
    rows = barks_read_csv_as(context, path_of("long.csv"), schema, .header = BARKS_ALWAYS);
    ck_assert_int_eq(barks_count(rows), 40000);
    remove_place();
}

SHAPES(only_directories_that_were_asked_for_are_read)
{
    char name[64];
    ck_assert_int_eq(mkdir(path_of("t"), 0777), 0);
    for (int year = 2020; year < 2024; year++) {
        snprintf(name, sizeof name, "t/year=%d", year);
        ck_assert_int_eq(mkdir(path_of(name), 0777), 0);
        snprintf(name, sizeof name, "t/year=%d/x.csv", year);
        write_text(path_of(name), "price\n1\n2\n");
    }
    const char *where = "year=2022";
    ck_assert_int_eq(barks_count(barks_read_text(context, path_of("t"), .where_path = where)), 3);
    ck_assert_int_eq(barks_count(barks_read_text(context, path_of("t"), .recursive = true)), 12);
    int64_t count = 0;
    struct trip *trips =
        barks_collect(barks_read_csv_as(context, path_of("t"), "year i64, price f64, country str?",
                                        .header = BARKS_NEVER, .skip = 1, .partitioned = true,
                                        .where_path = where, .bad_rows = BARKS_DROP_BAD),
                      trip, &count);
    ck_assert_int_eq(count, 0); /* one column, not two */
    trips = barks_collect(barks_read_csv_as(context, path_of("t"), "year i64, price f64",
                                            .partitioned = true, .where_path = where),
                          trip, &count);
    ck_assert_ptr_null(trips); /* no field country */
    barks_status_free(barks_take_error(context));
    ck_assert_int_eq(barks_count(barks_read_csv_as(context, path_of("t"), "year i64, price f64",
                                                   .partitioned = true, .where_path = where)),
                     2);
    remove_place();
}

/* ---- the rest ---- */

BARKS_MAP(square, barks_number, just_id) { out->id = in->value * in->value; }

SHAPES(ranges_are_counted)
{
    int64_t count = 0;
    struct barks_number *n =
        barks_collect(barks_range(context, 10, -11, -4, 3), barks_number, &count);
    ck_assert_int_eq(count, 6);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(n[i].value, 10 - 4 * i);
    ck_assert_int_eq(barks_count(barks_range(context, 5, 5, 1, 0)), 0);
    ck_assert_int_eq(barks_count(barks_range(context, 0, 3, 1, 17)), 3);
    ck_assert_int_eq(barks_count(barks_empty(context, note)), 0);
    struct just_id *ids =
        barks_collect(barks_generate(context, 5000, 7, square, NULL), just_id, &count);
    ck_assert_int_eq(count, 5000);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(ids[i].id, i * i);
    struct barks_number *large = barks_collect(
        barks_range(context, INT64_MIN, INT64_MAX, INT64_MAX, 2), barks_number, &count);
    ck_assert_int_eq(count, 3);
    ck_assert(large[2].value == INT64_MAX - 1);
}

SHAPES(records_and_whole_files_are_rows)
{
    int64_t count = 0;
    FILE *file = fopen(path_of("r"), "w");
    for (int i = 0; i < 30000; i++)
        fprintf(file, "%09d\n", i);
    fclose(file);
    struct barks_binary *rows =
        barks_collect(barks_read_fixed(context, path_of("r"), 10), barks_binary, &count);
    ck_assert_int_eq(count, 30000);
    char text[16];
    for (int i = 0; i < 30000; i++) {
        snprintf(text, sizeof text, "%09d\n", i);
        ck_assert(barks_str_equal(rows[i].data, barks_str_of(text, 10)));
    }
    ck_assert(barks_write_fixed(barks_read_fixed(context, path_of("r"), 10), path_of("out")));
    ck_assert_int_eq(barks_count(barks_read_fixed(context, path_of("out"), 100)), 3000);
    struct barks_file *files =
        barks_collect(barks_read_whole(context, path_of("r")), barks_file, &count);
    ck_assert_int_eq(count, 1);
    ck_assert_uint_eq(files[0].content.length, 300000);
    remove_place();
}

SUITE_MAIN("rdd/files", ON_SHAPES(rows_go_out_and_come_back_in_every_format),
           ON_SHAPES(quotes_across_splits_do_not_matter), ON_SHAPES(directories_give_columns),
           ON_SHAPES(types_are_inferred), ON_SHAPES(files_of_other_columns_are_read_by_name),
           ON_SHAPES(bad_rows_are_kept_dropped_or_put_aside),
           ON_SHAPES(bad_rows_are_counted_and_limited),
           ON_SHAPES(what_is_put_aside_appears_with_the_output),
           ON_SHAPES(a_bad_row_ends_the_action_with_its_place),
           ON_SHAPES(outputs_are_refused_replaced_appended_to_or_left),
           ON_SHAPES(an_array_of_many_splits_is_read_whole),
           ON_SHAPES(rows_end_at_the_separator_that_is_given),
           ON_SHAPES(only_directories_that_were_asked_for_are_read),
           ON_SHAPES(what_stands_before_the_rows_may_be_longer_than_a_split),
           ON_SHAPES(ranges_are_counted), ON_SHAPES(records_and_whole_files_are_rows))
