#include "net/mpi_control.h"

#include "base/assertion.h"
#include "net/mpi_error.h"

#include <stdlib.h>
#include <string.h>

/* Tags on the small communicator; the bulk one knows only one. */
enum { TAG_SMALL = 1, TAG_ANNOUNCE = 2, TAG_PIECE = 3 };

/* How many sends are tested in one poll: each test costs a look at MPI's progress. */
enum { SENT_TESTS = 8 };

struct control_arrived {
    struct control_arrived *next;
    struct net_message message;
    bool is_whole;
    size_t received_bytes; /* of a large one */
    size_t piece_bytes;    /* of the receive that is posted; 0: none */
    MPI_Request request;
};

struct control_sent {
    struct control_sent *next;
    uint32_t to;
    uint8_t *bytes;         /* owned copy */
    uint64_t announced;     /* its size, the content of the announcement */
    int request_count;      /* bounded by control_send */
    int done_count;         /* of them, from the first */
    MPI_Request requests[]; /* of the announcement and of each piece */
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

static void sent_destroy(struct control_sent *sent)
{
    free(sent->bytes);
    free(sent);
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
    *control = (struct mpi_control){
        .small = small, .bulk = bulk, .losses = losses, .rank = rank, .size = size};
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

/* The first request that fails says so when it is tested, if its receiver is gone. */
BARKS_CHECKED static barks_status *begin_sends(struct mpi_control *control,
                                               struct control_sent *sent, size_t size_bytes)
{
    int to = (int)sent->to;
    bool is_gone = false;
    if (size_bytes <= CONTROL_SMALL_BYTES)
        return losses_judge(control->losses, sent->to,
                            LOSSES_CODE(MPI_Isend(sent->bytes, (int)size_bytes, MPI_BYTE, to,
                                                  TAG_SMALL, control->small, &sent->requests[0])),
                            "send a control message", &is_gone);
    sent->announced = size_bytes;
    BARKS_TRY(
        losses_judge(control->losses, sent->to,
                     LOSSES_CODE(MPI_Isend(&sent->announced, (int)sizeof sent->announced, MPI_BYTE,
                                           to, TAG_ANNOUNCE, control->small, &sent->requests[0])),
                     "announce a large control message", &is_gone));
    size_t offset_bytes = 0;
    for (int i = 1; i < sent->request_count && !is_gone; i++) {
        size_t piece_bytes = size_bytes - offset_bytes;
        if (piece_bytes > CONTROL_PIECE_BYTES)
            piece_bytes = CONTROL_PIECE_BYTES;
        BARKS_TRY(losses_judge(
            control->losses, sent->to,
            LOSSES_CODE(MPI_Isend(sent->bytes + offset_bytes, (int)piece_bytes, MPI_BYTE, to,
                                  TAG_PIECE, control->bulk, &sent->requests[i])),
            "send a piece of a large control message", &is_gone));
        offset_bytes += piece_bytes;
    }
    return NULL;
}

barks_status *control_send(struct mpi_control *control, uint32_t to, const void *bytes,
                           size_t size_bytes)
{
    if (to == control->rank)
        return send_to_oneself(control, bytes, size_bytes);
    if (control->losses->is_lost[to])
        return NULL;
    size_t request_count = 1;
    if (size_bytes > CONTROL_SMALL_BYTES)
        request_count += (size_bytes - 1) / CONTROL_PIECE_BYTES + 1;
    if (request_count > INT32_MAX)
        BARKS_FAIL(BARKS_LIMIT, "a message of %zu bytes is larger than any memory", size_bytes);
    struct control_sent *sent = calloc(1, sizeof *sent + request_count * sizeof sent->requests[0]);
    uint8_t *copy = malloc(size_bytes > 0 ? size_bytes : 1);
    if (sent == NULL || copy == NULL) {
        free(sent);
        free(copy);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a message of %zu bytes to rank %u", size_bytes,
                   to);
    }
    if (size_bytes > 0)
        memcpy(copy, bytes, size_bytes);
    sent->to = to;
    sent->bytes = copy;
    sent->request_count = (int)request_count;
    for (size_t i = 0; i < request_count; i++)
        sent->requests[i] = MPI_REQUEST_NULL;
    /* In the list even when a send fails: the ones before it may still read the copy. */
    if (control->sent_last == NULL)
        control->sent_first = sent;
    else
        control->sent_last->next = sent;
    control->sent_last = sent;
    return begin_sends(control, sent, size_bytes);
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
            if (!done || is_pending)
                return NULL;
            control->has_landed = true;
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

/* *out_done: all of it has left, or nobody is there to take it. */
BARKS_CHECKED static barks_status *test_requests(struct mpi_control *control,
                                                 struct control_sent *sent, bool *out_done)
{
    int done = 1;
    bool is_gone = false;
    while (sent->done_count < sent->request_count && done) {
        BARKS_TRY(losses_judge(
            control->losses, sent->to,
            LOSSES_CODE(MPI_Test(&sent->requests[sent->done_count], &done, MPI_STATUS_IGNORE)),
            "send a control message", &is_gone));
        if (is_gone) {
            sent->requests[sent->done_count] = MPI_REQUEST_NULL;
            done = 1;
        }
        sent->done_count += done;
    }
    *out_done = done != 0;
    return NULL;
}

/* Frees copies of what has left. One that has not goes to the end, so that a slow peer does not
 * keep the copies for all others. */
BARKS_CHECKED static barks_status *test_sent(struct mpi_control *control)
{
    for (int i = 0; i < SENT_TESTS && control->sent_first != NULL; i++) {
        struct control_sent *sent = control->sent_first;
        bool done = false;
        BARKS_TRY(test_requests(control, sent, &done));
        if (!done && sent->next == NULL)
            return NULL;
        control->sent_first = sent->next;
        if (sent->next == NULL)
            control->sent_last = NULL;
        sent->next = NULL;
        if (done) {
            sent_destroy(sent);
        } else {
            control->sent_last->next = sent;
            control->sent_last = sent;
        }
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
        BARKS_TRY(test_sent(control));
    }
    struct control_arrived *arrived = pop(&control->ready);
    *out_got = arrived != NULL;
    if (arrived != NULL) {
        *out_message = arrived->message;
        free(arrived);
    }
    return NULL;
}

static void forget_sent(struct mpi_control *control, uint32_t rank)
{
    struct control_sent **link = &control->sent_first;
    control->sent_last = NULL;
    while (*link != NULL) {
        struct control_sent *sent = *link;
        if (sent->to == rank) {
            *link = sent->next;
            sent->next = control->left_sent;
            control->left_sent = sent;
        } else {
            control->sent_last = sent;
            link = &sent->next;
        }
    }
}

/* Keeps of a queue what others sent. */
static void forget_queued(struct mpi_control *control, struct control_queue *queue, uint32_t rank)
{
    struct control_queue kept = {0};
    for (struct control_arrived *arrived = pop(queue); arrived != NULL; arrived = pop(queue)) {
        if (arrived->message.from != rank)
            push(&kept, arrived);
        else if (arrived->piece_bytes > 0)
            push(&control->left_arriving, arrived);
        else
            arrived_destroy(arrived);
    }
    *queue = kept;
}

void control_forget(struct mpi_control *control, uint32_t rank)
{
    struct control_peer *peer = &control->peers[rank];
    forget_sent(control, rank);
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
