#include "exec/sort.h"

#include "base/pool.h"

#include <inttypes.h>
#include <string.h>

struct sort_item {
    uint64_t prefix; /* if it differs, it decides */
    uint32_t row;
};

struct sort_context {
    const barks_batch *batch;
    const struct sort_key *keys;
    uint32_t key_count;
};

static uint64_t prefix_of_str(const barks_str *text)
{
    uint64_t bytes = 0;
    memcpy(&bytes, barks_str_bytes(text), text->length < 8 ? text->length : 8);
    return __builtin_bswap64(bytes);
}

static uint64_t prefix_of_f64(double value)
{
    if (value != value)
        return UINT64_MAX;
    uint64_t bits = 0;
    value = value == 0.0 ? 0.0 : value; /* -0.0 equals 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | (UINT64_C(1) << 63);
}

/* Rises with the value, before descending turns it round; types without a prefix have 0 for all. */
static uint64_t value_prefix(const barks_column *column, uint32_t row)
{
    switch (column->type->id) {
    case BARKS_BOOL:
        return ((const uint8_t *)column->values)[row];
    case BARKS_I32:
        return (uint64_t)(((const int32_t *)column->values)[row] + (int64_t)INT32_MAX + 1);
    case BARKS_I64:
        return (uint64_t)((const int64_t *)column->values)[row] ^ (UINT64_C(1) << 63);
    case BARKS_F32:
        return prefix_of_f64((double)((const float *)column->values)[row]);
    case BARKS_F64:
        return prefix_of_f64(((const double *)column->values)[row]);
    case BARKS_STR:
    case BARKS_BYTES:
        return prefix_of_str((const barks_str *)column->values + row);
    case BARKS_LIST:
    case BARKS_STRUCT:
        return 0;
    }
    return 0;
}

static uint64_t key_prefix(const barks_column *column, uint32_t row, const struct sort_key *key)
{
    if (!barks_is_valid(column, row))
        return key->nulls_first ? 0 : UINT64_MAX;
    uint64_t prefix = value_prefix(column, row);
    return key->descending ? ~prefix : prefix;
}

static int item_before(const struct sort_context *context, const struct sort_item *a,
                       const struct sort_item *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    int order = batch_compare_rows(context->batch, a->row, context->batch, b->row, context->keys,
                                   context->key_count);
    return order != 0 ? order < 0 : a->row < b->row;
}

enum { INSERTION_ITEMS = 12 };

static void insertion_sort(const struct sort_context *context, struct sort_item *items,
                           size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_item item = items[i];
        size_t place = i;
        for (; place > 0 && item_before(context, &item, &items[place - 1]); place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
}

/* Merges the two sorted halves of from into to. */
static void merge(const struct sort_context *context, const struct sort_item *from, size_t middle,
                  size_t count, struct sort_item *to)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        int take_right =
            left == middle || (right < count && item_before(context, &from[right], &from[left]));
        to[i] = take_right ? from[right++] : from[left++];
    }
}

/* Sorts items; spare has room for as many. Depth is log2(count). */
static void merge_sort(const struct sort_context *context, struct sort_item *items,
                       struct sort_item *spare, size_t count)
{
    if (count <= INSERTION_ITEMS) {
        insertion_sort(context, items, count);
        return;
    }
    size_t middle = count / 2;
    merge_sort(context, items, spare, middle);
    merge_sort(context, items + middle, spare + middle, count - middle);
    if (!item_before(context, &items[middle], &items[middle - 1]))
        return; /* in order already */
    memcpy(spare, items, count * sizeof *items);
    merge(context, spare, middle, count, items);
}

/* Two of each row's item: the second half is spare. */
BARKS_CHECKED static barks_status *make_items(const struct sort_context *context, struct pool *pool,
                                              struct sort_item **out_items)
{
    const barks_batch *batch = context->batch;
    void *memory = NULL;
    BARKS_TRY_DOING(
        pool_acquire(pool, 2 * (size_t)batch->row_count * sizeof(struct sort_item), &memory),
        "sort %" PRIu32 " rows", batch->row_count);
    struct sort_item *items = memory;
    const struct sort_key *key = &context->keys[0];
    for (uint32_t row = 0; row < batch->row_count; row++)
        items[row] = (struct sort_item){
            .prefix = key_prefix(&batch->columns[key->column], row, key), .row = row};
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
    const struct sort_context context = {.batch = batch, .keys = keys, .key_count = key_count};
    uint32_t count = batch->row_count;
    struct sort_item *items = NULL;
    if (count == 0)
        return NULL;
    BARKS_TRY(make_items(&context, pool, &items));
    merge_sort(&context, items, items + count, count);
    give_order(items, count, items, pool, out_order);
    return NULL;
}

/* ---- runs ---- */

/* Where runs begin, into out_begins where it is not NULL; their number. */
static uint32_t find_runs(const struct sort_context *context, const struct sort_item *items,
                          uint32_t *out_begins)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < context->batch->row_count; i++)
        if (i == 0 || item_before(context, &items[i], &items[i - 1])) {
            if (out_begins != NULL)
                out_begins[count] = i;
            count++;
        }
    return count;
}

/* Neighbouring runs become one, until one is left, which is returned. begins has an entry behind
 * its run_count: the number of items. */
static struct sort_item *merge_runs(const struct sort_context *context, struct sort_item *from,
                                    struct sort_item *to, uint32_t *begins, uint32_t run_count)
{
    while (run_count > 1) {
        uint32_t merged = 0;
        for (uint32_t run = 0; run < run_count; run += 2) {
            uint32_t begin = begins[run], middle = begins[run + 1];
            uint32_t end = run + 1 < run_count ? begins[run + 2] : middle;
            merge(context, from + begin, middle - begin, end - begin, to + begin);
            begins[merged++] = begin;
        }
        begins[merged] = context->batch->row_count;
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
    const struct sort_context context = {.batch = batch, .keys = keys, .key_count = key_count};
    uint32_t count = batch->row_count;
    struct sort_item *items = NULL;
    void *begins = NULL;
    if (count == 0)
        return NULL;
    BARKS_TRY(make_items(&context, pool, &items));
    uint32_t run_count = find_runs(&context, items, NULL);
    size_t begin_bytes = ((size_t)run_count + 1) * sizeof(uint32_t);
    barks_status *status = pool_acquire(pool, begin_bytes, &begins);
    if (status != NULL) {
        pool_release(pool, items, 2 * (size_t)count * sizeof *items);
        return status;
    }
    find_runs(&context, items, begins);
    ((uint32_t *)begins)[run_count] = count;
    struct sort_item *sorted = merge_runs(&context, items, items + count, begins, run_count);
    pool_release(pool, begins, begin_bytes);
    give_order(sorted, count, items, pool, out_order);
    return NULL;
}
