/* What the driver's thread does in each turn: jobs that were submitted, messages, losses, signals,
 * time. */
#include "base/config.h"
#include "net/net.h"
#include "runtime/dispatch.h"
#include "runtime/driver_state.h"
#include "runtime/end_grace.h"
#include "runtime/heartbeat.h"
#include "runtime/job_stops.h"
#include "runtime/live_progress.h"
#include "runtime/mailbox.h"
#include "runtime/message.h"
#include "runtime/signals.h"
#include "runtime/watchdog.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGES_PER_TURN = 256,
    VIEWS_MAX = 16,
    NAP_RUNNING_NS = 200 * 1000,
    NAP_IDLE_NS = 1000 * 1000,
    NAP_LONG_IDLE_NS = 10 * 1000 * 1000,
};
#define IDLE_AFTER_NS NS_PER_S
/* What this thread sees to in time itself, were it not stuck in a call of MPI. */
#define STUCK_MARGIN_NS NS_PER_S
/* mpirun's signal comes a second after the loss. */
#define MPIRUN_ENDS_NS (5 * NS_PER_S)

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
    if (!net_recovers(driver->net) || now_ns - driver->last_alive_ns < heartbeat_ns(driver->config))
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

/* Of the time that the job has, and of a recovery until recovered_ns (0: none): the first. */
static void set_deadline(struct driver *driver, uint64_t recovered_ns, uint64_t now_ns)
{
    uint64_t margin_ns = end_grace_ns(driver->config) / 2;
    uint64_t left_ns = allotment_left_ns(&driver->allotment, now_ns);
    uint64_t over_ns = left_ns < UINT64_MAX - margin_ns - now_ns ? now_ns + left_ns + margin_ns : 0;
    uint64_t lost_ns = recovered_ns > 0 ? recovered_ns + STUCK_MARGIN_NS : 0;
    if (lost_ns > 0 && (over_ns == 0 || lost_ns < over_ns))
        watchdog_deadline(driver->watchdog, lost_ns, EXIT_LOST,
                          "after a loss the job did not go on within --barks-recovery-deadline: "
                          "a call of MPI does not return; start the job again");
    else
        watchdog_deadline(driver->watchdog, over_ns, EXIT_OUT_OF_TIME,
                          "out of time, and a call of MPI does not return; start the job again");
}

BARKS_CHECKED static barks_status *look_for_lost(struct driver *driver, uint64_t now_ns)
{
    uint64_t silent_ns = config_duration_ns(driver->config, CONFIG_LOST_DEADLINE);
    struct member_loss loss;
    pause_watch_look(&driver->pauses, now_ns);
    while (members_find_lost(&driver->members, driver->net, &driver->pauses, silent_ns, &loss) ||
           dispatch_find_deaf(driver->dispatch, &driver->pauses, &loss)) {
        set_deadline(driver, now_ns + config_duration_ns(driver->config, CONFIG_RECOVERY_DEADLINE),
                     now_ns);
        BARKS_TRY(dispatch_lose(driver->dispatch, &loss, now_ns));
    }
    set_deadline(driver, dispatch_recovery_until_ns(driver->dispatch), now_ns);
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
    BARKS_TRY(dispatch_leave_deaf(driver->dispatch, &driver->pauses));
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
    progress_draw(driver->progress, views, count, now_ns);
}

static uint64_t nap_ns(struct driver *driver, uint64_t now_ns)
{
    if (dispatch_is_busy(driver->dispatch)) {
        driver->last_busy_ns = now_ns;
        return NAP_RUNNING_NS;
    }
    return now_ns - driver->last_busy_ns < IDLE_AFTER_NS ? NAP_IDLE_NS : NAP_LONG_IDLE_NS;
}

/* Where an executor cannot go on since another was lost, the loss is what is to be told. */
BARKS_CHECKED static barks_status *read_or_find_lost(struct driver *driver)
{
    barks_status *trouble = read_messages(driver);
    if (trouble == NULL || barks_status_code(trouble) != BARKS_LOST)
        return trouble;
    barks_status *loss = look_for_lost(driver, monotonic_ns());
    if (loss == NULL)
        return trouble;
    barks_status_free(trouble);
    return loss;
}

BARKS_CHECKED static barks_status *serve(struct driver *driver)
{
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
        BARKS_TRY(driver_answer_stops(driver));
        BARKS_TRY(read_or_find_lost(driver));
        uint64_t now_ns = monotonic_ns();
        BARKS_TRY(look_for_trouble(driver, now_ns));
        BARKS_TRY(dispatch_end_late(driver->dispatch, now_ns));
        BARKS_TRY(dispatch_tick(driver->dispatch, now_ns));
        show(driver, now_ns);
        if (job == NULL)
            net_wait(driver->net, nap_ns(driver, now_ns));
    }
}

barks_status *driver_serve(struct driver *driver)
{
    watchdog_phase(driver->watchdog, "a call of MPI", STUCK_NS);
    watchdog_show_after(driver->watchdog, silence_to_show_ns(driver->config));
    barks_status *status = serve(driver);
    watchdog_show_after(driver->watchdog, 0); /* what is left to do has limits of its own */
    watchdog_deadline(driver->watchdog, 0, 0, "");
    return status;
}
