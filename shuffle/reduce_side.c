#include "shuffle/reduce_side.h"

#include "batch/batch.h"
#include "shuffle/arrival.h"
#include "shuffle/reduce_side_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

barks_status *reduce_side_create(const struct spill_room *room,
                                 struct reduce_side **out_reduce_side)
{
    struct reduce_side *reduce_side = calloc(1, sizeof *reduce_side);
    if (reduce_side == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the reduce side of shuffles");
    reduce_side->room = room;
    lock_init(&reduce_side->lock, LOCK_STORE, "reduce side");
    condition_init(&reduce_side->moved);
    reduce_side->giver = (struct giver){
        .name = "frames of shuffles", .give = reduce_side_give, .context = reduce_side};
    if (room->scratch != NULL)
        pool_add_giver(room->pool, &reduce_side->giver);
    *out_reduce_side = reduce_side;
    return NULL;
}

void reduce_side_destroy(struct reduce_side *reduce_side)
{
    if (reduce_side == NULL)
        return;
    pool_remove_giver(reduce_side->room->pool, &reduce_side->giver);
    for (uint32_t i = 0; i < reduce_side->locked.arrival_count; i++)
        arrival_destroy(reduce_side->locked.arrivals[i]);
    free(reduce_side->locked.arrivals);
    condition_drop(&reduce_side->moved);
    lock_drop(&reduce_side->lock);
    free(reduce_side);
}

/* --- Which shuffle --- */

/* Index of the first that is not below shuffle. */
static uint32_t place_of_locked(const struct reduce_side *reduce_side, uint64_t shuffle)
{
    uint32_t low = 0, high = reduce_side->locked.arrival_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (reduce_side->locked.arrivals[middle]->shuffle < shuffle)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct arrival *find_locked(const struct reduce_side *reduce_side, uint64_t shuffle)
{
    uint32_t place = place_of_locked(reduce_side, shuffle);
    if (place == reduce_side->locked.arrival_count ||
        reduce_side->locked.arrivals[place]->shuffle != shuffle)
        return NULL;
    return reduce_side->locked.arrivals[place];
}

BARKS_CHECKED static barks_status *
find_or_add_locked(struct reduce_side *reduce_side, uint64_t shuffle, struct arrival **out_arrival)
{
    uint32_t place = place_of_locked(reduce_side, shuffle);
    uint32_t count = reduce_side->locked.arrival_count;
    if (place < count && reduce_side->locked.arrivals[place]->shuffle == shuffle) {
        *out_arrival = reduce_side->locked.arrivals[place];
        return NULL;
    }
    if (count == reduce_side->locked.arrival_capacity) {
        uint32_t capacity = count == 0 ? 16 : 2 * count;
        struct arrival **arrivals =
            realloc(reduce_side->locked.arrivals, capacity * sizeof(struct arrival *));
        if (arrivals == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %" PRIu32 " shuffles", capacity);
        reduce_side->locked.arrivals = arrivals;
        reduce_side->locked.arrival_capacity = capacity;
    }
    struct arrival *arrival = arrival_create(shuffle);
    if (arrival == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for shuffle %" PRIu64, shuffle);
    memmove(reduce_side->locked.arrivals + place + 1, reduce_side->locked.arrivals + place,
            (count - place) * sizeof(struct arrival *));
    reduce_side->locked.arrivals[place] = arrival;
    reduce_side->locked.arrival_count++;
    *out_arrival = arrival;
    return NULL;
}

/* --- Frames that arrive --- */

BARKS_CHECKED static barks_status *deliver_locked(struct reduce_side *reduce_side,
                                                  struct frame *frame, bool *out_is_taken)
{
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, frame->name.shuffle, &arrival));
    return arrival_deliver(arrival, frame, out_is_taken);
}

barks_status *reduce_side_deliver(struct reduce_side *reduce_side, struct frame *frame)
{
    uint32_t partition = frame->name.partition;
    if (partition >= REDUCE_PARTITIONS_MAX) {
        frame_destroy(frame);
        BARKS_FAIL(BARKS_BAD_INPUT, "a frame names partition %" PRIu32 ", above the limit of %d",
                   partition, REDUCE_PARTITIONS_MAX);
    }
    bool is_taken = false;
    lock_acquire(&reduce_side->lock);
    barks_status *status = deliver_locked(reduce_side, frame, &is_taken);
    lock_release(&reduce_side->lock);
    if (!is_taken)
        frame_destroy(frame);
    return status;
}

/* --- Commit --- */

BARKS_CHECKED static barks_status *commit_locked(struct reduce_side *reduce_side, uint64_t shuffle,
                                                 uint32_t run_count, const uint32_t *attempts,
                                                 const uint64_t *frame_counts,
                                                 struct frame **dropped)
{
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, shuffle, &arrival));
    while (arrival->moving_count > 0) /* nobody else drops it meanwhile: this thread does */
        condition_wait(&reduce_side->moved, &reduce_side->lock);
    return arrival_commit(arrival, run_count, attempts, frame_counts, dropped);
}

barks_status *reduce_side_commit(struct reduce_side *reduce_side, uint64_t shuffle,
                                 uint32_t run_count, const uint32_t *attempts,
                                 const uint64_t *frame_counts)
{
    struct frame *dropped = NULL;
    lock_acquire(&reduce_side->lock);
    barks_status *status =
        commit_locked(reduce_side, shuffle, run_count, attempts, frame_counts, &dropped);
    lock_release(&reduce_side->lock);
    arrival_destroy_frames(dropped);
    return status;
}

bool reduce_side_is_complete(struct reduce_side *reduce_side, uint64_t shuffle)
{
    lock_acquire(&reduce_side->lock);
    bool complete = arrival_is_complete(find_locked(reduce_side, shuffle));
    lock_release(&reduce_side->lock);
    return complete;
}

void reduce_side_visit_sizes(struct reduce_side *reduce_side, uint64_t shuffle,
                             void (*visit)(void *context, uint32_t partition, uint64_t bytes),
                             void *context)
{
    lock_acquire(&reduce_side->lock);
    const struct arrival *arrival = find_locked(reduce_side, shuffle);
    while (arrival != NULL && arrival->moving_count > 0)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
    for (uint32_t i = 0; arrival != NULL && i < arrival->partition_capacity; i++) {
        uint64_t bytes = 0;
        for (const struct frame *frame = arrival->partitions[i].frames; frame != NULL;
             frame = frame->next)
            bytes += frame_row_bytes(frame);
        if (bytes > 0)
            visit(context, i, bytes);
    }
    lock_release(&reduce_side->lock);
}

uint64_t reduce_side_partition_bytes(struct reduce_side *reduce_side, uint64_t shuffle,
                                     uint32_t partition)
{
    uint64_t bytes = 0;
    lock_acquire(&reduce_side->lock);
    const struct arrival *arrival = find_locked(reduce_side, shuffle);
    if (arrival != NULL && partition < arrival->partition_capacity) {
        while (arrival->partitions[partition].is_moving)
            condition_wait(&reduce_side->moved, &reduce_side->lock);
        for (const struct frame *frame = arrival->partitions[partition].frames; frame != NULL;
             frame = frame->next)
            bytes += frame_row_bytes(frame);
    }
    lock_release(&reduce_side->lock);
    return bytes;
}

/* --- Reading --- */

/* A reader's hold on one partition. */
struct reading {
    struct arrival *arrival;
    uint32_t partition;
    bool take;
    /* Without take: */
    bool is_lent;         /* counted in lent_count */
    struct frame *frames; /* lent, those that are left */
    struct frame *held;   /* whose reader this is, or NULL */
};

static void await_still_locked(struct reduce_side *reduce_side, const struct reading *reading)
{
    while (reading->partition < reading->arrival->partition_capacity &&
           reading->arrival->partitions[reading->partition].is_moving)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
}

BARKS_CHECKED static barks_status *begin_locked(struct reduce_side *reduce_side, uint64_t shuffle,
                                                struct reading *reading)
{
    struct arrival *arrival = find_locked(reduce_side, shuffle);
    if (!arrival_is_complete(arrival))
        BARKS_FAIL(BARKS_INVALID, "shuffle %" PRIu64 " is read before all of it has arrived",
                   shuffle);
    arrival->user_count++; /* so it stays while this thread waits */
    reading->arrival = arrival;
    if (reading->partition >= arrival->partition_capacity)
        return NULL;
    await_still_locked(reduce_side, reading);
    struct waiting *waiting = &arrival->partitions[reading->partition];
    if (reading->take && waiting->lent_count > 0)
        BARKS_FAIL(BARKS_INVALID, "partition %" PRIu32 " is taken while another reads it",
                   reading->partition);
    if (!reading->take) {
        reading->frames = arrival_sorted(arrival, reading->partition);
        waiting->lent_count++;
        reading->is_lent = true;
    }
    return NULL;
}

/* Lets go of the frame at hand, and holds the next one of those that are lent. */
static struct frame *hold_locked(struct reading *reading, struct frame *frame)
{
    if (reading->held != NULL)
        reading->held->reader_count--;
    if (frame != NULL) {
        frame->reader_count++;
        reading->frames = frame->next;
    }
    reading->held = frame;
    return frame;
}

/* The next frame: with take the reader's own. Those that he does not look at may go to disk
 * meanwhile. */
static struct frame *next_frame(struct reduce_side *reduce_side, struct reading *reading)
{
    lock_acquire(&reduce_side->lock);
    await_still_locked(reduce_side, reading);
    struct frame *frame = reading->take ? arrival_take(reading->arrival, reading->partition)
                                        : hold_locked(reading, reading->frames);
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
    bool is_last = --arrival->user_count == 0 && arrival->is_dropped;
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

BARKS_CHECKED static barks_status *
visit_frame(struct reduce_side *reduce_side, struct frame *frame, const barks_schema *schema,
            bool take, struct batch **decoded,
            barks_status *(*visit)(void *context, struct batch *batch), void *context)
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
        if (take && status == NULL)
            *decoded = NULL; /* visit's */
    } else {
        status = check_rows(name, batch);
        if (take && status == NULL)
            frame->batch = NULL;
    }
    if (status != NULL)
        return barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                "cannot read shuffle %" PRIu64 ", partition %" PRIu32
                                ", run %" PRIu32 ", frame %" PRIu32,
                                name->shuffle, name->partition, name->run, name->sequence);
    return visit(context, batch);
}

/* All frames; with take those that are not visited are destroyed too. */
BARKS_CHECKED static barks_status *
visit_frames(struct reduce_side *reduce_side, struct reading *reading, const barks_schema *schema,
             barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    barks_status *status = NULL;
    struct batch *decoded = NULL;
    for (;;) {
        struct frame *frame = next_frame(reduce_side, reading);
        if (frame == NULL)
            break;
        if (status == NULL)
            status =
                visit_frame(reduce_side, frame, schema, reading->take, &decoded, visit, context);
        else if (!reading->take)
            break;
        if (reading->take)
            frame_destroy(frame);
    }
    batch_destroy(decoded);
    return status;
}

barks_status *reduce_side_read(struct reduce_side *reduce_side, uint64_t shuffle,
                               uint32_t partition, const barks_schema *schema, bool take,
                               barks_status *(*visit)(void *context, struct batch *batch),
                               void *context)
{
    struct reading reading = {.partition = partition, .take = take};
    lock_acquire(&reduce_side->lock);
    barks_status *status = begin_locked(reduce_side, shuffle, &reading);
    lock_release(&reduce_side->lock);
    if (status == NULL)
        status = visit_frames(reduce_side, &reading, schema, visit, context);
    end_reading(reduce_side, &reading);
    return status;
}

barks_status *
reduce_side_visit_frames(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t partition,
                         barks_status *(*visit)(void *context, const struct frame *frame),
                         void *context)
{
    struct reading reading = {.partition = partition};
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

/* --- Dropping --- */

void reduce_side_drop(struct reduce_side *reduce_side, uint64_t shuffle)
{
    struct arrival *unused = NULL;
    lock_acquire(&reduce_side->lock);
    uint32_t place = place_of_locked(reduce_side, shuffle);
    struct arrival **arrivals = reduce_side->locked.arrivals;
    if (place < reduce_side->locked.arrival_count && arrivals[place]->shuffle == shuffle) {
        struct arrival *arrival = arrivals[place];
        reduce_side->locked.arrival_count--;
        memmove(arrivals + place, arrivals + place + 1,
                (reduce_side->locked.arrival_count - place) * sizeof(struct arrival *));
        arrival->is_dropped = true;
        if (arrival->user_count == 0)
            unused = arrival;
    }
    lock_release(&reduce_side->lock);
    if (unused != NULL)
        arrival_destroy(unused);
}

struct reduce_side_counters reduce_side_counters(struct reduce_side *reduce_side, uint64_t shuffle)
{
    struct reduce_side_counters counters = {0};
    lock_acquire(&reduce_side->lock);
    const struct arrival *arrival = find_locked(reduce_side, shuffle);
    if (arrival != NULL)
        counters = arrival->counters;
    lock_release(&reduce_side->lock);
    return counters;
}
