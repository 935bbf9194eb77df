/* Rows in which some fields become running values over the whole dataset. What they are where a
 * partition begins has been found before. */
#include "batch/bind.h"
#include "batch/codec.h"
#include "batch/gather_columns.h"
#include "exec/operator.h"
#include "exec/scanner.h"

#include <stdlib.h>

struct scan_operator {
    struct operator base;
    const struct pipe_node *node;
    struct scanner scanner;
    struct batch *begins;        /* values where partitions begin, from numbers[1] on */
    const barks_column **starts; /* the columns of begins; owned */
    const barks_column **bound;  /* the batch's columns that the function sees; owned */
    uint32_t *columns;           /* which they are; owned */
    struct index_list carried;   /* the others; owned */
    uint32_t rows[BATCH_ROWS];
    struct batch *output;
};

static void scan_destroy(struct operator* self)
{
    struct scan_operator *op = (struct scan_operator *)self;
    scanner_drop(&op->scanner);
    batch_destroy(op->begins);
    batch_destroy(op->output);
    free(op->starts);
    free(op->bound);
    free(op->columns);
    index_list_drop(&op->carried);
    free(op);
}

static barks_status *scan_begin_partition(struct operator* self, uint32_t partition)
{
    struct scan_operator *op = (struct scan_operator *)self;
    int64_t begin = (int64_t)partition - op->node->step.numbers[1];
    if (begin < 0) { /* no rows come before it */
        scanner_clear(&op->scanner);
        return NULL;
    }
    if (begin >= op->begins->base.row_count)
        BARKS_FAIL(BARKS_INTERNAL, "partition %u of a scan has no value to begin with", partition);
    return scanner_begin_row(&op->scanner, op->starts, (uint32_t)begin);
}

BARKS_CHECKED static barks_status *scan_row(struct scan_operator *op, const struct batch *batch,
                                            uint32_t row, uint32_t to)
{
    bool is_exclusive = op->node->step.numbers[0] != 0;
    if (is_exclusive)
        BARKS_TRY(scanner_store(&op->scanner, op->output, op->columns, to));
    barks_status *status = scanner_add(&op->scanner, op->bound, row, &op->base.task->info);
    if (status != NULL)
        return operator_fail_at_row(op->base.task, status,
                                    &(struct failed_row){.function = op->node->step.function,
                                                         .site = op->node->where,
                                                         .batch = &batch->base,
                                                         .row = row});
    return is_exclusive ? NULL : scanner_store(&op->scanner, op->output, op->columns, to);
}

BARKS_CHECKED static barks_status *scan_rows(struct scan_operator *op, struct batch *batch,
                                             uint32_t first, uint32_t count)
{
    struct batch *output = op->output;
    BARKS_TRY(batch_reserve(output, count));
    for (uint32_t k = 0; k < count; k++)
        op->rows[k] = first + k;
    BARKS_TRY(columns_gather(output, op->carried.items, batch, op->carried.items, op->carried.count,
                             op->rows, count));
    for (uint32_t k = 0; k < count; k++)
        BARKS_TRY(scan_row(op, batch, first + k, k));
    output->base.row_count = count;
    BARKS_TRY(batch_lend_blocks(output, batch));
    BARKS_TRY(scanner_lend(&op->scanner, output));
    BARKS_TRY(operator_push(op->base.next, output));
    return scanner_forget(&op->scanner);
}

static barks_status *scan_push(struct operator* self, struct batch *batch)
{
    struct scan_operator *op = (struct scan_operator *)self;
    uint32_t row_count = batch->base.row_count;
    for (uint32_t i = 0; i < op->node->step.function->in->schema.field_count; i++)
        op->bound[i] = &batch->base.columns[op->columns[i]];
    for (uint32_t first = 0; first < row_count && !self->task->partition_done;
         first += BATCH_ROWS) {
        uint32_t count = row_count - first < BATCH_ROWS ? row_count - first : BATCH_ROWS;
        barks_status *status = scan_rows(op, batch, first, count);
        batch_clear(op->output);
        BARKS_TRY(status);
    }
    return NULL;
}

static const struct operator_kind scan_kind = {
    .name = "scan",
    .begin_partition = scan_begin_partition,
    .push = scan_push,
    .destroy = scan_destroy,
};

BARKS_CHECKED static barks_status *read_begins(struct scan_operator *op, struct pool *pool)
{
    const struct step *step = &op->node->step;
    const barks_schema *schema = &step->function->in->schema;
    BARKS_TRY(batch_create(pool, schema, 1, &op->begins));
    if (step->bytes != NULL)
        BARKS_TRY(codec_decode(step->bytes, step->size_bytes, NULL, op->begins));
    for (uint32_t i = 0; i < schema->field_count; i++)
        op->starts[i] = &op->begins->base.columns[i];
    return NULL;
}

/* Columns keep their places; the function's are written by the scanner. */
BARKS_CHECKED static barks_status *list_carried(struct scan_operator *op, const barks_schema *given)
{
    uint32_t field_count = op->node->step.function->in->schema.field_count;
    BARKS_TRY(index_list_copy(NULL, given->field_count, &op->carried));
    op->carried.count = 0;
    for (uint32_t column = 0; column < given->field_count; column++) {
        bool is_seen = false;
        for (uint32_t i = 0; i < field_count; i++)
            is_seen |= op->columns[i] == column;
        if (!is_seen)
            op->carried.items[op->carried.count++] = column;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fill_operator(struct scan_operator *op,
                                                 const barks_schema *given)
{
    struct pool *pool = op->base.task->services->pool;
    const struct step *step = &op->node->step;
    const barks_function *function = step->function;
    uint32_t field_count = function->in->schema.field_count;
    op->columns = calloc((size_t)field_count + 1, sizeof *op->columns);
    op->bound = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    op->starts = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    if (op->columns == NULL || op->bound == NULL || op->starts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", function->name);
    BARKS_TRY(
        bind_columns(given, &function->in->schema, function->name, op->node->where, op->columns));
    BARKS_TRY(list_carried(op, given));
    BARKS_TRY(scanner_init(&op->scanner, pool, function, step->env));
    BARKS_TRY(read_begins(op, pool));
    return batch_create(pool, &op->node->record->schema, BATCH_ROWS, &op->output);
}

OPERATOR_MAKER(scan)
{
    struct scan_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &scan_kind, .task = task};
    op->node = node;
    barks_status *status = fill_operator(op, inputs->schemas[0]);
    if (status != NULL) {
        scan_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
