#include "exec/task_run.h"

#include "exec/operator.h"
#include "exec/partition_share.h"
#include "shuffle/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

barks_status *terminal_create(struct task *task, const barks_record *record,
                              struct operator** out_operator)
{
    switch (task->spec->pipeline->terminal.kind) {
    case TERMINAL_SHUFFLE:
        return shuffle_terminal_create(task, record, out_operator);
    case TERMINAL_COLLECT:
    case TERMINAL_TOP:
    case TERMINAL_COUNT:
    case TERMINAL_SAMPLE:
        return collect_terminal_create(task, record, out_operator);
    case TERMINAL_FOLD:
        return fold_terminal_create(task, record, out_operator);
    case TERMINAL_FOREACH:
        return foreach_terminal_create(task, record, out_operator);
    case TERMINAL_WRITE:
        return write_terminal_create(task, record, out_operator);
    case TERMINAL_PARTIAL:
        return partial_terminal_create(task, record, out_operator);
    }
    BARKS_FAIL(BARKS_INTERNAL, "unknown terminal %d", (int)task->spec->pipeline->terminal.kind);
}

BARKS_CHECKED static barks_status *operator_for(struct task *task, uint32_t index)
{
    const struct pipe_node *node = &task->spec->pipeline->nodes[index];
    if (task->operators[index] != NULL)
        return NULL;
    switch (node->kind) {
    case PIPE_TEXT:
    case PIPE_ROWS:
    case PIPE_SHUFFLE:
    case PIPE_UNION:
        return NULL; /* sources run by themselves; a union only numbers partitions */
    case PIPE_FUNCTION: {
        const barks_schema *in = &task->spec->pipeline->nodes[node->inputs[0]].record->schema;
        return function_operator_create(task, node, in, &task->operators[index]);
    }
    case PIPE_COMBINE:
        return combine_operator_create(task, node, &task->operators[index]);
    case PIPE_SORT:
        return sort_operator_create(task, node, &task->operators[index]);
    }
    BARKS_FAIL(BARKS_INTERNAL, "unknown kind of node %d", (int)node->kind);
}

/* Links the operators of a path, leaf first; *out_first is what the leaf pushes into. */
BARKS_CHECKED static barks_status *link_path(struct task *task, const uint32_t *path,
                                             uint32_t length, struct operator** out_first)
{
    struct operator* next = task->terminal;
    for (uint32_t i = length; i-- > 1;) {
        BARKS_TRY(operator_for(task, path[i]));
        struct operator* op = task->operators[path[i]];
        if (op == NULL)
            continue;
        op->next = next;
        next = op;
    }
    *out_first = next;
    return NULL;
}

BARKS_CHECKED static barks_status *begin_all(struct operator* first, uint32_t partition)
{
    for (struct operator* op = first; op != NULL; op = op->next)
        if (op->kind->begin_partition != NULL)
            BARKS_TRY(op->kind->begin_partition(op, partition));
    return NULL;
}

/* In order, since what a blocking operator gives on belongs to the partition still. */
BARKS_CHECKED static barks_status *end_all(struct operator* first)
{
    for (struct operator* op = first; op != NULL; op = op->next)
        if (op->kind->end_partition != NULL)
            BARKS_TRY(op->kind->end_partition(op));
    return NULL;
}

BARKS_CHECKED static barks_status *run_partition(struct task *task, uint32_t partition,
                                                 const struct task_payload *payload, uint32_t *path)
{
    const struct pipeline *pipeline = task->spec->pipeline;
    struct operator* first = NULL;
    uint32_t length = 0, leaf_partition = 0;
    pipeline_path(pipeline, partition, path, &length, &leaf_partition);
    BARKS_TRY(link_path(task, path, length, &first));
    task->partition_done = false;
    BARKS_TRY(begin_all(first, partition));
    BARKS_TRY(source_run(task, &pipeline->nodes[path[0]], leaf_partition, payload, first));
    return end_all(first);
}

static bool next_partition(const struct task_spec *spec, uint32_t *own_count,
                           uint32_t *out_partition, const struct task_payload **out_payload)
{
    if (spec->share != NULL)
        return partition_share_take(spec->share, out_partition, out_payload);
    if (*own_count == spec->end - spec->first)
        return false;
    *out_partition = spec->first + *own_count;
    *out_payload = &spec->payloads[*own_count];
    ++*own_count;
    return true;
}

BARKS_CHECKED static barks_status *run_all(struct task *task)
{
    const struct pipeline *pipeline = task->spec->pipeline;
    const barks_record *record = pipeline->nodes[pipeline->node_count - 1].record;
    uint32_t *path = calloc(pipeline->node_count, sizeof *path);
    task->operators = calloc(pipeline->node_count, sizeof *task->operators);
    barks_status *status = NULL;
    if (path == NULL || task->operators == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a task");
    if (status == NULL)
        status = terminal_create(task, record, &task->terminal);
    uint32_t own_count = 0, partition = 0;
    const struct task_payload *payload = NULL;
    while (status == NULL && next_partition(task->spec, &own_count, &partition, &payload))
        status = run_partition(task, partition, payload, path);
    if (status == NULL && task->terminal->kind->finish != NULL)
        status = task->terminal->kind->finish(task->terminal);
    free(path);
    return status;
}

static void destroy_operators(struct task *task)
{
    for (uint32_t i = 0; task->operators != NULL && i < task->spec->pipeline->node_count; i++)
        if (task->operators[i] != NULL)
            task->operators[i]->kind->destroy(task->operators[i]);
    free(task->operators);
    if (task->terminal != NULL)
        task->terminal->kind->destroy(task->terminal);
}

/* The attempt's frames may travel, or are dropped. */
BARKS_CHECKED static barks_status *end_attempt(struct task *task, barks_status *status)
{
    const struct task_spec *spec = task->spec;
    const struct terminal *terminal = &spec->pipeline->terminal;
    if (terminal->kind != TERMINAL_SHUFFLE)
        return status;
    struct exchange_sent *sent = calloc(task->services->executor_count, sizeof *sent);
    if (sent == NULL && status == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a task's counts");
    barks_status *ended = exchange_end_attempt(task->services->exchange, terminal->shuffle,
                                               spec->task, spec->attempt, status == NULL, sent);
    if (ended != NULL && status != NULL) {
        barks_status_free(ended);
        ended = NULL;
    }
    task->result->sent = sent;
    return status != NULL ? status : ended;
}

barks_status *task_run(const struct task_spec *spec, const struct task_services *services,
                       struct task_progress *progress, struct task_result *out_result)
{
    struct task task = {
        .spec = spec, .services = services, .progress = progress, .result = out_result};
    *out_result = (struct task_result){.bytes = {.limit_bytes = RESULT_BYTES_MAX}};
    snprintf(task.place, sizeof task.place, "before its first row");
    barks_status *status = run_all(&task);
    destroy_operators(&task);
    status = end_attempt(&task, status);
    out_result->counters.rows_read =
        atomic_load_explicit(&progress->rows_read, memory_order_relaxed);
    out_result->counters.bytes_read =
        atomic_load_explicit(&progress->bytes_read, memory_order_relaxed);
    if (status != NULL)
        task_result_drop(out_result);
    return status;
}

void task_result_drop(struct task_result *result)
{
    buffer_drop(&result->bytes);
    free(result->sent);
    result->sent = NULL;
}
