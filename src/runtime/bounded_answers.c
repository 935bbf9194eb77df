#include "runtime/bounded_answers.h"

#include "base/clock.h"
#include "base/estimate.h"
#include "batch/gather_columns.h"
#include "batch/schema.h"
#include "exec/partial_states.h"
#include "exec/pipeline.h"
#include "exec/record_registry.h"
#include "exec/sort.h"
#include "runtime/action.h"
#include "runtime/action_watch.h"
#include "runtime/driver.h"
#include "runtime/job_results.h"
#include "runtime/partial_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- time ---- */

BARKS_CHECKED static barks_status *check_given(const struct time_given *given, const char *what)
{
    if (!(given->seconds >= 0))
        BARKS_FAIL(BARKS_INVALID, "%s: a time of %g seconds; it is 0 or more", what,
                   given->seconds);
    if (!(given->confidence > 0 && given->confidence < 1))
        BARKS_FAIL(BARKS_INVALID, "%s: a confidence of %g; it is between 0 and 1, such as 0.95",
                   what, given->confidence);
    return NULL;
}

/* Times that are longer than a machine lives are none. */
static uint64_t deadline_ns(const struct time_given *given)
{
    const double seconds_max = 1e9;
    return given->seconds < seconds_max
               ? monotonic_ns() + (uint64_t)(given->seconds * (double)NS_PER_S)
               : 0;
}

/* Runs in its time, which is not an error. *out_is_late: some partitions were not done. */
BARKS_CHECKED static barks_status *run_in_time(const struct column_question *question,
                                               const struct time_given *given,
                                               struct terminal *terminal, struct job *job,
                                               bool *out_is_late)
{
    action_watch_limit(deadline_ns(given));
    barks_status *status =
        action_run(question->context, question->node, terminal, question->what, job);
    *out_is_late = action_watch_is_late();
    action_watch_limit(0);
    if (!*out_is_late)
        return status;
    barks_status_free(status);
    return NULL;
}

/* ---- what partitions gave ---- */

/* Of each partition that was done. */
struct parts {
    double *rows, *sums; /* owned; rows: those that count */
    uint32_t count;
    double row_total, sum_total; /* exact */
};

static void parts_drop(struct parts *parts)
{
    free(parts->rows);
    free(parts->sums);
}

BARKS_CHECKED static barks_status *parts_create(const struct column_question *question,
                                                struct parts *out)
{
    size_t count = (size_t)question->node->partition_count + 1;
    out->rows = calloc(count, sizeof *out->rows);
    out->sums = calloc(count, sizeof *out->sums);
    if (out->rows == NULL || out->sums == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for %zu partitions", question->what, count - 1);
    return NULL;
}

BARKS_CHECKED static barks_status *add_counts(const struct job *job, struct parts *parts)
{
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        const uint8_t *bytes = NULL;
        BARKS_TRY(job_results_next(&results, &head, &bytes, &more));
        if (!more)
            break;
        parts->rows[parts->count++] = (double)head.partition_rows;
        parts->row_total += (double)head.partition_rows;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *count_parts(const struct column_question *question,
                                               const struct time_given *given, struct parts *parts)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COUNT};
    bool is_late = false;
    barks_status *status = run_in_time(question, given, &terminal, &job, &is_late);
    if (status == NULL)
        status = add_counts(&job, parts);
    job_drop(&job);
    return status;
}

static void add_state(void *context, const void *state)
{
    struct parts *parts = context;
    parts->rows[parts->count] = (double)((const struct stats_state *)state)->count;
    parts->sums[parts->count++] = stats_sum(state);
}

BARKS_CHECKED static barks_status *sum_parts(const struct column_question *question,
                                             const struct time_given *given, struct parts *parts)
{
    struct partial_answer answer = {0};
    struct partial_question partial = {.kind = "stats",
                                       .columns = &question->column,
                                       .column_count = 1,
                                       .visit = add_state,
                                       .visit_context = parts};
    BARKS_TRY(answer_check_number(question, false));
    action_watch_limit(deadline_ns(given));
    barks_status *status =
        partial_answer_run(question->context, question->node, &partial, question->what, &answer);
    action_watch_limit(0);
    if (status == NULL) {
        const struct stats_state *all = answer.state;
        parts->row_total = (double)all->count;
        parts->sum_total = stats_sum(all);
    }
    partial_answer_drop(&answer);
    return status;
}

/* ---- numbers ---- */

/* Of some numbers, and zeros up to count of them. */
static double spread_of(const double *values, uint32_t value_count, uint32_t count)
{
    double sum = 0, spread = 0;
    for (uint32_t i = 0; i < value_count; i++)
        sum += values[i];
    double mean = sum / count;
    for (uint32_t i = 0; i < value_count; i++)
        spread += (values[i] - mean) * (values[i] - mean);
    return spread + (count - value_count) * mean * mean;
}

static struct estimate estimate_mean(const struct estimate_of *of, const struct parts *parts)
{
    double mean = parts->sum_total / parts->row_total, residue = 0;
    for (uint32_t i = 0; i < parts->count; i++) {
        double rest = parts->sums[i] - mean * parts->rows[i];
        residue += rest * rest;
    }
    return estimate_ratio(of, parts->sum_total, parts->row_total, residue);
}

static barks_bounds bounds_of(const struct estimate_of *of, struct estimate estimate)
{
    return (barks_bounds){.value = estimate.value,
                          .low = estimate.low,
                          .high = estimate.high,
                          .confidence = of->part_count == of->part_total ? 1 : of->confidence,
                          .partitions_done = of->part_count,
                          .partition_count = of->part_total};
}

static struct estimate estimate_number(const struct estimate_of *of, enum bounded_number number,
                                       const struct parts *parts)
{
    switch (number) {
    case BOUNDED_COUNT:
        return estimate_count(of, parts->row_total,
                              spread_of(parts->rows, parts->count, parts->count));
    case BOUNDED_SUM:
        return estimate_total(of, parts->sum_total,
                              spread_of(parts->sums, parts->count, parts->count));
    case BOUNDED_MEAN:
        return estimate_mean(of, parts);
    }
    return (struct estimate){0};
}

barks_status *answer_bounded(const struct column_question *question, enum bounded_number number,
                             const struct time_given *given, barks_bounds *out)
{
    struct parts parts = {0};
    BARKS_TRY(node_error(question->node));
    BARKS_TRY(check_given(given, question->what));
    barks_status *status = parts_create(question, &parts);
    if (status == NULL)
        status = number == BOUNDED_COUNT ? count_parts(question, given, &parts)
                                         : sum_parts(question, given, &parts);
    if (status == NULL) {
        const struct estimate_of of = {.part_count = parts.count,
                                       .part_total = question->node->partition_count,
                                       .confidence = given->confidence};
        *out = bounds_of(&of, estimate_number(&of, number, &parts));
    }
    parts_drop(&parts);
    return status;
}

/* ---- counts of values ---- */

/* The rows of all partitions, one behind the other, with their counts there. */
struct gathered {
    struct batch *rows; /* owned */
    struct parts parts; /* owned */
};

BARKS_CHECKED static barks_status *gather_values(const struct column_question *question,
                                                 const struct time_given *given,
                                                 struct gathered *gathered)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COLLECT, .limit = INT64_MAX};
    bool is_late = false;
    struct parts *parts = &gathered->parts;
    uint32_t count_column = question->node->record->schema.field_count - 1, partition = 0;
    barks_status *status = run_in_time(question, given, &terminal, &job, &is_late);
    struct job_results results = {.job = &job};
    for (bool more = true; more && status == NULL;) {
        struct result_head head = {0};
        uint32_t first = gathered->rows->base.row_count;
        status = job_results_next_rows(&results, gathered->rows, &head, &more);
        if (status != NULL || !more)
            break;
        if (parts->count == 0 || head.partition != partition)
            parts->count++;
        partition = head.partition;
        const int64_t *counts = gathered->rows->base.columns[count_column].values;
        for (uint32_t row = first; row < gathered->rows->base.row_count; row++)
            parts->rows[parts->count - 1] += (double)counts[row];
    }
    for (uint32_t i = 0; i < parts->count; i++)
        parts->row_total += parts->rows[i];
    terminal_drop(&terminal);
    job_drop(&job);
    return status;
}

/* The fields of the rows, and count, low and high. */
BARKS_CHECKED static barks_status *derive_bounded(const struct column_question *question,
                                                  const barks_record **out_record)
{
    const barks_schema *counted = &question->node->record->schema;
    static const barks_type number = {.id = BARKS_F64};
    static const char *const names[] = {"count", "low", "high"};
    uint32_t field_count = counted->field_count - 1;
    for (uint32_t i = 1; i < 3; i++)
        if (schema_find(counted, names[i]) >= 0)
            BARKS_FAIL(BARKS_INVALID,
                       "%s: the rows have a field '%s', which the answer adds; rename it by "
                       "barks_select",
                       question->what, names[i]);
    barks_field *fields = calloc((size_t)field_count + 3, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a record");
    memcpy(fields, counted->fields, field_count * sizeof *fields);
    for (uint32_t i = 0; i < 3; i++)
        fields[field_count + i] = (barks_field){.name = names[i], .type = &number};
    const barks_schema schema = {.field_count = field_count + 3, .fields = fields};
    barks_status *status = registry_derive_record(&schema, out_record);
    free(fields);
    return status;
}

/* Writes what is known of one row, which some partitions have, behind the rows of out. */
BARKS_CHECKED static barks_status *add_value(const struct estimate_of *of, const double *counts,
                                             uint32_t count_count, const struct batch *rows,
                                             const uint32_t *fields, uint32_t row,
                                             struct batch *out)
{
    uint32_t column_count = rows->base.schema->field_count - 1, to = out->base.row_count;
    double sum = 0;
    for (uint32_t i = 0; i < count_count; i++)
        sum += counts[i];
    struct estimate estimate =
        estimate_count(of, sum, spread_of(counts, count_count, of->part_count));
    BARKS_TRY(batch_reserve(out, 1));
    BARKS_TRY(columns_gather(out, NULL, rows, fields, column_count, &row, 1));
    ((double *)out->base.columns[column_count].values)[to] = estimate.value;
    ((double *)out->base.columns[column_count + 1].values)[to] = estimate.low;
    ((double *)out->base.columns[column_count + 2].values)[to] = estimate.high;
    out->base.row_count = to + 1;
    return NULL;
}

/* order: of the rows, by all fields but the last; counts: room for those of one value. */
BARKS_CHECKED static barks_status *add_values(const struct estimate_of *of,
                                              const struct batch *rows, const uint32_t *fields,
                                              const uint32_t *order, double *counts,
                                              struct batch *out)
{
    uint32_t field_count = rows->base.schema->field_count - 1;
    const int64_t *row_counts = rows->base.columns[field_count].values;
    uint32_t first = 0;
    for (uint32_t i = 0; i < rows->base.row_count; i++) {
        counts[i - first] = (double)row_counts[order[i]];
        if (i + 1 < rows->base.row_count &&
            batch_rows_equal(&rows->base, order[first], fields, &rows->base, order[i + 1], fields,
                             field_count))
            continue;
        BARKS_TRY(add_value(of, counts, i + 1 - first, rows, fields, order[first], out));
        first = i + 1;
    }
    return batch_lend_blocks(out, rows);
}

BARKS_CHECKED static barks_status *bound_values(const struct column_question *question,
                                                const struct estimate_of *of,
                                                const struct batch *rows, struct batch *out)
{
    uint32_t row_count = rows->base.row_count, field_count = rows->base.schema->field_count - 1;
    struct sort_key *by = calloc((size_t)field_count + 1, sizeof *by);
    uint32_t *fields = calloc((size_t)field_count + 1, sizeof *fields);
    uint32_t *order = calloc((size_t)row_count + 1, sizeof *order);
    double *counts = calloc((size_t)row_count + 1, sizeof *counts);
    barks_status *status = NULL;
    if (by == NULL || fields == NULL || order == NULL || counts == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for counts",
                                  question->what);
    for (uint32_t i = 0; i < field_count && status == NULL; i++)
        by[i].column = fields[i] = i;
    if (status == NULL && row_count > 0)
        status = rows_order(&rows->base, by, field_count, question->context->pool, order);
    if (status == NULL)
        status = add_values(of, rows, fields, order, counts, out);
    free(by);
    free(fields);
    free(order);
    free(counts);
    return status;
}

barks_status *answer_bounded_values(const struct column_question *question,
                                    const struct time_given *given, barks_bounds *out_total,
                                    struct batch **out_rows)
{
    struct pool *pool = question->context->pool;
    struct gathered gathered = {0};
    struct batch *bounded = NULL;
    const barks_record *record = NULL;
    BARKS_TRY(node_error(question->node));
    BARKS_TRY(check_given(given, question->what));
    BARKS_TRY(derive_bounded(question, &record));
    barks_status *status = parts_create(question, &gathered.parts);
    if (status == NULL)
        status = batch_create(pool, &question->node->record->schema, BATCH_ROWS, &gathered.rows);
    if (status == NULL)
        status = batch_create(pool, &record->schema, BATCH_ROWS, &bounded);
    if (status == NULL)
        status = gather_values(question, given, &gathered);
    const struct estimate_of of = {.part_count = gathered.parts.count,
                                   .part_total = question->node->partition_count,
                                   .confidence = given->confidence};
    if (status == NULL)
        status = bound_values(question, &of, gathered.rows, bounded);
    if (status == NULL)
        *out_total = bounds_of(&of, estimate_number(&of, BOUNDED_COUNT, &gathered.parts));
    parts_drop(&gathered.parts);
    batch_destroy(gathered.rows);
    if (status != NULL) {
        batch_destroy(bounded);
        return status;
    }
    *out_rows = bounded;
    return NULL;
}
