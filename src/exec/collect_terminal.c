/* Rows that go to the driver: all, the first, the best by an order, a sample, or just their number.
 */
#include "base/pool.h"
#include "batch/codec.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "exec/comparator.h"
#include "exec/operator.h"
#include "exec/result.h"

#include <stdlib.h>
#include <string.h>

enum {
    TOP_SPARE_ROWS = 4096, /* top sorts when it holds so many more than it wants */
    /* Of a string, more does not help to tell ranges apart: any value may be a splitter, so the
     * beginning of a key may. Whole keys of megabytes would go to the driver by the hundred, and
     * back with the plan. */
    SAMPLE_STRING_BYTES = 256,
    SAMPLE_BYTES_MAX = 4 << 20, /* of a partition: past it, a sample is thinned out early */
};

struct collect_terminal {
    struct operator base;
    const struct terminal *plan;
    uint32_t partition;
    uint64_t partition_rows; /* seen of it */
    uint64_t stride;         /* sample: every stride-th row is kept */
    uint64_t sample_bytes;   /* sample: about, of rows */
    size_t next_pick;        /* of the pairs of a step of STEP_PICK */
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

/* ---- rows that are named: step STEP_PICK, bytes: ascending pairs of partition and row in it ----
 */

static size_t pick_count(const struct collect_terminal *op)
{
    return op->plan->step.kind == STEP_PICK ? op->plan->step.size_bytes / (2 * sizeof(uint64_t))
                                            : 0;
}

static void pick_at(const struct collect_terminal *op, size_t index, uint64_t *out_partition,
                    uint64_t *out_row)
{
    uint64_t pair[2];
    memcpy(pair, op->plan->step.bytes + index * sizeof pair, sizeof pair);
    *out_partition = pair[0];
    *out_row = pair[1];
}

static void find_first_pick(struct collect_terminal *op)
{
    size_t low = 0, high = pick_count(op);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t partition = 0, row = 0;
        pick_at(op, middle, &partition, &row);
        if (partition < op->partition)
            low = middle + 1;
        else
            high = middle;
    }
    op->next_pick = low;
}

BARKS_CHECKED static barks_status *push_picked(struct collect_terminal *op,
                                               const struct batch *batch)
{
    uint64_t end = op->partition_rows + batch->base.row_count;
    for (; op->next_pick < pick_count(op); op->next_pick++) {
        uint64_t partition = 0, row = 0;
        pick_at(op, op->next_pick, &partition, &row);
        if (partition != op->partition)
            break;
        if (row >= end)
            return NULL;
        BARKS_TRY(
            batch_append(op->rows, batch, (uint32_t)(row - op->partition_rows), 1, BATCH_COPY));
    }
    op->base.task->partition_done = true;
    return NULL;
}

/* ---- rows of a key: step STEP_PROBE, initial_rows: one row, of which all fields equal keys[0]
 * ---- */

BARKS_CHECKED static barks_status *push_matching(struct collect_terminal *op,
                                                 const struct batch *batch)
{
    const struct step *step = &op->plan->step;
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        bool matches = true;
        for (uint32_t k = 0; k < step->keys[0].count && matches; k++)
            matches = batch_rows_equal(&batch->base, row, &step->keys[0].items[k],
                                       &step->initial_rows->base, 0, &k, 1);
        if (matches)
            BARKS_TRY(batch_append(op->rows, batch, row, 1, BATCH_COPY));
    }
    return NULL;
}

static barks_status *collect_begin(struct operator* self, uint32_t partition)
{
    struct collect_terminal *op = (struct collect_terminal *)self;
    op->partition = partition;
    op->partition_rows = 0;
    op->stride = 1;
    op->sample_bytes = 0;
    batch_clear(op->rows);
    find_first_pick(op);
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
    const struct terminal *plan = op->plan;
    struct row_order by =
        plan->step.function != NULL
            ? order_of_function(&plan->step)
            : (struct row_order){.keys = plan->sort_keys, .key_count = plan->sort_key_count};
    barks_status *status = rows_order_as(&op->rows->base, &by, op->base.task, pool, order);
    if (status == NULL)
        status = keep_rows(op, order,
                           op->plan->limit < row_count ? (uint32_t)op->plan->limit : row_count);
    pool_release(pool, order, row_count * sizeof(uint32_t));
    return status;
}

/* Strings inside of lists and structs, which nobody sorts by, stay as they are; so do those that a
 * function sees, which may make anything of them. */
static void cut_strings(struct batch *batch, const barks_function *compare)
{
    const barks_batch *base = &batch->base;
    for (uint32_t i = 0; i < base->schema->field_count; i++) {
        barks_type_id type = base->columns[i].type->id;
        bool is_seen =
            compare != NULL && schema_find(&compare->in->schema, base->schema->fields[i].name) >= 0;
        if (is_seen || (type != BARKS_STR && type != BARKS_BYTES))
            continue;
        barks_str *strings = column_strings(&base->columns[i], 0);
        for (uint32_t row = 0; row < base->row_count; row++)
            if (strings[row].length > SAMPLE_STRING_BYTES)
                strings[row].length = SAMPLE_STRING_BYTES; /* still too long to be inlined */
    }
}

/* Every other one stays: those at the multiples of the doubled stride. */
BARKS_CHECKED static barks_status *thin_out(struct collect_terminal *op)
{
    uint32_t row_count = op->rows->base.row_count;
    uint32_t *halved = calloc((row_count + 1) / 2, sizeof *halved);
    if (halved == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %u rows", row_count);
    for (uint32_t i = 0; i < (row_count + 1) / 2; i++)
        halved[i] = 2 * i;
    barks_status *status = keep_rows(op, halved, (row_count + 1) / 2);
    free(halved);
    op->stride *= 2;
    op->sample_bytes /= 2;
    return status;
}

BARKS_CHECKED static barks_status *push_sampled(struct collect_terminal *op,
                                                const struct batch *batch)
{
    uint64_t skipped = (op->stride - op->partition_rows % op->stride) % op->stride;
    for (uint64_t row = skipped; row < batch->base.row_count; row += op->stride) {
        batch_clear(op->spare);
        BARKS_TRY(batch_append(op->spare, batch, (uint32_t)row, 1, BATCH_KEEP));
        cut_strings(op->spare, op->plan->step.function);
        op->sample_bytes += codec_encoded_bytes(&op->spare->base, 0, 1);
        BARKS_TRY(batch_append(op->rows, op->spare, 0, 1, BATCH_COPY));
    }
    batch_clear(op->spare);
    uint32_t row_count = op->rows->base.row_count;
    if (row_count < 2 || (row_count < 2 * op->plan->limit && op->sample_bytes < SAMPLE_BYTES_MAX))
        return NULL;
    return thin_out(op);
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
    if (op->plan->step.kind == STEP_PICK)
        status = push_picked(op, batch);
    else if (op->plan->step.kind == STEP_PROBE)
        status = push_matching(op, batch);
    else if (op->plan->kind == TERMINAL_COLLECT)
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
    uint64_t stood_for = op->partition_rows;
    if (op->plan->kind == TERMINAL_SAMPLE)
        stood_for = (uint64_t)((double)stood_for * self->task->rows_stand_for);
    return result_add(self->task->result, op->partition, stood_for, &op->rows->base);
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
