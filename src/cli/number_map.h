/* A hash map from a few numbers to one: what names an event to where it stands. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_MAP_KEYS = 4 };

struct number_key {
    uint64_t numbers[NUMBER_MAP_KEYS];
};

struct number_slot {
    struct number_key key;
    uint64_t value; /* one more than it is; 0: the slot is free */
};

/* Begins zeroed, ends with number_map_drop. Open addressing, never more than half full. */
struct number_map {
    struct number_slot *slots; /* owned */
    uint64_t slot_count, count;
};

/* The last value that was put under a key stays. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *number_map_put(struct number_map *map, const struct number_key *key,
                                           uint64_t value);
bool number_map_find(const struct number_map *map, const struct number_key *key,
                     uint64_t *out_value);
void number_map_drop(struct number_map *map);
