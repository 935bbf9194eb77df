#include "cli/job_log.h"

#include "cli/number_map.h"
#include "history/history_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXECUTORS_MAX = 1 << 20, LANES_MAX = 1024 };
/* Of a job, and of what a task says of itself: barks(7). */
enum { EXIT_CANCELLED = 8, EXIT_OUT_OF_TIME = 75 };

/* What is needed while a log is read. */
struct reading {
    struct job_log *log;
    struct number_map attempts, stages, actions;
    uint64_t setting_capacity, executor_capacity, action_capacity, stage_capacity, attempt_capacity,
        memory_sample_capacity, trouble_capacity, departure_capacity, recovery_capacity,
        exclusion_capacity, skip_capacity;
};

/* ---- arrays ---- */

BARKS_CHECKED static barks_status *grow(void **items, uint64_t count, uint64_t *capacity,
                                        size_t item_bytes)
{
    if (count < *capacity)
        return NULL;
    uint64_t wanted = 2 * count + 64;
    char *grown = realloc(*items, wanted * item_bytes);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu64 " events", wanted);
    memset(grown + *capacity * item_bytes, 0, (wanted - *capacity) * item_bytes);
    *items = grown;
    *capacity = wanted;
    return NULL;
}

/* Room for one more of reading->log's array; what is there is zero. */
#define GROW(reading, noun)                                                                        \
    do {                                                                                           \
        void *items_ = (reading)->log->noun##s;                                                    \
        BARKS_TRY(grow(&items_, (reading)->log->noun##_count, &(reading)->noun##_capacity,         \
                       sizeof *(reading)->log->noun##s));                                          \
        (reading)->log->noun##s = items_;                                                          \
    } while (0)

/* A text of a record becomes its new owner's. */
static char *take_text(const char **text)
{
    char *taken = (char *)(uintptr_t)*text; /* a reader's records own their texts */
    *text = NULL;
    return taken;
}

static void free_text(const char *text) { free((void *)(uintptr_t)text); }

/* ---- events ---- */

BARKS_CHECKED static barks_status *find_executor(struct reading *reading, uint64_t number,
                                                 struct logged_executor **out_executor)
{
    struct job_log *log = reading->log;
    if (number == 0 || number > EXECUTORS_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "an event names executor %" PRIu64, number);
    while (log->executor_count < number) {
        GROW(reading, executor);
        log->executor_count++;
    }
    *out_executor = &log->executors[number - 1];
    return NULL;
}

BARKS_CHECKED static barks_status *on_executor(struct reading *reading,
                                               struct history_record *record)
{
    struct logged_executor *executor = NULL;
    BARKS_TRY(find_executor(reading, record->executor.executor, &executor));
    free_text(executor->is.host);
    executor->is = record->executor;
    record->executor.host = NULL;
    return NULL;
}

BARKS_CHECKED static barks_status *on_action_started(struct reading *reading,
                                                     struct history_record *record)
{
    struct job_log *log = reading->log;
    struct number_key key = {{record->action_started.action}};
    GROW(reading, action);
    BARKS_TRY(number_map_put(&reading->actions, &key, log->action_count));
    log->actions[log->action_count++] =
        (struct logged_action){.began = record->action_started, .end_ns = TIME_OPEN};
    record->action_started = (struct history_action_started){0};
    return NULL;
}

static void on_action_ended(struct reading *reading, struct history_record *record)
{
    uint64_t at = 0;
    struct number_key key = {{record->action_ended.action}};
    if (!number_map_find(&reading->actions, &key, &at))
        return; /* its beginning was dropped */
    struct logged_action *action = &reading->log->actions[at];
    free(action->error);
    action->end_ns = record->action_ended.time_ns;
    action->exit_code = record->action_ended.exit_code;
    action->error = take_text(&record->action_ended.error);
}

BARKS_CHECKED static barks_status *on_stage_started(struct reading *reading,
                                                    struct history_record *record)
{
    struct job_log *log = reading->log;
    struct number_key key = {{record->stage_started.action, record->stage_started.stage}};
    GROW(reading, stage);
    BARKS_TRY(number_map_put(&reading->stages, &key, log->stage_count));
    log->stages[log->stage_count++] =
        (struct logged_stage){.began = record->stage_started, .end_ns = TIME_OPEN};
    record->stage_started.reads = NULL;
    record->stage_started.output = NULL;
    record->stage_started.steps = NULL;
    return NULL;
}

static void on_stage_ended(struct reading *reading, const struct history_stage_ended *ended)
{
    uint64_t at = 0;
    struct number_key key = {{ended->action, ended->stage}};
    if (!number_map_find(&reading->stages, &key, &at))
        return;
    struct logged_stage *stage = &reading->log->stages[at];
    stage->end_ns = ended->time_ns;
    stage->rows = ended->rows;
    stage->bytes = ended->bytes;
    stage->task_count = ended->task_count;
}

/* The attempt of that name, made where the log has none. */
BARKS_CHECKED static barks_status *find_attempt(struct reading *reading,
                                                const struct number_key *key, uint64_t executor,
                                                uint64_t begin_ns,
                                                struct logged_attempt **out_attempt)
{
    struct job_log *log = reading->log;
    uint64_t at = log->attempt_count;
    if (!number_map_find(&reading->attempts, key, &at)) {
        struct logged_executor *ignored = NULL;
        BARKS_TRY(find_executor(reading, executor, &ignored));
        GROW(reading, attempt);
        BARKS_TRY(number_map_put(&reading->attempts, key, at));
        log->attempts[log->attempt_count++] = (struct logged_attempt){.action = key->numbers[0],
                                                                      .stage = key->numbers[1],
                                                                      .task = key->numbers[2],
                                                                      .attempt = key->numbers[3],
                                                                      .executor = executor,
                                                                      .begin_ns = begin_ns,
                                                                      .end_ns = TIME_OPEN};
    }
    *out_attempt = &log->attempts[at];
    return NULL;
}

BARKS_CHECKED static barks_status *on_task_started(struct reading *reading,
                                                   const struct history_task_started *started)
{
    struct number_key key = {{started->action, started->stage, started->task, started->attempt}};
    struct logged_attempt *attempt = NULL;
    BARKS_TRY(find_attempt(reading, &key, started->executor, started->time_ns, &attempt));
    attempt->first_partition = started->first_partition;
    attempt->end_partition = started->end_partition;
    return NULL;
}

BARKS_CHECKED static barks_status *on_task_ended(struct reading *reading,
                                                 struct history_record *record)
{
    struct history_task_ended *ended = &record->task_ended;
    struct number_key key = {{ended->action, ended->stage, ended->task, ended->attempt}};
    struct logged_attempt *attempt = NULL;
    BARKS_TRY(find_attempt(reading, &key, ended->executor, ended->time_ns, &attempt));
    free(attempt->error);
    attempt->error = take_text(&ended->error);
    attempt->end_ns = ended->time_ns >= attempt->begin_ns ? ended->time_ns : attempt->begin_ns;
    attempt->exit_code = ended->exit_code;
    attempt->rows_read = ended->rows_read;
    attempt->bytes_read = ended->bytes_read;
    attempt->rows_written = ended->rows_written;
    attempt->bytes_written = ended->bytes_written;
    attempt->rows_sent = ended->rows_sent;
    attempt->bytes_sent = ended->bytes_sent;
    return NULL;
}

BARKS_CHECKED static barks_status *on_memory(struct reading *reading,
                                             const struct history_memory *memory)
{
    struct job_log *log = reading->log;
    struct logged_executor *executor = NULL;
    BARKS_TRY(find_executor(reading, memory->executor, &executor));
    executor->peak_bytes =
        memory->peak_bytes > executor->peak_bytes ? memory->peak_bytes : executor->peak_bytes;
    executor->spilled_bytes = memory->spilled_bytes;
    GROW(reading, memory_sample);
    log->memory_samples[log->memory_sample_count++] = *memory;
    return NULL;
}

BARKS_CHECKED static barks_status *on_setting(struct reading *reading,
                                              struct history_record *record)
{
    GROW(reading, setting);
    reading->log->settings[reading->log->setting_count++] = record->setting;
    record->setting = (struct history_setting){0};
    return NULL;
}

BARKS_CHECKED static barks_status *on_trouble(struct reading *reading,
                                              struct history_record *record)
{
    GROW(reading, trouble);
    reading->log->troubles[reading->log->trouble_count++] = record->trouble;
    record->trouble = (struct history_trouble){0};
    return NULL;
}

BARKS_CHECKED static barks_status *on_executor_lost(struct reading *reading,
                                                    struct history_record *record)
{
    GROW(reading, departure);
    reading->log->departures[reading->log->departure_count++] = record->executor_lost;
    record->executor_lost = (struct history_executor_lost){0};
    return NULL;
}

BARKS_CHECKED static barks_status *on_recovery(struct reading *reading,
                                               const struct history_recovery *recovery)
{
    void *items = reading->log->recoveries;
    BARKS_TRY(grow(&items, reading->log->recovery_count, &reading->recovery_capacity,
                   sizeof *reading->log->recoveries));
    reading->log->recoveries = items;
    reading->log->recoveries[reading->log->recovery_count++] = *recovery;
    return NULL;
}

BARKS_CHECKED static barks_status *on_excluded(struct reading *reading,
                                               struct history_record *record)
{
    GROW(reading, exclusion);
    reading->log->exclusions[reading->log->exclusion_count++] = record->excluded;
    record->excluded = (struct history_excluded){0};
    return NULL;
}

BARKS_CHECKED static barks_status *on_stage_skipped(struct reading *reading,
                                                    struct history_record *record)
{
    GROW(reading, skip);
    reading->log->skips[reading->log->skip_count++] = record->stage_skipped;
    record->stage_skipped = (struct history_stage_skipped){0};
    return NULL;
}

static uint64_t time_of(const struct history_record *record)
{
    switch (record->kind) {
    case KIND_ACTION_STARTED:
        return record->action_started.time_ns;
    case KIND_STAGE_STARTED:
        return record->stage_started.time_ns;
    case KIND_TASK_STARTED:
        return record->task_started.time_ns;
    case KIND_TASK_ENDED:
        return record->task_ended.time_ns;
    case KIND_STAGE_ENDED:
        return record->stage_ended.time_ns;
    case KIND_ACTION_ENDED:
        return record->action_ended.time_ns;
    case KIND_MEMORY:
        return record->memory.time_ns;
    case KIND_TROUBLE:
        return record->trouble.time_ns;
    case KIND_EXECUTOR_LOST:
        return record->executor_lost.time_ns;
    case KIND_RECOVERY:
        return record->recovery.time_ns;
    case KIND_BLOCK:
        return record->block.time_ns;
    case KIND_EXCLUDED:
        return record->excluded.time_ns;
    case KIND_STAGE_SKIPPED:
        return record->stage_skipped.time_ns;
    case KIND_JOB_ENDED:
        return record->job_ended.time_ns;
    case KIND_JOB:
    case KIND_SETTING:
    case KIND_EXECUTOR:
    case KIND_DROPPED:
        return 0;
    }
    return 0;
}

BARKS_CHECKED static barks_status *take_record(struct reading *reading,
                                               struct history_record *record)
{
    struct job_log *log = reading->log;
    uint64_t time_ns = time_of(record);
    log->end_ns = time_ns > log->end_ns && time_ns != TIME_OPEN ? time_ns : log->end_ns;
    switch (record->kind) {
    case KIND_JOB:
        if (log->job.magic != NULL)
            return NULL; /* a second one means nothing */
        log->job = record->job;
        record->job = (struct history_job){0};
        return NULL;
    case KIND_SETTING:
        return on_setting(reading, record);
    case KIND_EXECUTOR:
        return on_executor(reading, record);
    case KIND_ACTION_STARTED:
        return on_action_started(reading, record);
    case KIND_STAGE_STARTED:
        return on_stage_started(reading, record);
    case KIND_TASK_STARTED:
        return on_task_started(reading, &record->task_started);
    case KIND_TASK_ENDED:
        return on_task_ended(reading, record);
    case KIND_STAGE_ENDED:
        on_stage_ended(reading, &record->stage_ended);
        return NULL;
    case KIND_ACTION_ENDED:
        on_action_ended(reading, record);
        return NULL;
    case KIND_MEMORY:
        return on_memory(reading, &record->memory);
    case KIND_TROUBLE:
        return on_trouble(reading, record);
    case KIND_EXECUTOR_LOST:
        return on_executor_lost(reading, record);
    case KIND_RECOVERY:
        return on_recovery(reading, &record->recovery);
    case KIND_BLOCK: /* for listeners, and who reads the log himself */
        return NULL;
    case KIND_EXCLUDED:
        return on_excluded(reading, record);
    case KIND_STAGE_SKIPPED:
        return on_stage_skipped(reading, record);
    case KIND_DROPPED:
        log->dropped_count += record->dropped.record_count;
        return NULL;
    case KIND_JOB_ENDED:
        free_text(log->ended.output);
        log->ended = record->job_ended;
        log->has_ended = true;
        record->job_ended.output = NULL;
        return NULL;
    }
    return NULL;
}

/* ---- lanes ---- */

static int by_begin(const void *left, const void *right)
{
    const struct logged_attempt *a = left, *b = right;
    if (a->begin_ns != b->begin_ns)
        return a->begin_ns < b->begin_ns ? -1 : 1;
    return (a->executor > b->executor) - (a->executor < b->executor);
}

static int by_executor(const void *left, const void *right)
{
    const struct logged_attempt *a = *(struct logged_attempt *const *)left,
                                *b = *(struct logged_attempt *const *)right;
    if (a->executor != b->executor)
        return a->executor < b->executor ? -1 : 1;
    return (a > b) - (a < b); /* they lie by the time of their beginning */
}

/* Each attempt goes to the first lane of its executor that is free when it begins. */
BARKS_CHECKED static barks_status *choose_lanes(struct job_log *log)
{
    struct logged_attempt **sorted =
        calloc(log->attempt_count + 1, sizeof(struct logged_attempt *));
    uint64_t *lane_ends = calloc(LANES_MAX, sizeof *lane_ends);
    if (sorted == NULL || lane_ends == NULL) {
        free(sorted);
        free(lane_ends);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu64 " attempts", log->attempt_count);
    }
    if (log->attempt_count > 0)
        qsort(log->attempts, log->attempt_count, sizeof *log->attempts, by_begin);
    for (uint64_t i = 0; i < log->attempt_count; i++)
        sorted[i] = &log->attempts[i];
    qsort(sorted, log->attempt_count, sizeof(struct logged_attempt *), by_executor);
    for (uint64_t i = 0; i < log->attempt_count; i++) {
        struct logged_executor *executor = &log->executors[sorted[i]->executor - 1];
        uint32_t lane = 0;
        while (lane < executor->lane_count && lane_ends[lane] > sorted[i]->begin_ns)
            lane++;
        lane = lane < LANES_MAX ? lane : LANES_MAX - 1; /* no log of barks has so many */
        executor->lane_count = lane < executor->lane_count ? executor->lane_count : lane + 1;
        lane_ends[lane] = logged_attempt_end(log, sorted[i]);
        sorted[i]->lane = lane;
    }
    free(sorted);
    free(lane_ends);
    return NULL;
}

BARKS_CHECKED static barks_status *number_nodes(struct job_log *log)
{
    struct number_map nodes = {0};
    barks_status *status = NULL;
    for (uint64_t i = 0; i < log->executor_count && status == NULL; i++) {
        struct number_key key = {{log->executors[i].is.node}};
        if (number_map_find(&nodes, &key, &log->executors[i].node_index))
            continue;
        log->executors[i].node_index = log->node_count++;
        status = number_map_put(&nodes, &key, log->executors[i].node_index);
    }
    number_map_drop(&nodes);
    return status;
}

/* ---- reading ---- */

BARKS_CHECKED static barks_status *read_all(struct reading *reading, struct history_reader *in)
{
    for (;;) {
        struct history_record record;
        bool more = false;
        BARKS_TRY(history_next(in, &record, &more));
        if (!more)
            break;
        barks_status *status = take_record(reading, &record);
        history_record_drop(&record);
        if (status != NULL)
            return barks_status_new(barks_status_code(status), status, BARKS_HERE, "'%s'",
                                    in->path);
    }
    BARKS_TRY(number_nodes(reading->log));
    return choose_lanes(reading->log);
}

/* Takes the reader. */
BARKS_CHECKED static barks_status *read_from(struct history_reader *in, struct job_log *out_log)
{
    struct job_log log = {0};
    struct reading reading = {.log = &log};
    barks_status *status = read_all(&reading, in);
    number_map_drop(&reading.attempts);
    number_map_drop(&reading.stages);
    number_map_drop(&reading.actions);
    log.damaged_count = in->damaged_count;
    log.unknown_count = in->unknown_count;
    log.is_cut = in->is_cut;
    history_reader_drop(in);
    if (status != NULL) {
        job_log_drop(&log);
        return status;
    }
    if (log.has_ended && log.ended.dropped_count > log.dropped_count)
        log.dropped_count = log.ended.dropped_count;
    *out_log = log;
    return NULL;
}

barks_status *job_log_read(const char *path, struct job_log *out_log)
{
    struct history_reader reader;
    BARKS_TRY(history_open(path, &reader));
    return read_from(&reader, out_log);
}

barks_status *job_log_read_bytes(const char *name, const void *bytes, size_t size_bytes,
                                 struct job_log *out_log)
{
    struct history_reader reader;
    BARKS_TRY(history_open_bytes(name, bytes, size_bytes, &reader));
    return read_from(&reader, out_log);
}

void job_log_drop(struct job_log *log)
{
    struct history_record job = {.kind = KIND_JOB, .job = log->job};
    history_record_drop(&job);
    free_text(log->ended.output);
    for (uint64_t i = 0; i < log->setting_count; i++) {
        struct history_record record = {.kind = KIND_SETTING, .setting = log->settings[i]};
        history_record_drop(&record);
    }
    for (uint64_t i = 0; i < log->executor_count; i++)
        free_text(log->executors[i].is.host);
    for (uint64_t i = 0; i < log->action_count; i++) {
        struct history_record began = {.kind = KIND_ACTION_STARTED,
                                       .action_started = log->actions[i].began};
        history_record_drop(&began);
        free(log->actions[i].error);
    }
    for (uint64_t i = 0; i < log->stage_count; i++) {
        free_text(log->stages[i].began.reads);
        free_text(log->stages[i].began.output);
        free_text(log->stages[i].began.steps);
    }
    for (uint64_t i = 0; i < log->attempt_count; i++)
        free(log->attempts[i].error);
    for (uint64_t i = 0; i < log->trouble_count; i++)
        free_text(log->troubles[i].error);
    for (uint64_t i = 0; i < log->exclusion_count; i++)
        free_text(log->exclusions[i].error);
    for (uint64_t i = 0; i < log->skip_count; i++) {
        free_text(log->skips[i].steps);
        free_text(log->skips[i].reason);
    }
    for (uint64_t i = 0; i < log->departure_count; i++)
        free_text(log->departures[i].error);
    free(log->settings);
    free(log->executors);
    free(log->actions);
    free(log->stages);
    free(log->attempts);
    free(log->memory_samples);
    free(log->troubles);
    free(log->departures);
    free(log->exclusions);
    free(log->skips);
    free(log->recoveries);
    *log = (struct job_log){0};
}

/* ---- questions ---- */

uint64_t logged_attempt_end(const struct job_log *log, const struct logged_attempt *attempt)
{
    if (attempt->end_ns != TIME_OPEN)
        return attempt->end_ns;
    return log->end_ns > attempt->begin_ns ? log->end_ns : attempt->begin_ns;
}

uint64_t job_log_worker_count(const struct job_log *log)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < log->executor_count; i++)
        count += log->executors[i].is.worker_count;
    return count;
}

enum attempt_state logged_attempt_state(const struct logged_attempt *attempt)
{
    if (attempt->end_ns == TIME_OPEN)
        return ATTEMPT_OPEN;
    return attempt->exit_code == 0                ? ATTEMPT_DONE
           : attempt->exit_code == EXIT_CANCELLED ? ATTEMPT_CANCELLED
                                                  : ATTEMPT_FAILED;
}

const char *attempt_state_name(enum attempt_state state)
{
    switch (state) {
    case ATTEMPT_OPEN:
        return "no end";
    case ATTEMPT_DONE:
        return "done";
    case ATTEMPT_FAILED:
        return "failed";
    case ATTEMPT_CANCELLED:
        return "cancelled";
    }
    return "";
}

const char *job_log_outcome(const struct job_log *log)
{
    if (!log->has_ended)
        return "unfinished";
    return log->ended.exit_code == 0                  ? "done"
           : log->ended.exit_code == EXIT_CANCELLED   ? "cancelled"
           : log->ended.exit_code == EXIT_OUT_OF_TIME ? "out of time"
                                                      : "failed";
}
