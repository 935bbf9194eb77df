#include "exec/sample_operator.h"

#include "base/random.h"
#include "exec/operator.h"

#include <math.h>
#include <stdlib.h>

struct sample_operator {
    struct operator base;
    const struct pipe_node *node;
    uint64_t partition_seed;
    uint64_t position; /* of the next row in the partition */
    uint32_t row_count;
    uint32_t rows[BATCH_ROWS]; /* drawn, of the batch at hand */
    struct batch *output;
};

static void sample_destroy(struct operator* self)
{
    struct sample_operator *op = (struct sample_operator *)self;
    batch_destroy(op->output);
    free(op);
}

static barks_status *sample_begin_partition(struct operator* self, uint32_t partition)
{
    struct sample_operator *op = (struct sample_operator *)self;
    uint64_t state = (uint64_t)op->node->step.numbers[0];
    state = splitmix64(&state) + partition;
    op->partition_seed = splitmix64(&state);
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

static uint64_t draw_copies(const struct sample_operator *op, uint64_t position)
{
    const struct step *step = &op->node->step;
    uint64_t state = op->partition_seed + position;
    state = splitmix64(&state);
    if (step->numbers[1] == SAMPLE_POISSON)
        return draw_poisson(step->reals[0], &state);
    double place = unit(&state);
    return place >= step->reals[0] && place < step->reals[1];
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

static barks_status *sample_push(struct operator* self, struct batch *batch)
{
    struct sample_operator *op = (struct sample_operator *)self;
    for (uint32_t row = 0; row < batch->base.row_count && !self->task->partition_done; row++)
        for (uint64_t copies = draw_copies(op, op->position + row); copies > 0; copies--) {
            op->rows[op->row_count++] = row;
            if (op->row_count == BATCH_ROWS)
                BARKS_TRY(give_rows(op, batch));
        }
    op->position += batch->base.row_count;
    return give_rows(op, batch);
}

static const struct operator_kind sample_kind = {
    .name = "sample",
    .begin_partition = sample_begin_partition,
    .push = sample_push,
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
    if (status != NULL) {
        sample_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
