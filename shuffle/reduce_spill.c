/* Frames that wait go to disk when memory is wanted elsewhere: those that are read last first,
 * which are the ones of the last partitions. */
#include "shuffle/reduce_side_state.h"

#include <stdlib.h>

enum { FRAMES_AT_ONCE = 64 };
#define BYTES_AT_ONCE (UINT64_C(4) << 20) /* a reader may have to wait for them */

/* Frames of one partition, on their way to disk. */
struct move {
    struct arrival *arrival;
    uint32_t partition;
    struct frame *frames[FRAMES_AT_ONCE];
    uint32_t count;
};

static bool may_move(const struct waiting *waiting)
{
    return waiting->memory_bytes > 0 && waiting->lent_count == 0 && !waiting->is_moving;
}

/* Those of the list's end, if it is sorted: they are read last. */
static void collect(struct waiting *waiting, struct move *move)
{
    uint64_t bytes = waiting->memory_bytes;
    for (struct frame *frame = waiting->frames; frame != NULL && move->count < FRAMES_AT_ONCE;
         frame = frame->next) {
        uint64_t frame_bytes = frame_memory_bytes(frame);
        if (frame_bytes == 0)
            continue;
        if (bytes <= BYTES_AT_ONCE)
            move->frames[move->count++] = frame;
        bytes -= frame_bytes;
    }
    if (move->count > 0)
        return;
    /* One frame is more than that, or the sizes of shared blocks have changed. */
    for (struct frame *frame = waiting->frames; frame != NULL; frame = frame->next)
        if (frame_memory_bytes(frame) > 0) {
            move->frames[0] = frame;
            move->count = 1;
        }
}

static bool begin_locked(struct reduce_side *reduce_side, struct move *move)
{
    for (uint32_t i = reduce_side->locked.arrival_count; i > 0; i--) {
        struct arrival *arrival = reduce_side->locked.arrivals[i - 1];
        if (arrival->memory_bytes == 0)
            continue;
        for (uint32_t p = arrival->partition_capacity; p > 0; p--) {
            struct waiting *waiting = &arrival->partitions[p - 1];
            if (!may_move(waiting))
                continue;
            *move = (struct move){.arrival = arrival, .partition = p - 1};
            collect(waiting, move);
            waiting->is_moving = true;
            arrival->moving_count++;
            arrival->user_count++;
            return true;
        }
    }
    return false;
}

static void end(struct reduce_side *reduce_side, struct move *move, uint64_t given_bytes)
{
    struct arrival *arrival = move->arrival;
    lock_acquire(&reduce_side->lock);
    struct waiting *waiting = &arrival->partitions[move->partition];
    arrival_note_spilled(arrival, waiting, given_bytes);
    waiting->is_moving = false;
    arrival->moving_count--;
    bool is_last = --arrival->user_count == 0 && arrival->is_dropped;
    condition_broadcast(&reduce_side->moved);
    lock_release(&reduce_side->lock);
    if (is_last)
        arrival_destroy(arrival);
}

/* *out_bytes: of the frames that went. */
BARKS_CHECKED static barks_status *write(struct reduce_side *reduce_side, struct move *move,
                                         uint64_t *out_bytes)
{
    for (uint32_t i = 0; i < move->count; i++) {
        uint64_t memory_bytes = frame_memory_bytes(move->frames[i]);
        BARKS_TRY_DOING(frame_spill(move->frames[i], reduce_side->room),
                        "put %u rows of a shuffle on disk, as memory is used up",
                        move->frames[i]->name.row_count);
        *out_bytes += memory_bytes;
    }
    return NULL;
}

uint64_t reduce_side_give(void *context, uint64_t bytes, barks_status **out_failure)
{
    struct reduce_side *reduce_side = context;
    uint64_t given_bytes = 0;
    while (given_bytes < bytes && *out_failure == NULL) {
        struct move move;
        uint64_t moved_bytes = 0;
        lock_acquire(&reduce_side->lock);
        bool has_some = begin_locked(reduce_side, &move);
        lock_release(&reduce_side->lock);
        if (!has_some)
            break;
        *out_failure = write(reduce_side, &move, &moved_bytes);
        end(reduce_side, &move, moved_bytes);
        given_bytes += moved_bytes;
    }
    return given_bytes;
}
