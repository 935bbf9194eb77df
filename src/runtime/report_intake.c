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

void report_drop(struct attempt_report *report)
{
    free(report->sent);
    free(report->result);
    free(report->accumulated);
    *report = (struct attempt_report){0};
}

struct buffer report_take_result(struct attempt_report *report)
{
    struct buffer result = {.data = report->result,
                            .size_bytes = report->result_bytes,
                            .capacity_bytes = report->result_bytes,
                            .limit_bytes = report->result_bytes};
    report->result = NULL;
    return result;
}

/* Reports and errors are numbered for the life of the jobs that run together. */
void dispatch_forget_reports(struct dispatch *dispatch)
{
    for (uint64_t i = 0; i < dispatch->report_count; i++)
        report_drop(&dispatch->reports[i]);
    for (uint64_t i = 0; i < dispatch->error_count; i++)
        barks_status_free(dispatch->errors[i].status);
    dispatch->report_count = 0;
    dispatch->error_count = 0;
    dispatch->live_count = 0;
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
    barks_status *status =
        grow(&errors, dispatch->error_count, &dispatch->error_capacity, sizeof *dispatch->errors);
    dispatch->errors = errors;
    if (status != NULL) {
        barks_status_free(error);
        return status;
    }
    dispatch->errors[dispatch->error_count++] = (struct attempt_error){.id = *id, .status = error};
    *out_number = dispatch->error_count;
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

static void read_sent(struct unpacker *in, struct attempt_report *report, uint32_t executor_count)
{
    uint32_t count = unpack_count(in);
    if (count == 0)
        return;
    report->sent = unpack_array(in, executor_count, sizeof *report->sent);
    for (uint32_t i = 0; i < count; i++) {
        struct exchange_sent sent = {.executor = i + 1};
        sent.frame_count = unpack_u64(in);
        sent.row_count = unpack_u64(in);
        sent.bytes = unpack_u64(in);
        if (report->sent != NULL && i < executor_count)
            report->sent[i] = sent;
    }
}

static void read_peaks(struct unpacker *in, struct member *member)
{
    atomic_store_explicit(&member->peak_bytes, unpack_u64(in), memory_order_relaxed);
    atomic_store_explicit(&member->spilled_bytes, unpack_u64(in), memory_order_relaxed);
}

/* *out_keys: of FILTER_COLLECTS; as long as the message. */
BARKS_CHECKED static barks_status *read_report(struct unpacker *in, uint32_t executor_count,
                                               struct attempt_report *report,
                                               struct packed_keys *out_keys)
{
    report->counters.rows_read = unpack_u64(in);
    report->counters.bytes_read = unpack_u64(in);
    report->counters.rows_written = unpack_u64(in);
    report->counters.bytes_written = unpack_u64(in);
    report->counters.rows_filtered = unpack_u64(in);
    read_sent(in, report, executor_count);
    size_t result_bytes = 0;
    const uint8_t *result = unpack_bytes(in, &result_bytes);
    if (result != NULL) {
        report->result = unpack_array(in, 1, result_bytes + 1);
        if (report->result != NULL)
            memcpy(report->result, result, result_bytes);
        report->result_bytes = result_bytes;
    }
    const uint8_t *accumulated = unpack_bytes(in, &report->accumulated_bytes);
    if (accumulated != NULL) {
        report->accumulated = unpack_array(in, 1, report->accumulated_bytes + 1);
        if (report->accumulated != NULL)
            memcpy(report->accumulated, accumulated, report->accumulated_bytes);
    }
    out_keys->bytes = unpack_bytes(in, &out_keys->size_bytes);
    return unpacker_finish(in);
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
    for (uint32_t i = 0; report->sent != NULL && i < dispatch->members->count; i++)
        dispatch->totals.bytes_shuffled += factor * report->sent[i].bytes;
}

void dispatch_discard_report(struct dispatch *dispatch, struct job *job, uint64_t number)
{
    count_report(dispatch, job, -1, &dispatch->reports[number]);
    report_drop(&dispatch->reports[number]);
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

BARKS_CHECKED static barks_status *on_task_done(struct dispatch *dispatch, struct unpacker *in,
                                                uint32_t executor)
{
    struct event event = {.kind = EVENT_ATTEMPT_FINISHED, .time_ns = monotonic_ns()};
    event.attempt_finished.id = read_attempt(in, executor);
    /* It has finished, so that it ran too long does not matter any more. */
    (void)dispatch_end_overrun(dispatch, &event.attempt_finished.id);
    count_answer(dispatch, executor);
    BARKS_TRY(loans_note_ended(dispatch, &event.attempt_finished.id));
    void *reports = dispatch->reports;
    BARKS_TRY(grow(&reports, dispatch->report_count, &dispatch->report_capacity,
                   sizeof *dispatch->reports));
    dispatch->reports = reports;
    struct attempt_report *report = &dispatch->reports[dispatch->report_count];
    *report = (struct attempt_report){.id = event.attempt_finished.id};
    event.attempt_finished.report = dispatch->report_count++;
    read_peaks(in, &dispatch->members->all[executor - 1]);
    struct packed_keys keys = {0};
    BARKS_TRY(read_report(in, dispatch->members->count, report, &keys));
    struct job *job = dispatch_find_job(dispatch, event.attempt_finished.id.job);
    if (job == NULL || event.attempt_finished.id.stage >= job->plan.stage_count)
        return NULL; /* of a job that is over */
    BARKS_TRY(dispatch_take_keys(job, report, &keys));
    count_report(dispatch, job, 1, report);
    job_history_task_done(dispatch->options.history, report, dispatch->members->count);
    fault_point(POINT_REPORT_TAKEN);
    BARKS_TRY(check_result_size(dispatch, job));
    BARKS_TRY(gatherings_note_ended(dispatch, job, &event.attempt_finished.id));
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
 * had ended well at that moment (executor_reports.c): nothing brings it back but the same plan
 * anew. */
static bool is_input_gone(const struct job *job, const struct attempt_id *id,
                          const barks_status *error)
{
    const struct stage_plan *stage = &job->plan.stages[id->stage];
    return barks_status_code(error) == BARKS_LOST && !stage->pipeline->gang.is_gang &&
           stage_reads_shuffles(stage);
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

BARKS_CHECKED static barks_status *on_task_failed(struct dispatch *dispatch, struct unpacker *in,
                                                  uint32_t executor)
{
    struct event event = {.kind = EVENT_ATTEMPT_FAILED, .time_ns = monotonic_ns()};
    event.attempt_failed.id = read_attempt(in, executor);
    const barks_status *overrun = dispatch_end_overrun(dispatch, &event.attempt_failed.id);
    count_answer(dispatch, executor);
    BARKS_TRY(loans_note_ended(dispatch, &event.attempt_failed.id));
    barks_status *error = unpack_status(in);
    if (error == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a task failed without saying why");
    job_history_task_failed(dispatch->options.history, &event.attempt_failed.id,
                            overrun != NULL ? overrun : error);
    event.attempt_failed.cause = cause_of(barks_status_code(error));
    event.attempt_failed.is_retryable =
        may_be_tried_again(dispatch, &event.attempt_failed.id, error);
    event.attempt_failed.error_hash = hash_of_error(error);
    warn_of_round(dispatch, &event.attempt_failed.id, error);
    if (overrun !=
        NULL) /* why it failed is known; what a body says as it ends is no other failure */
        barks_status_free(error);
    else
        BARKS_TRY(dispatch_add_error(dispatch, &event.attempt_failed.id, error,
                                     &event.attempt_failed.error));
    BARKS_TRY(unpacker_finish(in));
    fault_point(POINT_FAILURE_TAKEN);
    return dispatch_handle(dispatch, &event);
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
    for (struct job *job = dispatch->jobs; job != NULL; job = job->next)
        for (uint32_t stage = 0; stage < job->plan.stage_count; stage++) {
            const struct terminal *terminal = job_terminal(job, stage);
            struct job_stage *state = &job->stages[stage];
            if (terminal->kind != TERMINAL_SHUFFLE || terminal->shuffle != shuffle ||
                !state->is_committing || state->commit != commit)
                continue; /* a commit before the one under way says nothing any more */
            BARKS_TRY(read_sizes(in, state, terminal->partition_count));
            BARKS_TRY(store_reports_add(state->is_stored ? &state->stored : NULL, &range, in));
            BARKS_TRY(unpacker_finish(in));
            fault_point(POINT_READY_TAKEN);
            if (++state->ready_count == state->slot_count)
                return dispatch_committed(dispatch, job, stage);
            return NULL;
        }
    return loans_take_ready(dispatch, shuffle);
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
    uint64_t kept = 0;
    member->used_bytes = unpack_u64(in);
    member->sent_bytes = unpack_u64(in);
    read_peaks(in, member);
    job_history_memory(dispatch->options.history, executor);
    uint32_t count = unpack_count(in);
    for (uint64_t i = 0; i < dispatch->live_count; i++)
        if (dispatch->live[i].executor != executor)
            dispatch->live[kept++] = dispatch->live[i];
    dispatch->live_count = kept;
    for (uint32_t i = 0; i < count; i++) {
        struct attempt_id id = read_attempt(in, executor);
        struct live_task task = {.job = id.job, .stage = id.stage, .executor = executor};
        task.rows = unpack_u64(in);
        task.bytes = unpack_u64(in);
        void *live = dispatch->live;
        BARKS_TRY(
            grow(&live, dispatch->live_count, &dispatch->live_capacity, sizeof *dispatch->live));
        dispatch->live = live;
        dispatch->live[dispatch->live_count++] = task;
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
    if (kind == MESSAGE_TASK_DONE)
        status = on_task_done(dispatch, &in, message->from);
    else if (kind == MESSAGE_TASK_FAILED)
        status = on_task_failed(dispatch, &in, message->from);
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
    else if (kind == MESSAGE_SHARED_READY)
        status = on_shared_ready(dispatch, &in);
    else if (kind == MESSAGE_LENT)
        status = loans_take_lent(dispatch, &in);
    else if (kind == MESSAGE_RUN_CUT)
        status = on_run_cut(dispatch, &in, message->from);
    else if (kind == MESSAGE_MEET)
        status = gatherings_take(dispatch, &in, message->from);
    else if (kind == MESSAGE_TROUBLE) {
        barks_status *cause = unpack_status(&in);
        barks_code code = cause != NULL ? barks_status_code(cause) : BARKS_INTERNAL;
        status =
            barks_status_new(code, cause, BARKS_HERE, "executor %" PRIu32 " on %s cannot go on",
                             message->from, member->hello.host);
    } else
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                  "a message of kind %d for the driver", (int)kind);
    unpacker_drop(&in);
    return status;
}
