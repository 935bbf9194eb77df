#include "runtime/custom_write.h"

#include "base/clock.h"
#include "base/copy.h"
#include "exec/pipeline.h"
#include "exec/sink_caller.h"
#include "runtime/action.h"
#include "runtime/driver.h"
#include "runtime/quarantines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

BARKS_CHECKED static barks_status *call_sink(struct sink_part *sink, int phase)
{
    barks_call call = {0};
    return sink_part_call(sink, phase, &call);
}

static void abort_sink(struct sink_part *sink)
{
    barks_call call = {0};
    sink_part_abort(sink, BARKS_ABORT_JOB, &call);
    memset(sink->state, 0, sink->sink->state_size);
}

/* A try of the job is given up for another one. */
static barks_status *begin_again(void *self)
{
    struct sink_part *sink = self;
    abort_sink(sink);
    return call_sink(sink, BARKS_BEGIN_JOB);
}

BARKS_CHECKED static barks_status *fill_terminal(const struct sink_part *sink,
                                                 struct terminal *terminal)
{
    struct step *step = &terminal->step;
    *terminal = (struct terminal){.kind = TERMINAL_SINK,
                                  .step = {.kind = STEP_FUNCTION, .function = sink->sink}};
    if (sink->sink->env_size > 0)
        BARKS_TRY(copy_bytes(sink->env, sink->sink->env_size, &step->env));
    step->texts = calloc(1, sizeof *step->texts);
    if (step->texts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the name of a job");
    step->text_count = 1;
    return copy_text(sink->job_name, &step->texts[0]);
}

static int by_partition(const void *left, const void *right)
{
    uint32_t a = ((const struct barks_part *)left)->partition,
             b = ((const struct barks_part *)right)->partition;
    return (a > b) - (a < b);
}

/* The parts of the attempts that count, by partition. */
BARKS_CHECKED static barks_status *parts_of(const struct job *job, struct barks_part **out_parts,
                                            uint32_t *out_count)
{
    size_t most = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < job->result_count; i++)
        most += job->results[i].size_bytes / sizeof(struct sink_committed);
    struct barks_part *parts = calloc(most + 1, sizeof *parts);
    if (parts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu parts", most);
    for (uint32_t i = 0; i < job->result_count; i++) {
        struct sink_committed part = {0};
        for (size_t at = 0; at + sizeof part <= job->results[i].size_bytes; at += sizeof part) {
            memcpy(&part, job->results[i].data + at, sizeof part);
            parts[count++] = (struct barks_part){
                .partition = part.partition, .attempt = part.attempt, .row_count = part.row_count};
        }
    }
    qsort(parts, count, sizeof *parts, by_partition);
    *out_parts = parts;
    *out_count = count;
    return NULL;
}

BARKS_CHECKED static barks_status *commit_parts(struct sink_part *sink, const struct job *job)
{
    struct barks_part *parts = NULL;
    BARKS_TRY(parts_of(job, &parts, &sink->committed_count));
    sink->committed = parts;
    for (uint32_t i = 0; i < sink->committed_count; i++)
        sink->row_count += parts[i].row_count;
    barks_status *status = call_sink(sink, BARKS_COMMIT_JOB);
    sink->committed = NULL;
    sink->committed_count = 0;
    sink->row_count = 0;
    free(parts);
    return status;
}

BARKS_CHECKED static barks_status *run_into(barks_context *context, struct node *node,
                                            struct sink_part *sink, const char *what)
{
    struct job job = {0};
    struct terminal terminal = {0};
    struct action_again again = {.begin = begin_again, .self = sink};
    barks_status *status = fill_terminal(sink, &terminal);
    if (status == NULL)
        status = call_sink(sink, BARKS_BEGIN_JOB);
    if (status == NULL)
        status = action_run_hidden(context, node, &terminal, &again, what, &job);
    if (status == NULL)
        status = commit_parts(sink, &job);
    status = quarantines_end(&job, status);
    terminal_drop(&terminal);
    job_drop(&job);
    if (status != NULL)
        abort_sink(sink);
    return status;
}

barks_status *action_write_custom(barks_context *context, struct node *node,
                                  const barks_function *sink, const void *env, const char *what)
{
    char job_name[64];
    struct sink_part part = {0};
    BARKS_TRY(node_error(node));
    snprintf(job_name, sizeof job_name, "%ld-%" PRIx64, (long)getpid(), wall_ns());
    BARKS_TRY(sink_part_begin(&part, sink, env, job_name));
    barks_status *status = run_into(context, node, &part, what);
    sink_part_drop(&part);
    return status;
}
