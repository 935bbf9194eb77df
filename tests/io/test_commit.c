#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "io/commit.h"
#include "io/directory.h"
#include "io/owner.h"
#include "io/part_file.h"
#include "io_support.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct pool *pool;
static char *directory;

/* Short writes are no errors: the rest follows. */
#define ALWAYS "short:call=write,n=1+"
/* As on a file system that lacks renameat2. */
#define WITHOUT_RENAMEAT2 "fail:call=renameat2,n=1+,error=EINVAL;"

static const char *const ways[] = {ALWAYS, WITHOUT_RENAMEAT2 ALWAYS};

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

static struct commit_options options_for(const char *output)
{
    return (struct commit_options){.output = output, .job_id = "job1", .suffix = ".csv"};
}

/* Of one task. The last is that of an executor that was declared dead. */
static const struct part_attempt of_attempts[] = {
    {.job = 1, .attempt = 0, .executor = 1},
    {.job = 1, .attempt = 1, .executor = 2},
    {.job = 1, .attempt = 2, .executor = 2},
    {.job = 2, .attempt = 0, .executor = 1},
};

static barks_status *write_part(const struct commit *commit, uint32_t index, uint32_t attempt,
                                const char *content, struct commit_part *out_done)
{
    BARKS_AUTO(part_file) part = {0};
    BARKS_TRY(part_file_open(&part, commit, pool, index, &of_attempts[attempt]));
    BARKS_TRY(file_writer_put(&part.writer, content, strlen(content)));
    return part_file_end(&part, 7, out_done);
}

/* The names in a directory, sorted, by blanks. */
static void expect_names(const char *path, const char *wanted)
{
    char *command = NULL;
    size_t size_bytes = 0;
    int status = 0;
    ck_assert_int_gt(asprintf(&command, "LC_ALL=C ls -A '%s' 2>/dev/null | tr '\\n' ' '", path), 0);
    char *names = run_command(command, &size_bytes, &status);
    ck_assert_str_eq(names, wanted);
    free(names);
    free(command);
}

static void expect_file(const char *path, const char *wanted)
{
    size_t size_bytes = 0;
    char *content = read_file(path, &size_bytes);
    ck_assert_str_eq(content, wanted);
    free(content);
}

START_TEST(an_output_appears_whole)
{
    begin();
    const char *output = path_in(directory, "out");
    struct commit_options options = options_for(output);
    BARKS_AUTO(commit) commit = {0};
    struct commit_part parts[2];
    must(commit_begin(&options, &commit));
    must(write_part(&commit, 1, 0, "second\n", &parts[0]));
    must(write_part(&commit, 0, 0, "first one\n", &parts[1]));
    expect_names(directory, ".out.barks-job1 ");
    must(commit_end(&commit, parts, 2));
    expect_names(directory, "out ");
    expect_names(output, "_SUCCESS part-00000.csv part-00001.csv ");
    expect_file(path_in(output, "part-00000.csv"), "first one\n");
    expect_file(path_in(output, "_SUCCESS"),
                "barks-output 1\nparts 2\nrows 14\nbytes 17\n"
                "part-00000.csv rows 7 bytes 10\npart-00001.csv rows 7 bytes 7\n");
    must(commit_abort(&commit)); /* after the end it finds nothing */
    expect_names(directory, "out ");
    end();
}
END_TEST

START_TEST(attempts_that_failed_or_came_second_are_not_seen)
{
    begin();
    const char *output = path_in(directory, "out");
    struct commit_options options = options_for(output);
    BARKS_AUTO(commit) commit = {0};
    struct commit_part parts[2];
    must(commit_begin(&options, &commit));
    struct commit_part unwanted;
    struct part_file slow = {0};
    struct part_file lost = {0};
    struct part_file killed = {0};
    must(part_file_open(&slow, &commit, pool, 0, &of_attempts[0]));
    must(part_file_open(&lost, &commit, pool, 0, &of_attempts[1]));
    must(part_file_open(&killed, &commit, pool, 3, &of_attempts[0]));
    must(file_writer_put(&slow.writer, "late\n", 5));
    must(file_writer_flush(&slow.writer));
    must(write_part(&commit, 0, 2, "same\n", &parts[0]));
    expect_names(commit.hidden, ".owner .part-00000.csv.1-0-1 .part-00000.csv.1-1-2 "
                                ".part-00000.csv.1-2-2 .part-00003.csv.1-0-1 ");
    must(part_file_end(&slow, 7, &unwanted)); /* it ends well, and does not count */
    part_file_drop(&lost);
    file_writer_drop(&killed.writer); /* its file stays, as if the process had died */
    expect_names(commit.hidden,
                 ".owner .part-00000.csv.1-0-1 .part-00000.csv.1-2-2 .part-00003.csv.1-0-1 ");
    must(write_part(&commit, 100000, 0, "", &parts[1]));
    write_text_file(path_in(commit.hidden, "part-00007.csv"), "of an earlier try");
    must(commit_end(&commit, parts, 2));
    part_file_drop(&killed);
    expect_names(output, "_SUCCESS part-00000.csv part-100000.csv ");
    expect_file(path_in(output, "part-00000.csv"), "same\n");
    end();
}
END_TEST

/* All has begun again, in the same hidden directory, while the first try still writes. */
START_TEST(no_attempt_writes_to_the_file_of_another)
{
    begin();
    const char *output = path_in(directory, "out");
    struct commit_options options = options_for(output);
    BARKS_AUTO(commit) commit = {0};
    struct commit_part part, unwanted;
    struct part_file zombie = {0}, same = {0};
    must(commit_begin(&options, &commit));
    must(part_file_open(&zombie, &commit, pool, 0, &of_attempts[0]));
    must(write_part(&commit, 0, 3, "right\n", &part));
    must(file_writer_put(&zombie.writer, "wrong\n", 6));
    must(file_writer_flush(&zombie.writer));
    must_fail(part_file_open(&same, &commit, pool, 0, &of_attempts[3]), BARKS_IO, "exists", NULL);
    must(commit_end(&commit, &part, 1));
    expect_file(path_in(output, "part-00000.csv"), "right\n");
    must(part_file_end(&zombie, 7, &unwanted)); /* of a file without a name by now */
    must_fail(part_file_open(&same, &commit, pool, 0, &of_attempts[1]), BARKS_IO, commit.hidden,
              NULL);
    expect_names(output, "_SUCCESS part-00000.csv ");
    end();
}
END_TEST

START_TEST(an_aborted_job_leaves_nothing)
{
    begin();
    const char *output = path_in(directory, "out");
    struct commit_options options = options_for(output);
    BARKS_AUTO(commit) commit = {0};
    struct commit_part part;
    must(commit_begin(&options, &commit));
    must(write_part(&commit, 0, 0, "x\n", &part));
    must(commit_abort(&commit));
    must(commit_abort(&commit));
    expect_names(directory, "");
    must_fail(write_part(&commit, 1, 0, "x\n", &part), BARKS_IO, commit.hidden, "share", NULL);
    end();
}
END_TEST

static void refuse(const char *output, bool overwrite, barks_code code, const char *first,
                   const char *second)
{
    BARKS_AUTO(commit) commit = {0};
    struct commit_options options = options_for(output);
    options.overwrite = overwrite;
    must_fail(commit_begin(&options, &commit), code, first, second, NULL);
}

START_TEST(outputs_that_cannot_be_are_refused_at_the_beginning)
{
    begin();
    const char *output = path_in(directory, "out");
    ck_assert_int_eq(mkdir(output, 0777), 0);
    refuse(output, false, BARKS_INVALID, output, "exists");
    refuse(path_in(output, ""), false, BARKS_INVALID, output, "exists");
    ck_assert_int_eq(symlink(output, path_in(directory, "link")), 0);
    refuse(path_in(directory, "link"), false, BARKS_INVALID, output, "exists");
    write_text_file(path_in(directory, "file"), "x");
    refuse(path_in(directory, "file"), true, BARKS_INVALID, "is a file", "directory");
    refuse(path_in(directory, "no/where"), false, BARKS_INVALID, "does not exist", "mkdir -p");
    refuse(path_in(directory, "file/where"), false, BARKS_IO, "Not a directory", "file/where");
    refuse("/", true, BARKS_INVALID, "'/'", "no directory");
    refuse("", true, BARKS_INVALID, "''", "no directory");
    ck_assert_int_eq(symlink("nowhere", path_in(directory, "dangling")), 0);
    refuse(path_in(directory, "dangling"), false, BARKS_IO, "dangling", "No such file");
    write_text_file(path_in(output, "thesis.tex"), "years of work");
    refuse(output, true, BARKS_INVALID, "thesis.tex", "not overwritten");
    ck_assert_int_eq(chdir(output), 0);
    refuse(".", true, BARKS_INVALID, "thesis.tex", "not overwritten");
    ck_assert_int_eq(chdir("/"), 0);
    expect_names(output, "thesis.tex ");
    if (geteuid() != 0) { /* root may write everywhere */
        ck_assert_int_eq(chmod(output, 0555), 0);
        refuse(path_in(output, "new"), false, BARKS_IO, output, "Permission denied");
    }
    expect_names(directory, "dangling file link out ");
    end();
}
END_TEST

START_TEST(overwriting_replaces_the_old_output_only_at_the_end)
{
    begin();
    const char *output = path_in(directory, "out");
    ck_assert_int_eq(symlink("out", path_in(directory, "link")), 0);
    for (int way = 0; way < 2; way++) {
        arm_faults("%s", ways[way]);
        char *command = NULL;
        ck_assert_int_gt(
            asprintf(&command,
                     "mkdir -p '%s' && echo old > '%s/part-00000.csv' && touch '%s/_SUCCESS'",
                     output, output, output),
            0);
        ck_assert_int_eq(system(command), 0);
        free(command);
        BARKS_AUTO(commit) commit = {0};
        struct commit_part part;
        struct commit_options options = options_for(path_in(directory, "link"));
        options.overwrite = true;
        must(commit_begin(&options, &commit));
        must(write_part(&commit, 0, 0, "new\n", &part));
        expect_file(path_in(output, "part-00000.csv"), "old\n");
        must(commit_end(&commit, &part, 1));
        expect_file(path_in(output, "part-00000.csv"), "new\n");
        expect_names(directory, "link out ");
    }
    end();
}
END_TEST

START_TEST(an_output_that_comes_to_exist_meanwhile_stays_as_it_is)
{
    begin();
    const char *output = path_in(directory, "out");
    for (int way = 0; way < 4; way++) {
        arm_faults("%s", ways[way % 2]);
        BARKS_AUTO(commit) commit = {0};
        struct commit_part part;
        struct commit_options options = options_for(output);
        options.overwrite = way / 2 == 1;
        must(commit_begin(&options, &commit));
        must(write_part(&commit, 0, 0, "new\n", &part));
        ck_assert_int_eq(mkdir(output, 0777), 0);
        write_text_file(path_in(output, "thesis.tex"), "years of work");
        must_fail(commit_end(&commit, &part, 1), BARKS_INVALID, output, NULL);
        must(commit_abort(&commit));
        expect_names(output, "thesis.tex ");
        expect_names(directory, "out ");
        ck_assert_int_eq(unlink(path_in(output, "thesis.tex")), 0);
        ck_assert_int_eq(rmdir(output), 0);
    }
    end();
}
END_TEST

START_TEST(not_even_an_empty_directory_is_replaced)
{
    begin();
    const char *output = path_in(directory, "out");
    BARKS_AUTO(commit) commit = {0};
    struct commit_part part;
    struct commit_options options = options_for(output);
    must(commit_begin(&options, &commit));
    must(write_part(&commit, 0, 0, "new\n", &part));
    ck_assert_int_eq(mkdir(output, 0777), 0);
    must_fail(commit_end(&commit, &part, 1), BARKS_INVALID, output, "while the job ran", NULL);
    must(commit_abort(&commit));
    expect_names(output, "");
    end();
}
END_TEST

START_TEST(parts_that_are_not_as_their_task_left_them_are_found)
{
    begin();
    const char *output = path_in(directory, "out");
    struct commit_options options = options_for(output);
    BARKS_AUTO(commit) commit = {0};
    struct commit_part parts[2];
    must(commit_begin(&options, &commit));
    must(write_part(&commit, 0, 0, "x\n", &parts[0]));
    parts[1] = (struct commit_part){.index = 1, .file_bytes = 4};
    must_fail(commit_end(&commit, parts, 2), BARKS_IO, "part 1", output, "share", NULL);
    must(write_part(&commit, 0, 1, "x\n", &parts[0]));
    must(write_part(&commit, 1, 0, "xxx", &parts[1]));
    parts[1].file_bytes = 4;
    must_fail(commit_end(&commit, parts, 2), BARKS_IO, "part 1", "3 bytes", "wrote 4", NULL);
    must(write_part(&commit, 0, 2, "x\n", &parts[0]));
    parts[1] = parts[0];
    must_fail(commit_end(&commit, parts, 2), BARKS_INTERNAL, "twice", NULL);
    must(commit_abort(&commit));
    expect_names(directory, "");
    end();
}
END_TEST

/* A whole job with two parts; what it holds is dropped whatever fails. */
static barks_status *run_job(const char *output, bool overwrite, struct commit *commit)
{
    struct commit_part parts[2];
    struct commit_options options = options_for(output);
    options.overwrite = overwrite;
    options.sync = true;
    BARKS_TRY(commit_begin(&options, commit));
    BARKS_TRY(write_part(commit, 0, 0, "new\n", &parts[0]));
    BARKS_TRY(write_part(commit, 1, 0, "more\n", &parts[1]));
    return commit_end(commit, parts, 2);
}

static void fail_each_call(bool overwrite, bool has_renameat2)
{
    const char *output = path_in(directory, "out");
    char *clean = NULL;
    ck_assert_int_gt(asprintf(&clean,
                              "rm -rf '%s'; %s { mkdir '%s' && echo old > '%s/part-00000.csv'; }",
                              output, overwrite ? "" : "true ||", output, output),
                     0);
    int failures = 0;
    for (int n = 1;; n++) {
        ck_assert_int_eq(system(clean), 0);
        BARKS_AUTO(commit) commit = {0};
        arm_faults("%sfail:call=rename+write+sync+close+make+fopen,n=%d;" ALWAYS,
                   has_renameat2 ? "" : WITHOUT_RENAMEAT2, n);
        barks_status *status = run_job(output, overwrite, &commit);
        bool was_reached = fault_struck(has_renameat2 ? 0 : 1) > 0;
        disarm_faults();
        char text[1000] = "";
        (void)barks_status_format(status, text, sizeof text);
        size_t size_bytes = 0;
        char *manifest = access(path_in(output, "_SUCCESS"), F_OK) == 0
                             ? read_file(path_in(output, "_SUCCESS"), &size_bytes)
                             : NULL;
        if (manifest != NULL) { /* whole, even if something was wrong after it */
            REQUIRE(status == NULL || strstr(text, "is whole") != NULL, "call %d: %s", n, text);
            expect_names(output, "_SUCCESS part-00000.csv part-00001.csv ");
            expect_file(path_in(output, "part-00001.csv"), "more\n");
        } else {
            REQUIRE(status != NULL, "call %d failed unnoticed", n);
            REQUIRE(strstr(text, directory) != NULL, "call %d, no path: %s", n, text);
            expect_names(output, overwrite ? "part-00000.csv " : "");
        }
        free(manifest);
        failures += status != NULL;
        barks_status_free(status);
        if (commit.hidden != NULL)
            must(commit_abort(&commit));
        expect_names(directory, manifest != NULL || overwrite ? "out " : "");
        if (!was_reached)
            break;
    }
    free(clean);
    ck_assert_int_ge(failures, 15);
}

START_TEST(whichever_call_fails_the_output_is_whole_or_not_there)
{
    begin();
    fail_each_call(false, true);
    end();
}
END_TEST

START_TEST(whichever_call_fails_the_old_output_or_the_new_one_is_there)
{
    begin();
    fail_each_call(true, true);
    end();
}
END_TEST

START_TEST(the_same_without_renameat2)
{
    begin();
    fail_each_call(false, false);
    fail_each_call(true, false);
    end();
}
END_TEST

/* A process that has begun an output of its own, and lives until the returned descriptor is closed.
 */
static pid_t begin_elsewhere(const char *output, const char *job_id, int *out_hold)
{
    int hold[2];
    int ready[2];
    char byte = 0;
    ck_assert_int_eq(pipe2(hold, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct commit commit = {0};
        struct commit_options options = options_for(output);
        options.job_id = job_id;
        barks_status *status = commit_begin(&options, &commit);
        (void)close(hold[1]);
        (void)close(ready[1]);
        (void)!read(hold[0], &byte, 1);
        _exit(status == NULL ? 0 : 1);
    }
    (void)close(hold[0]);
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 0); /* it has begun */
    (void)close(ready[0]);
    *out_hold = hold[1];
    return pid;
}

static void end_elsewhere(pid_t pid, int hold)
{
    int status = 0;
    (void)close(hold);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

static void begin_and_abort(const char *output)
{
    BARKS_AUTO(commit) commit = {0};
    struct commit_options options = options_for(output);
    must(commit_begin(&options, &commit));
    must(commit_abort(&commit));
}

START_TEST(what_a_dead_job_left_is_removed_and_a_living_ones_is_not)
{
    begin();
    const char *output = path_in(directory, "out");
    int hold = 0;
    pid_t pid = begin_elsewhere(output, "other", &hold);
    begin_and_abort(output);
    expect_names(directory, ".out.barks-other ");
    end_elsewhere(pid, hold);
    begin_and_abort(
        path_in(directory, "another")); /* whose leftovers they are is told by the name */
    expect_names(directory, ".out.barks-other ");
    begin_and_abort(output);
    expect_names(directory, "");
    end();
}
END_TEST

static void make_leftover(const char *owner, time_t age_seconds)
{
    const char *left = path_in(directory, ".out.barks-left");
    const char *file = path_in(left, ".owner");
    ck_assert_int_eq(mkdir(left, 0777), 0);
    if (owner != NULL)
        write_text_file(file, owner);
    struct timespec times[2] = {{.tv_sec = time(NULL) - age_seconds},
                                {.tv_sec = time(NULL) - age_seconds}};
    ck_assert_int_eq(utimensat(AT_FDCWD, left, times, 0), 0);
}

/* Aborting empties the directory; the file that tells whose it is goes last. */
START_TEST(whoever_is_killed_amid_leaves_its_owner)
{
    begin();
    uint64_t seed = property_seed();
    uint32_t amid_count = 0;
    for (int run = 0; run < 60; run++) {
        make_leftover("rubbish", 0);
        char *left = strdup(path_in(directory, ".out.barks-left"));
        for (int part = 0; part < 60; part++) {
            char name[32];
            snprintf(name, sizeof name, "part-%05d.csv.0", part);
            write_text_file(path_in(left, name), "1\n");
        }
        pid_t child = fork();
        if (child == 0)
            _exit(owner_remove_directory(left) != NULL);
        (void)usleep((useconds_t)(property_next(&seed) % 1500)); /* about so long */
        (void)kill(child, SIGKILL); /* a child that has ended waits to be collected */
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        bool is_amid =
            access(left, F_OK) == 0 && access(path_in(left, "part-00059.csv.0"), F_OK) != 0;
        if (access(path_in(left, ".owner"), F_OK) != 0) /* gone, or empty */
            ck_assert(rmdir(left) == 0 || errno == ENOENT);
        amid_count += is_amid;
        must(owner_remove_directory(left));
        free(left);
    }
    fprintf(stderr, "# killed amid in %u of 60 runs\n", amid_count);
    end();
}
END_TEST

START_TEST(an_owner_that_cannot_be_known_here_has_a_day)
{
    begin();
    const char *output = path_in(directory, "out");
    const char *const owners[] = {"elsewhere boot pid:[1] 1 1\n", "rubbish", "", NULL};
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        make_leftover(owners[i], 3600);
        begin_and_abort(output);
        expect_names(directory, ".out.barks-left ");
        must(directory_remove(path_in(directory, ".out.barks-left")));
        make_leftover(owners[i], 2 * COMMIT_LEFTOVER_SECONDS);
        begin_and_abort(output);
        expect_names(directory, "");
    }
    /* This very process, and one whose number was given out again. */
    BARKS_AUTO(commit) commit = {0};
    struct commit_options options = options_for(output);
    options.job_id = "mine";
    must(commit_begin(&options, &commit));
    size_t size_bytes = 0;
    char *owner = read_file(path_in(commit.hidden, ".owner"), &size_bytes);
    must(commit_abort(&commit));
    make_leftover(owner, 2 * COMMIT_LEFTOVER_SECONDS); /* however old: its job may be waiting */
    begin_and_abort(output);
    expect_names(directory, ".out.barks-left ");
    must(directory_remove(path_in(directory, ".out.barks-left")));
    char *start = strrchr(owner, ' ');
    ck_assert_ptr_nonnull(start);
    memcpy(start, " 1\n", 4);
    make_leftover(owner, 0);
    begin_and_abort(output);
    expect_names(directory, "");
    free(owner);
    end();
}
END_TEST

START_TEST(tasks_elsewhere_know_the_output_by_its_encoding)
{
    begin();
    struct commit_options options = options_for(path_in(directory, "out"));
    options.sync = true;
    BARKS_AUTO(commit) commit = {0};
    BARKS_AUTO(commit) copy = {0};
    BARKS_AUTO(buffer) buffer = {.limit_bytes = 10000};
    size_t used_bytes = 0;
    must(commit_begin(&options, &commit));
    must(commit_pack(&commit, &buffer));
    for (size_t cut = 0; cut < buffer.size_bytes; cut++)
        must_fail(commit_unpack(buffer.data, cut, &used_bytes, &copy), BARKS_BAD_INPUT, NULL);
    must(commit_unpack(buffer.data, buffer.size_bytes, &used_bytes, &copy));
    ck_assert_uint_eq(used_bytes, buffer.size_bytes);
    ck_assert_str_eq(copy.output, commit.output);
    ck_assert_str_eq(copy.hidden, commit.hidden);
    ck_assert_str_eq(copy.suffix, ".csv");
    ck_assert(copy.sync && !copy.overwrite);
    struct commit_part part;
    must(write_part(&copy, 0, 0, "x\n", &part));
    must(commit_end(&commit, &part, 1));
    end();
}
END_TEST

static void fill_device(const char *path, barks_code code, const char *reason)
{
    struct file_writer writer = {0};
    must(file_writer_open(&writer, pool, path));
    barks_status *status = NULL;
    static char block[4096];
    uint64_t file_bytes = 0;
    for (int i = 0; i < 2000 && status == NULL; i++)
        status = file_writer_put(&writer, block, sizeof block);
    if (status == NULL)
        status = file_writer_close(&writer, true, &file_bytes);
    file_writer_drop(&writer);
    must_fail(status, code, path, "bytes", reason, NULL);
}

START_TEST(a_full_disk_is_told_in_words)
{
    begin();
    fill_device("/dev/full", BARKS_LIMIT, "free space there");
    ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    fill_device(path_in(directory, "large"), BARKS_LIMIT, "ulimit -f");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    const char *disk = path_in(directory, "disk");
    ck_assert_int_eq(mkdir(disk, 0777), 0);
    if (mount("barks-test", disk, "tmpfs", 0, "size=1m") == 0) { /* root alone may */
        fill_device(path_in(disk, "large"), BARKS_LIMIT, "No space left on device");
        ck_assert_int_eq(umount(disk), 0);
    }
    end();
}
END_TEST

SUITE_MAIN("io/commit", an_output_appears_whole, attempts_that_failed_or_came_second_are_not_seen,
           an_aborted_job_leaves_nothing, outputs_that_cannot_be_are_refused_at_the_beginning,
           overwriting_replaces_the_old_output_only_at_the_end,
           an_output_that_comes_to_exist_meanwhile_stays_as_it_is,
           not_even_an_empty_directory_is_replaced,
           parts_that_are_not_as_their_task_left_them_are_found,
           no_attempt_writes_to_the_file_of_another,
           whichever_call_fails_the_output_is_whole_or_not_there,
           whichever_call_fails_the_old_output_or_the_new_one_is_there, the_same_without_renameat2,
           what_a_dead_job_left_is_removed_and_a_living_ones_is_not,
           an_owner_that_cannot_be_known_here_has_a_day, whoever_is_killed_amid_leaves_its_owner,
           tasks_elsewhere_know_the_output_by_its_encoding, a_full_disk_is_told_in_words)
