/* What was sent stays until its shuffle is dropped, so that it can be sent again when executors are
 * lost: to who had not got it yet, and to who holds a slot instead of a lost one.
 *
 * Frames of a stream are numbered, and their receiver counts those that it has. It tells the number
 * when a new epoch begins; so what is sent again of a chunk begins with the frame that it lacks. */
#include "shuffle/outbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

uint32_t outbox_holder_locked(const struct outbox *outbox, uint64_t shuffle, uint32_t slot)
{
    uint32_t peer = slot - 1;
    for (const struct out_holder *holder = outbox->locked.holders; holder != NULL;
         holder = holder->next)
        if (holder->shuffle == shuffle && holder->slot == slot)
            peer = holder->peer;
    return outbox->streams[peer].is_lost ? OUT_NOBODY : peer;
}

void outbox_forget_holders_locked(struct outbox *outbox, uint64_t shuffle)
{
    for (struct out_holder **link = &outbox->locked.holders; *link != NULL;) {
        struct out_holder *holder = *link;
        if (shuffle != 0 && holder->shuffle != shuffle) {
            link = &holder->next;
            continue;
        }
        *link = holder->next;
        free(holder);
    }
}

void out_chunk_rewind(struct out_chunk *chunk, uint64_t skipped_count)
{
    chunk->is_taken = false;
    chunk->sent_bytes = 0;
    chunk->skipped_count = skipped_count;
}

barks_status *out_chunk_skip(const struct outbox *outbox, const struct out_chunk *chunk,
                             size_t *out_bytes)
{
    struct out_chunk at = *chunk;
    struct frame_name name;
    for (uint64_t i = 0; i < chunk->skipped_count; i++) {
        if (at.bytes != NULL)
            memcpy(&name, at.bytes + at.sent_bytes, sizeof name);
        else
            BARKS_TRY(outbox_read_chunk(outbox, &at, (uint8_t *)&name, sizeof name));
        at.sent_bytes += sizeof name + (size_t)name.body_bytes;
    }
    *out_bytes = at.sent_bytes;
    return NULL;
}

/* ---- executors are lost ---- */

/* All that is for an executor that is gone waits among what is retained. */
static void hold_back_locked(struct outbox *outbox, uint32_t lost, struct out_list *dropped)
{
    struct out_list queued = {0};
    out_stream_clear(&outbox->streams[lost], &queued);
    while (queued.first != NULL) {
        struct out_chunk *chunk = out_list_pop(&queued);
        outbox->locked.queued_bytes -= chunk->used_bytes - chunk->sent_bytes;
        out_chunk_rewind(chunk, 0);
        out_list_add(chunk->is_dropped ? dropped : &outbox->locked.retained, chunk);
    }
    for (struct out_chunk *chunk = outbox->locked.retained.first; chunk != NULL;
         chunk = chunk->next)
        if (chunk->peer == lost) {
            out_chunk_rewind(chunk, 0);
            chunk->peer = OUT_NOBODY;
        }
}

void outbox_lose(struct outbox *outbox, const bool *is_lost)
{
    struct out_list dropped = {0};
    lock_acquire(&outbox->lock);
    for (uint32_t i = 0; i < outbox->executor_count; i++)
        if (is_lost[i] && !outbox->streams[i].is_lost) {
            outbox->streams[i].is_lost = true;
            hold_back_locked(outbox, i, &dropped);
        }
    lock_release(&outbox->lock);
    out_list_destroy(outbox, &dropped);
}

/* ---- streams begin anew ---- */

/* Into a list by position, the last first; what is added is mostly behind all others. */
static void insert_by_position(struct out_chunk **list, struct out_chunk *chunk)
{
    while (*list != NULL && (*list)->position > chunk->position)
        list = &(*list)->next;
    chunk->next = *list;
    *list = chunk;
}

static bool is_whole(const struct out_chunk *chunk, uint64_t position)
{
    return chunk->position + chunk->frame_count <= position;
}

/* What was sent to the executor and has not arrived whole, by position, the last first. */
static struct out_chunk *take_unarrived_locked(struct outbox *outbox, uint32_t executor,
                                               uint64_t position)
{
    struct out_chunk *unarrived = NULL;
    struct out_list kept = {0}, *retained = &outbox->locked.retained;
    while (retained->first != NULL) {
        struct out_chunk *chunk = out_list_pop(retained);
        bool is_ours = chunk->peer == executor && !chunk->is_taken;
        if (is_ours)
            chunk->is_taken = is_whole(chunk, position);
        if (is_ours && !chunk->is_taken)
            insert_by_position(&unarrived, chunk);
        else
            out_list_add(&kept, chunk);
    }
    *retained = kept;
    struct out_chunk *begun = outbox->streams[executor].begun;
    if (begun != NULL) {
        outbox->streams[executor].begun = NULL;
        outbox->locked.queued_bytes -= begun->used_bytes - begun->sent_bytes;
        insert_by_position(&unarrived, begun);
    }
    return unarrived;
}

/* How many frames of a chunk that was sent the peer has. One that it has had in part before may
 * have begun again behind others: then its position is that of frames before those that are sent
 * again, and says nothing as long as none of these has arrived. */
static uint64_t arrived_count(const struct out_chunk *chunk, uint64_t position)
{
    uint64_t count = position > chunk->position ? position - chunk->position : 0;
    return count > chunk->skipped_count ? count : chunk->skipped_count;
}

barks_status *outbox_resume(struct outbox *outbox, uint32_t executor, uint64_t position)
{
    struct out_list dropped = {0};
    struct out_chunk *unarrived = NULL;
    struct out_stream *stream = &outbox->streams[executor];
    lock_acquire(&outbox->lock);
    uint64_t sent_position = stream->position;
    if (position <= sent_position) {
        unarrived = take_unarrived_locked(outbox, executor, position);
        stream->position = position;
    }
    while (unarrived != NULL) {
        struct out_chunk *chunk = unarrived;
        unarrived = chunk->next;
        out_chunk_rewind(chunk, arrived_count(chunk, position));
        if (chunk->is_dropped) {
            out_list_add(&dropped, chunk);
            continue;
        }
        outbox->locked.queued_bytes += chunk->used_bytes;
        outbox->locked.resent_bytes += chunk->used_bytes;
        outbox_prepend_locked(outbox, executor, outbox_flow_locked(outbox, chunk->shuffle), chunk);
    }
    lock_release(&outbox->lock);
    out_list_destroy(outbox, &dropped);
    if (position > sent_position)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "executor %u says that it has %" PRIu64 " frames, of %" PRIu64
                   " that were sent to it",
                   executor + 1, position, sent_position);
    return NULL;
}

/* ---- slots move ---- */

static void queue_slot_locked(struct outbox *outbox, const struct out_holder *holder)
{
    struct out_list kept = {0}, moved = {0}, *retained = &outbox->locked.retained;
    while (retained->first != NULL) {
        struct out_chunk *chunk = out_list_pop(retained);
        if (chunk->shuffle != holder->shuffle || chunk->slot != holder->slot) {
            out_list_add(&kept, chunk);
            continue;
        }
        chunk->peer = holder->peer;
        if (holder->peer != outbox->me) {
            outbox->locked.queued_bytes += chunk->used_bytes;
            outbox->locked.resent_bytes += chunk->used_bytes;
        }
        out_list_add(&moved, chunk);
    }
    *retained = kept;
    outbox_append_locked(outbox, holder->peer, outbox_flow_locked(outbox, holder->shuffle), &moved);
}

barks_status *outbox_move_slot(struct outbox *outbox, uint64_t shuffle, uint32_t slot,
                               uint32_t holder)
{
    struct out_holder *added = calloc(1, sizeof *added);
    if (added == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note who holds slot %u", slot);
    *added = (struct out_holder){.shuffle = shuffle, .slot = slot, .peer = holder};
    lock_acquire(&outbox->lock);
    uint32_t now = outbox_holder_locked(outbox, shuffle, slot);
    bool is_lost = outbox->streams[holder].is_lost;
    bool moves = !is_lost && now == OUT_NOBODY;
    if (moves) {
        queue_slot_locked(outbox, added);
        struct out_holder **link = &outbox->locked.holders;
        while (*link != NULL) /* behind those of before, which it overrules */
            link = &(*link)->next;
        *link = added;
    }
    lock_release(&outbox->lock);
    if (!moves)
        free(added);
    if (is_lost)
        BARKS_FAIL(BARKS_INVALID,
                   "slot %u of shuffle %" PRIu64 " goes to executor %u, which is lost", slot,
                   shuffle, holder + 1);
    if (!moves && now != holder)
        BARKS_FAIL(BARKS_INVALID,
                   "slot %u of shuffle %" PRIu64
                   " goes to executor %u, but executor %u, which holds "
                   "it, is not lost",
                   slot, shuffle, holder + 1, now + 1);
    return NULL;
}
