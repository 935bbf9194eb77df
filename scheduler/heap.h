/* A binary min-heap of things that know their place in it, so that they can be taken out. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

#define HEAP_OUTSIDE UINT32_MAX

/* First member of what is queued. Smaller keys come first, key[0] before key[1]; a key changes
 * outside, or before heap_settle. Begins with position = HEAP_OUTSIDE. */
struct heap_node {
    uint64_t key[2];
    uint32_t position;
};

/* Begins as {0}; ends with heap_drop, which leaves the nodes alone. */
struct heap {
    struct heap_node **nodes; /* owned array of borrowed nodes */
    uint32_t count;
    uint32_t capacity;
};

/* The node is outside of every heap. O(log count). Errors: BARKS_NO_MEMORY; nothing has changed. */
BARKS_CHECKED barks_status *heap_insert(struct heap *heap, struct heap_node *node);
/* The node is in this heap. O(log count). */
void heap_remove(struct heap *heap, struct heap_node *node);
/* The node of the smallest key; NULL: empty. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
static inline bool heap_node_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key[0] != b->key[0] ? a->key[0] < b->key[0] : a->key[1] < b->key[1];
}
/* The node is in this heap, and its key has changed. O(log count). */
void heap_settle(struct heap *heap, struct heap_node *node);
void heap_drop(struct heap *heap);
bool heap_is_sound(const struct heap *heap);
