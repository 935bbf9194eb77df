/* Some rows of a dataset. */
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "exec/sample_operator.h"
#include "rdd/strata_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static barks_rdd *sample_rows(barks_rdd *input, enum sample_kind kind, double low, double high,
                              uint64_t seed, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_SAMPLE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    rdd->node.step.numbers[0] = (int64_t)seed;
    rdd->node.step.numbers[1] = kind;
    rdd->node.step.reals[0] = low;
    rdd->node.step.reals[1] = high;
    return rdd;
}

barks_rdd *barks_sample_at(barks_rdd *input, const barks_fraction_options *options,
                           const char *where)
{
    double fraction = options->fraction;
    bool is_right =
        fraction >= 0 && isfinite(fraction) && (options->with_replacement || fraction <= 1);
    barks_rdd *rdd =
        sample_rows(input, options->with_replacement ? SAMPLE_POISSON : SAMPLE_RANGE,
                    options->with_replacement ? fraction : 0, fraction, options->seed, where);
    if (is_right)
        return rdd;
    return dataset_fail(rdd,
                        barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                         "%s: sample: a fraction of %g is not in [0, %s", where,
                                         fraction, options->with_replacement ? "inf)" : "1]"));
}

bool barks_random_split_at(barks_rdd *input, const double *weights, uint32_t count, uint64_t seed,
                           barks_rdd **out_rdds, const char *where)
{
    double sum = 0, before = 0;
    bool is_right = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        is_right &= weights[i] >= 0 && isfinite(weights[i]);
        sum += weights[i];
    }
    is_right &= sum > 0 && isfinite(sum);
    for (uint32_t i = 0; i < count; i++) {
        double low = is_right ? before / sum : 0;
        before += weights[i];
        double high = !is_right ? 0 : i + 1 == count ? 1 : before / sum;
        out_rdds[i] = sample_rows(input, SAMPLE_RANGE, low, high, seed, where);
        if (!is_right)
            dataset_fail(out_rdds[i],
                         barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                          "%s: random_split: weights must be finite, not "
                                          "negative, and not all 0",
                                          where));
    }
    return is_right;
}

/* ---- by key ---- */

enum { STRATA_MAX = 1 << 20 };

/* The fields of record that are called as the keys, in columns of fractions. */
BARKS_CHECKED static barks_status *bind_keys(struct strata_plan *plan, const barks_record *record)
{
    const barks_schema *rows = &plan->input->node.record->schema, *given = &record->schema;
    barks_field *fields = calloc((size_t)plan->key_count + 1, sizeof *fields);
    plan->key_columns = calloc((size_t)plan->key_count + 1, sizeof *plan->key_columns);
    barks_status *status = NULL;
    if (fields == NULL || plan->key_columns == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for the keys",
                                  plan->where);
    for (uint32_t k = 0; k < plan->key_count && status == NULL; k++) {
        const barks_field *key = &rows->fields[plan->columns[k]];
        int32_t found = schema_find(given, key->name);
        if (found < 0 || !type_equal(given->fields[found].type, key->type)) {
            status =
                barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                 "%s: the fractions '%s' have no field (%s, %s), which is a "
                                 "key of the rows",
                                 plan->where, record->name, type_id_name(key->type->id), key->name);
            break;
        }
        fields[k] = given->fields[found];
        plan->key_columns[k] = plan->fractions->base.columns[found];
    }
    const barks_schema schema = {.field_count = plan->key_count, .fields = fields};
    if (status == NULL)
        status = registry_derive_record(&schema, &plan->key_record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *check_fraction(const struct strata_plan *plan, double fraction)
{
    if (fraction >= 0 && isfinite(fraction) && (plan->with_replacement || fraction <= 1))
        return NULL;
    BARKS_FAIL(BARKS_INVALID, "%s: a fraction of %g is not in [0, %s", plan->where, fraction,
               plan->with_replacement ? "inf)" : "1]");
}

BARKS_CHECKED static barks_status *read_fractions(struct strata_plan *plan,
                                                  const barks_record *record)
{
    int32_t field = schema_find(&record->schema, "fraction");
    if (field < 0 || record->schema.fields[field].type->id != BARKS_F64 ||
        record->schema.fields[field].nullable)
        BARKS_FAIL(BARKS_INVALID, "%s: the fractions '%s' have no field (f64, fraction)",
                   plan->where, record->name);
    const double *values = plan->fractions->base.columns[field].values;
    for (uint32_t i = 0; i < plan->count; i++) {
        BARKS_TRY(check_fraction(plan, values[i]));
        plan->strata[i] = (struct stratum){.mean = values[i]};
    }
    return NULL;
}

/* Keys differ, as rows are told apart. */
BARKS_CHECKED static barks_status *check_keys(const struct strata_plan *plan)
{
    struct strata found = {0};
    struct step step = {.initial_record = plan->key_record};
    const barks_batch keys = {.schema = &plan->key_record->schema,
                              .row_count = plan->count,
                              .columns = plan->key_columns};
    barks_status *status = index_list_copy(plan->columns, plan->key_count, &step.keys[0]);
    if (status == NULL)
        status = strata_put(&step, plan->strata, plan->count, &keys);
    if (status == NULL)
        status = strata_open(&found, &step, plan->input->context->pool);
    for (uint32_t i = 0; status == NULL && i < plan->count; i++)
        if (join_table_next(&found.table, i) != BARKS_NO_ROW)
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: fraction %" PRIu32 " has the key of fraction %" PRIu32
                                      "; give one for each key",
                                      plan->where, join_table_next(&found.table, i), i);
    strata_drop(&found);
    step_drop(&step);
    return status;
}

BARKS_CHECKED static barks_status *plan_by_key(struct strata_plan *plan, const char *keys,
                                               const barks_record *record, const void *fractions,
                                               size_t count)
{
    if (count > STRATA_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: %zu fractions are over the limit of %d", plan->where, count,
                   STRATA_MAX);
    BARKS_TRY(parse_keys(keys, &plan->input->node.record->schema, plan->where, &plan->columns,
                         &plan->key_count));
    plan->count = (uint32_t)count;
    plan->strata = calloc(count + 1, sizeof *plan->strata);
    if (plan->strata == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for %zu fractions", plan->where, count);
    BARKS_TRY(context_copy_rows(plan->input->context, record, fractions, count, &plan->fractions));
    BARKS_TRY(bind_keys(plan, record));
    BARKS_TRY(read_fractions(plan, record));
    return check_keys(plan);
}

/* Takes the plan and status, that of making it. */
static barks_rdd *sample_strata(struct strata_plan *plan, enum sample_kind kind,
                                barks_status *status)
{
    barks_rdd *rdd = NULL;
    if (status == NULL && kind == SAMPLE_LOWEST)
        status = strata_choose_lowest(plan);
    if (status == NULL)
        rdd = strata_dataset(plan, kind);
    else
        rdd = dataset_fail(sample_rows(plan->input, SAMPLE_RANGE, 0, 0, 0, plan->where), status);
    strata_plan_drop(plan);
    return rdd;
}

barks_rdd *barks_sample_by_key_at(barks_rdd *input, const char *keys, const barks_record *record,
                                  const void *fractions, size_t count, bool is_exact,
                                  const barks_sample_options *options, const char *where)
{
    struct strata_plan plan = {.input = input,
                               .seed = options->seed,
                               .with_replacement = options->with_replacement,
                               .fixed_count = -1,
                               .where = where};
    if (input->context == NULL || input->node.error != NULL)
        return sample_rows(input, SAMPLE_RANGE, 0, 0, 0, where);
    return sample_strata(&plan, is_exact ? SAMPLE_LOWEST : SAMPLE_STRATA,
                         plan_by_key(&plan, keys, record, fractions, count));
}

barks_rdd *barks_sample_fixed_at(barks_rdd *input, int64_t n, uint64_t seed, const char *where)
{
    struct strata_plan plan = {
        .input = input, .seed = seed, .count = 1, .fixed_count = n, .where = where};
    if (input->context == NULL || input->node.error != NULL)
        return sample_rows(input, SAMPLE_RANGE, 0, 0, 0, where);
    barks_status *status = NULL;
    plan.strata = calloc(1, sizeof *plan.strata);
    if (n < 0)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: the number of rows is %" PRId64 ", below 0", where, n);
    else if (plan.strata == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory", where);
    return sample_strata(&plan, SAMPLE_LOWEST, status);
}
