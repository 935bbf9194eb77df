/* Carries frames between executors in bounded all-to-all rounds. */
#pragma once

#include "barks/status.h"
#include "shuffle/frame.h"
#include "shuffle/link_meter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;
struct net;
struct pool;
struct spill_room;

/* One for each executor. The communication thread drives it; workers add frames.
 *
 * Life of a frame: exchange_add by a worker (held under its attempt) -> exchange_end_attempt (it
 * may travel; those for this executor itself are delivered at once, by reference) -> some round,
 * cut in pieces as rounds allow -> deliver on the executor that owns its partition.
 *
 * Zero options mean the default. All executors must have the same, but for a round_bytes_per_peer
 * of 64 KiB or more. */
struct exchange_options {
    struct pool *pool;
    const struct spill_room *room; /* of the pool, for rows when memory is used up; NULL: no disk */
    struct net *net;
    uint64_t
        round_bytes_per_peer; /* 4 MiB, or less where many executors or a small budget ask it */
    uint64_t linger_ns; /* 2 ms: how long a few KiB wait for more before they ask for a round */
    uint32_t stalled_rounds_max; /* 500: how often rounds may move nothing for want of memory */
    enum link_compression compression;
    bool encode_always; /* frames to oneself are encoded as well (a test of the encoding) */
    bool retains; /* executors may be lost: what was sent stays until its shuffle is dropped */
    /* Takes the frame, also where it fails. Called by the communication thread, or by the worker
     * that ends an attempt (frames to oneself). */
    barks_status *(*deliver)(void *context, struct frame *frame);
    void *context;
};
/* Where there are other executors it takes five sets of round buffers from the pool, at most a
 * thirteenth of the budget unless that is tiny, and keeps them.
 * Errors: BARKS_INVALID (the driver has no exchange), BARKS_NO_MEMORY, BARKS_LIMIT. */
BARKS_CHECKED barks_status *exchange_create(const struct exchange_options *options,
                                            struct exchange **out_exchange);
void exchange_destroy(struct exchange *exchange);

/* The job that a shuffle belongs to, which shares rounds with other jobs by its weight. */
struct exchange_share {
    uint64_t job;
    uint32_t weight; /* that of all its shuffles; 0: 1 */
};
/* Says so, before the shuffle's first attempt ends on this executor and until
 * exchange_drop_shuffle; the same word twice is fine. To each peer what jobs have queued travels in
 * proportion to their weights, and what a job has in the order in which its attempts have ended.
 * Shuffles of which nothing is said share the part of one job of weight 1.
 * Threads: any. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *exchange_begin_shuffle(struct exchange *exchange, uint64_t shuffle,
                                                   const struct exchange_share *share);

/* What an attempt sent to one slot (frame.h); the driver's commit repeats these numbers, and the
 * receiver counts. */
struct exchange_sent {
    uint32_t executor; /* rank that names the slot */
    uint64_t frame_count;
    uint64_t row_count;
    uint64_t bytes; /* that travel, without headers; 0 for those handed over by reference */
};

/* Takes batch (whole), encodes it when owner is not this executor. owner is the rank that owned the
 * partition when the shuffle began, lost or not: its slot. Threads: any; one thread per attempt.
 * Errors: BARKS_NO_MEMORY, BARKS_LIMIT (the pool, or FRAME_BODY_BYTES_MAX); the batch is destroyed
 * all the same, and the attempt must be ended as not good. */
BARKS_CHECKED barks_status *exchange_add(struct exchange *exchange, uint64_t shuffle, uint32_t run,
                                         uint32_t attempt, uint32_t partition, uint32_t owner,
                                         struct batch *batch);

/* The same of rows that are packed already, for another executor than this one: name tells shuffle,
 * run, attempt, partition, slot and the number of rows. They stay the caller's. */
struct packed_rows;
BARKS_CHECKED barks_status *exchange_add_packed(struct exchange *exchange,
                                                const struct frame_name *name,
                                                const struct packed_rows *rows);

/* The attempt is over. good: its frames may travel; out_sent gets one entry for each slot (rank i +
 * 1 at i). Not good: they are dropped, and out_sent may be NULL. Errors: those of deliver; nothing
 * of the attempt travels then. */
BARKS_CHECKED barks_status *exchange_end_attempt(struct exchange *exchange, uint64_t shuffle,
                                                 uint32_t run, uint32_t attempt, bool good,
                                                 struct exchange_sent *out_sent);

/* Communication thread: of an executor that is lost to the others once it leaves, so that it need
 * not end a burst with them. What has failed since the last step, NULL: nothing; the caller's. */
BARKS_CHECKED barks_status *exchange_take_failure(struct exchange *exchange);

/* Frames of a shuffle that are still queued are dropped (its job failed or was cancelled), those
 * that are retained too, and it is forgotten who holds its slots. The rest of one that has begun to
 * travel still does. */
void exchange_drop_shuffle(struct exchange *exchange, uint64_t shuffle);

/* Communication thread: rounds come in numbered bursts, 1, 2, ... A burst ends by itself, on all
 * executors after the same round, when no executor has more that is worth a round.
 *
 * exchange_wants_burst: frames for others are queued, which no burst carries, and they are many or
 * have lingered: tell the driver. It is true once for each burst number. The driver starts a burst
 * at the first report of the number after that of the last burst he started, and passes over
 * others. exchange_start_burst: the driver said so; the burst before may still run. */
bool exchange_wants_burst(struct exchange *exchange, uint64_t *out_burst);
void exchange_start_burst(struct exchange *exchange, uint64_t burst);

/* Does what can be done now without blocking, up to the end of a round. *out_busy: a burst runs
 * (then wait with short naps); else there is nothing to do before a start or new frames.
 *
 * Errors: BARKS_LIMIT (no executor had memory for more frames for too long), BARKS_BAD_INPUT (a
 * peer's frames make no sense), those of net and deliver. An error of one executor ends the burst
 * on all, the others return BARKS_CANCELLED which names it; then all have dropped what they
 * held for others, so that every running job is to fail, and the exchange can be used again.
 * Only after an error of net itself can it not. */
BARKS_CHECKED barks_status *exchange_step(struct exchange *exchange, bool *out_busy);

/**
 * The executors of these ranks are gone (is_lost by rank; they stay so), and those that are left go
 * on among themselves: with retains. The outstanding round is given up; bursts and rounds are
 * numbered anew, from 1, and may begin once every living executor has done this. In their first
 * round all tell each other what they have of each other's frames, and what was on its way is sent
 * again: nothing is lost and nothing comes twice. Attempts that are being made go on.
 *
 * What the lost were to get is held back until exchange_move_slot. epoch is larger each time.
 * Threads: the communication thread.
 * Errors:  BARKS_LIMIT, BARKS_NO_MEMORY (round buffers instead of those that were given up), those
 *          of net; the exchange cannot be used any more.
 */
BARKS_CHECKED barks_status *exchange_begin_epoch(struct exchange *exchange, uint32_t epoch,
                                                 const bool *is_lost);

/**
 * A living executor holds a slot of a shuffle from now on, since who held it is lost: all frames
 * for it that are retained go to the holder, which may be this executor, and all that are added
 * later. The same word twice is fine.
 *
 * Threads: the communication thread.
 * Errors:  BARKS_INVALID (the holder is lost, or who holds the slot is not), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *exchange_move_slot(struct exchange *exchange, uint64_t shuffle,
                                               uint32_t slot, uint32_t holder);

/* For the watchdog, any thread: since when the outstanding round waits (monotonic_ns; 0: none), and
 * what it waits for, "the sizes of round 12", in a sentence's middle. */
uint64_t exchange_waiting_since_ns(struct exchange *exchange);
void exchange_describe_wait(struct exchange *exchange, char *out, size_t out_bytes);

struct exchange_counters {
    uint64_t rounds;
    uint64_t frames_sent; /* to others, in rounds; begun */
    uint64_t bytes_sent;
    uint64_t frames_received;
    uint64_t bytes_received;
    uint64_t queued_bytes; /* may travel and have not */
    uint64_t resent_bytes; /* queued again, after executors were lost */
};
struct exchange_counters exchange_counters(struct exchange *exchange); /* any thread */
