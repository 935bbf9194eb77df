#include "base/buffer.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/scope.h"
#include "support/property.h"

#include <check.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config new_config(void)
{
    struct config config;
    ck_assert_ptr_null(config_init(&config));
    ck_assert(config_is_sound(&config));
    return config;
}

static barks_status *read_text(struct config *config, const char *text)
{
    return config_read_text(config, "t.conf", text, strlen(text));
}

/* status is BARKS_INVALID with exactly this chain of texts; frees it. */
static void check_invalid(barks_status *status, const char *expected)
{
    char text[500];
    ck_assert_ptr_nonnull(status);
    barks_status_format(status, text, sizeof text);
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);
}

START_TEST(defaults_are_those_of_the_table)
{
    BARKS_AUTO(config) config = new_config();
    ck_assert_str_eq(config_string(&config, CONFIG_LOG), "warn");
    ck_assert(!config_bool(&config, CONFIG_QUIET));
    ck_assert(config_bool(&config, CONFIG_BIND));
    ck_assert_int_eq(config_int(&config, CONFIG_PARTITIONS_MAX), 4096);
    ck_assert_uint_eq(config_bytes(&config, CONFIG_SPLIT_BYTES), 32 << 20);
    ck_assert_uint_eq(config_duration_ns(&config, CONFIG_LOST_DEADLINE), 8 * NS_PER_S);
    ck_assert_int_eq(config_choice(&config, CONFIG_PROGRESS), PROGRESS_AUTO);
    ck_assert_str_eq(config_origin(&config, CONFIG_MEMORY), "default");
}
END_TEST

START_TEST(file_lines_set_values_and_their_origin)
{
    BARKS_AUTO(config) config = new_config();
    ck_assert_ptr_null(read_text(&config, "# a comment\r\n\n  memory = 3g \r\n"
                                          "exchange.round-bytes=64k\nlocal = 3\n"
                                          "progress=NEVER\nlog = net=debug,info"));
    ck_assert_uint_eq(config_bytes(&config, CONFIG_MEMORY), UINT64_C(3) << 30);
    ck_assert_str_eq(config_origin(&config, CONFIG_MEMORY), "t.conf:3");
    ck_assert_uint_eq(config_bytes(&config, CONFIG_EXCHANGE_ROUND_BYTES), 64 << 10);
    ck_assert_int_eq(config_int(&config, CONFIG_LOCAL), 3);
    ck_assert_int_eq(config_choice(&config, CONFIG_PROGRESS), PROGRESS_NEVER);
    ck_assert_str_eq(config_string(&config, CONFIG_LOG), "net=debug,info");
    ck_assert_str_eq(config_origin(&config, CONFIG_LOG), "t.conf:7");
    ck_assert(config_is_sound(&config));
}
END_TEST

START_TEST(wrong_lines_name_place_expectation_and_nearest_key)
{
    BARKS_AUTO(config) config = new_config();
    check_invalid(read_text(&config, "\n\nmemroy = 1g"),
                  "t.conf:3: unknown setting 'memroy': did you mean memory?");
    check_invalid(read_text(&config, "exchange.round_byte = 1"),
                  "t.conf:1: unknown setting 'exchange.round_byte': did you mean "
                  "exchange.round_bytes?");
    check_invalid(read_text(&config, "colour = blue"),
                  "t.conf:1: unknown setting 'colour'; --barks-help lists them all");
    check_invalid(read_text(&config, "memory = lots"),
                  "t.conf:1: 'lots' is no value for memory: it is a size in bytes such as 512m or "
                  "4g");
    check_invalid(read_text(&config, "heartbeat = 5"),
                  "t.conf:1: '5' is no value for heartbeat: it is a duration such as 250ms, 30s or "
                  "5m");
    check_invalid(read_text(&config, "quiet = maybe"),
                  "t.conf:1: 'maybe' is no value for quiet: it is true or false");
    check_invalid(read_text(&config, "progress = sometimes"),
                  "t.conf:1: 'sometimes' is no value for progress: it is auto|always|never");
    check_invalid(read_text(&config, "workers = -1"),
                  "t.conf:1: '-1' is no value for workers: it is a whole number such as 4");
    check_invalid(
        read_text(&config, "workers = 99999999999"),
        "t.conf:1: '99999999999' is no value for workers: it is a whole number such as 4");
    check_invalid(read_text(&config, "partitions_max = 0"),
                  "t.conf:1: '0' is outside the limits of partitions_max: 1..65536");
    check_invalid(read_text(&config, "exchange.round_bytes = 1g"),
                  "t.conf:1: '1g' is outside the limits of exchange.round_bytes: 4k..256m");
    check_invalid(read_text(&config, "log = loud"),
                  "t.conf:1: 'loud' is no level of the log: it is one of error, warn, info, debug "
                  "and trace, or a list such as net=debug,info");
    check_invalid(read_text(&config, "quiet"), "t.conf:1: 'quiet' is not of the form key = value");
    check_invalid(config_read_text(&config, "t.conf", "a\0b", 3),
                  "t.conf:1: a zero byte: this is no text file");
    ck_assert(config_is_sound(&config));
}
END_TEST

START_TEST(environment_sets_values_and_leaves_tests_and_benchmarks_alone)
{
    BARKS_AUTO(config) config = new_config();
    char *environment[] = {(char[]){"PATH=/bin"},
                           (char[]){"BARKS_BENCH_RUNS=3"},
                           (char[]){"BARKS_TEST_SEED=7"},
                           (char[]){"BARKS_LOG=debug"},
                           (char[]){"BARKS_EXCHANGE_ROUND_BYTES=8m"},
                           (char[]){"BARKS_MEMORY="},
                           (char[]){"BARKS"},
                           NULL};
    ck_assert_ptr_null(config_read_environment(&config, environment));
    ck_assert_str_eq(config_string(&config, CONFIG_LOG), "debug");
    ck_assert_uint_eq(config_bytes(&config, CONFIG_EXCHANGE_ROUND_BYTES), 8 << 20);
    ck_assert_str_eq(config_origin(&config, CONFIG_EXCHANGE_ROUND_BYTES),
                     "environment BARKS_EXCHANGE_ROUND_BYTES");
    ck_assert_str_eq(config_origin(&config, CONFIG_MEMORY), "default");
    char *wrong[] = {(char[]){"BARKS_WORKER=3"}, NULL};
    check_invalid(
        config_read_environment(&config, wrong),
        "environment BARKS_WORKER: unknown setting 'WORKER': did you mean BARKS_WORKERS?");
}
END_TEST

START_TEST(options_are_taken_out_of_the_arguments)
{
    BARKS_AUTO(config) config = new_config();
    char *argv[] = {(char[]){"job"},
                    (char[]){"in"},
                    (char[]){"--barks-memory"},
                    (char[]){"2g"},
                    (char[]){"--barks-quiet"},
                    (char[]){"--top"},
                    (char[]){"--barks-exchange-round-bytes=1m"},
                    (char[]){"--barks-bind=false"},
                    (char[]){"--barks-line_bytes_max=7"},
                    (char[]){"--"},
                    (char[]){"--barks-memory"},
                    NULL};
    int argc = 11;
    ck_assert_ptr_null(config_read_options(&config, &argc, argv));
    static const char *const left[] = {"job", "in", "--top", "--", "--barks-memory"};
    ck_assert_int_eq(argc, 5);
    for (int at = 0; at < argc; at++)
        ck_assert_str_eq(argv[at], left[at]);
    ck_assert_ptr_null(argv[argc]);
    ck_assert_uint_eq(config_bytes(&config, CONFIG_MEMORY), UINT64_C(2) << 30);
    ck_assert_str_eq(config_origin(&config, CONFIG_MEMORY), "option --barks-memory");
    ck_assert(config_bool(&config, CONFIG_QUIET));
    ck_assert(!config_bool(&config, CONFIG_BIND));
    ck_assert_uint_eq(config_bytes(&config, CONFIG_EXCHANGE_ROUND_BYTES), 1 << 20);
    ck_assert_uint_eq(config_bytes(&config, CONFIG_LINE_BYTES_MAX), 7);
    ck_assert(!config.wants_help);
}
END_TEST

static barks_status *read_two_options(const char *one, const char *two, struct config *config)
{
    char *argv[] = {(char[]){"job"}, strdup(one), two != NULL ? strdup(two) : NULL, NULL};
    char *one_copy = argv[1];
    char *two_copy = argv[2];
    int argc = two != NULL ? 3 : 2;
    barks_status *status = config_read_options(config, &argc, argv);
    free(one_copy);
    free(two_copy);
    return status;
}

START_TEST(wrong_options_name_the_option_and_the_nearest)
{
    BARKS_AUTO(config) config = new_config();
    check_invalid(read_two_options("--barks-exchange-round-byts", "1m", &config),
                  "option --barks-exchange-round-byts: unknown setting 'exchange-round-byts': did "
                  "you mean --barks-exchange-round-bytes?");
    check_invalid(read_two_options("--barks-memory", NULL, &config),
                  "option --barks-memory: the value is missing: bytes");
    check_invalid(read_two_options("--barks-workers=many", NULL, &config),
                  "option --barks-workers: 'many' is no value for workers: it is a whole number "
                  "such as 4");
    check_invalid(read_two_options("--barks-", NULL, &config),
                  "option --barks-: unknown setting ''; --barks-help lists them all");
    ck_assert_ptr_null(read_two_options("--barks-help", NULL, &config));
    ck_assert(config.wants_help);
}
END_TEST

START_TEST(no_arguments_at_all_are_fine)
{
    BARKS_AUTO(config) config = new_config();
    char *argv[] = {NULL};
    int argc = 0;
    ck_assert_ptr_null(config_read_options(&config, &argc, argv));
    ck_assert_int_eq(argc, 0);
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* In a folder of its own, which is removed again. */
START_TEST(later_sources_win)
{
    char folder[] = "/tmp/barks_config_XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(mkdir("xdg", 0700), 0);
    ck_assert_int_eq(mkdir("xdg/barks", 0700), 0);
    char xdg[100];
    snprintf(xdg, sizeof xdg, "%s/xdg", folder);
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", xdg, 1), 0);
    write_file("xdg/barks/barks.conf", "workers=1\nlocal=1\npartitions_max=1\nmemory=1m\n");
    write_file("barks.conf", "workers=2\nlocal=2\npartitions_max=2\n");
    ck_assert_int_eq(setenv("BARKS_WORKERS", "3", 1), 0);
    ck_assert_int_eq(setenv("BARKS_LOCAL", "3", 1), 0);
    char *argv[] = {(char[]){"job"}, (char[]){"--barks-workers=4"}, NULL};
    int argc = 2;
    BARKS_AUTO(config) config = {0};
    ck_assert_ptr_null(config_load(&config, &argc, argv));
    ck_assert_int_eq(config_int(&config, CONFIG_WORKERS), 4);
    ck_assert_int_eq(config_int(&config, CONFIG_LOCAL), 3);
    ck_assert_int_eq(config_int(&config, CONFIG_PARTITIONS_MAX), 2);
    ck_assert_uint_eq(config_bytes(&config, CONFIG_MEMORY), 1 << 20);
    ck_assert_str_eq(config_origin(&config, CONFIG_PARTITIONS_MAX), "barks.conf:3");
    char origin[200];
    snprintf(origin, sizeof origin, "%s/xdg/barks/barks.conf:4", folder);
    ck_assert_str_eq(config_origin(&config, CONFIG_MEMORY), origin);

    unlink("barks.conf");
    ck_assert_int_eq(mkdir("barks.conf", 0700), 0);
    struct config failed = {0};
    barks_status *status = config_load(&failed, &argc, argv);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    ck_assert_ptr_null(failed.values[0].text);

    rmdir("barks.conf");
    unlink("xdg/barks/barks.conf");
    rmdir("xdg/barks");
    rmdir("xdg");
    rmdir(folder);
}
END_TEST

START_TEST(file_of_more_than_a_megabyte_is_a_limit_error)
{
    char path[] = "/tmp/barks_config_XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, (1 << 20) + 1), 0);
    close(file);
    BARKS_AUTO(config) config = new_config();
    barks_status *status = config_read_file(&config, path);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    unlink(path);
}
END_TEST

START_TEST(packed_settings_are_the_same_on_another_rank)
{
    BARKS_AUTO(config) config = new_config();
    ck_assert_ptr_null(read_text(&config, "memory = 3g\nquiet = on\nlog = net=trace,info\n"));
    BARKS_AUTO(buffer) packed = {.limit_bytes = 1 << 20};
    ck_assert_ptr_null(config_pack(&config, &packed));
    BARKS_AUTO(config) other = {0};
    ck_assert_ptr_null(config_unpack(&other, packed.data, packed.size_bytes));
    for (int key = 0; key < CONFIG_COUNT; key++) {
        ck_assert_str_eq(config.values[key].text, other.values[key].text);
        ck_assert_str_eq(config.values[key].origin, other.values[key].origin);
        ck_assert_uint_eq(config.values[key].number, other.values[key].number);
    }
    ck_assert_str_eq(config_origin(&other, CONFIG_QUIET), "t.conf:2");
    /* Cut anywhere it is an error, but between settings. */
    int whole_count = 0;
    for (size_t cut = 0; cut < packed.size_bytes; cut++) {
        struct config cut_config = {0};
        barks_status *status = config_unpack(&cut_config, packed.data, cut);
        whole_count += status == NULL;
        barks_status_free(status);
        config_drop(&cut_config);
    }
    ck_assert_int_eq(whole_count, 3);
}
END_TEST

START_TEST(help_lists_every_setting_in_columns)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    ck_assert_ptr_nonnull(out);
    config_write_help(out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ptr_nonnull(
        strstr(text, "\nexchange.round_bytes  bytes              4m       most "));
    ck_assert_ptr_nonnull(strstr(text, "\nprogress              auto|always|never  auto     the "));
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, CONFIG_COUNT + 4);
    free(text);
}
END_TEST

SUITE_MAIN("base/config", defaults_are_those_of_the_table, file_lines_set_values_and_their_origin,
           wrong_lines_name_place_expectation_and_nearest_key,
           environment_sets_values_and_leaves_tests_and_benchmarks_alone,
           options_are_taken_out_of_the_arguments, wrong_options_name_the_option_and_the_nearest,
           no_arguments_at_all_are_fine, later_sources_win,
           file_of_more_than_a_megabyte_is_a_limit_error,
           packed_settings_are_the_same_on_another_rank, help_lists_every_setting_in_columns)
