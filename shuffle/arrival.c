#include "shuffle/arrival.h"

#include "base/assertion.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arrival *arrival_create(uint64_t shuffle, uint32_t slot, bool recovers)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival != NULL)
        *arrival = (struct arrival){.shuffle = shuffle, .slot = slot, .recovers = recovers};
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
    free(arrival->frame_counts);
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
    waiting->read_bytes -= frame->was_read ? frame->counted_bytes : 0;
    arrival->read_bytes -= frame->was_read ? frame->counted_bytes : 0;
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

/* The frame has a place among what is committed. */
BARKS_CHECKED static barks_status *check_place(const struct arrival *arrival,
                                               const struct frame_name *name)
{
    if (name->run >= arrival->run_count)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "shuffle %" PRIu64 ": a frame of run %" PRIu32 ", of which there are %" PRIu32,
                   name->shuffle, name->run, arrival->run_count);
    if (!arrival_has_partition(arrival, name->partition))
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "shuffle %" PRIu64 ": a frame of partition %" PRIu32 " in slot %" PRIu32
                   ", whose partitions are %" PRIu32 " to %" PRIu32,
                   name->shuffle, name->partition, name->slot, arrival->first_partition,
                   arrival->end_partition);
    return NULL;
}

/* Whether a frame that does not count now may still do so after another commit. */
static bool may_count(const struct arrival *arrival)
{
    return arrival->recovers && arrival->frames_left_total > 0;
}

barks_status *arrival_deliver(struct arrival *arrival, struct frame *frame, bool *out_is_taken)
{
    const struct frame_name *name = &frame->name;
    bool is_stray = false;
    if (arrival->is_committed) {
        BARKS_TRY(check_place(arrival, name));
        is_stray = name->attempt != arrival->attempts[name->run];
        if (is_stray && !may_count(arrival))
            return NULL;
    }
    BARKS_TRY(reserve_partition(arrival, name->partition));
    if (is_stray)
        arrival->stray_count++;
    else if (arrival->is_committed)
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

BARKS_CHECKED static barks_status *begin_commit(struct arrival *arrival,
                                                const struct reduce_commit *commit)
{
    size_t count = (size_t)commit->run_count + 1;
    arrival->attempts = calloc(count, sizeof *arrival->attempts);
    arrival->frame_counts = calloc(count, sizeof *arrival->frame_counts);
    arrival->frames_left = calloc(count, sizeof *arrival->frames_left);
    if (arrival->attempts == NULL || arrival->frame_counts == NULL ||
        arrival->frames_left == NULL) {
        free(arrival->attempts);
        free(arrival->frame_counts);
        free(arrival->frames_left);
        arrival->attempts = NULL;
        arrival->frame_counts = arrival->frames_left = NULL;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the commit of %" PRIu32 " runs",
                   commit->run_count);
    }
    for (uint32_t run = 0; run < commit->run_count; run++) {
        arrival->attempts[run] = commit->attempts[run];
        arrival->frame_counts[run] = commit->frame_counts[run];
    }
    arrival->first_partition = commit->first_partition;
    arrival->end_partition = commit->end_partition;
    arrival->run_count = commit->run_count;
    arrival->is_committed = true;
    return NULL;
}

/* Whether all is there of the runs whose attempts are others now. */
static bool lot_is_whole(const struct arrival *arrival, const struct reduce_commit *commit)
{
    for (uint32_t run = 0; run < commit->run_count; run++)
        if (arrival->attempts[run] != commit->attempts[run] && arrival->frames_left[run] > 0)
            return false;
    return true;
}

/* Attempts are changed all together or not at all: those of one executor may have shared their
 * input among them (exec/partition_share.h), so that one of them says nothing without the others.
 * Both what stands and what comes is of one piece, and so is the result. */
BARKS_CHECKED static barks_status *commit_again(struct arrival *arrival,
                                                const struct reduce_commit *commit)
{
    if (!arrival->recovers)
        BARKS_FAIL(BARKS_INVALID, "shuffle %" PRIu64 " is committed already", arrival->shuffle);
    if (arrival->run_count != commit->run_count ||
        arrival->first_partition != commit->first_partition ||
        arrival->end_partition != commit->end_partition)
        BARKS_FAIL(BARKS_INVALID,
                   "shuffle %" PRIu64 " is committed again with %" PRIu32 " runs, and had %" PRIu32
                   ", or with other partitions",
                   arrival->shuffle, commit->run_count, arrival->run_count);
    if (lot_is_whole(arrival, commit))
        return NULL;
    for (uint32_t run = 0; run < commit->run_count; run++) {
        arrival->attempts[run] = commit->attempts[run];
        arrival->frame_counts[run] = commit->frame_counts[run];
    }
    return NULL;
}

/* Nobody has read any of it yet, so what is here is all that has come. */
BARKS_CHECKED static barks_status *count_again(struct arrival *arrival)
{
    arrival->frames_left_total = 0;
    arrival->stray_count = 0;
    for (uint32_t run = 0; run < arrival->run_count; run++) {
        arrival->frames_left[run] = arrival->frame_counts[run];
        arrival->frames_left_total += arrival->frame_counts[run];
    }
    for (uint32_t i = 0; i < arrival->partition_capacity; i++)
        for (const struct frame *frame = arrival->partitions[i].frames; frame != NULL;
             frame = frame->next) {
            BARKS_TRY(check_place(arrival, &frame->name));
            if (frame->name.attempt == arrival->attempts[frame->name.run])
                BARKS_TRY(expect_less(arrival, &frame->name));
            else
                arrival->stray_count++;
        }
    return NULL;
}

barks_status *arrival_commit(struct arrival *arrival, const struct reduce_commit *commit)
{
    BARKS_ASSERT(arrival->moving_count == 0);
    bool was_complete = arrival_is_complete(arrival);
    BARKS_TRY(arrival->is_committed ? commit_again(arrival, commit)
                                    : begin_commit(arrival, commit));
    return was_complete ? NULL : count_again(arrival);
}

bool arrival_is_to_sift(const struct arrival *arrival)
{
    return arrival->stray_count > 0 && (!arrival->recovers || arrival->frames_left_total == 0);
}

void arrival_drop_strays(struct arrival *arrival, struct frame **dropped)
{
    BARKS_ASSERT(arrival->moving_count == 0);
    for (uint32_t i = 0; i < arrival->partition_capacity && arrival->stray_count > 0; i++) {
        struct waiting *waiting = &arrival->partitions[i];
        for (struct frame **link = &waiting->frames; *link != NULL;) {
            struct frame *frame = *link;
            if (frame->name.attempt == arrival->attempts[frame->name.run]) {
                link = &frame->next;
                continue;
            }
            *link = frame->next;
            uncount_frame(arrival, waiting, frame);
            frame->next = *dropped;
            *dropped = frame;
            arrival->stray_count--;
        }
    }
}

bool arrival_is_complete(const struct arrival *arrival)
{
    return arrival != NULL && arrival->is_committed && arrival->frames_left_total == 0 &&
           arrival->stray_count == 0;
}

bool arrival_has_partition(const struct arrival *arrival, uint32_t partition)
{
    return arrival->is_committed && partition >= arrival->first_partition &&
           partition < arrival->end_partition;
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

struct frame *arrival_forget(struct arrival *arrival, uint32_t partition)
{
    struct waiting *waiting = &arrival->partitions[partition];
    struct frame *frames = waiting->frames;
    BARKS_ASSERT(waiting->lent_count == 0 && !waiting->is_moving);
    for (struct frame *frame = frames; frame != NULL; frame = frame->next)
        uncount_frame(arrival, waiting, frame);
    waiting->frames = NULL;
    waiting->is_forgotten = true;
    return frames;
}

void arrival_note_read(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    if (frame->was_read)
        return;
    frame->was_read = true;
    waiting->read_bytes += frame->counted_bytes;
    arrival->read_bytes += frame->counted_bytes;
}

void arrival_note_spilled(struct arrival *arrival, struct waiting *waiting, struct frame *frame)
{
    uncount_bytes(arrival, waiting, frame);
}
