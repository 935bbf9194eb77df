/* Rows on disk: store/spill.c, packed_rows.c. */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "store/packed_rows.h"
#include "store/row_run.h"
#include "store/spill.h"
#include "support/property.h"
#include "support/room.h"

#include <check.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

BARKS_RECORD(noted, (i64, id), (optional(f64), weight), (str, text));

/* Texts of letters drawn from so many: few compress well. */
static struct batch *make_rows(struct random *random, uint32_t row_count, uint64_t letters)
{
    struct batch *batch = NULL;
    must(batch_create(room.pool, &barks_record_noted.schema, row_count + 1, &batch));
    for (uint32_t row = 0; row < row_count; row++) {
        uint32_t length = (uint32_t)random_below(random, 60);
        void *bytes = NULL;
        must(batch_make_bytes(batch, length + 1, &bytes));
        for (uint32_t i = 0; i < length; i++)
            ((uint8_t *)bytes)[i] = (uint8_t)random_below(random, letters);
        ((int64_t *)batch->base.columns[0].values)[row] = (int64_t)random_next(random);
        ((double *)batch->base.columns[1].values)[row] = 0;
        if (random_below(random, 3) == 0)
            batch->base.columns[1].validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
        ((barks_str *)batch->base.columns[2].values)[row] =
            barks_str_of((const char *)bytes, length);
    }
    batch->base.row_count = row_count;
    return batch;
}

static void compare(const struct batch *got, uint32_t at, const struct batch *rows, uint32_t first,
                    uint32_t row_count)
{
    ck_assert_uint_eq(got->base.row_count, at + row_count);
    for (uint32_t row = 0; row < row_count; row++) {
        const int64_t *got_ids = got->base.columns[0].values, *ids = rows->base.columns[0].values;
        const barks_str *got_texts = got->base.columns[2].values,
                        *texts = rows->base.columns[2].values;
        ck_assert_int_eq(got_ids[at + row], ids[first + row]);
        ck_assert_int_eq(barks_is_valid(&got->base.columns[1], at + row),
                         barks_is_valid(&rows->base.columns[1], first + row));
        ck_assert(barks_str_equal(got_texts[at + row], texts[first + row]));
    }
}

START_TEST(rows_come_back_compressed_or_not)
{
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    for (int round = 0; round < 60; round++) {
        uint32_t row_count = (uint32_t)random_below(&random, 3000);
        uint32_t first = (uint32_t)random_below(&random, row_count + 1);
        uint32_t count = (uint32_t)random_below(&random, row_count - first + 1);
        struct batch *rows = make_rows(&random, row_count, round % 2 == 0 ? 3 : 256), *got = NULL;
        struct spilled all = {0}, some = {0};
        room.is_plain = round % 5 == 0;
        must(spill_rows(&room, &rows->base, 0, row_count, round % 3 > 0, &all));
        must(spill_rows(&room, &rows->base, first, count, round % 3 > 0, &some));
        if (room.is_plain)
            ck_assert_uint_eq(all.place.size_bytes, all.encoded_bytes);
        else if (round % 6 == 4 && row_count > 1000) /* few letters, compressed */
            ck_assert_uint_lt(all.place.size_bytes, all.encoded_bytes * 3 / 4);
        must(batch_create(room.pool, &barks_record_noted.schema, 0, &got));
        must(spilled_read(&some, got));
        compare(got, 0, rows, first, count);
        must(spilled_read(&all, got));
        compare(got, count, rows, 0, row_count);
        spilled_drop(&all);
        spilled_drop(&some);
        spilled_drop(&some);
        batch_destroy(got);
        batch_destroy(rows);
        room.is_plain = false;
    }
    end();
}
END_TEST

/* Checks that the rows of a run come in order. */
struct check {
    const struct batch *rows;
    uint32_t row_count;
    bool fails; /* at the first piece */
};

static barks_status *check_piece(void *context, struct batch *batch)
{
    struct check *check = context;
    compare(batch, 0, check->rows, check->row_count, batch->base.row_count);
    check->row_count += batch->base.row_count;
    if (check->fails)
        BARKS_FAIL(BARKS_IO, "no more");
    return NULL;
}

START_TEST(runs_are_read_in_order_and_give_their_space_back)
{
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    struct row_run run = {.room = &room};
    for (int round = 0; round < 20; round++) {
        struct batch *rows = make_rows(&random, 3000, 30);
        for (uint32_t first = 0, count = 0; first < 3000; first += count) {
            count = (uint32_t)random_below(&random, 900);
            if (first + count > 3000)
                count = 3000 - first;
            must(row_run_add(&run, &rows->base, first, count));
        }
        ck_assert_uint_eq(run.row_count, 3000);
        for (int pass = 0; pass < 3; pass++) {
            struct check check = {.rows = rows};
            must(row_run_visit(&run, &barks_record_noted.schema, pass == 1, check_piece, &check));
            ck_assert_uint_eq(check.row_count, pass < 2 ? 3000 : 0);
        }
        batch_destroy(rows);
    }
    ck_assert_uint_lt(scratch_peak_bytes(room.scratch), 3 << 20);
    struct batch *rows = make_rows(&random, 3000, 30);
    must(row_run_add(&run, &rows->base, 0, 1234));
    must(row_run_add(&run, &rows->base, 1234, 100));
    struct check check = {.rows = rows, .fails = true};
    barks_status *status =
        row_run_visit(&run, &barks_record_noted.schema, true, check_piece, &check);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_uint_eq(run.row_count, 0);
    barks_status_free(status);
    batch_destroy(rows);
    row_run_drop(&run);
    end();
}
END_TEST

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

static void expect(const struct spilled *spilled, barks_code code, const char *words)
{
    struct batch *got = NULL;
    must(batch_create(room.pool, &barks_record_noted.schema, 0, &got));
    barks_status *status = spilled_read(spilled, got);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    ck_assert_msg(strstr(barks_status_text(status), words) != NULL, "'%s' is not in '%s'", words,
                  barks_status_text(status));
    ck_assert_uint_eq(got->base.row_count, 0);
    barks_status_free(status);
    batch_destroy(got);
}

START_TEST(bytes_that_changed_are_noticed)
{
    begin(UINT64_C(256) << 20);
    struct random random = random_of(property_seed());
    for (int round = 0; round < 2; round++) {
        struct batch *rows = make_rows(&random, 2000, round == 0 ? 256 : 2);
        struct spilled spilled = {0};
        must(spill_rows(&room, &rows->base, 0, 2000, true, &spilled));
        int descriptor = scratch_descriptor();
        for (int flip = 0; flip < 20; flip++) {
            uint8_t byte = 0;
            off_t at =
                (off_t)(spilled.place.offset + random_below(&random, spilled.place.size_bytes));
            ck_assert_int_eq(pread(descriptor, &byte, 1, at), 1);
            byte ^= (uint8_t)(1 << random_below(&random, 8));
            ck_assert_int_eq(pwrite(descriptor, &byte, 1, at), 1);
            struct batch *got = NULL;
            must(batch_create(room.pool, &barks_record_noted.schema, 0, &got));
            barks_status *status = spilled_read(&spilled, got);
            /* LZ4 has bits that mean nothing; what comes out is then as it was. */
            if (status == NULL)
                compare(got, 0, rows, 0, 2000);
            else
                ck_assert_int_eq(barks_status_code(status), BARKS_IO);
            ck_assert(status != NULL || round == 1);
            barks_status_free(status);
            batch_destroy(got);
            spilled_drop(&spilled);
            must(spill_rows(&room, &rows->base, 0, 2000, true, &spilled));
        }
        ck_assert_int_eq(ftruncate(descriptor, (off_t)spilled.place.offset + 10), 0);
        expect(&spilled, BARKS_IO, "shorter than was written");
        spilled_drop(&spilled);
        batch_destroy(rows);
    }
    end();
}
END_TEST

SUITE_MAIN("store/spill", rows_come_back_compressed_or_not,
           runs_are_read_in_order_and_give_their_space_back, bytes_that_changed_are_noticed)
