/* Writes a part file for each partition. */
#include "exec/operator.h"
#include "io/commit.h"
#include "io/part_file.h"
#include "io/sink.h"

#include <stdlib.h>
#include <string.h>

struct write_terminal {
    struct operator base;
    const struct terminal *plan;
    const barks_schema *schema;
    struct part_file part;
    struct sink *sink; /* NULL between partitions */
};

static void write_destroy(struct operator* self)
{
    struct write_terminal *op = (struct write_terminal *)self;
    sink_destroy(op->sink);
    part_file_drop(&op->part);
    free(op);
}

static barks_status *write_begin(struct operator* self, uint32_t partition)
{
    struct write_terminal *op = (struct write_terminal *)self;
    const struct task *task = self->task;
    const struct part_attempt attempt = {.job = task->spec->job,
                                         .attempt = task->spec->attempt,
                                         .executor = task->services->executor};
    BARKS_TRY(
        part_file_open(&op->part, op->plan->commit, task->services->pool, partition, &attempt));
    return op->plan->format->create(&op->part.writer, op->schema, &op->sink);
}

static barks_status *write_push(struct operator* self, struct batch *batch)
{
    return sink_write(((struct write_terminal *)self)->sink, &batch->base);
}

/* The result of such a task is the commit_part of each partition, one after another. */
static barks_status *write_end(struct operator* self)
{
    struct write_terminal *op = (struct write_terminal *)self;
    struct commit_part done = {0};
    uint64_t row_count = op->sink->row_count;
    barks_status *status = sink_finish(op->sink);
    sink_destroy(op->sink);
    op->sink = NULL;
    BARKS_TRY(status);
    BARKS_TRY(part_file_end(&op->part, row_count, &done));
    self->task->result->counters.rows_written += row_count;
    self->task->result->counters.bytes_written += done.file_bytes;
    return buffer_append(&self->task->result->bytes, &done, sizeof done);
}

static const struct operator_kind write_kind = {
    .name = "write",
    .begin_partition = write_begin,
    .push = write_push,
    .end_partition = write_end,
    .destroy = write_destroy,
};

barks_status *write_terminal_create(struct task *task, const barks_record *record,
                                    struct operator** out_operator)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    if (plan->format == NULL || plan->commit == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan writes without saying what and where");
    struct write_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &write_kind, .task = task};
    op->plan = plan;
    op->schema = &record->schema;
    *out_operator = &op->base;
    return NULL;
}
