/* The receiving half of an exchange: streams of bytes become frames again. */
#pragma once

#include "shuffle/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

/* The stream of one peer. Begins as {.pool, .rank}, ends with inbox_drop.
 * Threads: the communication thread. */
struct inbox {
    struct pool *pool; /* borrowed */
    uint32_t rank;     /* of the sender, for errors */
    uint8_t header[sizeof(struct frame_name)];
    size_t header_bytes; /* of the header so far */
    struct frame *frame; /* owned: the one whose header is whole; its body may lack bytes */
    size_t body_bytes;   /* of the body so far */
};

/* Takes bytes of the stream up to the end of a frame. *out_taken: how many. *out_frame: a whole
 * frame, which is the caller's; or NULL, where all bytes were taken or the pool has no room now for
 * the next body (then *out_is_stalled): try again with the rest.
 * Errors: BARKS_BAD_INPUT (no header of ours), BARKS_LIMIT (larger than the budget),
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *inbox_take(struct inbox *inbox, const uint8_t *bytes, size_t size_bytes,
                                       size_t *out_taken, struct frame **out_frame,
                                       bool *out_is_stalled);

/* Forgets what is incomplete. */
void inbox_drop(struct inbox *inbox);
