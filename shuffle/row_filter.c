#include "shuffle/row_filter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TESTED_AT_A_TIME = 256, WORTH_ONE_IN = 8 };

struct row_filter {
    const struct key_filter *filter;
    const uint32_t *key_columns;
    uint32_t key_count;
    uint32_t rows_left;    /* of the window, or of those that pass unseen */
    bool passes;           /* they pass unseen */
    uint32_t dropped_rows; /* of the window */
    uint32_t *kept;        /* owned */
    uint32_t capacity;
};

barks_status *row_filter_create(const struct key_filter *filter, const uint32_t *key_columns,
                                uint32_t key_count, struct row_filter **out_filter)
{
    struct row_filter *made = calloc(1, sizeof *made);
    if (made == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to leave out rows of a join");
    made->filter = filter;
    made->key_columns = key_columns;
    made->key_count = key_count;
    row_filter_begin(made);
    *out_filter = made;
    return NULL;
}

void row_filter_destroy(struct row_filter *filter)
{
    if (filter == NULL)
        return;
    free(filter->kept);
    free(filter);
}

static void open_window(struct row_filter *filter)
{
    filter->rows_left = ROW_FILTER_WINDOW;
    filter->passes = false;
    filter->dropped_rows = 0;
}

void row_filter_begin(struct row_filter *filter) { open_window(filter); }

static void end_window(struct row_filter *filter)
{
    bool is_worth_it = filter->passes || filter->dropped_rows >= ROW_FILTER_WINDOW / WORTH_ONE_IN;
    open_window(filter);
    if (is_worth_it)
        return;
    filter->passes = true;
    filter->rows_left = ROW_FILTER_SKIPPED * ROW_FILTER_WINDOW;
}

BARKS_CHECKED static barks_status *reserve(struct row_filter *filter, uint32_t row_count)
{
    if (row_count <= filter->capacity)
        return NULL;
    uint32_t *kept = realloc(filter->kept, row_count * sizeof *kept);
    if (kept == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look at %" PRIu32 " rows", row_count);
    filter->kept = kept;
    filter->capacity = row_count;
    return NULL;
}

/* Adds those of rows [first, first + count) that stay behind kept_count others. */
static uint32_t test(struct row_filter *filter, const barks_batch *rows, uint32_t first,
                     uint32_t count, uint32_t kept_count)
{
    uint64_t hashes[TESTED_AT_A_TIME];
    uint8_t inside[TESTED_AT_A_TIME];
    const struct key_filter *keys = filter->filter;
    memset(inside, 1, count);
    key_ranges_test(&keys->ranges, rows, filter->key_columns, first, count, inside);
    if (keys->words != NULL) {
        batch_hash_rows(rows, filter->key_columns, filter->key_count, first, count, hashes);
        for (uint32_t k = 0; k < count; k++)
            inside[k] &= (uint8_t)key_filter_may_have(keys, hashes[k]);
    }
    for (uint32_t k = 0; k < count; k++) {
        filter->kept[kept_count] = first + k;
        kept_count += inside[k];
    }
    return kept_count;
}

static uint32_t keep_all(struct row_filter *filter, uint32_t first, uint32_t count,
                         uint32_t kept_count)
{
    for (uint32_t k = 0; k < count; k++)
        filter->kept[kept_count + k] = first + k;
    return kept_count + count;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

barks_status *row_filter_apply(struct row_filter *filter, const barks_batch *rows,
                               const uint32_t **out_kept, uint32_t *out_count)
{
    uint32_t kept_count = 0, count = 0;
    BARKS_TRY(reserve(filter, rows->row_count));
    for (uint32_t first = 0; first < rows->row_count; first += count) {
        count = least(rows->row_count - first, filter->rows_left);
        if (filter->passes) {
            kept_count = keep_all(filter, first, count, kept_count);
        } else {
            count = least(count, TESTED_AT_A_TIME);
            uint32_t before = kept_count;
            kept_count = test(filter, rows, first, count, kept_count);
            filter->dropped_rows += count - (kept_count - before);
        }
        filter->rows_left -= count;
        if (filter->rows_left == 0)
            end_window(filter);
    }
    *out_kept = filter->kept;
    *out_count = kept_count;
    return NULL;
}
