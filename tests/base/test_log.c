#include "base/log.h"
#include "support/property.h"

#include <check.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the sink was given, a line each. */
struct caught {
    char text[16384];
    size_t length;
    int line_count;
};

static void catch_line(void *self, enum log_level level, const char *line, size_t length)
{
    struct caught *caught = self;
    (void)level;
    ck_assert_uint_lt(caught->length + length + 1, sizeof caught->text);
    memcpy(caught->text + caught->length, line, length);
    caught->length += length;
    caught->text[caught->length++] = '\n';
    caught->text[caught->length] = '\0';
    caught->line_count++;
}

static struct caught caught;

static void begin(const char *levels)
{
    caught = (struct caught){0};
    log_flush();
    log_set_origin(-1, NULL);
    log_set_sink(catch_line, &caught);
    ck_assert_ptr_null(log_set_levels(levels));
}

START_TEST(lines_bear_origin_level_and_area)
{
    begin("info");
    LOG(LEVEL_INFO, "net", "%d peers", 3);
    log_set_origin(2, "node7");
    LOG(LEVEL_ERROR, "exec", "task %s", "failed");
    ck_assert_str_eq(caught.text, "[barks] info net: 3 peers\n"
                                  "[barks 2 node7] error exec: task failed\n");
}
END_TEST

START_TEST(levels_hold_for_their_areas)
{
    begin("net=debug,exec=error,info");
    LOG(LEVEL_DEBUG, "net", "1");
    LOG(LEVEL_TRACE, "net", "no");
    LOG(LEVEL_WARN, "exec", "no");
    LOG(LEVEL_ERROR, "exec", "2");
    LOG(LEVEL_INFO, "store", "3");
    LOG(LEVEL_DEBUG, "store", "no");
    ck_assert_str_eq(caught.text, "[barks] debug net: 1\n[barks] error exec: 2\n"
                                  "[barks] info store: 3\n");
    ck_assert(log_is_on(LEVEL_DEBUG, "net"));
    ck_assert(!log_is_on(LEVEL_DEBUG, "store"));
}
END_TEST

static int evaluate(int *count)
{
    (*count)++;
    return 1;
}

START_TEST(arguments_are_left_alone_where_no_area_logs)
{
    int count = 0;
    begin("warn");
    LOG(LEVEL_INFO, "net", "%d", evaluate(&count));
    ck_assert_int_eq(count, 0);
    LOG(LEVEL_WARN, "net", "%d", evaluate(&count));
    ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(wrong_levels_are_errors_and_change_nothing)
{
    static const char *const wrong[] = {"",      "loud",  "net=loud",
                                        "=info", "info,", "net=,info",
                                        "INFOS", ",",     "a_name_that_is_far_too_long=info"};
    begin("debug");
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        barks_status *status = log_set_levels(wrong[index]);
        ck_assert_msg(status != NULL, "'%s'", wrong[index]);
        ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
        barks_status_free(status);
    }
    ck_assert(log_is_on(LEVEL_DEBUG, "net"));
    barks_status *status = log_check_levels("loud");
    ck_assert_str_eq(barks_status_text(status),
                     "'loud' is no level of the log: it is one of error, warn, info, debug and "
                     "trace, or a list such as net=debug,info");
    barks_status_free(status);
}
END_TEST

START_TEST(equal_lines_are_counted)
{
    begin("info");
    for (int repeat = 0; repeat < 5; repeat++)
        LOG(LEVEL_INFO, "net", "again");
    LOG(LEVEL_INFO, "net", "other");
    LOG(LEVEL_INFO, "net", "other");
    log_flush();
    log_flush();
    LOG(LEVEL_INFO, "net", "other");
    ck_assert_str_eq(caught.text, "[barks] info net: again\n[barks] the last line 4 times more\n"
                                  "[barks] info net: other\n[barks] the last line 1 times more\n"
                                  "[barks] info net: other\n");
}
END_TEST

START_TEST(long_line_is_cut_visibly)
{
    begin("info");
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    LOG(LEVEL_INFO, "net", "%s", text);
    ck_assert_uint_lt(caught.length, 2100);
    ck_assert_str_eq(caught.text + caught.length - 5, "x...\n");
}
END_TEST

START_TEST(status_is_logged_as_a_chain_and_with_places_at_debug_level)
{
    barks_status *cause = barks_status_new(BARKS_IO, NULL, "a.c:1", "disk full");
    barks_status *status = barks_status_new(BARKS_IO, cause, "b.c:2", "write part 3");
    begin("info");
    log_status(LEVEL_ERROR, "store", status);
    ck_assert_str_eq(caught.text, "[barks] error store: write part 3: disk full\n");
    begin("debug");
    log_status(LEVEL_ERROR, "store", status);
    ck_assert_str_eq(caught.text, "[barks] error store: write part 3: disk full\n"
                                  "[barks] debug store:   input/output at b.c:2: write part 3\n"
                                  "[barks] debug store:   input/output at a.c:1: disk full\n");
    barks_status_free(status);
}
END_TEST

enum { THREADS = 4, LINES = 200 };

static void *log_lines(void *argument)
{
    for (int line = 0; line < LINES; line++)
        LOG(LEVEL_INFO, "net", "thread %d line %d end", *(int *)argument, line);
    return NULL;
}

/* Through a pipe in place of the standard error: every line is whole. */
START_TEST(lines_of_several_threads_do_not_mix)
{
    begin("info");
    log_set_sink(NULL, NULL);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int thread = 0; thread < THREADS; thread++) {
        numbers[thread] = thread;
        ck_assert_int_eq(pthread_create(&threads[thread], NULL, log_lines, &numbers[thread]), 0);
    }
    for (int thread = 0; thread < THREADS; thread++)
        ck_assert_int_eq(pthread_join(threads[thread], NULL), 0);
    ck_assert_int_eq(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(saved);
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    ck_assert_ptr_nonnull(lines);
    char line[200];
    int count = 0;
    int next[THREADS] = {0};
    while (fgets(line, sizeof line, lines) != NULL) {
        int thread = -1;
        int number = -1;
        int end = 0;
        /* NOLINTNEXTLINE(cert-err34-c): small numbers, and the end is checked */
        sscanf(line, "[barks] info net: thread %d line %d end\n%n", &thread, &number, &end);
        ck_assert_msg(end > 0 && thread >= 0 && thread < THREADS, "%s", line);
        ck_assert_int_eq(number, next[thread]++);
        count++;
    }
    ck_assert_int_eq(count, THREADS * LINES);
    fclose(lines);
}
END_TEST

SUITE_MAIN("base/log", lines_bear_origin_level_and_area, levels_hold_for_their_areas,
           arguments_are_left_alone_where_no_area_logs, wrong_levels_are_errors_and_change_nothing,
           equal_lines_are_counted, long_line_is_cut_visibly,
           status_is_logged_as_a_chain_and_with_places_at_debug_level,
           lines_of_several_threads_do_not_mix)
