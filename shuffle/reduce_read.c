/* Reading what has arrived, partition by partition. */
#include "batch/batch.h"
#include "shuffle/reduce_side_state.h"

#include <inttypes.h>

/* A reader's hold on one partition. */
struct reading {
    struct arrival *arrival;
    uint32_t partition;
    uint32_t piece, piece_count;
    uint32_t end_run;     /* of the piece */
    bool is_only;         /* nobody else reads the partition */
    bool is_lent;         /* counted in lent_count */
    struct frame *frames; /* lent, those that are left; behind the piece there may be more */
    struct frame *held;   /* whose reader this is, or NULL */
};

/* Of so many runs, the first one of a piece. */
static uint32_t first_run_of(uint32_t run_count, uint32_t piece, uint32_t piece_count)
{
    return (uint32_t)((uint64_t)run_count * piece / piece_count);
}

static void find_piece_locked(struct reading *reading)
{
    uint32_t run_count = reading->arrival->run_count;
    uint32_t first_run = first_run_of(run_count, reading->piece, reading->piece_count);
    reading->end_run = first_run_of(run_count, reading->piece + 1, reading->piece_count);
    reading->frames = arrival_sorted(reading->arrival, reading->partition);
    while (reading->frames != NULL && reading->frames->name.run < first_run)
        reading->frames = reading->frames->next;
}

static void await_still_locked(struct reduce_side *reduce_side, const struct reading *reading)
{
    while (reading->partition < reading->arrival->partition_capacity &&
           reading->arrival->partitions[reading->partition].is_moving)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
}

BARKS_CHECKED static barks_status *begin_locked(struct reduce_side *reduce_side, uint64_t shuffle,
                                                struct reading *reading)
{
    struct arrival *arrival = reduce_side_find_locked(reduce_side, shuffle, reading->partition);
    if (!arrival_is_complete(arrival))
        BARKS_FAIL(BARKS_INVALID,
                   "partition %" PRIu32 " of shuffle %" PRIu64
                   " is read before all of it has arrived",
                   reading->partition, shuffle);
    arrival->user_count++; /* so it stays while this thread waits */
    reading->arrival = arrival;
    if (reading->partition >= arrival->partition_capacity)
        return NULL;
    await_still_locked(reduce_side, reading);
    struct waiting *waiting = &arrival->partitions[reading->partition];
    if (waiting->is_forgotten)
        BARKS_FAIL(BARKS_LOST,
                   "partition %" PRIu32 " of shuffle %" PRIu64
                   " is to be read once more, and was freed when the task that read it had ended",
                   reading->partition, shuffle);
    find_piece_locked(reading);
    waiting->lent_count++;
    reading->is_lent = true;
    return NULL;
}

static void let_go_of_held_locked(const struct reading *reading)
{
    struct arrival *arrival = reading->arrival;
    if (reading->held == NULL)
        return;
    reading->held->reader_count--;
    if (reading->is_only)
        arrival_note_read(arrival, &arrival->partitions[reading->partition], reading->held);
}

/* Lets go of the frame at hand, and holds the next one of those that are lent. */
static struct frame *hold_locked(struct reading *reading, struct frame *frame)
{
    let_go_of_held_locked(reading);
    if (frame != NULL) {
        frame->reader_count++;
        reading->frames = frame->next;
    }
    reading->held = frame;
    return frame;
}

/* The next frame. Those that its reader does not look at may go to disk meanwhile. */
static struct frame *next_frame(struct reduce_side *reduce_side, struct reading *reading)
{
    lock_acquire(&reduce_side->lock);
    if (reading->frames != NULL && reading->frames->name.run >= reading->end_run)
        reading->frames = NULL;
    while (reading->frames != NULL && reading->frames->is_moving)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
    struct frame *frame = hold_locked(reading, reading->frames);
    lock_release(&reduce_side->lock);
    return frame;
}

static void end_reading(struct reduce_side *reduce_side, struct reading *reading)
{
    struct arrival *arrival = reading->arrival;
    if (arrival == NULL)
        return;
    lock_acquire(&reduce_side->lock);
    (void)hold_locked(reading, NULL); /* none is next */
    if (reading->is_lent)
        arrival->partitions[reading->partition].lent_count--;
    bool is_last = reduce_side_let_go_locked(arrival);
    lock_release(&reduce_side->lock);
    if (is_last)
        arrival_destroy(arrival);
}

BARKS_CHECKED static barks_status *check_rows(const struct frame_name *name,
                                              const struct batch *batch)
{
    if (batch->base.row_count == name->row_count)
        return NULL;
    BARKS_FAIL(BARKS_BAD_INPUT, "a frame holds %" PRIu32 " rows, not %" PRIu32,
               batch->base.row_count, name->row_count);
}

/* Makes *out_batch the frame's rows, decoded into it where they are encoded. */
BARKS_CHECKED static barks_status *open_frame(struct reduce_side *reduce_side,
                                              const struct frame *frame, const barks_schema *schema,
                                              struct batch **decoded)
{
    if (*decoded == NULL)
        BARKS_TRY(batch_create(reduce_side->room->pool, schema, frame->name.row_count, decoded));
    batch_clear(*decoded);
    BARKS_TRY(frame_read(frame, *decoded));
    return check_rows(&frame->name, *decoded);
}

/* Of a frame whose rows do not come back as they were put away. The disk may do better another
 * time, so a task may try again; else they are lost, and so are those that lie damaged in memory:
 * their sender had read them from a disk, and they would be the same again. */
static barks_code code_of_unread(struct reduce_side *reduce_side, struct frame *frame,
                                 barks_code code)
{
    if (code != BARKS_IO && code != BARKS_BAD_INPUT)
        return code;
    lock_acquire(&reduce_side->lock);
    bool is_lost = frame->was_damaged || !is_spilled(&frame->spilled);
    frame->was_damaged = true;
    lock_release(&reduce_side->lock);
    return is_lost ? BARKS_LOST : BARKS_IO;
}

BARKS_CHECKED static barks_status *
visit_frame(struct reduce_side *reduce_side, struct frame *frame, const barks_schema *schema,
            struct batch **decoded, barks_status *(*visit)(void *context, struct batch *batch),
            void *context)
{
    const struct frame_name *name = &frame->name;
    if (frame->next != NULL && !arrival_goes_before(frame, frame->next))
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "shuffle %" PRIu64 ": two frames of run %" PRIu32 " are number %" PRIu32
                   " of partition %" PRIu32,
                   name->shuffle, name->run, name->sequence, name->partition);
    struct batch *batch = frame->batch;
    barks_status *status = NULL;
    if (batch == NULL) {
        status = open_frame(reduce_side, frame, schema, decoded);
        batch = *decoded;
    } else {
        status = check_rows(name, batch);
    }
    if (status != NULL)
        return barks_status_new(code_of_unread(reduce_side, frame, barks_status_code(status)),
                                status, BARKS_HERE,
                                "cannot read shuffle %" PRIu64 ", partition %" PRIu32
                                ", run %" PRIu32 ", frame %" PRIu32,
                                name->shuffle, name->partition, name->run, name->sequence);
    return visit(context, batch);
}

BARKS_CHECKED static barks_status *
visit_frames(struct reduce_side *reduce_side, struct reading *reading, const barks_schema *schema,
             barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    barks_status *status = NULL;
    struct batch *decoded = NULL;
    while (status == NULL) {
        struct frame *frame = next_frame(reduce_side, reading);
        if (frame == NULL)
            break;
        status = visit_frame(reduce_side, frame, schema, &decoded, visit, context);
    }
    batch_destroy(decoded);
    return status;
}

barks_status *reduce_side_read(struct reduce_side *reduce_side, const struct reduce_read *what,
                               barks_status *(*visit)(void *context, struct batch *batch),
                               void *context)
{
    struct reading reading = {.partition = what->partition,
                              .piece = what->piece,
                              .piece_count = what->piece_count,
                              .is_only = what->is_only_reader};
    lock_acquire(&reduce_side->lock);
    barks_status *status = begin_locked(reduce_side, what->shuffle, &reading);
    lock_release(&reduce_side->lock);
    if (status == NULL)
        status = visit_frames(reduce_side, &reading, what->schema, visit, context);
    end_reading(reduce_side, &reading);
    return status;
}

barks_status *
reduce_side_visit_frames(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t partition,
                         barks_status *(*visit)(void *context, const struct frame *frame),
                         void *context)
{
    struct reading reading = {.partition = partition, .piece_count = 1};
    lock_acquire(&reduce_side->lock);
    barks_status *status = begin_locked(reduce_side, shuffle, &reading);
    lock_release(&reduce_side->lock);
    while (status == NULL) {
        const struct frame *frame = next_frame(reduce_side, &reading);
        if (frame == NULL)
            break;
        status = visit(context, frame);
    }
    end_reading(reduce_side, &reading);
    return status;
}
