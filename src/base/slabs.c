#include "base/slabs.h"

#include "base/assertion.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECES_MAX = (int)(EXTENT_BYTES >> PIECE_BITS_MIN), /* in a slab */
    WORDS = PIECES_MAX / 64,
};

struct slab {
    uint8_t *memory;
    struct slab *previous, *next; /* in the list of its class, while a piece is free */
    uint64_t free_bits[WORDS];    /* bit i % 64 of word i / 64: piece i is free */
    uint32_t free_count;
    uint32_t fresh_from; /* no piece from this one on was ever handed out: they are zero */
    uint32_t piece_count;
    uint32_t class_index;
};

static uint32_t class_of(size_t bytes)
{
    if (bytes <= (size_t)1 << PIECE_BITS_MIN)
        return 0;
    return (uint32_t)(64 - __builtin_clzll((unsigned long long)bytes - 1)) - PIECE_BITS_MIN;
}

static size_t piece_bytes(uint32_t class_index)
{
    return (size_t)1 << (PIECE_BITS_MIN + class_index);
}

size_t slabs_piece_bytes(size_t bytes) { return piece_bytes(class_of(bytes)); }

void slabs_drop(struct slabs *slabs)
{
    for (size_t i = 0; i < slabs->count; i++)
        free(slabs->all[i]);
    free(slabs->all);
    *slabs = (struct slabs){0};
}

/* The place in all of the first slab that begins after memory. */
static size_t slab_after(const struct slabs *slabs, const uint8_t *memory)
{
    size_t low = 0;
    size_t high = slabs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slabs->all[middle]->memory > memory)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void list(struct slabs *slabs, struct slab *slab)
{
    struct slab **first = &slabs->with_free[slab->class_index];
    slab->previous = NULL;
    slab->next = *first;
    if (*first != NULL)
        (*first)->previous = slab;
    *first = slab;
}

static void unlist(struct slabs *slabs, struct slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        slabs->with_free[slab->class_index] = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

BARKS_CHECKED static barks_status *make_room(struct slabs *slabs)
{
    if (slabs->count < slabs->capacity)
        return NULL;
    size_t capacity = 2 * slabs->capacity + 16;
    struct slab **grown = realloc(slabs->all, capacity * sizeof(struct slab *));
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %zu slabs", capacity);
    slabs->all = grown;
    slabs->capacity = capacity;
    return NULL;
}

BARKS_CHECKED static barks_status *add_slab(struct slabs *slabs, struct extents *extents,
                                            uint32_t class_index, uint64_t mapped_bytes_max)
{
    BARKS_TRY(make_room(slabs));
    struct slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the description of a slab");
    void *memory = NULL;
    bool is_zero = false;
    barks_status *status = extents_take(extents, EXTENT_BYTES, mapped_bytes_max, &memory, &is_zero);
    if (status != NULL) {
        free(slab);
        return status;
    }
    slab->memory = memory;
    slab->class_index = class_index;
    slab->piece_count = (uint32_t)(EXTENT_BYTES / piece_bytes(class_index));
    slab->free_count = slab->piece_count;
    slab->fresh_from = is_zero ? 0 : slab->piece_count;
    for (uint32_t word = 0; 64 * word < slab->piece_count; word++)
        slab->free_bits[word] = slab->piece_count - 64 * word >= 64
                                    ? UINT64_MAX
                                    : (UINT64_C(1) << slab->piece_count) - 1;
    size_t place = slab_after(slabs, slab->memory);
    memmove(slabs->all + place + 1, slabs->all + place,
            (slabs->count - place) * sizeof(struct slab *));
    slabs->all[place] = slab;
    slabs->count++;
    list(slabs, slab);
    return NULL;
}

barks_status *slabs_take(struct slabs *slabs, struct extents *extents, size_t bytes,
                         uint64_t mapped_bytes_max, void **out, bool *out_is_zero)
{
    const uint32_t class_index = class_of(bytes);
    if (slabs->with_free[class_index] == NULL)
        BARKS_TRY(add_slab(slabs, extents, class_index, mapped_bytes_max));
    struct slab *slab = slabs->with_free[class_index];
    uint32_t word = 0;
    while (slab->free_bits[word] == 0)
        word++;
    /* The lowest: pieces used lately, which may still be in the processor's cache, before new ones.
     */
    uint32_t piece = 64 * word + (uint32_t)__builtin_ctzll(slab->free_bits[word]);
    slab->free_bits[word] &= slab->free_bits[word] - 1;
    if (--slab->free_count == 0)
        unlist(slabs, slab);
    *out_is_zero = piece >= slab->fresh_from;
    if (*out_is_zero)
        slab->fresh_from = piece + 1;
    *out = slab->memory + piece * piece_bytes(class_index);
    return NULL;
}

void slabs_give(struct slabs *slabs, struct extents *extents, void *memory, size_t bytes)
{
    const uint32_t class_index = class_of(bytes);
    size_t after = slab_after(slabs, memory);
    BARKS_ASSERT(after > 0);
    struct slab *slab = slabs->all[after - 1];
    size_t offset = (size_t)((uint8_t *)memory - slab->memory);
    size_t piece = offset / piece_bytes(class_index);
    BARKS_ASSERT(offset < EXTENT_BYTES && slab->class_index == class_index);
    BARKS_ASSERT((slab->free_bits[piece / 64] >> (piece % 64) & 1) == 0); /* released twice */
    slab->free_bits[piece / 64] |= UINT64_C(1) << (piece % 64);
    if (slab->free_count++ == 0)
        list(slabs, slab);
    if (slab->free_count < slab->piece_count)
        return;
    unlist(slabs, slab);
    slabs->count--;
    memmove(slabs->all + after - 1, slabs->all + after,
            (slabs->count - (after - 1)) * sizeof(struct slab *));
    extents_give(extents, slab->memory, EXTENT_BYTES);
    free(slab);
}
