/* Kept partitions against an array of what was added: store/kept.c, kept_writer.c, kept_pieces.c.
 */
#include "barks/record.h"
#include "base/pool.h"
#include "base/random.h"
#include "batch/codec.h"
#include "store/kept.h"
#include "store/scratch.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(thing, (i64, id), (optional(f64), weight), (str, text));

static struct pool *pool;
static struct scratch *scratch;
static struct kept_store *store;

static void begin(uint64_t memory_bytes_max)
{
    must(pool_create(UINT64_C(256) << 20, &pool));
    must(scratch_create("/tmp", &scratch));
    must(kept_store_create(&(struct kept_options){.pool = pool,
                                                  .memory_bytes_max = memory_bytes_max,
                                                  .scratch = scratch},
                           &store));
}

static void end(void)
{
    kept_store_destroy(store);
    scratch_destroy(scratch);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

/* Rows first, first + 1, ... whose content follows from the number. */
static struct batch *make_rows(uint64_t first, uint32_t row_count, uint32_t text_bytes)
{
    struct batch *batch = NULL;
    must(batch_create(pool, &barks_record_thing.schema, row_count + 1, &batch));
    for (uint32_t row = 0; row < row_count; row++) {
        uint64_t id = first + row, n = id % 5 == 0 ? 3 : text_bytes;
        void *bytes = NULL;
        must(batch_make_bytes(batch, n + 1, &bytes));
        memset(bytes, 'a' + (int)(id % 26), n);
        ((int64_t *)batch->base.columns[0].values)[row] = (int64_t)id;
        ((double *)batch->base.columns[1].values)[row] = id % 3 == 0 ? 0 : (double)id / 2;
        if (id % 3 == 0)
            batch->base.columns[1].validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
        ((barks_str *)batch->base.columns[2].values)[row] =
            barks_str_of((const char *)bytes, (uint32_t)n);
    }
    batch->base.row_count = row_count;
    return batch;
}

static void keep(struct kept_name name, unsigned level, uint32_t row_count, uint32_t text_bytes,
                 bool complete)
{
    struct kept_writer *writer = NULL;
    must(kept_begin(store, name, level, &barks_record_thing.schema, &writer));
    for (uint32_t done = 0; done < row_count;) {
        uint32_t step = row_count - done < 1000 ? row_count - done : 1000;
        struct batch *rows = make_rows(name.dataset * 1000003 + done, step, text_bytes);
        must(kept_add(writer, rows));
        batch_destroy(rows);
        done += step;
    }
    must(kept_end(writer, complete));
}

struct check {
    struct batch *all;
};

static barks_status *gather(void *context, struct batch *batch)
{
    struct check *check = context;
    return batch_append(check->all, batch, 0, batch->base.row_count, BATCH_COPY);
}

/* True when it is kept; its rows are then the right ones. */
static bool is_kept(struct kept_name name, uint32_t row_count, uint32_t text_bytes)
{
    bool found = false;
    struct check check = {0};
    must(batch_create(pool, &barks_record_thing.schema, 0, &check.all));
    must(kept_read(store, name, gather, &check, &found));
    if (found) {
        struct batch *expected = make_rows(name.dataset * 1000003, row_count, text_bytes);
        ck_assert(batch_equal(&check.all->base, &expected->base));
        batch_destroy(expected);
    } else
        ck_assert_uint_eq(check.all->base.row_count, 0);
    batch_destroy(check.all);
    return found;
}

static const unsigned levels[] = {
    KEPT_MEMORY,          KEPT_MEMORY | KEPT_ENCODED,      KEPT_MEMORY | KEPT_LZ4,
    KEPT_MEMORY_AND_DISK, KEPT_MEMORY_AND_DISK | KEPT_LZ4, KEPT_DISK,
    KEPT_DISK | KEPT_LZ4,
};
enum { LEVELS = sizeof levels / sizeof levels[0] };

START_TEST(what_is_kept_is_read_on_every_level)
{
    begin(UINT64_C(64) << 20);
    static const uint32_t counts[] = {0, 1, 1000, 30000};
    for (uint32_t level = 0; level < LEVELS; level++)
        for (uint32_t i = 0; i < 4; i++) {
            struct kept_name name = {.dataset = level + 1, .partition = i};
            keep(name, levels[level], counts[i], 40, true);
            ck_assert(is_kept(name, counts[i], 40));
            ck_assert(is_kept(name, counts[i], 40));
            ck_assert(kept_is_sound(store));
        }
    ck_assert_uint_gt(kept_memory_bytes(store), 0);
    for (uint64_t dataset = 1; dataset <= LEVELS; dataset++)
        kept_drop(store, dataset);
    ck_assert_uint_eq(kept_memory_bytes(store), 0);
    end();
}
END_TEST

START_TEST(what_is_not_complete_is_not_kept)
{
    begin(UINT64_C(64) << 20);
    for (uint32_t level = 0; level < LEVELS; level++) {
        struct kept_name name = {.dataset = level + 1};
        keep(name, levels[level], 20000, 10, false);
        ck_assert(!is_kept(name, 20000, 10));
    }
    ck_assert_uint_eq(kept_memory_bytes(store), 0);
    end();
}
END_TEST

START_TEST(a_partition_too_large_is_given_up_or_goes_to_disk)
{
    struct kept_name name = {.dataset = 1}, other = {.dataset = 2};
    struct kept_change change = {0};
    begin(1 << 20);
    keep(name, KEPT_MEMORY, 100000, 100, true);
    ck_assert(!is_kept(name, 100000, 100));
    ck_assert(!kept_take_change(store, &change));
    keep(other, KEPT_MEMORY_AND_DISK, 100000, 100, true);
    ck_assert(is_kept(other, 100000, 100));
    ck_assert(kept_take_change(store, &change));
    ck_assert(change.is_kept && change.disk_bytes > 0 && change.memory_bytes == 0);
    ck_assert_uint_eq(change.row_count, 100000);
    ck_assert_uint_eq(kept_memory_bytes(store), 0);
    end();
}
END_TEST

START_TEST(the_least_recently_read_goes_first)
{
    struct kept_name first = {.dataset = 1}, second = {.dataset = 2}, third = {.dataset = 3};
    begin(UINT64_C(5) << 20);
    keep(first, KEPT_MEMORY, 8000, 200, true); /* about 2 MiB each */
    keep(second, KEPT_MEMORY, 8000, 200, true);
    ck_assert(is_kept(first, 8000, 200)); /* so second is the older one */
    keep(third, KEPT_MEMORY, 8000, 200, true);
    ck_assert(is_kept(first, 8000, 200));
    ck_assert(!is_kept(second, 8000, 200));
    ck_assert(is_kept(third, 8000, 200));
    kept_protect(store, 1, 1);
    kept_protect(store, 3, 1);
    keep(second, KEPT_MEMORY, 8000, 200, true); /* nobody may give way */
    ck_assert(!is_kept(second, 8000, 200));
    kept_protect(store, 3, -1);
    keep(second, KEPT_MEMORY, 8000, 200, true);
    ck_assert(is_kept(second, 8000, 200));
    ck_assert(is_kept(first, 8000, 200));
    ck_assert(!is_kept(third, 8000, 200));
    ck_assert(kept_is_sound(store));
    end();
}
END_TEST

START_TEST(own_partitions_do_not_give_way)
{
    begin(UINT64_C(5) << 20);
    for (uint32_t partition = 0; partition < 8; partition++)
        keep((struct kept_name){.dataset = 1, .partition = partition}, KEPT_MEMORY, 8000, 200,
             true);
    ck_assert(is_kept((struct kept_name){.dataset = 1, .partition = 0}, 8000, 200));
    ck_assert(!is_kept((struct kept_name){.dataset = 1, .partition = 7}, 8000, 200));
    end();
}
END_TEST

START_TEST(kept_partitions_give_way_to_whoever_finds_no_memory)
{
    begin(UINT64_C(256) << 20);
    keep((struct kept_name){.dataset = 1}, KEPT_MEMORY, 8000, 200, true);
    keep((struct kept_name){.dataset = 2}, KEPT_MEMORY_AND_DISK, 8000, 200, true);
    keep((struct kept_name){.dataset = 3}, KEPT_MEMORY, 8000, 200, true);
    kept_protect(store, 3, 1);
    void *memory = NULL;
    size_t most = (size_t)(pool_budget_bytes(pool) - pool_used_bytes(pool)) + (1 << 20);
    must(pool_acquire(pool, most, &memory));
    void *more = NULL;
    barks_status *status = pool_acquire(pool, 16 << 20, &more);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT); /* and all has gone */
    barks_status_free(status);
    pool_release(pool, memory, most);
    ck_assert(!is_kept((struct kept_name){.dataset = 1}, 8000, 200)); /* read longest ago */
    ck_assert(is_kept((struct kept_name){.dataset = 2}, 8000, 200));  /* on disk, */
    ck_assert(is_kept((struct kept_name){.dataset = 3}, 8000, 200));  /* since a stage reads it */
    end();
}
END_TEST

START_TEST(protected_partitions_go_last_and_to_disk)
{
    begin(UINT64_C(256) << 20);
    keep((struct kept_name){.dataset = 1}, KEPT_MEMORY, 8000, 200, true);
    keep((struct kept_name){.dataset = 2}, KEPT_MEMORY, 8000, 200, true);
    kept_protect(store, 1, 1);
    ck_assert_uint_gt(kept_give_back(store, 1, 0), 0);
    ck_assert(!is_kept((struct kept_name){.dataset = 2}, 8000, 200));
    ck_assert(is_kept((struct kept_name){.dataset = 1}, 8000, 200));
    ck_assert_uint_gt(kept_give_back(store, 1, 0), 0);
    ck_assert_uint_eq(kept_memory_bytes(store), 0);
    ck_assert(is_kept((struct kept_name){.dataset = 1}, 8000, 200));
    end();
}
END_TEST

START_TEST(evicted_ones_are_told_and_disk_keeps_them)
{
    struct kept_change change = {0};
    begin(UINT64_C(64) << 20);
    keep((struct kept_name){.dataset = 1}, KEPT_MEMORY, 8000, 200, true);
    keep((struct kept_name){.dataset = 2}, KEPT_MEMORY_AND_DISK, 8000, 200, true);
    while (kept_take_change(store, &change))
        ck_assert(change.is_kept);
    ck_assert_uint_gt(kept_give_back(store, UINT64_C(1) << 40, 0), 3 << 20);
    ck_assert_uint_eq(kept_memory_bytes(store), 0);
    ck_assert(kept_take_change(store, &change));
    ck_assert(!change.is_kept && change.name.dataset == 1);
    ck_assert(kept_take_change(store, &change));
    ck_assert(change.is_kept && change.name.dataset == 2 && change.disk_bytes > 0);
    ck_assert(!is_kept((struct kept_name){.dataset = 1}, 8000, 200));
    ck_assert(is_kept((struct kept_name){.dataset = 2}, 8000, 200));
    end();
}
END_TEST

START_TEST(what_cannot_be_read_back_is_kept_no_more)
{
    static const char *const faults[] = {"spoil:call=pread", "fail:call=pread",
                                         "spoil:call=pread,n=2"};
    begin(UINT64_C(64) << 20);
    for (uint32_t i = 0; i < 3; i++) {
        struct kept_name name = {.dataset = 1 + i}, other = {.dataset = 1 + i, .partition = 1};
        struct kept_change change = {0};
        struct check check = {0};
        bool found = false, has_change = false;
        keep(name, KEPT_DISK, 8000, 200, true);
        keep(other, KEPT_DISK, 8000, 200, true);
        while (kept_take_change(store, &change))
            ck_assert(change.is_kept);
        must(batch_create(pool, &barks_record_thing.schema, 0, &check.all));
        arm_faults("%s", faults[i]);
        barks_status *status = kept_read(store, name, gather, &check, &found);
        disarm_faults();
        ck_assert_ptr_nonnull(status);
        ck_assert_int_eq(barks_status_code(status), BARKS_LOST);
        barks_status_free(status);
        batch_destroy(check.all);
        has_change = kept_take_change(store, &change);
        ck_assert(has_change && !change.is_kept && change.name.dataset == name.dataset &&
                  change.name.partition == 0);
        ck_assert(!is_kept(name, 8000, 200));
        ck_assert(is_kept(other, 8000, 200));
        ck_assert(kept_is_sound(store));
        keep(name, KEPT_DISK, 8000, 200, true);
        ck_assert(is_kept(name, 8000, 200));
    }
    end();
}
END_TEST

/* The n-th request for memory fails, for n = 1, 2, ...: the partition is kept whole or not at all.
 */
START_TEST(no_shortage_of_memory_harms)
{
    begin(UINT64_C(64) << 20);
    for (uint32_t level = 0; level < LEVELS; level++) {
        bool ended = false;
        for (uint64_t n = 1; !ended && n < 500; n++) {
            struct kept_name name = {.dataset = 500 * level + n};
            struct kept_writer *writer = NULL;
            struct batch *rows = make_rows(name.dataset * 1000003, 9000, 10);
            pool_fail_after(pool, n);
            must(kept_begin(store, name, levels[level], &barks_record_thing.schema, &writer));
            barks_status *status = kept_add(writer, rows);
            barks_status *end_status = kept_end(writer, status == NULL);
            pool_fail_after(pool, 0);
            bool kept = is_kept(name, 9000, 10);
            ck_assert(kept || levels[level] != KEPT_MEMORY || (status == NULL));
            ended = status == NULL && end_status == NULL && kept;
            barks_status_free(status);
            barks_status_free(end_status);
            batch_destroy(rows);
            kept_drop(store, name.dataset);
            ck_assert_uint_eq(kept_memory_bytes(store), 0);
        }
        ck_assert(ended);
    }
    end();
}
END_TEST

/* A task may still write what was dropped meanwhile. */
START_TEST(what_is_dropped_while_it_is_written_is_not_kept)
{
    begin(UINT64_C(64) << 20);
    for (uint32_t level = 0; level < LEVELS; level++) {
        struct kept_name name = {.dataset = level + 1}, other = {.dataset = level + 101};
        struct kept_writer *writer = NULL;
        struct batch *rows = make_rows(name.dataset * 1000003, 9000, 10);
        must(kept_begin(store, name, levels[level], &barks_record_thing.schema, &writer));
        must(kept_add(writer, rows));
        kept_drop(store, name.dataset);
        must(kept_add(writer, rows));
        must(kept_end(writer, true));
        ck_assert(!is_kept(name, 9000, 10));
        keep(name, levels[level], 9000, 10, true);
        ck_assert(!is_kept(name, 9000, 10));
        ck_assert_uint_eq(kept_memory_bytes(store), 0);
        keep(other, levels[level], 9000, 10, true);
        ck_assert(is_kept(other, 9000, 10));
        kept_drop(store, other.dataset);
        batch_destroy(rows);
    }
    ck_assert(kept_is_sound(store));
    end();
}
END_TEST

static _Atomic uint64_t numbers[4], next_number; /* of datasets of four levels */

static void *work(void *argument)
{
    struct random random = random_of((uint64_t)(uintptr_t)argument);
    for (int step = 0; step < 150; step++) {
        uint32_t level = (uint32_t)random_below(&random, 4);
        struct kept_name name = {.dataset = numbers[level],
                                 .partition = (uint32_t)random_below(&random, 6)};
        switch (random_below(&random, 8)) {
        case 0: /* it is kept anew under another number */
            kept_drop(store, name.dataset);
            numbers[level] = ++next_number;
            break;
        case 1:
            kept_give_back(store, 1 << 20, name.dataset);
            break;
        case 2:
        case 3:
        case 4:
            keep(name, levels[level + 2], 3000, 60, true);
            break;
        default:
            is_kept(name, 3000, 60);
        }
    }
    return NULL;
}

START_TEST(threads_may_do_all_at_once)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    uint64_t seed = property_seed();
    next_number = 4;
    for (uint64_t level = 0; level < 4; level++)
        numbers[level] = level + 1;
    begin(UINT64_C(3) << 20);
    for (uint64_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(seed + i)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert(kept_is_sound(store));
    end();
}
END_TEST

SUITE_MAIN("store/kept_store", what_is_kept_is_read_on_every_level,
           what_is_not_complete_is_not_kept, a_partition_too_large_is_given_up_or_goes_to_disk,
           the_least_recently_read_goes_first, own_partitions_do_not_give_way,
           kept_partitions_give_way_to_whoever_finds_no_memory,
           protected_partitions_go_last_and_to_disk, evicted_ones_are_told_and_disk_keeps_them,
           what_cannot_be_read_back_is_kept_no_more, no_shortage_of_memory_harms,
           threads_may_do_all_at_once, what_is_dropped_while_it_is_written_is_not_kept)
