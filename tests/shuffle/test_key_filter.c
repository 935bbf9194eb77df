#include "base/pack.h"
#include "base/pool.h"
#include "base/scope.h"
#include "shuffle/key_collector.h"
#include "shuffle/key_filter.h"
#include "shuffle/row_filter.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOG2 = 14, PROBES = 400000, ROWS = 3000 };

static const barks_type i64_type = {.id = BARKS_I64}, f64_type = {.id = BARKS_F64},
                        str_type = {.id = BARKS_STR};
static const barks_field number_fields[] = {{"key", &i64_type, true}};
static const barks_field mixed_fields[] = {{"text", &str_type, false}, {"real", &f64_type, true}};
static const barks_schema numbers = {1, number_fields}, mixed = {2, mixed_fields};
static const uint32_t key_column = 0, both_columns[] = {0, 1};

/* ---- the filter ---- */

/* A word has a number of keys that is Poisson's; each sets 4 of its 64 bits, and another passes
 * where all of its own are set. */
static double expected_rate(double keys_per_word)
{
    double rate = 0, chance = exp(-keys_per_word);
    for (int keys = 0; keys < 200; keys++) {
        double set = 1 - pow(63.0 / 64, KEY_FILTER_BITS * keys);
        rate += chance * pow(set, KEY_FILTER_BITS);
        chance *= keys_per_word / (keys + 1);
    }
    return rate;
}

START_TEST(as_many_others_pass_as_theory_says)
{
    static const double loads[] = {0.5, 2, 4, 6, 8, 12};
    uint64_t seed = property_seed();
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        struct key_filter filter = {0};
        uint64_t start = seed, passed = 0, count = (uint64_t)(loads[i] * (1 << LOG2));
        ck_assert_ptr_null(key_filter_init(&filter, LOG2));
        for (uint64_t k = 0; k < count; k++)
            (void)key_filter_add(&filter, property_next(&seed)); /* a few are equal by their bits */
        for (uint64_t k = 0; k < count; k++)
            ck_assert(key_filter_may_have(&filter, property_next(&start)));
        for (int probe = 0; probe < PROBES; probe++)
            passed += key_filter_may_have(&filter, property_next(&seed));
        double expected = expected_rate(loads[i]), seen = (double)passed / PROBES;
        /* Bits of a key may be one: a little fewer are set, and fewer needed. */
        double slack = 0.1 * expected + 5 * sqrt(expected / PROBES);
        ck_assert_msg(fabs(seen - expected) <= slack, "%g keys a word: %g pass, not %g", loads[i],
                      seen, expected);
        ck_assert_msg(fabs(key_filter_false_rate(&filter) - expected) <= slack, "%g, not %g",
                      key_filter_false_rate(&filter), expected);
        key_filter_drop(&filter);
    }
}
END_TEST

START_TEST(what_is_sealed_is_small_and_forgets_no_key)
{
    static const uint64_t counts[] = {0, 1, 100, 5000, 40000, 150000, 4000000};
    uint64_t seed = property_seed();
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct key_filter filter = {0};
        uint64_t start = seed, passed = 0;
        ck_assert_ptr_null(key_filter_init(&filter, 17));
        for (uint64_t k = 0; k < counts[i]; k++)
            (void)key_filter_add(&filter, property_next(&seed)); /* as above */
        key_filter_seal(&filter);
        ck_assert(key_filter_is_sound(&filter));
        if (counts[i] == 4000000) { /* 30 a word */
            ck_assert_ptr_null(filter.words);
            continue;
        }
        ck_assert_ptr_nonnull(filter.words);
        for (uint64_t k = 0; k < counts[i]; k++)
            ck_assert(key_filter_may_have(&filter, property_next(&start)));
        for (int probe = 0; probe < PROBES; probe++)
            passed += key_filter_may_have(&filter, property_next(&seed));
        ck_assert_uint_le(passed, PROBES / 40); /* 2 %, and a little for chance */
        if (counts[i] >= 5000) /* it is not larger than it must be: 8 keys a word are too many */
            ck_assert_uint_ge(counts[i], UINT64_C(1) << filter.words_log2);
        key_filter_drop(&filter);
    }
}
END_TEST

START_TEST(sizes_follow_from_the_number_of_keys)
{
    ck_assert_uint_eq(key_filter_log2_for(0), KEY_FILTER_LOG2_MIN);
    ck_assert_uint_eq(key_filter_log2_for(4095), KEY_FILTER_LOG2_MIN);
    ck_assert_uint_eq(key_filter_log2_for(4096), KEY_FILTER_LOG2_MIN + 1);
    ck_assert_uint_eq(key_filter_log2_for(UINT64_MAX), KEY_FILTER_LOG2_MAX);
}
END_TEST

static void pack_filter(const struct key_filter *filter, struct packer *out)
{
    key_filter_pack(filter, out);
    ck_assert_ptr_null(packer_finish(out));
}

START_TEST(filters_travel)
{
    uint64_t seed = property_seed();
    for (int has_words = 0; has_words < 2; has_words++) {
        struct key_filter filter = {0}, other = {0};
        if (has_words)
            ck_assert_ptr_null(key_filter_init(&filter, 12));
        for (int k = 0; k < 1000 && has_words; k++)
            (void)key_filter_add(&filter, property_next(&seed)); /* as above */
        filter.ranges = (struct key_ranges){.count = 1, .all = {{true, true, -5, 77}}};
        struct packer out = {0};
        struct unpacker in;
        pack_filter(&filter, &out);
        unpacker_init(&in, out.bytes.data, out.bytes.size);
        ck_assert_ptr_null(key_filter_unpack(&other, &in));
        ck_assert_ptr_null(unpacker_finish(&in));
        unpacker_drop(&in);
        ck_assert((other.words != NULL) == (has_words != 0));
        if (has_words)
            ck_assert_mem_eq(other.words, filter.words, key_filter_bytes(12));
        ck_assert(other.ranges.count == 1 && other.ranges.all[0].is_known &&
                  other.ranges.all[0].has_null && other.ranges.all[0].low == -5 &&
                  other.ranges.all[0].high == 77);
        packer_drop(&out);
        key_filter_drop(&filter);
        key_filter_drop(&other);
    }
}
END_TEST

static void check_refused(struct packer *out, bool is_part, const char *text)
{
    struct unpacker in;
    struct key_filter filter = {0};
    ck_assert_ptr_null(packer_finish(out));
    unpacker_init(&in, out->bytes.data, out->bytes.size);
    barks_status *status =
        is_part ? key_filter_merge_packed(&filter, true, &in) : key_filter_unpack(&filter, &in);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    ck_assert_str_eq(barks_status_text(status), text);
    barks_status_free(status);
    unpacker_drop(&in);
    packer_drop(out);
    key_filter_drop(&filter);
}

START_TEST(what_is_no_filter_is_refused)
{
    static const uint8_t bytes[8200] = {0};
    struct packer out = {0};
    pack_u64(&out, 9);
    pack_bytes(&out, bytes, 4096);
    pack_u64(&out, 0);
    check_refused(&out, false, "a filter of 2^9 words has 4096 bytes");
    pack_u64(&out, 10);
    pack_bytes(&out, bytes, 8191);
    pack_u64(&out, 0);
    check_refused(&out, false, "a filter of 2^10 words has 8191 bytes");
    pack_u64(&out, 60);
    pack_bytes(&out, bytes, 8192);
    pack_u64(&out, 0);
    check_refused(&out, false, "a filter of 2^60 words has 8192 bytes");
    pack_u64(&out, 10);
    pack_bytes(&out, NULL, 0);
    pack_u64(&out, 5);
    pack_bytes(&out, bytes, 100);
    check_refused(&out, false, "ranges of 5 key columns, of which at most 4 are");
    pack_u64(&out, 10);
    pack_u64(&out, 3);
    pack_bytes(&out, bytes, 8192);
    pack_u64(&out, 0);
    check_refused(&out, true, "keys of a join, of form 3 for 2^10 words, are 8192 bytes");
    pack_u64(&out, 10);
    pack_u64(&out, 1);
    pack_bytes(&out, bytes, 8196);
    pack_u64(&out, 0);
    check_refused(&out, true, "keys of a join, of form 1 for 2^10 words, are 8196 bytes");
    pack_u64(&out, 22);
    pack_u64(&out, 0);
    pack_bytes(&out, NULL, 0);
    pack_u64(&out, 0);
    check_refused(&out, true, "keys of a join, of form 0 for 2^22 words, are 0 bytes");
}
END_TEST

START_TEST(what_is_cut_off_is_refused)
{
    struct key_filter filter = {.ranges = {.count = 1}}, other = {0};
    struct packer out = {0};
    pack_filter(&filter, &out);
    for (size_t size_bytes = 0; size_bytes < out.bytes.size; size_bytes++) {
        struct unpacker in;
        unpacker_init(&in, out.bytes.data, size_bytes);
        ck_assert_ptr_null(key_filter_unpack(&other, &in));
        barks_status *status = unpacker_finish(&in);
        ck_assert_ptr_nonnull(status);
        barks_status_free(status);
        unpacker_drop(&in);
        unpacker_init(&in, out.bytes.data, size_bytes);
        ck_assert_ptr_null(key_filter_merge_packed(&other, true, &in));
        status = unpacker_finish(&in);
        ck_assert_ptr_nonnull(status);
        barks_status_free(status);
        unpacker_drop(&in);
        key_filter_drop(&other);
    }
    packer_drop(&out);
}
END_TEST

/* ---- what tasks collect ---- */

static struct batch *number_rows(struct pool *pool, uint64_t *seed, uint32_t count, uint64_t below)
{
    struct batch *rows = NULL;
    ck_assert_ptr_null(batch_create(pool, &numbers, count, &rows));
    for (uint32_t i = 0; i < count; i++)
        ((int64_t *)rows->base.columns[0].values)[i] = (int64_t)(property_next(seed) % below);
    rows->base.row_count = count;
    return rows;
}

/* The rows go through a collector, which is merged into the filter. */
static void collect(struct pool *pool, const struct batch *rows, uint32_t words_log2,
                    struct key_filter *filter, bool is_first)
{
    const struct key_collector_options options = {.pool = pool,
                                                  .schema = &numbers,
                                                  .key_columns = &key_column,
                                                  .key_count = 1,
                                                  .words_log2 = words_log2};
    struct key_collector *collector = NULL;
    struct packer out = {0};
    struct unpacker in;
    ck_assert_ptr_null(key_collector_create(&options, &collector));
    ck_assert_ptr_null(key_collector_add(collector, &rows->base));
    key_collector_pack(collector, &out);
    key_collector_destroy(collector);
    ck_assert_ptr_null(packer_finish(&out));
    unpacker_init(&in, out.bytes.data, out.bytes.size);
    ck_assert_ptr_null(key_filter_merge_packed(filter, is_first, &in));
    ck_assert_ptr_null(unpacker_finish(&in));
    unpacker_drop(&in);
    packer_drop(&out);
}

/* Few keys of a task travel as hashes, many as words; either way all together have the filter of
 * all keys. */
START_TEST(tasks_make_one_filter_together)
{
    uint64_t seed = property_seed();
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    for (uint32_t many = 0; many < 2; many++) {
        struct key_filter merged = {0}, whole = {0};
        ck_assert_ptr_null(key_filter_init(&whole, 10));
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (uint32_t task = 0; task < 3; task++) {
            struct batch *rows = number_rows(pool, &seed, many ? 1500 : 200, UINT64_C(1) << 40);
            uint64_t *hashes = calloc(2000, sizeof *hashes);
            batch_hash(&rows->base, &key_column, 1, hashes);
            for (uint32_t i = 0; i < rows->base.row_count; i++) {
                int64_t key = ((int64_t *)rows->base.columns[0].values)[i];
                (void)key_filter_add(&whole, hashes[i]); /* it is whole in the end */
                low = key < low ? key : low;
                high = key > high ? key : high;
            }
            collect(pool, rows, 10, &merged, task == 0);
            collect(pool, rows, 10, &merged, false); /* another attempt changes nothing */
            free(hashes);
            batch_destroy(rows);
        }
        ck_assert_mem_eq(merged.words, whole.words, key_filter_bytes(10));
        ck_assert(merged.ranges.all[0].low == low && merged.ranges.all[0].high == high &&
                  !merged.ranges.all[0].has_null);
        key_filter_drop(&merged);
        key_filter_drop(&whole);
    }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

START_TEST(too_many_keys_leave_the_ranges)
{
    uint64_t seed = property_seed();
    struct pool *pool = NULL;
    struct key_filter filter = {0};
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    struct batch *few = number_rows(pool, &seed, 10, 50);
    struct batch *many = number_rows(pool, &seed, 40000, UINT64_C(1) << 60);
    collect(pool, few, 10, &filter, true);
    ck_assert_ptr_nonnull(filter.words);
    collect(pool, many, 10, &filter, false);
    ck_assert_ptr_null(filter.words);
    collect(pool, few, 10, &filter, false);
    ck_assert_ptr_null(filter.words);
    key_filter_seal(&filter);
    ck_assert(!key_filter_is_useless(&filter));
    ck_assert_int_ge(filter.ranges.all[0].high, 50);
    batch_destroy(few);
    batch_destroy(many);
    key_filter_drop(&filter);
    pool_destroy(pool);
}
END_TEST

START_TEST(without_room_there_are_the_ranges)
{
    uint64_t seed = property_seed();
    struct pool *pool = NULL;
    struct key_filter filter = {0};
    ck_assert_ptr_null(pool_create(UINT64_C(8) << 20, &pool));
    struct batch *few = number_rows(pool, &seed, 10, 50);
    collect(pool, few, KEY_FILTER_LOG2_MAX, &filter, true);
    ck_assert_ptr_null(filter.words);
    ck_assert_int_lt(filter.ranges.all[0].high, 50);
    batch_destroy(few);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

/* ---- rows that stay ---- */

/* NaN, zeros, nulls and texts are where their equals are. */
START_TEST(ranges_know_nulls_and_numbers_that_are_none)
{
    const double added[] = {-3.5, 0.0, 2.25},
                 tested[] = {-4, -3.5, -0.0, 2.25, 2.5, NAN, -INFINITY};
    const uint8_t expected[] = {0, 1, 1, 1, 0, 0, 0}, with_nan[] = {0, 1, 1, 1, 1, 1, 0};
    struct pool *pool = NULL;
    struct batch *left = NULL, *right = NULL;
    struct key_ranges ranges, more;
    uint8_t inside[8];
    ck_assert_ptr_null(pool_create(UINT64_C(8) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &mixed, 8, &left));
    ck_assert_ptr_null(batch_create(pool, &mixed, 8, &right));
    memset(left->base.columns[0].values, 0, 8 * sizeof(barks_str));
    memset(right->base.columns[0].values, 0, 8 * sizeof(barks_str));
    memcpy(left->base.columns[1].values, added, sizeof added);
    memcpy(right->base.columns[1].values, tested, sizeof tested);
    left->base.row_count = 3;
    right->base.row_count = 7;
    key_ranges_init(&ranges, &mixed, both_columns, 2);
    key_ranges_add(&ranges, &left->base, both_columns);
    ck_assert(!ranges.all[0].is_known && ranges.all[1].is_known);
    ck_assert(!key_ranges_are_open(&ranges));
    memset(inside, 1, sizeof inside);
    key_ranges_test(&ranges, &right->base, both_columns, 0, 7, inside);
    ck_assert_mem_eq(inside, expected, sizeof expected);

    ((double *)left->base.columns[1].values)[0] = NAN;
    left->base.row_count = 1;
    key_ranges_init(&more, &mixed, both_columns, 2);
    key_ranges_add(&more, &left->base, both_columns);
    key_ranges_merge(&ranges, &more);
    memset(inside, 1, sizeof inside);
    key_ranges_test(&ranges, &right->base, both_columns, 0, 7, inside);
    ck_assert_mem_eq(inside, with_nan, sizeof with_nan);
    batch_destroy(left);
    batch_destroy(right);
    pool_destroy(pool);
}
END_TEST

START_TEST(an_empty_side_leaves_no_row)
{
    uint64_t seed = property_seed();
    struct pool *pool = NULL;
    struct key_filter filter = {0};
    struct row_filter *rows_filter = NULL;
    const uint32_t *kept = NULL;
    uint32_t count = 1;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    struct batch *none = number_rows(pool, &seed, 0, 1), *rows = number_rows(pool, &seed, 99, 50);
    collect(pool, none, 10, &filter, true);
    key_filter_seal(&filter);
    ck_assert_ptr_null(row_filter_create(&filter, &key_column, 1, &rows_filter));
    ck_assert_ptr_null(row_filter_apply(rows_filter, &rows->base, &kept, &count));
    ck_assert_uint_eq(count, 0);
    row_filter_destroy(rows_filter);
    key_filter_drop(&filter);
    batch_destroy(none);
    batch_destroy(rows);
    pool_destroy(pool);
}
END_TEST

/* Keys below `known` are there; rows of a map partition, of which the first `first_rows` have keys
 * that are there, then one in `one_in` has. Returns how many stay; the sum of their places tells
 * which. */
static uint64_t run_windows(const struct key_filter *filter, uint64_t *random, uint64_t first_rows,
                            uint64_t row_count, uint64_t one_in, uint64_t *out_sum)
{
    struct pool *pool = NULL;
    struct batch *rows = NULL;
    struct row_filter *rows_filter = NULL;
    uint64_t kept_rows = 0;
    *out_sum = 0;
    ck_assert_ptr_null(pool_create(UINT64_C(8) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &numbers, ROWS, &rows));
    ck_assert_ptr_null(row_filter_create(filter, &key_column, 1, &rows_filter));
    row_filter_begin(rows_filter);
    for (uint64_t first = 0, size; first < row_count; first += size) {
        const uint32_t *kept = NULL;
        uint32_t count = 0;
        size = 1 + property_next(random) % ROWS;
        size = size < row_count - first ? size : row_count - first;
        for (uint64_t i = 0; i < size; i++) {
            bool is_there = first + i < first_rows || (first + i) % one_in == 0;
            ((int64_t *)rows->base.columns[0].values)[i] =
                is_there ? (int64_t)(first + i) % 100 : (int64_t)(1000000 + first + i);
        }
        rows->base.row_count = (uint32_t)size;
        ck_assert_ptr_null(row_filter_apply(rows_filter, &rows->base, &kept, &count));
        kept_rows += count;
        for (uint32_t i = 0; i < count; i++)
            *out_sum += first + kept[i];
        uint32_t at = 0;
        for (uint32_t i = 0; i < size; i++) { /* who has a partner stays */
            bool stays = at < count && kept[at] == i;
            at += stays;
            ck_assert(stays || ((int64_t *)rows->base.columns[0].values)[i] >= 1000000);
        }
    }
    row_filter_destroy(rows_filter);
    batch_destroy(rows);
    pool_destroy(pool);
    return kept_rows;
}

START_TEST(rows_are_dropped_alike_whatever_the_batches_and_where_it_pays)
{
    uint64_t seed = property_seed(), sum = 0, again = 0;
    struct pool *pool = NULL;
    struct key_filter filter = {0};
    ck_assert_ptr_null(pool_create(UINT64_C(8) << 20, &pool));
    struct batch *known = number_rows(pool, &seed, 100, 100);
    for (int64_t i = 0; i < 100; i++)
        ((int64_t *)known->base.columns[0].values)[i] = i;
    collect(pool, known, 10, &filter, true);
    filter.ranges.count = 0;
    const uint64_t window = ROW_FILTER_WINDOW, rows = 24 * window;

    uint64_t kept = run_windows(&filter, &seed, 0, rows, 10, &sum); /* it pays all the time */
    ck_assert_uint_ge(kept, rows / 10);
    ck_assert_uint_le(kept, rows / 10 + rows / 100);
    ck_assert_uint_eq(run_windows(&filter, &seed, 0, rows, 10, &again), kept);
    ck_assert_uint_eq(sum, again);

    kept = run_windows(&filter, &seed, rows, rows, 1, &sum); /* never */
    ck_assert_uint_eq(kept, rows);

    /* Not in the first window, so the next 15 pass; then it does. */
    kept = run_windows(&filter, &seed, window, rows, 10, &sum);
    ck_assert_uint_ge(kept, 16 * window + 8 * window / 10);
    ck_assert_uint_le(kept, 16 * window + 8 * window / 10 + window / 10);
    ck_assert_uint_eq(run_windows(&filter, &seed, window, rows, 10, &again), kept);
    ck_assert_uint_eq(sum, again);
    key_filter_drop(&filter);
    batch_destroy(known);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("shuffle/key_filter", as_many_others_pass_as_theory_says,
           what_is_sealed_is_small_and_forgets_no_key, sizes_follow_from_the_number_of_keys,
           filters_travel, what_is_no_filter_is_refused, what_is_cut_off_is_refused,
           tasks_make_one_filter_together, too_many_keys_leave_the_ranges,
           without_room_there_are_the_ranges, ranges_know_nulls_and_numbers_that_are_none,
           an_empty_side_leaves_no_row,
           rows_are_dropped_alike_whatever_the_batches_and_where_it_pays)
