#include "shuffle/frequent_keys.h"

#include <string.h>

void frequent_keys_clear(struct frequent_keys *keys)
{
    keys->added_count = 0;
    keys->key_count = 0;
    memset(keys->slots, 0, sizeof keys->slots);
}

/* Where the key stands, or would. The high bits of a hash have chosen its partition. */
static struct frequent_key *slot_of(struct frequent_keys *keys, uint64_t hash)
{
    uint32_t at = (uint32_t)hash % FREQUENT_KEY_SLOTS;
    while (keys->slots[at].count != 0 && keys->slots[at].hash != hash)
        at = (at + 1) % FREQUENT_KEY_SLOTS;
    return &keys->slots[at];
}

/* Takes as many off each count as the least one has, at most so many, and returns how many. The
 * cost is borne by those that were added to all of the counts. */
static uint32_t count_down(struct frequent_keys *keys, uint32_t most)
{
    uint32_t least = most, left_count = 0;
    for (uint32_t at = 0; at < FREQUENT_KEY_SLOTS; at++)
        if (keys->slots[at].count > 0 && keys->slots[at].count < least)
            least = keys->slots[at].count;
    for (uint32_t at = 0; at < FREQUENT_KEY_SLOTS; at++)
        if (keys->slots[at].count > least)
            keys->left[left_count++] = (struct frequent_key){
                .hash = keys->slots[at].hash, .count = keys->slots[at].count - least};
    memset(keys->slots, 0, sizeof keys->slots);
    for (uint32_t i = 0; i < left_count; i++)
        *slot_of(keys, keys->left[i].hash) = keys->left[i];
    keys->key_count = left_count;
    return least;
}

uint32_t frequent_keys_add(struct frequent_keys *keys, uint64_t hash, uint32_t times)
{
    struct frequent_key *slot = slot_of(keys, hash);
    keys->added_count += times;
    if (slot->count == 0 && keys->key_count == FREQUENT_KEYS_MAX) {
        times -= count_down(keys, times);
        slot = slot_of(keys, hash);
    }
    if (times == 0)
        return 0;
    keys->key_count += slot->count == 0;
    slot->hash = hash;
    return slot->count += times;
}
