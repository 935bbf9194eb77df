#include "base/clock.h"
#include "base/scope.h"
#include "history/history_reader.h"
#include "history/history_writer.h"
#include "support/faults.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_tasks(struct history_writer *writer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct history_record record = {.kind = KIND_TASK_STARTED, .task_started = {.task = i}};
        history_write(writer, &record);
    }
}

static void write_head(struct history_writer *writer)
{
    struct history_record head = {
        .kind = KIND_JOB, .job = {.magic = HISTORY_MAGIC, .format = HISTORY_FORMAT, .name = "job"}};
    history_write(writer, &head);
}

static barks_status *close_writer(struct history_writer *writer, uint64_t close_ns,
                                  struct history_end *end)
{
    struct history_record last = {.kind = KIND_JOB_ENDED};
    return history_writer_close(writer, &last, close_ns, end);
}

static uint64_t count_records(const char *path)
{
    BARKS_AUTO(history_reader) reader = {0};
    struct history_record record;
    uint64_t count = 0;
    bool more = false;
    must(history_open(path, &reader));
    must(history_next(&reader, &record, &more));
    for (; more; count++) {
        history_record_drop(&record);
        must(history_next(&reader, &record, &more));
    }
    ck_assert(!reader.is_cut);
    return count;
}

static void remove_log(const char *folder, const char *path)
{
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(a_log_is_private_has_a_safe_name_and_loses_its_part_at_the_end)
{
    char folder[] = "/tmp/barks-test-XXXXXX", logs[64], expected[128], part[160];
    struct history_writer *writer = NULL;
    struct history_end end;
    struct stat about;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(logs, sizeof logs, "%s/logs", folder);
    snprintf(expected, sizeof expected, "%s/_.__a_b-19700102T000000Z-%ld.events", logs,
             (long)getpid());
    snprintf(part, sizeof part, "%s.part", expected);
    umask(0);
    must(history_writer_open(logs,
                             "../\xc3"
                             "a b",
                             UINT64_C(86400) * NS_PER_S, &writer));
    ck_assert_int_eq(stat(logs, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0700);
    ck_assert_int_eq(stat(part, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0600);
    write_head(writer);
    write_tasks(writer, 100);
    must(close_writer(writer, NS_PER_S * 20, &end));
    ck_assert_str_eq(end.path, expected);
    ck_assert_uint_eq(end.dropped_count, 0);
    ck_assert_int_ne(stat(part, &about), 0);
    ck_assert_uint_eq(count_records(expected), 102);
    remove_log(logs, expected);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_disk_that_stands_still_stalls_nobody)
{
    enum { QUEUE_BYTES = 1 << 16, MANY = 300000 };
    int ends[2];
    struct history_writer *writer = NULL;
    struct history_end end;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0); /* nobody reads */
    must(history_writer_start(ends[1], QUEUE_BYTES, &writer));
    uint64_t begin_ns = monotonic_ns();
    write_tasks(writer, MANY);
    uint64_t write_ns = monotonic_ns() - begin_ns;
    ck_assert_uint_lt(write_ns, UINT64_C(10) * NS_PER_S);
    begin_ns = monotonic_ns();
    barks_status *status = close_writer(writer, 200 * NS_PER_MS, &end);
    uint64_t close_ns = monotonic_ns() - begin_ns;
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    ck_assert_uint_ge(close_ns, 200 * NS_PER_MS);
    ck_assert_uint_lt(close_ns, UINT64_C(10) * NS_PER_S);
    ck_assert_uint_gt(end.dropped_count, MANY / 2);
    ck_assert_uint_lt(end.dropped_count, MANY);
    /* The thread that was left behind comes to its end once it can. */
    static char piece[4096]; /* the frame is large already */
    ssize_t got = 1, all = 0;
    while (got > 0) {
        got = read(ends[0], piece, sizeof piece);
        all += got;
    }
    ck_assert_int_eq(got, 0);
    ck_assert_int_gt(all, QUEUE_BYTES);
    close(ends[0]);
}
END_TEST

START_TEST(a_disk_that_is_full_ends_the_log_and_not_the_job)
{
    struct history_writer *writer = NULL;
    struct history_end end;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(full, 0);
    must(history_writer_start(full, 1 << 16, &writer));
    write_head(writer);
    barks_status *status = close_writer(writer, NS_PER_S * 20, &end);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "No space left"));
    barks_status_free(status);
}
END_TEST

START_TEST(a_log_that_cannot_be_made_says_where_and_how_it_is_set)
{
    struct history_writer *writer = NULL;
    const char *folders[] = {"/dev/null/logs", "/proc/no/logs"};
    for (size_t i = 0; i < 2; i++) {
        barks_status *status = history_writer_open(folders[i], "job", 0, &writer);
        ck_assert_int_eq(barks_status_code(status), BARKS_IO);
        ck_assert_ptr_nonnull(strstr(barks_status_text(status), folders[i]));
        ck_assert_ptr_nonnull(strstr(barks_status_text(status), "--barks-event-log"));
        barks_status_free(status);
    }
}
END_TEST

START_TEST(a_log_that_cannot_be_renamed_keeps_its_part)
{
    char folder[] = "/tmp/barks-test-XXXXXX";
    struct history_writer *writer = NULL;
    struct history_end end;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    must(history_writer_open(folder, "job", 0, &writer));
    write_head(writer);
    arm_faults("fail:call=rename");
    barks_status *status = close_writer(writer, NS_PER_S * 20, &end);
    disarm_faults();
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    ck_assert_str_eq(end.path + strlen(end.path) - 5, ".part");
    ck_assert_uint_eq(count_records(end.path), 2);
    remove_log(folder, end.path);
}
END_TEST

SUITE_MAIN("history/history_writer", a_log_is_private_has_a_safe_name_and_loses_its_part_at_the_end,
           a_disk_that_stands_still_stalls_nobody, a_disk_that_is_full_ends_the_log_and_not_the_job,
           a_log_that_cannot_be_made_says_where_and_how_it_is_set,
           a_log_that_cannot_be_renamed_keeps_its_part)
