/* The MPI backend. MPI is called by one thread alone, the one that opened the endpoint, and after
 * the start by nothing that blocks: posted receives and tests, with naps between. */
#include "base/assertion.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/mpi_control.h"
#include "net/mpi_error.h"
#include "net/nap.h"
#include "net/net.h"
#include "net/single_copy.h"

#include <mpi.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long a good end waits for the other ranks before it gives up on MPI_Finalize. */
#define CLOSE_NS_MAX (60 * NS_PER_S)
#define CLOSE_NAP_NS_MAX (200 * NS_PER_US)

struct mpi_round {
    MPI_Request request; /* MPI_REQUEST_NULL: no phase is outstanding */
    bool is_sizes;
    const struct net_round_size *send_sizes;
    const struct net_round_size *receive_sizes;
    int *counts; /* owned: four arrays of executor_count, which MPI reads until the phase is done */
};

struct mpi_endpoint {
    struct net net; /* first: what callers hold */
    pthread_t owner;
    bool is_ours; /* barks initialised MPI, and finalizes it */
    MPI_Comm small;
    MPI_Comm bulk;
    MPI_Comm executors; /* MPI_COMM_NULL on the driver */
    uint32_t executor_count;
    struct mpi_control control;
    struct mpi_round round;
    struct nap nap;
};

static struct mpi_endpoint *endpoint_of(struct net *net)
{
    struct mpi_endpoint *endpoint = (struct mpi_endpoint *)net;
    BARKS_ASSERT(pthread_equal(endpoint->owner, pthread_self()));
    return endpoint;
}

static barks_status *mpi_send(struct net *net, uint32_t to, const void *bytes, size_t size_bytes)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    nap_note_traffic(&endpoint->nap); /* an answer may come soon */
    return control_send(&endpoint->control, to, bytes, size_bytes);
}

static barks_status *mpi_poll(struct net *net, struct net_message *out_message, bool *out_got)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    BARKS_TRY(control_poll(&endpoint->control, out_message, out_got));
    if (*out_got)
        nap_note_traffic(&endpoint->nap);
    return NULL;
}

static barks_status *mpi_sizes_begin(struct net *net, const struct net_round_size *send,
                                     struct net_round_size *receive)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    BARKS_ASSERT(endpoint->round.request == MPI_REQUEST_NULL);
    endpoint->round.is_sizes = true;
    endpoint->round.send_sizes = send;
    endpoint->round.receive_sizes = receive;
    /* Tested by mpi_round_test. NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
    return mpi_status_of(MPI_Ialltoall(send, (int)sizeof *send, MPI_BYTE, receive,
                                       (int)sizeof *receive, MPI_BYTE, endpoint->executors,
                                       &endpoint->round.request),
                         "begin the sizes of a round");
}

/* Fits: net_payload_begin has held the pieces against NET_ROUND_BYTES_MAX. */
static void fill_counts(const struct net_piece *pieces, uint32_t count, int *out_counts,
                        int *out_offsets)
{
    _Static_assert(NET_ROUND_BYTES_MAX <= INT32_MAX, "counts and displacements are ints");
    for (uint32_t i = 0; i < count; i++) {
        out_counts[i] = (int)pieces[i].bytes;
        out_offsets[i] = pieces[i].bytes > 0 ? (int)pieces[i].offset_bytes : 0;
    }
}

static barks_status *mpi_payload_begin(struct net *net, const uint8_t *send,
                                       const struct net_piece *send_pieces, uint8_t *receive,
                                       const struct net_piece *receive_pieces)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    BARKS_ASSERT(endpoint->round.request == MPI_REQUEST_NULL);
    uint32_t count = endpoint->executor_count;
    int *send_counts = endpoint->round.counts, *send_offsets = send_counts + count;
    int *receive_counts = send_offsets + count, *receive_offsets = receive_counts + count;
    fill_counts(send_pieces, count, send_counts, send_offsets);
    fill_counts(receive_pieces, count, receive_counts, receive_offsets);
    endpoint->round.is_sizes = false;
    return mpi_status_of(MPI_Ialltoallv(send, send_counts, send_offsets, MPI_BYTE, receive,
                                        receive_counts, receive_offsets, MPI_BYTE,
                                        endpoint->executors, &endpoint->round.request),
                         "begin the payload of a round");
}

static barks_status *mpi_round_test(struct net *net, bool *out_done)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    struct mpi_round *round = &endpoint->round;
    if (round->request == MPI_REQUEST_NULL)
        BARKS_FAIL(BARKS_INTERNAL, "rank %u tests a round that it did not begin", net->rank);
    int done = 0;
    BARKS_TRY(mpi_status_of(MPI_Test(&round->request, &done, MPI_STATUS_IGNORE),
                            round->is_sizes ? "exchange the sizes of a round"
                                            : "exchange the payload of a round"));
    *out_done = done != 0;
    if (!done)
        return NULL;
    nap_note_traffic(&endpoint->nap);
    for (uint32_t i = 0; round->is_sizes && i < endpoint->executor_count; i++)
        if (round->receive_sizes[i].sequence != round->send_sizes[i].sequence)
            BARKS_FAIL(BARKS_INTERNAL, "rank %u is in round %u, rank %u in round %u", net->rank,
                       round->send_sizes[i].sequence, i + 1, round->receive_sizes[i].sequence);
    return NULL;
}

static void mpi_wait(struct net *net, uint64_t nap_ns_max)
{
    nap_take(&endpoint_of(net)->nap, nap_ns_max);
}

static void mpi_wake(struct net *net) { nap_wake(&((struct mpi_endpoint *)net)->nap); }

static void mpi_abort(struct net *net, int exit_code)
{
    struct mpi_endpoint *endpoint = (struct mpi_endpoint *)net;
    if (pthread_equal(endpoint->owner, pthread_self()))
        (void)MPI_Abort(MPI_COMM_WORLD, exit_code);
    _exit(exit_code);
}

/* Endpoints whose memory MPI may still write to; kept reachable for leak checkers. */
static struct mpi_endpoint *abandoned __attribute__((used)); /* written only: it would be gone */

static void free_comms(struct mpi_endpoint *endpoint)
{
    MPI_Comm *comms[] = {&endpoint->executors, &endpoint->bulk, &endpoint->small};
    for (size_t i = 0; i < sizeof comms / sizeof *comms; i++)
        if (*comms[i] != MPI_COMM_NULL)
            (void)MPI_Comm_free(comms[i]); /* at the end of all: what could be done about it? */
}

/* Waits until all ranks are here and all that was sent has been received, which is thrown away. */
BARKS_CHECKED static barks_status *quiesce(struct mpi_endpoint *endpoint)
{
    uint64_t deadline_ns = monotonic_ns() + CLOSE_NS_MAX;
    MPI_Request barrier = MPI_REQUEST_NULL;
    bool has_begun = false;
    for (int done = 0; !done;) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(mpi_poll(&endpoint->net, &message, &got));
        if (got) {
            net_message_drop(&message);
            continue;
        }
        if (!has_begun && control_is_flushed(&endpoint->control)) {
            BARKS_TRY(mpi_status_of(MPI_Ibarrier(endpoint->small, &barrier), "begin to close"));
            has_begun = true;
        }
        if (has_begun)
            BARKS_TRY(mpi_status_of(MPI_Test(&barrier, &done, MPI_STATUS_IGNORE), "close"));
        if (!done && monotonic_ns() > deadline_ns)
            BARKS_FAIL(BARKS_LOST, "not all ranks came to close");
        if (!done)
            nap_take(&endpoint->nap, CLOSE_NAP_NS_MAX);
    }
    return NULL;
}

static void endpoint_destroy(struct mpi_endpoint *endpoint)
{
    nap_drop(&endpoint->nap);
    free(endpoint->round.counts);
    free(endpoint);
}

static void mpi_close(struct net *net, bool after_failure)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    bool is_well = !after_failure && endpoint->round.request == MPI_REQUEST_NULL;
    barks_status *status = is_well ? quiesce(endpoint) : NULL;
    if (is_well && status == NULL)
        status = control_close(&endpoint->control);
    is_well = is_well && status == NULL;
    /* mpirun takes a process that leaves without MPI_Finalize for a failed one, and knows no why.
     */
    if (status != NULL)
        LOG(LEVEL_ERROR, "net",
            "MPI is left without its end, and mpirun will call it a failure: %s",
            barks_status_text(status));
    barks_status_free(status);
    if (!is_well) {
        abandoned = endpoint;
        return;
    }
    free_comms(endpoint);
    if (endpoint->is_ours)
        (void)MPI_Finalize();
    endpoint_destroy(endpoint);
}

static const struct net_backend mpi_backend = {
    .name = "mpi",
    .close = mpi_close,
    .send = mpi_send,
    .poll = mpi_poll,
    .sizes_begin = mpi_sizes_begin,
    .payload_begin = mpi_payload_begin,
    .round_test = mpi_round_test,
    .wait = mpi_wait,
    .wake = mpi_wake,
    .abort = mpi_abort,
};

/* A variable of the environment as a number; 0 where it is none. */
static unsigned long number_from_environment(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : 0;
}

bool net_mpi_wanted(void)
{
    if (getenv("OMPI_COMM_WORLD_SIZE") != NULL)
        return number_from_environment("OMPI_COMM_WORLD_SIZE") > 1;
    if (getenv("PMI_SIZE") != NULL)
        return number_from_environment("PMI_SIZE") > 1;
    return getenv("PMIX_RANK") != NULL && number_from_environment("SLURM_STEP_NUM_TASKS") > 1;
}

/* mpirun shows its ranks whether it was told to let them outlive each other. */
bool net_mpi_recovery_possible(void)
{
    const char *told = getenv("OMPI_MCA_orte_enable_recovery");
    return (told != NULL && strcmp(told, "0") != 0) || mpi_has_ulfm();
}

/* Initialises MPI, or sees that the user's initialisation allows calls from this thread. */
BARKS_CHECKED static barks_status *initialise(bool *out_is_ours)
{
    int is_initialised = 0, is_finalized = 0, is_main = 0, provided = MPI_THREAD_SINGLE;
    BARKS_TRY(mpi_status_of(MPI_Initialized(&is_initialised), "look for MPI"));
    BARKS_TRY(mpi_status_of(MPI_Finalized(&is_finalized), "look for MPI"));
    if (is_finalized)
        BARKS_FAIL(BARKS_INVALID, "MPI has been finalized already; start barks before that");
    *out_is_ours = !is_initialised;
    if (!is_initialised) {
        if (net_mpi_wanted())
            single_copy_prepare();
        BARKS_TRY(mpi_status_of(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided),
                                "initialise itself"));
        BARKS_TRY(mpi_status_of(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                                "set its error handler"));
        if (provided < MPI_THREAD_FUNNELED)
            BARKS_FAIL(BARKS_INVALID, "this MPI was built without threads; barks needs "
                                      "MPI_THREAD_FUNNELED");
        return NULL;
    }
    BARKS_TRY(mpi_status_of(MPI_Query_thread(&provided), "tell its thread level"));
    BARKS_TRY(mpi_status_of(MPI_Is_thread_main(&is_main), "tell its main thread"));
    if (provided < MPI_THREAD_SERIALIZED && !(is_main && provided == MPI_THREAD_FUNNELED))
        BARKS_FAIL(BARKS_INVALID,
                   "MPI was initialised with %s, but barks calls it from a thread of its own; "
                   "initialise it by MPI_Init_thread with MPI_THREAD_SERIALIZED or "
                   "MPI_THREAD_MULTIPLE, or leave that to barks",
                   provided == MPI_THREAD_FUNNELED ? "MPI_THREAD_FUNNELED" : "MPI_THREAD_SINGLE");
    return NULL;
}

/* The communicator of all ranks but 0, made by those alone. */
BARKS_CHECKED static barks_status *make_executors(MPI_Comm all, MPI_Comm *out)
{
    MPI_Group group = MPI_GROUP_NULL, executors = MPI_GROUP_NULL;
    BARKS_TRY(mpi_status_of(MPI_Comm_group(all, &group), "list its ranks"));
    int driver = 0;
    barks_status *status =
        mpi_status_of(MPI_Group_excl(group, 1, &driver, &executors), "list the executors");
    if (status == NULL)
        status =
            mpi_status_of(MPI_Comm_create_group(all, executors, 0, out), "connect the executors");
    if (executors != MPI_GROUP_NULL)
        (void)MPI_Group_free(&executors);
    (void)MPI_Group_free(&group);
    return status;
}

BARKS_CHECKED static barks_status *connect_ranks(struct mpi_endpoint *endpoint)
{
    int rank = 0, size = 0;
    MPI_Comm *dups[] = {&endpoint->small, &endpoint->bulk};
    for (size_t i = 0; i < sizeof dups / sizeof *dups; i++) {
        BARKS_TRY(mpi_status_of(MPI_Comm_dup(MPI_COMM_WORLD, dups[i]), "connect the ranks"));
        BARKS_TRY(mpi_status_of(MPI_Comm_set_errhandler(*dups[i], MPI_ERRORS_RETURN),
                                "set its error handler"));
    }
    BARKS_TRY(mpi_status_of(MPI_Comm_rank(endpoint->small, &rank), "tell the rank"));
    BARKS_TRY(mpi_status_of(MPI_Comm_size(endpoint->small, &size), "count the ranks"));
    endpoint->net =
        (struct net){.backend = &mpi_backend, .rank = (uint32_t)rank, .size = (uint32_t)size};
    endpoint->executor_count = (uint32_t)size - 1;
    if (rank > 0) {
        BARKS_TRY(make_executors(endpoint->small, &endpoint->executors));
        BARKS_TRY(mpi_status_of(MPI_Comm_set_errhandler(endpoint->executors, MPI_ERRORS_RETURN),
                                "set its error handler"));
        endpoint->round.counts =
            calloc((size_t)4 * endpoint->executor_count, sizeof *endpoint->round.counts);
        if (endpoint->round.counts == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the counts of %u executors",
                       endpoint->executor_count);
    }
    return control_open(&endpoint->control, endpoint->small, endpoint->bulk, (uint32_t)rank,
                        (uint32_t)size);
}

barks_status *net_mpi_open(enum net_recovery recovery, struct net **out_net)
{
    (void)recovery;
    bool is_ours = false;
    BARKS_TRY(initialise(&is_ours));
    struct mpi_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for MPI's endpoint");
    endpoint->owner = pthread_self();
    endpoint->is_ours = is_ours;
    endpoint->small = endpoint->bulk = endpoint->executors = MPI_COMM_NULL;
    endpoint->round.request = MPI_REQUEST_NULL;
    nap_init(&endpoint->nap);
    barks_status *status = connect_ranks(endpoint);
    if (status != NULL) {
        abandoned = endpoint; /* receives may be posted in it */
        return status;
    }
    *out_net = &endpoint->net;
    return NULL;
}
