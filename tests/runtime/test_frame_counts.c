/* Numbers of frames travel and are kept in as few bytes as they need. */
#include "base/pack.h"
#include "runtime/frame_counts.h"
#include "shuffle/exchange.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1000 };

static struct frame_counts carried(const struct exchange_sent *sent, uint32_t slot_count)
{
    struct packer packer = {0};
    struct unpacker in;
    struct frame_counts counts = {0};
    frame_counts_pack(&packer, sent, slot_count);
    must(packer_finish(&packer));
    unpacker_init(&in, packer.bytes.data, packer.bytes.size);
    frame_counts_unpack(&in, &counts);
    must(unpacker_finish(&in));
    unpacker_drop(&in);
    packer_drop(&packer);
    return counts;
}

static void check_same(const struct exchange_sent *sent, uint32_t slot_count, size_t bytes_max)
{
    uint64_t sum = 0;
    struct frame_counts counts = carried(sent, slot_count);
    ck_assert_uint_le(counts.size_bytes, bytes_max);
    for (uint32_t slot = 1; slot <= slot_count; slot++) {
        ck_assert_uint_eq(frame_counts_of(&counts, slot), sent[slot - 1].frame_count);
        sum += sent[slot - 1].frame_count;
    }
    ck_assert_uint_eq(frame_counts_of(&counts, 0), 0);
    ck_assert_uint_eq(frame_counts_of(&counts, slot_count + 1), 0);
    ck_assert_uint_eq(frame_counts_sum(&counts), sum);
    frame_counts_drop(&counts);
    ck_assert_ptr_null(counts.bytes);
}

START_TEST(they_come_as_they_were_in_few_bytes)
{
    static struct exchange_sent sent[SLOTS];
    check_same(sent, SLOTS, 1);
    for (uint32_t i = 0; i < SLOTS; i++)
        sent[i].frame_count = i % 200;
    check_same(sent, SLOTS, 1 + SLOTS); /* a byte each: what a task costs for each executor */
    sent[10].frame_count = 256;
    check_same(sent, SLOTS, 1 + 2 * SLOTS);
    sent[10].frame_count = UINT32_MAX;
    check_same(sent, SLOTS, 1 + 4 * SLOTS);
    sent[10].frame_count = UINT64_C(1) << 40;
    check_same(sent, SLOTS, 1 + 8 * SLOTS);
    memset(sent, 0, sizeof sent);
    sent[3].frame_count = 7;
    check_same(sent, SLOTS, 5); /* nothing of those behind */
}
END_TEST

START_TEST(a_task_without_a_shuffle_has_none)
{
    struct frame_counts counts = carried(NULL, SLOTS);
    ck_assert_ptr_null(counts.bytes);
    ck_assert_uint_eq(frame_counts_of(&counts, 1), 0);
    ck_assert_uint_eq(frame_counts_sum(&counts), 0);
}
END_TEST

static void check_refused(const void *bytes, size_t size_bytes)
{
    struct packer packer = {0};
    struct unpacker in;
    struct frame_counts counts = {0};
    pack_bytes(&packer, bytes, size_bytes);
    must(packer_finish(&packer));
    unpacker_init(&in, packer.bytes.data, packer.bytes.size);
    frame_counts_unpack(&in, &counts);
    ck_assert_ptr_null(counts.bytes);
    barks_status *status = unpacker_finish(&in);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
    unpacker_drop(&in);
    packer_drop(&packer);
}

START_TEST(bytes_that_are_no_numbers_are_refused)
{
    check_refused("", 0);
    check_refused("\0\1", 2);
    check_refused("\3\1\1\1", 4);
    check_refused("\2\1\1\1", 4);
    check_refused("\x10", 1);
}
END_TEST

SUITE_MAIN("runtime/frame_counts", they_come_as_they_were_in_few_bytes,
           a_task_without_a_shuffle_has_none, bytes_that_are_no_numbers_are_refused)
