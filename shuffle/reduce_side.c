#include "shuffle/reduce_side.h"

#include "base/lock.h"
#include "batch/batch.h"
#include "batch/codec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Frames of one reduce partition, newest first until somebody reads it. */
struct waiting {
    struct frame *frames; /* owned */
    uint32_t lent_count;  /* readers that walk the list */
    bool is_sorted;       /* by (run, sequence) */
};

/* One shuffle. All of it is guarded by the reduce side's lock, but that lists which are lent are
 * read without it: nothing changes them until they are given back. */
struct arrival {
    uint64_t shuffle;
    struct waiting *partitions; /* owned */
    uint32_t partition_capacity;
    uint32_t reader_count;
    bool is_dropped; /* the last reader frees it */
    bool is_committed;
    uint32_t run_count;    /* committed */
    uint32_t *attempts;    /* owned; which counts, by run */
    uint64_t *frames_left; /* owned; that have not arrived, by run */
    uint64_t frames_left_total;
    struct reduce_side_counters counters;
};

struct reduce_side {
    struct pool *pool;
    struct lock lock;
    struct {
        struct arrival **arrivals; /* owned; by ascending shuffle */
        uint32_t arrival_count;
        uint32_t arrival_capacity;
    } locked;
};

barks_status *reduce_side_create(struct pool *pool, struct reduce_side **out_reduce_side)
{
    struct reduce_side *reduce_side = calloc(1, sizeof *reduce_side);
    if (reduce_side == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the reduce side of shuffles");
    reduce_side->pool = pool;
    lock_init(&reduce_side->lock, LOCK_STORE, "reduce side");
    *out_reduce_side = reduce_side;
    return NULL;
}

static void destroy_frames(struct frame *frames)
{
    while (frames != NULL) {
        struct frame *next = frames->next;
        frame_destroy(frames);
        frames = next;
    }
}

static void arrival_destroy(struct arrival *arrival)
{
    for (uint32_t i = 0; i < arrival->partition_capacity; i++)
        destroy_frames(arrival->partitions[i].frames);
    free(arrival->partitions);
    free(arrival->attempts);
    free(arrival->frames_left);
    free(arrival);
}

void reduce_side_destroy(struct reduce_side *reduce_side)
{
    if (reduce_side == NULL)
        return;
    for (uint32_t i = 0; i < reduce_side->locked.arrival_count; i++)
        arrival_destroy(reduce_side->locked.arrivals[i]);
    free(reduce_side->locked.arrivals);
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
    struct arrival *arrival = calloc(1, sizeof *arrival);
    if (arrival == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for shuffle %" PRIu64, shuffle);
    arrival->shuffle = shuffle;
    memmove(reduce_side->locked.arrivals + place + 1, reduce_side->locked.arrivals + place,
            (count - place) * sizeof(struct arrival *));
    reduce_side->locked.arrivals[place] = arrival;
    reduce_side->locked.arrival_count++;
    *out_arrival = arrival;
    return NULL;
}

/* --- Frames that arrive --- */

static void count_frame(struct arrival *arrival, const struct frame *frame)
{
    arrival->counters.frames++;
    arrival->counters.rows += frame->name.row_count;
    arrival->counters.bytes += frame->name.body_bytes;
}

static void uncount_frame(struct arrival *arrival, const struct frame *frame)
{
    arrival->counters.frames--;
    arrival->counters.rows -= frame->name.row_count;
    arrival->counters.bytes -= frame->name.body_bytes;
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

/* Sets *out_is_taken when the frame waits now; else it is the caller's still. */
BARKS_CHECKED static barks_status *deliver_locked(struct reduce_side *reduce_side,
                                                  struct frame *frame, bool *out_is_taken)
{
    const struct frame_name *name = &frame->name;
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, name->shuffle, &arrival));
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
    count_frame(arrival, frame);
    *out_is_taken = true;
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
    lock_acquire(&reduce_side->lock);
    barks_status *status = deliver_locked(reduce_side, frame, &is_taken);
    lock_release(&reduce_side->lock);
    if (!is_taken)
        frame_destroy(frame);
    return status;
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
            uncount_frame(arrival, frame);
            frame->next = *dropped;
            *dropped = frame;
            continue;
        }
        BARKS_TRY(expect_less(arrival, &frame->name));
        link = &frame->next;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *commit_locked(struct reduce_side *reduce_side, uint64_t shuffle,
                                                 uint32_t run_count, const uint32_t *attempts,
                                                 const uint64_t *frame_counts,
                                                 struct frame **dropped)
{
    struct arrival *arrival = NULL;
    BARKS_TRY(find_or_add_locked(reduce_side, shuffle, &arrival));
    if (arrival->is_committed)
        BARKS_FAIL(BARKS_INVALID, "shuffle %" PRIu64 " is committed already", shuffle);
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

barks_status *reduce_side_commit(struct reduce_side *reduce_side, uint64_t shuffle,
                                 uint32_t run_count, const uint32_t *attempts,
                                 const uint64_t *frame_counts)
{
    struct frame *dropped = NULL;
    lock_acquire(&reduce_side->lock);
    barks_status *status =
        commit_locked(reduce_side, shuffle, run_count, attempts, frame_counts, &dropped);
    lock_release(&reduce_side->lock);
    destroy_frames(dropped);
    return status;
}

static bool is_complete(const struct arrival *arrival)
{
    return arrival != NULL && arrival->is_committed && arrival->frames_left_total == 0;
}

bool reduce_side_is_complete(struct reduce_side *reduce_side, uint64_t shuffle)
{
    lock_acquire(&reduce_side->lock);
    bool complete = is_complete(find_locked(reduce_side, shuffle));
    lock_release(&reduce_side->lock);
    return complete;
}

void reduce_side_visit_sizes(struct reduce_side *reduce_side, uint64_t shuffle,
                             void (*visit)(void *context, uint32_t partition, uint64_t bytes),
                             void *context)
{
    lock_acquire(&reduce_side->lock);
    const struct arrival *arrival = find_locked(reduce_side, shuffle);
    for (uint32_t i = 0; arrival != NULL && i < arrival->partition_capacity; i++) {
        uint64_t bytes = 0;
        for (const struct frame *frame = arrival->partitions[i].frames; frame != NULL;
             frame = frame->next)
            bytes += frame->batch != NULL ? batch_bytes(frame->batch) : frame->name.body_bytes;
        if (bytes > 0)
            visit(context, i, bytes);
    }
    lock_release(&reduce_side->lock);
}

/* --- Reading --- */

static bool goes_before(const struct frame *a, const struct frame *b)
{
    return a->name.run != b->name.run ? a->name.run < b->name.run
                                      : a->name.sequence < b->name.sequence;
}

static struct frame *merge(struct frame *a, struct frame *b)
{
    struct frame *merged = NULL;
    struct frame **tail = &merged;
    while (a != NULL && b != NULL) {
        struct frame **first = goes_before(b, a) ? &b : &a;
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

/* A reader's hold on one partition. */
struct reading {
    struct arrival *arrival;
    uint32_t partition;
    bool take;
    bool is_lent;         /* counted in lent_count */
    struct frame *frames; /* owned with take, else lent */
};

BARKS_CHECKED static barks_status *begin_locked(struct reduce_side *reduce_side, uint64_t shuffle,
                                                struct reading *reading)
{
    struct arrival *arrival = find_locked(reduce_side, shuffle);
    if (!is_complete(arrival))
        BARKS_FAIL(BARKS_INVALID, "shuffle %" PRIu64 " is read before all of it has arrived",
                   shuffle);
    reading->frames = NULL;
    if (reading->partition < arrival->partition_capacity) {
        struct waiting *waiting = &arrival->partitions[reading->partition];
        if (reading->take && waiting->lent_count > 0)
            BARKS_FAIL(BARKS_INVALID, "partition %" PRIu32 " is taken while another reads it",
                       reading->partition);
        if (!waiting->is_sorted)
            waiting->frames = sort_frames(waiting->frames);
        waiting->is_sorted = true;
        reading->frames = waiting->frames;
        if (reading->take) {
            for (const struct frame *frame = reading->frames; frame != NULL; frame = frame->next)
                uncount_frame(arrival, frame);
            waiting->frames = NULL;
        } else {
            waiting->lent_count++;
            reading->is_lent = true;
        }
    }
    arrival->reader_count++;
    reading->arrival = arrival;
    return NULL;
}

static void end_reading(struct reduce_side *reduce_side, struct reading *reading)
{
    struct arrival *arrival = reading->arrival;
    lock_acquire(&reduce_side->lock);
    if (reading->is_lent)
        arrival->partitions[reading->partition].lent_count--;
    bool is_last = --arrival->reader_count == 0 && arrival->is_dropped;
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
        BARKS_TRY(batch_create(reduce_side->pool, schema, frame->name.row_count, decoded));
    batch_clear(*decoded);
    BARKS_TRY(codec_decode(frame->body->bytes, frame->body->size_bytes, frame->body, *decoded));
    return check_rows(&frame->name, *decoded);
}

BARKS_CHECKED static barks_status *
visit_frame(struct reduce_side *reduce_side, struct frame *frame, const barks_schema *schema,
            bool take, struct batch **decoded,
            barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    const struct frame_name *name = &frame->name;
    if (frame->next != NULL && !goes_before(frame, frame->next))
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

barks_status *reduce_side_read(struct reduce_side *reduce_side, uint64_t shuffle,
                               uint32_t partition, const barks_schema *schema, bool take,
                               barks_status *(*visit)(void *context, struct batch *batch),
                               void *context)
{
    struct reading reading = {.partition = partition, .take = take};
    lock_acquire(&reduce_side->lock);
    barks_status *status = begin_locked(reduce_side, shuffle, &reading);
    lock_release(&reduce_side->lock);
    if (status != NULL)
        return status;
    struct batch *decoded = NULL;
    struct frame *frame = reading.frames;
    while (frame != NULL && status == NULL) {
        struct frame *next = frame->next;
        status = visit_frame(reduce_side, frame, schema, take, &decoded, visit, context);
        if (take)
            frame_destroy(frame);
        frame = next;
    }
    batch_destroy(decoded);
    if (take)
        destroy_frames(frame);
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
        if (arrival->reader_count == 0)
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
