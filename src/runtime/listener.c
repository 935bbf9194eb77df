/* The face of listeners: records of the event log as events. */
#include "barks/listener.h"

#include "history/history_tap.h"
#include "runtime/context.h"

#include <stdio.h>
#include <stdlib.h>

#define QUEUE_BYTES ((size_t)1 << 20)

struct listening {
    barks_listener *listener;
    void *user;
    uint64_t lost_count; /* that it was told of */
};

static void tell_action(const struct history_record *record, barks_event *event)
{
    if (record->kind == KIND_ACTION_STARTED) {
        const struct history_action_started *it = &record->action_started;
        event->kind = BARKS_EVENT_JOB_STARTED;
        event->time_ns = it->time_ns;
        event->job = it->action;
        event->what = it->what;
        event->count = it->stage_count;
        event->pool = it->pool;
        event->priority = (int)(int64_t)it->priority;
        event->group = it->group;
        event->description = it->description;
        event->tags = it->tags;
        return;
    }
    event->kind = BARKS_EVENT_JOB_ENDED;
    event->time_ns = record->action_ended.time_ns;
    event->job = record->action_ended.action;
    event->exit_code = (int)record->action_ended.exit_code;
    event->error = record->action_ended.error;
}

static void tell_stage(const struct history_record *record, barks_event *event)
{
    if (record->kind == KIND_STAGE_STARTED) {
        const struct history_stage_started *it = &record->stage_started;
        event->kind = BARKS_EVENT_STAGE_STARTED;
        event->time_ns = it->time_ns;
        event->job = it->action;
        event->stage = (uint32_t)it->stage;
        event->what = it->steps;
        event->count = it->partition_count;
        return;
    }
    const struct history_stage_ended *it = &record->stage_ended;
    event->kind = BARKS_EVENT_STAGE_ENDED;
    event->time_ns = it->time_ns;
    event->job = it->action;
    event->stage = (uint32_t)it->stage;
    event->count = it->task_count;
    event->rows_read = it->rows;
    event->bytes_read = it->bytes;
    event->spilled_bytes = it->spilled_bytes;
}

static void tell_task(const struct history_record *record, barks_event *event)
{
    if (record->kind == KIND_TASK_STARTED) {
        const struct history_task_started *it = &record->task_started;
        event->kind = BARKS_EVENT_TASK_STARTED;
        event->time_ns = it->time_ns;
        event->job = it->action;
        event->stage = (uint32_t)it->stage;
        event->task = (uint32_t)it->task;
        event->attempt = (uint32_t)it->attempt;
        event->executor = (uint32_t)it->executor;
        event->first_partition = (uint32_t)it->first_partition;
        event->end_partition = (uint32_t)it->end_partition;
        event->lender = (uint32_t)it->lender;
        return;
    }
    const struct history_task_ended *it = &record->task_ended;
    event->kind = BARKS_EVENT_TASK_ENDED;
    event->time_ns = it->time_ns;
    event->job = it->action;
    event->stage = (uint32_t)it->stage;
    event->task = (uint32_t)it->task;
    event->attempt = (uint32_t)it->attempt;
    event->executor = (uint32_t)it->executor;
    event->exit_code = (int)it->exit_code;
    event->error = it->error;
    event->rows_read = it->rows_read;
    event->bytes_read = it->bytes_read;
    event->rows_written = it->rows_written;
    event->bytes_written = it->bytes_written;
    event->rows_sent = it->rows_sent;
    event->bytes_sent = it->bytes_sent;
    event->rows_filtered = it->rows_filtered;
}

static void tell_loss(const struct history_record *record, barks_event *event)
{
    if (record->kind == KIND_EXECUTOR_LOST) {
        event->kind = BARKS_EVENT_EXECUTOR_LOST;
        event->time_ns = record->executor_lost.time_ns;
        event->executor = (uint32_t)record->executor_lost.executor;
        event->error = record->executor_lost.error;
        return;
    }
    event->kind = BARKS_EVENT_RECOVERED;
    event->time_ns = record->recovery.time_ns;
    event->count = record->recovery.task_count;
    event->bytes_sent = record->recovery.sent_bytes;
}

static void tell_block(const struct history_block *block, barks_event *event)
{
    event->kind = block->is_kept != 0 ? BARKS_EVENT_KEPT : BARKS_EVENT_EVICTED;
    event->time_ns = block->time_ns;
    event->executor = (uint32_t)block->executor;
    event->dataset = block->dataset;
    event->first_partition = (uint32_t)block->partition;
    event->end_partition = (uint32_t)block->partition + 1;
    event->count = block->row_count;
    event->memory_bytes = block->memory_bytes;
    event->spilled_bytes = block->disk_bytes;
}

static void tell_exclusion(const struct history_excluded *excluded, barks_event *event)
{
    event->kind = BARKS_EVENT_EXCLUDED;
    event->time_ns = excluded->time_ns;
    event->executor = (uint32_t)excluded->executor;
    event->job = excluded->action;
    event->stage = excluded->whole_action != 0 ? UINT32_MAX : (uint32_t)excluded->stage;
    event->until_ns = excluded->until_ns;
    event->error = excluded->error;
}

static void tell_skipped(const struct history_stage_skipped *skipped, barks_event *event)
{
    event->kind = BARKS_EVENT_STAGE_SKIPPED;
    event->time_ns = skipped->time_ns;
    event->job = skipped->action;
    event->stage = (uint32_t)skipped->stage;
    event->what = skipped->steps;
    event->error = skipped->reason;
}

static void tell_executor(const struct history_record *record, barks_event *event)
{
    if (record->kind == KIND_EXECUTOR) {
        event->kind = BARKS_EVENT_EXECUTOR;
        event->executor = (uint32_t)record->executor.executor;
        event->host = record->executor.host;
        event->worker_count = record->executor.worker_count;
        event->memory_bytes = record->executor.memory_bytes;
        return;
    }
    event->kind = BARKS_EVENT_MEMORY;
    event->time_ns = record->memory.time_ns;
    event->executor = (uint32_t)record->memory.executor;
    event->memory_bytes = record->memory.used_bytes;
    event->spilled_bytes = record->memory.spilled_bytes;
}

/* False: listeners do not hear of it. */
static bool tell(const struct history_record *record, barks_event *event)
{
    switch (record->kind) {
    case KIND_JOB:
    case KIND_SETTING:
        return false;
    case KIND_EXECUTOR:
    case KIND_MEMORY:
        tell_executor(record, event);
        return true;
    case KIND_ACTION_STARTED:
    case KIND_ACTION_ENDED:
        tell_action(record, event);
        return true;
    case KIND_STAGE_STARTED:
    case KIND_STAGE_ENDED:
        tell_stage(record, event);
        return true;
    case KIND_TASK_STARTED:
    case KIND_TASK_ENDED:
        tell_task(record, event);
        return true;
    case KIND_EXECUTOR_LOST:
    case KIND_RECOVERY:
        tell_loss(record, event);
        return true;
    case KIND_BLOCK:
        tell_block(&record->block, event);
        return true;
    case KIND_EXCLUDED:
        tell_exclusion(&record->excluded, event);
        return true;
    case KIND_STAGE_SKIPPED:
        tell_skipped(&record->stage_skipped, event);
        return true;
    case KIND_TROUBLE:
        event->kind = BARKS_EVENT_TROUBLE;
        event->time_ns = record->trouble.time_ns;
        event->exit_code = (int)record->trouble.exit_code;
        event->error = record->trouble.error;
        return true;
    case KIND_DROPPED:
        event->kind = BARKS_EVENT_LOST;
        event->count = record->dropped.record_count;
        return true;
    case KIND_JOB_ENDED:
        event->kind = BARKS_EVENT_END;
        event->time_ns = record->job_ended.time_ns;
        event->exit_code = (int)record->job_ended.exit_code;
        event->count = record->job_ended.task_count;
        return true;
    }
    return false; /* of a kind that came later */
}

static void take(void *context, const struct history_record *record)
{
    struct listening *listening = context;
    barks_event event = {0};
    if (record->kind == KIND_DROPPED)
        listening->lost_count += record->dropped.record_count;
    if (record->kind == KIND_JOB_ENDED && record->job_ended.dropped_count > listening->lost_count) {
        event = (barks_event){.kind = BARKS_EVENT_LOST,
                              .count = record->job_ended.dropped_count - listening->lost_count};
        listening->listener(&event, listening->user);
        event = (barks_event){0};
    }
    if (tell(record, &event))
        listening->listener(&event, listening->user);
}

BARKS_CHECKED static barks_status *start_listening(barks_context *context, barks_listener *listener,
                                                   void *user)
{
    struct history_tap *tap = NULL;
    struct listening *listening = calloc(1, sizeof *listening);
    if (listening == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a listener");
    *listening = (struct listening){.listener = listener, .user = user};
    barks_status *status = history_tap_start(QUEUE_BYTES, take, listening, &tap);
    if (status != NULL) {
        free(listening);
        return status;
    }
    return driver_add_tap(context->driver, tap);
}

bool barks_add_listener(barks_context *context, barks_listener *listener, void *user)
{
    if (context == NULL || context != context_alive() || listener == NULL) {
        fprintf(stderr, "barks: barks_add_listener was called without a context or a listener\n");
        return false;
    }
    barks_status *status = start_listening(context, listener, user);
    if (status != NULL)
        context_fail(context, status);
    return status == NULL;
}
