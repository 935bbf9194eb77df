/* Logs made of records become jobs; what they lack is known as lacking. */
#include "base/scope.h"
#include "cli/commands.h"
#include "cli/job_log.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static struct packer bytes, body;

static void put(struct history_record record) { history_record_pack(&record, &body, &bytes); }

static void begin_log(uint64_t format)
{
    packer_drop(&bytes);
    packer_drop(&body);
    put((struct history_record){.kind = KIND_JOB,
                                .job = {.magic = HISTORY_MAGIC,
                                        .format = format,
                                        .version = "9.9",
                                        .name = "trial",
                                        .pid = 7,
                                        .host = "node1"}});
}

static void put_executor(uint64_t executor, uint64_t node)
{
    put((struct history_record){.kind = KIND_EXECUTOR,
                                .executor = {.executor = executor,
                                             .host = "node1",
                                             .node = node,
                                             .pid = 10 + executor,
                                             .worker_count = 2,
                                             .memory_bytes = 1 << 30}});
}

static void put_started(uint64_t time_ns, uint64_t task, uint64_t executor)
{
    put((struct history_record){
        .kind = KIND_TASK_STARTED,
        .task_started = {.time_ns = time_ns, .action = 1, .task = task, .executor = executor}});
}

static void put_ended(uint64_t time_ns, uint64_t task, uint64_t executor, uint64_t exit_code)
{
    put((struct history_record){.kind = KIND_TASK_ENDED,
                                .task_ended = {.time_ns = time_ns,
                                               .action = 1,
                                               .task = task,
                                               .executor = executor,
                                               .exit_code = exit_code,
                                               .error = exit_code != 0 ? "no <luck>" : NULL,
                                               .rows_read = 10 * task}});
}

static struct job_log read_back(void)
{
    struct job_log log = {0};
    must(job_log_read_bytes("trial", bytes.bytes.data, bytes.bytes.size, &log));
    return log;
}

START_TEST(beginnings_and_ends_of_tasks_come_together)
{
    begin_log(HISTORY_FORMAT);
    put_executor(1, 5);
    put_executor(2, 5);
    put_executor(3, 6);
    put_started(100, 0, 1);
    put_started(110, 1, 2);
    put_started(120, 2, 1);
    put_ended(200, 0, 1, 0);
    put_ended(210, 1, 2, 6);
    put_started(220, 3, 1);
    BARKS_AUTO(job_log) log = read_back();
    ck_assert_uint_eq(log.attempt_count, 4);
    ck_assert_uint_eq(log.node_count, 2);
    ck_assert_uint_eq(job_log_worker_count(&log), 6);
    ck_assert_uint_eq(log.attempts[0].end_ns, 200);
    ck_assert_uint_eq(log.attempts[1].exit_code, 6);
    ck_assert_str_eq(log.attempts[1].error, "no <luck>");
    ck_assert_uint_eq(log.attempts[1].rows_read, 10);
    ck_assert_uint_eq(log.attempts[2].end_ns, TIME_OPEN);
    ck_assert_uint_eq(logged_attempt_end(&log, &log.attempts[2]), 220);
    /* Tasks 0 and 2 overlap, 3 comes after 0. */
    ck_assert_uint_eq(log.attempts[0].lane, 0);
    ck_assert_uint_eq(log.attempts[2].lane, 1);
    ck_assert_uint_eq(log.attempts[3].lane, 0);
    ck_assert_uint_eq(log.executors[0].lane_count, 2);
    ck_assert_uint_eq(log.executors[1].lane_count, 1);
    ck_assert_str_eq(job_log_outcome(&log), "unfinished");
}
END_TEST

START_TEST(an_end_without_a_beginning_counts_at_its_time)
{
    begin_log(HISTORY_FORMAT);
    put((struct history_record){.kind = KIND_DROPPED, .dropped = {.record_count = 3}});
    put_ended(300, 8, 4, 0);
    BARKS_AUTO(job_log) log = read_back();
    ck_assert_uint_eq(log.attempt_count, 1);
    ck_assert_uint_eq(log.attempts[0].begin_ns, 300);
    ck_assert_uint_eq(log.attempts[0].end_ns, 300);
    ck_assert_uint_eq(log.executor_count, 4);
    ck_assert_uint_eq(log.dropped_count, 3);
}
END_TEST

START_TEST(outcomes_are_those_of_exit_statuses)
{
    static const struct {
        uint64_t exit_code;
        const char *outcome;
    } cases[] = {{0, "done"}, {6, "failed"}, {8, "cancelled"}, {75, "out of time"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin_log(HISTORY_FORMAT);
        put((struct history_record){.kind = KIND_JOB_ENDED,
                                    .job_ended = {.time_ns = 5,
                                                  .exit_code = cases[i].exit_code,
                                                  .dropped_count = 2,
                                                  .output = "out"}});
        BARKS_AUTO(job_log) log = read_back();
        ck_assert_str_eq(job_log_outcome(&log), cases[i].outcome);
        ck_assert_uint_eq(log.dropped_count, 2);
        ck_assert_uint_eq(log.end_ns, 5);
    }
}
END_TEST

static void check_refused(barks_code code, const char *words)
{
    struct job_log log = {0};
    char text[500];
    barks_status *status = job_log_read_bytes("trial", bytes.bytes.data, bytes.bytes.size, &log);
    ck_assert_int_eq(barks_status_code(status), code);
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL && strstr(text, "trial") != NULL, "%s", text);
    barks_status_free(status);
}

START_TEST(a_later_format_and_impossible_executors_are_refused)
{
    begin_log(HISTORY_FORMAT + 1);
    check_refused(BARKS_INVALID, "9.9");
    begin_log(HISTORY_FORMAT);
    put_executor(0, 1);
    check_refused(BARKS_BAD_INPUT, "executor 0");
    begin_log(HISTORY_FORMAT);
    put_started(1, 1, UINT64_MAX);
    check_refused(BARKS_BAD_INPUT, "executor 18446744073709551615");
}
END_TEST

static void check_pages(const struct job_log *log, char *out_page, size_t page_bytes)
{
    FILE *out = tmpfile(), *trace = tmpfile();
    ck_assert(out != NULL && trace != NULL);
    trace_write(trace, log);
    ck_assert_int_eq(fclose(trace), 0);
    must(report_write(out, log, "id"));
    rewind(out);
    size_t got = fread(out_page, 1, page_bytes - 1, out);
    out_page[got] = '\0';
    ck_assert_int_eq(fclose(out), 0);
}

/* So many that a bar for each would be too much for a browser. */
START_TEST(a_hundred_thousand_tasks_make_a_small_page)
{
    enum { TASKS = 100000, PAGE_BYTES = 1 << 20 };
    static char page[PAGE_BYTES];
    begin_log(HISTORY_FORMAT);
    for (uint64_t i = 1; i <= 100; i++)
        put_executor(i, i / 10);
    for (uint64_t task = 0; task < TASKS; task++) {
        put_started(1000 * task, task, 1 + task % 100);
        put_ended(1000 * task + 100000, task, 1 + task % 100, 0);
    }
    BARKS_AUTO(job_log) log = read_back();
    ck_assert_uint_eq(log.attempt_count, TASKS);
    check_pages(&log, page, sizeof page);
    ck_assert_uint_lt(strlen(page), PAGE_BYTES - 1);
    ck_assert_ptr_nonnull(strstr(page, "100000 attempts"));
    ck_assert_ptr_nonnull(strstr(page, "</html>"));
}
END_TEST

START_TEST(a_log_of_nothing_but_its_head_makes_pages_too)
{
    static char page[1 << 16];
    begin_log(HISTORY_FORMAT);
    BARKS_AUTO(job_log) log = read_back();
    check_pages(&log, page, sizeof page);
    ck_assert_ptr_nonnull(strstr(page, "unfinished"));
}
END_TEST

SUITE_MAIN("cli/job_log", beginnings_and_ends_of_tasks_come_together,
           an_end_without_a_beginning_counts_at_its_time, outcomes_are_those_of_exit_statuses,
           a_later_format_and_impossible_executors_are_refused,
           a_hundred_thousand_tasks_make_a_small_page,
           a_log_of_nothing_but_its_head_makes_pages_too)
