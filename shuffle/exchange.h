/* Carries frames between executors in bounded all-to-all rounds. */
#pragma once

#include "barks/status.h"
#include "shuffle/frame.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct net;
struct pool;

/* One for each executor. The communication thread drives it; workers add frames.
 *
 * Life of a frame: exchange_add by a worker (held under its attempt) -> exchange_end_attempt (it may travel; those for
 * this executor itself are delivered at once, by reference) -> some round, cut in pieces as rounds allow -> deliver on
 * the executor that owns its partition. */
struct exchange_options {
    struct pool *pool;
    struct net *net;
    uint64_t round_bytes_per_peer; /* 0: 4 MiB */
    bool encode_always;            /* frames to oneself are encoded and decoded as well (a test of the encoding) */
    /* Takes the frame. Called by the communication thread, or by the worker that ends an attempt (frames to oneself). */
    barks_status *(*deliver)(void *context, struct frame *frame);
    void *context;
};
BARKS_CHECKED barks_status *exchange_create(const struct exchange_options *options, struct exchange **out_exchange);
void exchange_destroy(struct exchange *exchange);

/* What an attempt sent to one executor; the driver's commit repeats these numbers, and the receiver counts. */
struct exchange_sent {
    uint32_t executor; /* rank */
    uint64_t frame_count;
    uint64_t row_count;
    uint64_t bytes;
};

/* Takes batch (whole), encodes it when owner (a rank) is not this executor. Threads: any; one thread per attempt.
 * Errors: BARKS_NO_MEMORY, BARKS_LIMIT; the batch is destroyed all the same. */
BARKS_CHECKED barks_status *exchange_add(struct exchange *exchange, uint64_t shuffle, uint32_t run, uint32_t attempt,
                                         uint32_t partition, uint32_t owner, struct batch *batch);

/* The attempt is over. good: its frames may travel; out_sent gets one entry for each executor (rank i + 1 at i). Not good:
 * they are dropped. */
BARKS_CHECKED barks_status *exchange_end_attempt(struct exchange *exchange, uint64_t shuffle, uint32_t run,
                                                 uint32_t attempt, bool good, struct exchange_sent *out_sent);

/* Frames of a shuffle that are still queued are dropped (its job failed or was cancelled). */
void exchange_drop_shuffle(struct exchange *exchange, uint64_t shuffle);

/* Communication thread: rounds are numbered bursts. exchange_wants_burst: frames for others are queued and no burst runs:
 * tell the driver, once (it is true once for each need). exchange_start_burst: the driver said so. A burst ends by itself, on all
 * executors after the same round, when no executor has more to send. exchange_step does what can be done now without
 * blocking; *out_busy says whether a round is outstanding (then wait with short naps). */
bool exchange_wants_burst(struct exchange *exchange, uint64_t *out_burst);
void exchange_start_burst(struct exchange *exchange, uint64_t burst);
BARKS_CHECKED barks_status *exchange_step(struct exchange *exchange, bool *out_busy);

/* For the watchdog: since when the outstanding round waits (ns of the monotonic clock; 0: none), and a sentence. */
uint64_t exchange_waiting_since_ns(struct exchange *exchange);

struct exchange_counters {
    uint64_t rounds, frames_sent, bytes_sent, bytes_received, queued_bytes;
};
struct exchange_counters exchange_counters(struct exchange *exchange); /* any thread */
