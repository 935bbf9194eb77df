/* Writes each partition into a sink of the job's own. */
#include "batch/row_window.h"
#include "exec/operator.h"
#include "exec/sink_caller.h"

#include <stdlib.h>

struct sink_terminal {
    struct operator base;
    const struct terminal *plan;
    struct row_window window;
    struct sink_part *parts; /* of the attempt, opened so far; owned */
    uint32_t part_count, part_capacity;
    bool is_committed; /* all of them */
};

static barks_status *call_part(struct sink_terminal *op, uint32_t index, int phase)
{
    barks_call call = {.task = &op->base.task->info};
    return sink_part_call(&op->parts[index], phase, &call);
}

/* Whatever has not been committed with all others of the attempt is undone. */
static void sink_terminal_destroy(struct operator* self)
{
    struct sink_terminal *op = (struct sink_terminal *)self;
    for (uint32_t i = 0; i < op->part_count; i++) {
        barks_call call = {.task = &self->task->info};
        if (!op->is_committed)
            sink_part_abort(&op->parts[i], BARKS_ABORT, &call);
        sink_part_drop(&op->parts[i]);
    }
    free(op->parts);
    row_window_drop(&op->window);
    free(op);
}

BARKS_CHECKED static barks_status *add_part(struct sink_terminal *op, uint32_t partition)
{
    if (op->part_count == op->part_capacity) {
        uint32_t capacity = 2 * op->part_capacity + 8;
        struct sink_part *parts = realloc(op->parts, capacity * sizeof *parts);
        if (parts == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u parts", capacity);
        op->parts = parts;
        op->part_capacity = capacity;
    }
    struct sink_part *part = &op->parts[op->part_count];
    BARKS_TRY(sink_part_begin(part, op->plan->step.function, op->plan->step.env,
                              op->plan->step.texts[0]));
    part->partition = partition;
    part->attempt = op->base.task->spec->attempt;
    op->part_count++;
    return NULL;
}

static barks_status *sink_terminal_begin(struct operator* self, uint32_t partition)
{
    struct sink_terminal *op = (struct sink_terminal *)self;
    BARKS_TRY(add_part(op, partition));
    return call_part(op, op->part_count - 1, BARKS_OPEN);
}

static barks_status *sink_terminal_push(struct operator* self, struct batch *batch)
{
    struct sink_terminal *op = (struct sink_terminal *)self;
    struct sink_part *part = &op->parts[op->part_count - 1];
    uint32_t row_count = batch->base.row_count;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        BARKS_TRY(task_check_cancelled(self->task));
        row_window_show(&op->window, &batch->base, first);
        barks_call call = {.columns = op->window.bound,
                           .row_count =
                               row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS,
                           .task = &self->task->info};
        BARKS_TRY_DOING(sink_part_call(part, BARKS_BATCH, &call), "at %s", task_place(self->task));
        part->row_count += call.row_count;
    }
    return NULL;
}

static barks_status *sink_terminal_end(struct operator* self)
{
    struct sink_terminal *op = (struct sink_terminal *)self;
    return call_part(op, op->part_count - 1, BARKS_CLOSE);
}

/* What bodies could not be told fails the attempt: before anything of it is committed. */
BARKS_CHECKED static barks_status *take_failure(struct task *task)
{
    barks_status *failed = task->result->accumulated.failed;
    task->result->accumulated.failed = NULL;
    return failed != NULL ? failed : task_check_cancelled(task);
}

static barks_status *sink_terminal_finish(struct operator* self)
{
    struct sink_terminal *op = (struct sink_terminal *)self;
    struct task_result *result = self->task->result;
    BARKS_TRY(take_failure(self->task));
    for (uint32_t i = 0; i < op->part_count; i++) {
        const struct sink_part *part = &op->parts[i];
        struct sink_committed committed = {part->partition, part->attempt, part->row_count};
        BARKS_TRY(buffer_append(&result->bytes, &committed, sizeof committed));
    }
    for (uint32_t i = 0; i < op->part_count; i++) {
        BARKS_TRY(call_part(op, i, BARKS_COMMIT));
        result->counters.rows_written += op->parts[i].row_count;
    }
    op->is_committed = true;
    return NULL;
}

static const struct operator_kind sink_terminal_kind = {
    .name = "sink",
    .begin_partition = sink_terminal_begin,
    .push = sink_terminal_push,
    .end_partition = sink_terminal_end,
    .finish = sink_terminal_finish,
    .destroy = sink_terminal_destroy,
};

barks_status *sink_terminal_create(struct task *task, const barks_record *record,
                                   struct operator** out_operator)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    const barks_function *sink = plan->step.function;
    if (sink == NULL || sink->kind != BARKS_KIND_SINK || plan->step.text_count == 0)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan writes into a sink that it does not name");
    struct sink_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &sink_terminal_kind, .task = task};
    op->plan = plan;
    barks_status *status =
        row_window_init(&op->window, &record->schema, &sink->in->schema, sink->name, sink->where);
    if (status != NULL) {
        sink_terminal_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
