/* Where frames wait until their reduce partition is read. */
#pragma once

#include "barks/status.h"
#include "shuffle/frame.h"

#include <stdbool.h>
#include <stdint.h>

/* One for each executor, holding all its shuffles. Threads: any; it locks (LOCK_STORE). */
struct reduce_side;
struct spill_room;

/* Frames name partitions below this. */
enum { REDUCE_PARTITIONS_MAX = 1 << 20 };

/* A giver of the room's pool, where the room has disk space. room is borrowed. recovers: a shuffle
 * may be committed again, since executors may be lost. */
BARKS_CHECKED barks_status *reduce_side_create(const struct spill_room *room, bool recovers,
                                               struct reduce_side **out_reduce_side);
void reduce_side_destroy(struct reduce_side *reduce_side); /* NULL is fine */

/* Takes a frame that arrived, also where it fails. A frame of an attempt that was not committed is
 * kept until the commit says which counts; later ones of other attempts are dropped, where it
 * recovers only once all of the slot has arrived: until then another commit may name them.
 * Errors: BARKS_BAD_INPUT (a partition or run out of range, more frames of a run than its commit
 * named), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *reduce_side_deliver(struct reduce_side *reduce_side,
                                                struct frame *frame);

/* The driver's word on one slot of a shuffle (frame.h) that this executor holds, as its owner or as
 * the heir of one that was lost: for run i attempt attempts[i] counts and has sent frame_counts[i]
 * frames for the slot. Its partitions are first_partition to end_partition - 1, which may be none.
 */
struct reduce_commit {
    uint64_t shuffle;
    uint32_t slot;
    uint32_t first_partition, end_partition;
    uint32_t run_count;
    const uint32_t *attempts;
    const uint64_t *frame_counts;
};

/**
 * Frames of other attempts are dropped. Where it recovers, a slot may be committed again, with
 * other attempts for runs whose output was lost. Where the frames of all of these runs are there,
 * what was said before stands, and frames of the new attempts are dropped; else the new attempts
 * count, all together, and frames of the ones before are dropped. Nothing changes at a slot that is
 * complete.
 *
 * Errors: BARKS_INVALID (committed before, or with other runs), BARKS_BAD_INPUT (more frames of a
 * run than named, runs or partitions out of range), BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *reduce_side_commit(struct reduce_side *reduce_side,
                                               const struct reduce_commit *commit);

/* True once the slot is committed and every frame it expects has arrived; asked by the
 * communication thread after each delivery and commit. O(log slots). */
bool reduce_side_is_complete(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t slot);

/* Calls visit for each partition of the slot that has rows, ascending, with about the bytes of
 * them: encoded or in memory, as they came. visit is called under the lock. O(frames). */
void reduce_side_visit_sizes(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t slot,
                             void (*visit)(void *context, uint32_t partition, uint64_t bytes),
                             void *context);

/* The same of one partition of a committed slot, which somebody is about to read; 0 where there are
 * none. */
uint64_t reduce_side_partition_bytes(struct reduce_side *reduce_side, uint64_t shuffle,
                                     uint32_t partition);

/* What is read of a shuffle: a partition, or piece `piece` of piece_count: the rows of so many of
 * the runs that filled it, which are dealt to the pieces in order, as evenly as may be. */
struct reduce_read {
    uint64_t shuffle;
    uint32_t partition;
    uint32_t piece, piece_count; /* 0 of 1: all of it */
    const barks_schema *schema;  /* of the rows */
    /* One task alone reads the partition, so that what it has read is wanted again only where that
     * fails: such frames go to disk before others, and are freed by reduce_side_forget. */
    bool is_only_reader;
};

/**
 * Calls visit for each frame's rows in (run, sequence) order: the order (map partition, position),
 * since runs are contiguous ranges of partitions in order. So pieces one after the other give what
 * the whole partition gives.
 *
 * Frames stay where they are, so that a task that fails can be tried again.
 *
 * Ownership: the batch is lent until visit returns.
 * Errors:    BARKS_BAD_INPUT (a frame that does not decode, rows other than it named, two frames of
 *            one name), BARKS_INVALID (its slot is not complete), BARKS_LOST (the partition was
 *            forgotten), those of visit, which end the walk.
 * Threads:   any number may read a partition at once.
 */
BARKS_CHECKED barks_status *
reduce_side_read(struct reduce_side *reduce_side, const struct reduce_read *what,
                 barks_status *(*visit)(void *context, struct batch *batch), void *context);

/* Frees the frames of a partition: the task that alone reads it has ended well. Where somebody
 * reads it just now, it is for a new attempt at that task, and all stays. */
void reduce_side_forget(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t partition);

/* The same without decoding: calls visit for each frame of a partition, in that order; all of them
 * stay. Errors: BARKS_INVALID (its slot is not complete, or was dropped), those of visit. */
BARKS_CHECKED barks_status *
reduce_side_visit_frames(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t partition,
                         barks_status *(*visit)(void *context, const struct frame *frame),
                         void *context);

/* Everything of the shuffle is freed, all its slots, what is being read when its readers have
 * ended. */
void reduce_side_drop(struct reduce_side *reduce_side, uint64_t shuffle);

/* Of the frames that wait, in all slots. */
struct reduce_side_counters {
    uint64_t frames;
    uint64_t rows;
    uint64_t bytes; /* encoded; those handed over by reference count 0 */
};
struct reduce_side_counters reduce_side_counters(struct reduce_side *reduce_side, uint64_t shuffle);
