/* Whose chunk travels next: jobs share each stream by their weights, and none starves.
 *
 * Each job has one queue for each executor, of all its shuffles. A chunk's turn is that at which
 * the chunk before it in its queue ends, or, where the queue was empty, that of the chunk that
 * began last: so who was idle has saved nothing up, and who comes late waits for no more than one
 * chunk of each other job. The chunk of the smallest turn begins, and moves its queue on by its
 * bytes for the job's weight. It travels whole, since a frame's bytes lie one behind the other in a
 * stream, so shares are exact to a chunk.
 *
 * Source: start-time fair queueing, Goyal, Vin and Cheng, SIGCOMM 1996. */
#include "shuffle/outbox.h"

#include <stdlib.h>

/* A turn is in bytes of a job of weight 1, with so many bits behind the point: enough for the
 * smallest frame and the largest weight, and 4 PiB to one executor before they are used up. */
enum { TURN_SHIFT = 12 };

/* ---- which shuffle is of which job ---- */

struct out_flow *out_flow_create(const struct outbox *outbox, const struct exchange_share *share)
{
    struct out_flow *flow = calloc(1, sizeof *flow + outbox->executor_count * sizeof *flow->queues);
    if (flow == NULL)
        return NULL;
    flow->job = share->job;
    for (uint32_t i = 0; i < outbox->executor_count; i++)
        flow->queues[i].weight = share->weight > 0 ? share->weight : 1;
    return flow;
}

/* The link to the shuffle, or to the end. */
static struct out_shuffle **find_shuffle_locked(struct outbox *outbox, uint64_t shuffle)
{
    struct out_shuffle **link = &outbox->locked.shuffles;
    while (*link != NULL && (*link)->shuffle != shuffle)
        link = &(*link)->next;
    return link;
}

/* The link to the job's, or to the end. */
static struct out_flow **find_flow_locked(struct outbox *outbox, uint64_t job)
{
    struct out_flow **link = &outbox->locked.flows;
    while (*link != NULL && (*link)->job != job)
        link = &(*link)->next;
    return link;
}

barks_status *outbox_begin_shuffle(struct outbox *outbox, uint64_t shuffle,
                                   const struct exchange_share *share)
{
    struct out_shuffle *begun = calloc(1, sizeof *begun);
    struct out_flow *flow = out_flow_create(outbox, share);
    if (begun == NULL || flow == NULL) {
        free(begun);
        free(flow);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note whose a shuffle is");
    }
    lock_acquire(&outbox->lock);
    struct out_shuffle **shuffle_link = find_shuffle_locked(outbox, shuffle);
    struct out_flow **flow_link = find_flow_locked(outbox, share->job);
    bool is_new = *shuffle_link == NULL, is_first = is_new && *flow_link == NULL;
    if (is_first)
        *flow_link = flow;
    if (is_new) {
        *begun = (struct out_shuffle){.shuffle = shuffle, .flow = *flow_link};
        begun->flow->shuffle_count++;
        *shuffle_link = begun;
    }
    lock_release(&outbox->lock);
    if (!is_first)
        free(flow);
    if (!is_new)
        free(begun);
    return NULL;
}

void outbox_forget_shuffle_locked(struct outbox *outbox, uint64_t shuffle)
{
    struct out_shuffle **link = find_shuffle_locked(outbox, shuffle), *known = *link;
    if (known == NULL)
        return;
    struct out_flow *flow = known->flow;
    *link = known->next;
    free(known);
    if (--flow->shuffle_count > 0)
        return;
    *find_flow_locked(outbox, flow->job) = flow->next;
    free(flow); /* its queues had chunks of its shuffles alone */
}

void outbox_drop_flows(struct outbox *outbox)
{
    while (outbox->locked.shuffles != NULL)
        outbox_forget_shuffle_locked(outbox, outbox->locked.shuffles->shuffle);
    free(outbox->rest);
    outbox->rest = NULL;
}

/* ---- queues ---- */

struct out_flow *outbox_flow_locked(struct outbox *outbox, uint64_t shuffle)
{
    const struct out_shuffle *known = *find_shuffle_locked(outbox, shuffle);
    return known != NULL ? known->flow : outbox->rest;
}

/* The job's, which is about to get something. */
static struct out_queue *wake_queue_locked(struct outbox *outbox, uint32_t executor,
                                           struct out_flow *flow)
{
    struct out_stream *stream = &outbox->streams[executor];
    struct out_queue *queue = &flow->queues[executor];
    if (queue->list.first != NULL)
        return queue;
    if (queue->turn < stream->turn)
        queue->turn = stream->turn;
    queue->next = stream->busy;
    stream->busy = queue;
    return queue;
}

void outbox_append_locked(struct outbox *outbox, uint32_t executor, struct out_flow *flow,
                          struct out_list *chunks)
{
    if (chunks->first != NULL)
        out_list_append(&wake_queue_locked(outbox, executor, flow)->list, chunks);
}

void outbox_prepend_locked(struct outbox *outbox, uint32_t executor, struct out_flow *flow,
                           struct out_chunk *chunk)
{
    struct out_queue *queue = wake_queue_locked(outbox, executor, flow);
    struct out_list behind = queue->list;
    queue->list = (struct out_list){0};
    out_list_add(&queue->list, chunk);
    out_list_append(&queue->list, &behind);
}

struct out_chunk *out_stream_begin(struct out_stream *stream)
{
    struct out_queue **next = NULL;
    for (struct out_queue **link = &stream->busy; *link != NULL; link = &(*link)->next)
        if (!(*link)->list.first->is_moving && (next == NULL || (*link)->turn < (*next)->turn))
            next = link;
    if (next == NULL)
        return NULL;
    struct out_queue *queue = *next;
    struct out_chunk *chunk = out_list_pop(&queue->list);
    if (queue->list.first == NULL)
        *next = queue->next;
    if (stream->turn < queue->turn)
        stream->turn = queue->turn; /* not back to that of one that was moving to disk */
    queue->turn += ((uint64_t)chunk->used_bytes << TURN_SHIFT) / queue->weight;
    chunk->position = stream->position - chunk->skipped_count;
    stream->position = chunk->position + chunk->frame_count;
    stream->begun = chunk;
    return chunk;
}

void out_stream_clear(struct out_stream *stream, struct out_list *out)
{
    if (stream->begun != NULL)
        out_list_add(out, stream->begun);
    stream->begun = NULL;
    for (; stream->busy != NULL; stream->busy = stream->busy->next)
        out_list_append(out, &stream->busy->list);
}
