/* Rows that go to the driver: all, the first, the best by an order, a sample, or just their number.
 */
#include "base/pool.h"
#include "batch/column.h"
#include "exec/operator.h"
#include "exec/result.h"
#include "exec/sort.h"

#include <stdlib.h>

enum {
    TOP_SPARE_ROWS = 4096, /* top sorts when it holds so many more than it wants */
    /* Of a string, more does not help to tell ranges apart: any value may be a splitter, so the
     * beginning of a key may. Whole keys of megabytes would go to the driver by the hundred, and
     * back with the plan. */
    SAMPLE_STRING_BYTES = 256,
};

struct collect_terminal {
    struct operator base;
    const struct terminal *plan;
    uint32_t partition;
    uint64_t partition_rows; /* seen of it */
    uint64_t stride;         /* sample: every stride-th row is kept */
    struct batch *rows;      /* kept of the partition */
    struct batch *spare;     /* top, sample: the rows that stay, while rows is thinned out */
};

static void collect_destroy(struct operator* self)
{
    struct collect_terminal *op = (struct collect_terminal *)self;
    batch_destroy(op->rows);
    batch_destroy(op->spare);
    free(op);
}

static barks_status *collect_begin(struct operator* self, uint32_t partition)
{
    struct collect_terminal *op = (struct collect_terminal *)self;
    op->partition = partition;
    op->partition_rows = 0;
    op->stride = 1;
    batch_clear(op->rows);
    return NULL;
}

/* Keeps the rows that row_indices lists, in that order. */
BARKS_CHECKED static barks_status *keep_rows(struct collect_terminal *op,
                                             const uint32_t *row_indices, uint32_t count)
{
    BARKS_TRY(batch_gather(op->spare, op->rows, row_indices, count, BATCH_COPY));
    struct batch *kept = op->spare;
    op->spare = op->rows;
    op->rows = kept;
    batch_clear(op->spare);
    return NULL;
}

BARKS_CHECKED static barks_status *keep_best(struct collect_terminal *op)
{
    uint32_t row_count = op->rows->base.row_count;
    struct pool *pool = op->base.task->services->pool;
    void *order = NULL;
    if (row_count == 0)
        return NULL;
    BARKS_TRY(pool_acquire(pool, row_count * sizeof(uint32_t), &order));
    barks_status *status =
        rows_order(&op->rows->base, op->plan->sort_keys, op->plan->sort_key_count, pool, order);
    if (status == NULL)
        status = keep_rows(op, order,
                           op->plan->limit < row_count ? (uint32_t)op->plan->limit : row_count);
    pool_release(pool, order, row_count * sizeof(uint32_t));
    return status;
}

/* Strings inside of lists and structs, which nobody sorts by, stay as they are. */
static void cut_strings(struct batch *batch)
{
    const barks_batch *base = &batch->base;
    for (uint32_t i = 0; i < base->schema->field_count; i++) {
        barks_type_id type = base->columns[i].type->id;
        if (type != BARKS_STR && type != BARKS_BYTES)
            continue;
        barks_str *strings = column_strings(&base->columns[i], 0);
        for (uint32_t row = 0; row < base->row_count; row++)
            if (strings[row].length > SAMPLE_STRING_BYTES)
                strings[row].length = SAMPLE_STRING_BYTES; /* still too long to be inlined */
    }
}

BARKS_CHECKED static barks_status *push_sampled(struct collect_terminal *op,
                                                const struct batch *batch)
{
    uint64_t skipped = (op->stride - op->partition_rows % op->stride) % op->stride;
    for (uint64_t row = skipped; row < batch->base.row_count; row += op->stride) {
        batch_clear(op->spare);
        BARKS_TRY(batch_append(op->spare, batch, (uint32_t)row, 1, BATCH_KEEP));
        cut_strings(op->spare);
        BARKS_TRY(batch_append(op->rows, op->spare, 0, 1, BATCH_COPY));
    }
    batch_clear(op->spare);
    uint32_t row_count = op->rows->base.row_count;
    if (row_count < 2 * op->plan->limit)
        return NULL;
    /* Every other one stays: those at the multiples of the doubled stride. */
    uint32_t *halved = calloc((row_count + 1) / 2, sizeof *halved);
    if (halved == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %u rows", row_count);
    for (uint32_t i = 0; i < (row_count + 1) / 2; i++)
        halved[i] = 2 * i;
    barks_status *status = keep_rows(op, halved, (row_count + 1) / 2);
    free(halved);
    op->stride *= 2;
    return status;
}

BARKS_CHECKED static barks_status *push_first(struct collect_terminal *op,
                                              const struct batch *batch)
{
    uint64_t wanted = op->plan->limit - op->rows->base.row_count;
    uint32_t count = wanted < batch->base.row_count ? (uint32_t)wanted : batch->base.row_count;
    BARKS_TRY(batch_append(op->rows, batch, 0, count, BATCH_COPY));
    if (op->rows->base.row_count == op->plan->limit)
        op->base.task->partition_done = true;
    return NULL;
}

static barks_status *collect_push(struct operator* self, struct batch *batch)
{
    struct collect_terminal *op = (struct collect_terminal *)self;
    barks_status *status = NULL;
    if (op->plan->kind == TERMINAL_COLLECT)
        status = push_first(op, batch);
    else if (op->plan->kind == TERMINAL_SAMPLE)
        status = push_sampled(op, batch);
    else if (op->plan->kind == TERMINAL_TOP)
        status = batch_append(op->rows, batch, 0, batch->base.row_count, BATCH_COPY);
    BARKS_TRY(status);
    op->partition_rows += batch->base.row_count;
    if (op->plan->kind == TERMINAL_TOP &&
        op->rows->base.row_count >= op->plan->limit + TOP_SPARE_ROWS)
        return keep_best(op);
    return NULL;
}

static barks_status *collect_end(struct operator* self)
{
    struct collect_terminal *op = (struct collect_terminal *)self;
    if (op->plan->kind == TERMINAL_TOP)
        BARKS_TRY(keep_best(op));
    return result_add(self->task->result, op->partition, op->partition_rows, &op->rows->base);
}

static const struct operator_kind collect_kind = {
    .name = "collect",
    .begin_partition = collect_begin,
    .push = collect_push,
    .end_partition = collect_end,
    .destroy = collect_destroy,
};

barks_status *collect_terminal_create(struct task *task, const barks_record *record,
                                      struct operator** out_operator)
{
    struct collect_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &collect_kind, .task = task};
    op->plan = &task->spec->pipeline->terminal;
    barks_status *status =
        batch_create(task->services->pool, &record->schema, BATCH_ROWS, &op->rows);
    if (status == NULL)
        status = batch_create(task->services->pool, &record->schema, BATCH_ROWS, &op->spare);
    if (status != NULL) {
        collect_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
