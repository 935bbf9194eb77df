#include "exec/sample_operator.h"

#include "base/random.h"
#include "exec/operator.h"
#include "exec/strata.h"

#include <math.h>
#include <stdlib.h>

struct sample_operator {
    struct operator base;
    const struct pipe_node *node;
    struct strata strata; /* of kinds that have some */
    uint64_t partition_seed;
    uint32_t partition;
    uint64_t position;     /* of the batch's first row in the partition */
    const uint32_t *found; /* the strata of the batch's rows */
    uint32_t row_count;
    uint32_t rows[BATCH_ROWS]; /* drawn, of the batch at hand */
    struct batch *output;
};

static bool has_strata(enum sample_kind kind) { return kind >= SAMPLE_STRATA; }

static void sample_destroy(struct operator* self)
{
    struct sample_operator *op = (struct sample_operator *)self;
    strata_drop(&op->strata);
    batch_destroy(op->output);
    free(op);
}

static barks_status *sample_begin_partition(struct operator* self, uint32_t partition)
{
    struct sample_operator *op = (struct sample_operator *)self;
    uint64_t state = (uint64_t)op->node->step.numbers[0];
    state = splitmix64(&state) + partition;
    op->partition_seed = splitmix64(&state);
    op->partition = partition;
    op->position = 0;
    return NULL;
}

static double unit(uint64_t *state) { return (double)(splitmix64(state) >> 11) * 0x1p-53; }

/* Source: Knuth, The Art of Computer Programming, volume 2, 3.4.1; a large mean is a sum of small
 * ones, since exp(-mean) must not vanish. */
static uint64_t draw_poisson(double mean, uint64_t *state)
{
    enum { MEAN_AT_ONCE = 32 };
    uint64_t count = 0;
    for (; mean > 0; mean -= MEAN_AT_ONCE) {
        double limit = exp(-(mean < MEAN_AT_ONCE ? mean : MEAN_AT_ONCE));
        for (double product = unit(state); product > limit; product *= unit(state))
            count++;
    }
    return count;
}

static uint64_t draw_copies(const struct step *step, const struct stratum *stratum, uint64_t *state)
{
    double mean = stratum != NULL ? stratum->mean : step->reals[0], low = 0, high = mean;
    if (step->numbers[1] == SAMPLE_POISSON || step->numbers[3] != 0)
        return draw_poisson(mean, state);
    if (step->numbers[1] == SAMPLE_RANGE) {
        low = step->reals[0];
        high = step->reals[1];
    } else if (step->numbers[1] != SAMPLE_STRATA) {
        return 1;
    }
    double place = unit(state);
    return place >= low && place < high;
}

BARKS_CHECKED static barks_status *give_rows(struct sample_operator *op, struct batch *batch)
{
    uint32_t count = op->row_count;
    op->row_count = 0;
    if (count == 0 || op->base.task->partition_done)
        return NULL;
    barks_status *status = batch_gather(op->output, batch, op->rows, count, BATCH_KEEP);
    if (status == NULL)
        status = operator_push(op->base.next, op->output);
    batch_clear(op->output);
    return status;
}

/* A copy of the lots that are wanted. */
BARKS_CHECKED static barks_status *give_lot(struct sample_operator *op, uint32_t stratum,
                                            uint64_t lot, uint64_t position)
{
    uint32_t row = op->output->base.row_count, bits = (uint32_t)op->node->step.reals[0];
    const uint64_t values[] = {stratum, lot >> (LOT_BITS - bits), lot, op->partition, position};
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++)
        ((int64_t *)op->output->base.columns[i].values)[row] = (int64_t)values[i]; /* < 2^63 */
    op->output->base.row_count++;
    if (op->output->base.row_count < BATCH_ROWS)
        return NULL;
    barks_status *status = operator_push(op->base.next, op->output);
    batch_clear(op->output);
    return status;
}

/* All copies of a row. */
BARKS_CHECKED static barks_status *draw_row(struct sample_operator *op, struct batch *batch,
                                            uint32_t row)
{
    const struct step *step = &op->node->step;
    enum sample_kind kind = (enum sample_kind)step->numbers[1];
    uint64_t position = op->position + row, state = op->partition_seed + position;
    uint32_t found = has_strata(kind) ? op->found[row] : 0;
    if (found == BARKS_NO_ROW)
        return NULL;
    const struct stratum *stratum = has_strata(kind) ? &op->strata.strata[found] : NULL;
    state = splitmix64(&state);
    for (uint64_t copies = draw_copies(step, stratum, &state); copies > 0; copies--) {
        if (kind >= SAMPLE_LOWEST) {
            uint64_t lot = splitmix64(&state) >> (64 - LOT_BITS);
            if (!stratum_draws(stratum, lot, op->partition, position))
                continue;
            if (kind == SAMPLE_LOTS) {
                BARKS_TRY(give_lot(op, found, lot, position));
                continue;
            }
        }
        op->rows[op->row_count++] = row;
        if (op->row_count == BATCH_ROWS)
            BARKS_TRY(give_rows(op, batch));
    }
    return NULL;
}

static barks_status *sample_push(struct operator* self, struct batch *batch)
{
    struct sample_operator *op = (struct sample_operator *)self;
    enum sample_kind kind = (enum sample_kind)op->node->step.numbers[1];
    if (has_strata(kind))
        BARKS_TRY(strata_find(&op->strata, &batch->base, &op->found));
    if (kind == SAMPLE_LOTS)
        BARKS_TRY(batch_reserve(op->output, BATCH_ROWS));
    for (uint32_t row = 0; row < batch->base.row_count && !self->task->partition_done; row++)
        BARKS_TRY(draw_row(op, batch, row));
    op->position += batch->base.row_count;
    return give_rows(op, batch);
}

/* Lots are collected over batches. */
static barks_status *sample_end_partition(struct operator* self)
{
    struct sample_operator *op = (struct sample_operator *)self;
    if (op->output->base.row_count == 0 || self->task->partition_done)
        return NULL;
    barks_status *status = operator_push(self->next, op->output);
    batch_clear(op->output);
    return status;
}

static const struct operator_kind sample_kind = {
    .name = "sample",
    .begin_partition = sample_begin_partition,
    .push = sample_push,
    .end_partition = sample_end_partition,
    .destroy = sample_destroy,
};

OPERATOR_MAKER(sample)
{
    (void)inputs;
    struct sample_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &sample_kind, .task = task};
    op->node = node;
    barks_status *status =
        batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->output);
    if (status == NULL && has_strata((enum sample_kind)node->step.numbers[1]))
        status = strata_open(&op->strata, &node->step, task->services->pool);
    if (status != NULL) {
        sample_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
