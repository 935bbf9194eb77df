#include "exec/task_run.h"

#include "base/clock.h"
#include "base/fault.h"
#include "exec/operator.h"
#include "exec/partition_share.h"
#include "exec/task_info.h"
#include "exec/together.h"
#include "shuffle/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

barks_status *terminal_create(struct task *task, const barks_record *record,
                              struct operator** out_operator)
{
    switch (task->spec->pipeline->terminal.kind) {
    case TERMINAL_SHUFFLE:
        return task->spec->pipeline->terminal.partitioner == PARTITION_REPLICATE
                   ? replicate_terminal_create(task, record, out_operator)
                   : shuffle_terminal_create(task, record, out_operator);
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
    case TERMINAL_SINK:
        return sink_terminal_create(task, record, out_operator);
    case TERMINAL_PARTIAL:
        return partial_terminal_create(task, record, out_operator);
    }
    BARKS_FAIL(BARKS_INTERNAL, "unknown terminal %d", (int)task->spec->pipeline->terminal.kind);
}

typedef barks_status *(*operator_maker)(struct task *task, const struct pipe_node *node,
                                        const struct operator_inputs *inputs,
                                        struct operator** out_operator);

/* Of kinds that have none, others number partitions or are leaves. */
static operator_maker maker_of(enum step_kind kind)
{
    static const operator_maker makers[] = {
        [STEP_FUNCTION] = function_operator_create, [STEP_COMBINE] = combine_operator_create,
        [STEP_SORT] = sort_operator_create,         [STEP_PROJECT] = project_operator_create,
        [STEP_SAMPLE] = sample_operator_create,     [STEP_NUMBER] = number_operator_create,
        [STEP_GROUP] = group_operator_create,       [STEP_GLOM] = glom_operator_create,
        [STEP_PIPE] = pipe_operator_create,         [STEP_KEEP] = keep_operator_create,
        [STEP_BOUND] = bound_operator_create,       [STEP_INDEX] = index_operator_create,
        [STEP_HEADS] = heads_operator_create,       [STEP_SCAN] = scan_operator_create,
        [STEP_WINDOWS] = windows_operator_create,   [STEP_PAIR] = zip_operator_create,
        [STEP_JOIN] = join_operator_create,         [STEP_COGROUP] = cogroup_operator_create,
        [STEP_LOOKUP] = lookup_operator_create,     [STEP_CROSS] = cross_operator_create};
    return (size_t)kind < sizeof makers / sizeof makers[0] ? makers[kind] : NULL;
}

BARKS_CHECKED static __attribute__((noinline)) barks_status *make_operator(struct task *task,
                                                                           uint32_t index)
{
    const struct pipeline *pipeline = task->spec->pipeline;
    const struct pipe_node *node = &pipeline->nodes[index];
    struct operator_inputs inputs = {.count = node->input_count};
    for (uint32_t i = 0; i < node->input_count && i < STEP_INPUTS_MAX; i++)
        inputs.schemas[i] = &pipeline->nodes[node->inputs[i]].record->schema;
    return maker_of(node->step.kind)(task, node, &inputs, &task->operators[index]);
}

/* A partition of a pipeline's node, pushed into `into`. Recursive, as pushes are: frames are small,
 * so that chains of ten thousand steps fit. */
static barks_status *run_place(struct task *task, struct pipe_place place, struct operator* into);

/* Steps that only number partitions anew. */
BARKS_CHECKED static barks_status *run_sources(struct task *task, struct pipe_place place,
                                               struct operator* into)
{
    struct pipe_place source;
    for (uint32_t i = 0; pipeline_source(task->spec->pipeline, place, i, &source); i++) {
        BARKS_TRY(run_place(task, source, into));
        if (task->partition_done)
            break;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *run_inputs(struct task *task, struct pipe_place place,
                                              struct operator* op)
{
    struct pipe_place source;
    if (op->ports == NULL)
        return pipeline_source(task->spec->pipeline, place, 0, &source)
                   ? run_place(task, source, op)
                   : NULL;
    for (uint32_t i = task->spec->pipeline->nodes[place.node].input_count; i-- > 0;)
        if (pipeline_source(task->spec->pipeline, place, i, &source))
            BARKS_TRY(run_place(task, source, &op->ports[i].base));
    return NULL;
}

BARKS_CHECKED static barks_status *run_step(struct task *task, struct pipe_place place,
                                            struct operator* into)
{
    if (pipeline_is_leaf(task->spec->pipeline, place))
        return source_run(task, place, into);
    if (maker_of(task->spec->pipeline->nodes[place.node].step.kind) == NULL)
        return run_sources(task, place, into);
    if (task->operators[place.node] == NULL)
        BARKS_TRY(make_operator(task, place.node));
    struct operator* op = task->operators[place.node];
    op->next = into;
    if (op->kind->begin_partition != NULL)
        BARKS_TRY(op->kind->begin_partition(op, place.partition));
    BARKS_TRY(run_inputs(task, place, op));
    BARKS_TRY(task_check_cancelled(task)); /* bodies that were told may have left rows out */
    /* What a blocking operator gives on belongs to the partition still. */
    return op->kind->end_partition != NULL ? op->kind->end_partition(op) : NULL;
}

/* What `into` gets meanwhile is what the place has given. Of rows that each piece of a partition
 * reads the first one's count. */
static barks_status *run_place(struct task *task, struct pipe_place place, struct operator* into)
{
    uint64_t before = into->rows_in;
    barks_status *status = run_step(task, place, into);
    const struct pipe_node *node = &task->spec->pipeline->nodes[place.node];
    if (node->piece_role != PIECE_WHOLE || task->payloads->piece == 0)
        task->result->accumulated.step_rows[place.node] += into->rows_in - before;
    return status;
}

barks_status *task_fail_cancelled(void) { BARKS_FAIL(BARKS_CANCELLED, "the task was cancelled"); }

enum { LAG_LEAST_NS = 10 * NS_PER_MS }; /* sleeps are no shorter, so that they are not too long */

/* It can be cancelled meanwhile, as one that is slow can. */
void task_lag(struct task *task, bool is_at_end)
{
    uint64_t now_ns = monotonic_ns();
    double more_ns = (double)(now_ns - task->lag_since_ns) * (fault_slowness() - 1);
    uint64_t until_ns = now_ns + (uint64_t)more_ns;
    if (!is_at_end && more_ns < LAG_LEAST_NS)
        return;
    while (monotonic_ns() < until_ns &&
           !atomic_load_explicit(&task->progress->cancelled, memory_order_relaxed))
        (void)nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    task->lag_since_ns = monotonic_ns();
}

BARKS_CHECKED static barks_status *run_partition(struct task *task, uint32_t partition)
{
    task->lag_since_ns = faults_are_on ? monotonic_ns() : 0;
    fault_point(POINT_PARTITION_BEGUN);
    struct operator* terminal = task->terminal;
    task->partition = partition;
    task->partition_done = false;
    task->rows_stand_for = 1;
    task_info_partition(task);
    if (terminal->kind->begin_partition != NULL)
        BARKS_TRY(terminal->kind->begin_partition(terminal, partition));
    BARKS_TRY(run_place(task, pipeline_root(task->spec->pipeline, partition), terminal));
    BARKS_TRY(task_check_cancelled(task));
    if (terminal->kind->end_partition != NULL)
        BARKS_TRY(terminal->kind->end_partition(terminal));
    if (faults_are_on)
        task_lag(task, true);
    fault_point(POINT_PARTITION_ENDED);
    return NULL;
}

static bool next_partition(const struct task_spec *spec, uint32_t *own_count,
                           uint32_t *out_partition, const struct task_spec **out_payloads)
{
    if (spec->share != NULL)
        return partition_share_take(spec->share, out_partition, out_payloads);
    if (*own_count == spec->end - spec->first)
        return false;
    *out_partition = spec->first + *own_count;
    *out_payloads = spec;
    ++*own_count;
    return true;
}

BARKS_CHECKED static barks_status *run_all(struct task *task)
{
    const struct pipeline *pipeline = task->spec->pipeline;
    const barks_record *record = pipeline->nodes[pipeline->node_count - 1].record;
    task->operators = calloc(pipeline->node_count, sizeof *task->operators);
    barks_status *status = NULL;
    if (task->operators == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a task");
    if (status == NULL)
        status = terminal_create(task, record, &task->terminal);
    uint32_t own_count = 0, partition = 0;
    while (status == NULL && next_partition(task->spec, &own_count, &partition, &task->payloads))
        status = run_partition(task, partition);
    if (status == NULL && task->terminal->kind->finish != NULL)
        status = task->terminal->kind->finish(task->terminal);
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

BARKS_CHECKED static barks_status *begin_counts(const struct pipeline *pipeline,
                                                struct accumulations *out)
{
    out->step_rows = calloc((size_t)pipeline->node_count + 1, sizeof *out->step_rows);
    if (out->step_rows == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a task's counts");
    out->step_count = pipeline->node_count;
    return NULL;
}

barks_status *task_run(const struct task_spec *spec, const struct task_services *services,
                       struct task_progress *progress, struct task_result *out_result)
{
    struct task task = {
        .spec = spec, .services = services, .progress = progress, .result = out_result};
    *out_result = (struct task_result){.bytes = {.limit_bytes = RESULT_BYTES_MAX}};
    snprintf(task.place, sizeof task.place, "before its first row");
    task_info_begin(&task);
    struct scratch *scratch = services->room != NULL ? services->room->scratch : NULL;
    uint64_t unseen_before = scratch != NULL ? scratch_unseen_count(scratch) : 0;
    uint64_t began_ns = monotonic_ns();
    barks_status *status = begin_counts(spec->pipeline, &out_result->accumulated);
    if (status == NULL)
        status = given_begin(&task);
    if (status == NULL && spec->pipeline->gang.is_gang)
        status = together_begin(&task);
    if (status == NULL)
        status = run_all(&task);
    out_result->accumulated.task_ns = monotonic_ns() - began_ns;
    destroy_operators(&task);
    together_end(&task, status == NULL && out_result->accumulated.failed == NULL);
    task_info_end();
    given_end(&task);
    if (status == NULL) { /* of what bodies asked for and could not be told there */
        status = out_result->accumulated.failed;
        out_result->accumulated.failed = NULL;
    }
    if (status == NULL && scratch != NULL) /* operators have let go of all that they read */
        status = scratch_check(scratch, unseen_before);
    status = end_attempt(&task, status);
    out_result->counters.rows_read =
        atomic_load_explicit(&progress->rows_read, memory_order_relaxed);
    out_result->counters.bytes_read =
        atomic_load_explicit(&progress->bytes_read, memory_order_relaxed);
    if (status != NULL)
        task_result_drop(out_result);
    return status;
}

static int compare_place(const struct task_payload *payload, uint32_t partition,
                         struct pipe_place leaf)
{
    if (payload->partition != partition)
        return payload->partition < partition ? -1 : 1;
    if (payload->leaf.node != leaf.node)
        return payload->leaf.node < leaf.node ? -1 : 1;
    return (payload->leaf.partition > leaf.partition) - (payload->leaf.partition < leaf.partition);
}

uint64_t task_shuffle(const struct task_spec *spec, uint32_t node)
{
    for (uint32_t i = 0; i < spec->loan_count; i++)
        if (spec->loans[i].node == node)
            return spec->loans[i].shuffle;
    return spec->pipeline->nodes[node].shuffle;
}

const struct task_payload *task_payload_find(const struct task_spec *spec, uint32_t partition,
                                             struct pipe_place leaf)
{
    uint32_t low = 0, high = spec->payload_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_place(&spec->payloads[middle], partition, leaf);
        if (order == 0)
            return &spec->payloads[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void task_result_drop(struct task_result *result)
{
    buffer_drop(&result->bytes);
    buffer_drop(&result->keys);
    free(result->sent);
    result->sent = NULL;
    free(result->inputs);
    result->inputs = NULL;
    result->input_count = 0;
    accumulations_drop(&result->accumulated);
}
