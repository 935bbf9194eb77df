/* barks trace: the trace-event format (a JSON object of traceEvents), as Perfetto and
 * chrome://tracing read it. A process is an executor, 0 the driver; a thread is a lane of attempts;
 * times are microseconds. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/job_log.h"
#include "cli/text_out.h"

#include <inttypes.h>

static void write_time(FILE *out, const char *name, uint64_t time_ns)
{
    fprintf(out, ",\"%s\":%" PRIu64 ".%03" PRIu64, name, time_ns / NS_PER_US, time_ns % NS_PER_US);
}

static void name_process(FILE *out, uint64_t process, const char *name, const char *host)
{
    fprintf(out,
            ",\n{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%" PRIu64
            ",\"args\":{\"sort_index\":%" PRIu64 "}}"
            ",\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%" PRIu64 ",\"args\":{\"name\":",
            process, process, process);
    json_write(out, name);
    if (host != NULL) {
        fputs(",\"host\":", out);
        json_write(out, host);
    }
    fputs("}}", out);
}

static void name_processes(FILE *out, const struct job_log *log)
{
    char name[400];
    name_process(out, 0, "driver", log->job.host);
    for (uint64_t i = 0; i < log->executor_count; i++) {
        const char *host = log->executors[i].is.host;
        snprintf(name, sizeof name, "executor %" PRIu64 " (%s)", i + 1,
                 host != NULL ? host : "unknown");
        name_process(out, i + 1, name, host);
        for (uint32_t lane = 0; lane < log->executors[i].lane_count; lane++)
            fprintf(out,
                    ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%" PRIu64 ",\"tid\":%" PRIu32
                    ",\"args\":{\"name\":\"tasks %" PRIu32 "\"}}",
                    i + 1, lane + 1, lane + 1);
    }
}

/* What lies beside others of its kind: an asynchronous pair. */
static void write_span(FILE *out, const char *kind, uint64_t id, const char *name,
                       uint64_t begin_ns, uint64_t end_ns)
{
    for (int is_end = 0; is_end < 2; is_end++) {
        fprintf(out,
                ",\n{\"ph\":\"%s\",\"cat\":\"%s\",\"id\":\"%s %" PRIu64
                "\",\"pid\":0,\"tid\":0,\"name\":",
                is_end ? "e" : "b", kind, kind, id);
        json_write(out, name);
        write_time(out, "ts", is_end ? end_ns : begin_ns);
        fputc('}', out);
    }
}

static uint64_t end_or_last(const struct job_log *log, uint64_t begin_ns, uint64_t end_ns)
{
    if (end_ns == TIME_OPEN)
        end_ns = log->end_ns;
    return end_ns > begin_ns ? end_ns : begin_ns;
}

static void write_spans(FILE *out, const struct job_log *log)
{
    char name[400];
    for (uint64_t i = 0; i < log->action_count; i++) {
        const struct logged_action *action = &log->actions[i];
        uint64_t begin_ns = action->began.time_ns;
        write_span(out, "action", i, action->began.what != NULL ? action->began.what : "action",
                   begin_ns, end_or_last(log, begin_ns, action->end_ns));
    }
    for (uint64_t i = 0; i < log->stage_count; i++) {
        const struct logged_stage *stage = &log->stages[i];
        uint64_t begin_ns = stage->began.time_ns;
        snprintf(name, sizeof name, "stage %" PRIu64 ".%" PRIu64 ": %s to %s", stage->began.action,
                 stage->began.stage + 1, stage->began.reads != NULL ? stage->began.reads : "",
                 stage->began.output != NULL ? stage->began.output : "");
        write_span(out, "stage", i, name, begin_ns, end_or_last(log, begin_ns, stage->end_ns));
    }
}

static void write_attempt(FILE *out, const struct job_log *log,
                          const struct logged_attempt *attempt)
{
    uint64_t end_ns = logged_attempt_end(log, attempt);
    enum attempt_state state = logged_attempt_state(attempt);
    fprintf(out,
            ",\n{\"ph\":\"X\",\"cat\":\"task\",\"name\":\"stage %" PRIu64 ".%" PRIu64
            "\",\"pid\":%" PRIu64 ",\"tid\":%" PRIu32,
            attempt->action, attempt->stage + 1, attempt->executor, attempt->lane + 1);
    write_time(out, "ts", attempt->begin_ns);
    write_time(out, "dur", end_ns - attempt->begin_ns);
    if (state == ATTEMPT_FAILED)
        fputs(",\"cname\":\"terrible\"", out);
    fprintf(out,
            ",\"args\":{\"action\":%" PRIu64 ",\"stage\":%" PRIu64 ",\"task\":%" PRIu64
            ",\"attempt\":%" PRIu64 ",\"partitions\":\"%" PRIu64 "..%" PRIu64
            "\",\"rows_read\":%" PRIu64 ",\"bytes_read\":%" PRIu64 ",\"rows_written\":%" PRIu64
            ",\"bytes_written\":%" PRIu64 ",\"rows_sent\":%" PRIu64 ",\"bytes_sent\":%" PRIu64
            ",\"state\":\"%s\"",
            attempt->action, attempt->stage + 1, attempt->task, attempt->attempt,
            attempt->first_partition, attempt->end_partition, attempt->rows_read,
            attempt->bytes_read, attempt->rows_written, attempt->bytes_written, attempt->rows_sent,
            attempt->bytes_sent, attempt_state_name(state));
    if (attempt->error != NULL) {
        fputs(",\"error\":", out);
        json_write(out, attempt->error);
    }
    fputs("}}", out);
}

static void write_memory(FILE *out, const struct history_memory *memory)
{
    fprintf(out, ",\n{\"ph\":\"C\",\"name\":\"memory\",\"pid\":%" PRIu64, memory->executor);
    write_time(out, "ts", memory->time_ns);
    fprintf(out, ",\"args\":{\"used\":%" PRIu64 "}}", memory->used_bytes);
    fprintf(out, ",\n{\"ph\":\"C\",\"name\":\"spilled\",\"pid\":%" PRIu64, memory->executor);
    write_time(out, "ts", memory->time_ns);
    fprintf(out, ",\"args\":{\"bytes\":%" PRIu64 "}}", memory->spilled_bytes);
}

static void write_trouble(FILE *out, const struct history_trouble *trouble)
{
    fputs(",\n{\"ph\":\"i\",\"s\":\"g\",\"cat\":\"trouble\",\"pid\":0,\"tid\":0,\"name\":", out);
    json_write(out, trouble->error != NULL ? trouble->error : "trouble");
    write_time(out, "ts", trouble->time_ns);
    fputc('}', out);
}

static void write_loss(FILE *out, const struct history_executor_lost *lost)
{
    fprintf(out,
            ",\n{\"ph\":\"i\",\"s\":\"p\",\"cat\":\"loss\",\"pid\":%" PRIu64 ",\"tid\":0,\"name\":",
            lost->executor);
    json_write(out, lost->error != NULL ? lost->error : "lost");
    write_time(out, "ts", lost->time_ns);
    fputc('}', out);
}

void trace_write(FILE *out, const struct job_log *log)
{
    fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"job\":", out);
    json_write(out, log->job.name);
    fputs(",\"host\":", out);
    json_write(out, log->job.host);
    fprintf(out,
            ",\"outcome\":\"%s\",\"dropped\":%" PRIu64 "},\n\"traceEvents\":[\n"
            "{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":0,\"tid\":0,\"args\":{\"name\":"
            "\"actions and stages\"}}",
            job_log_outcome(log), log->dropped_count);
    name_processes(out, log);
    write_spans(out, log);
    for (uint64_t i = 0; i < log->attempt_count; i++)
        write_attempt(out, log, &log->attempts[i]);
    for (uint64_t i = 0; i < log->memory_sample_count; i++)
        write_memory(out, &log->memory_samples[i]);
    for (uint64_t i = 0; i < log->trouble_count; i++)
        write_trouble(out, &log->troubles[i]);
    for (uint64_t i = 0; i < log->departure_count; i++)
        write_loss(out, &log->departures[i]);
    fputs("\n]}\n", out);
}
