#include "base/pack.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "shuffle/buckets.h"
#include "shuffle/frequent_keys.h"
#include "shuffle/hot_watch.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

enum { ROWS = 20000, PARTITIONS_MAX = 300 };

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_field fields[] = {{"key", &i64_type, false}, {"row", &i64_type, false}};
static const barks_schema schema = {2, fields};
static const uint32_t key_column = 0;

/* Rows of keys, of which `percent` is 0. */
struct rows {
    struct pool *pool;
    struct batch *batch;
    uint64_t hashes[ROWS];
};

static void rows_begin(struct rows *rows, uint64_t *seed, uint32_t percent)
{
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &rows->pool));
    ck_assert_ptr_null(batch_create(rows->pool, &schema, ROWS, &rows->batch));
    int64_t *keys = rows->batch->base.columns[0].values;
    int64_t *numbers = rows->batch->base.columns[1].values;
    for (int64_t i = 0; i < ROWS; i++) {
        bool is_hot = property_next(seed) % 100 < percent;
        keys[i] = is_hot ? 0 : 1 + (int64_t)(property_next(seed) % 1000000);
        numbers[i] = i;
    }
    rows->batch->base.row_count = ROWS;
    batch_hash(&rows->batch->base, &key_column, 1, rows->hashes);
}

static void rows_end(struct rows *rows)
{
    batch_destroy(rows->batch);
    ck_assert_uint_eq(pool_used_bytes(rows->pool), 0);
    pool_destroy(rows->pool);
}

static void apply_in_pieces(struct rows *rows, struct partitioner *partitioner, uint64_t *seed,
                            uint32_t *partitions)
{
    struct batch *piece = NULL;
    ck_assert_ptr_null(batch_create(rows->pool, &schema, ROWS, &piece));
    for (uint32_t first = 0, count; first < ROWS; first += count) {
        count = 1 + (uint32_t)(property_next(seed) % 6000);
        if (count > ROWS - first)
            count = ROWS - first;
        batch_clear(piece);
        ck_assert_ptr_null(batch_append(piece, rows->batch, first, count, BATCH_COPY));
        ck_assert_ptr_null(partitioner_apply(partitioner, piece, partitions + first));
    }
    batch_destroy(piece);
}

static void watch_begin(uint32_t partition_count, const struct hot_list *excluded,
                        struct hot_watch **watch)
{
    const struct hot_watch_options options = {.partition_count = partition_count,
                                              .key_columns = &key_column,
                                              .key_count = 1,
                                              .excluded = excluded};
    ck_assert_ptr_null(hot_watch_create(&options, watch));
}

static void check_spread(struct rows *rows, uint64_t *seed, uint32_t percent,
                         uint32_t partition_count)
{
    static uint32_t first[ROWS], again[ROWS];
    struct hot_watch *watch = NULL;
    watch_begin(partition_count, NULL, &watch);
    struct partitioner partitioner = {.kind = PARTITION_HASH,
                                      .partition_count = partition_count,
                                      .key_columns = &key_column,
                                      .key_count = 1,
                                      .watch = watch};
    hot_watch_begin(watch, 3);
    ck_assert_ptr_null(partitioner_apply(&partitioner, rows->batch, first));
    hot_watch_begin(watch, 3);
    apply_in_pieces(rows, &partitioner, seed, again);
    ck_assert_mem_eq(first, again, sizeof first);

    const struct hot_list *found = hot_watch_found(watch);
    uint32_t counts[PARTITIONS_MAX] = {0}, used = 0, most = 0;
    const int64_t *keys = rows->batch->base.columns[0].values;
    uint64_t hot_hash = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t home = partition_of_hash(rows->hashes[row], partition_count);
        if (keys[row] != 0 || row < HOT_WATCH_ROWS) {
            ck_assert_uint_eq(first[row], home);
        } else {
            ck_assert_uint_lt(first[row], partition_count);
            counts[first[row]]++;
            hot_hash = rows->hashes[row];
        }
    }
    for (uint32_t p = 0; p < partition_count; p++) {
        used += counts[p] > 0;
        most = counts[p] > most ? counts[p] : most;
    }
    bool is_hot = percent * partition_count > 160; /* well over one and a half partitions */
    /* pieces may have doubled meanwhile */
    uint32_t even = used > 0 ? (ROWS - HOT_WATCH_ROWS) / used + 1 : 0;
    if (is_hot) {
        ck_assert_uint_eq(found->count, 1);
        ck_assert_uint_eq(found->keys[0].hash, hot_hash);
        ck_assert_str_eq(found->keys[0].text, "0");
        ck_assert_uint_eq(found->keys[0].piece_count, used);
        ck_assert_uint_le(most, 2 * even);
        for (uint32_t piece = 0; piece < used; piece++)
            ck_assert_uint_gt(counts[hot_partition(hot_hash, piece, used, partition_count)], 0);
    } else if (percent * partition_count < 100) {
        ck_assert_uint_eq(found->count, 0);
        ck_assert_uint_le(used, 1);
    }
    partitioner_drop(&partitioner);
    hot_watch_destroy(watch);
}

START_TEST(rows_of_a_hot_key_are_spread_alike_whatever_the_batches)
{
    uint64_t seed = property_seed();
    static const uint32_t percents[] = {0, 1, 4, 20, 50, 90, 100};
    static const uint32_t partition_counts[] = {2, 3, 7, 64, 100, 300};
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        static struct rows rows; /* too large for a stack */
        rows_begin(&rows, &seed, percents[i]);
        for (size_t k = 0; k < sizeof partition_counts / sizeof *partition_counts; k++)
            check_spread(&rows, &seed, percents[i], partition_counts[k]);
        rows_end(&rows);
    }
}
END_TEST

/* Rows in the order of their keys, of which the middle one has 6 of 20 thousand. */
static void sort_rows(struct rows *rows)
{
    int64_t *keys = rows->batch->base.columns[0].values;
    for (int64_t i = 0; i < ROWS; i++)
        keys[i] = i < 12000 ? i / 10 : i < 18000 ? 1200 : 1201 + (i - 18000) / 10;
    batch_hash(&rows->batch->base, &key_column, 1, rows->hashes);
}

START_TEST(a_hot_key_that_comes_late_is_spread)
{
    uint64_t seed = property_seed();
    static struct rows rows; /* too large for a stack */
    static uint32_t whole[ROWS], again[ROWS];
    enum { PARTITIONS = 64 };
    uint32_t at_home = 0, spread = 0;
    rows_begin(&rows, &seed, 0);
    sort_rows(&rows);
    struct hot_watch *watch = NULL;
    watch_begin(PARTITIONS, NULL, &watch);
    struct partitioner partitioner = {.kind = PARTITION_HASH,
                                      .partition_count = PARTITIONS,
                                      .key_columns = &key_column,
                                      .key_count = 1,
                                      .watch = watch};
    hot_watch_begin(watch, 5);
    ck_assert_ptr_null(partitioner_apply(&partitioner, rows.batch, whole));
    hot_watch_begin(watch, 5);
    apply_in_pieces(&rows, &partitioner, &seed, again);
    ck_assert_mem_eq(whole, again, sizeof whole);
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t home = partition_of_hash(rows.hashes[row], PARTITIONS);
        bool is_middle = row >= 12000 && row < 18000;
        at_home += is_middle && whole[row] == home;
        spread += is_middle && whole[row] != home;
        ck_assert(is_middle || whole[row] == home);
    }
    ck_assert_uint_eq(hot_watch_found(watch)->count, 1);
    ck_assert_str_eq(hot_watch_found(watch)->keys[0].text, "1200");
    ck_assert_uint_ge(hot_watch_found(watch)->keys[0].piece_count, 4);
    ck_assert_uint_gt(spread, 2 * at_home);
    partitioner_drop(&partitioner);
    hot_watch_destroy(watch);
    rows_end(&rows);
}
END_TEST

START_TEST(a_key_that_is_excluded_stays_where_it_is)
{
    uint64_t seed = property_seed();
    static struct rows rows; /* too large for a stack */
    static uint32_t partitions[ROWS];
    struct hot_list excluded = {0};
    struct hot_watch *watch = NULL;
    rows_begin(&rows, &seed, 90);
    const int64_t *keys = rows.batch->base.columns[0].values;
    uint32_t hot = 0;
    while (keys[hot] != 0)
        hot++;
    struct hot_key key = {.hash = rows.hashes[hot], .piece_count = 2};
    ck_assert_ptr_null(hot_list_add(&excluded, &key));
    watch_begin(16, &excluded, &watch);
    struct partitioner partitioner = {.kind = PARTITION_HASH,
                                      .partition_count = 16,
                                      .key_columns = &key_column,
                                      .key_count = 1,
                                      .watch = watch};
    hot_watch_begin(watch, 0);
    ck_assert_ptr_null(partitioner_apply(&partitioner, rows.batch, partitions));
    for (uint32_t row = 0; row < ROWS; row++)
        ck_assert_uint_eq(partitions[row], partition_of_hash(rows.hashes[row], 16));
    ck_assert_uint_eq(hot_watch_found(watch)->count, 0);
    partitioner_drop(&partitioner);
    hot_watch_destroy(watch);
    hot_list_drop(&excluded);
    rows_end(&rows);
}
END_TEST

/* ---- what is counted ---- */

START_TEST(counts_of_frequent_keys_are_never_too_high_nor_far_too_low)
{
    uint64_t seed = property_seed();
    static struct frequent_keys keys;
    static uint32_t counts[8000];
    for (int round = 0; round < 20; round++) {
        uint32_t key_count = 1 + (uint32_t)(property_next(&seed) % 8000);
        uint32_t added = 1 + (uint32_t)(property_next(&seed) % 100000), found = 0, total = 0;
        memset(counts, 0, sizeof counts);
        frequent_keys_clear(&keys);
        for (uint32_t i = 0; i < added; i++) {
            uint64_t a = property_next(&seed) % key_count, b = property_next(&seed) % key_count;
            uint32_t key = (uint32_t)(a * b / key_count); /* small ones are frequent */
            uint32_t times = property_next(&seed) % 4 == 0 ? 16 : 1;
            counts[key] += times;
            total += times;
            ck_assert_uint_le(frequent_keys_add(&keys, key * UINT64_C(0x100000001), times),
                              counts[key]);
        }
        for (uint32_t at = 0; at < FREQUENT_KEY_SLOTS; at++)
            if (keys.slots[at].count > 0) {
                uint32_t key = (uint32_t)keys.slots[at].hash;
                ck_assert_uint_le(keys.slots[at].count, counts[key]);
                ck_assert_uint_le(counts[key] - keys.slots[at].count, total / FREQUENT_KEYS_MAX);
                counts[key] = 0;
                found++;
            }
        ck_assert_uint_eq(found, keys.key_count);
        for (uint32_t key = 0; key < key_count; key++)
            ck_assert_uint_le(counts[key], total / FREQUENT_KEYS_MAX); /* those that were lost */
    }
}
END_TEST

START_TEST(few_pieces_are_some_of_many)
{
    uint64_t seed = property_seed();
    for (int round = 0; round < 1000; round++) {
        uint64_t hash = property_next(&seed);
        uint32_t partition_count = 1 + (uint32_t)(property_next(&seed) % 1000);
        bool is_old[1000] = {0}, is_new[1000];
        for (uint32_t pieces = 1; pieces <= partition_count; pieces *= 2) {
            memset(is_new, 0, sizeof is_new);
            for (uint32_t piece = 0; piece < pieces; piece++) {
                uint32_t p = hot_partition(hash, piece, pieces, partition_count);
                ck_assert_uint_lt(p, partition_count);
                ck_assert(!is_new[p]);
                is_new[p] = true;
            }
            for (uint32_t p = 0; p < partition_count; p++)
                ck_assert(!is_old[p] || is_new[p]);
            memcpy(is_old, is_new, sizeof is_old);
        }
    }
}
END_TEST

/* ---- copies ---- */

struct arrived {
    int64_t *rows[PARTITIONS_MAX]; /* owned */
    uint32_t counts[PARTITIONS_MAX];
};

static barks_status *take(void *context, uint32_t partition, struct batch *batch)
{
    struct arrived *arrived = context;
    uint32_t count = arrived->counts[partition], more = batch->base.row_count;
    arrived->rows[partition] =
        realloc(arrived->rows[partition], (count + more) * sizeof *arrived->rows[partition]);
    ck_assert_ptr_nonnull(arrived->rows[partition]);
    memcpy(arrived->rows[partition] + count, batch->base.columns[1].values, more * sizeof(int64_t));
    arrived->counts[partition] += more;
    batch_destroy(batch);
    return NULL;
}

static void run_copies(struct rows *rows, uint32_t partition_count, const struct hot_list *copied,
                       bool copies_only, struct arrived *arrived)
{
    struct buckets *buckets = NULL;
    struct buckets_options options = {.pool = rows->pool,
                                      .schema = &schema,
                                      .partitioner = {.kind = PARTITION_HASH,
                                                      .partition_count = partition_count,
                                                      .key_columns = &key_column,
                                                      .key_count = 1},
                                      .copied = copied,
                                      .copies_only = copies_only,
                                      .frame_bytes = 3000,
                                      .strings = BATCH_COPY,
                                      .emit = take,
                                      .context = arrived};
    ck_assert_ptr_null(buckets_create(&options, &buckets));
    ck_assert_ptr_null(buckets_add(buckets, rows->batch));
    ck_assert_ptr_null(buckets_flush(buckets));
    buckets_destroy(buckets);
}

/* Partition by partition and row by row, as the header words it. */
static void check_copies(const struct rows *rows, uint32_t partition_count,
                         const struct hot_list *copied, bool copies_only,
                         const struct arrived *arrived)
{
    for (uint32_t p = 0; p < partition_count; p++) {
        uint32_t count = 0;
        for (uint32_t row = 0; row < ROWS; row++) {
            const struct hot_key *hot = hot_list_find(copied, rows->hashes[row]);
            bool is_here =
                hot == NULL && partition_of_hash(rows->hashes[row], partition_count) == p;
            for (uint32_t piece = 0; hot != NULL && piece < hot->piece_count; piece++)
                is_here |= hot_partition(hot->hash, piece, hot->piece_count, partition_count) == p;
            if (copies_only && partition_of_hash(rows->hashes[row], partition_count) == p)
                is_here = false;
            if (!is_here)
                continue;
            ck_assert_uint_lt(count, arrived->counts[p]);
            ck_assert_int_eq(arrived->rows[p][count++], row);
        }
        ck_assert_uint_eq(count, arrived->counts[p]);
    }
}

START_TEST(rows_of_a_hot_key_are_copied_to_its_pieces)
{
    uint64_t seed = property_seed();
    static const uint32_t partition_counts[] = {2, 64, 200};
    for (size_t i = 0; i < sizeof partition_counts / sizeof *partition_counts; i++) {
        static struct rows rows; /* too large for a stack */
        static struct arrived arrived;
        struct hot_list copied = {0};
        rows_begin(&rows, &seed, 50);
        for (int k = 0; k < 20; k++) {
            struct hot_key key = {.hash = rows.hashes[property_next(&seed) % ROWS],
                                  .piece_count = UINT32_C(1) << property_next(&seed) % (i + 2)};
            if (key.piece_count <= partition_counts[i])
                ck_assert_ptr_null(hot_list_add(&copied, &key));
        }
        for (int copies_only = 0; copies_only < 2; copies_only++) {
            run_copies(&rows, partition_counts[i], &copied, copies_only, &arrived);
            check_copies(&rows, partition_counts[i], &copied, copies_only, &arrived);
            for (uint32_t p = 0; p < PARTITIONS_MAX; p++)
                free(arrived.rows[p]);
            arrived = (struct arrived){0};
        }
        hot_list_drop(&copied);
        rows_end(&rows);
    }
}
END_TEST

START_TEST(lists_travel_and_merge)
{
    struct hot_list list = {0}, other = {0};
    const struct hot_key keys[] = {{.hash = 9, .piece_count = 4, .permille = 10, .text = "nine"},
                                   {.hash = 2, .piece_count = 2, .permille = 30, .text = "two"},
                                   {.hash = 9, .piece_count = 8, .permille = 5, .text = "else"}};
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_null(hot_list_add(&list, &keys[i]));
    ck_assert_uint_eq(list.count, 2);
    struct packer out = {0};
    hot_list_pack(&list, &out);
    ck_assert_ptr_null(packer_finish(&out));
    for (int round = 0; round < 2; round++) {
        struct unpacker in;
        unpacker_init(&in, out.bytes.data, out.bytes.size);
        ck_assert_ptr_null(hot_list_unpack(&other, &in));
        ck_assert_ptr_null(unpacker_finish(&in));
        unpacker_drop(&in);
    }
    packer_drop(&out);
    ck_assert_uint_eq(other.count, 2);
    const struct hot_key *nine = hot_list_find(&other, 9);
    ck_assert_ptr_nonnull(nine);
    ck_assert(nine->piece_count == 8 && nine->permille == 10 && strcmp(nine->text, "nine") == 0);
    ck_assert_ptr_null(hot_list_find(&other, 3));
    hot_list_drop(&list);
    hot_list_drop(&other);
}
END_TEST

START_TEST(what_is_no_list_is_refused)
{
    struct packer out = {0};
    struct hot_list list = {0};
    pack_u64(&out, 1);
    pack_u64(&out, 77);
    pack_u64(&out, 3); /* pieces */
    pack_u64(&out, 500);
    pack_text(&out, "key");
    ck_assert_ptr_null(packer_finish(&out));
    struct unpacker in;
    unpacker_init(&in, out.bytes.data, out.bytes.size);
    barks_status *status = hot_list_unpack(&list, &in);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    ck_assert_str_eq(barks_status_text(status), "a hot key in 3 pieces");
    barks_status_free(status);
    unpacker_drop(&in);
    unpacker_init(&in, out.bytes.data, out.bytes.size - 2);
    ck_assert_ptr_null(hot_list_unpack(&list, &in));
    status = unpacker_finish(&in);
    ck_assert_ptr_nonnull(status);
    barks_status_free(status);
    unpacker_drop(&in);
    hot_list_drop(&list);
    packer_drop(&out);
}
END_TEST

SUITE_MAIN("shuffle/hot_keys", rows_of_a_hot_key_are_spread_alike_whatever_the_batches,
           a_hot_key_that_comes_late_is_spread, a_key_that_is_excluded_stays_where_it_is,
           counts_of_frequent_keys_are_never_too_high_nor_far_too_low, few_pieces_are_some_of_many,
           rows_of_a_hot_key_are_copied_to_its_pieces, lists_travel_and_merge,
           what_is_no_list_is_refused)
