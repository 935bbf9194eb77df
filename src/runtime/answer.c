#include "runtime/answer.h"

#include "base/copy.h"
#include "batch/bind.h"
#include "exec/comparator.h"
#include "exec/pipeline.h"
#include "io/directory.h"
#include "io/sink.h"
#include "runtime/action.h"
#include "shuffle/combine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

barks_status *answer_count(barks_context *context, struct node *node, const char *what,
                           uint64_t *out_row_count)
{
    struct job job = {0};
    struct batch *none = NULL;
    struct terminal terminal = {.kind = TERMINAL_COUNT};
    BARKS_TRY(node_error(node));
    BARKS_TRY(batch_create(context->pool, &node->record->schema, 1, &none));
    barks_status *status = action_run(context, node, &terminal, what, &job);
    if (status == NULL)
        status = action_rows(&job, none, out_row_count);
    job_drop(&job);
    batch_destroy(none);
    return status;
}

/* ---- rows ---- */

barks_status *answer_give_rows(barks_context *context, struct batch *batch,
                               const barks_record *record, const char *what, void **out_rows)
{
    uint32_t field_count = record->schema.field_count;
    uint32_t *columns = calloc((size_t)field_count + 1, sizeof *columns);
    const barks_column **bound = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    void *rows = calloc((size_t)batch->base.row_count + 1, record->size);
    barks_status *status = NULL;
    if (columns == NULL || bound == NULL || rows == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                             "%s: no memory for %" PRIu32 " rows", what, batch->base.row_count);
    if (status == NULL)
        status = bind_columns(batch->base.schema, &record->schema, record->name, what, columns);
    if (status == NULL) {
        for (uint32_t i = 0; i < field_count; i++)
            bound[i] = &batch->base.columns[columns[i]];
        record->from_columns(bound, NULL, batch->base.row_count, rows);
        *out_rows = rows;
        status = context_keep_rows(context, rows, batch);
    } else {
        free(rows);
        batch_destroy(batch);
    }
    free(columns);
    free(bound);
    return status;
}

/* No more than limit rows stay. */
BARKS_CHECKED static barks_status *cut_rows(barks_context *context, struct batch **batch,
                                            uint64_t limit)
{
    if ((*batch)->base.row_count <= limit)
        return NULL;
    struct batch *cut = NULL;
    BARKS_TRY(batch_create(context->pool, (*batch)->base.schema, (uint32_t)limit + 1, &cut));
    barks_status *status = batch_append(cut, *batch, 0, (uint32_t)limit, BATCH_COPY);
    if (status != NULL) {
        batch_destroy(cut);
        return status;
    }
    batch_destroy(*batch);
    *batch = cut;
    return NULL;
}

/* First one partition, then four times as many, until there are enough rows. What lies below an
 * exchange is computed again each time, so there the second time is the last. */
BARKS_CHECKED static barks_status *gather_first(barks_context *context, struct node *node,
                                                uint64_t limit, const char *what,
                                                struct batch *batch)
{
    uint32_t first = 0, count = 1;
    if (limit == INT64_MAX || node->is_above_together)
        count = node->partition_count;
    do {
        struct job job = {0};
        uint64_t partition_rows = 0;
        uint32_t left = node->partition_count - first;
        struct terminal terminal = {.kind = TERMINAL_COLLECT,
                                    .limit = limit - batch->base.row_count,
                                    .first_partition = first,
                                    .end_partition = first + (count < left ? count : left)};
        barks_status *status = action_run(context, node, &terminal, what, &job);
        if (status == NULL)
            status = action_rows(&job, batch, &partition_rows);
        job_drop(&job);
        BARKS_TRY(status);
        first += count < left ? count : left;
        count = node->is_above_exchange ? UINT32_MAX : count < UINT32_MAX / 4 ? 4 * count : count;
    } while (first < node->partition_count && batch->base.row_count < limit);
    return NULL;
}

barks_status *answer_collect(barks_context *context, struct node *node, const char *what,
                             struct batch **out_batch)
{
    struct batch *batch = NULL;
    BARKS_TRY(node_error(node));
    BARKS_TRY(batch_create(context->pool, &node->record->schema, BATCH_ROWS, &batch));
    barks_status *status = gather_first(context, node, INT64_MAX, what, batch);
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    *out_batch = batch;
    return NULL;
}

barks_status *answer_take(barks_context *context, struct node *node, int64_t n,
                          const barks_record *record, const char *what, void **out_rows,
                          uint64_t *out_row_count)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_take_rows(context, node, n, what, &batch));
    *out_row_count = batch->base.row_count;
    return answer_give_rows(context, batch, record, what, out_rows);
}

barks_status *answer_take_rows(barks_context *context, struct node *node, int64_t n,
                               const char *what, struct batch **out_rows)
{
    struct batch *batch = NULL;
    BARKS_TRY(node_error(node));
    if (n < 0)
        BARKS_FAIL(BARKS_INVALID, "%s: the number of rows is %" PRId64 ", below 0", what, n);
    BARKS_TRY(batch_create(context->pool, &node->record->schema, BATCH_ROWS, &batch));
    barks_status *status = n > 0 ? gather_first(context, node, (uint64_t)n, what, batch) : NULL;
    if (status == NULL)
        status = cut_rows(context, &batch, (uint64_t)n);
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    *out_rows = batch;
    return NULL;
}

/* The first limit rows of the partitions' best, in order. */
BARKS_CHECKED static barks_status *merge_best(barks_context *context,
                                              const struct batch *candidates,
                                              const struct row_order *order_by, uint64_t limit,
                                              struct batch *best)
{
    uint32_t row_count = candidates->base.row_count;
    uint32_t *order = calloc((size_t)row_count + 1, sizeof *order);
    if (order == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to order %" PRIu32 " rows", row_count);
    barks_status *status = rows_order_as(&candidates->base, order_by, NULL, context->pool, order);
    if (status == NULL)
        status = batch_gather(best, candidates, order,
                              limit < row_count ? (uint32_t)limit : row_count, BATCH_COPY);
    free(order);
    return status;
}

barks_status *answer_top(barks_context *context, struct node *node, int64_t n,
                         const struct sort_key *keys, uint32_t key_count,
                         const barks_record *record, const char *what, void **out_rows,
                         uint64_t *out_row_count)
{
    struct batch *best = NULL;
    BARKS_TRY(answer_top_rows(context, node, n, keys, key_count, what, &best));
    *out_row_count = best->base.row_count;
    return answer_give_rows(context, best, record, what, out_rows);
}

barks_status *answer_top_rows(barks_context *context, struct node *node, int64_t n,
                              const struct sort_key *keys, uint32_t key_count, const char *what,
                              struct batch **out_rows)
{
    const struct row_order by = {.keys = keys, .key_count = key_count};
    return answer_first_by(context, node, n, &by, what, out_rows);
}

BARKS_CHECKED static barks_status *fill_top(const struct row_order *by, struct terminal *terminal)
{
    terminal->sort_key_count = by->key_count;
    BARKS_TRY(
        copy_bytes(by->keys, by->key_count * sizeof *by->keys, (void **)&terminal->sort_keys));
    if (by->compare == NULL)
        return NULL;
    terminal->step =
        (struct step){.kind = STEP_FUNCTION, .function = by->compare, .numbers = {by->descending}};
    return copy_bytes(by->env, by->compare->env_size, &terminal->step.env);
}

barks_status *answer_first_by(barks_context *context, struct node *node, int64_t n,
                              const struct row_order *by, const char *what, struct batch **out_rows)
{
    struct job job = {0};
    struct batch *candidates = NULL, *best = NULL;
    uint64_t partition_rows = 0;
    struct terminal terminal = {.kind = TERMINAL_TOP, .limit = (uint64_t)n};
    BARKS_TRY(node_error(node));
    if (n < 0)
        BARKS_FAIL(BARKS_INVALID, "%s: the number of rows is %" PRId64 ", below 0", what, n);
    barks_status *status = fill_top(by, &terminal);
    if (status == NULL)
        status = batch_create(context->pool, &node->record->schema, BATCH_ROWS, &candidates);
    if (status == NULL)
        status = batch_create(context->pool, &node->record->schema, BATCH_ROWS, &best);
    if (status == NULL)
        status = action_run(context, node, &terminal, what, &job);
    if (status == NULL)
        status = action_rows(&job, candidates, &partition_rows);
    if (status == NULL)
        status = merge_best(context, candidates, by, (uint64_t)n, best);
    terminal_drop(&terminal);
    job_drop(&job);
    batch_destroy(candidates);
    if (status != NULL) {
        batch_destroy(best);
        return status;
    }
    *out_rows = best;
    return NULL;
}

/* ---- one row of all ---- */

struct fold_result {
    barks_context *context;
    const barks_record *record;
    const char *what;
    void *out;
};

static barks_status *copy_result(void *argument, struct batch *batch)
{
    struct fold_result *result = argument;
    struct batch *copy = NULL;
    void *rows = NULL;
    BARKS_TRY(batch_create(result->context->pool, batch->base.schema, 1, &copy));
    barks_status *status = batch_append(copy, batch, 0, 1, BATCH_COPY);
    if (status != NULL) {
        batch_destroy(copy);
        return status;
    }
    BARKS_TRY(answer_give_rows(result->context, copy, result->record, result->what, &rows));
    memcpy(result->out, rows, result->record->size);
    return NULL;
}

/* The partitions' accumulators, folded in the order of the partitions (A71). */
barks_status *answer_fold_rows(barks_context *context, const struct batch *accumulators,
                               const barks_function *function, const char *what, void *out)
{
    struct fold_result result = {
        .context = context, .record = function->in, .what = what, .out = out};
    struct combine_options options = {.pool = context->pool,
                                      .in = &function->in->schema,
                                      .accumulator = function->in,
                                      .function = function};
    struct combine *combine = NULL;
    uint32_t row = 0;
    BARKS_TRY(combine_create(&options, &combine));
    barks_status *status = combine_add(combine, accumulators, &row);
    if (status == NULL)
        status = combine_drain(combine, true, copy_result, &result);
    combine_destroy(combine);
    return status;
}

barks_status *answer_reduce(barks_context *context, struct node *node,
                            const barks_function *function, const char *what, void *out)
{
    struct job job = {0};
    struct batch *accumulators = NULL;
    uint64_t partition_rows = 0;
    struct terminal terminal = {.kind = TERMINAL_FOLD,
                                .step = {.kind = STEP_COMBINE, .function = function},
                                .accumulator = function->in};
    BARKS_TRY(node_error(node));
    if (function->env_size > 0)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env, which barks_reduce does not take", what,
                   function->name);
    barks_status *status =
        batch_create(context->pool, &function->in->schema, BATCH_ROWS, &accumulators);
    if (status == NULL)
        status = action_run(context, node, &terminal, what, &job);
    if (status == NULL)
        status = action_rows(&job, accumulators, &partition_rows);
    if (status == NULL && accumulators->base.row_count == 0)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: empty dataset: there is nothing to reduce", what);
    if (status == NULL)
        status = answer_fold_rows(context, accumulators, function, what, out);
    batch_destroy(accumulators);
    job_drop(&job);
    return status;
}

barks_status *answer_foreach(barks_context *context, struct node *node,
                             const barks_function *function, const void *env, const char *what)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_FOREACH,
                                .step = {.kind = STEP_FUNCTION, .function = function}};
    BARKS_TRY(node_error(node));
    if (function->env_size > 0 && env == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env, and was given NULL", what,
                   function->name);
    if (function->env_size > 0)
        BARKS_TRY(copy_bytes(env, function->env_size, &terminal.step.env));
    barks_status *status = action_run(context, node, &terminal, what, &job);
    job_drop(&job);
    return status;
}

barks_status *answer_write(barks_context *context, struct node *node, const char *format,
                           const char *path, int save_mode, const char *what)
{
    const struct sink_format *sink = sink_format_find(format);
    if (sink == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: there is no format '%s'", what, format);
    return action_write(context, node, sink, path, save_mode, what);
}

barks_status *answer_remove(const char *path) { return directory_remove(path); }
