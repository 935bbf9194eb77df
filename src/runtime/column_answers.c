#include "runtime/column_answers.h"

#include "batch/schema.h"
#include "exec/partial_states.h"
#include "exec/registers.h"
#include "runtime/partial_answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

barks_status *answer_check_number(const struct column_question *question, bool integers_only)
{
    BARKS_TRY(node_error(question->node));
    const barks_field *field = &question->node->record->schema.fields[question->column];
    barks_type_id id = field->type->id;
    bool is_integer = id == BARKS_I32 || id == BARKS_I64;
    if (is_integer || (!integers_only && (id == BARKS_F32 || id == BARKS_F64)))
        return NULL;
    BARKS_FAIL(BARKS_INVALID, "%s: the field '%s' is %s; this wants %s", question->what,
               field->name, type_id_name(id), integers_only ? "i32 or i64" : "a number");
}

BARKS_CHECKED static barks_status *ask(const struct column_question *question, const char *kind,
                                       const void *bytes, size_t size_bytes, double error,
                                       struct partial_answer *out)
{
    struct partial_question partial = {.kind = kind,
                                       .columns = &question->column,
                                       .column_count = 1,
                                       .bytes = bytes,
                                       .size_bytes = size_bytes,
                                       .are_ranges = strcmp(kind, "ranks") == 0,
                                       .error = error};
    return partial_answer_run(question->context, question->node, &partial, question->what, out);
}

/* ---- sums ---- */

static void fill_stats(const struct stats_state *state, barks_statistics *out)
{
    double count = (double)state->count;
    const double none = (double)NAN;
    bool is_nan = state->nan_count > 0;
    *out = (barks_statistics){.count = (int64_t)state->count,
                              .sum = stats_sum(state),
                              .mean = none,
                              .variance = none,
                              .deviation = none,
                              .sample_variance = none,
                              .sample_deviation = none,
                              .min = state->count == state->nan_count ? none : state->min,
                              .max = state->count == 0 || is_nan ? none : state->max};
    double spread = stats_spread(state);
    if (state->count > 0) {
        out->mean = out->sum / count;
        out->variance = spread / count;
        out->deviation = sqrt(out->variance);
    }
    if (state->count > 1) {
        out->sample_variance = spread / (count - 1);
        out->sample_deviation = sqrt(out->sample_variance);
    }
}

barks_status *answer_stats(const struct column_question *question, barks_statistics *out)
{
    struct partial_answer answer = {0};
    BARKS_TRY(answer_check_number(question, false));
    barks_status *status = ask(question, "stats", NULL, 0, 0, &answer);
    if (status == NULL)
        fill_stats(answer.state, out);
    partial_answer_drop(&answer);
    return status;
}

barks_status *answer_integer_sum(const struct column_question *question, int64_t *out_sum)
{
    struct partial_answer answer = {0};
    BARKS_TRY(answer_check_number(question, true));
    barks_status *status = ask(question, "stats", NULL, 0, 0, &answer);
    if (status == NULL)
        status = stats_integer_sum(answer.state, out_sum);
    partial_answer_drop(&answer);
    if (status != NULL && barks_status_code(status) == BARKS_USER_ERROR)
        return barks_status_new(BARKS_USER_ERROR, status, BARKS_HERE, "%s", question->what);
    return status;
}

/* ---- histograms ---- */

barks_status *answer_histogram(const struct column_question *question, const double *bounds,
                               uint32_t bound_count, int64_t *out_counts)
{
    struct partial_answer answer = {0};
    BARKS_TRY(answer_check_number(question, false));
    if (bound_count < 2)
        BARKS_FAIL(BARKS_INVALID, "%s: a histogram wants two bounds or more", question->what);
    for (uint32_t i = 1; i < bound_count; i++)
        if (!(bounds[i - 1] < bounds[i]))
            BARKS_FAIL(BARKS_INVALID, "%s: bounds must ascend, and %g is before %g", question->what,
                       bounds[i - 1], bounds[i]);
    barks_status *status =
        ask(question, "histogram", bounds, bound_count * sizeof *bounds, 0, &answer);
    if (status == NULL) {
        const struct histogram_state *state = answer.state;
        for (uint32_t i = 0; i + 1 < bound_count; i++)
            out_counts[i] = (int64_t)state->counts[i];
    }
    partial_answer_drop(&answer);
    return status;
}

/* Between low and high, which differ; equal where doubles are too coarse for so many. */
static uint32_t divide(double low, double high, uint32_t bucket_count, double *out_bounds)
{
    uint32_t count = 0;
    out_bounds[0] = low;
    for (uint32_t i = 1; i <= bucket_count; i++) {
        double part = (double)i / bucket_count;
        double bound = i == bucket_count ? high : low * (1 - part) + high * part;
        if (bound > out_bounds[count])
            out_bounds[++count] = bound;
    }
    return count;
}

barks_status *answer_even_histogram(const struct column_question *question, uint32_t bucket_count,
                                    double *out_bounds, int64_t *out_counts,
                                    uint32_t *out_bucket_count)
{
    barks_statistics stats;
    if (bucket_count == 0)
        BARKS_FAIL(BARKS_INVALID, "%s: a histogram wants a bucket or more", question->what);
    BARKS_TRY(answer_stats(question, &stats));
    if (stats.count == 0)
        BARKS_FAIL(BARKS_INVALID, "%s: empty dataset: there are no values to count",
                   question->what);
    if (!isfinite(stats.min) || !isfinite(stats.max))
        BARKS_FAIL(BARKS_INVALID,
                   "%s: values from %g to %g cannot be divided evenly; filter out what is not "
                   "finite, or give bounds",
                   question->what, stats.min, stats.max);
    if (stats.min == stats.max) {
        out_bounds[0] = stats.min;
        out_bounds[1] = stats.max;
        out_counts[0] = stats.count;
        *out_bucket_count = 1;
        return NULL;
    }
    *out_bucket_count = divide(stats.min, stats.max, bucket_count, out_bounds);
    return answer_histogram(question, out_bounds, *out_bucket_count + 1, out_counts);
}

/* ---- quantiles ---- */

BARKS_CHECKED static barks_status *approximate(const struct column_question *question,
                                               const double *fractions, uint32_t count,
                                               double error, double *out_values)
{
    struct partial_answer answer = {0};
    barks_status *status = ask(question, "quantiles", NULL, 0, error, &answer);
    const struct quantiles_state *state = answer.state;
    if (status == NULL && state->count == 0)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: empty dataset: there are no values", question->what);
    if (status == NULL)
        status = quantiles_at(state, fractions, count, out_values);
    partial_answer_drop(&answer);
    return status;
}

/* A range of keys that has the wanted rank becomes the part of it that has. */
static void narrow(const struct ranks_state *state, uint32_t index, double fraction,
                   uint64_t *range)
{
    const uint64_t *counts = state->counts + (size_t)index * (1 + RANK_BUCKETS);
    uint64_t width = ranks_width(range[0], range[1]), passed = counts[0];
    double wanted = ceil(fraction * (double)state->count);
    uint64_t first = range[0], last = range[1];
    for (uint64_t part = 0; part < RANK_BUCKETS; part++) {
        passed += counts[1 + part];
        if ((double)passed < wanted || (wanted < 1 && passed == 0))
            continue;
        range[0] = first + part * width;
        range[1] = last - range[0] < width - 1 ? last : range[0] + width - 1;
        return;
    }
}

/* Passes until each range is one key: each makes a range RANK_BUCKETS times smaller. */
BARKS_CHECKED static barks_status *find_exact(const struct column_question *question,
                                              const double *fractions, uint32_t count,
                                              uint64_t *ranges)
{
    for (bool is_done = false; !is_done;) {
        struct partial_answer answer = {0};
        barks_status *status =
            ask(question, "ranks", ranges, 2 * count * sizeof *ranges, 0, &answer);
        const struct ranks_state *state = answer.state;
        if (status == NULL && state->count == 0)
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: empty dataset: there are no values", question->what);
        is_done = true;
        for (uint32_t i = 0; i < count && status == NULL; i++) {
            narrow(state, i, fractions[i], &ranges[2 * (size_t)i]);
            is_done = is_done && ranges[2 * (size_t)i] == ranges[2 * (size_t)i + 1];
        }
        partial_answer_drop(&answer);
        BARKS_TRY(status);
    }
    return NULL;
}

barks_status *answer_quantiles(const struct column_question *question, const double *fractions,
                               uint32_t count, double error, double *out_values)
{
    enum { FRACTIONS_MAX = 1000 };
    BARKS_TRY(answer_check_number(question, false));
    if (count > FRACTIONS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: %" PRIu32 " quantiles; the limit is %d", question->what, count,
                   FRACTIONS_MAX);
    if (!(error >= 0 && error < 1) || (error > 0 && error < 1e-6))
        BARKS_FAIL(BARKS_INVALID, "%s: an error of %g; it is 0, or from 0.000001 to 1",
                   question->what, error);
    for (uint32_t i = 0; i < count; i++)
        if (!(fractions[i] >= 0 && fractions[i] <= 1))
            BARKS_FAIL(BARKS_INVALID, "%s: a quantile of %g; it is from 0 to 1", question->what,
                       fractions[i]);
    if (error > 0)
        return approximate(question, fractions, count, error, out_values);
    uint64_t *ranges = calloc((size_t)count + 1, 2 * sizeof *ranges);
    if (ranges == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for quantiles", question->what);
    for (uint32_t i = 0; i < count; i++)
        ranges[2 * (size_t)i + 1] = UINT64_MAX;
    barks_status *status = find_exact(question, fractions, count, ranges);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        out_values[i] = number_of_key(ranges[2 * (size_t)i]);
    free(ranges);
    return status;
}

/* ---- distinct rows ---- */

barks_status *answer_distinct_count(const struct column_question *question, const uint32_t *columns,
                                    uint32_t column_count, double deviation, int64_t *out_count)
{
    struct partial_answer answer = {0};
    BARKS_TRY(node_error(question->node));
    BARKS_TRY(registers_check_deviation(deviation, question->what));
    struct partial_question partial = {
        .kind = "distinct", .columns = columns, .column_count = column_count, .error = deviation};
    barks_status *status =
        partial_answer_run(question->context, question->node, &partial, question->what, &answer);
    if (status == NULL)
        *out_count = (int64_t)llround(distinct_estimate(answer.state));
    partial_answer_drop(&answer);
    return status;
}
