#include "exec/chooser.h"

#include "base/calling.h"
#include "batch/bind.h"

#include <inttypes.h>
#include <stdlib.h>

barks_status *chooser_init(struct chooser *chooser, struct task *task, const barks_schema *rows)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    const barks_function *function = plan->step.function;
    if (function == NULL || function->partition == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a partitioner without a function");
    uint32_t field_count = function->in->schema.field_count;
    *chooser = (struct chooser){.task = task, .plan = plan};
    chooser->columns = calloc((size_t)field_count + 1, sizeof *chooser->columns);
    chooser->bound = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    if (chooser->columns == NULL || chooser->bound == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", function->name);
    return bind_columns(rows, &function->in->schema, function->name, function->where,
                        chooser->columns);
}

void chooser_drop(struct chooser *chooser)
{
    free(chooser->columns);
    free(chooser->bound);
    free(chooser->chosen);
    *chooser = (struct chooser){0};
}

BARKS_CHECKED static barks_status *reserve(struct chooser *chooser, uint32_t row_count)
{
    if (row_count <= chooser->capacity)
        return NULL;
    int64_t *chosen = realloc(chooser->chosen, row_count * sizeof *chosen);
    if (chosen == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to partition %" PRIu32 " rows", row_count);
    chooser->chosen = chosen;
    chooser->capacity = row_count;
    return NULL;
}

barks_status *chooser_choose(void *context, const struct batch *batch, uint32_t *out_partitions)
{
    struct chooser *chooser = context;
    const barks_function *function = chooser->plan->step.function;
    uint32_t row_count = batch->base.row_count, count = chooser->plan->partition_count;
    BARKS_TRY(reserve(chooser, row_count));
    for (uint32_t i = 0; i < function->in->schema.field_count; i++)
        chooser->bound[i] = &batch->base.columns[chooser->columns[i]];
    barks_call call = {.columns = chooser->bound,
                       .row_count = row_count,
                       .env = chooser->plan->step.env,
                       .batch = &batch->base,
                       .partition_count = count};
    struct calling before =
        calling_begin((struct calling){.name = function->name, .where = function->where});
    function->partition(&call, chooser->chosen);
    calling_end(before);
    uint32_t row = 0;
    while (call.status == NULL && row < row_count) {
        if (chooser->chosen[row] < 0 || chooser->chosen[row] >= count) {
            call.status = barks_status_new(BARKS_USER_ERROR, NULL, BARKS_HERE,
                                           "partition %" PRId64 " was chosen; there are %" PRIu32
                                           ", numbered from 0",
                                           chooser->chosen[row], count);
            call.row_index = row;
            break;
        }
        out_partitions[row] = (uint32_t)chooser->chosen[row];
        row++;
    }
    if (call.status == NULL)
        return NULL;
    return operator_fail_at_row(
        chooser->task, call.status,
        &(struct failed_row){.function = function, .batch = &batch->base, .row = call.row_index});
}
