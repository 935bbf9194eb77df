#include "exec/sort.h"

#include "base/pool.h"
#include "batch/schema.h"
#include "exec/item_merge.h"
#include "exec/packed_sort.h"
#include "exec/radix_sort.h"

#include <assert.h>
#include <inttypes.h>

/* Two of each row's item: the second half is spare. */
BARKS_CHECKED static barks_status *make_items(const struct sort_rows *rows, struct pool *pool,
                                              struct sort_item **out_items)
{
    const barks_batch *batch = rows->batch;
    void *memory = NULL;
    BARKS_TRY_DOING(
        pool_acquire(pool, 2 * (size_t)batch->row_count * sizeof(struct sort_item), &memory),
        "sort %" PRIu32 " rows", batch->row_count);
    struct sort_item *items = memory;
    for (uint32_t row = 0; row < batch->row_count; row++)
        items[row].row = row;
    sort_level_fill(rows, (struct sort_level){0}, items, batch->row_count);
    *out_items = items;
    return NULL;
}

/* sorted: either half of items, which are freed. */
static void give_order(const struct sort_item *sorted, uint32_t count, struct sort_item *items,
                       struct pool *pool, uint32_t *out_order)
{
    for (uint32_t i = 0; i < count; i++)
        out_order[i] = sorted[i].row;
    pool_release(pool, items, 2 * (size_t)count * sizeof *items);
}

BARKS_CHECKED static barks_status *sort_items(const struct sort_rows *rows, struct pool *pool,
                                              uint32_t *out_order)
{
    uint32_t count = rows->batch->row_count;
    struct sort_item *items = NULL;
    BARKS_TRY(make_items(rows, pool, &items));
    radix_sort(rows, items, items + count, count);
    give_order(items, count, items, pool, out_order);
    return NULL;
}

barks_status *rows_order(const barks_batch *batch, const struct sort_key *keys, uint32_t key_count,
                         struct pool *pool, uint32_t *out_order)
{
    const struct sort_rows rows = {.batch = batch, .keys = keys, .key_count = key_count};
    struct packed_keys packed;
    if (batch->row_count == 0)
        return NULL;
    return packed_sort_fits(&rows, &packed) ? packed_sort(&packed, 0, pool, out_order, NULL)
                                            : sort_items(&rows, pool, out_order);
}

/* ---- groups ---- */

/* Rows that were put in order lie anywhere: each is asked for some places ahead. */
static void find_begins(const struct sort_rows *rows, uint32_t group_key_count,
                        const uint32_t *order, uint64_t *out_begins)
{
    enum { AHEAD = 16, WORD_BITS = 64 };
    const barks_batch *batch = rows->batch;
    const barks_column *first = &batch->columns[rows->keys[0].column];
    size_t value_bytes = type_value_bytes(first->type);
    uint64_t bits = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (batch->row_count - i > AHEAD)
            __builtin_prefetch((const uint8_t *)first->values + order[i + AHEAD] * value_bytes);
        bool begins = i == 0 || batch_compare_rows(batch, order[i - 1], batch, order[i], rows->keys,
                                                   group_key_count) != 0;
        bits |= (uint64_t)begins << i % WORD_BITS;
        if (i % WORD_BITS == WORD_BITS - 1 || i + 1 == batch->row_count) {
            out_begins[i / WORD_BITS] = bits;
            bits = 0;
        }
    }
}

barks_status *rows_order_groups(const barks_batch *batch, const struct sort_key *keys,
                                uint32_t key_count, uint32_t group_key_count, struct pool *pool,
                                uint32_t *out_order, uint64_t *out_begins)
{
    const struct sort_rows rows = {.batch = batch, .keys = keys, .key_count = key_count};
    struct packed_keys packed;
    assert(group_key_count > 0 && group_key_count <= key_count);
    if (batch->row_count == 0)
        return NULL;
    if (packed_sort_fits(&rows, &packed))
        return packed_sort(&packed, group_key_count, pool, out_order, out_begins);
    BARKS_TRY(sort_items(&rows, pool, out_order));
    find_begins(&rows, group_key_count, out_order, out_begins);
    return NULL;
}

/* ---- runs ---- */

/* Where runs begin, into out_begins where it is not NULL; their number. */
static uint32_t find_runs(const struct sort_rows *rows, const struct sort_item *items,
                          uint32_t *out_begins)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->batch->row_count; i++)
        if (i == 0 || sort_item_before(rows, &items[i], &items[i - 1])) {
            if (out_begins != NULL)
                out_begins[count] = i;
            count++;
        }
    return count;
}

/* Neighbouring runs become one, until one is left, which is returned. begins has an entry behind
 * its run_count: the number of items. */
static struct sort_item *merge_runs(const struct sort_rows *rows, struct sort_item *from,
                                    struct sort_item *to, uint32_t *begins, uint32_t run_count)
{
    while (run_count > 1) {
        uint32_t merged = 0;
        for (uint32_t run = 0; run < run_count; run += 2) {
            uint32_t begin = begins[run], middle = begins[run + 1];
            uint32_t end = run + 1 < run_count ? begins[run + 2] : middle;
            items_merge(rows, from + begin, middle - begin, end - begin, to + begin);
            begins[merged++] = begin;
        }
        begins[merged] = rows->batch->row_count;
        run_count = merged;
        struct sort_item *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

barks_status *rows_order_runs(const barks_batch *batch, const struct sort_key *keys,
                              uint32_t key_count, struct pool *pool, uint32_t *out_order)
{
    const struct sort_rows rows = {.batch = batch, .keys = keys, .key_count = key_count};
    uint32_t count = batch->row_count;
    struct sort_item *items = NULL;
    void *begins = NULL;
    if (count == 0)
        return NULL;
    BARKS_TRY(make_items(&rows, pool, &items));
    uint32_t run_count = find_runs(&rows, items, NULL);
    size_t begin_bytes = ((size_t)run_count + 1) * sizeof(uint32_t);
    barks_status *status = pool_acquire(pool, begin_bytes, &begins);
    if (status != NULL) {
        pool_release(pool, items, 2 * (size_t)count * sizeof *items);
        return status;
    }
    find_runs(&rows, items, begins);
    ((uint32_t *)begins)[run_count] = count;
    struct sort_item *sorted = merge_runs(&rows, items, items + count, begins, run_count);
    pool_release(pool, begins, begin_bytes);
    give_order(sorted, count, items, pool, out_order);
    return NULL;
}
