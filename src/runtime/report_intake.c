/* What executors report becomes events for the scheduler. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/log.h"
#include "net/net.h"
#include "runtime/dispatch_state.h"
#include "runtime/gatherings.h"
#include "runtime/job_history.h"
#include "runtime/loans.h"
#include "runtime/message.h"
#include "runtime/run_cuts.h"
#include "runtime/store_reports.h"
#include "store/kept.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* O(errors of all jobs), which are few. */
static void forget_errors(struct dispatch *dispatch, uint64_t job)
{
    for (uint64_t i = 0; i < dispatch->error_count; i++) {
        struct attempt_error *error = &dispatch->errors[i];
        if (error->id.job != job)
            continue;
        barks_status_free(error->status);
        *error = (struct attempt_error){.next_free = dispatch->first_free_error};
        dispatch->first_free_error = i + 1;
    }
}

void dispatch_forget_job(struct dispatch *dispatch, struct job *job)
{
    for (uint32_t stage = 0; job->stages != NULL && stage < job->plan.stage_count; stage++)
        report_table_forget(&dispatch->reports, &job->stages[stage].reports);
    forget_errors(dispatch, job->id);
}

/* ---- reports ---- */

BARKS_CHECKED static barks_status *grow(void **items, uint64_t count, uint64_t *capacity,
                                        size_t item_bytes)
{
    if (count < *capacity)
        return NULL;
    uint64_t wanted = *capacity > 0 ? 2 * *capacity : 64;
    void *grown = realloc(*items, wanted * item_bytes);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu64 " reports", wanted);
    *items = grown;
    *capacity = wanted;
    return NULL;
}

barks_status *dispatch_add_error(struct dispatch *dispatch, const struct attempt_id *id,
                                 barks_status *error, uint64_t *out_number)
{
    void *errors = dispatch->errors;
    uint64_t number = dispatch->first_free_error;
    barks_status *status = NULL;
    if (number == 0)
        status = grow(&errors, dispatch->error_count, &dispatch->error_capacity,
                      sizeof *dispatch->errors);
    dispatch->errors = errors;
    if (status != NULL) {
        barks_status_free(error);
        return status;
    }
    if (number != 0)
        dispatch->first_free_error = dispatch->errors[number - 1].next_free;
    else
        number = ++dispatch->error_count;
    dispatch->errors[number - 1] = (struct attempt_error){.id = *id, .status = error};
    *out_number = number;
    return NULL;
}

/* The executor has answered an attempt. */
static void count_answer(struct dispatch *dispatch, uint32_t executor)
{
    struct member *member = &dispatch->members->all[executor - 1];
    member->attempts_out -= member->attempts_out > 0;
}

static struct attempt_id read_attempt(struct unpacker *in, uint32_t executor)
{
    struct attempt_id id = {.executor = executor};
    id.job = unpack_u64(in);
    id.stage = unpack_u32(in);
    id.task = unpack_u32(in);
    id.attempt = unpack_u32(in);
    return id;
}

static void read_peaks(struct unpacker *in, struct member *member)
{
    atomic_store_explicit(&member->peak_bytes, unpack_u64(in), memory_order_relaxed);
    atomic_store_explicit(&member->spilled_bytes, unpack_u64(in), memory_order_relaxed);
}

static uint8_t *read_copy(struct unpacker *in, size_t *out_size_bytes)
{
    const uint8_t *bytes = unpack_bytes(in, out_size_bytes);
    uint8_t *copy = bytes != NULL ? unpack_array(in, 1, *out_size_bytes + 1) : NULL;
    if (copy != NULL)
        memcpy(copy, bytes, *out_size_bytes);
    return copy;
}

/* What is of use beside the report: as long as the message. */
struct passing {
    uint64_t rows_sent;
    struct packed_keys keys; /* of FILTER_COLLECTS */
};

/* Of a task that has ended well; *report is dropped by the caller in any case. */
static void read_report(struct unpacker *in, struct attempt_report *report,
                        struct passing *out_passing)
{
    report->counters.rows_read = unpack_u64(in);
    report->counters.bytes_read = unpack_u64(in);
    report->counters.rows_written = unpack_u64(in);
    report->counters.bytes_written = unpack_u64(in);
    report->counters.rows_filtered = unpack_u64(in);
    out_passing->rows_sent = unpack_u64(in);
    report->bytes_sent = unpack_u64(in);
    frame_counts_unpack(in, &report->frames);
    report->result = read_copy(in, &report->result_bytes);
    report->accumulated = read_copy(in, &report->accumulated_bytes);
    out_passing->keys.bytes = unpack_bytes(in, &out_passing->keys.size_bytes);
}

/* Adds what an attempt has read and written to what is shown, or (sign -1: it was discarded) takes
 * it away again; unsigned sums come out right. */
static void count_report(struct dispatch *dispatch, struct job *job, int sign,
                         const struct attempt_report *report)
{
    uint32_t stage = report->id.stage;
    uint64_t factor = (uint64_t)sign;
    const struct task_counters *counters = &report->counters;
    bool reads_files = !stage_reads_shuffles(&job->plan.stages[stage]);
    job->stages[stage].rows += factor * counters->rows_read;
    job->stages[stage].bytes += factor * counters->bytes_read;
    dispatch->totals.rows_read += reads_files ? factor * counters->rows_read : 0;
    dispatch->totals.bytes_read += reads_files ? factor * counters->bytes_read : 0;
    dispatch->totals.rows_written += factor * counters->rows_written;
    dispatch->totals.bytes_written += factor * counters->bytes_written;
    dispatch->totals.rows_filtered += factor * counters->rows_filtered;
    job->result_bytes += factor * report->result_bytes;
    dispatch->totals.bytes_shuffled += factor * report->bytes_sent;
}

void dispatch_discard_report(struct dispatch *dispatch, struct job *job,
                             const struct attempt_id *id, uint64_t number)
{
    struct attempt_report *report = report_table_find(&dispatch->reports, number, id);
    if (report == NULL)
        return; /* it went with its stage */
    count_report(dispatch, job, -1, report);
    report_drop(report);
}

/* Results that would not fit at the driver end the job before they fill its memory. */
BARKS_CHECKED static barks_status *check_result_size(struct dispatch *dispatch, struct job *job)
{
    uint64_t total = job->result_bytes;
    if (total <= job->result_bytes_max || job->status != NULL)
        return NULL;
    job->status = barks_status_new(
        BARKS_LIMIT, NULL, BARKS_HERE,
        "%s would bring %" PRIu64 " MiB or more to the driver, over its limit of %" PRIu64
        " MiB: write the rows to files, take fewer, or raise --barks-collect-bytes-max",
        job->what, total >> 20, job->result_bytes_max >> 20);
    struct event event = {.kind = EVENT_JOB_CANCELLED, .time_ns = monotonic_ns()};
    event.job_cancelled.job = job->id;
    return dispatch_handle(dispatch, &event);
}

/* Into the list of its stage. Takes what read holds. */
BARKS_CHECKED static barks_status *keep_report(struct dispatch *dispatch, struct job *job,
                                               struct attempt_report *read, uint64_t *out_number)
{
    uint64_t *list = &job->stages[read->id.stage].reports;
    barks_status *status = report_table_add(&dispatch->reports, list, &read->id, out_number);
    if (status != NULL) {
        report_drop(read);
        return status;
    }
    struct attempt_report *report = report_table_at(&dispatch->reports, *out_number);
    read->next = report->next;
    *report = *read;
    return NULL;
}

BARKS_CHECKED static barks_status *on_task_done(struct dispatch *dispatch, struct unpacker *in,
                                                const struct attempt_id *id)
{
    struct event event = {.kind = EVENT_ATTEMPT_FINISHED, .time_ns = monotonic_ns()};
    struct attempt_report report = {.id = *id};
    struct passing passing = {0};
    event.attempt_finished.id = *id;
    /* It has finished, so that it ran too long does not matter any more. */
    (void)dispatch_note_answered(dispatch, id);
    read_report(in, &report, &passing);
    live_tasks_end(dispatch, id, &report.counters);
    barks_status *status = unpacker_check(in);
    struct job *job = dispatch_find_job(dispatch, id->job);
    if (status != NULL || job == NULL || id->stage >= job->plan.stage_count) {
        report_drop(&report); /* of a job that is over, or was left (dispatch_leave_deaf) */
        return status != NULL ? status : dispatch_handle(dispatch, &event);
    }
    status = dispatch_take_keys(job, &report, &passing.keys);
    count_report(dispatch, job, 1, &report);
    job_history_task_done(dispatch->options.history, &report, passing.rows_sent);
    if (status != NULL) {
        report_drop(&report);
        return status;
    }
    BARKS_TRY(keep_report(dispatch, job, &report, &event.attempt_finished.report));
    fault_point(POINT_REPORT_TAKEN);
    BARKS_TRY(check_result_size(dispatch, job));
    BARKS_TRY(gatherings_note_ended(dispatch, job, id));
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *on_run_cut(struct dispatch *dispatch, struct unpacker *in,
                                              uint32_t executor)
{
    struct event event = {.kind = EVENT_RUN_CUT, .time_ns = monotonic_ns()};
    event.run_cut.id = read_attempt(in, executor);
    event.run_cut.end_partition = unpack_u32(in);
    uint32_t end = unpack_u32(in);
    event.run_cut.is_alone = unpack_bool(in);
    BARKS_TRY(unpacker_finish(in));
    return run_cuts_take(dispatch, &event, end);
}

static enum failure_cause cause_of(barks_code code)
{
    switch (code) {
    case BARKS_INVALID:
    case BARKS_USER_ERROR:
        return CAUSE_USER_ERROR;
    case BARKS_BAD_INPUT:
        return CAUSE_BAD_INPUT;
    case BARKS_CANCELLED:
        return CAUSE_CANCELLED;
    case BARKS_IO:
    case BARKS_NO_MEMORY:
    case BARKS_LIMIT:
    case BARKS_LOST:
    case BARKS_INTERNAL:
    case BARKS_OUT_OF_TIME:
        return CAUSE_RESOURCE;
    }
    return CAUSE_RESOURCE;
}

/* Equal for the same error at the same record, which another attempt would only meet again; 0 where
 * it depends on the executor. */
static uint64_t hash_of_error(const barks_status *error)
{
    char text[4096];
    switch (barks_status_code(error)) {
    case BARKS_INVALID:
    case BARKS_BAD_INPUT:
    case BARKS_USER_ERROR:
    case BARKS_LIMIT:
        break;
    case BARKS_IO:
    case BARKS_NO_MEMORY:
    case BARKS_LOST:
    case BARKS_CANCELLED:
    case BARKS_INTERNAL:
    case BARKS_OUT_OF_TIME:
        return 0;
    }
    size_t length = barks_status_format(error, text, sizeof text);
    uint64_t hash = hash_bytes(text, length < sizeof text ? length : sizeof text - 1);
    return hash != 0 ? hash : 1;
}

/* What an attempt was to read of a shuffle is gone only where an earlier one was told to stop and
 * had ended well at that moment (executor_reports.c), or where it cannot be read back
 * (shuffle/reduce_read.c): nothing brings it back but the same plan anew. */
static bool is_input_gone(const struct job *job, const struct attempt_id *id,
                          const barks_status *error)
{
    const struct stage_plan *stage = &job->plan.stages[id->stage];
    return barks_status_code(error) == BARKS_LOST && !stage->pipeline->gang.is_gang &&
           stage_reads_shuffles(stage);
}

/* Something is lost since it could not be read back. */
static bool is_of_damage(const barks_status *error)
{
    bool is_lost = barks_status_code(error) == BARKS_LOST, is_unread = false;
    for (; error != NULL; error = barks_status_cause(error))
        is_unread |=
            barks_status_code(error) == BARKS_IO || barks_status_code(error) == BARKS_BAD_INPUT;
    return is_lost && is_unread;
}

static bool may_be_tried_again(struct dispatch *dispatch, const struct attempt_id *id,
                               const barks_status *error)
{
    struct job *job = dispatch_find_job(dispatch, id->job);
    if (barks_status_code(error) == BARKS_INVALID || job == NULL ||
        id->stage >= job->plan.stage_count)
        return false;
    bool is_gone = is_input_gone(job, id, error);
    job->is_input_gone |= is_gone;
    job->has_met_damage |= is_of_damage(error);
    return !is_gone;
}

/* The others are started anew for its sake, or its job fails; either way this is why. */
static void warn_of_round(const struct dispatch *dispatch, const struct attempt_id *id,
                          const barks_status *error)
{
    char text[512];
    const struct job *job = dispatch_find_job(dispatch, id->job);
    if (job == NULL || id->stage >= job->plan.stage_count ||
        barks_status_code(error) == BARKS_CANCELLED ||
        !job->plan.stages[id->stage].pipeline->gang.is_gang)
        return;
    barks_status_format(error, text, sizeof text);
    LOG(LEVEL_WARN, "runtime",
        "task %" PRIu32 " of %s failed in attempt %" PRIu32
        ", which ends all that run together with it: %s",
        id->task, job->what, id->attempt + 1, text);
}

/* Takes error. */
BARKS_CHECKED static barks_status *on_task_failed(struct dispatch *dispatch,
                                                  const struct attempt_id *id, barks_status *error)
{
    struct event event = {.kind = EVENT_ATTEMPT_FAILED, .time_ns = monotonic_ns()};
    event.attempt_failed.id = *id;
    const barks_status *overrun = dispatch_note_answered(dispatch, id);
    live_tasks_end(dispatch, id, NULL);
    job_history_task_failed(dispatch->options.history, &event.attempt_failed.id,
                            overrun != NULL ? overrun : error);
    event.attempt_failed.cause = cause_of(barks_status_code(error));
    event.attempt_failed.is_retryable =
        may_be_tried_again(dispatch, &event.attempt_failed.id, error);
    event.attempt_failed.error_hash = hash_of_error(error);
    warn_of_round(dispatch, &event.attempt_failed.id, error);
    bool is_lost = false;
    barks_status *status =
        dispatch_note_failure(dispatch, &event.attempt_failed.id, error, &is_lost);
    if (status != NULL) {
        barks_status_free(error);
        return status;
    }
    if (overrun !=
        NULL) /* why it failed is known; what a body says as it ends is no other failure */
        barks_status_free(error);
    else
        BARKS_TRY(dispatch_add_error(dispatch, &event.attempt_failed.id, error,
                                     &event.attempt_failed.error));
    fault_point(POINT_FAILURE_TAKEN);
    if (is_lost)
        return NULL;
    return dispatch_handle(dispatch, &event);
}

BARKS_CHECKED static barks_status *on_task_ended(struct dispatch *dispatch, struct unpacker *in,
                                                 uint32_t executor)
{
    struct attempt_id id = read_attempt(in, executor);
    barks_status *error = unpack_status(in);
    barks_status *bad = unpacker_check(in);
    if (bad != NULL) {
        barks_status_free(error);
        return bad;
    }
    count_answer(dispatch, executor);
    bad = loans_note_ended(dispatch, &id);
    if (bad != NULL) {
        barks_status_free(error);
        return bad;
    }
    return error != NULL ? on_task_failed(dispatch, &id, error) : on_task_done(dispatch, in, &id);
}

/* The tasks that take their places go in one message too. */
BARKS_CHECKED static barks_status *on_tasks_ended(struct dispatch *dispatch, struct unpacker *in,
                                                  uint32_t executor)
{
    barks_status *status = NULL;
    read_peaks(in, &dispatch->members->all[executor - 1]);
    dispatch->is_taking_reports = true;
    while (status == NULL && unpacker_has_more(in))
        status = on_task_ended(dispatch, in, executor);
    dispatch->is_taking_reports = false;
    return status != NULL ? status : unpacker_finish(in);
}

/* What it says counts once its executor is known to be lost. */
BARKS_CHECKED static barks_status *on_crashed(struct dispatch *dispatch, struct unpacker *in,
                                              uint32_t executor)
{
    struct member *member = &dispatch->members->all[executor - 1];
    struct attempt_crash crash = {.id = read_attempt(in, executor)};
    barks_status *error = unpack_status(in);
    if (error == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a task crashed without saying how");
    crash.error_hash = hash_of_error(error);
    job_history_task_failed(dispatch->options.history, &crash.id, error);
    BARKS_TRY(dispatch_add_error(dispatch, &crash.id, error, &crash.error));
    member->crash = crash;
    member->has_crashed = true;
    return unpacker_finish(in);
}

BARKS_CHECKED static barks_status *read_sizes(struct unpacker *in, struct job_stage *stage,
                                              uint32_t partition_count)
{
    uint32_t count = unpack_count(in);
    if (stage->output_bytes == NULL)
        stage->output_bytes = calloc((size_t)partition_count + 1, sizeof *stage->output_bytes);
    if (stage->output_bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the sizes of %" PRIu32 " partitions",
                   partition_count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t partition = unpack_u32(in);
        uint64_t bytes = unpack_u64(in);
        if (partition < partition_count)
            stage->output_bytes[partition] = bytes;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *on_shuffle_ready(struct dispatch *dispatch, struct unpacker *in,
                                                    uint32_t executor)
{
    uint64_t shuffle = unpack_u64(in);
    struct owner_range range = {.slot = unpack_u32(in), .executor = executor};
    uint32_t commit = unpack_u32(in);
    uint32_t stage = 0;
    struct job *job = dispatch->jobs;
    while (job != NULL && !shuffle_index_find(&job->shuffles, shuffle, &stage))
        job = job->next;
    if (job == NULL)
        return loans_take_ready(dispatch, shuffle);
    struct job_stage *state = &job->stages[stage];
    if (!state->is_committing || state->commit != commit)
        return NULL; /* a commit before the one under way says nothing any more */
    BARKS_TRY(read_sizes(in, state, job_terminal(job, stage)->partition_count));
    BARKS_TRY(store_reports_add(state->is_stored ? &state->stored : NULL, &range, in));
    BARKS_TRY(unpacker_finish(in));
    fault_point(POINT_READY_TAKEN);
    if (++state->ready_count == state->slot_count)
        return dispatch_committed(dispatch, job, stage);
    return NULL;
}

barks_status *dispatch_start_burst(struct dispatch *dispatch, uint64_t burst)
{
    if (burst <= dispatch->last_burst)
        return NULL; /* another executor asked first */
    dispatch->last_burst = burst;
    for (uint32_t rank = 1; rank <= dispatch->members->count; rank++) {
        struct packer out = {0};
        if (member_is_lost(&dispatch->members->all[rank - 1]))
            continue;
        pack_u64(&out, MESSAGE_BURST);
        pack_u64(&out, burst);
        BARKS_TRY(message_send(dispatch->net, rank, &out));
    }
    fault_point(POINT_BURST_SENT);
    return NULL;
}

BARKS_CHECKED static barks_status *on_burst_wanted(struct dispatch *dispatch, struct unpacker *in)
{
    uint32_t epoch = unpack_u32(in);
    uint64_t burst = unpack_u64(in);
    BARKS_TRY(unpacker_finish(in));
    return recovery_take_burst(dispatch, epoch, burst);
}

BARKS_CHECKED static barks_status *on_epoch_ready(struct dispatch *dispatch, struct unpacker *in,
                                                  uint32_t executor)
{
    uint32_t epoch = unpack_u32(in);
    BARKS_TRY(unpacker_finish(in));
    return recovery_take_ready(dispatch, executor, epoch);
}

BARKS_CHECKED static barks_status *on_pulse(struct dispatch *dispatch, struct unpacker *in,
                                            uint32_t executor)
{
    struct member *member = &dispatch->members->all[executor - 1];
    member->used_bytes = unpack_u64(in);
    member->sent_bytes = unpack_u64(in);
    read_peaks(in, member);
    job_history_memory(dispatch->options.history, executor);
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        struct attempt_id id = read_attempt(in, executor);
        uint64_t rows = unpack_u64(in), bytes = unpack_u64(in);
        BARKS_TRY(live_tasks_note_read(dispatch, &id, rows, bytes));
    }
    return unpacker_finish(in);
}

BARKS_CHECKED static barks_status *on_kept(struct dispatch *dispatch, struct unpacker *in,
                                           uint32_t executor)
{
    struct kept_change change = {.name.dataset = unpack_u64(in)};
    change.name.partition = unpack_u32(in);
    change.is_kept = unpack_bool(in);
    change.row_count = unpack_u64(in);
    change.memory_bytes = unpack_u64(in);
    change.disk_bytes = unpack_u64(in);
    BARKS_TRY(unpacker_finish(in));
    job_history_block(dispatch->options.history, executor, &change);
    dispatch->options.kept_changed(dispatch->options.context, executor, &change);
    return NULL;
}

BARKS_CHECKED static barks_status *on_shared_ready(struct dispatch *dispatch, struct unpacker *in)
{
    uint64_t id = unpack_u64(in);
    barks_status *status = unpack_status(in);
    barks_status *bad = unpacker_finish(in);
    if (bad != NULL) {
        barks_status_free(status);
        return bad;
    }
    dispatch->options.shared_ready(dispatch->options.context, id, status);
    return NULL;
}

/* The line bears its executor's name already. */
BARKS_CHECKED static barks_status *on_log(struct unpacker *in)
{
    uint64_t level = unpack_u64(in);
    char *line = unpack_text(in);
    barks_status *status = unpacker_finish(in);
    if (status == NULL && line != NULL && level >= LEVEL_ERROR && level <= LEVEL_TRACE)
        log_forward((enum log_level)level, line, strlen(line));
    free(line);
    return status;
}

barks_status *dispatch_message(struct dispatch *dispatch, struct net_message *message)
{
    if (message->from == 0 || message->from > dispatch->members->count)
        BARKS_FAIL(BARKS_INTERNAL, "a message of rank %" PRIu32, message->from);
    struct member *member = &dispatch->members->all[message->from - 1];
    if (member_is_lost(member))
        return NULL; /* whatever it says, others do its work */
    struct unpacker in;
    unpacker_init(&in, message->bytes, message->size_bytes);
    barks_status *status = NULL;
    member->last_heard_ns = monotonic_ns();
    enum message_kind kind = (enum message_kind)unpack_u32(&in);
    if (kind == MESSAGE_TASKS_ENDED)
        status = on_tasks_ended(dispatch, &in, message->from);
    else if (kind == MESSAGE_CRASHED)
        status = on_crashed(dispatch, &in, message->from);
    else if (kind == MESSAGE_SHUFFLE_READY)
        status = on_shuffle_ready(dispatch, &in, message->from);
    else if (kind == MESSAGE_BURST_WANTED)
        status = on_burst_wanted(dispatch, &in);
    else if (kind == MESSAGE_EPOCH_READY)
        status = on_epoch_ready(dispatch, &in, message->from);
    else if (kind == MESSAGE_PULSE)
        status = on_pulse(dispatch, &in, message->from);
    else if (kind == MESSAGE_LOG)
        status = on_log(&in);
    else if (kind == MESSAGE_KEPT)
        status = on_kept(dispatch, &in, message->from);
    else if (kind == MESSAGE_DAMAGE)
        status = dispatch_take_damage(dispatch, &in, message->from);
    else if (kind == MESSAGE_SHARED_READY)
        status = on_shared_ready(dispatch, &in);
    else if (kind == MESSAGE_LENT)
        status = loans_take_lent(dispatch, &in);
    else if (kind == MESSAGE_RUN_CUT)
        status = on_run_cut(dispatch, &in, message->from);
    else if (kind == MESSAGE_MEET)
        status = gatherings_take(dispatch, &in, message->from);
    else if (kind == MESSAGE_TROUBLE)
        status = dispatch_take_trouble(dispatch, &in, message->from);
    else
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                  "a message of kind %d for the driver", (int)kind);
    unpacker_drop(&in);
    return status != NULL ? status : dispatch_send_batches(dispatch);
}
