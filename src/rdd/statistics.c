/* Numbers about a column. */
#include "rdd/action_frame.h"
#include "runtime/answer.h"
#include "runtime/column_answers.h"

#include <stdlib.h>

static struct action of_column(barks_rdd *rdd, const char *name, const char *column,
                               const char *where, barks_status *(*run)(struct action *action))
{
    struct action action = action_of(rdd, name, where, run);
    action_parse_column(&action, column, where);
    return action;
}

static struct column_question question_of(const struct action *action)
{
    return (struct column_question){.context = action->context,
                                    .node = action->node,
                                    .column = action->columns[0],
                                    .what = action->what};
}

/* ---- sums ---- */

static barks_status *run_stats(struct action *action)
{
    struct column_question question = question_of(action);
    return answer_stats(&question, action->out);
}

bool barks_stats_at(barks_rdd *rdd, const char *column, barks_statistics *out, const char *where)
{
    struct action action = of_column(rdd, "stats", column, where, run_stats);
    action.out = out;
    return action_perform(&action);
}

static barks_status *run_sum(struct action *action)
{
    barks_statistics stats;
    struct column_question question = question_of(action);
    BARKS_TRY(answer_stats(&question, &stats));
    *(double *)action->out = stats.sum;
    return NULL;
}

bool barks_sum_at(barks_rdd *rdd, const char *column, double *out, const char *where)
{
    struct action action = of_column(rdd, "sum", column, where, run_sum);
    action.out = out;
    return action_perform(&action);
}

static barks_status *run_sum_i64(struct action *action)
{
    struct column_question question = question_of(action);
    return answer_integer_sum(&question, action->out);
}

bool barks_sum_i64_at(barks_rdd *rdd, const char *column, int64_t *out, const char *where)
{
    struct action action = of_column(rdd, "sum", column, where, run_sum_i64);
    action.out = out;
    return action_perform(&action);
}

static barks_status *run_mean(struct action *action)
{
    barks_statistics stats;
    struct column_question question = question_of(action);
    BARKS_TRY(answer_stats(&question, &stats));
    *(double *)action->out = stats.mean;
    return NULL;
}

bool barks_mean_at(barks_rdd *rdd, const char *column, double *out, const char *where)
{
    struct action action = of_column(rdd, "mean", column, where, run_mean);
    action.out = out;
    return action_perform(&action);
}

/* ---- distributions ---- */

static barks_status *run_even_histogram(struct action *action)
{
    uint32_t bucket_count = 0;
    struct column_question question = question_of(action);
    BARKS_TRY(answer_even_histogram(&question, (uint32_t)action->n, action->out, action->more_out,
                                    &bucket_count));
    action->count = bucket_count;
    return NULL;
}

int barks_histogram_at(barks_rdd *rdd, const char *column, uint32_t bucket_count,
                       double *out_bounds, int64_t *out_counts, const char *where)
{
    struct action action = of_column(rdd, "histogram", column, where, run_even_histogram);
    action.n = bucket_count;
    action.out = out_bounds;
    action.more_out = out_counts;
    return action_perform(&action) ? (int)action.count : -1;
}

static barks_status *run_histogram(struct action *action)
{
    struct column_question question = question_of(action);
    return answer_histogram(&question, action->values, action->value_count, action->out);
}

bool barks_histogram_of_at(barks_rdd *rdd, const char *column, const double *bounds,
                           uint32_t bound_count, int64_t *out_counts, const char *where)
{
    struct action action = of_column(rdd, "histogram", column, where, run_histogram);
    action_copy_values(&action, bounds, bound_count);
    action.out = out_counts;
    return action_perform(&action);
}

static barks_status *run_quantiles(struct action *action)
{
    struct column_question question = question_of(action);
    return answer_quantiles(&question, action->values, action->value_count, action->error,
                            action->out);
}

bool barks_quantiles_at(barks_rdd *rdd, const char *column, const double *fractions, uint32_t count,
                        double error, double *out_values, const char *where)
{
    struct action action = of_column(rdd, "quantiles", column, where, run_quantiles);
    action_copy_values(&action, fractions, count);
    action.error = error;
    action.out = out_values;
    return action_perform(&action);
}

/* ---- distinct rows ---- */

static barks_status *run_distinct_count(struct action *action)
{
    struct column_question question = {
        .context = action->context, .node = action->node, .what = action->what};
    return answer_distinct_count(&question, action->columns, action->column_count, action->error,
                                 &action->count);
}

/* All fields. */
BARKS_CHECKED static barks_status *take_all_fields(struct action *action)
{
    action->column_count = action->node->record->schema.field_count;
    action->columns = calloc((size_t)action->column_count + 1, sizeof *action->columns);
    if (action->columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the fields", action->what);
    for (uint32_t i = 0; i < action->column_count; i++)
        action->columns[i] = i;
    return NULL;
}

int64_t barks_count_approx_distinct_at(barks_rdd *rdd, const char *fields, double deviation,
                                       const char *where)
{
    struct action action = action_of(rdd, "count distinct", where, run_distinct_count);
    action.error = deviation;
    if (fields != NULL)
        action_parse_keys(&action, fields, where);
    else if (action.context != NULL && action.status == NULL)
        action.status = take_all_fields(&action);
    return action_perform(&action) ? action.count : -1;
}

/* ---- the row of the least or greatest value ---- */

static barks_status *run_best(struct action *action)
{
    struct batch *best = NULL;
    struct sort_key key = {.column = action->columns[0], .descending = action->mode != 0};
    BARKS_TRY(answer_top_rows(action->context, action->node, 1, &key, 1, action->what, &best));
    if (best->base.row_count > 0 && barks_is_valid(&best->base.columns[key.column], 0))
        return action_take_batch(action, best);
    batch_destroy(best);
    BARKS_FAIL(BARKS_INVALID, "%s: empty dataset: there is no value", action->what);
}

void *barks_best_at(barks_rdd *rdd, const char *column, bool greatest, const barks_record *record,
                    const char *where)
{
    struct action action = of_column(rdd, greatest ? "max" : "min", column, where, run_best);
    action.mode = greatest;
    action.record = record;
    return action_give(&action, NULL);
}
