#include "support/property.h"
#include "work/stage_manifest.h"
#include "work/work_directory.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[] = "/tmp/barks-manifest-XXXXXX";
static struct work work;

static void begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
    ck_assert_ptr_null(work_open(root, &work));
}

static void end(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", root);
    work_drop(&work);
    ck_assert_int_eq(system(command), 0);
    memcpy(strrchr(root, '-') + 1, "XXXXXX", 6);
}

static const struct fingerprint fingerprint = {.parts = {1, 2, 3, 4, 5, 6, 7}, .is_known = true};

static char *path_of(const char *name)
{
    char stage[FINGERPRINT_NAME_BYTES];
    fingerprint_name(&fingerprint, stage);
    char *path = work_stage_path(&work, stage, name);
    ck_assert_ptr_nonnull(path);
    return path;
}

static void write_rows(size_t bytes)
{
    char stage[FINGERPRINT_NAME_BYTES];
    fingerprint_name(&fingerprint, stage);
    ck_assert_ptr_null(work_make_stage(&work, stage));
    char *path = path_of("rows");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (off_t)bytes), 0);
    fclose(file);
    free(path);
}

/* Of four partitions, the second of which has rows. */
static void make_shuffle(struct stage_manifest *manifest)
{
    *manifest = (struct stage_manifest){.fingerprint = fingerprint, .session = work.session};
    ck_assert_ptr_null(stored_stage_create(4, 1, &manifest->stored));
    manifest->stored->tag = 99;
    manifest->stored->paths[0] = path_of("rows");
    manifest->stored->pieces[1] = (struct stored_piece){
        .partition = 1, .size_bytes = 500, .frame_count = 2, .row_count = 10, .encoded_bytes = 900};
    manifest->file_bytes = calloc(1, sizeof *manifest->file_bytes);
    ck_assert_ptr_nonnull(manifest->file_bytes);
    manifest->file_bytes[0] = 500;
    uint8_t bytes[3] = {7, 8, 9};
    struct manifest_added added = {
        .stage = "0123456789abcdef0123456789abcdef", .index = 3, .bytes = bytes, .size_bytes = 3};
    ck_assert_ptr_null(stage_manifest_add(manifest, &added));
}

static void store_shuffle(void)
{
    struct stage_manifest manifest;
    make_shuffle(&manifest);
    ck_assert_ptr_null(stage_manifest_write(&work, &manifest));
    stage_manifest_drop(&manifest);
}

START_TEST(a_shuffle_comes_back_as_it_was_written)
{
    struct stage_manifest manifest = {0};
    bool is_there = false;
    begin();
    ck_assert_ptr_null(stage_manifest_read(&work, &fingerprint, &manifest, &is_there));
    ck_assert(!is_there);
    write_rows(500);
    store_shuffle();
    ck_assert_ptr_null(stage_manifest_read(&work, &fingerprint, &manifest, &is_there));
    ck_assert(is_there && fingerprint_equal(&manifest.fingerprint, &fingerprint));
    ck_assert_uint_eq(manifest.session, work.session);
    const struct stored_stage *stored = manifest.stored;
    ck_assert_uint_eq(stored->partition_count, 4);
    ck_assert_uint_eq(stored->tag, 99);
    ck_assert_uint_eq(stored->pieces[0].frame_count, 0);
    ck_assert_uint_eq(stored->pieces[1].frame_count, 2);
    ck_assert_uint_eq(stored->pieces[1].size_bytes, 500);
    ck_assert_uint_eq(stored->pieces[1].row_count, 10);
    ck_assert_uint_eq(stored->pieces[1].encoded_bytes, 900);
    ck_assert_uint_eq(manifest.added_count, 1);
    ck_assert_str_eq(manifest.added[0].stage, "0123456789abcdef0123456789abcdef");
    ck_assert_uint_eq(manifest.added[0].index, 3);
    ck_assert_uint_eq(manifest.added[0].size_bytes, 3);
    ck_assert_uint_eq(manifest.added[0].bytes[2], 9);
    stage_manifest_drop(&manifest);
    end();
}
END_TEST

START_TEST(an_answer_comes_back_as_it_was_written)
{
    uint8_t bytes[] = {1, 2, 3};
    struct buffer results[2] = {{.data = bytes, .size_bytes = 3}, {0}};
    struct stage_manifest manifest = {
        .fingerprint = fingerprint, .results = results, .result_count = 2};
    bool is_there = false;
    begin();
    ck_assert_ptr_null(stage_manifest_write(&work, &manifest));
    manifest = (struct stage_manifest){0};
    ck_assert_ptr_null(stage_manifest_read(&work, &fingerprint, &manifest, &is_there));
    ck_assert(is_there && manifest.stored == NULL);
    ck_assert_uint_eq(manifest.result_count, 2);
    ck_assert_uint_eq(manifest.results[0].size_bytes, 3);
    ck_assert_int_eq(memcmp(manifest.results[0].data, bytes, 3), 0);
    ck_assert_uint_eq(manifest.results[1].size_bytes, 0);
    stage_manifest_drop(&manifest);
    end();
}
END_TEST

static void expect_damaged(const char *what)
{
    struct stage_manifest manifest = {0};
    bool is_there = true;
    barks_status *status = stage_manifest_read(&work, &fingerprint, &manifest, &is_there);
    ck_assert_msg(status != NULL && !is_there, "%s was not noticed", what);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
}

START_TEST(rows_that_are_short_or_gone_are_noticed)
{
    begin();
    write_rows(500);
    store_shuffle();
    write_rows(499);
    expect_damaged("a short file");
    char *path = path_of("rows");
    ck_assert_int_eq(unlink(path), 0);
    expect_damaged("a file that is gone");
    free(path);
    end();
}
END_TEST

START_TEST(rows_that_are_not_seen_are_not_stored)
{
    struct stage_manifest manifest;
    begin();
    make_shuffle(&manifest);
    barks_status *status = stage_manifest_write(&work, &manifest);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "all hosts of the job share"));
    barks_status_free(status);
    ck_assert(!stage_manifest_is_there(&work, &fingerprint));
    stage_manifest_drop(&manifest);
    end();
}
END_TEST

/* Every byte, and every length below the whole. */
START_TEST(any_damage_of_a_manifest_is_noticed)
{
    static uint8_t whole[4096], damaged[sizeof whole];
    begin();
    write_rows(500);
    store_shuffle();
    char *path = path_of("manifest");
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t size_bytes = fread(whole, 1, sizeof whole, file);
    fclose(file);
    ck_assert(size_bytes > 0 && size_bytes < sizeof whole);
    for (size_t at = 0; at < 2 * size_bytes; at++) {
        bool is_cut = at >= size_bytes;
        size_t length = is_cut ? at - size_bytes : size_bytes;
        memcpy(damaged, whole, size_bytes);
        if (!is_cut)
            damaged[at] ^= 0x10;
        file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(damaged, 1, length, file), length);
        fclose(file);
        expect_damaged(is_cut ? "a cut" : "a changed byte");
    }
    free(path);
    end();
}
END_TEST

SUITE_MAIN("work/stage_manifest", a_shuffle_comes_back_as_it_was_written,
           an_answer_comes_back_as_it_was_written, rows_that_are_short_or_gone_are_noticed,
           rows_that_are_not_seen_are_not_stored, any_damage_of_a_manifest_is_noticed)
