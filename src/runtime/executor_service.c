#include "runtime/executor_service.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/process_guard.h"
#include "runtime/crash.h"
#include "runtime/end_grace.h"
#include "runtime/executor_state.h"
#include "runtime/heartbeat.h"
#include "runtime/message.h"
#include "runtime/time_limit.h"
#include "store/scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    MESSAGES_PER_TURN = 64,
    NAP_BUSY_NS = 50 * 1000,
    NAP_RUNNING_NS = 200 * 1000,
    NAP_IDLE_NS = 1000 * 1000,
    NAP_LONG_IDLE_NS = 10 * 1000 * 1000,
};
/* A single call of MPI that takes so long never returns. */
#define STUCK_NS (UINT64_C(60) * NS_PER_S)
/* Of a burst that nobody has more to send in; longer only where an executor is lost. */
#define LEAVE_NS_MAX (2 * NS_PER_S)
/* How long who was stopped by another waits for what that one has told the driver. */
#define OTHERS_TROUBLE_NS (2 * NS_PER_S)
#define LOOK_FOR_DEAF_NS (UINT64_C(100) * NS_PER_MS)
#define IDLE_AFTER_NS (UINT64_C(1000) * 1000 * 1000)

static barks_status *deliver(void *context, struct frame *frame)
{
    struct executor *executor = context;
    return reduce_side_deliver(executor->reduce_side, frame);
}

/* ---- start ---- */

static void wake(void *context) { net_wake(((struct executor *)context)->net); }

/* What tasks share beside the exchange: kept partitions, broadcast values. */
BARKS_CHECKED static barks_status *start_stores(struct executor *executor)
{
    const struct config *config = &executor->welcome.config;
    const char *scratch = config_string(config, CONFIG_SCRATCH);
    uint64_t kept_bytes_max = config_bytes(config, CONFIG_KEPT_BYTES_MAX);
    struct kept_options kept = {
        .pool = executor->pool,
        .memory_bytes_max =
            kept_bytes_max > 0 ? kept_bytes_max : executor->welcome.memory_bytes / 2,
        .scratch = executor->room.scratch,
        .changed = wake,
        .context = executor,
    };
    BARKS_TRY(kept_store_create(&kept, &executor->kept));
    BARKS_TRY(shared_rows_create(&executor->shared));
    BARKS_TRY(resources_create(&executor->resources));
    BARKS_TRY(process_guard_create(&executor->process_guard));
    BARKS_TRY(key_windows_create(&executor->key_windows));
    BARKS_TRY(meetings_create(wake, executor, &executor->meetings));
    task_communicators_init(&executor->own_communicators, executor->net, &executor->communicators);
    BARKS_TRY(shipped_create(executor->process_guard,
                             scratch_directories(strcmp(scratch, "auto") != 0 ? scratch : NULL),
                             &executor->shipped));
    struct shared_stores stores = {executor->shared, executor->shipped};
    return shared_relay_create(executor->net, executor->pool, stores, &executor->relay);
}

/* Inside of a node memory is faster than any codec. */
static enum link_compression link_compression(const struct executor *executor)
{
    switch (config_choice(&executor->welcome.config, CONFIG_EXCHANGE_COMPRESSION)) {
    case COMPRESSION_LZ4:
        return LINK_LZ4;
    case COMPRESSION_AUTO:
        return executor->welcome.has_far_peers ? LINK_AUTO : LINK_PLAIN;
    default:
        return LINK_PLAIN;
    }
}

BARKS_CHECKED static barks_status *start_services(struct executor *executor)
{
    const struct config *config = &executor->welcome.config;
    struct net *net = executor->net;
    uint32_t executor_count = net->size - 1;
    BARKS_TRY(pool_create(executor->welcome.memory_bytes, &executor->pool));
    const char *scratch = config_string(config, CONFIG_SCRATCH);
    BARKS_TRY(
        scratch_create(strcmp(scratch, "auto") != 0 ? scratch : NULL, &executor->room.scratch));
    executor->room.pool = executor->pool;
    executor->room.is_plain = config_choice(config, CONFIG_SCRATCH_COMPRESSION) == SCRATCH_PLAIN;
    BARKS_TRY(reduce_side_create(&executor->room, net_recovers(net), &executor->reduce_side));
    BARKS_TRY(errands_create(net, "stores stages", &executor->storing));
    BARKS_TRY(errands_create(net, "lends what others read", &executor->lending));
    struct exchange_options exchange = {
        .pool = executor->pool,
        .room = &executor->room,
        .net = net,
        .round_bytes_per_peer = config_bytes(config, CONFIG_EXCHANGE_ROUND_BYTES),
        .retains = net_recovers(executor->net),
        .compression = link_compression(executor),
        .encode_always = config_choice(config, CONFIG_EXCHANGE_ENCODE) == ENCODE_ALWAYS,
        .deliver = deliver,
        .context = executor,
    };
    BARKS_TRY(exchange_create(&exchange, &executor->exchange));
    BARKS_TRY(start_stores(executor));
    if (gethostname(executor->host, sizeof executor->host - 1) != 0)
        snprintf(executor->host, sizeof executor->host, "unknown");
    executor->services = (struct task_services){
        .pool = executor->pool,
        .room = &executor->room,
        .exchange = executor->exchange,
        .reduce_side = executor->reduce_side,
        .executor_count = executor_count,
        .worker_count = executor->welcome.worker_count,
        .line_bytes_max = config_bytes(config, CONFIG_LINE_BYTES_MAX),
        .kept = executor->kept,
        .shared = executor->shared,
        .shipped = executor->shipped,
        .resources = executor->resources,
        .process_guard = executor->process_guard,
        .key_windows = executor->key_windows,
        .meetings = executor->meetings,
        .communicators = &executor->communicators,
        .executor = net->rank,
        .host = executor->host,
        .seed = (uint64_t)config_int(config, CONFIG_SEED),
        .deadline_ns = time_limit_deadline_ns(config_duration_ns(config, CONFIG_TIME_LIMIT)),
    };
    struct workers_options workers = {
        .worker_count = executor->welcome.worker_count,
        .first_core = executor->welcome.first_core,
        .topology = executor->welcome.bind ? executor->topology : NULL,
        .services = &executor->services,
        .net = net,
    };
    LOG(LEVEL_DEBUG, "runtime", "%" PRIu32 " workers from core %" PRIu32 " on, %s, %" PRIu64 " MiB",
        workers.worker_count, workers.first_core,
        workers.topology == NULL                  ? "not bound"
        : topology_user_bound(executor->topology) ? "bound as the user asked"
                                                  : "bound to a core each",
        executor->welcome.memory_bytes >> 20);
    return workers_start(&workers, &executor->workers);
}

/* ---- the loop ---- */

BARKS_CHECKED static barks_status *read_messages(struct executor *executor)
{
    for (int i = 0; i < MESSAGES_PER_TURN && !executor->ended; i++) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(executor->net, &message, &got));
        if (!got)
            return NULL;
        executor->last_work_ns = monotonic_ns();
        barks_status *status = executor_take_message(executor, &message);
        net_message_drop(&message);
        BARKS_TRY(status);
    }
    return NULL;
}

static uint64_t nap_ns(const struct executor *executor, bool exchange_busy, uint64_t now_ns)
{
    if (exchange_busy || executor->awaited != NULL)
        return NAP_BUSY_NS;
    if (executor->tasks_held > 0)
        return NAP_RUNNING_NS;
    return now_ns - executor->last_work_ns < IDLE_AFTER_NS ? NAP_IDLE_NS : NAP_LONG_IDLE_NS;
}

/* A round goes on whatever the workers do, so one that does not end means a peer that is gone. */
BARKS_CHECKED static barks_status *check_round(struct executor *executor, uint64_t now_ns)
{
    uint64_t since_ns = exchange_waiting_since_ns(executor->exchange);
    uint64_t limit_ns = config_duration_ns(&executor->welcome.config, CONFIG_LOST_DEADLINE);
    if (net_recovers(
            executor->net)) /* the driver has so long to find who is lost, and more to go on */
        limit_ns += config_duration_ns(&executor->welcome.config, CONFIG_RECOVERY_DEADLINE);
    if (since_ns != 0)
        since_ns = pause_watch_since(&executor->pauses, since_ns);
    if (since_ns == 0 || now_ns <= since_ns || now_ns - since_ns <= limit_ns)
        return NULL;
    BARKS_FAIL(
        BARKS_LOST,
        "a round of the exchange has not ended for %.1f s (--barks-lost-deadline): one of its "
        "executors is gone, or the network is",
        (double)(now_ns - since_ns) * 1e-9);
}

static void count_given_up(void *context, struct assignment *assignment)
{
    const struct pipeline *pipeline = assignment->stage->pipeline;
    *(uint32_t *)context +=
        pipeline != NULL && pipeline->gang.is_gang &&
        atomic_load_explicit(&assignment->progress.cancelled, memory_order_relaxed);
}

/* A task that waits inside of MPI for one that has failed hears of nothing any more. */
BARKS_CHECKED static barks_status *check_tasks_in_mpi(struct executor *executor, uint64_t now_ns)
{
    uint32_t given_up = 0;
    uint64_t limit_ns = config_duration_ns(&executor->welcome.config, CONFIG_LOST_DEADLINE);
    if (task_communicators_are_open(&executor->own_communicators))
        workers_visit(executor->workers, count_given_up, &given_up);
    if (given_up == 0)
        executor->stuck_since_ns = 0;
    else if (executor->stuck_since_ns == 0)
        executor->stuck_since_ns = now_ns;
    if (executor->stuck_since_ns == 0 || now_ns - executor->stuck_since_ns <= limit_ns)
        return NULL;
    BARKS_FAIL(BARKS_LOST,
               "a task that was given up, since one that runs together with it has failed or its "
               "job has ended, has not come back from MPI for %.1f s (--barks-lost-deadline): what "
               "can fail must be agreed on (barks_all_gather) before others wait for it inside of "
               "MPI",
               (double)(now_ns - executor->stuck_since_ns) * 1e-9);
}

/* The person is shown where a task is that was told to end and does not, before the driver draws
 * its consequences. */
static void look_for_deaf(struct executor *executor, uint64_t now_ns)
{
    if (executor->tasks_held == 0 || now_ns - executor->last_deaf_ns < LOOK_FOR_DEAF_NS)
        return;
    executor->last_deaf_ns = now_ns;
    workers_show_deaf(executor->workers, end_grace_ns(&executor->welcome.config) / 2);
}

/* A job that fails or is cancelled may end amid a burst of rounds. Those who take part in it go on
 * until it ends, for all after the same round, since a round that one of them leaves can never end,
 * nor MPI with it. Every executor has been told of the same bursts before the end. */
BARKS_CHECKED static barks_status *leave_exchange(struct executor *executor)
{
    uint64_t deadline_ns = monotonic_ns() + LEAVE_NS_MAX;
    bool is_busy = true;
    while (is_busy && monotonic_ns() < deadline_ns) {
        barks_status *status = exchange_step(executor->exchange, &is_busy);
        if (status != NULL && barks_status_code(status) == BARKS_LOST)
            return status;
        barks_status_free(status); /* it is of jobs that are over, and has ended the burst */
        watchdog_beat(executor->watchdog);
        if (is_busy)
            net_wait(executor->net, NAP_BUSY_NS);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *serve(struct executor *executor)
{
    watchdog_phase(executor->watchdog, "a call of MPI", STUCK_NS);
    watchdog_show_after(executor->watchdog, silence_to_show_ns(&executor->welcome.config));
    while (!executor->ended) {
        bool exchange_busy = false;
        watchdog_beat(executor->watchdog);
        BARKS_TRY(read_messages(executor));
        if (executor->ended) /* nobody hears what would be sent now */
            return leave_exchange(executor);
        BARKS_TRY(executor_report_work(executor));
        BARKS_TRY(exchange_step(executor->exchange, &exchange_busy));
        if (net_recovers(executor->net)) /* the others give up the burst, as after any loss */
            BARKS_TRY(exchange_take_failure(executor->exchange));
        uint64_t now_ns = monotonic_ns();
        pause_watch_look(&executor->pauses, now_ns);
        BARKS_TRY(executor_report(executor, now_ns));
        BARKS_TRY(check_round(executor, now_ns));
        BARKS_TRY(check_tasks_in_mpi(executor, now_ns));
        look_for_deaf(executor, now_ns);
        BARKS_TRY(executor_look_for_driver(executor, now_ns));
        net_wait(executor->net, nap_ns(executor, exchange_busy, now_ns));
    }
    return NULL;
}

/* Tasks inside of MPI cannot be joined when the others that they wait for are gone. */
static void leave_without_stuck(struct executor *executor)
{
    uint64_t until_ns = monotonic_ns() + LEAVE_NS_MAX;
    while (task_communicators_are_open(&executor->own_communicators) && monotonic_ns() < until_ns)
        (void)nanosleep(&(struct timespec){.tv_nsec = NAP_IDLE_NS},
                        NULL); /* a signal may cut it short */
    if (!task_communicators_are_open(&executor->own_communicators))
        return;
    LOG(LEVEL_WARN, "runtime", "executor %" PRIu32 " ends with a task inside of MPI",
        executor->net->rank);
    _exit(executor->exit_status != 0 ? executor->exit_status : EXIT_LOST);
}

/* False: a task does not end, and all that it may use is left to the end of the process. */
BARKS_CHECKED static bool stop(struct executor *executor)
{
    leave_without_stuck(executor);
    /* Where the process goes on the task may well touch what others of it have freed. */
    uint64_t patience_ns = executor->watchdog == NULL && executor->workers != NULL
                               ? end_grace_ns(&executor->welcome.config)
                               : LEAVE_NS_MAX;
    if (!workers_stop(executor->workers, monotonic_ns() + patience_ns)) {
        workers_show_deaf(executor->workers, 0);
        LOG(LEVEL_WARN, "runtime",
            "executor %" PRIu32 " leaves amid a task that was told to end and does not: functions "
            "that take long ask barks_cancelled()",
            executor->net->rank);
        return false;
    }
    resources_destroy(executor->resources);
    key_windows_destroy(executor->key_windows);
    meetings_destroy(executor->meetings);
    while (executor->stages != NULL) {
        struct stage_entry *next = executor->stages->next;
        stage_entry_release(executor->stages);
        executor->stages = next;
    }
    while (executor->awaited != NULL)
        executor_forget_awaited(executor, executor->awaited->shuffle);
    errands_destroy(executor->lending);
    exchange_destroy(executor->exchange);
    errands_destroy(executor->storing);
    reduce_side_destroy(executor->reduce_side);
    shared_relay_destroy(executor->relay);
    shared_rows_destroy(executor->shared);
    shipped_destroy(executor->shipped);
    process_guard_destroy(executor->process_guard);
    kept_store_destroy(executor->kept);
    scratch_destroy(executor->room.scratch);
    topology_destroy(executor->topology);
    pool_destroy(executor->pool);
    welcome_drop(&executor->welcome);
    return true;
}

/* Reads on until the driver has said how to end. Of a driver that is gone only what it has said
 * before is left to read. */
static void await_end(struct executor *executor, bool driver_is_gone, uint64_t until_ns)
{
    while (!executor->ended && monotonic_ns() < until_ns) {
        struct net_message message = {0};
        bool got = false;
        barks_status *lost = net_poll(executor->net, &message, &got);
        if (lost == NULL && got) {
            struct unpacker in;
            unpacker_init(&in, message.bytes, message.size_bytes);
            if (unpack_u32(&in) == MESSAGE_END)
                executor_take_end(executor, &in);
            unpacker_drop(&in);
        }
        net_message_drop(&message);
        if (lost == NULL && !got)
            lost = executor_look_for_driver(executor, monotonic_ns());
        barks_status_free(lost);
        if (lost != NULL || (!got && driver_is_gone))
            return;
        if (!got)
            net_wait(executor->net, NAP_IDLE_NS);
    }
}

/* The driver decides what becomes of the job; without it there is nothing left to serve. One that
 * has left may have ended the job before, while this executor was sending it something else: then
 * there was no trouble. */
BARKS_CHECKED static bool tell_trouble(struct executor *executor, barks_status *status)
{
    struct packer out = {0};
    if (barks_status_code(status) ==
        BARKS_CANCELLED) /* by another's trouble, who knows the cause */
        await_end(executor, false, monotonic_ns() + OTHERS_TROUBLE_NS);
    if (executor->ended) {
        barks_status_free(status);
        return false;
    }
    pack_u64(&out, MESSAGE_TROUBLE);
    pack_status(&out, status);
    barks_status *unsent = message_send(executor->net, 0, &out);
    await_end(executor, unsent != NULL, UINT64_MAX);
    if (!executor->ended && net_recovers(executor->net))
        executor->exit_status = EXIT_LOST; /* the driver is gone */
    bool is_trouble = unsent == NULL || !executor->ended;
    if (unsent != NULL)
        LOG(is_trouble ? LEVEL_ERROR : LEVEL_DEBUG, "runtime",
            "executor %u is broken and cannot tell the driver: %s", executor->net->rank,
            barks_status_text(status));
    barks_status_free(unsent);
    barks_status_free(status);
    return is_trouble;
}

BARKS_CHECKED static barks_status *start(struct executor *executor, const struct config *config,
                                         bool *out_refused)
{
    if (executor->watchdog != NULL) /* a process of its own, under MPI */
        BARKS_TRY(log_relay_open(&executor->log));
    BARKS_TRY(topology_load(NULL, &executor->topology));
    BARKS_TRY(hello_exchange(executor->net, executor->topology, config, &executor->welcome,
                             out_refused, &executor->exit_status));
    if (executor->watchdog != NULL && net_recovers(executor->net))
        crash_await_reader();
    return *out_refused ? NULL : start_services(executor);
}

/* Amid a task that does not end. What it may use stays, and so does the net where the process goes
 * on, since the task may wake who is behind it. */
static int leave(struct executor *executor, bool has_good_end)
{
    int exit_status = executor->exit_status;
    shipped_remove_files(executor->shipped);
    if (executor->watchdog == NULL)
        return exit_status;
    watchdog_phase(executor->watchdog, "the end of MPI (MPI_Finalize)", STUCK_NS);
    net_close(executor->net, !has_good_end);
    _exit(exit_status);
}

int executor_serve(struct net *net, const struct config *config, struct watchdog *watchdog)
{
    bool refused = false;
    fault_enter_rank(net->rank);
    /* Not on the stack: tasks that do not end may outlive this thread. */
    struct executor *executor = calloc(1, sizeof *executor);
    if (executor == NULL) {
        LOG(LEVEL_ERROR, "runtime", "no memory for executor %" PRIu32, net->rank);
        net_close(net, true);
        return EXIT_LOST;
    }
    *executor = (struct executor){.net = net,
                                  .watchdog = watchdog,
                                  .last_work_ns = monotonic_ns(),
                                  .last_driver_ns = monotonic_ns()};
    barks_status *status = start(executor, config, &refused);
    if (status == NULL && !refused) {
        fault_point(POINT_EXECUTOR_STARTED);
        status = serve(executor);
    }
    watchdog_show_after(watchdog, 0); /* nobody takes it for lost any more */
    bool had_trouble = status != NULL && tell_trouble(executor, status);
    int exit_status = executor->exit_status;
    bool has_good_end = !had_trouble && exit_status == 0 && !executor->others_are_lost;
    watchdog_phase(watchdog, "the end of the tasks", STUCK_NS);
    bool is_whole = stop(executor);
    log_relay_close(executor->log);
    if (!is_whole)
        return leave(executor, has_good_end);
    free(executor);
    watchdog_phase(watchdog, "the end of MPI (MPI_Finalize)", STUCK_NS);
    net_close(net, !has_good_end);
    return exit_status;
}
