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
    uint32_t slot;     /* that its frames are for */
    uint32_t peer;     /* index of the executor that it travels to, or did; OUT_NOBODY */
    uint64_t ready_ns; /* when its attempt ended */
    uint64_t frame_count;
    uint64_t position;      /* of its first frame in the peer's stream, once it has begun */
    uint64_t skipped_count; /* of its frames, which the peer has had before an executor was lost */
    uint8_t *bytes;         /* owned, of the pool; NULL: on disk */
    size_t capacity_bytes;
    size_t used_bytes;
    size_t sent_bytes;
    struct scratch_place place; /* of what is on disk, as it was in memory */
    bool is_moving;             /* to disk: it is not begun, and whoever moves it */
    bool is_dropped;            /* destroys it where it was dropped meanwhile */
    bool is_taken;              /* the peer has all of it */
};

enum { OUT_NOBODY = UINT32_MAX };

struct out_list {
    struct out_chunk *first;
    struct out_chunk *last;
    struct out_chunk *spilled; /* it and those before it are on disk, or on their way; NULL: none */
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
    struct out_list *lists;     /* owned: one for each slot */
    struct exchange_sent *sent; /* owned: likewise */
};

enum { OUT_BUCKETS = 64 };

/* What a job has for one executor, none of which has begun, in the order in which it became ready,
 * whatever its shuffle. */
struct out_queue {
    struct out_queue *next; /* in the stream's busy, while there is something in the list */
    struct out_list list;
    uint32_t weight; /* of the job */
    uint64_t turn;   /* of the first chunk; see outbox_flow.c */
};

/* A job that has shuffles here. */
struct out_flow {
    struct out_flow *next;
    uint64_t job;
    uint32_t shuffle_count;    /* it goes with the last one */
    struct out_queue queues[]; /* one for each executor */
};

struct out_shuffle {
    struct out_shuffle *next;
    uint64_t shuffle;
    struct out_flow *flow; /* borrowed */
};

/* What travels to one executor. Frames are numbered in the order in which they begin. */
struct out_stream {
    struct out_queue *busy;  /* those that have something, the one that came last first */
    struct out_chunk *begun; /* owned: some of it has been or is being copied, and no other begins
                                before its end; NULL: none */
    uint64_t turn;           /* of the chunk that began last */
    uint64_t position;       /* of the next frame that begins */
    bool is_lost;            /* the executor; written by the communication thread */
};

/* Who holds a slot of a shuffle, where that is not who owned it at first. */
struct out_holder {
    struct out_holder *next;
    uint64_t shuffle;
    uint32_t slot;
    uint32_t peer; /* index */
};

/* Threads: any, but for those of outbox_queue.c and outbox_retain.c, which but for outbox_queue and
 * the drops are the communication thread's. */
struct outbox {
    struct pool *pool;             /* borrowed */
    const struct spill_room *room; /* borrowed; NULL: nothing goes to disk */
    uint32_t executor_count;       /* peers are executors, of rank i + 1 at i */
    uint32_t me;
    bool encode_always;
    bool retains; /* what was sent stays */
    struct link_meter link;
    struct giver giver, retained_giver; /* where there is a room */
    struct lock lock;                   /* rank LOCK_EXCHANGE; nothing is taken under it */
    struct {
        struct out_attempt *attempts[OUT_BUCKETS];
        uint64_t queued_bytes;        /* of all that may travel and has not been copied */
        uint64_t resent_bytes;        /* that were queued again */
        struct out_list retained;     /* sent, or for a slot that nobody holds just now */
        struct out_holder *holders;   /* owned */
        struct out_shuffle *shuffles; /* owned: those that have begun */
        struct out_flow *flows;       /* owned: of their jobs */
    } locked;
    struct out_flow *rest; /* owned: of shuffles of which nothing was said; guarded by lock */
    /* Owned, one for each executor; guarded by lock. Its own has what it sends to itself as the
     * heir of another. */
    struct out_stream *streams;
};

BARKS_CHECKED barks_status *outbox_init(struct outbox *outbox,
                                        const struct exchange_options *options,
                                        uint32_t executor_count, uint32_t me);
void outbox_drop(struct outbox *outbox);

/* As exchange_add. */
BARKS_CHECKED barks_status *outbox_add(struct outbox *outbox, struct frame_name name,
                                       struct batch *batch);

/* As exchange_add_packed. */
BARKS_CHECKED barks_status *outbox_add_packed(struct outbox *outbox, struct frame_name name,
                                              const struct packed_rows *rows);

/* Takes the attempt out of the table; NULL where it never added a frame. */
struct out_attempt *outbox_take_attempt(struct outbox *outbox, uint64_t shuffle, uint32_t run,
                                        uint32_t attempt);
/* Lets what it has for others travel, which leaves the attempt without. */
void outbox_queue(struct outbox *outbox, struct out_attempt *attempt);
void outbox_destroy_attempt(struct outbox *outbox, struct out_attempt *attempt); /* NULL is fine */

/* outbox_flow.c */

/* As exchange_begin_shuffle. */
BARKS_CHECKED barks_status *outbox_begin_shuffle(struct outbox *outbox, uint64_t shuffle,
                                                 const struct exchange_share *share);
/* Nothing of it is queued any more. */
void outbox_forget_shuffle_locked(struct outbox *outbox, uint64_t shuffle);
/* A flow that no shuffle belongs to yet; NULL without memory. */
struct out_flow *out_flow_create(const struct outbox *outbox, const struct exchange_share *share);
void outbox_drop_flows(struct outbox *outbox);

/* The job of a shuffle. */
struct out_flow *outbox_flow_locked(struct outbox *outbox, uint64_t shuffle);
/* Puts chunks behind those of their job, empties the list. */
void outbox_append_locked(struct outbox *outbox, uint32_t executor, struct out_flow *flow,
                          struct out_list *chunks);
/* Puts one before them. */
void outbox_prepend_locked(struct outbox *outbox, uint32_t executor, struct out_flow *flow,
                           struct out_chunk *chunk);
/* Begins the chunk that is next; NULL: there is none, or those that are next of all jobs are just
 * moving to disk. Where none has begun. */
struct out_chunk *out_stream_begin(struct out_stream *stream);
/* Takes all out of it. */
void out_stream_clear(struct out_stream *stream, struct out_list *out);

/* outbox_queue.c */

void outbox_drop_shuffle(struct outbox *outbox, uint64_t shuffle);

/* All that may travel is dropped, also what has begun. */
void outbox_drop_all(struct outbox *outbox);

/* Copies the next bytes for an executor (an index), at most room_bytes; *out_frame_count: of frames
 * whose first byte may be among them. Errors: BARKS_IO, of what is on disk. */
BARKS_CHECKED barks_status *outbox_fill(struct outbox *outbox, uint32_t executor, uint8_t *out,
                                        size_t room_bytes, size_t *out_bytes,
                                        uint64_t *out_frame_count);

/* Whether what is queued deserves a round: many bytes, or some for linger_ns, or the rest of a
 * piece that has begun. */
bool outbox_is_worth(struct outbox *outbox, uint64_t many_bytes, uint64_t linger_ns);

uint64_t outbox_queued_bytes(struct outbox *outbox);
uint64_t outbox_resent_bytes(struct outbox *outbox);
/* Whether something is queued for this executor itself. */
bool outbox_has_own(struct outbox *outbox);

/* outbox_retain.c */

/* Those of these indices are gone for good. What is for them waits for outbox_move_slot. */
void outbox_lose(struct outbox *outbox, const bool *is_lost);
/* The executor has had all frames before this position of its stream, and nothing of those behind:
 * they are queued again. Errors: BARKS_BAD_INPUT (it was never sent so many). */
BARKS_CHECKED barks_status *outbox_resume(struct outbox *outbox, uint32_t executor,
                                          uint64_t position);
/* As exchange_move_slot; holder is an index. */
BARKS_CHECKED barks_status *outbox_move_slot(struct outbox *outbox, uint64_t shuffle, uint32_t slot,
                                             uint32_t holder);
/* To whom frames of a slot go; OUT_NOBODY. */
uint32_t outbox_holder_locked(const struct outbox *outbox, uint64_t shuffle, uint32_t slot);
void outbox_forget_holders_locked(struct outbox *outbox, uint64_t shuffle); /* 0: all */
/* Makes the chunk one that has not begun, and begins behind so many frames. */
void out_chunk_rewind(struct out_chunk *chunk, uint64_t skipped_count);
/* How many bytes those frames of a chunk have that are skipped. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *out_chunk_skip(const struct outbox *outbox,
                                           const struct out_chunk *chunk, size_t *out_bytes);

/* What the files of the outbox share. */
void out_list_append(struct out_list *to, struct out_list *from); /* empties from */
void out_list_add(struct out_list *list, struct out_chunk *chunk);
struct out_chunk *out_list_pop(struct out_list *list); /* of one that is not empty */
void out_list_destroy(struct outbox *outbox, struct out_list *list);

/* outbox_spill.c, for outbox.c. */

/* Puts what a running attempt of this thread has on disk; what finds no memory to be encoded stays.
 * Errors: those of scratch_write. */
BARKS_CHECKED barks_status *outbox_spill_attempt(struct outbox *outbox, struct out_attempt *attempt,
                                                 uint64_t *out_bytes);
/* The next bytes of a chunk on disk. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *outbox_read_chunk(const struct outbox *outbox,
                                              const struct out_chunk *chunk, uint8_t *out,
                                              size_t size_bytes);
/* As struct giver wants it: what is retained, which nobody may ever want; and the rest. */
uint64_t outbox_give_retained(void *context, uint64_t bytes, barks_status **out_failure);
uint64_t outbox_give(void *context, uint64_t bytes, barks_status **out_failure);
void out_chunk_destroy(struct outbox *outbox, struct out_chunk *chunk);
