#include "barks/context.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/slurm.h"
#include "exec/registry.h"
#include "net/net.h"
#include "runtime/crash.h"
#include "runtime/dispatch.h"
#include "runtime/driver_state.h"
#include "runtime/end_grace.h"
#include "runtime/executor_service.h"
#include "runtime/exit_note.h"
#include "runtime/hard_end.h"
#include "runtime/job_history.h"
#include "runtime/live_progress.h"
#include "runtime/mailbox.h"
#include "runtime/signals.h"
#include "runtime/time_limit.h"
#include "runtime/watchdog.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of a worker, where tasks take microseconds: what it does in some turns of the driver. */
enum { TASKS_AHEAD_MAX = 128 };

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

barks_status *job_reserve_accumulated(struct job *job)
{
    if (job->accumulated_count < job->accumulated_capacity)
        return NULL;
    uint32_t capacity = 2 * job->accumulated_capacity + 16;
    struct job_accumulated *grown = realloc(job->accumulated, capacity * sizeof *grown);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for accumulators");
    job->accumulated = grown;
    job->accumulated_capacity = capacity;
    return NULL;
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
    struct driver *driver = context;
    mailbox_put_lost(driver->mailbox, executor);
    /* MPI may hang on what the dead have left behind. */
    watchdog_phase(driver->watchdog, "a call of MPI after a loss",
                   3 * config_duration_ns(driver->config, CONFIG_RECOVERY_DEADLINE));
    driver->last_loss_ns = monotonic_ns();
}

static void say(void *context, const char *line)
{
    progress_say(((struct driver *)context)->progress, "%s", line);
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
    uint32_t spare_count = members_spare_count(&driver->members);
    char spares[40] = "";
    if (spare_count > 0)
        snprintf(spares, sizeof spares, " and %" PRIu32 " spare", spare_count);
    LOG(LEVEL_INFO, "runtime",
        "%" PRIu32 " executors with %" PRIu32 " workers%s, %" PRIu64 " MiB of memory each (%s)",
        driver->members.count - spare_count, members_worker_count(&driver->members), spares,
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
    uint32_t attempts = (uint32_t)config_int(config, CONFIG_ATTEMPTS);
    return (struct scheduler_options){
        .attempts_max = attempts,
        .exclusion_ns = config_duration_ns(config, CONFIG_EXCLUSION),
        .slow_percent = config_bool(config, CONFIG_SPECULATION)
                            ? (uint32_t)config_int(config, CONFIG_SPECULATION_PERCENT)
                            : 0,
        .slow_min_ns = config_duration_ns(config, CONFIG_SPECULATION_MIN),
        .ahead = TASKS_AHEAD_MAX,
        .locality_wait_ns = config_duration_ns(config, CONFIG_LOCALITY_WAIT),
        .pools = driver->pools.specs,
        .pool_count = driver->pools.count,
        .attempt_ns_max = config_duration_ns(config, CONFIG_TASK_TIME_LIMIT),
        .keeps_durations = true,
        .recovers = net_recovers(driver->net),
        .losses_max = attempts > 1 ? attempts - 1 : 1, /* others may kill one at any time */
    };
}

/* Whoever is to end because of the time, or of a signal that somebody else has sent, must: main,
 * and tasks that do not ask whether they should. Who presses Ctrl-C can do so again. */
static bool must_end(const struct driver *driver, const barks_status *error)
{
    int number = signals_pending();
    return barks_status_code(error) == BARKS_OUT_OF_TIME ||
           dispatch_has_deaf_attempt(driver->dispatch) || number == SIGTERM || number == SIGHUP;
}

static void arm_hard_end(struct driver *driver, int exit_status)
{
    barks_status *status =
        hard_end_arm(end_grace_ns(driver->config), exit_status, &driver->hard_end);
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
        .scheduler_log = config_string(driver->config, CONFIG_SCHEDULER_LOG),
        .together_wait_ns = config_duration_ns(driver->config, CONFIG_TOGETHER_WAIT),
        .deaf_grace_ns = end_grace_ns(driver->config),
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
    error = driver_serve(driver);
    bool had_error = error != NULL;
    bool has_lost = members_living_count(&driver->members) < driver->members.count;
    if (had_error) {
        int exit_status = barks_exit_code(error);
        bool recovers = net_recovers(driver->net);
        /* At once: they have nothing left to do. After a loss nobody ends MPI, nor where nobody
         * else ends those who stay, and mpirun's status is that of who leaves first; of a 0 it
         * makes 1, which is final. Who cannot be told is logged there. */
        (void)members_end(driver->net, &driver->members, has_lost || recovers ? exit_status : 0);
        bool is_by_force = must_end(driver, error);
        give_up(driver, error); /* which is told before an mpirun that lets nobody live ends all */
        if (recovers)
            members_await_end(driver->net, &driver->members);
        if (is_by_force)
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

static enum net_levels wanted_levels(const struct config *config)
{
    switch (config_choice(config, CONFIG_EXCHANGE_LEVELS)) {
    case LEVELS_ONE:
        return NET_LEVELS_ONE;
    case LEVELS_TWO:
        return NET_LEVELS_TWO;
    default:
        return NET_LEVELS_AUTO;
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
            error = net_mpi_open(
                &(struct net_mpi_options){
                    .recovery = wanted_recovery(driver->config),
                    .levels = wanted_levels(driver->config),
                    .for_tasks = registry_wants_mpi(),
                },
                &driver->net);
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
    exit_note_write(EXIT_LOST);
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

bool driver_has_ended(struct driver *driver)
{
    lock_acquire(&driver->lock);
    bool has_ended = driver->locked.end_error != NULL;
    lock_release(&driver->lock);
    return has_ended;
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
