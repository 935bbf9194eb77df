#include "shuffle/hot_keys.h"

#include "base/pack.h"
#include "shuffle/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hot_list_drop(struct hot_list *list)
{
    free(list->keys);
    *list = (struct hot_list){0};
}

/* How many keys have a smaller hash. */
static uint32_t place_of(const struct hot_list *list, uint64_t hash)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->keys[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct hot_key *hot_list_find(const struct hot_list *list, uint64_t hash)
{
    uint32_t place = place_of(list, hash);
    return place < list->count && list->keys[place].hash == hash ? &list->keys[place] : NULL;
}

BARKS_CHECKED static barks_status *grow(struct hot_list *list)
{
    if (list->count < list->capacity)
        return NULL;
    uint32_t capacity = 2 * list->capacity + 8;
    struct hot_key *keys = realloc(list->keys, capacity * sizeof *keys);
    if (keys == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " hot keys", capacity);
    list->keys = keys;
    list->capacity = capacity;
    return NULL;
}

barks_status *hot_list_add(struct hot_list *list, const struct hot_key *key)
{
    uint32_t place = place_of(list, key->hash);
    if (place < list->count && list->keys[place].hash == key->hash) {
        struct hot_key *there = &list->keys[place];
        if (key->piece_count > there->piece_count)
            there->piece_count = key->piece_count;
        if (key->permille > there->permille)
            there->permille = key->permille;
        return NULL;
    }
    BARKS_TRY(grow(list));
    memmove(&list->keys[place + 1], &list->keys[place], (list->count - place) * sizeof *list->keys);
    list->keys[place] = *key;
    list->count++;
    return NULL;
}

void hot_list_pack(const struct hot_list *list, struct packer *out)
{
    pack_u64(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        pack_u64(out, list->keys[i].hash);
        pack_u64(out, list->keys[i].piece_count);
        pack_u64(out, list->keys[i].permille);
        pack_text(out, list->keys[i].text);
    }
}

barks_status *hot_list_unpack(struct hot_list *list, struct unpacker *in)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        struct hot_key key = {.hash = unpack_u64(in)};
        key.piece_count = unpack_u32(in);
        key.permille = unpack_u32(in);
        char *text = unpack_text(in);
        snprintf(key.text, sizeof key.text, "%s", text != NULL ? text : "");
        free(text);
        if (in->failed != NULL)
            return NULL; /* unpacker_finish tells it */
        if (key.piece_count == 0 || (key.piece_count & (key.piece_count - 1)) != 0)
            BARKS_FAIL(BARKS_BAD_INPUT, "a hot key in %" PRIu32 " pieces", key.piece_count);
        BARKS_TRY(hot_list_add(list, &key));
    }
    return NULL;
}

uint32_t hot_partition(uint64_t hash, uint32_t piece, uint32_t piece_count,
                       uint32_t partition_count)
{
    uint64_t apart = (uint64_t)piece * partition_count / piece_count;
    return (uint32_t)((partition_of_hash(hash, partition_count) + apart) % partition_count);
}
