/* Rows into several partitions of a shuffle each, for cartesian products. */
#include "batch/codec.h"
#include "batch/row_bytes.h"
#include "exec/operator.h"
#include "shuffle/exchange.h"

#include <stdlib.h>

enum { FRAME_BYTES = 512 << 10 };

struct replicate_terminal {
    struct operator base;
    const struct terminal *plan;
    struct batch *rows;    /* on their way */
    uint32_t first_target; /* of the partition that runs */
};

static void replicate_destroy(struct operator* self)
{
    struct replicate_terminal *op = (struct replicate_terminal *)self;
    batch_destroy(op->rows);
    free(op);
}

/* Partition i of one side goes to i * copies, i * copies + 1, ...; partition j of the other, whose
 * stride is the number of copies of the first, to j, j + stride, ... */
static barks_status *replicate_begin(struct operator* self, uint32_t partition)
{
    struct replicate_terminal *op = (struct replicate_terminal *)self;
    op->first_target = op->plan->stride == 1 ? partition * op->plan->copies : partition;
    return NULL;
}

BARKS_CHECKED static barks_status *send_to(struct replicate_terminal *op, uint32_t target)
{
    const struct task_spec *spec = op->base.task->spec;
    struct batch *copy = NULL;
    if (target >= op->plan->partition_count)
        BARKS_FAIL(BARKS_INTERNAL, "a copy of rows for partition %u of %u", target,
                   op->plan->partition_count);
    BARKS_TRY(batch_create(op->rows->pool, op->rows->base.schema, op->rows->base.row_count, &copy));
    barks_status *status = batch_append(copy, op->rows, 0, op->rows->base.row_count, BATCH_KEEP);
    if (status != NULL) {
        batch_destroy(copy);
        return status;
    }
    return exchange_add(op->base.task->services->exchange, op->plan->shuffle, spec->task,
                        spec->attempt, target, op->plan->owners[target], copy);
}

static barks_status *send_all(struct operator* self)
{
    struct replicate_terminal *op = (struct replicate_terminal *)self;
    if (op->rows->base.row_count == 0)
        return NULL;
    for (uint32_t i = 0; i < op->plan->copies; i++)
        BARKS_TRY(send_to(op, op->first_target + i * op->plan->stride));
    batch_clear(op->rows);
    return NULL;
}

BARKS_CHECKED static barks_status *check_rows(const barks_batch *rows)
{
    if (rows->row_count == 0 || !row_has_pointers(rows->schema))
        return NULL;
    uint32_t *bytes = malloc(rows->row_count * sizeof *bytes);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to send %u rows", rows->row_count);
    rows_find_bytes(rows, bytes);
    barks_status *status = rows_check_bytes(bytes, rows->row_count, ROW_BYTES_MAX);
    free(bytes);
    return status;
}

/* In pieces that are no more than a frame, unless a row is. */
static barks_status *replicate_push(struct operator* self, struct batch *batch)
{
    struct replicate_terminal *op = (struct replicate_terminal *)self;
    BARKS_TRY(check_rows(&batch->base));
    for (uint32_t first = 0, count = 0; first < batch->base.row_count; first += count) {
        count = batch->base.row_count - first;
        while (count > 1 && codec_encoded_bytes(&batch->base, first, count) > FRAME_BYTES)
            count /= 2;
        BARKS_TRY(batch_append(op->rows, batch, first, count, BATCH_COPY));
        if (codec_encoded_bytes(&op->rows->base, 0, op->rows->base.row_count) >= FRAME_BYTES)
            BARKS_TRY(send_all(self));
    }
    return NULL;
}

static const struct operator_kind replicate_kind = {
    .name = "replicate",
    .begin_partition = replicate_begin,
    .push = replicate_push,
    .end_partition = send_all,
    .destroy = replicate_destroy,
};

barks_status *replicate_terminal_create(struct task *task, const barks_record *record,
                                        struct operator** out_operator)
{
    struct replicate_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &replicate_kind, .task = task};
    op->plan = &task->spec->pipeline->terminal;
    barks_status *status =
        batch_create(task->services->pool, &record->schema, BATCH_ROWS, &op->rows);
    if (status != NULL) {
        replicate_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
