/* Disk space without names: store/scratch.c. */
#include "base/random.h"
#include "store/scratch.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Half of what is asked for, as a file system may. */
#define WRITES_ARE_SHORT "short:call=pwrite,n=1+"

static char directory[64];

static void make_directory(void)
{
    snprintf(directory, sizeof directory, "/tmp/barks-test-scratch-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    arm_faults(WRITES_ARE_SHORT);
}

START_TEST(what_was_written_is_read_and_no_name_is_left)
{
    make_directory();
    struct random random = random_of(property_seed());
    struct scratch *scratch = NULL;
    must(scratch_create(directory, &scratch));
    enum { PLACES = 50, BYTES_MAX = 20000 };
    static uint8_t written[PLACES][BYTES_MAX], got[BYTES_MAX];
    struct scratch_place places[PLACES];
    for (int i = 0; i < PLACES; i++) {
        size_t n = (size_t)random_below(&random, BYTES_MAX);
        for (size_t k = 0; k < n; k++)
            written[i][k] = (uint8_t)random_next(&random);
        must(scratch_write(scratch, written[i], n, &places[i]));
        if (i % 3 == 2)
            scratch_free(scratch, places[i - 1]);
    }
    for (int i = 0; i < PLACES; i++) {
        if (i % 3 == 1 && i + 1 < PLACES)
            continue;
        must(scratch_read(scratch, places[i], got));
        ck_assert_mem_eq(got, written[i], places[i].size_bytes);
    }
    DIR *listing = opendir(directory);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
        ck_assert_msg(entry->d_name[0] == '.', "'%s' has a name", entry->d_name);
    closedir(listing);
    scratch_destroy(scratch);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(space_that_is_given_back_is_used_again)
{
    static uint8_t bytes[3 << 20], got[3 << 20];
    struct random random = random_of(property_seed());
    struct scratch *scratch = NULL;
    must(scratch_create("/tmp", &scratch));
    struct scratch_place places[8] = {{0}};
    for (int round = 0; round < 500; round++) {
        size_t i = random_below(&random, 8), n = 1 + random_below(&random, sizeof bytes);
        scratch_free(scratch, places[i]);
        for (size_t k = 0; k < n; k += 4096)
            bytes[k] = (uint8_t)round;
        must(scratch_write(scratch, bytes, n, &places[i]));
        must(scratch_read(scratch, places[i], got));
        ck_assert_mem_eq(got, bytes, n);
    }
    ck_assert_uint_le(scratch_peak_bytes(scratch), 9 * (sizeof bytes + (1 << 20)));
    uint64_t offset = places[3].offset;
    size_t n = (size_t)places[3].size_bytes;
    scratch_free(scratch, places[3]);
    must(scratch_write(scratch, bytes, n, &places[3]));
    ck_assert_uint_eq(places[3].offset, offset);
    scratch_destroy(scratch);
}
END_TEST

START_TEST(a_full_directory_passes_the_turn_on)
{
    char both[200], got[6];
    make_directory();
    struct scratch *scratch = NULL;
    snprintf(both, sizeof both, "%s:/tmp", directory);
    must(scratch_create(both, &scratch));
    struct scratch_place place = {0};
    arm_faults("fail:call=pwrite;" WRITES_ARE_SHORT);
    must(scratch_write(scratch, "hello", 6, &place));
    ck_assert_uint_eq(place.directory, 1);
    must(scratch_read(scratch, place, got));
    ck_assert_str_eq(got, "hello");
    arm_faults("fail:call=pwrite;fail:call=pwrite;" WRITES_ARE_SHORT);
    barks_status *status = scratch_write(scratch, "hello", 6, &place);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "No space left"));
    barks_status_free(status);
    scratch_destroy(scratch);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_named)
{
    struct scratch *scratch = NULL;
    struct scratch_place place = {0};
    must(scratch_create("/nowhere/at/all", &scratch));
    barks_status *status = scratch_write(scratch, "x", 1, &place);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "/nowhere/at/all"));
    barks_status_free(status);
    scratch_destroy(scratch);
}
END_TEST

SUITE_MAIN("store/scratch", what_was_written_is_read_and_no_name_is_left,
           space_that_is_given_back_is_used_again, a_full_directory_passes_the_turn_on,
           a_directory_that_is_not_there_is_named)
