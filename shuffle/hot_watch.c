#include "shuffle/hot_watch.h"

#include "base/buffer.h"
#include "base/random.h"
#include "base/scope.h"
#include "batch/value_text.h"
#include "shuffle/frequent_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * HOT_PER_PARTITION_MAX };

/* A hot key of the map partition. */
struct hot_slot {
    uint64_t hash;
    uint32_t piece_count; /* 0: nobody is here */
    uint32_t next_piece;
    uint32_t permille;
    bool is_told; /* it stands in `found` as it is */
};

struct hot_watch {
    struct hot_watch_options options;
    uint32_t map_partition;
    uint32_t hot_count;
    uint64_t random;     /* chooses the rows that are looked at */
    uint64_t rows_until; /* the next of them */
    struct frequent_keys frequent;
    struct hot_slot slots[SLOTS];
    struct hot_list found;
};

barks_status *hot_watch_create(const struct hot_watch_options *options,
                               struct hot_watch **out_watch)
{
    struct hot_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look for hot keys");
    watch->options = *options;
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
    frequent_keys_clear(&watch->frequent);
    watch->map_partition = map_partition;
    watch->hot_count = 0;
    watch->random = map_partition;
    watch->rows_until = 0;
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

/* ---- which keys are hot ---- */

/* A key is hot that fills one and a half partitions of usual size; it gets as many as it would
 * fill, and more when it turns out to fill more. count: of its rows, about. */
static void judge(struct hot_watch *watch, uint64_t hash, uint32_t count)
{
    uint64_t seen = watch->frequent.added_count; /* rows, about: as one partition has of all maps */
    uint64_t filled = (uint64_t)count * watch->options.partition_count;
    if ((uint64_t)count * HOT_KEY_LEAST <= seen || 2 * filled < 3 * seen)
        return;
    uint64_t wanted = (filled + seen - 1) / seen; /* at most partition_count */
    uint32_t pieces = power_of_two_at_most((uint32_t)(2 * wanted - 1));
    uint32_t most = power_of_two_at_most(watch->options.partition_count);
    pieces = pieces < most ? pieces : most;
    struct hot_slot *slot = slot_of(watch, hash);
    if (slot->piece_count >= pieces)
        return;
    if (slot->piece_count == 0) {
        if (watch->hot_count == HOT_PER_PARTITION_MAX ||
            (watch->options.excluded != NULL &&
             hot_list_find(watch->options.excluded, hash) != NULL))
            return;
        watch->hot_count++;
        slot->hash = hash;
        slot->next_piece = watch->map_partition % pieces;
    }
    slot->piece_count = pieces;
    slot->permille = (uint32_t)(1000 * (uint64_t)count / seen);
    slot->is_told = false;
}

/* The first rows are looked at together, so that what stands first counts no more than others. */
static void judge_all(struct hot_watch *watch)
{
    for (uint32_t at = 0; at < FREQUENT_KEY_SLOTS; at++)
        if (watch->frequent.slots[at].count > 0)
            judge(watch, watch->frequent.slots[at].hash, watch->frequent.slots[at].count);
}

/* And says how many rows come before the next one that is looked at, which stands for them: not
 * each n-th, since keys may come by turns. */
static uint64_t look_at(struct hot_watch *watch, uint64_t hash)
{
    enum { SURE_ROWS = HOT_WATCH_EVERY * (HOT_WATCH_ROWS / HOT_KEY_LEAST + 1) };
    uint64_t seen = watch->frequent.added_count;
    uint32_t count =
        frequent_keys_add(&watch->frequent, hash, seen < HOT_WATCH_ROWS ? 1 : HOT_WATCH_EVERY);
    if (seen + 1 < HOT_WATCH_ROWS)
        return 0;
    if (seen + 1 == HOT_WATCH_ROWS)
        judge_all(watch);
    else if (count >= SURE_ROWS) /* so many were looked at as of the first rows at the least */
        judge(watch, hash, count);
    return splitmix64(&watch->random) % (2 * HOT_WATCH_EVERY - 1);
}

/* ---- their rows ---- */

/* The beginning of the row's key; what could disturb a terminal becomes '?'. */
static void print_key(const struct hot_watch *watch, const barks_batch *rows, uint32_t row,
                      char text[HOT_TEXT_BYTES])
{
    BARKS_AUTO(buffer) printed = {.limit_bytes = (size_t)1 << 20};
    barks_status *status = NULL;
    for (uint32_t k = 0; k < watch->options.key_count && status == NULL; k++) {
        status = k > 0 ? buffer_append(&printed, ", ", 2) : NULL;
        if (status == NULL)
            status = value_print(&rows->columns[watch->options.key_columns[k]], row, &printed);
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

BARKS_CHECKED static barks_status *spread(struct hot_watch *watch, const barks_batch *rows,
                                          const uint64_t *hashes, uint32_t first, uint32_t end,
                                          uint32_t *partitions)
{
    for (uint32_t row = first; watch->hot_count > 0 && row < end; row++) {
        struct hot_slot *slot = slot_of(watch, hashes[row]);
        if (slot->piece_count == 0)
            continue;
        if (!slot->is_told)
            BARKS_TRY(tell(watch, rows, row, slot));
        partitions[row] = hot_partition(slot->hash, slot->next_piece, slot->piece_count,
                                        watch->options.partition_count);
        slot->next_piece = slot->next_piece + 1 == slot->piece_count ? 0 : slot->next_piece + 1;
    }
    return NULL;
}

barks_status *hot_watch_spread(struct hot_watch *watch, const barks_batch *rows,
                               const uint64_t *hashes, uint32_t *partitions)
{
    uint32_t row = 0;
    while (watch->rows_until < rows->row_count - row) {
        uint32_t looked_at = row + (uint32_t)watch->rows_until;
        BARKS_TRY(spread(watch, rows, hashes, row, looked_at + 1, partitions));
        watch->rows_until = look_at(watch, hashes[looked_at]);
        row = looked_at + 1;
    }
    watch->rows_until -= rows->row_count - row;
    return spread(watch, rows, hashes, row, rows->row_count, partitions);
}
