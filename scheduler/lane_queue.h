/* The lanes of one executor or node that may hold pending tasks, apart for each claim. */
#pragma once

#include "barks/status.h"
#include "scheduler/heap.h"

#include <stdbool.h>
#include <stdint.h>

struct claim;

struct shelf {
    struct claim *claim; /* borrowed */
    struct heap lanes;   /* not empty */
};

/* Begins as {0}; ends with lane_queue_drop, which leaves lanes and claims alone. Shares change
 * their order all the time, so they are not kept in one: it has as many as pools and jobs of FAIR
 * pools have tasks for just this place. */
struct lane_queue {
    struct shelf *shelves; /* owned; moves when it grows */
    uint32_t count, capacity;
};

/* O(claims here + log lanes). Errors: BARKS_NO_MEMORY; nothing has changed. */
BARKS_CHECKED barks_status *lane_queue_insert(struct lane_queue *queue, struct claim *claim,
                                              struct heap_node *lane);
void lane_queue_remove(struct lane_queue *queue, struct claim *claim, struct heap_node *lane);
void lane_queue_drop(struct lane_queue *queue);
bool lane_queue_is_sound(const struct lane_queue *queue);
