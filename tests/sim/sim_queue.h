/* What will happen in a simulated world, by its clock. */
#pragma once

#include "scheduler/event.h"

#include <stddef.h>
#include <stdint.h>

struct sim_message {
    uint64_t time_ns;
    uint64_t sequence; /* among equal times */
    uint64_t attempt;  /* of a report: index of the attempt; UINT64_MAX: of none */
    struct event event;
};

/* A heap. Begins zeroed, ends with sim_queue_drop. Without memory the program ends. */
struct sim_queue {
    struct sim_message *items; /* owned */
    size_t count, capacity;
    uint64_t sequence;
};
void sim_queue_drop(struct sim_queue *queue);

/* The event gets the time. */
void sim_queue_put(struct sim_queue *queue, uint64_t time_ns, const struct event *event,
                   uint64_t attempt);
/* The earliest one, of those of equal time the one that was put first; there is one. */
struct sim_message sim_queue_take(struct sim_queue *queue);

/* items, or more of them where count has reached *capacity; ends the program without memory. */
void *sim_grown(void *items, size_t *capacity, size_t count, size_t item_bytes);
