#include "runtime/driver.h"

#include "barks/context.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/slurm.h"
#include "exec/registry.h"
#include "net/net.h"
#include "runtime/allotment.h"
#include "runtime/crash.h"
#include "runtime/dispatch.h"
#include "runtime/executor_service.h"
#include "runtime/hard_end.h"
#include "runtime/job_history.h"
#include "runtime/live_progress.h"
#include "runtime/local_executors.h"
#include "runtime/mailbox.h"
#include "runtime/members.h"
#include "runtime/message.h"
#include "runtime/pool_settings.h"
#include "runtime/signals.h"
#include "runtime/time_limit.h"
#include "runtime/watchdog.h"
#include "scheduler/owners.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MESSAGES_PER_TURN = 256,
    VIEWS_MAX = 16,
    NAP_RUNNING_NS = 200 * 1000,
    NAP_IDLE_NS = 1000 * 1000,
    NAP_LONG_IDLE_NS = 10 * 1000 * 1000,
};
#define LOOK_ROUND_NS (UINT64_C(100) * NS_PER_MS)
#define IDLE_AFTER_NS NS_PER_S
/* Of who must end, where --barks-time-reserve says nothing. */
#define LEAST_GRACE_NS (UINT64_C(10) * NS_PER_S)
/* mpirun's signal comes a second after the loss. */
#define MPIRUN_ENDS_NS (5 * NS_PER_S)
/* A single call of MPI that takes so long never returns. */
#define STUCK_NS (UINT64_C(60) * NS_PER_S)

struct driver {
    const struct config *config;
    pthread_t thread;
    struct net *net; /* the driver's thread only, but for net_wake */
    struct watchdog
        *watchdog; /* of the driver's thread; NULL without MPI, where nothing can hang */
    struct local_executors locals;
    struct members members; /* unchanged after the start, but for what pulses say */
    struct dispatch *dispatch;
    struct mailbox *mailbox;
    struct progress *progress;
    struct pool_settings pools; /* unchanged after the start */
    struct allotment allotment;
    struct hard_end *hard_end;   /* NULL: nothing is ended by force */
    struct job_history *history; /* NULL: no event log */
    uint64_t last_look_ns, last_busy_ns, last_alive_ns;
    uint64_t last_loss_ns;    /* when an executor was found to be lost; 0: none was */
    int executor_exit_status; /* of this rank, where it is an executor */
    struct lock lock;
    struct condition changed;
    struct {
        bool started;              /* the handshake is over, well or not */
        bool is_inside_mpi;        /* MPI_Init has not come back */
        bool is_executor;          /* this rank is one */
        barks_status *start_error; /* owned */
        barks_status *end_error;   /* owned: why the driver gave up; later jobs fail with it */
        struct job *submitted, **submitted_end;
        bool has_cancelled; /* some job has is_cancelled set */
        bool stopping;
        int stop_status;
    } locked;
};

void job_drop(struct job *job)
{
    job_plan_drop(&job->plan);
    barks_status_free(job->status);
    for (uint32_t i = 0; i < job->result_count; i++)
        free(job->results[i].data);
    free(job->results);
    for (uint32_t i = 0; i < job->accumulated_count; i++)
        free(job->accumulated[i].bytes);
    free(job->accumulated);
    *job = (struct job){0};
}

/* ---- the driver's thread ---- */

static void job_ended(void *context, struct job *job)
{
    struct driver *driver = context;
    progress_clear(driver->progress);
    lock_acquire(&driver->lock);
    job->ended = true;
    condition_broadcast(&driver->changed);
    lock_release(&driver->lock);
}

static void stage_ended(void *context, const struct stage_view *view)
{
    struct driver *driver = context;
    progress_stage_ended(driver->progress, view, monotonic_ns());
}

static struct job *take_submitted(struct driver *driver, bool *out_stopping)
{
    lock_acquire(&driver->lock);
    struct job *job = driver->locked.submitted;
    if (job != NULL) {
        driver->locked.submitted = job->next;
        if (job->next == NULL)
            driver->locked.submitted_end = &driver->locked.submitted;
    }
    *out_stopping = driver->locked.stopping;
    lock_release(&driver->lock);
    return job;
}

static void kept_changed(void *context, uint32_t executor, const struct kept_change *change)
{
    mailbox_put_kept(((struct driver *)context)->mailbox, executor, change);
}

static void shared_ready(void *context, uint64_t id, barks_status *status)
{
    mailbox_shared_ready(((struct driver *)context)->mailbox, id, status);
}

static void executor_lost(void *context, uint32_t executor)
{
    mailbox_put_lost(((struct driver *)context)->mailbox, executor);
}

static void say(void *context, const char *line)
{
    progress_say(((struct driver *)context)->progress, "%s", line);
}

/* What all are to have: the first executor passes it on, as long as none is lost. */
BARKS_CHECKED static barks_status *send_to_all(struct driver *driver, const void *bytes,
                                               size_t size_bytes)
{
    if (dispatch_lost_count(driver->dispatch) == 0)
        return net_send(driver->net, 1, bytes, size_bytes);
    for (uint32_t rank = 1; rank <= driver->members.count; rank++)
        if (!member_is_lost(&driver->members.all[rank - 1]))
            BARKS_TRY(net_send(driver->net, rank, bytes, size_bytes));
    return NULL;
}

BARKS_CHECKED static barks_status *send_posted(struct driver *driver)
{
    uint32_t to = 0;
    void *bytes = NULL;
    size_t size_bytes = 0;
    while (mailbox_take(driver->mailbox, &to, &bytes, &size_bytes)) {
        barks_status *status = NULL;
        if (to == MAILBOX_TO_ALL)
            status = send_to_all(driver, bytes, size_bytes);
        else if (!member_is_lost(&driver->members.all[to - 1]))
            status = net_send(driver->net, to, bytes, size_bytes);
        free(bytes);
        BARKS_TRY(status);
    }
    return NULL;
}

/* Jobs that someone wants to end. Those that wait to be submitted come to it in a later turn. */
BARKS_CHECKED static barks_status *cancel_jobs(struct driver *driver)
{
    lock_acquire(&driver->lock);
    bool has_cancelled = driver->locked.has_cancelled;
    driver->locked.has_cancelled = has_cancelled && driver->locked.submitted != NULL;
    lock_release(&driver->lock);
    return has_cancelled ? dispatch_cancel_marked(driver->dispatch) : NULL;
}

BARKS_CHECKED static barks_status *read_messages(struct driver *driver)
{
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(driver->net, &message, &got));
        if (!got)
            return NULL;
        barks_status *status = dispatch_message(driver->dispatch, &message);
        net_message_drop(&message);
        BARKS_TRY(status);
    }
    return NULL;
}

static void take_warning(struct driver *driver, uint64_t now_ns)
{
    if (!signals_take_warning())
        return;
    allotment_warn(&driver->allotment, now_ns);
    progress_say(driver->progress,
                 "warned by SIGUSR1: %" PRIu64 " s are left, and no task begins that takes longer",
                 allotment_left_ns(&driver->allotment, now_ns) / NS_PER_S);
}

/* Near the end of the batch system's time no task begins that would not end in it. The job ends
 * when none runs that could still end, or when what is left is needed for ending. */
BARKS_CHECKED static barks_status *look_at_time(struct driver *driver, uint64_t now_ns)
{
    take_warning(driver, now_ns);
    uint64_t left_ns = allotment_left_ns(&driver->allotment, now_ns);
    dispatch_set_time_left(driver->dispatch, left_ns);
    if (left_ns > 0 && !dispatch_has_run_dry(driver->dispatch))
        return NULL;
    uint64_t end_ns = allotment_end_ns(&driver->allotment);
    BARKS_FAIL(BARKS_OUT_OF_TIME,
               "out of time: %" PRIu64 " s are left until the end that %s; start the job again",
               end_ns > now_ns ? (end_ns - now_ns) / NS_PER_S : 0,
               allotment_who_ends(&driver->allotment));
}

/* What an executor would hear of nobody but the driver, where mpirun ends nobody either. */
BARKS_CHECKED static barks_status *say_alive(struct driver *driver, uint64_t now_ns)
{
    if (!net_recovers(driver->net) ||
        now_ns - driver->last_alive_ns < config_duration_ns(driver->config, CONFIG_HEARTBEAT))
        return NULL;
    driver->last_alive_ns = now_ns;
    for (uint32_t rank = 1; rank <= driver->members.count; rank++) {
        struct packer out = {0};
        if (member_is_lost(&driver->members.all[rank - 1]))
            continue;
        pack_u64(&out, MESSAGE_ALIVE);
        BARKS_TRY(message_send(driver->net, rank, &out));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *look_for_lost(struct driver *driver, uint64_t now_ns)
{
    uint64_t silent_ns = config_duration_ns(driver->config, CONFIG_LOST_DEADLINE);
    struct member_loss loss;
    while (members_find_lost(&driver->members, driver->net, now_ns, silent_ns, &loss)) {
        BARKS_TRY(dispatch_lose(driver->dispatch, &loss, now_ns));
        /* MPI may hang on what the dead have left behind. */
        watchdog_phase(driver->watchdog, "a call of MPI after a loss",
                       3 * config_duration_ns(driver->config, CONFIG_RECOVERY_DEADLINE));
        driver->last_loss_ns = now_ns;
    }
    return NULL;
}

/* Of an mpirun that lets nobody live, whatever the settings say. */
static bool is_end_of_mpirun(const struct driver *driver, int signal_number, uint64_t now_ns)
{
    return signal_number == SIGTERM && driver->last_loss_ns > 0 &&
           now_ns - driver->last_loss_ns < MPIRUN_ENDS_NS;
}

/* A signal ends the job. Whoever sent it may have done so because of a lost executor (mpirun does),
 * so that is looked for first. */
BARKS_CHECKED static barks_status *look_for_trouble(struct driver *driver, uint64_t now_ns)
{
    int signal_number = signals_pending();
    if (now_ns - driver->last_look_ns < LOOK_ROUND_NS && signal_number == 0)
        return NULL;
    driver->last_look_ns = now_ns;
    BARKS_TRY(look_for_lost(driver, now_ns));
    BARKS_TRY(say_alive(driver, now_ns));
    if (signal_number != 0 && allotment_explains_signal(&driver->allotment, now_ns))
        BARKS_FAIL(BARKS_OUT_OF_TIME,
                   "out of time: signal %d (%s) came at its end; start the job again",
                   signal_number, strsignal(signal_number));
    if (is_end_of_mpirun(driver, signal_number, now_ns))
        BARKS_FAIL(BARKS_LOST, "mpirun ends the job, since an executor was lost; mpirun "
                               "--enable-recovery (Open MPI 4) or --with-ft ulfm (5) lets the "
                               "others go on");
    if (signal_number != 0)
        BARKS_FAIL(BARKS_CANCELLED, "ended by signal %d (%s)", signal_number,
                   strsignal(signal_number));
    return look_at_time(driver, now_ns);
}

static void show(struct driver *driver, uint64_t now_ns)
{
    struct stage_view views[VIEWS_MAX];
    uint32_t count = dispatch_view(driver->dispatch, views, VIEWS_MAX);
    progress_draw(driver->progress, views, count < VIEWS_MAX ? count : VIEWS_MAX, now_ns);
}

static uint64_t nap_ns(struct driver *driver, uint64_t now_ns)
{
    if (dispatch_is_busy(driver->dispatch)) {
        driver->last_busy_ns = now_ns;
        return NAP_RUNNING_NS;
    }
    return now_ns - driver->last_busy_ns < IDLE_AFTER_NS ? NAP_IDLE_NS : NAP_LONG_IDLE_NS;
}

BARKS_CHECKED static barks_status *serve(struct driver *driver)
{
    watchdog_phase(driver->watchdog, "a call of MPI", STUCK_NS);
    for (;;) {
        bool stopping = false;
        watchdog_beat(driver->watchdog);
        struct job *job = take_submitted(driver, &stopping);
        if (job != NULL)
            BARKS_TRY(dispatch_submit(driver->dispatch, job));
        else if (stopping)
            return NULL;
        BARKS_TRY(send_posted(driver));
        BARKS_TRY(cancel_jobs(driver));
        BARKS_TRY(read_messages(driver));
        uint64_t now_ns = monotonic_ns();
        BARKS_TRY(look_for_trouble(driver, now_ns));
        BARKS_TRY(dispatch_end_late(driver->dispatch, now_ns));
        BARKS_TRY(dispatch_tick(driver->dispatch, now_ns));
        show(driver, now_ns);
        if (job == NULL)
            net_wait(driver->net, nap_ns(driver, now_ns));
    }
}

/* Jobs that run or wait end with the error; so do those that come later. */
static void give_up(struct driver *driver, barks_status *error)
{
    progress_clear(driver->progress);
    job_history_trouble(driver->history, error);
    if (driver->dispatch != NULL)
        dispatch_abandon(driver->dispatch, error);
    lock_acquire(&driver->lock);
    driver->locked.end_error = error;
    for (struct job *job = driver->locked.submitted; job != NULL;) {
        struct job *next = job->next;
        job->status = barks_status_new(barks_status_code(error), NULL, BARKS_HERE, "%s",
                                       barks_status_text(error));
        job->ended = true;
        job = next;
    }
    driver->locked.submitted = NULL;
    driver->locked.submitted_end = &driver->locked.submitted;
    condition_broadcast(&driver->changed);
    lock_release(&driver->lock);
    mailbox_end(driver->mailbox, error);
}

static void announce_start(struct driver *driver, barks_status *error, bool is_executor)
{
    lock_acquire(&driver->lock);
    driver->locked.started = true;
    driver->locked.is_executor = is_executor;
    driver->locked.start_error = error;
    condition_broadcast(&driver->changed);
    lock_release(&driver->lock);
}

static int wait_for_stop(struct driver *driver)
{
    lock_acquire(&driver->lock);
    while (!driver->locked.stopping)
        condition_wait(&driver->changed, &driver->lock);
    int exit_status = driver->locked.stop_status;
    lock_release(&driver->lock);
    return exit_status;
}

static void log_start(const struct driver *driver)
{
    const struct member *first = &driver->members.all[0];
    LOG(LEVEL_INFO, "runtime",
        "%" PRIu32 " executors with %" PRIu32 " workers, %" PRIu64 " MiB of memory each (%s)",
        driver->members.count, members_worker_count(&driver->members),
        first->welcome.memory_bytes >> 20,
        config_bytes(driver->config, CONFIG_MEMORY) > 0
            ? config_origin(driver->config, CONFIG_MEMORY)
            : first->hello.memory_origin);
    uint32_t restart_count = slurm_allocation().restart_count;
    if (restart_count > 0)
        LOG(LEVEL_INFO, "runtime", "Slurm has started this job again: restart %" PRIu32,
            restart_count);
}

static struct scheduler_options scheduling(const struct driver *driver)
{
    const struct config *config = driver->config;
    return (struct scheduler_options){
        .attempts_max = (uint32_t)config_int(config, CONFIG_ATTEMPTS),
        .exclusion_ns = config_duration_ns(config, CONFIG_EXCLUSION),
        .slow_percent = config_bool(config, CONFIG_SPECULATION)
                            ? (uint32_t)config_int(config, CONFIG_SPECULATION_PERCENT)
                            : 0,
        .slow_min_ns = config_duration_ns(config, CONFIG_SPECULATION_MIN),
        .pools = driver->pools.specs,
        .pool_count = driver->pools.count,
        .attempt_ns_max = config_duration_ns(config, CONFIG_TASK_TIME_LIMIT),
        .keeps_durations = true,
        .recovers = net_recovers(driver->net),
        .losses_max = driver->members.count, /* what ends a recovery is its deadline */
    };
}

static uint64_t grace_ns(const struct config *config)
{
    uint64_t reserve_ns = config_duration_ns(config, CONFIG_TIME_RESERVE);
    return reserve_ns > 0 ? reserve_ns : LEAST_GRACE_NS;
}

/* Whoever is to end because of the time must: main, and tasks that do not ask whether they should.
 */
static void arm_hard_end(struct driver *driver, int exit_status)
{
    barks_status *status = hard_end_arm(grace_ns(driver->config), exit_status, &driver->hard_end);
    if (status != NULL)
        LOG(LEVEL_WARN, "runtime", "nothing will be ended by force: %s", barks_status_text(status));
    barks_status_free(status);
}

/* False: MPI has no good end. */
static bool end_well(struct driver *driver, int exit_status)
{
    bool has_lost = members_living_count(&driver->members) < driver->members.count;
    bool all_told = members_end(driver->net, &driver->members, exit_status);
    if (has_lost)
        members_await_end(driver->net, &driver->members);
    else if (!all_told)
        LOG(LEVEL_ERROR, "runtime",
            "an executor does not know of the end, and mpirun will call it "
            "a failure, although the job is over");
    return all_told;
}

static void drive(struct driver *driver)
{
    barks_status *error = progress_open(driver->config, &driver->progress);
    if (error == NULL)
        error = members_gather(driver->net, driver->config, &driver->members);
    if (error == NULL)
        error = job_history_open(driver->config, &driver->members, &driver->history);
    if (error == NULL)
        error = pool_settings_read(driver->config, &driver->pools);
    struct dispatch_options options = {
        .net = driver->net,
        .members = &driver->members,
        .scheduling = scheduling(driver),
        .together_wait_ns = config_duration_ns(driver->config, CONFIG_TOGETHER_WAIT),
        .overrun_grace_ns = grace_ns(driver->config),
        .recovery_deadline_ns = config_duration_ns(driver->config, CONFIG_RECOVERY_DEADLINE),
        .pools = &driver->pools,
        .history = driver->history,
        .context = driver,
        .job_ended = job_ended,
        .stage_ended = stage_ended,
        .kept_changed = kept_changed,
        .executor_lost = executor_lost,
        .say = say,
        .shared_ready = shared_ready};
    if (error == NULL)
        error = dispatch_create(&options, &driver->dispatch);
    if (error != NULL) {
        (void)members_end(driver->net, &driver->members, barks_exit_code(error));
        net_close(driver->net, true);
        announce_start(driver, error, false);
        return;
    }
    progress_take_log(driver->progress);
    driver->allotment =
        allotment_begin(driver->config, time_limit_slurm_seconds_left(), monotonic_ns());
    log_start(driver);
    fault_point(POINT_DRIVER_STARTED);
    announce_start(driver, NULL, false);
    error = serve(driver);
    bool had_error = error != NULL;
    bool has_lost = members_living_count(&driver->members) < driver->members.count;
    if (had_error) {
        /* At once: they have nothing left to do. */
        (void)members_end(driver->net, &driver->members, 0);
        int exit_status = barks_exit_code(error);
        bool is_of_time = barks_status_code(error) == BARKS_OUT_OF_TIME ||
                          dispatch_has_stuck_attempt(driver->dispatch);
        if (has_lost)
            members_await_end(driver->net, &driver->members);
        give_up(driver, error);
        if (is_of_time)
            arm_hard_end(driver, exit_status);
    }
    watchdog_phase(driver->watchdog, "the wait for barks_finalize", 0);
    int exit_status = wait_for_stop(driver);
    watchdog_phase(driver->watchdog, "the end of MPI (MPI_Finalize)", STUCK_NS);
    if (!had_error)
        had_error = !end_well(driver, exit_status);
    fault_point(POINT_END_SENT);
    net_close(driver->net, had_error);
}

static void note_mpi(struct driver *driver, bool is_inside)
{
    lock_acquire(&driver->lock);
    driver->locked.is_inside_mpi = is_inside;
    lock_release(&driver->lock);
}

static enum net_recovery wanted_recovery(const struct config *config)
{
    switch (config_choice(config, CONFIG_RECOVERY)) {
    case RECOVERY_ON:
        return NET_RECOVERY_ON;
    case RECOVERY_OFF:
        return NET_RECOVERY_OFF;
    default:
        return NET_RECOVERY_AUTO;
    }
}

static void *run_driver_thread(void *argument)
{
    struct driver *driver = argument;
    if (driver->net == NULL) {
        barks_status *error = watchdog_start(&driver->watchdog);
        watchdog_phase(driver->watchdog, "the start of MPI (MPI_Init)",
                       config_duration_ns(driver->config, CONFIG_START_DEADLINE));
        if (error == NULL) {
            note_mpi(driver, true);
            enum net_recovery recovery = wanted_recovery(driver->config);
            error = registry_wants_mpi() ? net_mpi_open_for_tasks(recovery, &driver->net)
                                         : net_mpi_open(recovery, &driver->net);
            note_mpi(driver, false);
            crash_catch(); /* MPI_Init has taken the signals */
        }
        if (error != NULL) {
            announce_start(driver, error, false);
            return NULL;
        }
    }
    /* Whoever waits for others at the start has a deadline of his own; this one is for him. */
    watchdog_phase(driver->watchdog, "the start of the job",
                   2 * config_duration_ns(driver->config, CONFIG_START_DEADLINE));
    char host[256] = "unknown";
    if (gethostname(host, sizeof host - 1) == 0)
        log_set_origin((int)driver->net->rank, host);
    crash_set_rank(driver->net->rank);
    if (driver->net->rank > 0) {
        driver->executor_exit_status =
            executor_serve(driver->net, driver->config, driver->watchdog);
        announce_start(driver, NULL, true);
        return NULL;
    }
    drive(driver);
    return NULL;
}

/* ---- starting and stopping, from main ---- */

BARKS_CHECKED static barks_status *start_thread(struct driver *driver)
{
    int error = pthread_create(&driver->thread, NULL, run_driver_thread, driver);
    if (error != 0)
        BARKS_FAIL(BARKS_LIMIT, "cannot start the driver's thread: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    return NULL;
}

void driver_destroy(struct driver *driver)
{
    hard_end_disarm(driver->hard_end);
    local_executors_drop(&driver->locals);
    watchdog_stop(driver->watchdog);
    dispatch_destroy(driver->dispatch);
    mailbox_destroy(driver->mailbox);
    pool_settings_drop(&driver->pools);
    members_drop(&driver->members);
    progress_close(driver->progress);
    barks_status_free(driver->locked.start_error);
    barks_status_free(driver->locked.end_error);
    condition_drop(&driver->changed);
    lock_drop(&driver->lock);
    free(driver);
}

static void leave_start(void)
{
    fprintf(stderr,
            "barks: ended by signal %d (%s) before all ranks had started: one of them died, or was "
            "refused by MPI; "
            "look at the output above\n",
            signals_pending(), strsignal(signals_pending()));
    _exit(EXIT_LOST);
}

BARKS_CHECKED static barks_status *await_start(struct driver *driver)
{
    lock_acquire(&driver->lock);
    while (!driver->locked.started) {
        /* A rank that dies before MPI is up leaves the driver's thread inside MPI_Init for ever:
         * mpirun's signal says so. */
        condition_wait_until(&driver->changed, &driver->lock, monotonic_ns() + LOOK_ROUND_NS);
        if (!driver->locked.started && signals_pending() != 0 && driver->locked.is_inside_mpi)
            leave_start();
    }
    barks_status *error = driver->locked.start_error;
    driver->locked.start_error = NULL;
    lock_release(&driver->lock);
    return error;
}

barks_status *driver_start(const struct config *config, struct driver **out_driver,
                           int *out_exit_status)
{
    bool with_mpi = net_mpi_wanted();
    if (with_mpi && config_int(config, CONFIG_LOCAL) > 0)
        BARKS_FAIL(BARKS_INVALID, "--barks-local starts executors in one process, and mpirun has "
                                  "started several: use one "
                                  "of the two");
    struct driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the driver");
    driver->config = config;
    driver->locked.submitted_end = &driver->locked.submitted;
    lock_init(&driver->lock, LOCK_CONTEXT, "driver");
    condition_init(&driver->changed);
    barks_status *status = mailbox_create(&driver->mailbox);
    if (status == NULL && !with_mpi)
        status = local_executors_start(config, &driver->locals, &driver->net);
    if (status == NULL)
        status = start_thread(driver);
    if (status != NULL)
        return status; /* threads may run on what driver owns: the process is about to end with this
                          error */
    status = await_start(driver);
    if (status == NULL && !driver->locked.is_executor) {
        *out_driver = driver;
        return NULL;
    }
    pthread_join(driver->thread, NULL);
    *out_driver = NULL;
    *out_exit_status = driver->executor_exit_status;
    driver_destroy(driver);
    return status;
}

barks_status *driver_submit(struct driver *driver, struct job *job)
{
    barks_status *error = NULL;
    job->next = NULL;
    job->ended = false;
    lock_acquire(&driver->lock);
    if (driver->locked.end_error != NULL)
        error = barks_status_new(barks_status_code(driver->locked.end_error), NULL, BARKS_HERE,
                                 "%s did not start: %s", job->what,
                                 barks_status_text(driver->locked.end_error));
    else {
        *driver->locked.submitted_end = job;
        driver->locked.submitted_end = &job->next;
        driver->locked.has_cancelled |= job->is_cancelled;
        net_wake(driver->net); /* under the lock: the endpoint is closed by who has seen the end */
    }
    lock_release(&driver->lock);
    return error;
}

void driver_wait(struct driver *driver, struct job *job)
{
    lock_acquire(&driver->lock);
    while (!job->ended)
        condition_wait(&driver->changed, &driver->lock);
    lock_release(&driver->lock);
}

void driver_cancel(struct driver *driver, struct job *job)
{
    lock_acquire(&driver->lock);
    if (!job->ended) {
        job->is_cancelled = true;
        driver->locked.has_cancelled = true;
        if (driver->locked.end_error == NULL)
            net_wake(driver->net); /* as in driver_submit */
    }
    lock_release(&driver->lock);
}

barks_status *driver_post(struct driver *driver, uint32_t to, struct packer *packer)
{
    BARKS_TRY(mailbox_post(driver->mailbox, to, packer));
    lock_acquire(&driver->lock);
    if (driver->locked.end_error == NULL)
        net_wake(driver->net); /* as in driver_submit */
    lock_release(&driver->lock);
    return NULL;
}

void driver_expect_shared(struct driver *driver, uint64_t id, struct shared_wait *out_wait)
{
    mailbox_expect_shared(driver->mailbox, id, driver->members.count, out_wait);
}

barks_status *driver_wait_shared(struct driver *driver, struct shared_wait *wait,
                                 bool *out_is_broken)
{
    return mailbox_wait_shared(driver->mailbox, wait, out_is_broken);
}

void driver_drop_shared(struct driver *driver, struct shared_wait *wait)
{
    mailbox_drop_shared(driver->mailbox, wait);
}

bool driver_take_kept(struct driver *driver, struct kept_note *out_note)
{
    return mailbox_take_kept(driver->mailbox, out_note);
}

barks_status *driver_owners(const struct driver *driver, uint32_t partition_count,
                            uint32_t *out_ranks)
{
    uint32_t count = driver->members.count;
    uint32_t *workers = calloc((size_t)count + 1, sizeof *workers);
    uint32_t *firsts = calloc((size_t)count + 1, sizeof *firsts);
    barks_status *status = NULL;
    if (workers == NULL || firsts == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the owners of partitions");
    for (uint32_t i = 0; i < count && status == NULL; i++)
        if (!member_is_lost(&driver->members.all[i]))
            workers[i] = driver->members.all[i].welcome.worker_count;
    if (status == NULL)
        owners_divide(partition_count, workers, count, firsts);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        for (uint32_t partition = firsts[i]; partition < firsts[i + 1]; partition++)
            out_ranks[partition] = i + 1;
    free(workers);
    free(firsts);
    return status;
}

barks_status *driver_find_pool(const struct driver *driver, const char *name, uint32_t *out_index)
{
    return pool_settings_find(&driver->pools, name, out_index);
}

uint32_t driver_workers_of(const struct driver *driver, uint32_t rank)
{
    return driver->members.all[rank - 1].welcome.worker_count;
}
uint64_t driver_node_of(const struct driver *driver, uint32_t rank)
{
    return driver->members.all[rank - 1].hello.node_id;
}
uint32_t driver_worker_count(const struct driver *driver)
{
    return members_worker_count(&driver->members);
}
uint32_t driver_executor_count(const struct driver *driver) { return driver->members.count; }
uint32_t driver_lost_count(const struct driver *driver)
{
    return driver->members.count - members_living_count(&driver->members);
}
uint64_t driver_memory_bytes(const struct driver *driver)
{
    return driver->members.all[0].welcome.memory_bytes;
}
struct progress *driver_progress(const struct driver *driver) { return driver->progress; }
barks_status *driver_add_tap(struct driver *driver, struct history_tap *tap)
{
    return job_history_add_tap(driver->history, tap);
}

void driver_close_history(struct driver *driver, int exit_code, const char *output)
{
    struct driver_totals totals = driver_totals(driver);
    job_history_close(driver->history, exit_code, &totals, output, driver->progress);
    driver->history = NULL;
}
struct driver_totals driver_totals(struct driver *driver)
{
    return dispatch_totals(driver->dispatch);
}

void driver_end(struct driver *driver, int exit_status)
{
    lock_acquire(&driver->lock);
    driver->locked.stopping = true;
    driver->locked.stop_status = exit_status;
    condition_broadcast(&driver->changed);
    if (driver->locked.end_error == NULL)
        net_wake(driver->net); /* under the lock: the thread closes its endpoint once it has seen
                                  the end */
    lock_release(&driver->lock);
    pthread_join(driver->thread, NULL);
    local_executors_join(&driver->locals, &driver->members);
}
