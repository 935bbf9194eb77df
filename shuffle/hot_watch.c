#include "shuffle/hot_watch.h"

#include "base/buffer.h"
#include "base/scope.h"
#include "batch/value_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024 }; /* for at most HOT_PER_PARTITION_MAX keys */

/* A hot key of the map partition. */
struct hot_slot {
    uint64_t hash;
    uint32_t piece_count; /* 0: nobody is here */
    uint32_t next_piece;
    uint32_t permille;
    bool is_told; /* it stands in `found` */
};

struct hot_watch {
    uint32_t partition_count;
    const uint32_t *key_columns;
    uint32_t key_count;
    uint32_t map_partition;
    uint32_t seen_count; /* rows; HOT_WATCH_ROWS: it is decided */
    uint32_t hot_count;
    uint64_t seen[HOT_WATCH_ROWS]; /* their hashes */
    struct hot_slot slots[SLOTS];
    struct hot_list found;
};

barks_status *hot_watch_create(uint32_t partition_count, const uint32_t *key_columns,
                               uint32_t key_count, struct hot_watch **out_watch)
{
    struct hot_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look for hot keys");
    watch->partition_count = partition_count;
    watch->key_columns = key_columns;
    watch->key_count = key_count;
    *out_watch = watch;
    return NULL;
}

void hot_watch_destroy(struct hot_watch *watch)
{
    if (watch == NULL)
        return;
    hot_list_drop(&watch->found);
    free(watch);
}

const struct hot_list *hot_watch_found(const struct hot_watch *watch) { return &watch->found; }

void hot_watch_begin(struct hot_watch *watch, uint32_t map_partition)
{
    if (watch->hot_count > 0)
        memset(watch->slots, 0, sizeof watch->slots);
    watch->map_partition = map_partition;
    watch->seen_count = 0;
    watch->hot_count = 0;
}

/* Where the key stands, or would. The high bits of a hash have chosen its partition. */
static struct hot_slot *slot_of(struct hot_watch *watch, uint64_t hash)
{
    uint32_t at = (uint32_t)hash % SLOTS;
    while (watch->slots[at].piece_count != 0 && watch->slots[at].hash != hash)
        at = (at + 1) % SLOTS;
    return &watch->slots[at];
}

static uint32_t power_of_two_at_most(uint32_t n)
{
    return UINT32_C(1) << (31 - (uint32_t)__builtin_clz(n));
}

/* A key is hot that fills one and a half partitions of usual size; it gets as many as it would
 * fill.
 */
static void judge(struct hot_watch *watch, uint64_t hash, uint32_t row_count)
{
    uint64_t filled = (uint64_t)row_count * watch->partition_count; /* HOT_WATCH_ROWS are one */
    if (row_count < HOT_WATCH_ROWS / HOT_PER_PARTITION_MAX + 1 || 2 * filled < 3 * HOT_WATCH_ROWS)
        return;
    uint32_t wanted = (uint32_t)((filled + HOT_WATCH_ROWS - 1) / HOT_WATCH_ROWS);
    uint32_t pieces = power_of_two_at_most(2 * wanted - 1);
    uint32_t most = power_of_two_at_most(watch->partition_count);
    struct hot_slot *slot = slot_of(watch, hash);
    *slot = (struct hot_slot){.hash = hash,
                              .piece_count = pieces < most ? pieces : most,
                              .permille = 1000 * row_count / HOT_WATCH_ROWS};
    slot->next_piece = watch->map_partition % slot->piece_count;
    watch->hot_count++;
}

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void decide(struct hot_watch *watch)
{
    qsort(watch->seen, HOT_WATCH_ROWS, sizeof *watch->seen, by_value);
    for (uint32_t first = 0, end = 0; first < HOT_WATCH_ROWS; first = end) {
        while (end < HOT_WATCH_ROWS && watch->seen[end] == watch->seen[first])
            end++;
        judge(watch, watch->seen[first], end - first);
    }
}

/* The beginning of the row's key; what could disturb a terminal becomes '?'. */
static void print_key(const struct hot_watch *watch, const barks_batch *rows, uint32_t row,
                      char text[HOT_TEXT_BYTES])
{
    BARKS_AUTO(buffer) printed = {.limit_bytes = (size_t)1 << 20};
    barks_status *status = NULL;
    for (uint32_t k = 0; k < watch->key_count && status == NULL; k++) {
        status = k > 0 ? buffer_append(&printed, ", ", 2) : NULL;
        if (status == NULL)
            status = value_print(&rows->columns[watch->key_columns[k]], row, &printed);
    }
    barks_status_free(status); /* too long: what there is will do */
    size_t length =
        printed.size_bytes < HOT_TEXT_BYTES - 1 ? printed.size_bytes : HOT_TEXT_BYTES - 1;
    for (size_t i = 0; i < length; i++)
        text[i] = printed.data[i] < ' ' || printed.data[i] > '~' ? '?' : (char)printed.data[i];
    text[length] = '\0';
}

BARKS_CHECKED static barks_status *tell(struct hot_watch *watch, const barks_batch *rows,
                                        uint32_t row, struct hot_slot *slot)
{
    struct hot_key key = {
        .hash = slot->hash, .piece_count = slot->piece_count, .permille = slot->permille};
    slot->is_told = true;
    print_key(watch, rows, row, key.text);
    return hot_list_add(&watch->found, &key);
}

barks_status *hot_watch_spread(struct hot_watch *watch, const barks_batch *rows,
                               const uint64_t *hashes, uint32_t *partitions)
{
    uint32_t row = 0;
    while (row < rows->row_count && watch->seen_count < HOT_WATCH_ROWS) {
        watch->seen[watch->seen_count++] = hashes[row++];
        if (watch->seen_count == HOT_WATCH_ROWS)
            decide(watch);
    }
    for (; watch->hot_count > 0 && row < rows->row_count; row++) {
        struct hot_slot *slot = slot_of(watch, hashes[row]);
        if (slot->piece_count == 0)
            continue;
        if (!slot->is_told)
            BARKS_TRY(tell(watch, rows, row, slot));
        partitions[row] =
            hot_partition(slot->hash, slot->next_piece, slot->piece_count, watch->partition_count);
        slot->next_piece = slot->next_piece + 1 == slot->piece_count ? 0 : slot->next_piece + 1;
    }
    return NULL;
}
