#include "shuffle/reduce_side.h"

#include "batch/batch.h"
#include "shuffle/arrival.h"
#include "shuffle/reduce_side_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

barks_status *reduce_side_create(const struct spill_room *room, bool recovers,
                                 struct reduce_side **out_reduce_side)
{
    struct reduce_side *reduce_side = calloc(1, sizeof *reduce_side);
    if (reduce_side == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the reduce side of shuffles");
    reduce_side->room = room;
    reduce_side->recovers = recovers;
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

/* --- Which slot --- */

static bool is_before(const struct arrival *arrival, uint64_t shuffle, uint32_t slot)
{
    return arrival->shuffle != shuffle ? arrival->shuffle < shuffle : arrival->slot < slot;
}

/* Index of the first that is not below. */
static uint32_t place_of_locked(const struct reduce_side *reduce_side, uint64_t shuffle,
                                uint32_t slot)
{
    uint32_t low = 0, high = reduce_side->locked.arrival_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (is_before(reduce_side->locked.arrivals[middle], shuffle, slot))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The arrival at a place, where it is of the shuffle; NULL. */
static struct arrival *at_locked(const struct reduce_side *reduce_side, uint32_t place,
                                 uint64_t shuffle)
{
    if (place == reduce_side->locked.arrival_count ||
        reduce_side->locked.arrivals[place]->shuffle != shuffle)
        return NULL;
    return reduce_side->locked.arrivals[place];
}

static struct arrival *find_locked(const struct reduce_side *reduce_side, uint64_t shuffle,
                                   uint32_t slot)
{
    uint32_t place = place_of_locked(reduce_side, shuffle, slot);
    struct arrival *arrival = at_locked(reduce_side, place, shuffle);
    return arrival != NULL && arrival->slot == slot ? arrival : NULL;
}

struct arrival *reduce_side_find_locked(const struct reduce_side *reduce_side, uint64_t shuffle,
                                        uint32_t partition)
{
    struct arrival *arrival = NULL;
    for (uint32_t place = place_of_locked(reduce_side, shuffle, 0);
         (arrival = at_locked(reduce_side, place, shuffle)) != NULL; place++)
        if (arrival_has_partition(arrival, partition))
            return arrival;
    return NULL;
}

BARKS_CHECKED static barks_status *find_or_add_locked(struct reduce_side *reduce_side,
                                                      uint64_t shuffle, uint32_t slot,
                                                      struct arrival **out_arrival)
{
    uint32_t place = place_of_locked(reduce_side, shuffle, slot);
    uint32_t count = reduce_side->locked.arrival_count;
    struct arrival *found = at_locked(reduce_side, place, shuffle);
    if (found != NULL && found->slot == slot) {
        *out_arrival = found;
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
    struct arrival *arrival = arrival_create(shuffle, slot, reduce_side->recovers);
    if (arrival == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for shuffle %" PRIu64, shuffle);
    memmove(reduce_side->locked.arrivals + place + 1, reduce_side->locked.arrivals + place,
            (count - place) * sizeof(struct arrival *));
    reduce_side->locked.arrivals[place] = arrival;
    reduce_side->locked.arrival_count++;
    *out_arrival = arrival;
    return NULL;
}

void reduce_side_await_still_locked(struct reduce_side *reduce_side, const struct arrival *arrival)
{
    while (arrival->moving_count > 0)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
}

bool reduce_side_let_go_locked(struct arrival *arrival)
{
    return --arrival->user_count == 0 && arrival->is_dropped;
}

/* --- Frames that arrive --- */

/* Frames that do not count are moved to *dropped once that is sure, which is before anybody reads.
 * The caller is a user of the arrival. */
static void sift_locked(struct reduce_side *reduce_side, struct arrival *arrival,
                        struct frame **dropped)
{
    if (!arrival_is_to_sift(arrival))
        return;
    reduce_side_await_still_locked(reduce_side, arrival);
    if (arrival_is_to_sift(arrival)) /* another thread may have done it meanwhile */
        arrival_drop_strays(arrival, dropped);
}

/* What was to be done with an arrival, and what is left of it to be freed without the lock. */
struct left_over {
    struct arrival *arrival; /* NULL: it stays */
    struct frame *frames;
};

static void free_left_over(struct left_over *left)
{
    arrival_destroy_frames(left->frames);
    if (left->arrival != NULL)
        arrival_destroy(left->arrival);
}

BARKS_CHECKED static barks_status *deliver_locked(struct reduce_side *reduce_side,
                                                  struct frame *frame, bool *out_is_taken,
                                                  struct left_over *left)
{
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, frame->name.shuffle, frame->name.slot, &arrival));
    BARKS_TRY(arrival_deliver(arrival, frame, out_is_taken));
    arrival->user_count++;
    sift_locked(reduce_side, arrival, &left->frames);
    if (reduce_side_let_go_locked(arrival))
        left->arrival = arrival;
    return NULL;
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
    struct left_over left = {0};
    lock_acquire(&reduce_side->lock);
    barks_status *status = deliver_locked(reduce_side, frame, &is_taken, &left);
    lock_release(&reduce_side->lock);
    if (!is_taken)
        frame_destroy(frame);
    free_left_over(&left);
    return status;
}

/* --- Commit --- */

BARKS_CHECKED static barks_status *commit_locked(struct reduce_side *reduce_side,
                                                 const struct reduce_commit *commit,
                                                 struct left_over *left)
{
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, commit->shuffle, commit->slot, &arrival));
    arrival->user_count++;
    reduce_side_await_still_locked(reduce_side, arrival);
    barks_status *status = arrival_commit(arrival, commit);
    if (status == NULL)
        sift_locked(reduce_side, arrival, &left->frames);
    if (reduce_side_let_go_locked(arrival))
        left->arrival = arrival;
    return status;
}

barks_status *reduce_side_commit(struct reduce_side *reduce_side,
                                 const struct reduce_commit *commit)
{
    struct left_over left = {0};
    lock_acquire(&reduce_side->lock);
    barks_status *status = commit_locked(reduce_side, commit, &left);
    lock_release(&reduce_side->lock);
    free_left_over(&left);
    return status;
}

bool reduce_side_is_complete(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t slot)
{
    lock_acquire(&reduce_side->lock);
    bool complete = arrival_is_complete(find_locked(reduce_side, shuffle, slot));
    lock_release(&reduce_side->lock);
    return complete;
}

void reduce_side_visit_sizes(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t slot,
                             void (*visit)(void *context, uint32_t partition, uint64_t bytes),
                             void *context)
{
    lock_acquire(&reduce_side->lock);
    const struct arrival *arrival = find_locked(reduce_side, shuffle, slot);
    if (arrival != NULL)
        reduce_side_await_still_locked(reduce_side, arrival);
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
    const struct arrival *arrival = reduce_side_find_locked(reduce_side, shuffle, partition);
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

/* --- Dropping --- */

/* The frames that are to be freed. */
static struct frame *forget_locked(struct reduce_side *reduce_side, struct arrival *arrival,
                                   uint32_t partition)
{
    if (arrival == NULL || partition >= arrival->partition_capacity)
        return NULL;
    while (arrival->partitions[partition].is_moving)
        condition_wait(&reduce_side->moved, &reduce_side->lock);
    return arrival->partitions[partition].lent_count == 0 ? arrival_forget(arrival, partition)
                                                          : NULL;
}

void reduce_side_forget(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t partition)
{
    struct left_over left = {0};
    lock_acquire(&reduce_side->lock);
    struct arrival *arrival = reduce_side_find_locked(reduce_side, shuffle, partition);
    if (arrival != NULL)
        arrival->user_count++; /* so it stays while this thread waits */
    left.frames = forget_locked(reduce_side, arrival, partition);
    if (arrival != NULL && reduce_side_let_go_locked(arrival))
        left.arrival = arrival;
    lock_release(&reduce_side->lock);
    free_left_over(&left);
}

void reduce_side_drop(struct reduce_side *reduce_side, uint64_t shuffle)
{
    struct arrival *arrival = NULL;
    for (;;) {
        bool is_unused = false;
        lock_acquire(&reduce_side->lock);
        uint32_t place = place_of_locked(reduce_side, shuffle, 0);
        arrival = at_locked(reduce_side, place, shuffle);
        if (arrival != NULL) {
            struct arrival **arrivals = reduce_side->locked.arrivals;
            reduce_side->locked.arrival_count--;
            memmove(arrivals + place, arrivals + place + 1,
                    (reduce_side->locked.arrival_count - place) * sizeof(struct arrival *));
            arrival->is_dropped = true;
            is_unused = arrival->user_count == 0;
        }
        lock_release(&reduce_side->lock);
        if (arrival == NULL)
            return;
        if (is_unused)
            arrival_destroy(arrival);
    }
}

struct reduce_side_counters reduce_side_counters(struct reduce_side *reduce_side, uint64_t shuffle)
{
    struct reduce_side_counters counters = {0};
    const struct arrival *arrival = NULL;
    lock_acquire(&reduce_side->lock);
    for (uint32_t place = place_of_locked(reduce_side, shuffle, 0);
         (arrival = at_locked(reduce_side, place, shuffle)) != NULL; place++) {
        counters.frames += arrival->counters.frames;
        counters.rows += arrival->counters.rows;
        counters.bytes += arrival->counters.bytes;
    }
    lock_release(&reduce_side->lock);
    return counters;
}
