#include "sim/sim_queue.h"

#include <stdbool.h>
#include <stdlib.h>

void *sim_grown(void *items, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    items = reallocarray(items, *capacity, item_bytes);
    if (items == NULL)
        abort();
    return items;
}

static bool is_before(const struct sim_message *a, const struct sim_message *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

void sim_queue_put(struct sim_queue *queue, uint64_t time_ns, const struct event *event,
                   uint64_t attempt)
{
    struct sim_message message = {
        .time_ns = time_ns, .sequence = queue->sequence++, .attempt = attempt, .event = *event};
    message.event.time_ns = time_ns;
    queue->items = sim_grown(queue->items, &queue->capacity, queue->count, sizeof *queue->items);
    size_t position = queue->count++;
    while (position > 0 && is_before(&message, &queue->items[(position - 1) / 2])) {
        queue->items[position] = queue->items[(position - 1) / 2];
        position = (position - 1) / 2;
    }
    queue->items[position] = message;
}

struct sim_message sim_queue_take(struct sim_queue *queue)
{
    struct sim_message first = queue->items[0];
    struct sim_message last = queue->items[--queue->count];
    size_t position = 0;
    for (;;) {
        size_t child = 2 * position + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && is_before(&queue->items[child + 1], &queue->items[child]))
            child++;
        if (!is_before(&queue->items[child], &last))
            break;
        queue->items[position] = queue->items[child];
        position = child;
    }
    queue->items[position] = last;
    return first;
}

void sim_queue_drop(struct sim_queue *queue)
{
    free(queue->items);
    *queue = (struct sim_queue){0};
}
