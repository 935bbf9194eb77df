/* What kept.c and kept_writer.c share of the store. */
#pragma once

#include "base/givers.h"
#include "base/lock.h"
#include "store/kept.h"
#include "store/kept_pieces.h"

enum { KEPT_BUCKETS = 1024 };

struct kept_entry {
    struct kept_name name;
    unsigned level;
    const barks_schema *schema;
    struct kept_pieces pieces;
    uint32_t holders;        /* readers, and whoever moves it to disk */
    bool is_dropped;         /* out of the table: the last holder frees it */
    uint64_t last_read;      /* by the store's clock */
    struct kept_entry *next; /* of its bucket */
};

struct kept_change_list {
    struct kept_change *items; /* owned */
    uint32_t first, count, capacity;
};

struct kept_protection {
    uint64_t dataset;
    int count;
};

struct kept_store {
    struct kept_options options;
    struct spill_room room;
    struct giver giver;
    struct lock lock;
    struct {
        struct kept_entry *buckets[KEPT_BUCKETS];
        uint64_t memory_bytes; /* of entries and of writers */
        uint64_t clock;
        struct kept_protection *protected; /* owned */
        uint32_t protected_count, protected_capacity;
        struct kept_change_list changes;
        uint64_t
            *dropped; /* owned: numbers of datasets that are not to be kept any more, ascending */
        uint32_t dropped_count, dropped_capacity;
    } locked;
};

/* Counts bytes for a writer, evicting others where they would pass the limit. False: there is no
 * room; nothing is counted. */
bool kept_claim(struct kept_store *store, uint64_t bytes, uint64_t dataset);
void kept_unclaim(struct kept_store *store, uint64_t bytes);

/* Puts a finished partition into the table, and takes its pieces, whose memory is claimed already.
 * Errors: BARKS_NO_MEMORY; the pieces are then the caller's. */
BARKS_CHECKED barks_status *kept_insert(struct kept_store *store, struct kept_name name,
                                        unsigned level, const barks_schema *schema,
                                        struct kept_pieces *pieces);
/* False where it is kept, or its dataset was dropped. */
bool kept_is_wanted(struct kept_store *store, struct kept_name name);
