/* The reduce side of an aggregate: accumulators of all maps into one table, given on in key order.
 */
#include "exec/combine_operator.h"

#include "batch/bind.h"
#include "batch/schema.h"
#include "exec/column_aggregates.h"
#include "exec/combine_piles.h"
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "exec/stored_source.h"
#include "shuffle/accumulator.h"
#include "shuffle/reduce_side.h"

#include <stdlib.h>

void combine_binding_drop(struct combine_binding *binding)
{
    free(binding->key_columns);
    free(binding->function_columns);
    *binding = (struct combine_binding){0};
}

barks_status *combine_open(struct task *task, const struct combine_plan *plan,
                           const barks_function *function, const barks_schema *in,
                           const struct combine_limits *limits, struct combine_binding *binding,
                           struct combine **out_combine)
{
    bool is_bound = function != NULL && function->in != NULL;
    uint32_t field_count = is_bound ? function->in->schema.field_count : 0;
    binding->key_columns = calloc(plan->key_count + 1, sizeof *binding->key_columns);
    binding->function_columns = calloc(field_count + 1, sizeof *binding->function_columns);
    if (binding->key_columns == NULL || binding->function_columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of an aggregate");
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const char *name = plan->accumulator->schema.fields[plan->key_fields[k]].name;
        int32_t column = schema_find(in, name);
        if (column < 0)
            BARKS_FAIL(BARKS_INVALID, "the rows to aggregate lack the key field '%s'", name);
        binding->key_columns[k] = (uint32_t)column;
    }
    if (is_bound)
        BARKS_TRY(bind_columns(in, &function->in->schema, function->name, function->where,
                               binding->function_columns));
    struct combine_options options = {
        .pool = task->services->pool,
        .in = in,
        .accumulator = plan->accumulator,
        .key_columns = binding->key_columns,
        .key_fields = plan->key_fields,
        .key_count = plan->key_count,
        .function = function,
        .begins_with_initial = plan->reduce_begins_with_initial,
        .function_columns = is_bound ? binding->function_columns : NULL,
        .cancelled = &task->progress->cancelled,
        .bytes_limit = limits->bytes,
        .array_bytes_min = limits->array_bytes_min,
        .window = limits->window,
        .env = plan->env,
        .initial = plan->initial,
    };
    return combine_create(&options, out_combine);
}

struct combine_operator {
    struct operator base;
    struct combine *table;
    struct combine_piles piles; /* what the table cannot hold */
    struct combine_binding binding;
    const barks_record *accumulator;
    bool fills_empty;               /* a partition without rows gives an accumulator too */
    struct column_results *results; /* of built-in aggregates, else NULL */
};

static void combine_operator_destroy(struct operator* self)
{
    struct combine_operator *op = (struct combine_operator *)self;
    combine_piles_drop(&op->piles);
    combine_destroy(op->table);
    combine_binding_drop(&op->binding);
    column_results_destroy(op->results);
    free(op);
}

/* What a shuffle has for the partition; of rows of other origin nobody knows before they came. */
static uint64_t coming_bytes(const struct combine_operator *op, uint32_t partition)
{
    const struct task *task = op->base.task;
    const struct pipeline *pipeline = task->spec->pipeline;
    struct pipe_place place = {.node = (uint32_t)(op->piles.options.node - pipeline->nodes),
                               .partition = partition};
    struct pipe_place source;
    if (!pipeline_source(pipeline, place, 0, &source) ||
        pipeline->nodes[source.node].step.kind != STEP_SHUFFLE)
        return 0;
    const struct task_payload *stored = task_payload_find(task->payloads, task->partition, source);
    if (stored != NULL)
        return stored_source_bytes(stored);
    return reduce_side_partition_bytes(task->services->reduce_side,
                                       task_shuffle(task->payloads, source.node), source.partition);
}

static barks_status *combine_begin_partition(struct operator* self, uint32_t partition)
{
    struct combine_operator *op = (struct combine_operator *)self;
    op->piles.partition = partition;
    op->piles.options.coming_bytes = coming_bytes(op, partition);
    return NULL;
}

static barks_status *combine_push(struct operator* self, struct batch *batch)
{
    struct combine_operator *op = (struct combine_operator *)self;
    return combine_piles_add(&op->piles, batch);
}

static barks_status *push_next(void *context, struct batch *batch)
{
    struct combine_operator *op = context;
    if (op->base.task->partition_done)
        return NULL;
    if (op->results != NULL)
        BARKS_TRY(column_results_make(op->results, batch, &batch));
    return operator_push(op->base.next, batch);
}

/* The accumulator of no rows: all zero, null where it may be. */
BARKS_CHECKED static barks_status *push_nothing(struct combine_operator *op)
{
    const barks_record *record = op->accumulator;
    struct batch *none = NULL;
    struct accumulator_field *fields = NULL;
    void *zero = calloc(1, record->size + 1);
    if (zero == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an accumulator");
    barks_status *status = accumulator_fields_create(record, &fields);
    if (status == NULL)
        status = batch_create(op->base.task->services->pool, &record->schema, 1, &none);
    if (status == NULL)
        status = batch_reserve(none, 1);
    for (uint32_t i = 0; status == NULL && i < record->schema.field_count; i++)
        status = accumulator_store(&fields[i], zero, none, &none->base.columns[i], 0);
    if (status == NULL) {
        none->base.row_count = 1;
        status = push_next(op, none);
    }
    if (fields != NULL)
        accumulator_fields_destroy(fields, record->schema.field_count);
    batch_destroy(none);
    free(zero);
    return status;
}

static barks_status *combine_end_partition(struct operator* self)
{
    struct combine_operator *op = (struct combine_operator *)self;
    if (op->fills_empty && combine_row_count(op->table) == 0)
        return push_nothing(op);
    return combine_piles_give(&op->piles, push_next, self);
}

static const struct operator_kind combine_kind = {
    .name = "combine",
    .begin_partition = combine_begin_partition,
    .push = combine_push,
    .end_partition = combine_end_partition,
    .destroy = combine_operator_destroy,
};

OPERATOR_MAKER(combine)
{
    bool is_built_in = node->step.numbers[3] != 0;
    struct combine_plan plan =
        step_combine_plan(&node->step, is_built_in ? node->step.initial_record : node->record);
    struct combine_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &combine_kind, .task = task};
    op->accumulator = plan.accumulator;
    op->fills_empty = node->step.numbers[0] != 0;
    struct combine_limits limits = {.bytes = memory_share_bytes(task)};
    barks_status *status = combine_open(task, &plan, plan.function, inputs->schemas[0], &limits,
                                        &op->binding, &op->table);
    op->piles.options = (struct combine_piles_options){.task = task,
                                                       .node = node,
                                                       .table = op->table,
                                                       .function = plan.function,
                                                       .rows = inputs->schemas[0],
                                                       .accumulators = &plan.accumulator->schema};
    if (status == NULL && is_built_in)
        status = column_results_create(task->services->pool, plan.env, &node->record->schema,
                                       &op->results);
    if (status != NULL) {
        combine_operator_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
