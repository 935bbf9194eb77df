/* Strings on disk that views point at: store/mapped_strings.c. */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "store/mapped_strings.h"
#include "support/faults.h"
#include "support/property.h"
#include "support/room.h"

#include <check.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The scratch file of this process: it has no name, but a descriptor. */
static int scratch_descriptor(void)
{
    char path[64], target[300];
    int found = -1;
    DIR *listing = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; found < 0 && (entry = readdir(listing)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length <= 0)
            continue;
        target[length] = '\0';
        if (strstr(target, "barks-scratch") != NULL)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(listing);
    ck_assert_int_ge(found, 0);
    return found;
}

enum { STRINGS = 3000, LENGTH_MAX = 3000 }; /* some 4 MiB */

/* What a batch would hold. */
struct held {
    struct block *blocks[STRINGS];
    uint8_t *bytes[STRINGS];
    size_t lengths[STRINGS];
    uint32_t count;
};

BARKS_CHECKED static barks_status *take_all(struct mapped_strings *strings, struct random *random,
                                            struct held *held)
{
    for (; held->count < STRINGS; held->count++) {
        uint32_t i = held->count;
        held->lengths[i] = (size_t)random_below(random, LENGTH_MAX);
        if (i == STRINGS / 2)
            held->lengths[i] = (size_t)3 << 20; /* a chunk of its own */
        BARKS_TRY(strings->base.take(&strings->base, held->lengths[i], &held->blocks[i],
                                     &held->bytes[i]));
        (void)block_acquire(held->blocks[i]);
        memset(held->bytes[i], (int)('a' + i % 26), held->lengths[i]);
    }
    return NULL;
}

static void check_all(const struct held *held)
{
    for (uint32_t i = 0; i < held->count; i++)
        for (size_t k = 0; k < held->lengths[i]; k++)
            ck_assert_uint_eq(held->bytes[i][k], (uint8_t)('a' + i % 26));
}

static void let_go(struct held *held)
{
    for (uint32_t i = 0; i < held->count; i++)
        block_release(held->blocks[i]);
    held->count = 0;
}

static struct held held;

START_TEST(strings_stay_where_they_are)
{
    begin(UINT64_C(64) << 20);
    struct random random = random_of(property_seed());
    struct mapped_strings strings = {.base.take = mapped_strings_take, .room = &room};
    must(take_all(&strings, &random, &held));
    ck_assert_uint_lt(pool_used_bytes(room.pool), UINT64_C(2) << 20); /* the last chunk */
    check_all(&held);
    mapped_strings_drop(&strings);
    let_go(&held);
    ck_assert_uint_eq(scratch_unseen_count(room.scratch), 0);
    must(scratch_check(room.scratch, 0));
    end();
}
END_TEST

START_TEST(bytes_that_change_on_disk_are_noticed_in_the_end)
{
    begin(UINT64_C(64) << 20);
    struct random random = random_of(property_seed());
    for (uint64_t round = 0; round < 20; round++) {
        struct mapped_strings strings = {.base.take = mapped_strings_take, .room = &room};
        must(take_all(&strings, &random, &held));
        int descriptor = scratch_descriptor();
        /* Any byte of the first chunk: it is at the beginning, as this is all there is. */
        off_t at = (off_t)random_below(&random, 1 << 20);
        uint8_t byte = 0;
        ck_assert_int_eq(pread(descriptor, &byte, 1, at), 1);
        byte ^= (uint8_t)(1 << random_below(&random, 8));
        ck_assert_int_eq(pwrite(descriptor, &byte, 1, at), 1);
        mapped_strings_drop(&strings);
        let_go(&held);
        ck_assert_uint_eq(scratch_unseen_count(room.scratch), round + 1);
        must(scratch_check(room.scratch, round + 1)); /* who begins now is not concerned */
        barks_status *status = scratch_check(room.scratch, round);
        ck_assert_ptr_nonnull(status);
        ck_assert_int_eq(barks_status_code(status), BARKS_IO);
        ck_assert_msg(strstr(barks_status_text(status), "have changed") != NULL, "%s",
                      barks_status_text(status));
        barks_status_free(status);
        scratch_destroy(room.scratch);
        must(scratch_create("/tmp", &room.scratch));
        for (uint64_t i = 0; i <= round; i++)
            scratch_note_unseen_damage(room.scratch, (struct scratch_place){0});
    }
    end();
}
END_TEST

START_TEST(what_is_written_wrong_is_noticed_at_once)
{
    begin(UINT64_C(64) << 20);
    struct random random = random_of(property_seed());
    struct mapped_strings strings = {.base.take = mapped_strings_take, .room = &room};
    arm_faults("spoil:call=pwrite");
    barks_status *status = take_all(&strings, &random, &held);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    mapped_strings_drop(&strings);
    let_go(&held);
    end();
}
END_TEST

SUITE_MAIN("store/mapped_strings", strings_stay_where_they_are,
           bytes_that_change_on_disk_are_noticed_in_the_end,
           what_is_written_wrong_is_noticed_at_once)
