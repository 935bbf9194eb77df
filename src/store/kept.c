#include "store/kept.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/pool.h"
#include "store/kept_store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What cannot be written is evicted, and told so in the log: it is no failure. */
static uint64_t give(void *context, uint64_t bytes, barks_status **out_failure)
{
    *out_failure = NULL;
    return kept_give_back(context, bytes, 0);
}

barks_status *kept_store_create(const struct kept_options *options, struct kept_store **out_store)
{
    struct kept_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a store of kept partitions");
    store->options = *options;
    store->room = (struct spill_room){.pool = options->pool, .scratch = options->scratch};
    store->giver = (struct giver){.name = "kept partitions", .give = give, .context = store};
    lock_init(&store->lock, LOCK_STORE, "kept partitions");
    pool_add_giver(options->pool, &store->giver);
    *out_store = store;
    return NULL;
}

/* ---- the table ---- */

static struct kept_entry **bucket_of(struct kept_store *store, struct kept_name name)
{
    uint64_t hash = hash_combine(name.dataset, name.partition);
    return &store->locked.buckets[hash % KEPT_BUCKETS];
}

static struct kept_entry *find_locked(struct kept_store *store, struct kept_name name)
{
    struct kept_entry *entry = *bucket_of(store, name);
    while (entry != NULL &&
           (entry->name.dataset != name.dataset || entry->name.partition != name.partition))
        entry = entry->next;
    return entry;
}

static void unlink_locked(struct kept_store *store, struct kept_entry *entry)
{
    struct kept_entry **link = bucket_of(store, entry->name);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    entry->is_dropped = true;
}

/* Nobody holds it, and it is not in the table. */
static void free_locked(struct kept_store *store, struct kept_entry *entry)
{
    store->locked.memory_bytes -= entry->pieces.memory_bytes;
    kept_pieces_drop(&entry->pieces);
    free(entry);
}

static void let_go_locked(struct kept_store *store, struct kept_entry *entry)
{
    if (--entry->holders == 0 && entry->is_dropped)
        free_locked(store, entry);
}

static void visit_all_locked(struct kept_store *store,
                             void (*visit)(struct kept_store *, struct kept_entry *, void *),
                             void *context)
{
    for (uint32_t i = 0; i < KEPT_BUCKETS; i++)
        for (struct kept_entry *entry = store->locked.buckets[i], *next; entry != NULL;
             entry = next) {
            next = entry->next;
            visit(store, entry, context);
        }
}

static void drop_one(struct kept_store *store, struct kept_entry *entry, void *context)
{
    const uint64_t *dataset = context;
    if (dataset != NULL && entry->name.dataset != *dataset)
        return;
    unlink_locked(store, entry);
    if (entry->holders == 0)
        free_locked(store, entry);
}

/* The place of the first dropped number that is not below dataset. */
static uint32_t dropped_place_locked(const struct kept_store *store, uint64_t dataset)
{
    uint32_t low = 0, high = store->locked.dropped_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store->locked.dropped[middle] < dataset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_dropped_locked(const struct kept_store *store, uint64_t dataset)
{
    uint32_t place = dropped_place_locked(store, dataset);
    return place < store->locked.dropped_count && store->locked.dropped[place] == dataset;
}

/* Without memory it is not noted, and what tasks keep of it later goes when memory is wanted. */
static void note_dropped_locked(struct kept_store *store, uint64_t dataset)
{
    uint32_t place = dropped_place_locked(store, dataset), count = store->locked.dropped_count;
    if (is_dropped_locked(store, dataset))
        return;
    if (count == store->locked.dropped_capacity) {
        uint32_t capacity = 2 * count + 16;
        uint64_t *grown = realloc(store->locked.dropped, capacity * sizeof *grown);
        if (grown == NULL)
            return;
        store->locked.dropped = grown;
        store->locked.dropped_capacity = capacity;
    }
    memmove(store->locked.dropped + place + 1, store->locked.dropped + place,
            (count - place) * sizeof *store->locked.dropped);
    store->locked.dropped[place] = dataset;
    store->locked.dropped_count++;
}

void kept_drop(struct kept_store *store, uint64_t dataset)
{
    lock_acquire(&store->lock);
    note_dropped_locked(store, dataset);
    visit_all_locked(store, drop_one, &dataset);
    lock_release(&store->lock);
}

void kept_store_destroy(struct kept_store *store)
{
    if (store == NULL)
        return;
    pool_remove_giver(store->room.pool, &store->giver);
    lock_acquire(&store->lock);
    visit_all_locked(store, drop_one, NULL);
    lock_release(&store->lock);
    free(store->locked.protected);
    free(store->locked.changes.items);
    free(store->locked.dropped);
    lock_drop(&store->lock);
    free(store);
}

bool kept_is_wanted(struct kept_store *store, struct kept_name name)
{
    lock_acquire(&store->lock);
    bool is_wanted = find_locked(store, name) == NULL && !is_dropped_locked(store, name.dataset);
    lock_release(&store->lock);
    return is_wanted;
}

/* ---- changes ---- */

/* One that finds no memory is not told: whoever asks for the partition then finds out himself. */
static void note_change_locked(struct kept_store *store, const struct kept_entry *entry,
                               bool is_kept)
{
    struct kept_change_list *list = &store->locked.changes;
    if (list->first == list->count)
        list->first = list->count = 0;
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct kept_change *items = realloc(list->items, capacity * sizeof *items);
        if (items == NULL)
            return;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct kept_change){
        .name = entry->name,
        .is_kept = is_kept,
        .row_count = entry->pieces.row_count,
        .memory_bytes = is_kept ? entry->pieces.memory_bytes : 0,
        .disk_bytes = is_kept ? entry->pieces.disk_bytes : 0,
    };
}

bool kept_take_change(struct kept_store *store, struct kept_change *out_change)
{
    lock_acquire(&store->lock);
    struct kept_change_list *list = &store->locked.changes;
    bool has = list->first < list->count;
    if (has)
        *out_change = list->items[list->first++];
    lock_release(&store->lock);
    return has;
}

static void tell(struct kept_store *store)
{
    if (store->options.changed != NULL)
        store->options.changed(store->options.context);
}

/* ---- room ---- */

static struct kept_protection *protection_of_locked(struct kept_store *store, uint64_t dataset)
{
    for (uint32_t i = 0; i < store->locked.protected_count; i++)
        if (store->locked.protected[i].dataset == dataset)
            return &store->locked.protected[i];
    return NULL;
}

void kept_protect(struct kept_store *store, uint64_t dataset, int by)
{
    lock_acquire(&store->lock);
    struct kept_protection *found = protection_of_locked(store, dataset);
    if (found == NULL && store->locked.protected_count == store->locked.protected_capacity) {
        uint32_t capacity =
            store->locked.protected_capacity > 0 ? 2 * store->locked.protected_capacity : 16;
        struct kept_protection *grown = realloc(store->locked.protected, capacity * sizeof *grown);
        if (grown != NULL) { /* else it goes unprotected: slower, but right */
            store->locked.protected = grown;
            store->locked.protected_capacity = capacity;
        }
    }
    if (found == NULL && store->locked.protected_count < store->locked.protected_capacity) {
        found = &store->locked.protected[store->locked.protected_count++];
        *found = (struct kept_protection){.dataset = dataset};
    }
    if (found != NULL && (found->count += by) <= 0)
        *found = store->locked.protected[--store->locked.protected_count];
    lock_release(&store->lock);
}

struct choice {
    uint64_t not_of_dataset;
    bool spares_protected;
    struct kept_entry *entry; /* the one read least recently that may go */
};

static void consider(struct kept_store *store, struct kept_entry *entry, void *context)
{
    struct choice *choice = context;
    if (entry->holders > 0 || entry->pieces.memory_bytes == 0 ||
        entry->name.dataset == choice->not_of_dataset ||
        (choice->spares_protected && protection_of_locked(store, entry->name.dataset) != NULL))
        return;
    if (choice->entry == NULL || entry->last_read < choice->entry->last_read)
        choice->entry = entry;
}

static void evict_locked(struct kept_store *store, struct kept_entry *entry)
{
    unlink_locked(store, entry);
    note_change_locked(store, entry, false);
}

/* Writes the partition to disk with the lock given back meanwhile; what cannot be written, or is
 * being read by then, stays or goes as it is. */
static void move_to_disk_locked(struct kept_store *store, struct kept_entry *entry)
{
    struct kept_pieces moved = {0};
    entry->holders++;
    lock_release(&store->lock);
    barks_status *status =
        kept_pieces_to_disk(&entry->pieces, &store->room, (entry->level & KEPT_LZ4) != 0, &moved);
    lock_acquire(&store->lock);
    bool is_free = entry->holders == 1 && !entry->is_dropped;
    if (status == NULL && is_free) {
        struct kept_pieces old = entry->pieces;
        store->locked.memory_bytes -= old.memory_bytes;
        entry->pieces = moved;
        moved = old;
        note_change_locked(store, entry, true);
    } else if (status != NULL && is_free) {
        LOG(LEVEL_WARN, "store", "partition %" PRIu32 " of dataset %" PRIu64 " is given up: %s",
            entry->name.partition, entry->name.dataset, barks_status_text(status));
        evict_locked(store, entry);
    }
    barks_status_free(status);
    kept_pieces_drop(&moved);
    let_go_locked(store, entry);
}

/* One that a stage reads is written even where it is to be in memory only: computed again it would
 * cost a plan anew, which may lose another one likewise. */
static bool goes_to_disk_locked(struct kept_store *store, const struct kept_entry *entry)
{
    return (entry->level & KEPT_LEVEL_MASK) == KEPT_MEMORY_AND_DISK ||
           protection_of_locked(store, entry->name.dataset) != NULL;
}

/* Evicts one; false where none may go. */
static bool evict_one_locked(struct kept_store *store, uint64_t not_of_dataset,
                             bool spares_protected)
{
    struct choice choice = {.not_of_dataset = not_of_dataset, .spares_protected = spares_protected};
    visit_all_locked(store, consider, &choice);
    struct kept_entry *entry = choice.entry;
    if (entry == NULL)
        return false;
    if (goes_to_disk_locked(store, entry)) {
        move_to_disk_locked(store, entry);
    } else {
        evict_locked(store, entry);
        free_locked(store, entry);
    }
    return true;
}

uint64_t kept_give_back(struct kept_store *store, uint64_t bytes, uint64_t not_of_dataset)
{
    lock_acquire(&store->lock);
    uint64_t before = store->locked.memory_bytes, given = 0;
    /* Those that are protected go last: without the memory that is wanted the job would end. */
    while (given < bytes && (evict_one_locked(store, not_of_dataset, true) ||
                             evict_one_locked(store, not_of_dataset, false)))
        given = before > store->locked.memory_bytes ? before - store->locked.memory_bytes : 0;
    lock_release(&store->lock);
    tell(store);
    return given;
}

bool kept_claim(struct kept_store *store, uint64_t bytes, uint64_t dataset)
{
    bool evicted = false;
    lock_acquire(&store->lock);
    uint64_t limit = store->options.memory_bytes_max;
    while (bytes <= limit && store->locked.memory_bytes > limit - bytes &&
           evict_one_locked(store, dataset, true))
        evicted = true;
    bool fits = bytes <= limit && store->locked.memory_bytes <= limit - bytes;
    if (fits)
        store->locked.memory_bytes += bytes;
    lock_release(&store->lock);
    if (evicted)
        tell(store);
    return fits;
}

void kept_unclaim(struct kept_store *store, uint64_t bytes)
{
    lock_acquire(&store->lock);
    store->locked.memory_bytes -= bytes;
    lock_release(&store->lock);
}

uint64_t kept_memory_bytes(struct kept_store *store)
{
    lock_acquire(&store->lock);
    uint64_t bytes = store->locked.memory_bytes;
    lock_release(&store->lock);
    return bytes;
}

/* ---- partitions ---- */

barks_status *kept_insert(struct kept_store *store, struct kept_name name, unsigned level,
                          const barks_schema *schema, struct kept_pieces *pieces)
{
    struct kept_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a kept partition");
    *entry = (struct kept_entry){.name = name, .level = level, .schema = schema, .pieces = *pieces};
    *pieces = (struct kept_pieces){0};
    lock_acquire(&store->lock);
    /* Another attempt was first, with the same rows; or nobody wants them any more. */
    if (find_locked(store, name) != NULL || is_dropped_locked(store, name.dataset)) {
        free_locked(store, entry);
    } else {
        struct kept_entry **bucket = bucket_of(store, name);
        entry->last_read = ++store->locked.clock;
        entry->next = *bucket;
        *bucket = entry;
        note_change_locked(store, entry, true);
    }
    lock_release(&store->lock);
    tell(store);
    return NULL;
}

barks_status *kept_read(struct kept_store *store, struct kept_name name,
                        barks_status *(*visit)(void *context, struct batch *batch), void *context,
                        bool *out_found)
{
    lock_acquire(&store->lock);
    struct kept_entry *entry = find_locked(store, name);
    if (entry != NULL) {
        entry->holders++;
        entry->last_read = ++store->locked.clock;
    }
    lock_release(&store->lock);
    *out_found = entry != NULL;
    if (entry == NULL)
        return NULL;
    bool is_damaged = false;
    barks_status *status =
        kept_pieces_visit(&entry->pieces, &store->room, entry->schema, visit, context, &is_damaged);
    lock_acquire(&store->lock);
    if (is_damaged && !entry->is_dropped)
        evict_locked(store, entry);
    let_go_locked(store, entry);
    lock_release(&store->lock);
    if (!is_damaged)
        return status;
    tell(store);
    return barks_status_new(BARKS_LOST, status, BARKS_HERE,
                            "kept partition %" PRIu32 " of dataset %" PRIu64 " cannot be read back",
                            name.partition, name.dataset);
}

static void add_bytes(struct kept_store *store, struct kept_entry *entry, void *context)
{
    (void)store;
    *(uint64_t *)context += entry->pieces.memory_bytes;
}

bool kept_is_sound(struct kept_store *store)
{
    uint64_t bytes = 0;
    lock_acquire(&store->lock);
    visit_all_locked(store, add_bytes, &bytes);
    bool is_sound = bytes == store->locked.memory_bytes;
    lock_release(&store->lock);
    return is_sound;
}
