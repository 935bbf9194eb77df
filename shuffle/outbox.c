#include "shuffle/outbox.h"

#include "base/assertion.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "store/packed_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Chunks begin small, since an attempt has one for each executor, and double up to the largest
 * piece of a slab. */
enum { CHUNK_BYTES_MIN = 4 << 10, CHUNK_BYTES_MAX = 1 << 20 };

/* More reduce partitions than any plan makes; a number beyond is a mistake. */
enum { PARTITIONS_MAX = 1 << 20 };

barks_status *outbox_init(struct outbox *outbox, const struct exchange_options *options,
                          uint32_t executor_count, uint32_t me)
{
    *outbox = (struct outbox){.pool = options->pool,
                              .room = options->room,
                              .executor_count = executor_count,
                              .me = me,
                              .encode_always = options->encode_always,
                              .retains = options->retains,
                              .link = {.mode = options->compression}};
    outbox->rest = out_flow_create(outbox, &(struct exchange_share){0});
    if (outbox->rest != NULL)
        outbox->streams = calloc(executor_count, sizeof *outbox->streams);
    if (outbox->streams == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the queues to %u executors", executor_count);
    lock_init(&outbox->lock, LOCK_EXCHANGE, "outbox");
    outbox->giver =
        (struct giver){.name = "frames to be sent", .give = outbox_give, .context = outbox};
    outbox->retained_giver = (struct giver){.name = "frames that were sent",
                                            .give = outbox_give_retained,
                                            .context = outbox,
                                            .goes_first = true};
    if (outbox->room != NULL)
        pool_add_giver(outbox->pool, &outbox->giver);
    if (outbox->room != NULL && outbox->retains)
        pool_add_giver(outbox->pool, &outbox->retained_giver);
    return NULL;
}

void out_chunk_destroy(struct outbox *outbox, struct out_chunk *chunk)
{
    if (chunk->bytes != NULL)
        pool_release(outbox->pool, chunk->bytes, chunk->capacity_bytes);
    else
        scratch_free(outbox->room->scratch, chunk->place);
    free(chunk);
}

void out_list_append(struct out_list *to, struct out_list *from)
{
    if (from->first == NULL)
        return;
    if (to->last == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    *from = (struct out_list){0};
}

void out_list_add(struct out_list *list, struct out_chunk *chunk)
{
    struct out_list one = {.first = chunk, .last = chunk};
    chunk->next = NULL;
    out_list_append(list, &one);
}

struct out_chunk *out_list_pop(struct out_list *list)
{
    struct out_chunk *chunk = list->first;
    list->first = chunk->next;
    chunk->next = NULL;
    if (list->first == NULL)
        list->last = NULL;
    if (list->spilled == chunk)
        list->spilled = NULL;
    return chunk;
}

void out_list_destroy(struct outbox *outbox, struct out_list *list)
{
    while (list->first != NULL)
        out_chunk_destroy(outbox, out_list_pop(list));
}

void outbox_destroy_attempt(struct outbox *outbox, struct out_attempt *attempt)
{
    if (attempt == NULL)
        return;
    while (attempt->own_first != NULL) {
        struct frame *frame = attempt->own_first;
        attempt->own_first = frame->next;
        frame_destroy(frame);
    }
    for (uint32_t i = 0; attempt->lists != NULL && i < outbox->executor_count; i++)
        out_list_destroy(outbox, &attempt->lists[i]);
    free(attempt->lists);
    free(attempt->sent);
    free(attempt->next_sequences);
    free(attempt);
}

void outbox_drop(struct outbox *outbox)
{
    if (outbox->streams != NULL && outbox->room != NULL) {
        pool_remove_giver(outbox->pool, &outbox->giver);
        pool_remove_giver(outbox->pool, &outbox->retained_giver);
    }
    for (uint32_t i = 0; outbox->streams != NULL && i < outbox->executor_count; i++) {
        struct out_list queued = {0};
        out_stream_clear(&outbox->streams[i], &queued);
        out_list_destroy(outbox, &queued);
    }
    outbox_drop_flows(outbox);
    out_list_destroy(outbox, &outbox->locked.retained);
    outbox_forget_holders_locked(outbox, 0); /* no other thread is left */
    for (size_t bucket = 0; bucket < OUT_BUCKETS; bucket++)
        while (outbox->locked.attempts[bucket] != NULL) {
            struct out_attempt *attempt = outbox->locked.attempts[bucket];
            outbox->locked.attempts[bucket] = attempt->next;
            outbox_destroy_attempt(outbox, attempt);
        }
    free(outbox->streams);
    lock_drop(&outbox->lock);
    *outbox = (struct outbox){0};
}

/* The link to the attempt in its bucket, or to the bucket's end. */
static struct out_attempt **find_locked(struct outbox *outbox, uint64_t shuffle, uint32_t run,
                                        uint32_t attempt)
{
    uint64_t hash = hash_combine(shuffle, (uint64_t)run << 32 | attempt);
    struct out_attempt **link = &outbox->locked.attempts[hash % OUT_BUCKETS];
    while (*link != NULL &&
           ((*link)->shuffle != shuffle || (*link)->run != run || (*link)->attempt != attempt))
        link = &(*link)->next;
    return link;
}

struct out_attempt *outbox_take_attempt(struct outbox *outbox, uint64_t shuffle, uint32_t run,
                                        uint32_t attempt)
{
    lock_acquire(&outbox->lock);
    struct out_attempt **link = find_locked(outbox, shuffle, run, attempt);
    struct out_attempt *taken = *link;
    if (taken != NULL)
        *link = taken->next;
    lock_release(&outbox->lock);
    return taken;
}

/* NULL without memory. */
static struct out_attempt *create_attempt(struct outbox *outbox, const struct frame_name *name)
{
    struct out_attempt *created = calloc(1, sizeof *created);
    if (created == NULL)
        return NULL;
    created->shuffle = name->shuffle;
    created->run = name->run;
    created->attempt = name->attempt;
    created->thread = pthread_self();
    created->lists = calloc(outbox->executor_count, sizeof *created->lists);
    created->sent = calloc(outbox->executor_count, sizeof *created->sent);
    if (created->lists == NULL || created->sent == NULL) {
        outbox_destroy_attempt(outbox, created);
        return NULL;
    }
    lock_acquire(&outbox->lock);
    *find_locked(outbox, name->shuffle, name->run, name->attempt) = created;
    lock_release(&outbox->lock);
    return created;
}

/* The attempt that frames of this name belong to, made at its first frame; NULL without memory. */
static struct out_attempt *attempt_of(struct outbox *outbox, const struct frame_name *name)
{
    lock_acquire(&outbox->lock);
    struct out_attempt *found = *find_locked(outbox, name->shuffle, name->run, name->attempt);
    lock_release(&outbox->lock);
    if (found == NULL)
        found = create_attempt(outbox, name); /* no race: one thread runs an attempt */
    return found;
}

BARKS_CHECKED static barks_status *next_sequence(struct out_attempt *attempt, uint32_t partition,
                                                 uint32_t *out_sequence)
{
    if (partition >= PARTITIONS_MAX)
        BARKS_FAIL(BARKS_INTERNAL, "reduce partition %u: there are never so many", partition);
    if (partition >= attempt->partition_capacity) {
        uint32_t capacity = 2 * attempt->partition_capacity;
        if (capacity <= partition)
            capacity = partition + 16;
        uint32_t *grown = realloc(attempt->next_sequences, capacity * sizeof *grown);
        if (grown == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to count the frames of %u partitions", capacity);
        memset(grown + attempt->partition_capacity, 0,
               (capacity - attempt->partition_capacity) * sizeof *grown);
        attempt->next_sequences = grown;
        attempt->partition_capacity = capacity;
    }
    *out_sequence = attempt->next_sequences[partition]++;
    return NULL;
}

/* Adds a chunk of so many bytes to the end of the list. */
BARKS_CHECKED static barks_status *add_chunk(struct outbox *outbox, struct out_list *list,
                                             const struct frame_name *name, size_t capacity_bytes)
{
    struct out_chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to describe %zu bytes of frames", capacity_bytes);
    void *bytes = NULL;
    barks_status *status = pool_acquire(outbox->pool, capacity_bytes, &bytes);
    if (status != NULL) {
        free(chunk);
        return status;
    }
    chunk->shuffle = name->shuffle;
    chunk->slot = name->slot;
    chunk->bytes = bytes;
    chunk->capacity_bytes = capacity_bytes;
    out_list_add(list, chunk);
    return NULL;
}

static bool has_room(const struct out_list *list, size_t frame_bytes)
{
    return list->last != NULL && frame_bytes <= list->last->capacity_bytes - list->last->used_bytes;
}

/* What the next chunk of a list takes, for a frame that its last one has no room for. */
static size_t next_capacity(const struct out_list *list, size_t frame_bytes)
{
    size_t capacity_bytes =
        list->last != NULL ? 2 * list->last->capacity_bytes : (size_t)CHUNK_BYTES_MIN;
    if (capacity_bytes > CHUNK_BYTES_MAX)
        capacity_bytes = CHUNK_BYTES_MAX;
    return capacity_bytes < frame_bytes ? pool_size_class(frame_bytes) : capacity_bytes;
}

/* The frame's room in its chunk, header and all; name->body_bytes are known. */
BARKS_CHECKED static barks_status *make_room(struct outbox *outbox, struct out_attempt *attempt,
                                             struct frame_name *name, uint8_t **out_body)
{
    struct out_list *list = &attempt->lists[name->slot - 1];
    size_t frame_bytes = sizeof *name + (size_t)name->body_bytes; /* FRAME_BODY_BYTES_MAX at most */
    if (!has_room(list, frame_bytes))
        BARKS_TRY_DOING(add_chunk(outbox, list, name, next_capacity(list, frame_bytes)),
                        "keep a frame of %zu bytes for executor %u", frame_bytes, name->slot);
    BARKS_TRY(next_sequence(attempt, name->partition, &name->sequence));
    name->check = frame_name_check(name);
    struct out_chunk *chunk = list->last;
    BARKS_ASSERT(chunk != NULL); /* one with room has just been made where there was none */
    memcpy(chunk->bytes + chunk->used_bytes, name, sizeof *name);
    *out_body = chunk->bytes + chunk->used_bytes + sizeof *name;
    chunk->used_bytes += frame_bytes;
    chunk->frame_count++;
    return NULL;
}

/* Compressed where the link wants it and there is memory for that for a moment; else packed stays
 * zeroed. */
BARKS_CHECKED static barks_status *pack(struct outbox *outbox, const struct frame_name *name,
                                        const struct batch *batch, struct packed_rows *packed)
{
    if (!link_wants_packed(&outbox->link, name->encoded_bytes) || pool_is_tight(outbox->pool))
        return NULL;
    barks_status *status =
        packed_rows_make(outbox->pool, &batch->base, 0, name->row_count, true, packed);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT) {
        barks_status_free(status);
        return NULL;
    }
    BARKS_TRY(status);
    link_note_packed(&outbox->link, name->encoded_bytes, packed->stored_bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *add_for_other(struct outbox *outbox, struct out_attempt *attempt,
                                                 struct frame_name *name, const struct batch *batch)
{
    BARKS_AUTO(packed_rows) packed = {0};
    uint8_t *body = NULL;
    BARKS_TRY(pack(outbox, name, batch, &packed));
    if (packed.bytes != NULL)
        name->body_bytes = packed.stored_bytes;
    BARKS_TRY(make_room(outbox, attempt, name, &body));
    if (packed.bytes != NULL)
        memcpy(body, packed.bytes, packed.stored_bytes);
    else
        codec_encode(&batch->base, 0, name->row_count, body);
    return NULL;
}

/* Takes the batch unless it fails. */
BARKS_CHECKED static barks_status *add_for_own(struct outbox *outbox, struct out_attempt *attempt,
                                               struct frame_name *name, struct batch *batch)
{
    struct frame *frame = calloc(1, sizeof *frame);
    if (frame == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to describe a frame");
    barks_status *status = next_sequence(attempt, name->partition, &name->sequence);
    if (status == NULL && outbox->encode_always)
        status = block_create(outbox->pool, (size_t)name->body_bytes, &frame->body);
    if (status != NULL) {
        free(frame);
        return status;
    }
    frame->name = *name;
    if (outbox->encode_always) {
        codec_encode(&batch->base, 0, name->row_count, frame->body->bytes);
        batch_destroy(batch);
    } else {
        frame->batch = batch;
    }
    if (attempt->own_last == NULL)
        attempt->own_first = frame;
    else
        attempt->own_last->next = frame;
    attempt->own_last = frame;
    return NULL;
}

BARKS_CHECKED static barks_status *no_attempt(const struct frame_name *name)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the frames of attempt %u of run %u", name->attempt,
               name->run);
}

static void count_frame(struct out_attempt *attempt, const struct frame_name *name)
{
    struct exchange_sent *sent = &attempt->sent[name->slot - 1];
    sent->frame_count++;
    sent->row_count += name->row_count;
    sent->bytes += name->body_bytes;
}

/* Takes the batch unless it fails. */
BARKS_CHECKED static barks_status *add(struct outbox *outbox, struct frame_name *name,
                                       struct batch *batch, struct out_attempt **out_attempt)
{
    bool is_own = name->slot - 1 == outbox->me;
    struct out_attempt *attempt = attempt_of(outbox, name);
    if (attempt == NULL)
        return no_attempt(name);
    if (!is_own || outbox->encode_always) {
        name->encoded_bytes = codec_encoded_bytes(&batch->base, 0, name->row_count);
        name->body_bytes = name->encoded_bytes;
        if (name->body_bytes > FRAME_BODY_BYTES_MAX)
            BARKS_FAIL(BARKS_LIMIT,
                       "%u rows for partition %u take %" PRIu64 " bytes; a frame may have %" PRIu64,
                       name->row_count, name->partition, name->body_bytes, FRAME_BODY_BYTES_MAX);
    }
    BARKS_TRY(is_own ? add_for_own(outbox, attempt, name, batch)
                     : add_for_other(outbox, attempt, name, batch));
    count_frame(attempt, name);
    if (!is_own)
        batch_destroy(batch);
    *out_attempt = attempt;
    return NULL;
}

BARKS_CHECKED static barks_status *check_slot(const struct outbox *outbox,
                                              const struct frame_name *name)
{
    if (name->slot == 0 || name->slot > outbox->executor_count)
        BARKS_FAIL(BARKS_INTERNAL, "a frame of partition %u is for rank %u; executors are 1 to %u",
                   name->partition, name->slot, outbox->executor_count);
    return NULL;
}

/* What a running attempt has is its thread's, so nobody else could put it on disk when memory is
 * wanted: it does so itself, before there is none left. What was sent goes first. */
BARKS_CHECKED static barks_status *make_memory(struct outbox *outbox, struct out_attempt *attempt)
{
    barks_status *status = NULL;
    if (outbox->room == NULL || !pool_is_tight(outbox->pool))
        return NULL;
    uint64_t given_bytes = outbox->retains ? outbox_give_retained(outbox, 1, &status) : 0;
    if (given_bytes > 0 || status != NULL)
        return status;
    return outbox_spill_attempt(outbox, attempt, &given_bytes);
}

barks_status *outbox_add(struct outbox *outbox, struct frame_name name, struct batch *batch)
{
    struct out_attempt *attempt = NULL;
    name.row_count = batch->base.row_count;
    barks_status *status = check_slot(outbox, &name);
    if (status == NULL)
        status = add(outbox, &name, batch, &attempt);
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    return make_memory(outbox, attempt);
}

barks_status *outbox_add_packed(struct outbox *outbox, struct frame_name name,
                                const struct packed_rows *rows)
{
    uint8_t *body = NULL;
    BARKS_TRY(check_slot(outbox, &name));
    BARKS_ASSERT(name.slot - 1 != outbox->me);
    struct out_attempt *attempt = attempt_of(outbox, &name);
    if (attempt == NULL)
        return no_attempt(&name);
    name.body_bytes = rows->stored_bytes;
    name.encoded_bytes = rows->encoded_bytes;
    BARKS_TRY(make_room(outbox, attempt, &name, &body));
    memcpy(body, rows->bytes, rows->stored_bytes);
    count_frame(attempt, &name);
    return make_memory(outbox, attempt);
}
