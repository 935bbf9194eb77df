#include "runtime/sampling.h"

#include "exec/comparator.h"
#include "exec/pipeline.h"
#include "plan/input_bytes.h"
#include "runtime/action.h"
#include "runtime/job_results.h"
#include "runtime/quarantines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SAMPLE_ROWS_PER_PARTITION = 100,
    SAMPLE_ROWS_LEAST = 20, /* for each partition of the result; with fewer all files are read */
    FILE_STRIDE = 16,       /* else one byte in so many of long files */
    STEPS_MAX = 64,         /* from the files to the rows that are sampled so */
};
#define THINNED_BYTES_MIN (UINT64_C(16) << 20)

/* Sampled rows, and how many rows of the input each stands for: a partition sends about as many
 * whatever its size. */
struct sample {
    struct batch *rows;
    double *weights; /* owned */
    uint32_t weight_capacity;
};

static void sample_drop(struct sample *sample)
{
    batch_destroy(sample->rows);
    free(sample->weights);
}

BARKS_CHECKED static barks_status *add_weights(struct sample *sample,
                                               const struct result_head *head)
{
    uint32_t row_count = sample->rows->base.row_count;
    if (row_count > sample->weight_capacity) {
        uint32_t capacity = row_count < UINT32_MAX / 2 ? 2 * row_count : UINT32_MAX;
        double *weights = realloc(sample->weights, capacity * sizeof *weights);
        if (weights == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %" PRIu32 " rows", row_count);
        sample->weights = weights;
        sample->weight_capacity = capacity;
    }
    for (uint32_t row = row_count - head->row_count; row < row_count; row++)
        sample->weights[row] = (double)head->partition_rows / head->row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *read_sample(const struct job *job, struct sample *sample)
{
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        BARKS_TRY(job_results_next_rows(&results, sample->rows, &head, &more));
        if (more && head.row_count > 0)
            BARKS_TRY(add_weights(sample, &head));
    }
    return NULL;
}

/* Row i of the chosen is the first that has i + 1 shares of all weight before or in it. */
static void choose(const struct sample *sample, const uint32_t *order, uint32_t share_count,
                   uint32_t *out_chosen)
{
    uint32_t row_count = sample->rows->base.row_count, chosen = 0;
    double total = 0, passed = 0;
    for (uint32_t i = 0; i < row_count; i++)
        total += sample->weights[i];
    for (uint32_t i = 0; i < row_count; i++) {
        passed += sample->weights[order[i]];
        while (chosen + 1 < share_count && passed * share_count >= total * (chosen + 1))
            out_chosen[chosen++] = order[i];
    }
    while (chosen + 1 < share_count) /* rounding: the last ones */
        out_chosen[chosen++] = order[row_count - 1];
}

BARKS_CHECKED static barks_status *choose_splitters(barks_context *context, struct node *range,
                                                    const struct sample *sample)
{
    uint32_t row_count = sample->rows->base.row_count;
    uint32_t count = row_count > 0 ? range->partition_count - 1 : 0;
    uint32_t *order = calloc((size_t)row_count + 1, sizeof *order);
    uint32_t *chosen = calloc((size_t)count + 1, sizeof *chosen);
    struct batch *splitters = NULL;
    barks_status *status = NULL;
    const struct exchange_plan *exchange = &range->exchange;
    struct row_order by =
        exchange->step.function != NULL
            ? order_of_function(&exchange->step)
            : (struct row_order){.keys = exchange->order, .key_count = exchange->order_count};
    if (order == NULL || chosen == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for a sample of %" PRIu32 " rows", row_count);
    if (status == NULL)
        status = rows_order_as(&sample->rows->base, &by, NULL, context->pool, order);
    if (status == NULL && count > 0)
        choose(sample, order, range->partition_count, chosen);
    if (status == NULL)
        status = batch_create(context->pool, &range->record->schema, count + 1, &splitters);
    if (status == NULL)
        status = batch_gather(splitters, sample->rows, chosen, count, BATCH_COPY);
    free(order);
    free(chosen);
    if (status != NULL) {
        batch_destroy(splitters);
        return status;
    }
    if (range->exchange.splitters == NULL)
        range->exchange.splitters = splitters;
    else /* another action has found some meanwhile */
        batch_destroy(splitters);
    return NULL;
}

/* Whether each row is made of one row of a file by itself, so that files may be thinned out: any
 * rows may be splitters, and nobody else sees those that are read for a sample. */
static bool is_made_of_file_rows(const struct node *node, uint32_t depth)
{
    const struct step *step = &node->step;
    if (step->kind == STEP_FILES)
        return true;
    bool is_by_row = step->kind == STEP_UNION || step->kind == STEP_PROJECT ||
                     (step->kind == STEP_FUNCTION && (step->function->kind == BARKS_KIND_MAP ||
                                                      step->function->kind == BARKS_KIND_FLAT_MAP ||
                                                      step->function->kind == BARKS_KIND_FILTER));
    is_by_row &= depth < STEPS_MAX;
    for (uint32_t i = 0; is_by_row && i < node->input_count; i++)
        is_by_row = is_made_of_file_rows(node->inputs[i], depth + 1);
    return is_by_row;
}

/* Reads one byte in `stride` of long files, 0: all. */
BARKS_CHECKED static barks_status *take_sample(barks_context *context, struct node *range,
                                               const char *sampling, uint32_t stride,
                                               struct sample *out_sample)
{
    struct job job = {0};
    /* About 100 rows for each result partition, whatever the number of input partitions. */
    uint32_t inputs = range->inputs[0]->partition_count > 0 ? range->inputs[0]->partition_count : 1;
    uint64_t limit = (uint64_t)SAMPLE_ROWS_PER_PARTITION * range->partition_count / inputs;
    struct terminal terminal = {
        .kind = TERMINAL_SAMPLE,
        .limit = limit > SAMPLE_ROWS_PER_PARTITION ? limit : SAMPLE_ROWS_PER_PARTITION,
        .stride = stride};
    barks_status *status =
        batch_create(context->pool, &range->record->schema, BATCH_ROWS, &out_sample->rows);
    if (status == NULL)
        status = step_copy(&range->exchange.step, &terminal.step);
    if (status == NULL)
        status = action_run_job(context, range->inputs[0], &terminal, sampling, &job);
    quarantines_discard(&job); /* the action itself will put them aside */
    if (status == NULL)
        status = read_sample(&job, out_sample);
    terminal_drop(&terminal);
    job_drop(&job);
    return status;
}

barks_status *sampling_run(barks_context *context, struct node *range, const char *what)
{
    char sampling[256];
    struct sample sample = {0};
    struct node *input = range->inputs[0];
    snprintf(sampling, sizeof sampling, "sample of %s", what);
    bool thins_out = is_made_of_file_rows(input, 0) && node_input_bytes(input) >= THINNED_BYTES_MIN;
    barks_status *status =
        take_sample(context, range, sampling, thins_out ? FILE_STRIDE : 0, &sample);
    uint64_t least_rows = (uint64_t)SAMPLE_ROWS_LEAST * range->partition_count;
    if (status == NULL && thins_out && sample.rows->base.row_count < least_rows) {
        sample_drop(&sample);
        sample = (struct sample){0};
        status = take_sample(context, range, sampling, 0, &sample);
    }
    if (status == NULL) {
        status = choose_splitters(context, range, &sample);
        if (status != NULL && barks_status_code(status) == BARKS_USER_ERROR)
            status = barks_status_new(BARKS_USER_ERROR, status, BARKS_HERE, "%s", sampling);
    }
    sample_drop(&sample);
    return status;
}
