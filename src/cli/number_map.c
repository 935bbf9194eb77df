#include "cli/number_map.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Where the key stands, or the free slot where it would. */
static struct number_slot *slot_of(const struct number_map *map, const struct number_key *key)
{
    uint64_t at = hash_bytes_seeded(key, sizeof *key, 0) & (map->slot_count - 1);
    while (map->slots[at].value != 0 && memcmp(&map->slots[at].key, key, sizeof *key) != 0)
        at = (at + 1) & (map->slot_count - 1);
    return &map->slots[at];
}

BARKS_CHECKED static barks_status *grow(struct number_map *map)
{
    struct number_map larger = {.slot_count = map->slot_count > 0 ? 2 * map->slot_count : 64,
                                .count = map->count};
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a map of %" PRIu64 " events", map->count);
    for (uint64_t i = 0; i < map->slot_count; i++)
        if (map->slots[i].value != 0)
            *slot_of(&larger, &map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = larger;
    return NULL;
}

barks_status *number_map_put(struct number_map *map, const struct number_key *key, uint64_t value)
{
    if (2 * (map->count + 1) > map->slot_count)
        BARKS_TRY(grow(map));
    struct number_slot *slot = slot_of(map, key);
    map->count += slot->value == 0;
    *slot = (struct number_slot){.key = *key, .value = value + 1};
    return NULL;
}

bool number_map_find(const struct number_map *map, const struct number_key *key,
                     uint64_t *out_value)
{
    if (map->slot_count == 0)
        return false;
    const struct number_slot *slot = slot_of(map, key);
    if (slot->value == 0)
        return false;
    *out_value = slot->value - 1;
    return true;
}

void number_map_drop(struct number_map *map)
{
    free(map->slots);
    *map = (struct number_map){0};
}
