#include "exec/chooser.h"

#include "base/calling.h"

#include <inttypes.h>
#include <stdlib.h>

barks_status *chooser_init(struct chooser *chooser, struct task *task, const barks_schema *rows)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    const barks_function *function = plan->step.function;
    if (function == NULL || function->partition == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "a partitioner without a function");
    *chooser = (struct chooser){.task = task, .plan = plan};
    return row_window_init(&chooser->window, rows, &function->in->schema, function->name,
                           function->where);
}

void chooser_drop(struct chooser *chooser)
{
    row_window_drop(&chooser->window);
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

/* Rows from first on, as many as the call has. *out_row: where it failed. */
BARKS_CHECKED static barks_status *choose_rows(struct chooser *chooser, const struct batch *batch,
                                               uint32_t first, uint32_t row_count,
                                               uint32_t *out_row)
{
    const barks_function *function = chooser->plan->step.function;
    row_window_show(&chooser->window, &batch->base, first);
    barks_call call = {.columns = chooser->window.bound,
                       .row_count = row_count,
                       .env = chooser->plan->step.env,
                       .partition_count = chooser->plan->partition_count};
    struct calling before =
        calling_begin((struct calling){.name = function->name, .where = function->where});
    function->partition(&call, chooser->chosen + first);
    calling_end(before);
    *out_row = first + call.row_index;
    return call.status;
}

BARKS_CHECKED static barks_status *take_chosen(const struct chooser *chooser, uint32_t row_count,
                                               uint32_t *out_partitions, uint32_t *out_row)
{
    uint32_t count = chooser->plan->partition_count;
    for (uint32_t row = 0; row < row_count; row++) {
        *out_row = row;
        if (chooser->chosen[row] < 0 || chooser->chosen[row] >= count)
            BARKS_FAIL(BARKS_USER_ERROR,
                       "partition %" PRId64 " was chosen; there are %" PRIu32 ", numbered from 0",
                       chooser->chosen[row], count);
        out_partitions[row] = (uint32_t)chooser->chosen[row];
    }
    return NULL;
}

barks_status *chooser_choose(void *context, const struct batch *batch, uint32_t *out_partitions)
{
    struct chooser *chooser = context;
    uint32_t row_count = batch->base.row_count, failed_row = 0;
    barks_status *status = NULL;
    BARKS_TRY(reserve(chooser, row_count));
    for (uint32_t first = 0; first < row_count && status == NULL; first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        BARKS_TRY(task_check_cancelled(chooser->task));
        status = choose_rows(chooser, batch, first, count, &failed_row);
    }
    if (status == NULL)
        status = take_chosen(chooser, row_count, out_partitions, &failed_row);
    if (status == NULL)
        return NULL;
    return operator_fail_at_row(chooser->task, status,
                                &(struct failed_row){.function = chooser->plan->step.function,
                                                     .batch = &batch->base,
                                                     .row = failed_row});
}
