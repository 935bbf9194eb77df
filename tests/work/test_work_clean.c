#include "support/property.h"
#include "work/stage_manifest.h"
#include "work/work_clean.h"
#include "work/work_directory.h"

#include <check.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root[] = "/tmp/barks-clean-XXXXXX";

static void in_root(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_int_eq(chdir(root), 0);
}

static void drop_root(void)
{
    char command[64];
    ck_assert_int_eq(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
    memcpy(strrchr(root, '-') + 1, "XXXXXX", 6);
}

/* A stage of so many bytes that was used so long ago. */
static void make_stage(const struct work *work, char digit, size_t bytes, time_t age_seconds)
{
    char name[33], path[200];
    time_t used = time(NULL) - age_seconds;
    const struct timespec times[2] = {{.tv_sec = used}, {.tv_sec = used}};
    memset(name, digit, 32);
    name[32] = '\0';
    ck_assert_ptr_null(work_make_stage(work, name));
    snprintf(path, sizeof path, "%s/%s/manifest", work->path, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (off_t)bytes), 0);
    fclose(file);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool has_stage(const struct work *work, char digit)
{
    char path[200], name[33];
    memset(name, digit, 32);
    name[32] = '\0';
    snprintf(path, sizeof path, "%s/%s", work->path, name);
    return access(path, F_OK) == 0;
}

static struct work made_work(void)
{
    struct work work = {0};
    in_root();
    ck_assert_ptr_null(work_open("w", &work));
    make_stage(&work, 'a', 1000, 3000);
    make_stage(&work, 'b', 2000, 2000);
    make_stage(&work, 'c', 4000, 1000);
    ck_assert_int_eq(mkdir("w/notes", 0777), 0); /* nothing of barks */
    return work;
}

static void end(struct work *work)
{
    ck_assert_int_eq(access("w/notes", F_OK), 0);
    work_drop(work);
    drop_root();
}

static void note(void *context, const struct clean_stage *stage)
{
    ck_assert_uint_ge(stage->age_seconds, 1000);
    ck_assert_ptr_null(stage->job); /* what make_stage writes is no manifest */
    *(uint64_t *)context += stage->bytes;
}

START_TEST(what_was_not_used_for_long_goes)
{
    struct work work = made_work();
    struct clean_result result = {0};
    struct clean_options options = {
        .age_seconds = 1500, .bytes_max = UINT64_MAX, .stages_max = UINT64_MAX};
    ck_assert_ptr_null(work_clean("w", &options, &result));
    ck_assert(!has_stage(&work, 'a') && !has_stage(&work, 'b') && has_stage(&work, 'c'));
    ck_assert_uint_eq(result.stages_removed, 2);
    ck_assert_uint_eq(result.bytes_removed, 3000);
    ck_assert_uint_eq(result.stages_left, 1);
    ck_assert_uint_eq(result.bytes_left, 4000);
    end(&work);
}
END_TEST

START_TEST(least_recently_used_goes_until_the_rest_is_small)
{
    struct work work = made_work();
    struct clean_result result = {0};
    struct clean_options options = {
        .age_seconds = UINT64_MAX, .bytes_max = 6000, .stages_max = UINT64_MAX};
    ck_assert_ptr_null(work_clean("w", &options, &result));
    ck_assert(!has_stage(&work, 'a') && has_stage(&work, 'b') && has_stage(&work, 'c'));
    ck_assert_uint_eq(result.bytes_left, 6000);
    end(&work);
}
END_TEST

START_TEST(least_recently_used_goes_until_the_rest_is_few)
{
    struct work work = made_work();
    struct clean_result result = {0};
    struct clean_options options = {
        .age_seconds = UINT64_MAX, .bytes_max = UINT64_MAX, .stages_max = 1};
    ck_assert_ptr_null(work_clean("w", &options, &result));
    ck_assert(!has_stage(&work, 'a') && !has_stage(&work, 'b') && has_stage(&work, 'c'));
    ck_assert_uint_eq(result.stages_left, 1);
    end(&work);
}
END_TEST

START_TEST(a_dry_run_tells_and_removes_nothing)
{
    struct work work = made_work();
    struct clean_result result = {0};
    uint64_t told_bytes = 0;
    struct clean_options options = {
        .bytes_max = 0, .age_seconds = 0, .is_dry = true, .each = note, .context = &told_bytes};
    ck_assert_ptr_null(work_clean("w", &options, &result));
    ck_assert(has_stage(&work, 'a') && has_stage(&work, 'b') && has_stage(&work, 'c'));
    ck_assert_uint_eq(told_bytes, 7000);
    ck_assert_uint_eq(result.bytes_removed, 7000);
    ck_assert_uint_eq(result.stages_left, 0);
    end(&work);
}
END_TEST

static void note_job(void *context, const struct clean_stage *stage)
{
    ck_assert_ptr_nonnull(stage->job);
    snprintf(context, 32, "%s", stage->job);
}

START_TEST(the_job_that_stored_a_stage_is_known)
{
    struct work work = {0};
    struct clean_result result = {0};
    char job[32] = "";
    struct clean_options options = {.is_dry = true, .each = note_job, .context = job};
    in_root();
    ck_assert_ptr_null(work_open("w", &work));
    struct stage_manifest manifest = {.fingerprint = {.parts = {1, 2, 3}, .is_known = true},
                                      .job = "terasort"};
    ck_assert_ptr_null(stage_manifest_write(&work, &manifest));
    ck_assert_ptr_null(work_clean("w", &options, &result));
    ck_assert_str_eq(job, "terasort");
    ck_assert_uint_eq(result.stages_removed, 1);
    work_drop(&work);
    drop_root();
}
END_TEST

START_TEST(other_directories_are_not_touched)
{
    struct clean_result result = {0};
    struct clean_options options = {0};
    in_root();
    ck_assert_int_eq(mkdir("w", 0777), 0);
    ck_assert_int_eq(mkdir("w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0777), 0);
    barks_status *status = work_clean("w", &options, &result);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "no work directory"));
    barks_status_free(status);
    ck_assert_int_eq(access("w/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", F_OK), 0);
    drop_root();
}
END_TEST

SUITE_MAIN("work/work_clean", what_was_not_used_for_long_goes,
           least_recently_used_goes_until_the_rest_is_small,
           least_recently_used_goes_until_the_rest_is_few, a_dry_run_tells_and_removes_nothing,
           the_job_that_stored_a_stage_is_known, other_directories_are_not_touched)
