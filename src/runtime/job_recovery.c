#include "runtime/job_recovery.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "net/net.h"
#include "runtime/dispatch_state.h"
#include "runtime/job_history.h"
#include "runtime/loans.h"
#include "runtime/message.h"
#include "runtime/units_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

barks_status *recovery_init(struct recovery *recovery, uint32_t executor_count,
                            uint64_t deadline_ns)
{
    *recovery = (struct recovery){.deadline_ns = deadline_ns};
    recovery->is_ready = calloc(executor_count, sizeof *recovery->is_ready);
    recovery->is_known = calloc(executor_count, sizeof *recovery->is_known);
    recovery->is_on = true;
    if (recovery->is_ready == NULL || recovery->is_known == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note which executors are lost");
    return NULL;
}

void recovery_drop(struct recovery *recovery)
{
    free(recovery->is_ready);
    free(recovery->is_known);
    *recovery = (struct recovery){0};
}

static bool is_lost(const struct dispatch *dispatch, uint32_t rank)
{
    return member_is_lost(&dispatch->members->all[rank - 1]);
}

__attribute__((format(printf, 2, 3))) static void say(const struct dispatch *dispatch,
                                                      const char *format, ...)
{
    char line[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    dispatch->options.say(dispatch->options.context, line);
}

/* ---- a new epoch ---- */

/* This endpoint drops what it has to do with the lost. */
BARKS_CHECKED static barks_status *leave_lost(struct dispatch *dispatch)
{
    bool gave_up = false;
    bool *lost_ranks = calloc(dispatch->net->size, sizeof *lost_ranks);
    if (lost_ranks == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note who is lost");
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        lost_ranks[rank] = is_lost(dispatch, rank);
    barks_status *status =
        net_epoch_begin(dispatch->net, dispatch->recovery.epoch, lost_ranks, &gave_up);
    free(lost_ranks);
    return status;
}

BARKS_CHECKED static barks_status *send_epoch(struct dispatch *dispatch, uint32_t to)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_EPOCH);
    pack_u64(&out, dispatch->recovery.epoch);
    pack_u64(&out, dispatch->members->count - members_living_count(dispatch->members));
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        if (is_lost(dispatch, rank))
            pack_u64(&out, rank);
    return message_send(dispatch->net, to, &out);
}

/* Starting the job again helps, but where the same crash has ended others. */
BARKS_CHECKED static barks_status *was_the_last_one(const struct dispatch *dispatch,
                                                    const struct member_loss *loss)
{
    const barks_status *crash = dispatch_repeated_crash(dispatch, loss->rank);
    if (crash == NULL)
        BARKS_FAIL(BARKS_LOST, "%s, and it was the last one", loss->sentence);
    BARKS_FAIL(barks_status_code(crash),
               "%s, and it was the last one; as on the one before, amid task %" PRIu32 " %s",
               loss->sentence, dispatch->members->all[loss->rank - 1].crash.id.task,
               barks_status_text(crash));
}

barks_status *recovery_begin(struct dispatch *dispatch, const struct member_loss *loss,
                             uint64_t now_ns)
{
    struct recovery *recovery = &dispatch->recovery;
    uint32_t living = members_living_count(dispatch->members);
    fault_point(POINT_LOSS_NOTICED);
    if (!recovery->is_on)
        BARKS_FAIL(BARKS_LOST, "%s", loss->sentence);
    members_end_lost(dispatch->net, dispatch->members, loss);
    if (living == 0)
        return was_the_last_one(dispatch, loss);
    say(dispatch, "%s; going on with %" PRIu32, loss->sentence, living);
    if (!recovery->is_under_way)
        recovery->began_ns = now_ns;
    recovery->is_under_way = true;
    recovery->epoch_began_ns = now_ns;
    recovery->lost_count++;
    recovery->epoch++;
    recovery->burst_wanted = 0;
    dispatch->last_burst = 0;
    BARKS_TRY(leave_lost(dispatch));
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        recovery->is_ready[rank - 1] = false;
        if (!is_lost(dispatch, rank))
            BARKS_TRY(send_epoch(dispatch, rank));
    }
    dispatch->options.executor_lost(dispatch->options.context, loss->rank);
    job_history_executor_lost(dispatch->options.history, loss->rank, loss->sentence);
    fault_point(POINT_EPOCH_SENT);
    return NULL;
}

barks_status *recovery_look(const struct dispatch *dispatch, uint64_t now_ns)
{
    const struct recovery *recovery = &dispatch->recovery;
    if (!recovery->is_under_way || now_ns - recovery->epoch_began_ns <= recovery->deadline_ns)
        return NULL;
    uint32_t missing = 0, first = 0;
    for (uint32_t rank = dispatch->members->count; rank > 0; rank--)
        if (!is_lost(dispatch, rank) && !recovery->is_ready[rank - 1]) {
            missing++;
            first = rank;
        }
    BARKS_FAIL(BARKS_LOST,
               "after a loss the job did not go on within %.1f s (--barks-recovery-deadline): "
               "executor %" PRIu32 " on %s%s not ready; start the job again",
               (double)recovery->deadline_ns * 1e-9, first,
               dispatch->members->all[first - 1].hello.host,
               missing > 1 ? " and others are" : " is");
}

/* ---- all are in the epoch ---- */

static uint64_t tasks_done(const struct dispatch *dispatch)
{
    uint64_t done = 0;
    for (const struct job *job = dispatch->jobs; job != NULL; job = job->next)
        for (uint32_t stage = 0; stage < job->plan.stage_count; stage++) {
            struct stage_progress progress = {0};
            barks_status_free(
                scheduler_stage_progress(dispatch->scheduler, job->id, stage, &progress));
            done += progress.tasks_done;
        }
    return done;
}

/* Its partitions of kept datasets are gone, and tasks that must read them there with them. */
static bool reads_what_it_kept(const struct job *job, uint32_t executor)
{
    for (uint32_t stage = 0; stage < job->plan.stage_count; stage++) {
        const struct stage_plan *plan = &job->plan.stages[stage];
        uint32_t count = plan->pins != NULL ? pipeline_partition_count(plan->pipeline) : 0;
        for (uint32_t p = 0; p < count; p++)
            if (plan->pins[p] == executor)
                return true;
    }
    return false;
}

BARKS_CHECKED static barks_status *begin_readers_again(struct dispatch *dispatch, uint32_t executor)
{
    for (struct job *job = dispatch->jobs, *next; job != NULL; job = next) {
        next = job->next;
        if (job->status != NULL || !reads_what_it_kept(job, executor))
            continue;
        BARKS_TRY(dispatch_begin_again(
            dispatch, job,
            barks_status_new(BARKS_LOST, NULL, BARKS_HERE,
                             "%s: executor %" PRIu32 " was lost with kept partitions that it reads",
                             job->what, executor)));
        next = dispatch->jobs; /* from the front: the job may have left the list */
    }
    return NULL;
}

/* Before the scheduler hears of the loss, so that the spare may be the heir. */
BARKS_CHECKED static barks_status *replace(struct dispatch *dispatch, uint32_t lost)
{
    uint32_t spare = members_take_spare(dispatch->members, lost);
    if (spare == 0)
        return NULL;
    say(dispatch,
        "executor %" PRIu32 " on %s, which was spare, takes the place of executor %" PRIu32, spare,
        dispatch->members->all[spare - 1].hello.host, lost);
    job_history_executor_joined(dispatch->options.history, spare);
    return dispatch_join(dispatch, spare);
}

/* Of a spare it has never heard. */
BARKS_CHECKED static barks_status *tell_scheduler(struct dispatch *dispatch, uint32_t executor)
{
    struct recovery *recovery = &dispatch->recovery;
    recovery->is_known[executor - 1] = true;
    if (member_is_spare(&dispatch->members->all[executor - 1]))
        return NULL;
    struct event event = {.kind = EVENT_EXECUTOR_LOST, .time_ns = monotonic_ns()};
    BARKS_TRY(replace(dispatch, executor));
    BARKS_TRY(begin_readers_again(dispatch, executor));
    event.executor_lost.executor = executor;
    const struct member *member = &dispatch->members->all[executor - 1];
    event.executor_lost.crash = member->has_crashed ? &member->crash : NULL;
    uint64_t done_before = tasks_done(dispatch);
    recovery->again_count += member->attempts_out;
    dispatch_forget_cancelled(dispatch, executor);
    BARKS_TRY(dispatch_handle(dispatch, &event));
    BARKS_TRY(loans_lose(dispatch, executor));
    uint64_t done_after = tasks_done(dispatch);
    recovery->again_count += done_before > done_after ? done_before - done_after : 0;
    return NULL;
}

static void tell_end(struct dispatch *dispatch, uint32_t lost_count, uint64_t took_ns)
{
    const struct recovery *recovery = &dispatch->recovery;
    char bytes[32];
    text_of_bytes((double)recovery->resent_bytes, bytes, sizeof bytes);
    say(dispatch,
        "went on %.2f s after %" PRIu32 " executor%s found to be lost: %" PRIu64
        " task%s and %s again",
        (double)took_ns * 1e-9, lost_count, lost_count == 1 ? " was" : "s were",
        recovery->again_count, recovery->again_count == 1 ? "" : "s", bytes);
}

BARKS_CHECKED static barks_status *end_recovery(struct dispatch *dispatch)
{
    struct recovery *recovery = &dispatch->recovery;
    recovery->is_under_way = false;
    recovery->again_count = recovery->resent_bytes = 0;
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        if (is_lost(dispatch, rank))
            live_tasks_forget(dispatch, rank);
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        if (is_lost(dispatch, rank) && !recovery->is_known[rank - 1])
            BARKS_TRY(tell_scheduler(dispatch, rank));
    uint64_t took_ns = monotonic_ns() - recovery->began_ns;
    tell_end(dispatch, recovery->lost_count - recovery->lost_before, took_ns);
    job_history_recovered(dispatch->options.history, recovery, took_ns);
    recovery->lost_before = recovery->lost_count;
    fault_point(POINT_RECOVERED);
    return recovery->burst_wanted > 0 ? dispatch_start_burst(dispatch, recovery->burst_wanted)
                                      : NULL;
}

barks_status *recovery_take_ready(struct dispatch *dispatch, uint32_t executor, uint32_t epoch)
{
    struct recovery *recovery = &dispatch->recovery;
    if (!recovery->is_under_way || epoch != recovery->epoch)
        return NULL; /* more were lost since */
    recovery->is_ready[executor - 1] = true;
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++)
        if (!is_lost(dispatch, rank) && !recovery->is_ready[rank - 1])
            return NULL;
    return end_recovery(dispatch);
}

barks_status *recovery_take_burst(struct dispatch *dispatch, uint32_t epoch, uint64_t burst)
{
    struct recovery *recovery = &dispatch->recovery;
    if (epoch != recovery->epoch)
        return NULL; /* it has left those rounds since, or will */
    if (!recovery->is_under_way)
        return dispatch_start_burst(dispatch, burst);
    recovery->burst_wanted = burst; /* 1: no other has begun in this epoch */
    return NULL;
}

/* ---- what heirs get ---- */

/* About what living executors have sent to a slot, and keep: frames are counted, and taken to be of
 * the mean size of their attempt's. */
static uint64_t bytes_sent_to(const struct dispatch *dispatch, const struct job *job,
                              uint32_t stage, uint32_t slot)
{
    uint64_t number = job->stages[stage].reports;
    double bytes = 0;
    while (number != 0) {
        const struct attempt_report *report = report_table_at(&dispatch->reports, number);
        uint64_t frames = frame_counts_sum(&report->frames);
        number = report->next;
        if (frames > 0 && !is_lost(dispatch, report->id.executor))
            bytes += (double)report->bytes_sent * (double)frame_counts_of(&report->frames, slot) /
                     (double)frames;
    }
    return (uint64_t)bytes;
}

/* Not to an heir that is lost too, of which the scheduler hears next: it moves on then. */
static bool has_moved(const struct dispatch *dispatch, const struct owner_range *range)
{
    return range->executor != range->slot && !is_lost(dispatch, range->executor);
}

BARKS_CHECKED static barks_status *send_holders(struct dispatch *dispatch, uint64_t shuffle,
                                                const struct owner_range *ranges, uint32_t count)
{
    uint32_t moved_count = 0;
    for (uint32_t i = 0; i < count; i++)
        moved_count += has_moved(dispatch, &ranges[i]);
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        struct packer out = {0};
        if (is_lost(dispatch, rank))
            continue;
        pack_u64(&out, MESSAGE_HOLDERS);
        pack_u64(&out, shuffle);
        pack_u64(&out, moved_count);
        for (uint32_t i = 0; i < count; i++) {
            if (!has_moved(dispatch, &ranges[i]))
                continue;
            pack_u64(&out, ranges[i].slot);
            pack_u64(&out, ranges[i].executor);
        }
        BARKS_TRY(message_send(dispatch->net, rank, &out));
    }
    return NULL;
}

barks_status *recovery_tell_holders(struct dispatch *dispatch, struct job *job, uint32_t stage)
{
    struct recovery *recovery = &dispatch->recovery;
    struct owner_range *ranges = NULL;
    uint32_t count = 0;
    BARKS_TRY(dispatch_owners(dispatch, job, stage, &ranges, &count));
    for (uint32_t i = 0; i < count; i++)
        if (is_lost(dispatch, ranges[i].slot) && !recovery->is_known[ranges[i].slot - 1])
            recovery->resent_bytes += bytes_sent_to(dispatch, job, stage, ranges[i].slot);
    barks_status *status = send_holders(dispatch, job_terminal(job, stage)->shuffle, ranges, count);
    free(ranges);
    fault_point(POINT_HOLDERS_SENT);
    return status;
}

/* ---- commits that come again ---- */

barks_status *recovery_check_commit(struct dispatch *dispatch, struct job *job, uint32_t stage,
                                    uint32_t run_count, barks_status **out_problem)
{
    struct job_stage *state = &job->stages[stage];
    bool is_first = state->attempts == NULL;
    uint32_t changed_count = 0;
    if (is_first)
        state->attempts = calloc((size_t)run_count + 1, sizeof *state->attempts);
    if (state->attempts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the runs that count");
    for (uint32_t run = 0; run < run_count; run++) {
        struct counted_run counted = {0};
        BARKS_TRY(scheduler_counted_run(dispatch->scheduler, job->id, stage, run, &counted));
        changed_count += state->attempts[run] != counted.attempt;
        state->attempts[run] = counted.attempt;
    }
    if (!is_first && changed_count > 0 && job->plan.stages[stage].is_indeterminate)
        *out_problem = barks_status_new(
            BARKS_LOST, NULL, BARKS_HERE,
            "%s: an executor was lost with rows that are others when they are computed again "
            "(barks_determinism)",
            job->what);
    return NULL;
}
