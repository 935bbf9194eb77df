#include "exec/sort.h"

#include "base/pool.h"
#include "exec/item_merge.h"
#include "exec/radix_sort.h"

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

barks_status *rows_order(const barks_batch *batch, const struct sort_key *keys, uint32_t key_count,
                         struct pool *pool, uint32_t *out_order)
{
    const struct sort_rows rows = {.batch = batch, .keys = keys, .key_count = key_count};
    uint32_t count = batch->row_count;
    struct sort_item *items = NULL;
    if (count == 0)
        return NULL;
    BARKS_TRY(make_items(&rows, pool, &items));
    radix_sort(&rows, items, items + count, count);
    give_order(items, count, items, pool, out_order);
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
