/* The sending half of an exchange: frames under their attempts, then streams of bytes for each
 * other executor. */
#pragma once

#include "base/givers.h"
#include "base/lock.h"
#include "shuffle/exchange.h"
#include "store/spill.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames, header and body, one after the other in one piece of memory: what an attempt has for one
 * executor is a list of these. A frame never spans two; a large one has one to itself. */
struct out_chunk {
    struct out_chunk *next;
    uint64_t shuffle;
    uint64_t ready_ns; /* when its attempt ended */
    uint64_t frame_count;
    uint8_t *bytes; /* owned, of the pool; NULL: on disk */
    size_t capacity_bytes;
    size_t used_bytes;
    size_t sent_bytes;
    struct scratch_place place; /* of what is on disk, as it was in memory */
    bool has_begun;             /* some of it has been or is being copied: it travels whole */
    bool is_moving;             /* to disk: it is not begun, and whoever moves it */
    bool is_dropped;            /* destroys it where it was dropped meanwhile */
};

struct out_list {
    struct out_chunk *first;
    struct out_chunk *last;
    struct out_chunk *spilled; /* of an attempt: it and those before it are on disk; NULL: none */
};

/* What an attempt has made so far. Owned by the thread that runs it, but for the table's link. */
struct out_attempt {
    struct out_attempt *next; /* in its bucket; guarded by the outbox's lock */
    uint64_t shuffle;
    uint32_t run;
    uint32_t attempt;
    pthread_t thread;         /* that runs it */
    bool is_spilling;         /* memory that this thread asks for is for that */
    uint32_t *next_sequences; /* owned; for each partition below partition_capacity */
    uint32_t partition_capacity;
    struct frame *own_first; /* frames to this executor, in order */
    struct frame *own_last;
    struct frame *own_spilled;  /* it and those before it are on disk; NULL: none */
    struct out_list *lists;     /* owned: one for each executor */
    struct exchange_sent *sent; /* owned: likewise */
};

enum { OUT_BUCKETS = 64 };

/* Threads: any, but outbox_fill, outbox_is_worth and outbox_drop_all, which are the communication
 * thread's. */
struct outbox {
    struct pool *pool;             /* borrowed */
    const struct spill_room *room; /* borrowed; NULL: nothing goes to disk */
    uint32_t executor_count;       /* peers are executors, of rank i + 1 at i */
    uint32_t me;
    bool encode_always;
    struct link_meter link;
    struct giver giver; /* where there is a room */
    struct lock lock;   /* rank LOCK_EXCHANGE; nothing is taken under it */
    struct {
        struct out_attempt *attempts[OUT_BUCKETS];
        uint64_t queued_bytes; /* of all that may travel and has not been copied */
    } locked;
    struct out_list *queues; /* owned, one for each executor; guarded by lock */
};

BARKS_CHECKED barks_status *outbox_init(struct outbox *outbox,
                                        const struct exchange_options *options,
                                        uint32_t executor_count, uint32_t me);
void outbox_drop(struct outbox *outbox);

/* As exchange_add. */
BARKS_CHECKED barks_status *outbox_add(struct outbox *outbox, struct frame_name name,
                                       struct batch *batch);

/* Takes the attempt out of the table; NULL where it never added a frame. */
struct out_attempt *outbox_take_attempt(struct outbox *outbox, uint64_t shuffle, uint32_t run,
                                        uint32_t attempt);
/* Lets what it has for others travel, which leaves the attempt without. */
void outbox_queue(struct outbox *outbox, struct out_attempt *attempt);
void outbox_destroy_attempt(struct outbox *outbox, struct out_attempt *attempt); /* NULL is fine */

void outbox_drop_shuffle(struct outbox *outbox, uint64_t shuffle);

/* All that may travel is dropped, also what has begun. */
void outbox_drop_all(struct outbox *outbox);

/* Copies the next bytes for an executor, at most room_bytes; *out_frame_count: of frames whose
 * first byte may be among them. Errors: BARKS_IO, of what is on disk. */
BARKS_CHECKED barks_status *outbox_fill(struct outbox *outbox, uint32_t executor, uint8_t *out,
                                        size_t room_bytes, size_t *out_bytes,
                                        uint64_t *out_frame_count);

/* Whether what is queued deserves a round: many bytes, or some for linger_ns, or the rest of a
 * piece that has begun. */
bool outbox_is_worth(struct outbox *outbox, uint64_t many_bytes, uint64_t linger_ns);

uint64_t outbox_queued_bytes(struct outbox *outbox);

/* outbox_spill.c, for outbox.c. */

/* Puts what a running attempt of this thread has on disk; what finds no memory to be encoded stays.
 * Errors: those of scratch_write. */
BARKS_CHECKED barks_status *outbox_spill_attempt(struct outbox *outbox, struct out_attempt *attempt,
                                                 uint64_t *out_bytes);
/* The next bytes of a chunk on disk. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *outbox_read_chunk(const struct outbox *outbox,
                                              const struct out_chunk *chunk, uint8_t *out,
                                              size_t size_bytes);
/* As struct giver wants it. */
uint64_t outbox_give(void *context, uint64_t bytes, barks_status **out_failure);
void out_chunk_destroy(struct outbox *outbox, struct out_chunk *chunk);
