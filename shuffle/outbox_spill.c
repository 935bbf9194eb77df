/* Frames that wait to be sent go to disk when memory is used up: those of a running attempt by the
 * thread that runs it, what may travel by whoever finds no memory. Chunks are written as they are,
 * so that any piece of one is read straight into a round's buffer: sending takes no memory. */
#include "base/pool.h"
#include "shuffle/outbox.h"

enum {
    CHUNKS_AT_ONCE = 16,
    OPEN_CHUNK_BYTES_MAX = 64 << 10, /* the last chunk of a list, which fills, stays up to this */
};

BARKS_CHECKED static barks_status *write_chunk(struct outbox *outbox, const struct out_chunk *chunk,
                                               struct scratch_place *out_place)
{
    BARKS_TRY_DOING(
        scratch_write(outbox->room->scratch, chunk->bytes, chunk->used_bytes, out_place),
        "put %zu bytes of a shuffle on disk, as memory is used up", chunk->used_bytes);
    return NULL;
}

barks_status *outbox_read_chunk(const struct outbox *outbox, const struct out_chunk *chunk,
                                uint8_t *out, size_t size_bytes)
{
    struct scratch_place place = chunk->place;
    place.offset += chunk->sent_bytes;
    place.size_bytes = size_bytes;
    return scratch_read(outbox->room->scratch, place, out);
}

/* ---- running attempts ---- */

BARKS_CHECKED static barks_status *spill_list(struct outbox *outbox, struct out_list *list,
                                              uint64_t *given_bytes)
{
    struct out_chunk *chunk = list->spilled != NULL ? list->spilled->next : list->first;
    for (; chunk != NULL; chunk = chunk->next) {
        if (chunk == list->last && chunk->used_bytes <= OPEN_CHUNK_BYTES_MAX)
            break;
        BARKS_TRY(write_chunk(outbox, chunk, &chunk->place));
        pool_release(outbox->pool, chunk->bytes, chunk->capacity_bytes);
        *given_bytes += chunk->capacity_bytes;
        chunk->bytes = NULL;
        chunk->capacity_bytes = chunk->used_bytes; /* nothing more fits */
        list->spilled = chunk;
    }
    return NULL;
}

/* To be encoded a frame needs memory for a moment. Where there is none it stays for now: whoever
 * cannot do without will ask. A disk that is full is told. */
static bool may_stay(const struct outbox *outbox, const struct frame *frame,
                     const barks_status *status)
{
    return barks_status_code(status) == BARKS_LIMIT &&
           pool_used_bytes(outbox->pool) + frame_row_bytes(frame) > pool_budget_bytes(outbox->pool);
}

BARKS_CHECKED static barks_status *spill_own(struct outbox *outbox, struct out_attempt *attempt,
                                             uint64_t *given_bytes)
{
    struct frame *frame =
        attempt->own_spilled != NULL ? attempt->own_spilled->next : attempt->own_first;
    for (; frame != NULL; frame = frame->next) {
        uint64_t memory_bytes = frame_memory_bytes(frame);
        barks_status *status = frame_spill(frame, outbox->room);
        if (status != NULL && may_stay(outbox, frame, status)) {
            barks_status_free(status);
            return NULL;
        }
        BARKS_TRY_DOING(status, "put %u rows of a shuffle on disk, as memory is used up",
                        frame->name.row_count);
        attempt->own_spilled = frame;
        *given_bytes += memory_bytes;
    }
    return NULL;
}

barks_status *outbox_spill_attempt(struct outbox *outbox, struct out_attempt *attempt,
                                   uint64_t *out_bytes)
{
    barks_status *status = NULL;
    *out_bytes = 0;
    attempt->is_spilling = true;
    for (uint32_t i = 0; i < outbox->executor_count && status == NULL; i++)
        status = spill_list(outbox, &attempt->lists[i], out_bytes);
    if (status == NULL)
        status = spill_own(outbox, attempt, out_bytes);
    attempt->is_spilling = false;
    return status;
}

/* What this thread has made itself in an attempt that runs. */
static uint64_t give_running(struct outbox *outbox, barks_status **out_failure)
{
    struct out_attempt *running = NULL;
    uint64_t given_bytes = 0;
    lock_acquire(&outbox->lock);
    for (size_t bucket = 0; bucket < OUT_BUCKETS && running == NULL; bucket++)
        for (struct out_attempt *attempt = outbox->locked.attempts[bucket]; attempt != NULL;
             attempt = attempt->next)
            if (pthread_equal(attempt->thread, pthread_self()))
                running = attempt;
    lock_release(&outbox->lock);
    if (running != NULL && !running->is_spilling)
        *out_failure = outbox_spill_attempt(outbox, running, &given_bytes);
    return given_bytes;
}

/* ---- what may travel, and what has ---- */

/* The last ones of a stream's last queue, which has been busy for longest: that is mostly who has
 * used up the memory. */
static uint32_t begin_queued(struct outbox *outbox, struct out_chunk **moving)
{
    uint32_t seen = 0;
    lock_acquire(&outbox->lock);
    for (uint32_t i = 0; i < outbox->executor_count && seen == 0; i++)
        for (struct out_queue *queue = outbox->streams[i].busy; queue != NULL; queue = queue->next)
            for (struct out_chunk *chunk = queue->list.first; chunk != NULL; chunk = chunk->next)
                if (chunk->bytes != NULL && !chunk->is_moving)
                    moving[seen++ % CHUNKS_AT_ONCE] = chunk;
    uint32_t count = seen < CHUNKS_AT_ONCE ? seen : CHUNKS_AT_ONCE;
    for (uint32_t i = 0; i < count; i++)
        moving[i]->is_moving = true;
    lock_release(&outbox->lock);
    return count;
}

/* The oldest of those that were sent. */
static uint32_t begin_retained(struct outbox *outbox, struct out_chunk **moving)
{
    uint32_t count = 0;
    lock_acquire(&outbox->lock);
    struct out_list *retained = &outbox->locked.retained;
    struct out_chunk *chunk = retained->spilled != NULL ? retained->spilled->next : retained->first;
    for (; chunk != NULL && count < CHUNKS_AT_ONCE; chunk = chunk->next) {
        retained->spilled = chunk;
        if (chunk->bytes == NULL || chunk->is_moving)
            continue;
        chunk->is_moving = true;
        moving[count++] = chunk;
    }
    lock_release(&outbox->lock);
    return count;
}

/* place: NULL: it stays in memory. */
static uint64_t end_moving(struct outbox *outbox, struct out_chunk *chunk,
                           const struct scratch_place *place)
{
    uint8_t *bytes = NULL;
    size_t capacity_bytes = chunk->capacity_bytes;
    lock_acquire(&outbox->lock);
    chunk->is_moving = false;
    bool is_dropped = chunk->is_dropped;
    if (place != NULL) {
        bytes = chunk->bytes;
        chunk->bytes = NULL;
        chunk->place = *place;
    } else {
        outbox->locked.retained.spilled = NULL; /* it may be one of those */
    }
    lock_release(&outbox->lock);
    pool_release(outbox->pool, bytes, capacity_bytes);
    if (is_dropped)
        out_chunk_destroy(outbox, chunk);
    return is_dropped || place != NULL ? capacity_bytes : 0;
}

static uint64_t give(struct outbox *outbox, uint64_t bytes,
                     uint32_t (*begin)(struct outbox *outbox, struct out_chunk **moving),
                     barks_status **out_failure)
{
    struct out_chunk *moving[CHUNKS_AT_ONCE];
    uint64_t given_bytes = 0;
    while (given_bytes < bytes && *out_failure == NULL) {
        uint32_t count = begin(outbox, moving);
        for (uint32_t i = 0; i < count; i++) {
            struct scratch_place place = {0};
            if (*out_failure == NULL)
                *out_failure = write_chunk(outbox, moving[i], &place);
            given_bytes += end_moving(outbox, moving[i], *out_failure == NULL ? &place : NULL);
        }
        if (count == 0)
            break;
    }
    return given_bytes;
}

uint64_t outbox_give_retained(void *context, uint64_t bytes, barks_status **out_failure)
{
    return give(context, bytes, begin_retained, out_failure);
}

uint64_t outbox_give(void *context, uint64_t bytes, barks_status **out_failure)
{
    uint64_t given_bytes = give_running(context, out_failure);
    if (given_bytes >= bytes || *out_failure != NULL)
        return given_bytes;
    return given_bytes + give(context, bytes - given_bytes, begin_queued, out_failure);
}
