#include "base/buffer.h"
#include "base/scope.h"
#include "io/glob.h"
#include "io/listing.h"
#include "io/split.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char *directory;

static void begin(void)
{
    directory = make_directory();
    ck_assert_int_eq(chdir(directory), 0);
}

static void end(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    remove_directory(directory);
}

/* The files of some paths, without the working directory, by blanks: "a.txt b/c.txt". */
static void expect_files(const struct listing_options *options, const char *const *paths,
                         size_t path_count, const char *wanted)
{
    BARKS_AUTO(listing) listing = {0};
    must(listing_make(paths, path_count, options, &listing));
    char names[2000] = "";
    for (size_t i = 0; i < listing.file_count; i++) {
        const char *path = listing.files[i].path;
        ck_assert_int_eq(strncmp(path, directory, strlen(directory)), 0);
        strncat(names, path + strlen(directory) + 1, sizeof names - strlen(names) - 2);
        strncat(names, i + 1 < listing.file_count ? " " : "", 2);
    }
    ck_assert_str_eq(names, wanted);
}
#define FILES(wanted, ...)                                                                         \
    expect_files(&(struct listing_options){0}, (const char *const[]){__VA_ARGS__},                 \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (wanted))
#define FILES_BELOW(wanted, path)                                                                  \
    expect_files(&(struct listing_options){.recursive = true}, (const char *const[]){path}, 1,     \
                 (wanted))
#define FILES_WHERE(wanted, path, where)                                                           \
    expect_files(&(struct listing_options){.recursive = true, .where_path = (where)},              \
                 (const char *const[]){path}, 1, (wanted))
#define FAILS(path, code, ...)                                                                     \
    do {                                                                                           \
        BARKS_AUTO(listing) none_ = {0};                                                           \
        must_fail(                                                                                 \
            listing_make((const char *const[]){path}, 1, &(struct listing_options){0}, &none_),    \
            (code), __VA_ARGS__, NULL);                                                            \
    } while (0)

static void make_tree(void)
{
    ck_assert_int_eq(
        system("mkdir -p data/sub/deep data/.hidden data/_temporary empty only/dirs; "
               "for f in data/b.txt data/a.txt data/c.csv data/sub/d.txt data/sub/deep/e.txt "
               "data/.hidden/x.txt data/_temporary/y.txt data/.z.txt data/_SUCCESS 'data/we[i]rd'; "
               "do echo $f > \"$f\"; done; ln -s ../a.txt data/sub/link; ln -s . data/sub/loop"),
        0);
}

START_TEST(files_directories_and_patterns_are_found_in_order)
{
    begin();
    make_tree();
    FILES("data/a.txt", "data/a.txt");
    FILES("data/a.txt", ".//data/a.txt");
    FILES("data/a.txt data/b.txt data/c.csv data/we[i]rd", "data");
    FILES("data/a.txt data/b.txt", "data/*.txt");
    FILES("data/a.txt data/b.txt data/c.csv", "data/?.{csv,txt}");
    FILES("data/a.txt data/c.csv", "data/[ac].*");
    FILES("data/b.txt", "data/[!ac].*");
    FILES("data/we[i]rd", "data/we[i]rd");
    FILES("data/a.txt data/b.txt data/sub/d.txt data/sub/deep/e.txt", "data/**/*.txt");
    FILES("data/sub/d.txt data/sub/deep/e.txt data/sub/link", "data/sub/**");
    FILES("data/.z.txt", "data/.*.txt");
    FILES("data/_SUCCESS", "data/_SUCCESS");
    FILES("data/a.txt data/a.txt", "data/a.txt", "data/a.txt");
    FILES("data/a.txt data/b.txt", "data/b.txt", "data/a.*");
    FILES("data/a.txt", "data/{a,a,[a]}.txt");
    FILES("", "empty");
    FILES("data/sub/d.txt data/sub/link", "data/su?");
    ck_assert_int_eq(unlink("data/sub/loop"), 0);
    FILES_BELOW("data/a.txt data/b.txt data/c.csv data/sub/d.txt data/sub/deep/e.txt data/sub/link "
                "data/we[i]rd",
                "data");
    end();
}
END_TEST

START_TEST(lists_name_paths_line_by_line)
{
    begin();
    make_tree();
    write_text_file("list", "data/b.txt\r\n\ndata/sub/d.*\n");
    FILES("data/b.txt data/sub/d.txt", "@list");
    write_text_file("list", "data/{c.csv,sub}\ndata/sub/**/e*\n");
    FILES("data/c.csv data/sub/d.txt data/sub/deep/e.txt data/sub/link", "@list");
    ck_assert_int_eq(unlink("data/sub/loop"), 0);
    FILES_BELOW("data/c.csv data/sub/d.txt data/sub/deep/e.txt data/sub/deep/e.txt data/sub/link",
                "@list");
    write_text_file("list", "");
    FILES("", "@list");
    write_text_file("list", "data/b.txt\nnowhere\n");
    FAILS("@list", BARKS_IO, "line 2 of the list 'list'", "nowhere");
    write_text_file("list", "@list\n");
    FAILS("@list", BARKS_INVALID, "line 1", "names another list");
    FAILS("@nolist", BARKS_IO, "nolist");
    end();
}
END_TEST

START_TEST(directories_of_other_values_are_not_looked_into)
{
    begin();
    ck_assert_int_eq(system("mkdir -p t/year=2023/c=a t/year=2024/c=a t/year=2024/c=b%20c t/other; "
                            "touch t/x.csv t/year=2023/c=a/1 t/year=2024/c=a/2 "
                            "'t/year=2024/c=b%20c/3' t/year=2024/4 t/other/5"),
                     0);
    FILES_WHERE("t/year=2024/4 t/year=2024/c=a/2 t/year=2024/c=b%20c/3", "t", "year=2024");
    FILES_WHERE("t/year=2023/c=a/1 t/year=2024/c=a/2", "t", "c=a");
    FILES_WHERE("t/year=2024/c=b%20c/3", "t", " year = 2024 ,c=b c");
    FILES_WHERE("t/year=2024/c=a/2", "t/*/*/*", "year=2024,c=a");
    FILES_WHERE("", "t", "year=2025");
    FILES_WHERE("", "t/year=2024", "year=2023");
    FILES_WHERE("", "t", "month=1");
    ck_assert_int_eq(system("ln -s . t/year=2023/loop"), 0); /* endless, if it were looked into */
    FILES_WHERE("t/year=2024/c=a/2", "t", "year=2024, c=a");
    static const char *const wrong[][2] = {{"year", "'year' in it is no name=value"},
                                           {"=1", "'=1' in it"},
                                           {"", "'' in it"},
                                           {"a=1,", "'' in it"},
                                           {"a=1, a=2", "names 'a' twice"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        BARKS_AUTO(listing) none = {0};
        struct listing_options options = {.where_path = wrong[i][0]};
        must_fail(listing_make((const char *const[]){"t"}, 1, &options, &none), BARKS_INVALID,
                  ".where_path", wrong[i][1], NULL);
    }
    end();
}
END_TEST

START_TEST(what_cannot_be_read_is_refused_in_words)
{
    begin();
    make_tree();
    FAILS("nowhere.txt", BARKS_IO, "'nowhere.txt'", directory, "No such file",
          "check how it is written");
    FAILS("data/a.txt/b", BARKS_IO, "Not a directory");
    FAILS("data/*.parquet", BARKS_INVALID, "nothing matches", "'data/*.parquet'");
    FAILS("only", BARKS_INVALID, "'only'", "only directories", "recursively");
    FAILS("", BARKS_INVALID, "empty");
    ck_assert_int_eq(mkfifo("fifo", 0666), 0);
    FAILS("fifo", BARKS_INVALID, "'fifo' is a fifo", "copy");
    FAILS("/dev/null", BARKS_INVALID, "is a device");
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(descriptor, (const struct sockaddr *)&address, sizeof address), 0);
    FAILS("socket", BARKS_INVALID, "is a socket");
    ck_assert_int_eq(close(descriptor), 0);
    ck_assert_int_eq(mkfifo("data/fifo", 0666), 0);
    FAILS("data", BARKS_INVALID, "data/fifo' is a fifo");
    FAILS("{a,b}{c,d}{{{{{{{{{{{{{{{{{", BARKS_INVALID, "nothing matches");
    FAILS("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
          BARKS_LIMIT, "braces");
    BARKS_AUTO(listing) listing = {0};
    must_fail(listing_make((const char *const[]){"data/sub"}, 1,
                           &(struct listing_options){.recursive = true}, &listing),
              BARKS_IO, "circle", NULL);
    write_text_file("false.gz", "no gzip");
    FAILS("false.gz", BARKS_BAD_INPUT, "false.gz");
    if (geteuid() != 0) { /* root may read everything */
        ck_assert_int_eq(chmod("data/a.txt", 0), 0);
        FAILS("data/a.txt", BARKS_IO, "data/a.txt", "Permission denied", "ask its owner");
    }
    end();
}
END_TEST

START_TEST(patterns_match_names)
{
    begin();
    static const struct {
        const char *pattern;
        const char *name;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"*", "", true},
        {"?", "", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a]", "a", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[", "[", true},
        {"[abc", "[abc", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"*a", "aaaaaaaab", false},
        {"**", "x", true},
        {"a\\", "a\\", true},
        {"[\\]]", "]", true},
        {"*.txt", "a.txt.gz", false},
        {"\xc3?", "\xc3\xa9", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        REQUIRE(glob_match(cases[i].pattern, cases[i].name) == cases[i].matches, "%s on %s",
                cases[i].pattern, cases[i].name);
    char stars[200];
    char name[200];
    memset(stars, '*', 99);
    stars[99] = 'b';
    stars[100] = '\0';
    memset(name, 'a', 199);
    name[199] = '\0';
    REQUIRE(!glob_match(stars, name), "!glob_match(stars, name)"); /* and in no time */
    end();
}
END_TEST

START_TEST(many_small_files_take_a_moment)
{
    begin();
    ck_assert_int_eq(mkdir("many", 0777), 0);
    for (int i = 0; i < 3000; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "many/f%d", i * 7919 % 3000);
        write_text_file(name, "x\n");
    }
    BARKS_AUTO(listing) listing = {0};
    must(listing_make((const char *const[]){"many"}, 1, &(struct listing_options){0}, &listing));
    ck_assert_uint_eq(listing.file_count, 3000);
    ck_assert_uint_eq(listing.total_bytes, 6000);
    for (size_t i = 1; i < listing.file_count; i++)
        ck_assert_int_lt(strcmp(listing.files[i - 1].path, listing.files[i].path), 0);
    /* The error of the first file in order, whichever thread meets which file first. */
    ck_assert_int_eq(unlink("many/f1500") | unlink("many/f2500"), 0);
    ck_assert_int_eq(symlink("nowhere", "many/f1500") | symlink("nowhere", "many/f2500"), 0);
    for (int i = 0; i < 20; i++)
        FAILS("many", BARKS_IO, "many/f1500");
    struct split_plan plan = {0};
    must(split_plan_make(&listing, 0, &plan));
    ck_assert_uint_eq(plan.partition_count,
                      3); /* 3000 files of 2 bytes and the cost of opening each */
    split_plan_drop(&plan);
    end();
}
END_TEST

START_TEST(marks_tell_what_another_host_does_not_see)
{
    begin();
    make_tree();
    BARKS_AUTO(listing) listing = {0};
    must(listing_make((const char *const[]){"data"}, 1, &(struct listing_options){0}, &listing));
    uint64_t before = listing_fingerprint(&listing);
    ck_assert_uint_eq(input_mark(listing.files[0].path), input_mark_of(&listing.files[0]));
    ck_assert_uint_ne(input_mark_of(&listing.files[0]), input_mark_of(&listing.files[3]));
    ck_assert_uint_eq(input_mark("nowhere"), 0);
    ck_assert_uint_eq(input_mark("data"), 0);
    must_fail(input_mark_mismatch(&listing.files[0], 0, "n17"), BARKS_IO, "data/a.txt",
              "not on host n17", "share", NULL);
    must_fail(input_mark_mismatch(&listing.files[0], 5, "n17"), BARKS_IO, "data/a.txt", "n17",
              "another size", NULL);
    size_t indices[10];
    ck_assert_uint_eq(listing_sample(&listing, 10, indices), 4);
    ck_assert_uint_eq(listing_sample(&listing, 2, indices), 2);
    ck_assert_uint_eq(indices[0] * 10 + indices[1], 3);
    ck_assert_uint_eq(listing_sample(&listing, 1, indices), 1);
    listing.files[1].size_bytes++;
    ck_assert_uint_ne(listing_fingerprint(&listing), before);
    end();
}
END_TEST

/* Any files, any split size: the ranges of each file follow each other from 0 to its end, in the
 * order of the listing; what is packed together is small; the same again from what was packed and
 * unpacked. */
START_TEST(splits_cover_every_byte_once_in_order)
{
    begin();
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (int step = 0; step < 300; step++) {
        static struct input_file files[200];
        static char path[] = "/some/path";
        struct listing listing = {.files = files, .file_count = property_next(&random) % 200};
        for (size_t f = 0; f < listing.file_count; f++)
            files[f] = (struct input_file){
                .path = path,
                .size_bytes = property_next(&random) % 4 == 0
                                  ? 0
                                  : property_next(&random) >> (20 + property_next(&random) % 44),
                .mtime_ns = -(int64_t)(property_next(&random) >> 1),
                .compression =
                    property_next(&random) % 5 == 0 ? COMPRESSION_ZSTD : COMPRESSION_NONE,
            };
        uint64_t split_bytes =
            (property_next(&random) >> (property_next(&random) % 40)) / 2 + (UINT64_C(1) << 35);
        BARKS_AUTO(split_plan) plan = {0};
        must(split_plan_make(&listing, split_bytes, &plan));
        size_t f = 0;
        uint64_t at = 0;
        bool right = plan.firsts[0] == 0 && plan.firsts[plan.partition_count] == plan.split_count;
        for (size_t p = 0; p < plan.partition_count && right; p++) {
            uint64_t bytes = split_plan_bytes(&plan, p);
            size_t count = plan.firsts[p + 1] - plan.firsts[p];
            right = count >= 1 && bytes >= 1 && (bytes <= split_bytes || count == 1);
            for (size_t s = plan.firsts[p]; s < plan.firsts[p + 1] && right; s++) {
                const struct split *split = &plan.splits[s];
                while (f < listing.file_count && at == files[f].size_bytes) {
                    f++;
                    at = 0;
                }
                right =
                    f < listing.file_count && split->begin == at && split->end > at &&
                    split->end <= files[f].size_bytes && split->file_bytes == files[f].size_bytes &&
                    split->mtime_ns == files[f].mtime_ns &&
                    (files[f].compression == COMPRESSION_NONE || split->end == files[f].size_bytes);
                at = split->end;
            }
        }
        while (f < listing.file_count && at == files[f].size_bytes) {
            f++;
            at = 0;
        }
        REQUIRE(right && f == listing.file_count, "step %d; replay with BARKS_TEST_SEED=%" PRIu64,
                step, seed);
        BARKS_AUTO(buffer) buffer = {.limit_bytes = 1 << 24};
        must(split_pack(plan.splits, plan.split_count, &buffer));
        size_t packed_bytes = buffer.size_bytes;
        must(buffer_append(&buffer, "more", 4));
        BARKS_AUTO(split_set) set = {0};
        size_t used_bytes = 0;
        must(split_unpack(buffer.data, buffer.size_bytes, &used_bytes, &set));
        ck_assert_uint_eq(used_bytes, packed_bytes);
        ck_assert_uint_eq(set.count, plan.split_count);
        for (size_t i = 0; i < set.count; i++) {
            const struct split *a = &plan.splits[i], *b = &set.splits[i];
            REQUIRE(strcmp(a->path, b->path) == 0 && a->begin == b->begin && a->end == b->end &&
                        a->file_bytes == b->file_bytes && a->mtime_ns == b->mtime_ns &&
                        a->compression == b->compression,
                    "strcmp(a->path, b->path) == 0 && a->begin == b->begin && a->end == b->end && "
                    "a->file_bytes == b->file_bytes && a->mtime_ns == b->mtime_ns && "
                    "a->compression == b->compression");
        }
    }
    end();
}
END_TEST

START_TEST(splits_are_of_even_size)
{
    begin();
    struct input_file file = {.path = (char[]){"/f"}, .size_bytes = 100};
    struct listing listing = {.files = &file, .file_count = 1};
    BARKS_AUTO(split_plan) plan = {0};
    must(split_plan_make(&listing, 33, &plan));
    ck_assert_uint_eq(plan.partition_count, 4);
    for (size_t p = 0; p < 4; p++)
        ck_assert_uint_eq(split_plan_bytes(&plan, p), 25);
    split_plan_drop(&plan);
    file.size_bytes = 0;
    must(split_plan_make(&listing, 33, &plan));
    ck_assert_uint_eq(plan.partition_count, 0);
    split_plan_drop(&plan);
    file.size_bytes = UINT64_C(1) << 40;
    must_fail(split_plan_make(&listing, 1, &plan), BARKS_LIMIT, "larger", NULL);
    end();
}
END_TEST

/* Of each sixteenth of a long split one piece is left. */
START_TEST(long_splits_are_thinned_out)
{
    static char path[] = "/f";
    const uint64_t mib = UINT64_C(1) << 20;
    const struct split given[] = {
        {.path = path, .begin = 5, .end = 5 + 32 * mib},
        {.path = path, .begin = 7, .end = 7 + 3 * mib},
        {.path = path, .begin = 0, .end = 32 * mib, .compression = COMPRESSION_ZSTD},
    };
    struct split_set set = {.splits = calloc(3, sizeof given[0]), .count = 3};
    double times = 0;
    begin();
    ck_assert_ptr_nonnull(set.splits);
    memcpy(set.splits, given, sizeof given);
    must(split_set_thin_out(&set, 16, &times));
    ck_assert_uint_eq(set.count, 32 + 1 + 1);
    for (size_t i = 0; i < 32; i++) {
        ck_assert_uint_ge(set.splits[i].begin, 5 + mib * i);
        ck_assert_uint_le(set.splits[i].end, 5 + mib * (i + 1));
        ck_assert_uint_eq(set.splits[i].end - set.splits[i].begin, mib / 16);
    }
    ck_assert_uint_eq(set.splits[32].end, 7 + 3 * mib);
    ck_assert_uint_eq(set.splits[33].end, 32 * mib);
    ck_assert(times > 1.8 && times < 1.82); /* of 67 MiB 37 are left */
    split_set_drop(&set);
    end();
}
END_TEST

START_TEST(malformed_splits_are_refused)
{
    begin();
    uint64_t seed = property_seed();
    uint64_t random = seed;
    struct split split = {.path = "/a/path",
                          .begin = 5,
                          .end = 1000,
                          .file_bytes = 1 << 20,
                          .mtime_ns = 1234567890123};
    BARKS_AUTO(buffer) buffer = {.limit_bytes = 1000};
    must(split_pack(&split, 1, &buffer));
    unsigned errors = 0;
    for (size_t cut = 0; cut < buffer.size_bytes; cut++) {
        BARKS_AUTO(split_set) set = {0};
        size_t used_bytes = 0;
        must_fail(split_unpack(buffer.data, cut, &used_bytes, &set), BARKS_BAD_INPUT, NULL);
    }
    for (int step = 0; step < 3000; step++) {
        size_t at = property_next(&random) % buffer.size_bytes;
        uint8_t before = buffer.data[at];
        buffer.data[at] = (uint8_t)property_next(&random);
        BARKS_AUTO(split_set) set = {0};
        size_t used_bytes = 0;
        barks_status *status = split_unpack(buffer.data, buffer.size_bytes, &used_bytes, &set);
        for (size_t i = 0; i < set.count; i++)
            REQUIRE(set.splits[i].begin <= set.splits[i].end &&
                        set.splits[i].end <= set.splits[i].file_bytes,
                    "set.splits[i].begin <= set.splits[i].end && set.splits[i].end <= "
                    "set.splits[i].file_bytes");
        errors += status != NULL;
        barks_status_free(status);
        buffer.data[at] = before;
    }
    ck_assert_uint_gt(errors, 300);
    end();
}
END_TEST

SUITE_MAIN("io/listing", files_directories_and_patterns_are_found_in_order,
           lists_name_paths_line_by_line, directories_of_other_values_are_not_looked_into,
           what_cannot_be_read_is_refused_in_words, patterns_match_names,
           many_small_files_take_a_moment, marks_tell_what_another_host_does_not_see,
           splits_cover_every_byte_once_in_order, splits_are_of_even_size,
           long_splits_are_thinned_out, malformed_splits_are_refused)
