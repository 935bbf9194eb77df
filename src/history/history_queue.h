/* Records on their way to the event log: so many bytes and no more, and who has none left drops. */
#pragma once

#include "base/buffer.h"
#include "base/lock.h"
#include "base/pack.h"
#include "history/history_record.h"

#include <stdbool.h>
#include <stdint.h>

/* What the record that ends a log may need when the queue is full. */
#define HISTORY_END_BYTES ((size_t)64 << 10)

/* Begins with history_queue_init, ends with history_queue_drop.
 * Threads: any, by its lock; the condition is for who writes.
 * Invariant: waiting holds whole records, of at most bytes_max, but for the last one. */
struct history_queue {
    struct lock lock;
    struct condition filled;
    size_t bytes_max;
    struct {
        struct buffer waiting;
        struct packer body, record; /* room for work */
        uint64_t dropped_count;
        uint64_t told_count; /* of them, by a DROPPED record */
        bool is_closed;
    } locked;
};

void history_queue_init(struct history_queue *queue, size_t bytes_max);
void history_queue_drop(struct history_queue *queue);

/* Copies the record, or drops it where there is no room or no memory: it never waits for more than
 * who moves bytes in memory. Before the next record that finds room comes a DROPPED one. */
void history_queue_put(struct history_queue *queue, const struct history_record *record);

/* The last record, a JOB_ENDED, which is told how many were dropped; for it room is held back. Then
 * all is dropped. Returns how many were, in all. */
uint64_t history_queue_close(struct history_queue *queue, struct history_record *record);

/* From now on all is dropped: it cannot be written. */
void history_queue_refuse(struct history_queue *queue);

/* Waits until something is there, and then gather_ns for more of it, or until half the room is
 * taken; swaps it with *inout, whose content goes. False: closed, and nothing is left. */
bool history_queue_take(struct history_queue *queue, uint64_t gather_ns, struct buffer *inout);
