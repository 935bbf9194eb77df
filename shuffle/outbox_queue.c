/* What may travel: a stream of bytes for each executor. */
#include "base/clock.h"
#include "shuffle/outbox.h"

#include <string.h>

void outbox_queue(struct outbox *outbox, struct out_attempt *attempt)
{
    uint64_t now_ns = monotonic_ns();
    lock_acquire(&outbox->lock);
    struct out_flow *flow = outbox_flow_locked(outbox, attempt->shuffle);
    for (uint32_t i = 0; i < outbox->executor_count; i++) {
        if (attempt->lists[i].first == NULL)
            continue;
        uint32_t peer = outbox_holder_locked(outbox, attempt->shuffle, i + 1);
        for (struct out_chunk *chunk = attempt->lists[i].first; chunk != NULL;
             chunk = chunk->next) {
            chunk->ready_ns = now_ns;
            chunk->peer = peer;
            if (peer != OUT_NOBODY && peer != outbox->me)
                outbox->locked.queued_bytes += chunk->used_bytes;
        }
        attempt->lists[i].spilled = NULL;
        if (peer != OUT_NOBODY)
            outbox_append_locked(outbox, peer, flow, &attempt->lists[i]);
        else
            out_list_append(&outbox->locked.retained, &attempt->lists[i]);
    }
    lock_release(&outbox->lock);
}

/* Takes from a list what is of this shuffle; 0: all of it. dropped gets it, but for what is moving.
 */
static void drop_from_list_locked(struct outbox *outbox, struct out_list *list, uint64_t shuffle,
                                  struct out_list *dropped)
{
    struct out_list kept = {0};
    while (list->first != NULL) {
        struct out_chunk *chunk = out_list_pop(list);
        bool drops = shuffle == 0 || chunk->shuffle == shuffle;
        chunk->is_dropped = chunk->is_dropped || drops;
        if (drops && list != &outbox->locked.retained && chunk->peer != outbox->me)
            outbox->locked.queued_bytes -= chunk->used_bytes;
        if (!drops)
            out_list_add(&kept, chunk);
        else if (!chunk->is_moving)
            out_list_add(dropped, chunk);
    }
    *list = kept;
}

/* What has begun travels to its end, unless all is dropped. */
static void drop_begun_locked(struct outbox *outbox, struct out_stream *stream, uint64_t shuffle,
                              struct out_list *dropped)
{
    struct out_chunk *chunk = stream->begun;
    if (chunk == NULL || (shuffle != 0 && chunk->shuffle != shuffle))
        return;
    chunk->is_dropped = true;
    if (shuffle != 0)
        return;
    if (chunk->peer != outbox->me)
        outbox->locked.queued_bytes -= chunk->used_bytes - chunk->sent_bytes;
    stream->begun = NULL;
    out_list_add(dropped, chunk);
}

static void drop_from_stream_locked(struct outbox *outbox, struct out_stream *stream,
                                    uint64_t shuffle, struct out_list *dropped)
{
    drop_begun_locked(outbox, stream, shuffle, dropped);
    for (struct out_queue **link = &stream->busy; *link != NULL;) {
        struct out_queue *queue = *link;
        drop_from_list_locked(outbox, &queue->list, shuffle, dropped);
        if (queue->list.first != NULL)
            link = &queue->next;
        else
            *link = queue->next;
    }
}

void outbox_drop_shuffle(struct outbox *outbox, uint64_t shuffle)
{
    struct out_list dropped = {0};
    lock_acquire(&outbox->lock);
    for (uint32_t i = 0; i < outbox->executor_count; i++)
        drop_from_stream_locked(outbox, &outbox->streams[i], shuffle, &dropped);
    drop_from_list_locked(outbox, &outbox->locked.retained, shuffle, &dropped);
    outbox_forget_holders_locked(outbox, shuffle);
    if (shuffle != 0)
        outbox_forget_shuffle_locked(outbox, shuffle);
    lock_release(&outbox->lock);
    out_list_destroy(outbox, &dropped);
}

void outbox_drop_all(struct outbox *outbox)
{
    outbox_drop_shuffle(outbox, 0);
    for (uint32_t i = 0; i < outbox->executor_count; i++)
        outbox->streams[i].position = 0;
}

/* The chunk that has begun, or begins now; NULL: none can. */
static struct out_chunk *begun_chunk(struct outbox *outbox, uint32_t executor)
{
    struct out_stream *stream = &outbox->streams[executor];
    lock_acquire(&outbox->lock);
    struct out_chunk *chunk = stream->begun != NULL ? stream->begun : out_stream_begin(stream);
    lock_release(&outbox->lock);
    return chunk;
}

/* So many more bytes of the chunk that has begun have been copied. */
static void note_copied(struct outbox *outbox, uint32_t executor, struct out_chunk *chunk,
                        size_t copied_bytes)
{
    chunk->sent_bytes += copied_bytes;
    bool is_sent = chunk->sent_bytes == chunk->used_bytes;
    bool is_retained = false;
    lock_acquire(&outbox->lock);
    if (executor != outbox->me)
        outbox->locked.queued_bytes -= copied_bytes;
    if (is_sent) {
        outbox->streams[executor].begun = NULL;
        is_retained = outbox->retains && executor != outbox->me && !chunk->is_dropped;
        if (is_retained)
            out_list_add(&outbox->locked.retained, chunk);
    }
    lock_release(&outbox->lock);
    if (is_sent && !is_retained)
        out_chunk_destroy(outbox, chunk);
}

barks_status *outbox_fill(struct outbox *outbox, uint32_t executor, uint8_t *out, size_t room_bytes,
                          size_t *out_bytes, uint64_t *out_frame_count)
{
    size_t filled_bytes = 0;
    uint64_t frame_count = 0;
    while (filled_bytes < room_bytes) {
        struct out_chunk *chunk = begun_chunk(outbox, executor);
        if (chunk == NULL)
            break;
        if (chunk->sent_bytes == 0)
            frame_count += chunk->frame_count - chunk->skipped_count;
        if (chunk->sent_bytes == 0 && chunk->skipped_count > 0) {
            size_t skipped_bytes = 0;
            BARKS_TRY(out_chunk_skip(outbox, chunk, &skipped_bytes));
            note_copied(outbox, executor, chunk, skipped_bytes);
        }
        size_t piece_bytes = chunk->used_bytes - chunk->sent_bytes;
        if (piece_bytes > room_bytes - filled_bytes)
            piece_bytes = room_bytes - filled_bytes;
        if (chunk->bytes != NULL)
            memcpy(out + filled_bytes, chunk->bytes + chunk->sent_bytes, piece_bytes);
        else
            BARKS_TRY(outbox_read_chunk(outbox, chunk, out + filled_bytes, piece_bytes));
        filled_bytes += piece_bytes;
        note_copied(outbox, executor, chunk, piece_bytes);
    }
    *out_frame_count = frame_count;
    *out_bytes = filled_bytes;
    return NULL;
}

/* Whether the rest of a chunk is left, or one has waited for so long. */
static bool is_due(const struct out_stream *stream, uint64_t now_ns, uint64_t linger_ns)
{
    if (stream->begun != NULL)
        return true;
    for (const struct out_queue *queue = stream->busy; queue != NULL; queue = queue->next)
        if (now_ns - queue->list.first->ready_ns >= linger_ns)
            return true;
    return false;
}

bool outbox_is_worth(struct outbox *outbox, uint64_t many_bytes, uint64_t linger_ns)
{
    lock_acquire(&outbox->lock);
    uint64_t queued_bytes = outbox->locked.queued_bytes;
    bool is_worth = queued_bytes >= many_bytes;
    if (queued_bytes > 0 && !is_worth) {
        uint64_t now_ns = monotonic_ns();
        for (uint32_t i = 0; i < outbox->executor_count && !is_worth; i++)
            is_worth = i != outbox->me && is_due(&outbox->streams[i], now_ns, linger_ns);
    }
    lock_release(&outbox->lock);
    return is_worth;
}

uint64_t outbox_queued_bytes(struct outbox *outbox)
{
    lock_acquire(&outbox->lock);
    uint64_t queued_bytes = outbox->locked.queued_bytes;
    lock_release(&outbox->lock);
    return queued_bytes;
}

uint64_t outbox_resent_bytes(struct outbox *outbox)
{
    lock_acquire(&outbox->lock);
    uint64_t resent_bytes = outbox->locked.resent_bytes;
    lock_release(&outbox->lock);
    return resent_bytes;
}

bool outbox_has_own(struct outbox *outbox)
{
    const struct out_stream *own = &outbox->streams[outbox->me];
    lock_acquire(&outbox->lock);
    bool has_own = own->begun != NULL || own->busy != NULL;
    lock_release(&outbox->lock);
    return has_own;
}
