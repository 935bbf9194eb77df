#include "scheduler/lane_queue.h"

#include "base/assertion.h"

#include <stdlib.h>

/* As many as there are: none. */
static uint32_t find(const struct lane_queue *queue, const struct claim *claim)
{
    uint32_t index = 0;
    while (index < queue->count && queue->shelves[index].claim != claim)
        index++;
    return index;
}

static void remove_shelf(struct lane_queue *queue, uint32_t index)
{
    heap_drop(&queue->shelves[index].lanes);
    queue->shelves[index] = queue->shelves[--queue->count];
}

barks_status *lane_queue_insert(struct lane_queue *queue, struct claim *claim,
                                struct heap_node *lane)
{
    uint32_t index = find(queue, claim);
    if (index == queue->count && queue->count == queue->capacity) {
        uint32_t capacity = queue->capacity == 0 ? 1 : 2 * queue->capacity;
        struct shelf *shelves = reallocarray(queue->shelves, capacity, sizeof *shelves);
        if (shelves == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the tasks of %u pools and jobs", capacity);
        queue->shelves = shelves;
        queue->capacity = capacity;
    }
    if (index == queue->count)
        queue->shelves[queue->count++] = (struct shelf){.claim = claim};
    barks_status *status = heap_insert(&queue->shelves[index].lanes, lane);
    if (queue->shelves[index].lanes.count == 0)
        remove_shelf(queue, index);
    return status;
}

void lane_queue_remove(struct lane_queue *queue, struct claim *claim, struct heap_node *lane)
{
    uint32_t index = find(queue, claim);
    BARKS_ASSERT(index < queue->count);
    heap_remove(&queue->shelves[index].lanes, lane);
    if (queue->shelves[index].lanes.count == 0)
        remove_shelf(queue, index);
}

void lane_queue_drop(struct lane_queue *queue)
{
    while (queue->count > 0)
        remove_shelf(queue, queue->count - 1);
    free(queue->shelves);
    *queue = (struct lane_queue){0};
}

bool lane_queue_is_sound(const struct lane_queue *queue)
{
    for (uint32_t index = 0; index < queue->count; index++) {
        const struct shelf *shelf = &queue->shelves[index];
        if (shelf->lanes.count == 0 || !heap_is_sound(&shelf->lanes) ||
            find(queue, shelf->claim) != index)
            return false;
    }
    return true;
}
