#include "shuffle/frame.h"

#include "base/hash.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "store/packed_rows.h"

#include <stdlib.h>

uint32_t frame_name_check(const struct frame_name *name)
{
    struct frame_name unchecked = *name;
    unchecked.check = 0;
    return (uint32_t)hash_bytes(&unchecked, sizeof unchecked);
}

void frame_destroy(struct frame *frame)
{
    if (frame == NULL)
        return;
    batch_destroy(frame->batch);
    block_release(frame->body);
    spilled_drop(&frame->spilled);
    free(frame);
}

uint64_t frame_memory_bytes(const struct frame *frame)
{
    if (frame->batch != NULL)
        return batch_memory_bytes(frame->batch);
    return frame->body != NULL ? block_memory_bytes(frame->body) : 0;
}

bool frame_is_shared(const struct frame *frame)
{
    for (uint32_t i = 0; frame->batch != NULL && i < frame->batch->block_count; i++)
        if (!block_is_mine(frame->batch->blocks[i]))
            return true;
    return frame->body != NULL && !block_is_mine(frame->body);
}

uint64_t frame_row_bytes(const struct frame *frame)
{
    if (frame->batch != NULL)
        return batch_bytes(frame->batch);
    return is_spilled(&frame->spilled) ? frame->spilled.encoded_bytes : frame->name.encoded_bytes;
}

static bool is_packed(const struct frame *frame)
{
    return frame->name.body_bytes < frame->name.encoded_bytes;
}

BARKS_CHECKED static barks_status *spill_body(struct frame *frame, const struct spill_room *room)
{
    if (!is_packed(frame))
        return spill_encoded(room, frame->body->bytes, frame->body->size_bytes, true,
                             &frame->spilled);
    const struct packed_rows packed = {.bytes = frame->body->bytes,
                                       .stored_bytes = frame->name.body_bytes,
                                       .encoded_bytes = frame->name.encoded_bytes};
    return spill_packed(room, &packed, &frame->spilled);
}

barks_status *frame_spill(struct frame *frame, const struct spill_room *room)
{
    if (frame->batch != NULL)
        BARKS_TRY(spill_rows(room, &frame->batch->base, 0, frame->batch->base.row_count, true,
                             &frame->spilled));
    else if (frame->body != NULL)
        BARKS_TRY(spill_body(frame, room));
    batch_destroy(frame->batch);
    block_release(frame->body);
    frame->batch = NULL;
    frame->body = NULL;
    return NULL;
}

barks_status *frame_read(const struct frame *frame, struct batch *batch)
{
    if (is_spilled(&frame->spilled))
        return spilled_read(&frame->spilled, batch);
    if (is_packed(frame))
        return packed_rows_decode(batch->pool, frame->body->bytes, frame->name.body_bytes,
                                  frame->name.encoded_bytes, batch);
    return codec_decode(frame->body->bytes, frame->body->size_bytes, frame->body, batch);
}

BARKS_CHECKED static barks_status *read_spilled(const struct spilled *spilled,
                                                struct packed_rows *out)
{
    void *bytes = NULL;
    BARKS_TRY(pool_acquire(spilled->room->pool, spilled->place.size_bytes, &bytes));
    *out = (struct packed_rows){.pool = spilled->room->pool,
                                .bytes = bytes,
                                .stored_bytes = spilled->place.size_bytes,
                                .encoded_bytes = spilled->encoded_bytes};
    return scratch_read(spilled->room->scratch, spilled->place, bytes);
}

barks_status *frame_visit_bytes(const struct frame *frame, const struct spill_room *room,
                                barks_status *(*visit)(void *context,
                                                       const struct packed_rows *rows),
                                void *context)
{
    BARKS_AUTO(packed_rows) packed = {0};
    if (frame->body != NULL) {
        const struct packed_rows as_it_came = {.bytes = frame->body->bytes,
                                               .stored_bytes = frame->name.body_bytes,
                                               .encoded_bytes = frame->name.encoded_bytes};
        return visit(context, &as_it_came);
    }
    if (frame->batch != NULL)
        BARKS_TRY(packed_rows_make(room->pool, &frame->batch->base, 0, frame->batch->base.row_count,
                                   true, &packed));
    else
        BARKS_TRY(read_spilled(&frame->spilled, &packed));
    return visit(context, &packed);
}
