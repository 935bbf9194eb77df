/* Cached datasets: the same answers, computed once, wherever the partitions lie. */
#include "rdd/cases.h"
#include "runtime/context.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 20000 };

BARKS_RECORD(item, (i64, id), (i64, key), (str, text));
BARKS_RECORD(key_sum, (i64, key), (i64, total));

struct counting {
    barks_accumulator calls;
};

/* Counts how often it is called, which is how often its dataset is computed. */
BARKS_MAP(touch, item, item, struct counting)
{
    *out = *in;
    barks_add(env->calls, 1);
}
BARKS_MAP(to_sum, item, key_sum)
{
    out->key = in->key;
    out->total = in->id;
}
BARKS_REDUCE(add_sum, key_sum) { acc->total += in->total; }
BARKS_FILTER(is_third, item) { return in->id % 3 == 0; }

static struct item items[ROWS];

static barks_rdd *source(barks_context *context, uint32_t partitions)
{
    for (int64_t i = 0; i < ROWS; i++)
        items[i] =
            (struct item){.id = i,
                          .key = i * 7 % 101,
                          .text = i % 2 ? BARKS_STR_LITERAL("odd")
                                        : BARKS_STR_LITERAL("a longer text than fits inline")};
    return barks_parallelize(context, item, items, ROWS, partitions);
}

static int64_t expected_sum(int64_t key)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < ROWS; i++)
        sum += i * 7 % 101 == key ? i : 0;
    return sum;
}

static void check_items(barks_rdd *rdd)
{
    int64_t count = 0;
    struct item *rows = barks_collect(rdd, item, &count);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(rows[i].id, i);
        ck_assert(barks_str_equal(rows[i].text, items[i].text));
    }
}

SHAPES(a_cached_dataset_is_computed_once)
{
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *rdd = barks_cache(barks_map(source(context, 7), touch, &env));
    for (int round = 0; round < 3; round++) {
        check_items(rdd);
        ck_assert_int_eq(barks_count(rdd), ROWS);
        ck_assert_int_eq(barks_count(barks_filter(rdd, is_third, NULL)), (ROWS + 2) / 3);
        ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    }
    barks_storage storage;
    ck_assert(barks_storage_info(rdd, &storage));
    ck_assert_uint_eq(storage.kept_count, 7);
    ck_assert_uint_eq(storage.row_count, ROWS);
    ck_assert_uint_gt(storage.memory_bytes, ROWS * 16);
    ck_assert_uint_eq(storage.level, BARKS_MEMORY);
    barks_unpersist(rdd);
    ck_assert(barks_storage_info(rdd, &storage));
    ck_assert_uint_eq(storage.kept_count, 0);
    check_items(rdd);
    ck_assert_int_eq(barks_counter_value(context, env.calls), 2 * ROWS);
    barks_cache(rdd);
    check_items(rdd);
    check_items(rdd);
    ck_assert_int_eq(barks_counter_value(context, env.calls), 3 * ROWS);
}

SHAPES(every_level_gives_the_same_rows)
{
    for (int level = BARKS_MEMORY; level <= BARKS_DISK; level++)
        for (int form = 0; form < 3; form++) {
            struct counting env = {barks_counter(context, "calls")};
            barks_rdd *rdd = barks_persist(barks_map(source(context, 5), touch, &env),
                                           .level = (barks_level)level, .encoded = form == 1,
                                           .compressed = form == 2);
            barks_storage storage;
            check_items(rdd);
            check_items(rdd);
            ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
            ck_assert(barks_storage_info(rdd, &storage));
            ck_assert_uint_eq(storage.kept_count, 5);
            ck_assert((storage.disk_bytes > 0) == (level == BARKS_DISK));
            ck_assert((storage.memory_bytes > 0) == (level != BARKS_DISK));
            barks_unpersist(rdd);
        }
}

SHAPES(what_lies_below_an_exchange_is_not_computed_again)
{
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *touched = barks_map(source(context, 6), touch, &env);
    barks_rdd *sums = barks_cache(
        barks_reduce_by_key(barks_map(touched, to_sum, NULL), "key", add_sum, .partitions = 9));
    for (int round = 0; round < 3; round++) {
        int64_t count = 0;
        struct key_sum *rows = barks_collect(barks_sort_by(sums, "key"), key_sum, &count);
        ck_assert_int_eq(count, 101);
        for (int64_t key = 0; key < 101; key++) {
            ck_assert_int_eq(rows[key].key, key);
            ck_assert_int_eq(rows[key].total, expected_sum(key));
        }
        ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    }
    /* Another exchange above it, and one of the same keys, which needs none. */
    ck_assert_int_eq(barks_count(barks_distinct(sums)), 101);
    ck_assert_int_eq(barks_count(barks_reduce_by_key(sums, "key", add_sum)), 101);
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
}

SHAPES(a_partition_left_early_is_not_kept)
{
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *rdd = barks_cache(barks_map(source(context, 7), touch, &env));
    barks_storage storage;
    int64_t count = 0;
    struct item *rows = barks_take(rdd, 3, item, &count);
    ck_assert(count == 3 && rows[2].id == 2);
    ck_assert(barks_storage_info(rdd, &storage));
    ck_assert_uint_eq(storage.kept_count, 0);
    check_items(rdd);
    rows = barks_take(rdd, 3, item, &count);
    ck_assert(count == 3 && rows[2].id == 2);
    ck_assert(barks_storage_info(rdd, &storage));
    ck_assert_uint_eq(storage.kept_count, 7);
}

SHAPES(kept_partitions_join_and_unite_with_others)
{
    barks_rdd *a = barks_cache(source(context, 5));
    barks_rdd *b = barks_cache(barks_filter(source(context, 3), is_third, NULL));
    ck_assert_int_eq(barks_count(a), ROWS);
    ck_assert_int_eq(barks_count(b), (ROWS + 2) / 3);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(barks_count(barks_union(a, b)), ROWS + (ROWS + 2) / 3);
        ck_assert_int_eq(barks_count(barks_distinct(barks_union(b, a))), ROWS);
        ck_assert_int_eq(barks_count(barks_union(a, barks_distinct(b))), ROWS + (ROWS + 2) / 3);
    }
}

SHAPES(awkward_rows_are_kept_as_they_are)
{
    uint64_t seed = property_seed();
    for (int round = 0; round < 6; round++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd =
            barks_persist(cases_dataset(context, &cases), .level = (barks_level)(1 + round % 3),
                          .compressed = round > 2);
        for (int turn = 0; turn < 2; turn++) {
            int64_t count = 0;
            struct case_row *rows = barks_collect(rdd, case_row, &count);
            ck_assert_int_eq(count, cases.count);
            for (int64_t i = 0; i < count; i++) {
                const struct case_row *wanted = &cases.rows[i];
                ck_assert_int_eq(rows[i].id, wanted->id);
                ck_assert_mem_eq(&rows[i].real, &wanted->real, sizeof wanted->real);
                ck_assert(rows[i].number.valid == wanted->number.valid);
                ck_assert(rows[i].text.valid == wanted->text.valid);
                ck_assert(!wanted->text.valid ||
                          barks_str_equal(rows[i].text.value, wanted->text.value));
            }
            barks_release(context, rows);
        }
        barks_unpersist(rdd);
        cases_drop(&cases);
    }
}

/* More than the memory for kept partitions (half of 256 MiB): what does not fit is computed again,
 * or lies on disk, and the answer stays. */
BARKS_FLAT_MAP(inflate, item, item)
{
    char text[1000];
    memset(text, 'a' + (int)(in->id % 26), sizeof text);
    for (int64_t i = 0; i < 20; i++)
        emit(.id = in->id, .key = i, .text = barks_str_make(out, text, sizeof text));
}

SHAPES(what_does_not_fit_is_computed_again_or_on_disk)
{
    barks_rdd *large = barks_flat_map(source(context, 16), inflate, NULL);
    barks_rdd *memory = barks_cache(barks_filter(large, is_third, NULL));
    barks_rdd *disk = barks_persist(large, .level = BARKS_MEMORY_AND_DISK);
    barks_storage storage;
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(barks_count(memory), 20 * ((ROWS + 2) / 3));
        ck_assert_int_eq(barks_count(disk), 20 * ROWS);
    }
    ck_assert(barks_storage_info(disk, &storage));
    ck_assert_uint_eq(storage.kept_count, 16);
}

/* What is unpersisted while others read it is computed again by them. */
SHAPES(unpersisting_under_readers_changes_no_answer)
{
    barks_rdd *rdd = barks_cache(barks_distinct(source(context, 9), .partitions = 7));
    for (int round = 0; round < 20; round++) {
        ck_assert_int_eq(barks_count(rdd), ROWS);
        barks_future *first = barks_count_async(rdd), *second = barks_count_async(rdd);
        barks_unpersist(rdd);
        if (round % 2 == 0)
            barks_cache(rdd);
        ck_assert_int_eq(barks_future_count(first), ROWS);
        ck_assert_int_eq(barks_future_count(second), ROWS);
        barks_cache(rdd);
    }
}

BARKS_COGROUP(count_both, key_sum, (left, item), (right, item))
{
    struct item row;
    int64_t count = 0;
    while (barks_next_row(left, &row))
        count++;
    while (barks_next_row(right, &row))
        count++;
    emit(.key = 0, .total = count);
}

/* Datasets that were made before one of their inputs is kept read it where it is kept. */
BARKS_PAIR(same_id, item, item, item)
{
    if (left->id != right->id)
        fail("other rows");
    *out = *left;
}

SHAPES(what_was_made_before_reads_what_is_kept)
{
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *a = barks_map(source(context, 5), touch, &env);
    barks_rdd *b = barks_map(source(context, 4), touch, &env);
    barks_rdd *both = barks_union(a, b), *few = barks_coalesce(a, 2);
    barks_rdd *apart = barks_union(source(context, 5), source(context, 4));
    barks_rdd *placed = barks_repartition(source(context, 3), 5);
    barks_rdd *zipped = barks_zip_with(both, apart, same_id, NULL);
    barks_rdd *crossed = barks_zip_partitions(few, barks_coalesce(placed, 2), count_both, NULL);
    barks_cache(a);
    barks_cache(b);
    ck_assert_int_eq(barks_count(a), ROWS);
    ck_assert_int_eq(barks_count(b), ROWS);
    ck_assert_int_eq(barks_counter_value(context, env.calls), 2 * ROWS);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(barks_count(zipped), 2 * ROWS);
        ck_assert_int_eq(barks_count(few), ROWS);
        ck_assert_int_eq(barks_count(crossed), 2);
        ck_assert_int_eq(barks_count(barks_zip_with(both, apart, same_id, NULL)), 2 * ROWS);
    }
    ck_assert_int_eq(barks_counter_value(context, env.calls), 2 * ROWS);
}

/* Files are read by a job that was planned before they were kept. */
SHAPES(a_source_may_be_kept_while_it_is_read)
{
    for (int round = 0; round < 10; round++) {
        barks_rdd *rdd = source(context, 6);
        barks_future *first = barks_count_async(rdd), *second = barks_count_async(rdd);
        barks_cache(rdd);
        ck_assert_int_eq(barks_count(rdd), ROWS);
        ck_assert_int_eq(barks_future_count(first), ROWS);
        ck_assert_int_eq(barks_future_count(second), ROWS);
        ck_assert_ptr_nonnull(barks_explain(rdd));
        barks_unpersist(rdd);
    }
}

/* What two steps of one action read through one exchange is computed and exchanged once. */
SHAPES(a_shared_exchange_is_filled_once)
{
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *touched = barks_map(source(context, 6), touch, &env);
    barks_rdd *sums = barks_reduce_by_key(barks_map(touched, to_sum, NULL), "key", add_sum);
    ck_assert_int_eq(barks_count(barks_union(sums, sums)), 202);
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    barks_rdd *moved = barks_partition_by(touched, "key", .partitions = 5);
    ck_assert_int_eq(
        barks_count(barks_union(barks_map(moved, to_sum, NULL),
                                barks_map(barks_filter(moved, is_third, NULL), to_sum, NULL))),
        ROWS + (ROWS + 2) / 3);
    ck_assert_int_eq(barks_counter_value(context, env.calls), 2 * ROWS);
}

/* ---- twice ---- */

/* So many rows of one key that the executor that has it gives up all else that it keeps. */
static void fill_one_executor(barks_context *context)
{
    static struct item seed_rows[8000];
    for (int64_t i = 0; i < 8000; i++)
        seed_rows[i] = (struct item){.id = i, .key = 1};
    barks_rdd *few = barks_partition_by(barks_parallelize(context, item, seed_rows, 8000, 4), "key",
                                        .partitions = 4);
    barks_rdd *large = barks_cache(barks_flat_map(few, inflate, NULL));
    ck_assert_int_eq(barks_count(large), 160000);
    barks_unpersist(large);
}

static uint32_t executor_count(barks_context *context)
{
    return driver_executor_count(context->driver);
}

SHAPES(what_is_kept_twice_outlives_one_executors_memory)
{
    bool has_others = executor_count(context) > 1;
    struct counting env = {barks_counter(context, "calls")};
    barks_rdd *moved = barks_repartition(source(context, 5), 8);
    barks_rdd *rdd = barks_persist(barks_map(moved, touch, &env), .copies = 2);
    barks_storage before, after;
    ck_assert_int_eq(barks_count(rdd), ROWS);
    ck_assert(barks_storage_info(rdd, &before));
    ck_assert_uint_eq(before.kept_count, 8);
    ck_assert_uint_eq(before.copied_count, has_others ? 8 : 0);
    ck_assert_uint_eq(before.row_count, ROWS);
    ck_assert((strstr(barks_explain(rdd), "8 of them kept, 8 twice") != NULL) == has_others);
    fill_one_executor(context);
    ck_assert(barks_storage_info(rdd, &after));
    ck_assert_uint_eq(after.kept_count, has_others ? 8 : 0);
    ck_assert_uint_le(after.copied_count, has_others ? 7 : 0);
    ck_assert_uint_lt(after.memory_bytes, before.memory_bytes);
    for (int round = 0; round < 2; round++)
        check_items(barks_sort_by(rdd, "id"));
    /* A sort samples its rows first, from what is kept too. */
    ck_assert_int_eq(barks_counter_value(context, env.calls), has_others ? ROWS : 2 * ROWS);
    barks_unpersist(rdd);
    ck_assert(barks_storage_info(rdd, &after));
    ck_assert_uint_eq(after.kept_count + after.copied_count, 0);
    ck_assert_uint_eq(after.memory_bytes, 0);
    check_items(barks_sort_by(rdd, "id"));
}

SHAPES(copies_are_made_at_every_level)
{
    bool has_others = executor_count(context) > 1;
    for (int level = BARKS_MEMORY; level <= BARKS_DISK; level++)
        for (int form = 0; form < 3; form++) {
            barks_storage once, twice;
            barks_rdd *one = barks_persist(source(context, 5), .level = (barks_level)level,
                                           .encoded = form == 1, .compressed = form == 2);
            barks_rdd *two =
                barks_persist(source(context, 5), .level = (barks_level)level, .encoded = form == 1,
                              .compressed = form == 2, .copies = 2);
            check_items(one);
            check_items(two);
            check_items(two);
            ck_assert(barks_storage_info(one, &once));
            ck_assert(barks_storage_info(two, &twice));
            uint64_t least = has_others ? 3 : 2; /* halves: batches are not as full in a copy */
            ck_assert_uint_eq(twice.row_count, ROWS);
            ck_assert_uint_eq(twice.copied_count, has_others ? 5 : 0);
            ck_assert_uint_eq(once.copied_count, 0);
            ck_assert_uint_ge(2 * twice.memory_bytes, least * once.memory_bytes);
            ck_assert_uint_ge(2 * twice.disk_bytes, least * once.disk_bytes);
            barks_unpersist(one);
            barks_unpersist(two);
        }
}

SHAPES(awkward_rows_come_back_from_their_copies)
{
    uint64_t seed = property_seed();
    for (int round = 0; round < 4; round++) {
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd =
            barks_persist(cases_dataset(context, &cases), .copies = 2, .encoded = round % 2 == 1);
        for (int turn = 0; turn < 2; turn++) {
            int64_t count = 0;
            struct case_row *rows = barks_collect(rdd, case_row, &count);
            ck_assert_int_eq(count, cases.count);
            for (int64_t i = 0; i < count; i++) {
                const struct case_row *wanted = &cases.rows[i];
                ck_assert_int_eq(rows[i].id, wanted->id);
                ck_assert_mem_eq(&rows[i].real, &wanted->real, sizeof wanted->real);
                ck_assert(rows[i].text.valid == wanted->text.valid);
                ck_assert(!wanted->text.valid ||
                          barks_str_equal(rows[i].text.value, wanted->text.value));
            }
            barks_release(context, rows);
            if (turn == 0)
                fill_one_executor(context);
        }
        barks_storage storage;
        ck_assert(barks_storage_info(rdd, &storage));
        ck_assert_uint_eq(storage.kept_count, cases.partitions);
        barks_unpersist(rdd);
        cases_drop(&cases);
    }
}

/* Copies are made while other actions keep, read and unpersist. */
SHAPES(copies_and_actions_at_once_change_no_answer)
{
    barks_rdd *rdd = barks_distinct(source(context, 9), .partitions = 7);
    for (int round = 0; round < 20; round++) {
        barks_persist(rdd, .copies = 2);
        barks_future *first = barks_count_async(rdd), *second = barks_count_async(rdd);
        if (round % 2 == 0)
            barks_unpersist(rdd);
        ck_assert_int_eq(barks_future_count(first), ROWS);
        ck_assert_int_eq(barks_future_count(second), ROWS);
        barks_unpersist(rdd);
    }
    barks_rdd *none = barks_persist(barks_only_partitions(rdd, NULL, 0), .copies = 2);
    ck_assert_int_eq(barks_count(none), 0);
}

/* A byte of the first scratch file that holds rows, or of all. */
static void damage_scratch(bool all)
{
    char path[64], target[256];
    uint32_t damaged_count = 0;
    for (int descriptor = 0; descriptor < 1024 && (all || damaged_count == 0); descriptor++) {
        struct stat found;
        uint8_t byte = 0;
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strstr(target, "barks-scratch-") == NULL || fstat(descriptor, &found) != 0 ||
            found.st_size == 0)
            continue;
        ck_assert_int_eq(pread(descriptor, &byte, 1, 1000), 1);
        byte ^= 1;
        ck_assert_int_eq(pwrite(descriptor, &byte, 1, 1000), 1);
        damaged_count++;
    }
    ck_assert_uint_gt(damaged_count, 0);
}

/* Rows that a disk has damaged are read from their copy, else computed again. */
SHAPES(damaged_partitions_are_made_again)
{
    bool has_others = executor_count(context) > 1;
    for (unsigned copies = 1; copies <= 2; copies++)
        for (int round = 0; round < 2; round++) {
            struct counting env = {barks_counter(context, "calls")};
            barks_rdd *rdd = barks_persist(barks_map(source(context, 8), touch, &env),
                                           .level = BARKS_DISK, .copies = copies);
            barks_storage storage;
            check_items(rdd);
            damage_scratch(round == 1 && copies == 1);
            check_items(rdd);
            int64_t calls = barks_counter_value(context, env.calls);
            bool is_copied = copies == 2 && has_others;
            ck_assert_msg(is_copied ? calls == ROWS : calls > ROWS && calls <= 2 * ROWS,
                          "%u copies: called %" PRId64 " times", copies, calls);
            check_items(rdd);
            ck_assert_int_eq(barks_counter_value(context, env.calls), calls);
            ck_assert(barks_storage_info(rdd, &storage));
            ck_assert_uint_eq(storage.kept_count, 8);
            barks_unpersist(rdd);
        }
}

SHAPES(three_copies_are_an_error)
{
    char text[1024];
    barks_rdd *rdd = barks_persist(source(context, 2), .copies = 3);
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, ".copies is 3; a dataset is kept once, or twice (2)") != NULL, "%s",
                  text);
    barks_status_free(error);
}

SUITE_MAIN("rdd/kept", ON_SHAPES(a_cached_dataset_is_computed_once),
           ON_SHAPES(every_level_gives_the_same_rows),
           ON_SHAPES(what_lies_below_an_exchange_is_not_computed_again),
           ON_SHAPES(a_partition_left_early_is_not_kept),
           ON_SHAPES(kept_partitions_join_and_unite_with_others),
           ON_SHAPES(awkward_rows_are_kept_as_they_are),
           ON_SHAPES(what_does_not_fit_is_computed_again_or_on_disk),
           ON_SHAPES(unpersisting_under_readers_changes_no_answer),
           ON_SHAPES(what_was_made_before_reads_what_is_kept),
           ON_SHAPES(a_source_may_be_kept_while_it_is_read),
           ON_SHAPES(a_shared_exchange_is_filled_once),
           ON_SHAPES(what_is_kept_twice_outlives_one_executors_memory),
           ON_SHAPES(copies_are_made_at_every_level),
           ON_SHAPES(awkward_rows_come_back_from_their_copies),
           ON_SHAPES(copies_and_actions_at_once_change_no_answer),
           ON_SHAPES(damaged_partitions_are_made_again), ON_SHAPES(three_copies_are_an_error))
