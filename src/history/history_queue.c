#include "history/history_queue.h"

#include "base/clock.h"

#include <string.h>

void history_queue_init(struct history_queue *queue, size_t bytes_max)
{
    *queue = (struct history_queue){.bytes_max = bytes_max};
    queue->locked.waiting.limit_bytes = bytes_max + HISTORY_END_BYTES;
    lock_init(&queue->lock, LOCK_QUEUE, "event log");
    condition_init(&queue->filled);
}

void history_queue_drop(struct history_queue *queue)
{
    buffer_drop(&queue->locked.waiting);
    packer_drop(&queue->locked.body);
    packer_drop(&queue->locked.record);
    condition_drop(&queue->filled);
    lock_drop(&queue->lock);
}

/* False: there is no room below limit_bytes, or no memory. */
static bool append_locked(struct history_queue *queue, const struct history_record *record,
                          size_t limit_bytes)
{
    struct packer *packed = &queue->locked.record;
    struct buffer *waiting = &queue->locked.waiting;
    packed->bytes.size = 0;
    packed->failed = queue->locked.body.failed = false;
    history_record_pack(record, &queue->locked.body, packed);
    if (packed->failed || packed->bytes.size > limit_bytes - waiting->size_bytes)
        return false;
    barks_status *status = buffer_append(waiting, packed->bytes.data, packed->bytes.size);
    bool is_there = status == NULL;
    barks_status_free(status);
    return is_there;
}

void history_queue_put(struct history_queue *queue, const struct history_record *record)
{
    lock_acquire(&queue->lock);
    size_t before_bytes = queue->locked.waiting.size_bytes;
    if (!queue->locked.is_closed && queue->locked.dropped_count > queue->locked.told_count) {
        struct history_record dropped = {
            .kind = KIND_DROPPED,
            .dropped = {queue->locked.dropped_count - queue->locked.told_count}};
        if (append_locked(queue, &dropped, queue->bytes_max))
            queue->locked.told_count = queue->locked.dropped_count;
    }
    bool is_in_order = queue->locked.dropped_count == queue->locked.told_count;
    if (queue->locked.is_closed || !is_in_order || !append_locked(queue, record, queue->bytes_max))
        queue->locked.dropped_count++;
    size_t after_bytes = queue->locked.waiting.size_bytes;
    bool is_first = before_bytes == 0 && after_bytes > 0;
    if (is_first || (before_bytes < queue->bytes_max / 2 && after_bytes >= queue->bytes_max / 2))
        condition_signal(&queue->filled);
    lock_release(&queue->lock);
}

void history_queue_refuse(struct history_queue *queue)
{
    lock_acquire(&queue->lock);
    queue->locked.is_closed = true;
    lock_release(&queue->lock);
}

uint64_t history_queue_close(struct history_queue *queue, struct history_record *record)
{
    lock_acquire(&queue->lock);
    record->job_ended.dropped_count = queue->locked.dropped_count;
    if (!append_locked(queue, record, queue->locked.waiting.limit_bytes))
        queue->locked.dropped_count++;
    queue->locked.is_closed = true;
    uint64_t dropped_count = queue->locked.dropped_count;
    condition_signal(&queue->filled);
    lock_release(&queue->lock);
    return dropped_count;
}

bool history_queue_take(struct history_queue *queue, uint64_t gather_ns, struct buffer *inout)
{
    lock_acquire(&queue->lock);
    while (queue->locked.waiting.size_bytes == 0 && !queue->locked.is_closed)
        condition_wait(&queue->filled, &queue->lock);
    /* A write for each record would cost more than the record. */
    uint64_t deadline_ns = monotonic_ns() + gather_ns;
    while (!queue->locked.is_closed && queue->locked.waiting.size_bytes < queue->bytes_max / 2 &&
           condition_wait_until(&queue->filled, &queue->lock, deadline_ns)) {
    }
    struct buffer full = queue->locked.waiting;
    inout->size_bytes = 0;
    queue->locked.waiting = *inout;
    queue->locked.waiting.limit_bytes = full.limit_bytes;
    *inout = full;
    lock_release(&queue->lock);
    return full.size_bytes > 0;
}
