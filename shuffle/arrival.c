#include "shuffle/arrival.h"

#include "base/assertion.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arrival *arrival_create(uint64_t shuffle)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival != NULL)
        arrival->shuffle = shuffle;
    return arrival;
}

void arrival_destroy_frames(struct frame *frames)
{
    while (frames != NULL) {
        struct frame *next = frames->next;
        frame_destroy(frames);
        frames = next;
    }
}

void arrival_destroy(struct arrival *arrival)
{
    for (uint32_t i = 0; i < arrival->partition_capacity; i++)
        arrival_destroy_frames(arrival->partitions[i].frames);
    free(arrival->partitions);
    free(arrival->attempts);
    free(arrival->frames_left);
    free(arrival);
}

/* --- Frames that arrive --- */

static void count_frame(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    frame->counted_bytes = frame_memory_bytes(frame);
    arrival->counters.frames++;
    arrival->counters.rows += frame->name.row_count;
    arrival->counters.bytes += frame->name.body_bytes;
    waiting->memory_bytes += frame->counted_bytes;
    arrival->memory_bytes += frame->counted_bytes;
}

/* Its memory is not this shuffle's any more. */
static void uncount_bytes(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    waiting->memory_bytes -= frame->counted_bytes;
    arrival->memory_bytes -= frame->counted_bytes;
    frame->counted_bytes = 0;
}

static void uncount_frame(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    arrival->counters.frames--;
    arrival->counters.rows -= frame->name.row_count;
    arrival->counters.bytes -= frame->name.body_bytes;
    uncount_bytes(arrival, waiting, frame);
}

/* A frame of the attempt that counts is one less to wait for. */
BARKS_CHECKED static barks_status *expect_less(struct arrival *arrival,
                                               const struct frame_name *name)
{
    if (arrival->frames_left[name->run] == 0)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "shuffle %" PRIu64 ": more frames of run %" PRIu32
                   " arrived than attempt %" PRIu32 " has sent",
                   name->shuffle, name->run, name->attempt);
    arrival->frames_left[name->run]--;
    arrival->frames_left_total--;
    return NULL;
}

BARKS_CHECKED static barks_status *reserve_partition(struct arrival *arrival, uint32_t partition)
{
    if (partition < arrival->partition_capacity)
        return NULL;
    uint32_t capacity = arrival->partition_capacity == 0 ? 64 : arrival->partition_capacity;
    while (capacity <= partition)
        capacity *= 2; /* at most twice REDUCE_PARTITIONS_MAX */
    struct waiting *partitions = realloc(arrival->partitions, capacity * sizeof *partitions);
    if (partitions == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %" PRIu32 " partitions", capacity);
    memset(partitions + arrival->partition_capacity, 0,
           (capacity - arrival->partition_capacity) * sizeof *partitions);
    arrival->partitions = partitions;
    arrival->partition_capacity = capacity;
    return NULL;
}

barks_status *arrival_deliver(struct arrival *arrival, struct frame *frame, bool *out_is_taken)
{
    const struct frame_name *name = &frame->name;
    if (arrival->is_committed) {
        if (name->run >= arrival->run_count)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "shuffle %" PRIu64 ": a frame of run %" PRIu32
                       ", of which there are %" PRIu32,
                       name->shuffle, name->run, arrival->run_count);
        if (name->attempt != arrival->attempts[name->run])
            return NULL;
    }
    BARKS_TRY(reserve_partition(arrival, name->partition));
    if (arrival->is_committed)
        BARKS_TRY(expect_less(arrival, name));
    struct waiting *waiting = &arrival->partitions[name->partition];
    frame->next = waiting->frames;
    waiting->frames = frame;
    waiting->is_sorted = false;
    count_frame(arrival, waiting, frame);
    *out_is_taken = true;
    return NULL;
}

/* --- Commit --- */

/* Moves the frames that do not count from waiting to *dropped. */
BARKS_CHECKED static barks_status *sift(struct arrival *arrival, struct waiting *waiting,
                                        struct frame **dropped)
{
    struct frame **link = &waiting->frames;
    while (*link != NULL) {
        struct frame *frame = *link;
        if (frame->name.run >= arrival->run_count)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "shuffle %" PRIu64 ": a frame of run %" PRIu32
                       ", of which there are %" PRIu32,
                       arrival->shuffle, frame->name.run, arrival->run_count);
        if (frame->name.attempt != arrival->attempts[frame->name.run]) {
            *link = frame->next;
            uncount_frame(arrival, waiting, frame);
            frame->next = *dropped;
            *dropped = frame;
            continue;
        }
        BARKS_TRY(expect_less(arrival, &frame->name));
        link = &frame->next;
    }
    return NULL;
}

barks_status *arrival_commit(struct arrival *arrival, uint32_t run_count, const uint32_t *attempts,
                             const uint64_t *frame_counts, struct frame **dropped)
{
    BARKS_ASSERT(arrival->moving_count == 0);
    if (arrival->is_committed)
        BARKS_FAIL(BARKS_INVALID, "shuffle %" PRIu64 " is committed already", arrival->shuffle);
    arrival->attempts = calloc((size_t)run_count + 1, sizeof *arrival->attempts);
    arrival->frames_left = calloc((size_t)run_count + 1, sizeof *arrival->frames_left);
    if (arrival->attempts == NULL || arrival->frames_left == NULL) {
        free(arrival->attempts);
        free(arrival->frames_left);
        arrival->attempts = NULL;
        arrival->frames_left = NULL;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the commit of %" PRIu32 " runs", run_count);
    }
    for (uint32_t run = 0; run < run_count; run++) {
        arrival->attempts[run] = attempts[run];
        arrival->frames_left[run] = frame_counts[run];
        arrival->frames_left_total += frame_counts[run];
    }
    arrival->run_count = run_count;
    arrival->is_committed = true;
    for (uint32_t i = 0; i < arrival->partition_capacity; i++)
        BARKS_TRY(sift(arrival, &arrival->partitions[i], dropped));
    return NULL;
}

bool arrival_is_complete(const struct arrival *arrival)
{
    return arrival != NULL && arrival->is_committed && arrival->frames_left_total == 0;
}

/* --- Order --- */

bool arrival_goes_before(const struct frame *a, const struct frame *b)
{
    return a->name.run != b->name.run ? a->name.run < b->name.run
                                      : a->name.sequence < b->name.sequence;
}

static struct frame *merge(struct frame *a, struct frame *b)
{
    struct frame *merged = NULL;
    struct frame **tail = &merged;
    while (a != NULL && b != NULL) {
        struct frame **first = arrival_goes_before(b, a) ? &b : &a;
        *tail = *first;
        tail = &(*first)->next;
        *first = *tail;
    }
    *tail = a != NULL ? a : b;
    return merged;
}

/* Merge sort from below: lists[i] is NULL or holds 2^i frames. */
static struct frame *sort_frames(struct frame *frames)
{
    struct frame *lists[64] = {NULL};
    while (frames != NULL) {
        struct frame *carried = frames;
        frames = frames->next;
        carried->next = NULL;
        uint32_t i = 0;
        for (; lists[i] != NULL; i++) {
            carried = merge(lists[i], carried);
            lists[i] = NULL;
        }
        lists[i] = carried;
    }
    struct frame *sorted = NULL;
    for (uint32_t i = 0; i < 64; i++)
        sorted = merge(lists[i], sorted);
    return sorted;
}

struct frame *arrival_sorted(struct arrival *arrival, uint32_t partition)
{
    if (partition >= arrival->partition_capacity)
        return NULL;
    struct waiting *waiting = &arrival->partitions[partition];
    if (!waiting->is_sorted)
        waiting->frames = sort_frames(waiting->frames);
    waiting->is_sorted = true;
    return waiting->frames;
}

struct frame *arrival_take(struct arrival *arrival, uint32_t partition)
{
    struct frame *frame = arrival_sorted(arrival, partition);
    if (frame == NULL)
        return NULL;
    struct waiting *waiting = &arrival->partitions[partition];
    waiting->frames = frame->next;
    uncount_frame(arrival, waiting, frame);
    return frame;
}

void arrival_note_spilled(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    uncount_bytes(arrival, waiting, frame);
}
