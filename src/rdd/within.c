/* Actions that answer in a given time. */
#include "rdd/action_frame.h"
#include "rdd/combining.h"
#include "runtime/bounded_answers.h"

#include <stdlib.h>

static struct time_given given_of(const struct action *action)
{
    return (struct time_given){.seconds = action->seconds, .confidence = action->confidence};
}

/* mode: an enum bounded_number. */
static barks_status *run_number(struct action *action)
{
    struct time_given given = given_of(action);
    struct column_question question = {.context = action->context,
                                       .node = action->node,
                                       .column = action->column_count > 0 ? action->columns[0] : 0,
                                       .what = action->what};
    return answer_bounded(&question, (enum bounded_number)action->mode, &given, action->out);
}

static bool perform(struct action *action, enum bounded_number number, double seconds,
                    double confidence, barks_bounds *out)
{
    action->mode = (int)number;
    action->seconds = seconds;
    action->confidence = confidence;
    action->out = out;
    return action_perform(action);
}

bool barks_count_within_at(barks_rdd *rdd, double seconds, double confidence, barks_bounds *out,
                           const char *where)
{
    struct action action = action_of(rdd, "count within", where, run_number);
    return perform(&action, BOUNDED_COUNT, seconds, confidence, out);
}

bool barks_sum_within_at(barks_rdd *rdd, const char *column, double seconds, double confidence,
                         barks_bounds *out, const char *where)
{
    struct action action = action_of(rdd, "sum within", where, run_number);
    action_parse_column(&action, column, where);
    return perform(&action, BOUNDED_SUM, seconds, confidence, out);
}

bool barks_mean_within_at(barks_rdd *rdd, const char *column, double seconds, double confidence,
                          barks_bounds *out, const char *where)
{
    struct action action = action_of(rdd, "mean within", where, run_number);
    action_parse_column(&action, column, where);
    return perform(&action, BOUNDED_MEAN, seconds, confidence, out);
}

static barks_status *run_values(struct action *action)
{
    struct batch *rows = NULL;
    struct time_given given = given_of(action);
    struct column_question question = {
        .context = action->context, .node = action->node, .what = action->what};
    BARKS_TRY(action_name_keys(answer_bounded_values(&question, &given, action->out, &rows)));
    return action_take_batch(action, rows);
}

void *barks_count_by_value_within_at(barks_rdd *rdd, const barks_record *record, double seconds,
                                     double confidence, barks_bounds *out_total, int64_t *out_count,
                                     const char *where)
{
    char *keys = NULL;
    struct action action = action_of(rdd, "count_by_value within", where, run_values);
    action.record = record;
    action.seconds = seconds;
    action.confidence = confidence;
    action.out = out_total;
    if (action.context != NULL && action.status == NULL)
        action.status = action_all_fields(&action, &keys);
    if (keys != NULL) {
        action.node = &count_in_partitions(action.rdd, keys, where)->node;
        action.status = node_error(action.node);
    }
    free(keys);
    return action_give(&action, out_count);
}
