#include "exec/comparator.h"

#include "base/calling.h"
#include "base/pool.h"
#include "batch/bind.h"
#include "exec/operator.h"

#include <stdlib.h>

struct row_order order_of_function(const struct step *step)
{
    return (struct row_order){
        .compare = step->function, .env = step->env, .descending = step->numbers[0] != 0};
}

BARKS_CHECKED static barks_status *find_columns(const barks_function *function,
                                                const barks_schema *rows, uint32_t **out_columns)
{
    uint32_t *columns = calloc((size_t)function->in->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", function->name);
    barks_status *status =
        bind_columns(rows, &function->in->schema, function->name, function->where, columns);
    if (status != NULL) {
        free(columns);
        return status;
    }
    *out_columns = columns;
    return NULL;
}

static void take_columns(const barks_function *function, const barks_batch *batch,
                         const uint32_t *columns, const barks_column **out)
{
    for (uint32_t i = 0; i < function->in->schema.field_count; i++)
        out[i] = &batch->columns[columns[i]];
}

/* ---- sorting ---- */

static barks_call call_of(const struct row_order *order, struct task *task,
                          const barks_batch *batch, const barks_column *const *columns)
{
    return (barks_call){.columns = columns,
                        .row_count = batch->row_count,
                        .env = order->env,
                        .batch = batch,
                        .task = task != NULL ? &task->info : NULL,
                        .descending = order->descending};
}

/* Takes call->status. */
BARKS_CHECKED static barks_status *fail_in_compare(const barks_call *call,
                                                   const struct row_order *order, struct task *task)
{
    if (task != NULL)
        return operator_fail_at_row(task, call->status,
                                    &(struct failed_row){.function = order->compare,
                                                         .batch = call->batch,
                                                         .row = call->row_index});
    return barks_status_new(barks_status_code(call->status), call->status, BARKS_HERE,
                            "an error was reported in '%s' (%s), at the driver",
                            order->compare->name, order->compare->where);
}

/* One pass: by pieces of some runs, between which it may end. */
BARKS_CHECKED static barks_status *merge_runs(barks_call *call, const struct row_order *order,
                                              struct task *task, const uint32_t *from, uint32_t *to,
                                              uint32_t width)
{
    const uint64_t count = call->row_count, merged = 2 * (uint64_t)width;
    const uint64_t at_once = merged < BATCH_ROWS ? BATCH_ROWS : merged; /* both are powers of two */
    for (uint64_t first = 0; first < count; first += at_once) {
        uint64_t end = first + at_once < count ? first + at_once : count;
        if (task != NULL)
            BARKS_TRY(task_check_cancelled(task));
        struct calling before = calling_begin(
            (struct calling){.name = order->compare->name, .where = order->compare->where});
        order->compare->merge(call, from + first, to + first, (uint32_t)(end - first), width);
        calling_end(before);
        if (call->status != NULL)
            return fail_in_compare(call, order, task);
    }
    return NULL;
}

/* Each pass goes from one of the two to the other; the result ends up in out_order. */
BARKS_CHECKED static barks_status *merge_all(barks_call *call, const struct row_order *order,
                                             struct task *task, uint32_t *spare,
                                             uint32_t *out_order)
{
    uint32_t count = call->row_count, pass_count = 0;
    for (uint64_t width = 1; width < count; width *= 2)
        pass_count++;
    uint32_t *from = pass_count % 2 == 0 ? out_order : spare;
    uint32_t *to = pass_count % 2 == 0 ? spare : out_order;
    for (uint32_t i = 0; i < count; i++)
        from[i] = i;
    for (uint64_t width = 1; width < count; width *= 2) {
        BARKS_TRY(merge_runs(call, order, task, from, to, (uint32_t)width));
        uint32_t *merged = to;
        to = from;
        from = merged;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *order_by_function(const barks_batch *batch,
                                                     const struct row_order *order,
                                                     struct task *task, struct pool *pool,
                                                     uint32_t *out_order)
{
    uint32_t *columns = NULL;
    void *spare = NULL;
    size_t spare_bytes = batch->row_count * sizeof *out_order;
    if (batch->row_count == 0)
        return NULL;
    BARKS_TRY(find_columns(order->compare, batch->schema, &columns));
    const barks_column **bound =
        calloc((size_t)order->compare->in->schema.field_count + 1, sizeof(const barks_column *));
    barks_status *status = NULL;
    if (bound == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the columns of '%s'", order->compare->name);
    if (status == NULL)
        status = pool_acquire(pool, spare_bytes, &spare);
    if (status == NULL) {
        take_columns(order->compare, batch, columns, bound);
        barks_call call = call_of(order, task, batch, bound);
        status = merge_all(&call, order, task, spare, out_order);
        pool_release(pool, spare, spare_bytes);
    }
    free(bound);
    free(columns);
    return status;
}

barks_status *rows_order_as(const barks_batch *batch, const struct row_order *order,
                            struct task *task, struct pool *pool, uint32_t *out_order)
{
    if (order->compare != NULL)
        return order_by_function(batch, order, task, pool, out_order);
    return order->in_runs ? rows_order_runs(batch, order->keys, order->key_count, pool, out_order)
                          : rows_order(batch, order->keys, order->key_count, pool, out_order);
}

/* ---- two rows ---- */

barks_status *row_comparer_init(struct row_comparer *comparer, struct task *task,
                                const struct row_order *order, const barks_batch *batch)
{
    *comparer = (struct row_comparer){.task = task, .order = *order, .batch = batch};
    const barks_function *function = order->compare;
    if (function == NULL)
        return NULL;
    BARKS_TRY(find_columns(function, batch->schema, &comparer->columns));
    comparer->bound =
        calloc((size_t)function->in->schema.field_count + 1, sizeof(const barks_column *));
    if (comparer->bound == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of '%s'", function->name);
    take_columns(function, batch, comparer->columns, comparer->bound);
    return NULL;
}

void row_comparer_drop(struct row_comparer *comparer)
{
    free(comparer->columns);
    free(comparer->bound);
    *comparer = (struct row_comparer){0};
}

barks_status *row_comparer_ask(const struct row_comparer *comparer, uint32_t a, uint32_t b,
                               bool *out_comes_first)
{
    const struct row_order *order = &comparer->order;
    if (order->compare == NULL) {
        *out_comes_first = batch_compare_rows(comparer->batch, a, comparer->batch, b, order->keys,
                                              order->key_count) <= 0;
        return NULL;
    }
    /* A merge of two runs of one row each. */
    uint32_t from[2] = {a, b}, to[2];
    barks_call call = call_of(order, comparer->task, comparer->batch, comparer->bound);
    struct calling before = calling_begin(
        (struct calling){.name = order->compare->name, .where = order->compare->where});
    order->compare->merge(&call, from, to, 2, 1);
    calling_end(before);
    if (call.status != NULL)
        return fail_in_compare(&call, order, comparer->task);
    *out_comes_first = to[0] == a;
    return NULL;
}

/* ---- ranges ---- */

barks_status *range_chooser_init(struct range_chooser *chooser, struct task *task,
                                 const barks_schema *rows)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    *chooser = (struct range_chooser){
        .task = task, .order = order_of_function(&plan->step), .splitters = plan->splitters};
    const barks_function *function = chooser->order.compare;
    if (function->search == NULL || plan->splitters == NULL ||
        plan->splitters->base.row_count >= plan->partition_count)
        BARKS_FAIL(BARKS_INTERNAL, "ranges without a function and bounds");
    BARKS_TRY(row_window_init(&chooser->rows, rows, &function->in->schema, function->name,
                              function->where));
    BARKS_TRY(row_window_init(&chooser->bounds, rows, &function->in->schema, function->name,
                              function->where));
    row_window_show(&chooser->bounds, &plan->splitters->base, 0);
    return NULL;
}

void range_chooser_drop(struct range_chooser *chooser)
{
    row_window_drop(&chooser->rows);
    row_window_drop(&chooser->bounds);
    *chooser = (struct range_chooser){0};
}

barks_status *range_chooser_choose(void *context, const struct batch *batch,
                                   uint32_t *out_partitions)
{
    struct range_chooser *chooser = context;
    const struct row_order *order = &chooser->order;
    uint32_t row_count = batch->base.row_count;
    barks_call call = call_of(order, chooser->task, &batch->base, chooser->rows.bound);
    call.right_columns = chooser->bounds.bound;
    for (uint32_t first = 0; first < row_count; first += BATCH_ROWS) {
        BARKS_TRY(task_check_cancelled(chooser->task));
        row_window_show(&chooser->rows, &batch->base, first);
        call.row_count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        order->compare->search(&call, chooser->splitters->base.row_count, out_partitions + first);
        call.row_index += first;
        if (call.status != NULL)
            return fail_in_compare(&call, order, chooser->task);
    }
    return NULL;
}
