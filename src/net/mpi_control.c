#include "net/mpi_control.h"

#include "base/assertion.h"
#include "net/mpi_error.h"

#include <stdlib.h>
#include <string.h>

struct control_arrived {
    struct control_arrived *next;
    struct net_message message;
    bool is_whole;
    size_t received_bytes; /* of a large one */
    size_t piece_bytes;    /* of the receive that is posted; 0: none */
    MPI_Request request;
};

static void push(struct control_queue *queue, struct control_arrived *arrived)
{
    arrived->next = NULL;
    if (queue->last == NULL)
        queue->first = arrived;
    else
        queue->last->next = arrived;
    queue->last = arrived;
}

static struct control_arrived *pop(struct control_queue *queue)
{
    struct control_arrived *first = queue->first;
    if (first != NULL) {
        queue->first = first->next;
        if (first->next == NULL)
            queue->last = NULL;
    }
    return first;
}

static void arrived_destroy(struct control_arrived *arrived)
{
    net_message_drop(&arrived->message);
    free(arrived);
}

BARKS_CHECKED static barks_status *post_slot(struct mpi_control *control, uint32_t slot)
{
    return mpi_status_of(MPI_Irecv(control->ring_bytes + (size_t)slot * CONTROL_SMALL_BYTES,
                                   CONTROL_SMALL_BYTES, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                                   control->small, &control->ring[slot]),
                         "post a receive of control messages");
}

barks_status *control_open(struct mpi_control *control, MPI_Comm small, MPI_Comm bulk,
                           uint32_t rank, struct mpi_losses *losses)
{
    uint32_t size = losses->size;
    *control = (struct mpi_control){.small = small,
                                    .bulk = bulk,
                                    .losses = losses,
                                    .rank = rank,
                                    .size = size,
                                    .sent = {.small = small, .bulk = bulk, .losses = losses}};
    control->ring_bytes = malloc((size_t)CONTROL_RING_SLOTS * CONTROL_SMALL_BYTES);
    control->peers = calloc(size, sizeof *control->peers);
    if (control->ring_bytes == NULL || control->peers == NULL) {
        free(control->ring_bytes);
        free(control->peers);
        *control = (struct mpi_control){0};
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the control channel of %u ranks", size);
    }
    for (uint32_t slot = 0; slot < CONTROL_RING_SLOTS; slot++)
        BARKS_TRY(post_slot(control, slot)); /* leaves what is posted: MPI may still write there */
    return NULL;
}

/* Room for a message that is on its way; NULL without memory. */
static struct control_arrived *arrived_create(uint32_t from, size_t size_bytes)
{
    struct control_arrived *arrived = calloc(1, sizeof *arrived);
    uint8_t *bytes = malloc(size_bytes > 0 ? size_bytes : 1);
    if (arrived == NULL || bytes == NULL) {
        free(arrived);
        free(bytes);
        return NULL;
    }
    arrived->message = (struct net_message){.from = from, .bytes = bytes, .size_bytes = size_bytes};
    arrived->request = MPI_REQUEST_NULL;
    return arrived;
}

BARKS_CHECKED static barks_status *send_to_oneself(struct mpi_control *control, const void *bytes,
                                                   size_t size_bytes)
{
    struct control_arrived *arrived = arrived_create(control->rank, size_bytes);
    if (arrived == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message of %zu bytes to oneself", size_bytes);
    if (size_bytes > 0)
        memcpy(arrived->message.bytes, bytes, size_bytes);
    arrived->is_whole = true;
    push(&control->ready, arrived);
    return NULL;
}

barks_status *control_send(struct mpi_control *control, uint32_t to, const void *bytes,
                           size_t size_bytes)
{
    if (to == control->rank)
        return send_to_oneself(control, bytes, size_bytes);
    return control->losses->is_lost[to] ? NULL : sent_add(&control->sent, to, bytes, size_bytes);
}

/* Posts the receive of the next piece of the message at the head of what a peer holds. */
BARKS_CHECKED static barks_status *post_piece(struct mpi_control *control,
                                              struct control_arrived *arrived)
{
    size_t piece_bytes = arrived->message.size_bytes - arrived->received_bytes;
    if (piece_bytes > CONTROL_PIECE_BYTES)
        piece_bytes = CONTROL_PIECE_BYTES;
    uint32_t from = arrived->message.from;
    BARKS_TRY(losses_judge(
        control->losses, from,
        LOSSES_CODE(MPI_Irecv(arrived->message.bytes + arrived->received_bytes, (int)piece_bytes,
                              MPI_BYTE, (int)from, TAG_PIECE, control->bulk, &arrived->request)),
        "post the receive of a large control message", &control->peers[from].is_broken));
    arrived->piece_bytes = piece_bytes; /* else it is posted in a later poll */
    return NULL;
}

/* What landed in a slot, as its status describes it. */
BARKS_CHECKED static barks_status *take_slot(struct mpi_control *control, uint32_t slot,
                                             const MPI_Status *status)
{
    const uint8_t *bytes = control->ring_bytes + (size_t)slot * CONTROL_SMALL_BYTES;
    uint32_t from = (uint32_t)status->MPI_SOURCE;
    int count = 0;
    if (control->losses->is_lost[from]) {
        control->has_landed = false;
        return NULL;
    }
    BARKS_TRY(mpi_status_of(MPI_Get_count(status, MPI_BYTE, &count), "count a control message"));
    uint64_t size_bytes = (uint64_t)count;
    bool is_small = status->MPI_TAG == TAG_SMALL;
    if (!is_small) {
        BARKS_ASSERT(status->MPI_TAG == TAG_ANNOUNCE && count == (int)sizeof size_bytes);
        memcpy(&size_bytes, bytes, sizeof size_bytes);
    }
    struct control_arrived *arrived = arrived_create(from, size_bytes);
    if (arrived == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message of %zu bytes from rank %u",
                   (size_t)size_bytes, from);
    control->has_landed = false;
    arrived->is_whole = is_small;
    if (is_small && size_bytes > 0)
        memcpy(arrived->message.bytes, bytes, size_bytes);
    struct control_peer *peer = &control->peers[from];
    if (is_small && peer->held.first == NULL) {
        push(&control->ready, arrived);
        return NULL;
    }
    bool is_first = peer->held.first == NULL;
    push(&peer->held, arrived);
    if (!is_first)
        return NULL;
    peer->next = control->holders;
    control->holders = peer;
    return post_piece(control, arrived);
}

/* Takes what has landed, at most once round the ring. What fails is done in a later poll, since
 * whoever cannot go on still wants to hear how to end: a message for which there was no memory
 * stays in its slot, and a slot is posted anew before the next one is looked at, so that they are
 * filled in turn. */
BARKS_CHECKED static barks_status *test_ring(struct mpi_control *control)
{
    for (uint32_t i = 0; i < CONTROL_RING_SLOTS; i++) {
        uint32_t slot = control->ring_head;
        if (control->ring[slot] != MPI_REQUEST_NULL) {
            int done = 0;
            bool is_pending = false;
            int code = LOSSES_CODE(MPI_Test(&control->ring[slot], &done, &control->landed));
            BARKS_TRY(losses_judge_any(control->losses, control->small, code,
                                       "receive a control message", &is_pending));
            if (!done)
                return NULL;
            control->has_landed = true;
            /* Open MPI keeps such a request, even where a message has come into it since it said
             * so for the first time, and would say so for ever. */
            if (is_pending)
                BARKS_TRY(mpi_status_of(MPI_Request_free(&control->ring[slot]),
                                        "end the receive of a control message"));
        }
        if (control->has_landed)
            BARKS_TRY(take_slot(control, slot, &control->landed));
        BARKS_TRY(post_slot(control, slot));
        control->ring_head = (slot + 1) % CONTROL_RING_SLOTS;
    }
    return NULL;
}

/* Moves what is whole from what a peer holds; *out_holds says whether an incomplete one is left. */
BARKS_CHECKED static barks_status *test_peer(struct mpi_control *control, struct control_peer *peer,
                                             bool *out_holds)
{
    struct control_arrived *head = peer->held.first;
    while (head != NULL && !head->is_whole && !peer->is_broken) {
        int done = 0;
        if (head->piece_bytes == 0)
            BARKS_TRY(post_piece(control, head));
        if (!peer->is_broken)
            BARKS_TRY(losses_judge(control->losses, head->message.from,
                                   LOSSES_CODE(MPI_Test(&head->request, &done, MPI_STATUS_IGNORE)),
                                   "receive a large control message", &peer->is_broken));
        if (!done || peer->is_broken)
            break;
        head->received_bytes += head->piece_bytes;
        head->piece_bytes = 0;
        head->is_whole = head->received_bytes == head->message.size_bytes;
    }
    while (peer->held.first != NULL && peer->held.first->is_whole)
        push(&control->ready, pop(&peer->held));
    *out_holds = peer->held.first != NULL;
    return NULL;
}

BARKS_CHECKED static barks_status *test_holders(struct mpi_control *control)
{
    struct control_peer **link = &control->holders;
    while (*link != NULL) {
        bool holds = false;
        BARKS_TRY(test_peer(control, *link, &holds));
        if (holds)
            link = &(*link)->next;
        else
            *link = (*link)->next;
    }
    return NULL;
}

barks_status *control_poll(struct mpi_control *control, struct net_message *out_message,
                           bool *out_got)
{
    if (control->ready.first == NULL) {
        BARKS_TRY(test_ring(control));
        if (control->holders != NULL)
            BARKS_TRY(test_holders(control));
        BARKS_TRY(sent_test(&control->sent));
    }
    struct control_arrived *arrived = pop(&control->ready);
    *out_got = arrived != NULL;
    if (arrived != NULL) {
        *out_message = arrived->message;
        free(arrived);
    }
    return NULL;
}

/* Keeps of a queue what others sent. */
static void forget_queued(struct mpi_control *control, struct control_queue *queue, uint32_t rank)
{
    struct control_queue kept = {0};
    for (struct control_arrived *arrived = pop(queue); arrived != NULL; arrived = pop(queue)) {
        if (arrived->message.from != rank)
            push(&kept, arrived);
        else if (arrived->piece_bytes > 0)
            push(&control->left, arrived);
        else
            arrived_destroy(arrived);
    }
    *queue = kept;
}

void control_forget(struct mpi_control *control, uint32_t rank)
{
    struct control_peer *peer = &control->peers[rank];
    sent_forget(&control->sent, rank);
    forget_queued(control, &control->ready, rank);
    forget_queued(control, &peer->held, rank);
    struct control_peer **link = &control->holders;
    while (*link != NULL && *link != peer)
        link = &(*link)->next;
    if (*link != NULL)
        *link = peer->next;
}

static void queue_drop(struct control_queue *queue)
{
    for (struct control_arrived *arrived = pop(queue); arrived != NULL; arrived = pop(queue))
        arrived_destroy(arrived);
}

barks_status *control_close(struct mpi_control *control)
{
    BARKS_ASSERT(control_is_flushed(control));
    for (uint32_t slot = 0; slot < CONTROL_RING_SLOTS; slot++) {
        BARKS_TRY(mpi_status_of(MPI_Cancel(&control->ring[slot]), "withdraw a receive"));
        int done = 0;
        while (!done) /* local: nobody sends, so the receive can only be cancelled */
            BARKS_TRY(mpi_status_of(MPI_Test(&control->ring[slot], &done, MPI_STATUS_IGNORE),
                                    "withdraw a receive"));
    }
    queue_drop(&control->ready);
    for (uint32_t rank = 0; rank < control->size; rank++)
        queue_drop(&control->peers[rank].held);
    free(control->ring_bytes);
    free(control->peers);
    *control = (struct mpi_control){0};
    return NULL;
}
