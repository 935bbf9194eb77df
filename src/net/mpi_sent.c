#include "net/mpi_sent.h"

#include "net/mpi_error.h"

#include <stdlib.h>
#include <string.h>

/* How many sends are tested in one poll: each test costs a look at MPI's progress. */
enum { SENT_TESTS = 8 };

struct control_sent {
    struct control_sent *next;
    uint32_t to;
    uint8_t *bytes;         /* owned copy */
    uint64_t announced;     /* its size, the content of the announcement */
    int request_count;      /* bounded by sent_add */
    int done_count;         /* of them, the first ones */
    MPI_Request requests[]; /* of the announcement and of each piece */
};

static void sent_destroy(struct control_sent *sent)
{
    free(sent->bytes);
    free(sent);
}

/* The first request that fails says so when it is tested, if its receiver is gone. */
BARKS_CHECKED static barks_status *begin_sends(struct mpi_sent *list, struct control_sent *sent,
                                               size_t size_bytes)
{
    int to = (int)sent->to;
    bool is_gone = false;
    if (size_bytes <= CONTROL_SMALL_BYTES)
        return losses_judge(list->losses, sent->to,
                            LOSSES_CODE(MPI_Isend(sent->bytes, (int)size_bytes, MPI_BYTE, to,
                                                  TAG_SMALL, list->small, &sent->requests[0])),
                            "send a control message", &is_gone);
    sent->announced = size_bytes;
    BARKS_TRY(
        losses_judge(list->losses, sent->to,
                     LOSSES_CODE(MPI_Isend(&sent->announced, (int)sizeof sent->announced, MPI_BYTE,
                                           to, TAG_ANNOUNCE, list->small, &sent->requests[0])),
                     "announce a large control message", &is_gone));
    size_t offset_bytes = 0;
    for (int i = 1; i < sent->request_count && !is_gone; i++) {
        size_t piece_bytes = size_bytes - offset_bytes;
        if (piece_bytes > CONTROL_PIECE_BYTES)
            piece_bytes = CONTROL_PIECE_BYTES;
        BARKS_TRY(losses_judge(
            list->losses, sent->to,
            LOSSES_CODE(MPI_Isend(sent->bytes + offset_bytes, (int)piece_bytes, MPI_BYTE, to,
                                  TAG_PIECE, list->bulk, &sent->requests[i])),
            "send a piece of a large control message", &is_gone));
        offset_bytes += piece_bytes;
    }
    return NULL;
}

barks_status *sent_add(struct mpi_sent *list, uint32_t to, const void *bytes, size_t size_bytes)
{
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
    if (list->last == NULL)
        list->first = sent;
    else
        list->last->next = sent;
    list->last = sent;
    return begin_sends(list, sent, size_bytes);
}

/* *out_done: all of it has left, or nobody is there to take it. */
BARKS_CHECKED static barks_status *test_requests(struct mpi_sent *list, struct control_sent *sent,
                                                 bool *out_done)
{
    int done = 1;
    bool is_gone = false;
    while (sent->done_count < sent->request_count && done) {
        BARKS_TRY(losses_judge(
            list->losses, sent->to,
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
barks_status *sent_test(struct mpi_sent *list)
{
    for (int i = 0; i < SENT_TESTS && list->first != NULL; i++) {
        struct control_sent *sent = list->first;
        bool done = false;
        BARKS_TRY(test_requests(list, sent, &done));
        if (!done && sent->next == NULL)
            return NULL;
        list->first = sent->next;
        if (sent->next == NULL)
            list->last = NULL;
        sent->next = NULL;
        if (done) {
            sent_destroy(sent);
        } else {
            list->last->next = sent;
            list->last = sent;
        }
    }
    return NULL;
}

void sent_forget(struct mpi_sent *list, uint32_t rank)
{
    struct control_sent **link = &list->first;
    list->last = NULL;
    while (*link != NULL) {
        struct control_sent *sent = *link;
        if (sent->to == rank) {
            *link = sent->next;
            sent->next = list->left;
            list->left = sent;
        } else {
            list->last = sent;
            link = &sent->next;
        }
    }
}
