/* The MPI backend. MPI is called by one thread alone, the one that opened the endpoint, and after
 * the start by nothing that blocks: posted receives and tests, with naps between. */
#include "base/assertion.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/collective_rounds.h"
#include "net/mpi_control.h"
#include "net/mpi_error.h"
#include "net/mpi_tasks.h"
#include "net/nap.h"
#include "net/net.h"
#include "net/peer_rounds.h"
#include "net/single_copy.h"

#include <mpi.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long a good end waits for the other ranks before it gives up on MPI_Finalize. */
#define CLOSE_NS_MAX (60 * NS_PER_S)
/* The same where ranks may be lost: one of another node may have been, and nobody would know. */
#define CLOSE_WITHOUT_LOST_NS_MAX (5 * NS_PER_S)
#define CLOSE_NAP_NS_MAX (200 * NS_PER_US)
#define LAST_WORDS_NS (300 * NS_PER_MS)

struct mpi_endpoint {
    struct net net; /* first: what callers hold */
    pthread_t owner;
    bool is_ours; /* barks initialised MPI, and finalizes it */
    MPI_Comm small;
    MPI_Comm bulk;
    MPI_Comm for_tasks; /* of executors, for tasks; MPI_COMM_NULL: tasks do not call MPI */
    struct mpi_control control;
    struct mpi_losses losses;
    struct collective_rounds collective; /* where ranks may not be lost */
    struct peer_rounds peers;            /* where they may */
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

static barks_status *collective_sizes_begin(struct net *net, const struct net_round_size *send,
                                            struct net_round_size *receive)
{
    return collective_rounds_sizes(&endpoint_of(net)->collective, send, receive);
}

static barks_status *collective_payload_begin(struct net *net, const uint8_t *send,
                                              const struct net_piece *send_pieces, uint8_t *receive,
                                              const struct net_piece *receive_pieces)
{
    return collective_rounds_payload(&endpoint_of(net)->collective, send, send_pieces, receive,
                                     receive_pieces);
}

static barks_status *collective_round_test(struct net *net, bool *out_done)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    bool moved = false;
    BARKS_TRY(collective_rounds_test(&endpoint->collective, &moved, out_done));
    if (moved)
        nap_note_traffic(&endpoint->nap);
    return NULL;
}

static barks_status *peer_sizes_begin(struct net *net, const struct net_round_size *send,
                                      struct net_round_size *receive)
{
    return peer_rounds_sizes(&endpoint_of(net)->peers, send, receive);
}

static barks_status *peer_payload_begin(struct net *net, const uint8_t *send,
                                        const struct net_piece *send_pieces, uint8_t *receive,
                                        const struct net_piece *receive_pieces)
{
    return peer_rounds_payload(&endpoint_of(net)->peers, send, send_pieces, receive,
                               receive_pieces);
}

static barks_status *peer_round_test(struct net *net, bool *out_done)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    BARKS_TRY(peer_rounds_test(&endpoint->peers, out_done));
    if (*out_done)
        nap_note_traffic(&endpoint->nap);
    return NULL;
}

static barks_status *mpi_epoch_begin(struct net *net, uint32_t epoch, const bool *is_lost,
                                     bool *out_gave_up)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    struct mpi_losses *losses = &endpoint->losses;
    BARKS_TRY(peer_rounds_epoch(&endpoint->peers, epoch, out_gave_up));
    for (uint32_t rank = 0; rank < net->size; rank++) {
        if (!is_lost[rank] || losses->is_lost[rank])
            continue;
        losses->any = losses->is_lost[rank] = true;
        control_forget(&endpoint->control, rank);
    }
    return NULL;
}

static bool mpi_take_suspect(struct net *net, uint32_t *out_rank)
{
    return losses_take_suspect(&endpoint_of(net)->losses, out_rank);
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

/* Waits until all living ranks are here and all that was sent has been received, which is thrown
 * away. */
BARKS_CHECKED static barks_status *quiesce(struct mpi_endpoint *endpoint)
{
    bool recovers = endpoint->net.recovers;
    uint64_t deadline_ns = monotonic_ns() + (recovers ? CLOSE_WITHOUT_LOST_NS_MAX : CLOSE_NS_MAX);
    MPI_Request barrier = MPI_REQUEST_NULL;
    bool has_begun = false;
    for (bool done = false; !done;) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(mpi_poll(&endpoint->net, &message, &got));
        if (got) {
            net_message_drop(&message);
            continue;
        }
        if (!has_begun && control_is_flushed(&endpoint->control)) {
            BARKS_TRY(recovers ? peer_rounds_meet(&endpoint->peers)
                               : mpi_status_of(MPI_Ibarrier(endpoint->small, &barrier),
                                               "begin to close"));
            has_begun = true;
        }
        int is_past = 0;
        if (has_begun && recovers) {
            BARKS_TRY(peer_rounds_test(&endpoint->peers, &done));
            peer_rounds_pass_dead(&endpoint->peers);
        } else if (has_begun)
            BARKS_TRY(mpi_status_of(MPI_Test(&barrier, &is_past, MPI_STATUS_IGNORE), "close"));
        done = done || is_past;
        if (!done && monotonic_ns() > deadline_ns)
            BARKS_FAIL(BARKS_LOST, "not all ranks came to close");
        if (!done)
            nap_take(&endpoint->nap, CLOSE_NAP_NS_MAX);
    }
    return NULL;
}

/* After a good end; MPI is then as the user had it, or over. */
static void endpoint_destroy(struct mpi_endpoint *endpoint)
{
    if (endpoint->net.recovers)
        peer_rounds_close(&endpoint->peers);
    else
        collective_rounds_close(&endpoint->collective);
    if (endpoint->for_tasks != MPI_COMM_NULL)
        (void)MPI_Comm_free(&endpoint->for_tasks);
    (void)MPI_Comm_free(&endpoint->bulk); /* at the end of all: what could be done about it? */
    (void)MPI_Comm_free(&endpoint->small);
    if (endpoint->is_ours)
        (void)MPI_Finalize();
    losses_drop(&endpoint->losses);
    nap_drop(&endpoint->nap);
    free(endpoint);
}

static bool is_round_outstanding(const struct mpi_endpoint *endpoint)
{
    return endpoint->net.recovers ? peer_rounds_is_outstanding(&endpoint->peers)
                                  : collective_rounds_is_outstanding(&endpoint->collective);
}

/* An mpirun that lets nobody live ends the driver as soon as this process has gone, which had
 * better have said by then what was wrong. */
static void let_driver_speak(const struct mpi_endpoint *endpoint)
{
    if (endpoint->net.rank > 0 && !endpoint->net.recovers)
        (void)nanosleep(&(struct timespec){.tv_nsec = LAST_WORDS_NS}, NULL);
}

static void mpi_close(struct net *net, bool after_failure)
{
    struct mpi_endpoint *endpoint = endpoint_of(net);
    bool is_well = !after_failure && !is_round_outstanding(endpoint);
    barks_status *status = is_well ? quiesce(endpoint) : NULL;
    is_well = is_well && !endpoint->losses.any; /* else receives may be left that nobody ends */
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
    if (is_well) {
        endpoint_destroy(endpoint);
        return;
    }
    let_driver_speak(endpoint);
    abandoned = endpoint;
}

/* ---- communicators of tasks: called by workers ---- */

static barks_status *mpi_communicator_check(const struct net *net)
{
    if (((const struct mpi_endpoint *)net)->for_tasks == MPI_COMM_NULL)
        BARKS_FAIL(BARKS_INVALID, "barks_communicator: this MPI has no MPI_THREAD_MULTIPLE, or was "
                                  "initialised without it before barks_init");
    return NULL;
}

static barks_status *mpi_communicator_make(struct net *net, const uint32_t *ranks, uint32_t count,
                                           uint64_t stage, void *out_communicator,
                                           size_t size_bytes)
{
    MPI_Comm made = MPI_COMM_NULL;
    if (size_bytes != sizeof made)
        BARKS_FAIL(BARKS_INVALID,
                   "an MPI_Comm has %zu bytes here and %zu in the job: both must be "
                   "compiled for one MPI",
                   sizeof made, size_bytes);
    BARKS_TRY(
        mpi_tasks_connect(((struct mpi_endpoint *)net)->for_tasks, ranks, count, stage, &made));
    memcpy(out_communicator, &made, sizeof made);
    return NULL;
}

static void mpi_communicator_free(struct net *net, void *communicator)
{
    MPI_Comm made = MPI_COMM_NULL;
    (void)net;
    memcpy(&made, communicator, sizeof made);
    (void)MPI_Comm_free(&made); /* the task has ended well: what could be done about it? */
}

static const struct net_backend mpi_backend = {
    .name = "mpi",
    .close = mpi_close,
    .send = mpi_send,
    .poll = mpi_poll,
    .sizes_begin = collective_sizes_begin,
    .payload_begin = collective_payload_begin,
    .round_test = collective_round_test,
    .take_suspect = mpi_take_suspect,
    .wait = mpi_wait,
    .wake = mpi_wake,
    .abort = mpi_abort,
    .communicator_check = mpi_communicator_check,
    .communicator_make = mpi_communicator_make,
    .communicator_free = mpi_communicator_free,
};

static const struct net_backend mpi_recovering_backend = {
    .name = "mpi",
    .close = mpi_close,
    .send = mpi_send,
    .poll = mpi_poll,
    .sizes_begin = peer_sizes_begin,
    .payload_begin = peer_payload_begin,
    .round_test = peer_round_test,
    .epoch_begin = mpi_epoch_begin,
    .take_suspect = mpi_take_suspect,
    .wait = mpi_wait,
    .wake = mpi_wake,
    .abort = mpi_abort,
    .communicator_check = mpi_communicator_check,
    .communicator_make = mpi_communicator_make,
    .communicator_free = mpi_communicator_free,
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
BARKS_CHECKED static barks_status *initialise(int wanted, bool *out_is_ours)
{
    int is_initialised = 0, is_finalized = 0, is_main = 0, provided = MPI_THREAD_SINGLE;
    BARKS_TRY(mpi_status_of(MPI_Initialized(&is_initialised), "look for MPI"));
    BARKS_TRY(mpi_status_of(MPI_Finalized(&is_finalized), "look for MPI"));
    if (is_finalized)
        BARKS_FAIL(BARKS_INVALID, "MPI has been finalized already; start barks before that");
    *out_is_ours = !is_initialised;
    if (!is_initialised) {
        if (net_mpi_wanted())
            single_copy_prepare(net_mpi_recovery_possible());
        BARKS_TRY(
            mpi_status_of(MPI_Init_thread(NULL, NULL, wanted, &provided), "initialise itself"));
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

/* For what tasks do alone. Made by the executors together. */
BARKS_CHECKED static barks_status *connect_tasks(struct mpi_endpoint *endpoint)
{
    int provided = 0;
    BARKS_TRY(mpi_status_of(MPI_Query_thread(&provided), "tell its thread level"));
    if (provided < MPI_THREAD_MULTIPLE || endpoint->net.rank == 0)
        return NULL;
    return mpi_executors_connect(endpoint->small, &endpoint->for_tasks);
}

BARKS_CHECKED static barks_status *connect_ranks(struct mpi_endpoint *endpoint,
                                                 const struct net_mpi_options *options)
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
    int recovers = options->recovery == NET_RECOVERY_ON ||
                   (options->recovery == NET_RECOVERY_AUTO && net_mpi_recovery_possible());
    int decided[] = {recovers, (int)options->levels};
    BARKS_TRY(mpi_status_of(MPI_Bcast(decided, 2, MPI_INT, 0, endpoint->small),
                            "tell all how rounds are made"));
    recovers = decided[0];
    endpoint->net = (struct net){.backend = recovers ? &mpi_recovering_backend : &mpi_backend,
                                 .rank = (uint32_t)rank,
                                 .size = (uint32_t)size,
                                 .recovers = recovers != 0};
    BARKS_TRY(losses_init(&endpoint->losses, (uint32_t)size));
    BARKS_TRY(
        recovers
            ? peer_rounds_open(&endpoint->peers, endpoint->small, (uint32_t)rank, &endpoint->losses)
            : collective_rounds_open(&endpoint->collective, endpoint->small, (uint32_t)rank,
                                     (uint32_t)size, (enum net_levels)decided[1]));
    if (options->for_tasks) /* before receives are posted, which would match it */
        BARKS_TRY(connect_tasks(endpoint));
    return control_open(&endpoint->control, endpoint->small, endpoint->bulk, (uint32_t)rank,
                        &endpoint->losses);
}

barks_status *net_mpi_open(const struct net_mpi_options *options, struct net **out_net)
{
    bool is_ours = false;
    BARKS_TRY(initialise(options->for_tasks ? MPI_THREAD_MULTIPLE : MPI_THREAD_FUNNELED, &is_ours));
    struct mpi_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for MPI's endpoint");
    endpoint->owner = pthread_self();
    endpoint->is_ours = is_ours;
    endpoint->for_tasks = MPI_COMM_NULL;
    nap_init(&endpoint->nap);
    barks_status *status = connect_ranks(endpoint, options);
    if (status != NULL) {
        abandoned = endpoint; /* receives may be posted in it */
        return status;
    }
    *out_net = &endpoint->net;
    return NULL;
}
