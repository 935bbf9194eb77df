/* Frames go to disk when memory is wanted elsewhere. First those that were read and stay for the
 * case that their task fails: they will hardly be read back. Then those that are read last, which
 * are the ones of the last partitions. What an operator holds too comes last of all, for little
 * becomes free. */
#include "shuffle/reduce_side_state.h"

#include <stdlib.h>

enum { FRAMES_AT_ONCE = 64 };
#define BYTES_AT_ONCE (UINT64_C(4) << 20) /* a reader may have to wait for them */

/* Frames of one partition, on their way to disk. */
struct move {
    struct arrival *arrival;
    uint32_t partition;
    struct frame *frames[FRAMES_AT_ONCE];
    uint32_t count, written_count;
};

enum choice { WAS_READ, UNREAD, WAS_READ_AND_IS_SHARED, CHOICE_COUNT };

static bool may_move(const struct frame *frame, enum choice choice)
{
    if (frame->counted_bytes == 0 || frame->reader_count > 0 ||
        frame->was_read != (choice != UNREAD))
        return false;
    if (!frame->was_read)
        return true;
    bool is_shared = frame_is_shared(frame);
    if (frame->body != NULL && is_shared)
        return false; /* nothing at all would become free */
    return is_shared == (choice == WAS_READ_AND_IS_SHARED);
}

/* Whether the partition, or the whole slot, has frames in memory that were read, or others. */
static bool has_some(uint64_t memory_bytes, uint64_t read_bytes, enum choice choice)
{
    return choice == UNREAD ? memory_bytes > read_bytes : read_bytes > 0;
}

/* Those of the list's end, if it is sorted: they are read last. None where all have readers. */
static void collect(const struct waiting *waiting, enum choice choice, struct move *move)
{
    uint64_t bytes = 0;
    struct frame *last = NULL;
    for (const struct frame *frame = waiting->frames; frame != NULL; frame = frame->next)
        bytes += may_move(frame, choice) ? frame->counted_bytes : 0;
    for (struct frame *frame = waiting->frames; frame != NULL && move->count < FRAMES_AT_ONCE;
         frame = frame->next) {
        if (!may_move(frame, choice))
            continue;
        if (bytes <= BYTES_AT_ONCE)
            move->frames[move->count++] = frame;
        bytes -= frame->counted_bytes;
        last = frame;
    }
    if (move->count == 0 && last != NULL) /* one frame is more than that */
        move->frames[move->count++] = last;
}

static void note_moving(struct move *move, struct waiting *waiting)
{
    for (uint32_t i = 0; i < move->count; i++)
        move->frames[i]->is_moving = true;
    waiting->is_moving = true;
    move->arrival->moving_count++;
    move->arrival->user_count++;
}

/* False: there are none of that kind. */
static bool choose_locked(struct reduce_side *reduce_side, enum choice choice, struct move *move)
{
    for (uint32_t i = reduce_side->locked.arrival_count; i > 0; i--) {
        struct arrival *arrival = reduce_side->locked.arrivals[i - 1];
        if (!has_some(arrival->memory_bytes, arrival->read_bytes, choice))
            continue;
        for (uint32_t p = arrival->partition_capacity; p > 0; p--) {
            struct waiting *waiting = &arrival->partitions[p - 1];
            if (waiting->is_moving || !has_some(waiting->memory_bytes, waiting->read_bytes, choice))
                continue;
            *move = (struct move){.arrival = arrival, .partition = p - 1};
            collect(waiting, choice, move);
            if (move->count == 0)
                continue;
            note_moving(move, waiting);
            return true;
        }
    }
    return false;
}

static bool begin_locked(struct reduce_side *reduce_side, struct move *move)
{
    for (enum choice choice = WAS_READ; choice < CHOICE_COUNT; choice++)
        if (choose_locked(reduce_side, choice, move))
            return true;
    return false;
}

static void end(struct reduce_side *reduce_side, const struct move *move)
{
    struct arrival *arrival = move->arrival;
    lock_acquire(&reduce_side->lock);
    struct waiting *waiting = &arrival->partitions[move->partition];
    for (uint32_t i = 0; i < move->count; i++)
        move->frames[i]->is_moving = false;
    for (uint32_t i = 0; i < move->written_count; i++)
        arrival_note_spilled(arrival, waiting, move->frames[i]);
    waiting->is_moving = false;
    arrival->moving_count--;
    bool is_last = reduce_side_let_go_locked(arrival);
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
        struct frame *frame = move->frames[i];
        BARKS_TRY_DOING(frame_spill(frame, reduce_side->room),
                        "put %u rows of a shuffle on disk, as memory is used up",
                        frame->name.row_count);
        *out_bytes += frame->counted_bytes;
        move->written_count++;
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
        bool is_begun = begin_locked(reduce_side, &move);
        lock_release(&reduce_side->lock);
        if (!is_begun)
            break;
        *out_failure = write(reduce_side, &move, &moved_bytes);
        end(reduce_side, &move);
        given_bytes += moved_bytes;
    }
    return given_bytes;
}
