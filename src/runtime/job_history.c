#include "runtime/job_history.h"

#include "barks/context.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/setting.h"
#include "history/history_tap.h"
#include "history/history_writer.h"
#include "runtime/dispatch_state.h"
#include "runtime/live_progress.h"
#include "store/kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_EVERY_NS NS_PER_S
enum {
    TAPS_MAX = 64,
    ERROR_BYTES = 2000, /* of a cause and those behind it; more is cut */
    STEPS_BYTES = 500,  /* of the steps of a stage; likewise */
};

struct job_history {
    struct history_writer *writer; /* owned; NULL: no event log */
    struct lock lock;              /* of who adds taps */
    /* Written by who adds one, after the tap itself (release); read by the driver's thread
     * (acquire). */
    _Atomic uint32_t tap_count;
    struct history_tap *taps[TAPS_MAX]; /* owned */
    const struct members *members;      /* borrowed */
    uint64_t start_ns;
    uint64_t *memory_ns; /* owned: for each executor, when its memory was last written */
};

static uint64_t time_of(const struct job_history *history)
{
    return monotonic_ns() - history->start_ns;
}

static uint32_t tap_count(const struct job_history *history)
{
    return atomic_load_explicit(&history->tap_count, memory_order_acquire);
}

/* Somebody hears of it. */
static bool is_wanted(const struct job_history *history)
{
    return history != NULL && (history->writer != NULL || tap_count(history) > 0);
}

static void note(struct job_history *history, const struct history_record *record)
{
    history_write(history->writer, record);
    for (uint32_t i = 0; i < tap_count(history); i++)
        history_tap_put(history->taps[i], record);
}

/* ---- the beginning ---- */

static struct history_record executor_record(const struct members *members, uint32_t index)
{
    const struct hello *hello = &members->all[index].hello;
    const struct welcome *welcome = &members->all[index].welcome;
    return (struct history_record){.kind = KIND_EXECUTOR,
                                   .executor = {.executor = index + 1,
                                                .host = hello->host,
                                                .pid = hello->pid,
                                                .node = hello->node_id,
                                                .core_count = hello->core_count,
                                                .worker_count = welcome->worker_count,
                                                .memory_bytes = welcome->memory_bytes}};
}

static void write_beginning(struct job_history *history, const struct config *config,
                            const struct members *members, uint64_t wall)
{
    struct history_record job = {.kind = KIND_JOB,
                                 .job = {.magic = HISTORY_MAGIC,
                                         .format = HISTORY_FORMAT,
                                         .version = members->driver.version,
                                         .name = program_invocation_short_name,
                                         .start_wall_ns = wall,
                                         .pid = (uint64_t)getpid(),
                                         .host = members->driver.host,
                                         .binary_hash = members->driver.binary_hash,
                                         .slurm_job = getenv("SLURM_JOB_ID")}};
    note(history, &job);
    for (int key = 0; key < CONFIG_COUNT; key++) {
        struct history_record setting = {.kind = KIND_SETTING,
                                         .setting = {.key = settings[key].key,
                                                     .value = config->values[key].text,
                                                     .origin = config->values[key].origin}};
        note(history, &setting);
    }
    for (uint32_t i = 0; i < members->count; i++) {
        struct history_record executor = executor_record(members, i);
        if (!member_is_spare(&members->all[i]))
            note(history, &executor);
    }
}

barks_status *job_history_open(const struct config *config, const struct members *members,
                               struct job_history **out_history)
{
    const char *directory = config_string(config, CONFIG_EVENT_LOG);
    uint64_t wall = wall_ns();
    *out_history = NULL;
    struct job_history *history = calloc(1, sizeof *history);
    uint64_t *memory_ns = calloc((size_t)members->count + 1, sizeof *memory_ns);
    barks_status *status = NULL;
    if (history == NULL || memory_ns == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for events");
    else if (strcmp(directory, "none") != 0)
        status =
            history_writer_open(directory, program_invocation_short_name, wall, &history->writer);
    if (status != NULL) {
        free(memory_ns);
        free(history);
        return status;
    }
    history->memory_ns = memory_ns;
    history->members = members;
    history->start_ns = monotonic_ns();
    lock_init(&history->lock, LOCK_SCHEDULER, "listeners");
    if (history->writer != NULL)
        write_beginning(history, config, members, wall);
    *out_history = history;
    return NULL;
}

barks_status *job_history_add_tap(struct job_history *history, struct history_tap *tap)
{
    struct history_record none = {.kind = KIND_JOB_ENDED};
    uint64_t dropped_count = 0;
    for (uint32_t i = 0; i < history->members->count; i++) {
        struct history_record executor = executor_record(history->members, i);
        history_tap_put(tap, &executor);
    }
    lock_acquire(&history->lock);
    uint32_t count = tap_count(history);
    bool fits = count < TAPS_MAX;
    if (fits) {
        history->taps[count] = tap;
        atomic_store_explicit(&history->tap_count, count + 1, memory_order_release);
    }
    lock_release(&history->lock);
    if (fits)
        return NULL;
    /* It has heard nothing yet. */
    (void)history_tap_close(tap, &none, HISTORY_CLOSE_NS, &dropped_count);
    BARKS_FAIL(BARKS_LIMIT, "more than %d listeners", TAPS_MAX);
}

/* ---- what happens ---- */

static uint64_t code_of(const barks_status *status) { return (uint64_t)barks_exit_code(status); }

/* NULL for success. */
static const char *words_of(const barks_status *status, char out[ERROR_BYTES])
{
    if (status == NULL)
        return NULL;
    (void)barks_status_format(status, out, ERROR_BYTES); /* cut where it is long */
    return out;
}

static const char *text_or_null(const char *text) { return text[0] != '\0' ? text : NULL; }

void job_history_action_started(struct job_history *history, const struct job *job,
                                const char *pool)
{
    if (!is_wanted(history))
        return;
    struct history_record record = {
        .kind = KIND_ACTION_STARTED,
        .action_started = {.time_ns = time_of(history),
                           .action = job->id,
                           .what = job->what,
                           .stage_count = job->plan.stage_count,
                           .pool = pool,
                           .priority = (uint64_t)job->labels.priority,
                           .group = text_or_null(job->labels.group),
                           .description = text_or_null(job->labels.description),
                           .tags = text_or_null(job->labels.tags)}};
    note(history, &record);
}

void job_history_action_ended(struct job_history *history, const struct job *job)
{
    char words[ERROR_BYTES];
    if (!is_wanted(history))
        return;
    struct history_record record = {.kind = KIND_ACTION_ENDED,
                                    .action_ended = {.time_ns = time_of(history),
                                                     .action = job->id,
                                                     .exit_code = code_of(job->status),
                                                     .error = words_of(job->status, words)}};
    note(history, &record);
}

static const char *name_of_output(enum terminal_kind kind)
{
    switch (kind) {
    case TERMINAL_SHUFFLE:
        return "shuffle";
    case TERMINAL_COLLECT:
        return "collect";
    case TERMINAL_TOP:
        return "top";
    case TERMINAL_COUNT:
        return "count";
    case TERMINAL_FOLD:
        return "fold";
    case TERMINAL_FOREACH:
        return "foreach";
    case TERMINAL_SAMPLE:
        return "sample";
    case TERMINAL_WRITE:
        return "files";
    case TERMINAL_SINK:
        return "sink";
    case TERMINAL_PARTIAL:
        return "partial";
    }
    return NULL;
}

/* "files, flat_map split_words": what a stage computes, cut where it is long. */
static void describe_steps(const struct pipeline *pipeline, char out[STEPS_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < pipeline->node_count && used + 1 < STEPS_BYTES; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        const barks_function *function = node->step.function;
        int more = snprintf(out + used, STEPS_BYTES - used, "%s%s%s%s", i > 0 ? ", " : "",
                            pipe_node_name(node), function != NULL ? " " : "",
                            function != NULL ? function->name : "");
        used += more > 0 ? (size_t)more : 0;
    }
}

void job_history_stage_started(struct job_history *history, const struct job *job, uint32_t stage)
{
    if (!is_wanted(history))
        return;
    char steps[STEPS_BYTES];
    const struct stage_plan *plan = &job->plan.stages[stage];
    describe_steps(plan->pipeline, steps);
    const struct terminal *terminal = &plan->pipeline->terminal;
    struct history_record record = {
        .kind = KIND_STAGE_STARTED,
        .stage_started = {.time_ns = time_of(history),
                          .action = job->id,
                          .stage = stage,
                          .reads = stage_reads_files(plan)      ? "files"
                                   : stage_reads_shuffles(plan) ? "shuffles"
                                                                : "rows",
                          .output = name_of_output(terminal->kind),
                          .partition_count = pipeline_partition_count(plan->pipeline),
                          .output_partition_count = terminal->partition_count,
                          .bytes_total = job->stages[stage].bytes_total,
                          .steps = steps}};
    note(history, &record);
}

void job_history_stage_skipped(struct job_history *history, const struct job *job, uint32_t stage,
                               const char *reason)
{
    char steps[STEPS_BYTES];
    bool is_there = stage != SCHEDULER_ANY;
    if (!is_wanted(history))
        return;
    if (is_there)
        describe_steps(job->plan.stages[stage].pipeline, steps);
    struct history_record record = {.kind = KIND_STAGE_SKIPPED,
                                    .stage_skipped = {.time_ns = time_of(history),
                                                      .action = job->id,
                                                      .stage = stage,
                                                      .steps = is_there ? steps : NULL,
                                                      .reason = reason}};
    note(history, &record);
}

void job_history_stage_ended(struct job_history *history, const struct job *job, uint32_t stage,
                             uint32_t task_count, uint64_t spilled_bytes)
{
    if (!is_wanted(history))
        return;
    struct history_record record = {.kind = KIND_STAGE_ENDED,
                                    .stage_ended = {.time_ns = time_of(history),
                                                    .action = job->id,
                                                    .stage = stage,
                                                    .task_count = task_count,
                                                    .rows = job->stages[stage].rows,
                                                    .bytes = job->stages[stage].bytes,
                                                    .spilled_bytes = spilled_bytes}};
    note(history, &record);
}

void job_history_task_started(struct job_history *history, const struct decision *start)
{
    const struct attempt_id *id = &start->start_task.id;
    uint32_t lender = start->start_task.lender;
    if (!is_wanted(history))
        return;
    struct history_record record = {
        .kind = KIND_TASK_STARTED,
        .task_started = {.time_ns = time_of(history),
                         .action = id->job,
                         .stage = id->stage,
                         .task = id->task,
                         .attempt = id->attempt,
                         .executor = id->executor,
                         .first_partition = start->start_task.first_partition,
                         .end_partition = start->start_task.end_partition,
                         .lender = lender != SCHEDULER_ANY ? lender : 0}};
    note(history, &record);
}

static struct history_record task_ended(const struct job_history *history,
                                        const struct attempt_id *id)
{
    return (struct history_record){.kind = KIND_TASK_ENDED,
                                   .task_ended = {.time_ns = time_of(history),
                                                  .action = id->job,
                                                  .stage = id->stage,
                                                  .task = id->task,
                                                  .attempt = id->attempt,
                                                  .executor = id->executor}};
}

void job_history_task_done(struct job_history *history, const struct attempt_report *report,
                           uint64_t rows_sent)
{
    if (!is_wanted(history))
        return;
    struct history_record record = task_ended(history, &report->id);
    record.task_ended.rows_read = report->counters.rows_read;
    record.task_ended.bytes_read = report->counters.bytes_read;
    record.task_ended.rows_written = report->counters.rows_written;
    record.task_ended.bytes_written = report->counters.bytes_written;
    record.task_ended.result_bytes = report->result_bytes;
    record.task_ended.rows_filtered = report->counters.rows_filtered;
    record.task_ended.rows_sent = rows_sent;
    record.task_ended.bytes_sent = report->bytes_sent;
    note(history, &record);
}

void job_history_task_failed(struct job_history *history, const struct attempt_id *id,
                             const barks_status *error)
{
    char words[ERROR_BYTES];
    if (!is_wanted(history))
        return;
    struct history_record record = task_ended(history, id);
    record.task_ended.exit_code = code_of(error);
    record.task_ended.error = words_of(error, words);
    note(history, &record);
}

void job_history_excluded(struct job_history *history, const struct decision *excluded)
{
    bool is_of_action = excluded->executor_excluded.stage == SCHEDULER_ANY;
    if (!is_wanted(history))
        return;
    struct history_record record = {
        .kind = KIND_EXCLUDED,
        .excluded = {.time_ns = time_of(history),
                     .executor = excluded->executor_excluded.executor,
                     .action = excluded->executor_excluded.job,
                     .stage = is_of_action ? 0 : excluded->executor_excluded.stage,
                     .whole_action = is_of_action,
                     .until_ns = excluded->executor_excluded.until_ns - history->start_ns,
                     .error = excluded->executor_excluded.is_for_node
                                  ? "tasks keep failing on other executors of its node"
                                  : "tasks keep failing on it"}};
    note(history, &record);
}

void job_history_block(struct job_history *history, uint32_t executor,
                       const struct kept_change *change)
{
    if (!is_wanted(history))
        return;
    struct history_record record = {.kind = KIND_BLOCK,
                                    .block = {.time_ns = time_of(history),
                                              .executor = executor,
                                              .dataset = change->name.dataset,
                                              .partition = change->name.partition,
                                              .is_kept = change->is_kept,
                                              .row_count = change->row_count,
                                              .memory_bytes = change->memory_bytes,
                                              .disk_bytes = change->disk_bytes}};
    note(history, &record);
}

static void write_memory(struct job_history *history, uint32_t executor)
{
    const struct member *member = &history->members->all[executor - 1];
    if (member_is_spare(member))
        return; /* of which nobody has heard */
    struct history_record record = {
        .kind = KIND_MEMORY,
        .memory = {.time_ns = time_of(history),
                   .executor = executor,
                   .used_bytes = member->used_bytes,
                   .peak_bytes = atomic_load_explicit(&member->peak_bytes, memory_order_relaxed),
                   .spilled_bytes =
                       atomic_load_explicit(&member->spilled_bytes, memory_order_relaxed)}};
    note(history, &record);
}

void job_history_memory(struct job_history *history, uint32_t executor)
{
    if (!is_wanted(history))
        return;
    uint64_t now_ns = monotonic_ns();
    if (now_ns - history->memory_ns[executor - 1] < MEMORY_EVERY_NS)
        return;
    history->memory_ns[executor - 1] = now_ns;
    write_memory(history, executor);
}

void job_history_executor_joined(struct job_history *history, uint32_t executor)
{
    if (history == NULL)
        return;
    struct history_record record = executor_record(history->members, executor - 1);
    note(history, &record);
}

void job_history_executor_lost(struct job_history *history, uint32_t executor, const char *why)
{
    if (history == NULL)
        return;
    struct history_record record = {
        .kind = KIND_EXECUTOR_LOST,
        .executor_lost = {.time_ns = time_of(history), .executor = executor, .error = why}};
    note(history, &record);
}

void job_history_recovered(struct job_history *history, const struct recovery *recovery,
                           uint64_t took_ns)
{
    if (history == NULL)
        return;
    struct history_record record = {
        .kind = KIND_RECOVERY,
        .recovery = {.time_ns = time_of(history),
                     .lost_count = recovery->lost_count - recovery->lost_before,
                     .took_ns = took_ns,
                     .task_count = recovery->again_count,
                     .sent_bytes = recovery->resent_bytes}};
    note(history, &record);
}

void job_history_trouble(struct job_history *history, const barks_status *error)
{
    char words[ERROR_BYTES];
    if (!is_wanted(history))
        return;
    struct history_record record = {.kind = KIND_TROUBLE,
                                    .trouble = {.time_ns = time_of(history),
                                                .exit_code = code_of(error),
                                                .error = words_of(error, words)}};
    note(history, &record);
}

/* ---- the end ---- */

static void say_end(const struct history_end *end, struct progress *progress)
{
    if (end->dropped_count == 0)
        progress_say(progress, "event log: %s", end->path);
    else
        progress_say(progress, "event log: %s; it lacks %" PRIu64 " records: its disk was too slow",
                     end->path, end->dropped_count);
}

static void close_log(struct job_history *history, struct history_record *last,
                      struct progress *progress)
{
    struct history_end end;
    if (history->writer == NULL)
        return;
    barks_status *status = history_writer_close(history->writer, last, HISTORY_CLOSE_NS, &end);
    if (status != NULL) /* the job itself is none the worse for it */
        log_status(LEVEL_WARN, "runtime", status);
    else
        say_end(&end, progress);
    barks_status_free(status);
}

/* All together are given as long as the log. */
static void close_taps(struct job_history *history, struct history_record *last,
                       struct progress *progress)
{
    uint64_t deadline_ns = monotonic_ns() + HISTORY_CLOSE_NS;
    for (uint32_t i = 0; i < tap_count(history); i++) {
        uint64_t dropped_count = 0, now_ns = monotonic_ns();
        uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
        if (!history_tap_close(history->taps[i], last, left_ns, &dropped_count))
            LOG(LEVEL_WARN, "runtime",
                "listener %" PRIu32 " of %" PRIu32 " has not heard all in %.1f s and is left "
                "to itself",
                i + 1, tap_count(history), (double)HISTORY_CLOSE_NS * 1e-9);
        if (dropped_count > 0)
            progress_say(progress,
                         "listener %" PRIu32 " of %" PRIu32 " lost %" PRIu64
                         " events: they came faster than it took them",
                         i + 1, tap_count(history), dropped_count);
    }
}

/* The last words, to who listens. */
static void tell_end(struct job_history *history, int exit_code, const struct driver_totals *totals,
                     const char *output, struct progress *progress)
{
    struct history_record last = {.kind = KIND_JOB_ENDED,
                                  .job_ended = {.time_ns = time_of(history),
                                                .exit_code = (uint64_t)exit_code,
                                                .stage_count = totals->stage_count,
                                                .task_count = totals->task_count,
                                                .rows_read = totals->rows_read,
                                                .bytes_read = totals->bytes_read,
                                                .bytes_shuffled = totals->bytes_shuffled,
                                                .rows_written = totals->rows_written,
                                                .bytes_written = totals->bytes_written,
                                                .peak_bytes = totals->peak_bytes,
                                                .spilled_bytes = totals->spilled_bytes,
                                                .hot_key_count = totals->hot_key_count,
                                                .rows_filtered = totals->rows_filtered,
                                                .skipped_count = totals->skipped_count,
                                                .output = output}};
    for (uint32_t executor = 1; executor <= history->members->count; executor++)
        write_memory(history, executor);
    close_taps(history, &last, progress);
    close_log(history, &last, progress);
}

void job_history_close(struct job_history *history, int exit_code,
                       const struct driver_totals *totals, const char *output,
                       struct progress *progress)
{
    if (history == NULL)
        return;
    if (is_wanted(history))
        tell_end(history, exit_code, totals, output, progress);
    lock_drop(&history->lock);
    free(history->memory_ns);
    free(history);
}
