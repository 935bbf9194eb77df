/* Files that are shipped to executors, and resources that they make. */
#include "rdd/cases.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 400, LARGE = (9 << 20) + 17 };

BARKS_RECORD(number, (i64, n));
BARKS_RECORD(seen, (i64, n), (i64, bytes), (i64, mode), (i64, sum));

static char scratch[64], source[64];

static void write_file(const char *name, const void *bytes, size_t size_bytes, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", source, name);
    FILE *file = fopen(path, "w");
    ck_assert(file != NULL);
    ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, file), size_bytes);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", source, name);
    return path;
}

static char *large_bytes(void)
{
    char *bytes = malloc(LARGE);
    ck_assert(bytes != NULL);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 31 >> 3);
    return bytes;
}

static void set_up(void)
{
    snprintf(scratch, sizeof scratch, "/tmp/barks-test-scratch-XXXXXX");
    snprintf(source, sizeof source, "/tmp/barks-test-source-XXXXXX");
    ck_assert(mkdtemp(scratch) != NULL && mkdtemp(source) != NULL);
    ck_assert_int_eq(setenv("BARKS_SCRATCH", scratch, 1), 0);
    char *large = large_bytes();
    write_file("empty", "", 0, 0600);
    write_file("large.bin", large, LARGE, 0440);
    write_file("exact.bin", large, 8 << 20, 0644);
    write_file("double_it", "#!/bin/sh\nwhile read n; do echo $((2 * n)); done\n", 49, 0755);
    ck_assert_int_eq(mkdir(path_of("model"), 0755), 0);
    ck_assert_int_eq(mkdir(path_of("model/parts"), 0555), 0);
    ck_assert_int_eq(mkdir(path_of("model/none"), 0700), 0);
    chmod(path_of("model/parts"), 0755);
    write_file("model/parts/a", "alpha", 5, 0640);
    chmod(path_of("model/parts"), 0555);
    ck_assert_int_eq(symlink("parts/a", path_of("model/first")), 0);
    ck_assert_int_eq(symlink(".", path_of("model/loop")), 0);
    free(large);
}

static int count_names(const char *path)
{
    int count = -2; /* "." and ".." */
    DIR *directory = opendir(path);
    ck_assert(directory != NULL);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* Nothing is left of what was shipped. */
static void tear_down(void)
{
    char command[256];
    ck_assert_int_eq(count_names(scratch), 0);
    snprintf(command, sizeof command, "chmod -R u+w %s; rm -rf %s %s", source, source, scratch);
    ck_assert_int_eq(system(command), 0);
    unsetenv("BARKS_SCRATCH");
}

#define SHIPPING(name, expected_exit)                                                              \
    static void name(barks_context *context);                                                      \
    static void run_##name(const char *executors)                                                  \
    {                                                                                              \
        set_up();                                                                                  \
        run_on(name, executors, expected_exit);                                                    \
        tear_down();                                                                               \
    }                                                                                              \
    START_TEST(name##_on_1) { run_##name("1"); }                                                   \
    END_TEST                                                                                       \
    START_TEST(name##_on_2) { run_##name("2"); }                                                   \
    END_TEST                                                                                       \
    START_TEST(name##_on_4) { run_##name("4"); }                                                   \
    END_TEST                                                                                       \
    static void name(barks_context *context)

static struct number numbers[ROWS];

static barks_rdd *rows_of(barks_context *context, uint32_t partitions)
{
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i].n = i;
    return barks_parallelize(context, number, numbers, ROWS, partitions);
}

static int64_t checksum(FILE *file, int64_t *out_bytes)
{
    uint64_t sum = 0; /* which wraps */
    *out_bytes = 0;
    for (int c; (c = fgetc(file)) != EOF; ++*out_bytes)
        sum = sum * 31 + (uint64_t)c;
    return (int64_t)sum;
}

static const char *const names[] = {"empty", "large.bin", "exact.bin", "double_it", "model"};

BARKS_MAP_BATCHES(look, number, seen)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        struct seen row = {.n = batch->n[i] % 7};
        char path[512];
        struct stat info;
        const char *found = barks_shipped(row.n < 4 ? names[row.n] : "model");
        if (found == NULL)
            return;
        snprintf(path, sizeof path, "%s%s", found,
                 row.n == 5   ? "/parts/a"
                 : row.n == 6 ? "/loop/loop/first"
                              : "");
        if (batch->n[i] >= 7 && row.n < 4)
            continue; /* large files are read once */
        if (stat(path, &info) != 0)
            fail("%s is not there", path);
        row.mode = info.st_mode & 0777;
        FILE *file = row.n == 4 ? NULL : fopen(path, "r");
        if (file != NULL) {
            row.sum = checksum(file, &row.bytes);
            fclose(file);
        }
        emit(.n = row.n, .bytes = row.bytes, .mode = row.mode, .sum = row.sum);
    }
}

SHIPPING(files_and_directories_are_on_every_executor, 0)
{
    static const int64_t modes[] = {0600, 0440, 0644, 0755, 0755, 0640, 0640};
    static const int64_t sizes[] = {0, LARGE, 8 << 20, 49, 0, 5, 5};
    static const char *const files[] = {"empty", "large.bin",     "exact.bin",    "double_it",
                                        NULL,    "model/parts/a", "model/parts/a"};
    int64_t sums[7] = {0}, count = 0, bytes = 0;
    for (int i = 0; i < 5; i++)
        ck_assert(barks_ship(context, path_of(names[i])));
    for (int i = 0; i < 7; i++) {
        FILE *file = files[i] != NULL ? fopen(path_of(files[i]), "r") : NULL;
        if (file == NULL)
            continue;
        sums[i] = checksum(file, &bytes);
        ck_assert_int_eq(bytes, sizes[i]);
        fclose(file);
    }
    struct seen *rows =
        barks_collect(barks_map_batches(rows_of(context, 8), look, NULL), seen, &count);
    ck_assert(rows != NULL);
    ck_assert_int_gt(count, 4 + 3 * (ROWS / 7 - 1));
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].mode, modes[rows[i].n]);
        ck_assert_int_eq(rows[i].bytes, sizes[rows[i].n]);
        ck_assert_int_eq(rows[i].sum, sums[rows[i].n]);
    }
    ck_assert_str_eq(barks_shipped("model"), path_of("model"));
    ck_assert_ptr_null(barks_shipped("other"));
}

BARKS_MAP(to_text, number, barks_text)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)in->n);
    out->text = barks_str_make(out, digits, (size_t)length);
}

static void check_doubled(barks_rdd *rdd)
{
    int64_t count = 0, value = 0;
    struct barks_text *rows = barks_collect(rdd, barks_text, &count);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(barks_str_to_i64(rows[i].text, &value));
        ck_assert_int_eq(value, 2 * i);
    }
}

SHIPPING(a_shipped_program_runs, 0)
{
    static const char *const argv[] = {"double_it", NULL};
    static const char *const variables[] = {"PATH=/usr/bin:/bin", NULL};
    ck_assert(barks_ship(context, path_of("double_it")));
    barks_rdd *lines = barks_map(rows_of(context, 5), to_text, NULL);
    check_doubled(barks_pipe(lines, .argv = argv));
    check_doubled(barks_pipe(lines, .shell = "double_it | cat"));
    check_doubled(
        barks_pipe(lines, .shell = "\"$BARKS_SHIPPED\"/double_it", .environment = variables));
}

static void expect_error(barks_context *context, const char *text)
{
    char all[1024];
    barks_status *error = barks_take_error(context);
    ck_assert(error != NULL);
    barks_status_format(error, all, sizeof all);
    ck_assert_msg(strstr(all, text) != NULL, "'%s' is not in '%s'", text, all);
    barks_status_free(error);
}

BARKS_MAP(ask_for_other, number, number)
{
    out->n = in->n;
    if (barks_shipped("other") != NULL)
        out->n = -1;
}

SHIPPING(mistakes_are_told, 0)
{
    ck_assert(!barks_ship(context, path_of("other")));
    expect_error(context, "cannot ship");
    ck_assert_int_eq(mkfifo(path_of("model/parts/../pipe"), 0600), 0);
    ck_assert(!barks_ship(context, path_of("model")));
    expect_error(context, "it is no file, directory or link");
    ck_assert(!barks_ship(context, "/"));
    expect_error(context, "it has no name");
    ck_assert_int_eq(unlink(path_of("model/pipe")), 0);
    ck_assert(barks_ship(context, path_of("model/"))); /* its name was not taken */
    ck_assert(!barks_ship(context, path_of("model")));
    expect_error(context, "'model' was shipped already");
    ck_assert_int_eq(barks_count(barks_map(rows_of(context, 3), ask_for_other, NULL)), -1);
    expect_error(context, "'other' was not shipped");
    ck_assert_int_eq(barks_count(rows_of(context, 3)), ROWS);
}

START_TEST(without_room_for_files_it_is_an_error)
{
    char program[] = "test", quiet[] = "--barks-quiet", local[] = "--barks-local=2";
    char elsewhere[] = "--barks-scratch=/nowhere/at/all:/dev/null";
    char *arguments[] = {program, quiet, local, elsewhere, NULL};
    char **argv = arguments;
    int argc = 4;
    set_up();
    barks_context *context = barks_init(&argc, &argv);
    ck_assert(!barks_ship(context, path_of("empty")));
    expect_error(context, "cannot make a directory for shipped files");
    ck_assert_int_eq(barks_count(rows_of(context, 3)), ROWS);
    ck_assert_int_eq(barks_finalize(context), 0);
    tear_down();
}
END_TEST

/* ---- resources ---- */

struct counter {
    int64_t made; /* the how manieth it is */
    char *name;
};
BARKS_RECORD(counted, (i64, executor), (i64, made));

static _Atomic int64_t made_count, freed_count;

struct opening {
    int64_t fails_until;
    int64_t number;
};

static void close_counter(struct counter *closed)
{
    freed_count++;
    free(closed->name);
}

BARKS_RESOURCE(counter, struct counter, close_counter, struct opening)
{
    int64_t made = ++made_count;
    usleep(20000); /* others come meanwhile */
    if (made <= env->fails_until)
        fail("no licence for opening %lld", (long long)env->number);
    resource->made = made;
    resource->name = strdup("a counter");
}

BARKS_MAP(use_counter, number, counted, struct opening)
{
    const struct counter *found = barks_resource(counter, env);
    out->executor = barks_task()->executor;
    out->made = found->made;
}

BARKS_FILTER(use_in_filter, number, struct opening)
{
    return barks_resource(counter, env)->made > 0;
}

static void begin_counting(void) { made_count = freed_count = 0; }

SHAPES(a_resource_is_made_once_an_executor)
{
    struct opening opening = {.number = 1}, other = {.number = 2};
    int64_t made_by[5] = {0}, count = 0;
    begin_counting();
    barks_rdd *rdd = rows_of(context, 40);
    struct counted *rows = barks_collect(barks_map(rdd, use_counter, &opening), counted, &count);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++) {
        int64_t *made = &made_by[rows[i].executor];
        ck_assert(*made == 0 || *made == rows[i].made);
        *made = rows[i].made;
    }
    int64_t executors = 0;
    for (int i = 0; i < 5; i++)
        executors += made_by[i] != 0;
    ck_assert_int_eq(made_count, executors);
    /* Later actions share it where it is already; another env is another resource. */
    ck_assert_int_eq(barks_count(barks_filter(rdd, use_in_filter, &opening)), ROWS);
    ck_assert_int_le(made_count, 4);
    int64_t before = made_count;
    ck_assert_int_eq(barks_count(barks_filter(rdd, use_in_filter, &other)), ROWS);
    ck_assert_int_gt(made_count, before);
    ck_assert_int_eq(freed_count, 0);
}

SHAPES(a_resource_that_cannot_be_made_fails_the_task)
{
    struct opening opening = {.fails_until = INT64_MAX, .number = 17};
    begin_counting();
    barks_rdd *rdd = rows_of(context, 9);
    ck_assert_int_eq(barks_count(barks_map(rdd, use_counter, &opening)), -1);
    expect_error(context, "the resource 'counter' cannot be made: no licence for opening 17");
    /* It is tried again by who asks later. */
    begin_counting();
    opening.fails_until = 1;
    struct counted *rows = NULL;
    int64_t count = 0;
    for (int round = 0; round < 6 && rows == NULL; round++) {
        rows = barks_collect(barks_map(rdd, use_counter, &opening), counted, &count);
        if (rows == NULL)
            barks_status_free(barks_take_error(context));
    }
    ck_assert(rows != NULL);
    ck_assert_int_eq(count, ROWS);
}

START_TEST(resources_are_freed_at_the_end)
{
    run_on(a_resource_is_made_once_an_executor, "4", 0);
    ck_assert_int_gt(made_count, 0);
    ck_assert_int_eq(freed_count, made_count);
}
END_TEST

/* One that needs another, and one that needs itself. */
static void close_nothing(struct counter *closed) { (void)closed; }

BARKS_RESOURCE(outer, struct counter, close_nothing, struct opening)
{
    resource->made = barks_resource(counter, env)->made;
}
BARKS_MAP(use_outer, number, number, struct opening)
{
    out->n = barks_resource(outer, env)->made > 0 ? in->n : -1;
}
static const struct counter *ask_again(const struct opening *env);
BARKS_RESOURCE(circle, struct counter, close_nothing, struct opening)
{
    resource->made = ask_again(env) != NULL;
}
static const struct counter *ask_again(const struct opening *env)
{
    return barks_resource_at(NULL, &circle.resource, env);
}
BARKS_MAP(use_circle, number, number, struct opening)
{
    out->n = barks_resource(circle, env)->made;
}

SHAPES(a_resource_may_need_another_but_not_itself)
{
    struct opening opening = {.number = 3};
    begin_counting();
    barks_rdd *rdd = rows_of(context, 9);
    ck_assert_int_eq(barks_count(barks_map(rdd, use_outer, &opening)), ROWS);
    ck_assert_int_eq(barks_count(barks_map(rdd, use_circle, &opening)), -1);
    expect_error(context, "the resource 'circle' needs itself");
}

SUITE_MAIN("rdd/shipped", ON_SHAPES(files_and_directories_are_on_every_executor),
           ON_SHAPES(a_shipped_program_runs), ON_SHAPES(mistakes_are_told),
           without_room_for_files_it_is_an_error, ON_SHAPES(a_resource_is_made_once_an_executor),
           ON_SHAPES(a_resource_that_cannot_be_made_fails_the_task), resources_are_freed_at_the_end,
           ON_SHAPES(a_resource_may_need_another_but_not_itself))
