/* Windows and running values over the rows of a dataset in their order. */
#include "base/copy.h"
#include "batch/bind.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "rdd/pairing.h"
#include "rdd/places.h"
#include "runtime/scan_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- windows ---- */

BARKS_CHECKED static barks_status *fill_windows(barks_rdd *rdd, uint64_t width, uint64_t step,
                                                const uint64_t *firsts, uint32_t partition_count)
{
    rdd->node.step.numbers[0] = (int64_t)width;
    rdd->node.step.numbers[1] = (int64_t)step;
    if (firsts == NULL)
        return NULL;
    rdd->node.step.size_bytes = (partition_count + (size_t)1) * sizeof *firsts;
    return copy_bytes(firsts, rdd->node.step.size_bytes, (void **)&rdd->node.step.bytes);
}

/* A field that the rows do not have. */
static void name_target(const barks_schema *schema, char *name, size_t name_bytes)
{
    snprintf(name, name_bytes, "partition");
    for (int i = 1; schema_find(schema, name) >= 0; i++)
        snprintf(name, name_bytes, "partition_%d", i);
}

/* All fields of input, of rows that have more behind them. */
static barks_rdd *without_target(barks_rdd *rows, barks_rdd *input, const char *where)
{
    barks_rdd *rdd = dataset_create(rows->context, STEP_PROJECT, &rows, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = rows->node.partition_count;
    barks_status *status = list_columns(input, NULL, 0, false, &rdd->node.step.columns[0]);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* For each partition the rows behind it that its windows reach. */
static barks_rdd *heads_of(barks_rdd *input, uint64_t width, uint64_t step, const uint64_t *firsts,
                           const char *where)
{
    char target[32];
    uint32_t count = input->node.partition_count;
    barks_rdd *rdd = dataset_create(input->context, STEP_HEADS, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = count;
    name_target(&input->node.record->schema, target, sizeof target);
    barks_status *status = record_with_number(input, target, where, &rdd->node.record);
    if (status == NULL)
        status = fill_windows(rdd, width, step, firsts, count);
    if (status != NULL)
        dataset_fail(rdd, status);
    rdd = dataset_by_index(rdd, input->node.record->schema.field_count, count, count, where);
    return without_target(rdd, input, where);
}

/* Whether some window of the dataset has rows of two partitions. */
static bool crosses_partitions(uint64_t width, uint32_t partition_count)
{
    return width > 1 && partition_count > 1;
}

barks_rdd *barks_windows_at(barks_rdd *input, uint64_t width, uint64_t step,
                            const barks_function *function, const barks_window_options *options,
                            const char *where)
{
    barks_rdd *sides[2] = {input, NULL};
    const uint64_t *firsts = NULL;
    uint32_t side_count = 1, count = input->node.partition_count;
    barks_status *status = NULL;
    bool is_sound = input->context != NULL && input->node.error == NULL;
    if (is_sound && (width == 0 || step == 0 || width > INT32_MAX || step > INT64_MAX))
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: windows of %" PRIu64 " rows every %" PRIu64
                                  " rows; both must be at least 1, and the first below 2^31",
                                  where, width, step);
    if (is_sound && status == NULL && count > 1)
        status = places_know(input, "windows", where, &firsts);
    if (is_sound && status == NULL && crosses_partitions(width, count)) {
        sides[side_count++] = heads_of(input, width, step, firsts, where);
        status = check_partition_counts(sides, side_count, "windows", where);
    }
    barks_rdd *rdd = dataset_create(input->context, STEP_WINDOWS, sides, side_count, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = function->out;
    rdd->node.partition_count = count;
    rdd->node.step.numbers[2] = options->partial;
    if (rdd->node.error == NULL && status == NULL)
        status = fill_windows(rdd, width, step, firsts, count);
    if (rdd->node.error == NULL && status == NULL)
        status = set_function(rdd, sides, 1, function, options->env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- running values ---- */

/* The fields of the function as it has them, the others as they are. */
BARKS_CHECKED static barks_status *derive_scanned(barks_rdd *rdd, const barks_rdd *input,
                                                  const barks_record *scanned, const char *where)
{
    const barks_schema *given = &input->node.record->schema;
    barks_field *fields = calloc((size_t)given->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", where);
    for (uint32_t i = 0; i < given->field_count; i++) {
        int32_t seen = schema_find(&scanned->schema, given->fields[i].name);
        fields[i] = seen >= 0 ? scanned->schema.fields[seen] : given->fields[i];
    }
    const barks_schema schema = {.field_count = given->field_count, .fields = fields};
    rdd->node.record = input->node.record;
    barks_status *status = NULL;
    if (!schema_equal(&schema, given))
        status = registry_derive_record(&schema, &rdd->node.record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *fill_scan(barks_rdd *rdd, barks_rdd *input,
                                             const barks_function *function,
                                             const barks_scan_options *options, const char *where)
{
    char what[256];
    struct step *step = &rdd->node.step;
    step->function = function;
    step->numbers[0] = options->exclusive;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    BARKS_TRY(copy_env(options->env, function, where, &step->env));
    BARKS_TRY(derive_scanned(rdd, input, function->in, where));
    if (options->initial != NULL)
        BARKS_TRY(step_set_initial(step, function->in, options->initial, input->context->pool));
    else if (options->exclusive) {
        void *zero = calloc(1, function->in->size + 1);
        if (zero == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a value", where);
        barks_status *status = step_set_initial(step, function->in, zero, input->context->pool);
        free(zero);
        BARKS_TRY(status);
    }
    snprintf(what, sizeof what, "scan at %s", where);
    return answer_scan(input->context, &input->node, what, step);
}

barks_rdd *barks_scan_at(barks_rdd *input, const barks_function *function,
                         const barks_scan_options *options, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_SCAN, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_scan(rdd, input, function, options, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
