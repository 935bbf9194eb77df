/* One slot of a shuffle on the side that reads it: the frames that have arrived, and which are to
 * come. */
#pragma once

#include "barks/status.h"
#include "shuffle/frame.h"
#include "shuffle/reduce_side.h"

#include <stdbool.h>
#include <stdint.h>

/* Frames of one reduce partition, newest first until somebody reads it. */
struct waiting {
    struct frame *frames;  /* owned */
    uint32_t lent_count;   /* readers that walk the list */
    bool is_sorted;        /* by (run, sequence) */
    bool is_moving;        /* some of its frames are being written to disk */
    bool is_forgotten;     /* its frames were freed: the task that has read them counts */
    uint64_t memory_bytes; /* counted_bytes of its frames */
    uint64_t read_bytes;   /* of these, of the frames that were read */
};

/* All of it is guarded by the reduce side's lock, but that frames which move or have a reader are
 * used without it: nobody else changes them. A list that is lent loses no frame. */
struct arrival {
    uint64_t shuffle;
    uint32_t slot;
    bool recovers;              /* it may be committed again */
    struct waiting *partitions; /* owned */
    uint32_t partition_capacity;
    uint32_t user_count;   /* readers, and who writes frames to disk */
    uint32_t moving_count; /* of its partitions */
    bool is_dropped;       /* the last user frees it */
    bool is_committed;
    uint32_t first_partition, end_partition; /* committed, as all that follows */
    uint32_t run_count;
    uint32_t *attempts;     /* owned; which counts, by run */
    uint64_t *frame_counts; /* owned; of the attempt that counts, by run */
    uint64_t *frames_left;  /* owned; that have not arrived, by run */
    uint64_t frames_left_total;
    uint64_t stray_count;  /* frames that are here and do not count, as things stand */
    uint64_t memory_bytes; /* of all partitions, as the next */
    uint64_t read_bytes;
    struct reduce_side_counters counters;
};

/* NULL without memory. */
struct arrival *arrival_create(uint64_t shuffle, uint32_t slot, bool recovers);
void arrival_destroy(struct arrival *arrival);

/* Sets *out_is_taken when the frame waits now; else it is the caller's still. Errors: those of
 * reduce_side_deliver. */
BARKS_CHECKED barks_status *arrival_deliver(struct arrival *arrival, struct frame *frame,
                                            bool *out_is_taken);

/* As reduce_side_commit, but that strays stay until arrival_drop_strays. No partition may be
 * moving. */
BARKS_CHECKED barks_status *arrival_commit(struct arrival *arrival,
                                           const struct reduce_commit *commit);

/* Whether frames that do not count will not count any more either: arrival_drop_strays is due. */
bool arrival_is_to_sift(const struct arrival *arrival);
/* Moves them to *dropped, the caller's. No partition may be moving. */
void arrival_drop_strays(struct arrival *arrival, struct frame **dropped);

/* True once it is committed and just those frames it expects are there. NULL gives false. */
bool arrival_is_complete(const struct arrival *arrival);
/* Whether it is committed and the partition is one of its. */
bool arrival_has_partition(const struct arrival *arrival, uint32_t partition);

/* The frames of a partition in the order (run, sequence): they stay where they are. */
struct frame *arrival_sorted(struct arrival *arrival, uint32_t partition);
/* All of them, taken out: the caller's. The partition, which nobody reads just now and which is not
 * moving, cannot be read again. */
struct frame *arrival_forget(struct arrival *arrival, uint32_t partition);

/* Its only reader has seen the frame, which may be for the second time. */
void arrival_note_read(struct arrival *arrival, struct waiting *waiting, struct frame *frame);

/* A frame of the partition went to disk. */
void arrival_note_spilled(struct arrival *arrival, struct waiting *waiting, struct frame *frame);

bool arrival_goes_before(const struct frame *a, const struct frame *b);
void arrival_destroy_frames(struct frame *frames); /* a list */
