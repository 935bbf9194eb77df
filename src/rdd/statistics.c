/* Numbers about a column. */
#include "rdd/action_frame.h"
#include "runtime/answer.h"
#include "runtime/column_answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The beginning of all: *out is filled in, or the error told. */
static bool begin(barks_rdd *rdd, const char *column, const char *action, const char *where,
                  char *what, struct column_question *out)
{
    uint32_t *fields = NULL, count = 0;
    action_name(what, action, where);
    *out = (struct column_question){
        .context = action_context(rdd, what), .node = &rdd->node, .what = what};
    if (out->context == NULL)
        return false;
    barks_status *status = node_error(&rdd->node);
    if (status == NULL)
        status = parse_keys(column, &rdd->node.record->schema, where, &fields, &count);
    if (status == NULL && count != 1)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE, "%s: wants one field, not '%s'",
                                  what, column);
    if (status == NULL)
        out->column = fields[0];
    free(fields);
    return action_is_done(out->context, status);
}

bool barks_stats_at(barks_rdd *rdd, const char *column, barks_statistics *out, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    return begin(rdd, column, "stats", where, what, &question) &&
           action_is_done(question.context, answer_stats(&question, out));
}

bool barks_sum_at(barks_rdd *rdd, const char *column, double *out, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    barks_statistics stats;
    if (!begin(rdd, column, "sum", where, what, &question) ||
        !action_is_done(question.context, answer_stats(&question, &stats)))
        return false;
    *out = stats.sum;
    return true;
}

bool barks_sum_i64_at(barks_rdd *rdd, const char *column, int64_t *out, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    return begin(rdd, column, "sum", where, what, &question) &&
           action_is_done(question.context, answer_integer_sum(&question, out));
}

bool barks_mean_at(barks_rdd *rdd, const char *column, double *out, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    barks_statistics stats;
    if (!begin(rdd, column, "mean", where, what, &question) ||
        !action_is_done(question.context, answer_stats(&question, &stats)))
        return false;
    *out = stats.mean;
    return true;
}

int barks_histogram_at(barks_rdd *rdd, const char *column, uint32_t bucket_count,
                       double *out_bounds, int64_t *out_counts, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    uint32_t count = 0;
    if (!begin(rdd, column, "histogram", where, what, &question) ||
        !action_is_done(question.context, answer_even_histogram(&question, bucket_count, out_bounds,
                                                                out_counts, &count)))
        return -1;
    return (int)count;
}

bool barks_histogram_of_at(barks_rdd *rdd, const char *column, const double *bounds,
                           uint32_t bound_count, int64_t *out_counts, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    return begin(rdd, column, "histogram", where, what, &question) &&
           action_is_done(question.context,
                          answer_histogram(&question, bounds, bound_count, out_counts));
}

bool barks_quantiles_at(barks_rdd *rdd, const char *column, const double *fractions, uint32_t count,
                        double error, double *out_values, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    return begin(rdd, column, "quantiles", where, what, &question) &&
           action_is_done(question.context,
                          answer_quantiles(&question, fractions, count, error, out_values));
}

/* All fields where text is NULL. */
BARKS_CHECKED static barks_status *fields_of(const barks_rdd *rdd, const char *text,
                                             const char *where, uint32_t **out_fields,
                                             uint32_t *out_count)
{
    BARKS_TRY(node_error(&rdd->node));
    const barks_schema *schema = &rdd->node.record->schema;
    if (text != NULL)
        return parse_keys(text, schema, where, out_fields, out_count);
    *out_fields = calloc((size_t)schema->field_count + 1, sizeof **out_fields);
    if (*out_fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the fields", where);
    for (uint32_t i = 0; i < schema->field_count; i++)
        (*out_fields)[i] = i;
    *out_count = schema->field_count;
    return NULL;
}

int64_t barks_count_approx_distinct_at(barks_rdd *rdd, const char *fields, double deviation,
                                       const char *where)
{
    char what[ACTION_NAME_BYTES];
    uint32_t *columns = NULL, column_count = 0;
    int64_t count = -1;
    action_name(what, "count distinct", where);
    struct column_question question = {
        .context = action_context(rdd, what), .node = &rdd->node, .what = what};
    if (question.context == NULL)
        return -1;
    barks_status *status = fields_of(rdd, fields, where, &columns, &column_count);
    if (status == NULL)
        status = answer_distinct_count(&question, columns, column_count, deviation, &count);
    free(columns);
    return action_is_done(question.context, status) ? count : -1;
}

/* ---- the row of the least or greatest value ---- */

/* The record's struct of a row whose column is not null, or NULL. */
BARKS_CHECKED static barks_status *check_best(const struct column_question *question,
                                              const struct batch *best)
{
    if (best->base.row_count == 0 || !barks_is_valid(&best->base.columns[question->column], 0))
        BARKS_FAIL(BARKS_INVALID, "%s: empty dataset: there is no value", question->what);
    return NULL;
}

void *barks_best_at(barks_rdd *rdd, const char *column, bool greatest, const barks_record *record,
                    const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct column_question question;
    struct batch *best = NULL;
    void *rows = NULL;
    if (!begin(rdd, column, greatest ? "max" : "min", where, what, &question))
        return NULL;
    struct sort_key key = {.column = question.column, .descending = greatest};
    barks_status *status = answer_top_rows(question.context, &rdd->node, 1, &key, 1, what, &best);
    if (status == NULL)
        status = check_best(&question, best);
    if (status != NULL) {
        batch_destroy(best);
        (void)action_is_done(question.context, status);
        return NULL;
    }
    return action_is_done(question.context,
                          answer_give_rows(question.context, best, record, what, &rows))
               ? rows
               : NULL;
}
