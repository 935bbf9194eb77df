#include "net/peer_rounds.h"

#include "base/assertion.h"
#include "base/process.h"
#include "net/mpi_error.h"

#include <stdlib.h>
#include <string.h>

/* A tag says what a message is and of which epoch, so that one of a phase that was given up, which
 * may still arrive, is never taken for one of today. Within an epoch all ranks send the same
 * messages in the same order. MPI promises tags up to 32767. */
enum phase_kind { PHASE_MEET, PHASE_SIZES, PHASE_PAYLOAD, PHASE_KINDS };
enum { TAG_READ = PHASE_KINDS, TAGS, EPOCHS_MAX = 32767 / TAGS };

/* A payload below this is sent as it is; of a longer one a peer on this node gets the address,
 * reads it and says so. Either is a message that Open MPI sends at once. */
enum { READ_BYTES_MIN = 2048 };

/* Messages with one peer. */
enum slot { SLOT_RECEIVE, SLOT_SEND, SLOT_HEAR_READ, SLOT_TELL_READ, SLOTS };

/* Messages that were posted together, and words of what was read. */
struct peer_phase {
    struct peer_phase *next; /* another that was given up */
    enum phase_kind kind;
    bool is_begun;
    uint32_t left_count; /* messages that are not done */
    const struct net_round_size *send_sizes;
    const struct net_round_size *receive_sizes;
    uint8_t *receive; /* borrowed, as the next: of a payload */
    const struct net_piece *receive_pieces;
    uint8_t word;
    uint8_t *words;        /* owned: one from each rank */
    uint64_t *addresses;   /* owned: [2 * rank] of what is to be read there, then of ours */
    MPI_Request *requests; /* owned: [SLOTS * rank + slot] */
    int *expected;         /* owned: bytes, for each receive by rank */
    int *indices;          /* owned, as statuses: for MPI_Testsome */
    MPI_Status *statuses;
};

static void phase_destroy(struct peer_phase *phase)
{
    if (phase == NULL)
        return;
    free(phase->words);
    free(phase->addresses);
    free(phase->requests);
    free(phase->expected);
    free(phase->indices);
    free(phase->statuses);
    free(phase);
}

BARKS_CHECKED static barks_status *phase_create(uint32_t size, struct peer_phase **out_phase)
{
    struct peer_phase *phase = calloc(1, sizeof *phase);
    size_t count = SLOTS * (size_t)size;
    if (phase != NULL) {
        phase->words = calloc(size, sizeof *phase->words);
        phase->addresses = calloc(size, 2 * sizeof *phase->addresses);
        phase->requests = calloc(count, sizeof *phase->requests);
        phase->expected = calloc(size, sizeof *phase->expected);
        phase->indices = calloc(count, sizeof *phase->indices);
        phase->statuses = calloc(count, sizeof *phase->statuses);
    }
    if (phase == NULL || phase->words == NULL || phase->addresses == NULL ||
        phase->requests == NULL || phase->expected == NULL || phase->indices == NULL ||
        phase->statuses == NULL) {
        phase_destroy(phase);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for rounds of %u ranks", size);
    }
    for (size_t i = 0; i < count; i++)
        phase->requests[i] = MPI_REQUEST_NULL;
    *out_phase = phase;
    return NULL;
}

static void begin(struct peer_rounds *rounds, enum phase_kind kind)
{
    BARKS_ASSERT(!rounds->phase->is_begun);
    rounds->phase->kind = kind;
    rounds->phase->is_begun = true;
    rounds->phase->left_count = 0;
}

static int tag_of(const struct peer_rounds *rounds, enum slot slot)
{
    bool is_of_phase = slot == SLOT_RECEIVE || slot == SLOT_SEND;
    return (int)(rounds->epoch * TAGS + (is_of_phase ? (uint32_t)rounds->phase->kind : TAG_READ));
}

static bool is_peer(const struct peer_rounds *rounds, uint32_t rank)
{
    return rank != rounds->rank && !rounds->losses->is_lost[rank];
}

/* Counted as left even where the peer is gone: the phase is then never done. */
BARKS_CHECKED static barks_status *post_receive(struct peer_rounds *rounds, enum slot slot,
                                                uint32_t from, void *bytes, size_t size_bytes)
{
    bool is_gone = false;
    MPI_Request *request = &rounds->phase->requests[SLOTS * (size_t)from + slot];
    if (slot == SLOT_RECEIVE)
        rounds->phase->expected[from] = (int)size_bytes; /* at most NET_ROUND_BYTES_MAX */
    rounds->phase->left_count++;
    return losses_judge(rounds->losses, from,
                        LOSSES_CODE(MPI_Irecv(bytes, (int)size_bytes, MPI_BYTE, (int)from,
                                              tag_of(rounds, slot), rounds->comm, request)),
                        "post a receive of a round", &is_gone);
}

BARKS_CHECKED static barks_status *post_send(struct peer_rounds *rounds, enum slot slot,
                                             uint32_t to, const void *bytes, size_t size_bytes)
{
    bool is_gone = false;
    MPI_Request *request = &rounds->phase->requests[SLOTS * (size_t)to + slot];
    rounds->phase->left_count++;
    return losses_judge(rounds->losses, to,
                        LOSSES_CODE(MPI_Isend(bytes, (int)size_bytes, MPI_BYTE, (int)to,
                                              tag_of(rounds, slot), rounds->comm, request)),
                        "send a part of a round", &is_gone);
}

/* Executors in an order that differs from rank to rank, so that they do not all begin with the
 * same one. */
static uint32_t nth_executor(const struct peer_rounds *rounds, uint32_t n)
{
    uint32_t count = rounds->size - 1;
    return (rounds->rank - 1 + n) % count + 1;
}

barks_status *peer_rounds_sizes(struct peer_rounds *rounds, const struct net_round_size *send,
                                struct net_round_size *receive)
{
    begin(rounds, PHASE_SIZES);
    rounds->phase->send_sizes = send;
    rounds->phase->receive_sizes = receive;
    memset(receive, 0, (rounds->size - 1) * sizeof *receive); /* what the lost would say */
    receive[rounds->rank - 1] = send[rounds->rank - 1];
    for (uint32_t rank = 1; rank < rounds->size; rank++)
        if (is_peer(rounds, rank))
            BARKS_TRY(
                post_receive(rounds, SLOT_RECEIVE, rank, &receive[rank - 1], sizeof *receive));
    for (uint32_t n = 1; n + 1 < rounds->size; n++) {
        uint32_t to = nth_executor(rounds, n);
        if (is_peer(rounds, to))
            BARKS_TRY(post_send(rounds, SLOT_SEND, to, &send[to - 1], sizeof *send));
    }
    return NULL;
}

/* Is a payload of so many bytes to or from the peer read rather than sent? */
static bool is_read(const struct peer_rounds *rounds, uint32_t peer, size_t size_bytes)
{
    return size_bytes >= READ_BYTES_MIN && same_node_reads(&rounds->near, peer);
}

BARKS_CHECKED static barks_status *expect_piece(struct peer_rounds *rounds, uint32_t from)
{
    struct peer_phase *phase = rounds->phase;
    const struct net_piece *piece = &phase->receive_pieces[from - 1];
    if (is_read(rounds, from, piece->bytes))
        return post_receive(rounds, SLOT_RECEIVE, from, &phase->addresses[2 * (size_t)from],
                            sizeof *phase->addresses);
    return post_receive(rounds, SLOT_RECEIVE, from, phase->receive + piece->offset_bytes,
                        piece->bytes);
}

BARKS_CHECKED static barks_status *send_piece(struct peer_rounds *rounds, uint32_t to,
                                              const uint8_t *bytes, size_t size_bytes)
{
    struct peer_phase *phase = rounds->phase;
    if (!is_read(rounds, to, size_bytes))
        return post_send(rounds, SLOT_SEND, to, bytes, size_bytes);
    uint64_t *address = &phase->addresses[2 * (size_t)to + 1];
    *address = (uint64_t)(uintptr_t)bytes;
    BARKS_TRY(post_receive(rounds, SLOT_HEAR_READ, to, &phase->words[to], 1));
    return post_send(rounds, SLOT_SEND, to, address, sizeof *address);
}

barks_status *peer_rounds_payload(struct peer_rounds *rounds, const uint8_t *send,
                                  const struct net_piece *send_pieces, uint8_t *receive,
                                  const struct net_piece *receive_pieces)
{
    begin(rounds, PHASE_PAYLOAD);
    rounds->phase->receive = receive;
    rounds->phase->receive_pieces = receive_pieces;
    for (uint32_t rank = 1; rank < rounds->size; rank++)
        if (is_peer(rounds, rank) && receive_pieces[rank - 1].bytes > 0)
            BARKS_TRY(expect_piece(rounds, rank));
    for (uint32_t n = 1; n + 1 < rounds->size; n++) {
        uint32_t to = nth_executor(rounds, n);
        const struct net_piece *piece = &send_pieces[to - 1];
        if (is_peer(rounds, to) && piece->bytes > 0)
            BARKS_TRY(send_piece(rounds, to, send + piece->offset_bytes, piece->bytes));
    }
    return NULL;
}

barks_status *peer_rounds_meet(struct peer_rounds *rounds)
{
    begin(rounds, PHASE_MEET);
    for (uint32_t rank = 0; rank < rounds->size; rank++) {
        if (!is_peer(rounds, rank))
            continue;
        BARKS_TRY(post_receive(rounds, SLOT_RECEIVE, rank, &rounds->phase->words[rank], 1));
        BARKS_TRY(post_send(rounds, SLOT_SEND, rank, &rounds->phase->word, 1));
    }
    return NULL;
}

void peer_rounds_pass_dead(struct peer_rounds *rounds)
{
    struct peer_phase *phase = rounds->phase;
    BARKS_ASSERT(!phase->is_begun || phase->kind == PHASE_MEET);
    for (uint32_t rank = 0; rank < rounds->size && phase->is_begun; rank++) {
        pid_t process = same_node_process(&rounds->near, rank);
        if (process == 0 || !is_peer(rounds, rank) || !process_is_gone(process))
            continue;
        for (enum slot slot = SLOT_RECEIVE; slot <= SLOT_SEND; slot++) {
            MPI_Request *request = &phase->requests[SLOTS * (size_t)rank + slot];
            phase->left_count -= *request != MPI_REQUEST_NULL;
            *request = MPI_REQUEST_NULL;
        }
        rounds->losses->any = rounds->losses->is_lost[rank] = true;
    }
}

/* Reads what the peer has said the address of, and tells it. Of a peer that is gone the phase is
 * never done. */
BARKS_CHECKED static barks_status *read_piece(struct peer_rounds *rounds, uint32_t from)
{
    struct peer_phase *phase = rounds->phase;
    const struct net_piece *piece = &phase->receive_pieces[from - 1];
    bool is_gone = false;
    phase->left_count++;
    BARKS_TRY(same_node_read(&rounds->near, from, phase->addresses[2 * (size_t)from],
                             phase->receive + piece->offset_bytes, piece->bytes, &is_gone));
    if (is_gone) {
        losses_suspect(rounds->losses, from);
        return NULL;
    }
    phase->left_count--;
    return post_send(rounds, SLOT_TELL_READ, from, &phase->word, 1);
}

/* What was received has the length that it should have, and of sizes the round. */
BARKS_CHECKED static barks_status *check_received(const struct peer_rounds *rounds, uint32_t peer,
                                                  const MPI_Status *message, const char *doing)
{
    const struct peer_phase *phase = rounds->phase;
    int got_bytes = 0;
    BARKS_TRY(mpi_status_of(MPI_Get_count(message, MPI_BYTE, &got_bytes), doing));
    if (got_bytes != phase->expected[peer])
        BARKS_FAIL(BARKS_INTERNAL, "rank %u sends %d bytes to rank %u, which expects %d", peer,
                   got_bytes, rounds->rank, phase->expected[peer]);
    if (phase->kind == PHASE_SIZES &&
        phase->receive_sizes[peer - 1].sequence != phase->send_sizes[peer - 1].sequence)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", rounds->rank,
                   phase->send_sizes[peer - 1].sequence, peer,
                   phase->receive_sizes[peer - 1].sequence);
    return NULL;
}

/* One message that is no longer under way. */
BARKS_CHECKED static barks_status *end_message(struct peer_rounds *rounds, int index,
                                               const MPI_Status *message, int code)
{
    static const char *const doing[PHASE_KINDS] = {
        "meet all ranks", "exchange the sizes of a round", "exchange the payload of a round"};
    struct peer_phase *phase = rounds->phase;
    uint32_t peer = (uint32_t)index / SLOTS;
    bool is_gone = false;
    BARKS_TRY(losses_judge(rounds->losses, peer, code, doing[phase->kind], &is_gone));
    if (is_gone) {
        phase->requests[index] = MPI_REQUEST_NULL;
        phase->left_count -= phase->kind == PHASE_MEET; /* it has met all before, and left */
        return NULL;
    }
    phase->left_count--;
    if (index % SLOTS != SLOT_RECEIVE)
        return NULL;
    BARKS_TRY(check_received(rounds, peer, message, doing[phase->kind]));
    bool is_to_read = phase->kind == PHASE_PAYLOAD &&
                      is_read(rounds, peer, phase->receive_pieces[peer - 1].bytes);
    return is_to_read ? read_piece(rounds, peer) : NULL;
}

barks_status *peer_rounds_test(struct peer_rounds *rounds, bool *out_done)
{
    struct peer_phase *phase = rounds->phase;
    if (!phase->is_begun)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", rounds->rank);
    int done_count = 0;
    if (phase->left_count > 0) {
        int code = LOSSES_CODE(MPI_Testsome(SLOTS * (int)rounds->size, phase->requests, &done_count,
                                            phase->indices, phase->statuses));
        int class = MPI_SUCCESS;
        if (code != MPI_SUCCESS && MPI_Error_class(code, &class) != MPI_SUCCESS)
            class = MPI_ERR_UNKNOWN;
        if (class != MPI_SUCCESS && class != MPI_ERR_IN_STATUS)
            return mpi_status_of_code(code, "exchange a round");
        for (int i = 0; i < done_count; i++) /* none where it is MPI_UNDEFINED, which is negative */
            BARKS_TRY(end_message(rounds, phase->indices[i], &phase->statuses[i],
                                  class == MPI_ERR_IN_STATUS ? phase->statuses[i].MPI_ERROR
                                                             : MPI_SUCCESS));
    }
    *out_done = phase->left_count == 0;
    phase->is_begun = !*out_done;
    return NULL;
}

bool peer_rounds_is_outstanding(const struct peer_rounds *rounds)
{
    return rounds->phase != NULL && rounds->phase->is_begun;
}

barks_status *peer_rounds_epoch(struct peer_rounds *rounds, uint32_t epoch, bool *out_gave_up)
{
    if (epoch <= rounds->epoch)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u is told to begin epoch %u after epoch %u", rounds->rank,
                   epoch, rounds->epoch);
    if (epoch >= EPOCHS_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "ranks were lost more often than the %d times that can be told "
                   "apart; submit the job again",
                   EPOCHS_MAX);
    *out_gave_up = rounds->phase->is_begun;
    if (*out_gave_up) {
        struct peer_phase *phase = NULL;
        BARKS_TRY(phase_create(rounds->size, &phase));
        rounds->phase->next = rounds->given_up;
        rounds->given_up = rounds->phase;
        rounds->phase = phase;
    }
    rounds->epoch = epoch;
    return NULL;
}

barks_status *peer_rounds_open(struct peer_rounds *rounds, MPI_Comm all, uint32_t rank,
                               struct mpi_losses *losses)
{
    *rounds = (struct peer_rounds){
        .comm = MPI_COMM_NULL, .losses = losses, .rank = rank, .size = losses->size};
    BARKS_TRY(phase_create(losses->size, &rounds->phase));
    BARKS_TRY(mpi_status_of(MPI_Comm_dup(all, &rounds->comm), "connect the ranks"));
    BARKS_TRY(mpi_status_of(MPI_Comm_set_errhandler(rounds->comm, MPI_ERRORS_RETURN),
                            "set its error handler"));
    BARKS_TRY(peer_rounds_meet(rounds));
    for (bool done = false; !done;)
        BARKS_TRY(peer_rounds_test(rounds, &done));
    return same_node_meet(&rounds->near, rounds->comm, rank, rounds->size);
}

void peer_rounds_close(struct peer_rounds *rounds)
{
    BARKS_ASSERT(rounds->given_up == NULL && !peer_rounds_is_outstanding(rounds));
    if (rounds->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&rounds->comm); /* at the end of all: what could be done? */
    phase_destroy(rounds->phase);
    same_node_drop(&rounds->near);
    *rounds = (struct peer_rounds){.comm = MPI_COMM_NULL};
}
