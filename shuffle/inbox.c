#include "shuffle/inbox.h"

#include "base/pool.h"
#include "batch/codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void inbox_drop(struct inbox *inbox)
{
    frame_destroy(inbox->frame);
    inbox->frame = NULL;
    inbox->header_bytes = 0;
    inbox->body_bytes = 0;
}

BARKS_CHECKED static barks_status *check_name(const struct inbox *inbox,
                                              const struct frame_name *name)
{
    if (name->check != frame_name_check(name) || name->body_bytes == 0 ||
        name->body_bytes > name->encoded_bytes || name->encoded_bytes < CODEC_HEADER_BYTES ||
        name->encoded_bytes > FRAME_BODY_BYTES_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "what executor %u sent is no frame: shuffle %" PRIu64 ", run %u, partition %u, "
                   "%" PRIu64 " bytes, check %08x",
                   inbox->rank, name->shuffle, name->run, name->partition, name->body_bytes,
                   name->check);
    uint64_t budget_bytes = pool_budget_bytes(inbox->pool);
    if (pool_size_class((size_t)name->encoded_bytes + BLOCK_SLACK_BYTES) > budget_bytes)
        BARKS_FAIL(BARKS_LIMIT,
                   "a frame of %" PRIu64 " bytes from executor %u is larger than this executor's "
                   "memory budget of %" PRIu64 " bytes; raise --barks-memory",
                   name->encoded_bytes, inbox->rank, budget_bytes);
    return NULL;
}

/* Makes the frame whose header is whole; where the pool has no room for it, that is no error. */
BARKS_CHECKED static barks_status *begin_frame(struct inbox *inbox, bool *out_is_stalled)
{
    struct frame_name name;
    memcpy(&name, inbox->header, sizeof name);
    BARKS_TRY(check_name(inbox, &name));
    struct block *body = NULL;
    barks_status *status = block_create(inbox->pool, (size_t)name.body_bytes, &body);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT) {
        barks_status_free(status);
        *out_is_stalled = true;
        return NULL;
    }
    BARKS_TRY(status);
    struct frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL) {
        block_release(body);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to describe a frame");
    }
    frame->name = name;
    frame->name.check = 0;
    frame->body = body;
    inbox->frame = frame;
    inbox->body_bytes = 0;
    return NULL;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

barks_status *inbox_take(struct inbox *inbox, const uint8_t *bytes, size_t size_bytes,
                         size_t *out_taken, struct frame **out_frame, bool *out_is_stalled)
{
    size_t taken = 0;
    *out_frame = NULL;
    *out_is_stalled = false;
    if (inbox->frame == NULL) {
        taken = smaller(size_bytes, sizeof inbox->header - inbox->header_bytes);
        if (taken > 0)
            memcpy(inbox->header + inbox->header_bytes, bytes, taken);
        inbox->header_bytes += taken;
        if (inbox->header_bytes == sizeof inbox->header)
            BARKS_TRY(begin_frame(inbox, out_is_stalled));
    }
    struct frame *frame = inbox->frame;
    if (frame != NULL) {
        size_t piece_bytes =
            smaller(size_bytes - taken, frame->body->size_bytes - inbox->body_bytes);
        if (piece_bytes > 0)
            memcpy(frame->body->bytes + inbox->body_bytes, bytes + taken, piece_bytes);
        inbox->body_bytes += piece_bytes;
        taken += piece_bytes;
        if (inbox->body_bytes == frame->body->size_bytes) {
            *out_frame = frame;
            inbox->frame = NULL;
            inbox->header_bytes = 0;
        }
    }
    *out_taken = taken;
    return NULL;
}
