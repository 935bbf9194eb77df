#include "scheduler/heap.h"

#include "base/assertion.h"

#include <stdlib.h>

static void put(struct heap *heap, uint32_t position, struct heap_node *node)
{
    heap->nodes[position] = node;
    node->position = position;
}

/* Moves a node that was put at a position to where it belongs. */
static void settle(struct heap *heap, uint32_t position, struct heap_node *node)
{
    while (position > 0 && heap_node_before(node, heap->nodes[(position - 1) / 2])) {
        put(heap, position, heap->nodes[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * position + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && heap_node_before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!heap_node_before(heap->nodes[child], node))
            break;
        put(heap, position, heap->nodes[child]);
        position = child;
    }
    put(heap, position, node);
}

barks_status *heap_insert(struct heap *heap, struct heap_node *node)
{
    BARKS_ASSERT(node->position == HEAP_OUTSIDE);
    if (heap->count == heap->capacity) {
        uint32_t capacity = heap->capacity == 0 ? 4 : 2 * heap->capacity;
        struct heap_node **nodes = reallocarray(heap->nodes, capacity, sizeof *nodes);
        if (nodes == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a queue of %u entries", capacity);
        heap->nodes = nodes;
        heap->capacity = capacity;
    }
    settle(heap, heap->count++, node);
    return NULL;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    uint32_t position = node->position;
    BARKS_ASSERT(position < heap->count && heap->nodes[position] == node);
    struct heap_node *last = heap->nodes[--heap->count];
    node->position = HEAP_OUTSIDE;
    if (last != node)
        settle(heap, position, last);
}

void heap_settle(struct heap *heap, struct heap_node *node)
{
    BARKS_ASSERT(node->position < heap->count && heap->nodes[node->position] == node);
    settle(heap, node->position, node);
}

void heap_drop(struct heap *heap)
{
    for (uint32_t position = 0; position < heap->count; position++)
        heap->nodes[position]->position = HEAP_OUTSIDE;
    free(heap->nodes);
    *heap = (struct heap){0};
}

bool heap_is_sound(const struct heap *heap)
{
    for (uint32_t position = 0; position < heap->count; position++) {
        if (heap->nodes[position]->position != position)
            return false;
        if (position > 0 &&
            heap_node_before(heap->nodes[position], heap->nodes[(position - 1) / 2]))
            return false;
    }
    return heap->count <= heap->capacity;
}
