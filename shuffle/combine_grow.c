/* Slots of the combine table: more of them, and where what lay in the old ones goes. */
#include "base/checked.h"
#include "base/pool.h"
#include "shuffle/combine_table.h"

#include <inttypes.h>
#include <string.h>

/* Keys that arrive in the order of another table's slots crowd the front of this one, which would
 * make adding them quadratic. So a table whose keys went this many slots behind their home on
 * average grows as well, unless so few slots are taken that it is their hashes that are equal. */
enum { CROWDED_DISTANCE = 16, CROWDED_SLOTS_PER_ROW = 64 };

/* Puts what is in slot into the table, behind those that want the same place and are there. */
static void place_slot(struct combine *combine, const struct slot *slot)
{
    const uint64_t mask = combine_slot_count(combine) - 1;
    const uint64_t home = combine_home(combine, slot->hash);
    uint64_t distance = 0;
    while (combine_slot(combine, (home + distance) & mask)->hash != 0)
        distance++;
    copy_words(combine_slot(combine, (home + distance) & mask), slot, combine->stride_bytes);
    if (distance > combine->distance_max)
        combine->distance_max = distance;
}

/* Of a table that is to grow: the slots in front that are copied before the rest moves. They end at
 * an empty one, so that those which went on searching from the end of the table to its beginning
 * are among them, and far enough from the beginning for the others to move behind themselves. */
static uint64_t first_slots_count(const struct combine *combine)
{
    uint64_t count = 2 * combine->distance_max + 2;
    while (count < combine_slot_count(combine) && combine_slot(combine, count)->hash != 0)
        count++;
    return count < combine_slot_count(combine) ? count : combine_slot_count(combine);
}

/* Moves the slots of a table that has grown, whose first old_count they were, to where they are
 * looked for now. What lies at i was looked for from i - distance_max on, now from at least twice
 * as far on: so if the last ones move first, none meets one that is still to move. But of those
 * that lie next to each other the first moves first: of keys that want the same slot the oldest,
 * which is likely to be looked for most, gets it again. Where some go on from the end of the table
 * to its beginning there is room for them, as there was before: no more of them can be too many for
 * the end when it has twice the slots. */
static void spread_slots(struct combine *combine, uint64_t old_count, const uint8_t *first_slots,
                         uint64_t first_count)
{
    const uint64_t distance_max = combine->distance_max;
    combine->distance_max = 0;
    for (uint64_t i = 0; i < first_count; i++)
        combine_slot(combine, i)->hash = 0;
    for (uint64_t begin = old_count, end; begin > first_count;) {
        end = begin;
        while (begin > first_count && 2 * (begin - 1 - distance_max) >= end &&
               combine_slot(combine, begin - 1)->hash != 0)
            begin--;
        for (uint64_t i = begin; i < end; i++) {
            struct slot *from = combine_slot(combine, i);
            place_slot(combine, from);
            from->hash = 0;
        }
        begin -= begin == end; /* past an empty slot */
    }
    for (uint64_t i = 0; i < first_count; i++) {
        const void *at = first_slots + i * combine->stride_bytes;
        const struct slot *slot = at;
        if (slot->hash != 0)
            place_slot(combine, slot);
    }
}

/* The first slots, or more of them. */
BARKS_CHECKED static barks_status *acquire_slots(struct combine *combine, uint32_t bits)
{
    size_t bytes = 0;
    if (bits > 40 || ckd_mul(&bytes, (size_t)1 << bits, combine->stride_bytes))
        BARKS_FAIL(BARKS_LIMIT,
                   "a table of 2^%" PRIu32 " accumulators is larger than memory can be", bits);
    void *slots = NULL;
    if (combine->slots == NULL)
        BARKS_TRY(pool_acquire_zeroed(combine->options.pool, bytes, &slots));
    else
        BARKS_TRY(pool_grow_zeroed(combine->options.pool, combine->slots, combine->slots_bytes,
                                   bytes, &slots));
    combine->slots = slots;
    combine->slots_bytes = bytes;
    combine->bits = bits;
    return NULL;
}

BARKS_CHECKED static barks_status *make_slots(struct combine *combine, uint32_t bits)
{
    const uint64_t old_count = combine_slot_count(combine);
    const uint64_t first_count = old_count == 0 ? 0 : first_slots_count(combine);
    const size_t first_bytes = first_count * combine->stride_bytes;
    struct pool *pool = combine->options.pool;
    void *first_slots = NULL;
    barks_status *status = pool_acquire(pool, first_bytes, &first_slots);
    if (status == NULL && first_bytes > 0)
        memcpy(first_slots, combine->slots, first_bytes);
    if (status == NULL)
        status = acquire_slots(combine, bits);
    if (status == NULL) {
        spread_slots(combine, old_count, first_slots, first_count);
        combine->displacement = 0;
        combine->inserted = 0;
    }
    pool_release(pool, first_slots, first_bytes);
    BARKS_TRY_DOING(status, "grow a table of %" PRIu64 " accumulators of '%s'", combine->row_count,
                    combine->options.accumulator->name);
    return NULL;
}

BARKS_CHECKED static barks_status *grow(struct combine *combine)
{
    if (combine->slots != NULL)
        return make_slots(combine, combine->slots_bytes < COMBINE_SMALL_BYTES / 4
                                       ? combine->bits + 2
                                       : combine->bits + 1);
    uint32_t bits = combine->first_bits;
    combine->first_bits = FIRST_BITS;
    barks_status *status = make_slots(combine, bits);
    if (status == NULL || bits == FIRST_BITS)
        return status;
    /* There is no longer room for as many slots as the last table had. */
    barks_status_free(status);
    return make_slots(combine, FIRST_BITS);
}

static bool is_crowded(const struct combine *combine)
{
    return combine->displacement > CROWDED_DISTANCE * (combine->inserted + FIND_ROWS) &&
           combine_slot_count(combine) < CROWDED_SLOTS_PER_ROW * combine_slots_taken(combine);
}

barks_status *combine_make_room(struct combine *combine, uint32_t row_count)
{
    bool crowded = is_crowded(combine);
    while (crowded || combine_would_pass(combine, row_count, LOAD_EIGHTHS)) {
        if (combine_array_begin(combine)) {
            crowded = false;
            continue;
        }
        barks_status *status = grow(combine);
        if (status != NULL) {
            if (combine_would_pass(combine, row_count, LOAD_EIGHTHS_MAX))
                return status;
            /* Some more rows fit if need be, and the caller is told to drain. */
            barks_status_free(status);
            combine->is_full = true;
            break;
        }
        crowded = false;
    }
    return NULL;
}
