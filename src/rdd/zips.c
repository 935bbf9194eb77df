/* Datasets side by side, every row with every row, and rows numbered. */
#include "batch/schema.h"
#include "exec/number_operator.h"
#include "exec/record_registry.h"
#include "exec/result.h"
#include "rdd/pairing.h"
#include "runtime/action.h"
#include "runtime/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool are_sound(barks_rdd *const *rdds, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (rdds[k]->context == NULL || rdds[k]->node.error != NULL)
            return false;
    return true;
}

/* ---- pairs of rows ---- */

/* What a pair becomes: what the function says, or all fields of both. */
BARKS_CHECKED static barks_status *fill_pairs(barks_rdd *rdd, barks_rdd *const *sides,
                                              const barks_function *function, const void *env,
                                              const char *what, const char *where)
{
    struct step *step = &rdd->node.step;
    if (function != NULL)
        return set_function(rdd, sides, 2, function, env, where);
    for (uint32_t k = 0; k < 2; k++)
        BARKS_TRY(list_columns(sides[k], NULL, 0, false, &step->columns[k]));
    return record_of_columns(sides[0], &step->columns[0], false, sides[1], &step->columns[1], false,
                             what, where, &rdd->node.record);
}

static barks_rdd *make_pairs(barks_rdd *const *sides, enum step_kind kind,
                             const barks_function *function, const void *env, barks_status *status,
                             const char *where)
{
    barks_rdd *rdd = dataset_create(sides[0]->context, kind, sides, 2, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = function != NULL ? function->out : sides[0]->node.record;
    rdd->node.partition_count = sides[0]->node.partition_count;
    if (rdd->node.error == NULL && status == NULL)
        status = fill_pairs(rdd, sides, function, env, step_kind_name(kind), where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_zip_at(barks_rdd *left, barks_rdd *right, const barks_function *function,
                        const void *env, const char *where)
{
    barks_rdd *sides[2] = {left, right};
    barks_status *status = NULL;
    if (are_sound(sides, 2))
        status = check_partition_counts(sides, 2, "zip", where);
    return make_pairs(sides, STEP_PAIR, function, env, status, where);
}

enum { CROSS_PARTITIONS_MAX = 65536 };

barks_rdd *barks_cartesian_at(barks_rdd *left, barks_rdd *right, const barks_function *function,
                              const void *env, const char *where)
{
    barks_rdd *sides[2] = {left, right};
    barks_status *status = NULL;
    if (are_sound(sides, 2)) {
        uint32_t left_count = left->node.partition_count, right_count = right->node.partition_count;
        uint64_t count = (uint64_t)left_count * right_count;
        if (count > CROSS_PARTITIONS_MAX) {
            status = barks_status_new(
                BARKS_INVALID, NULL, BARKS_HERE,
                "%s: cartesian: %" PRIu32 " times %" PRIu32
                " partitions are over the limit of %d; make them fewer with barks_coalesce",
                where, left_count, right_count, CROSS_PARTITIONS_MAX);
        } else {
            uint32_t made = count > 0 ? (uint32_t)count : 1;
            sides[0] = dataset_replicate(left, right_count, 1, made, where);
            sides[1] = dataset_replicate(right, left_count, right_count, made, where);
        }
    }
    return make_pairs(sides, STEP_CROSS, function, env, status, where);
}

/* ---- numbers ---- */

BARKS_CHECKED static barks_status *derive_numbered(barks_rdd *rdd, const barks_rdd *input,
                                                   const char *name, const char *where)
{
    static const barks_type number = {.id = BARKS_I64};
    const barks_schema *given = &input->node.record->schema;
    if (schema_find(given, name) >= 0)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: the rows have a field '%s' already; number them under another "
                   "name",
                   where, name);
    barks_field *fields = calloc((size_t)given->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", where);
    for (uint32_t i = 0; i < given->field_count; i++)
        fields[i] = given->fields[i];
    fields[given->field_count] = (barks_field){.name = name, .type = &number};
    const barks_schema schema = {.field_count = given->field_count + 1, .fields = fields};
    barks_status *status = registry_derive_record(&schema, &rdd->node.record);
    free(fields);
    return status;
}

/* The number of rows of each partition, by a job. */
BARKS_CHECKED static barks_status *count_partitions(barks_rdd *input, int64_t *counts,
                                                    const char *where)
{
    struct job job = {0};
    struct batch *none = NULL;
    struct terminal terminal = {.kind = TERMINAL_COUNT};
    char what[256];
    snprintf(what, sizeof what, "zip_with_index at %s", where);
    BARKS_TRY(batch_create(input->context->pool, &input->node.record->schema, 1, &none));
    barks_status *status = action_run(input->context, &input->node, &terminal, what, &job);
    for (uint32_t i = 0; status == NULL && i < job.result_count; i++) {
        size_t offset = 0;
        for (bool more = true; more && status == NULL;) {
            struct result_head head = {0};
            status = result_next(job.results[i].data, job.results[i].size_bytes, &offset, none,
                                 &head, &more);
            if (status == NULL && more && head.partition < input->node.partition_count)
                counts[head.partition] = (int64_t)head.partition_rows;
        }
    }
    job_drop(&job);
    batch_destroy(none);
    return status;
}

/* The index of the first row of each partition. */
BARKS_CHECKED static barks_status *find_firsts(barks_rdd *rdd, barks_rdd *input, const char *where)
{
    uint32_t count = input->node.partition_count;
    int64_t *firsts = calloc((size_t)count + 1, sizeof *firsts), next = 0;
    if (firsts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to count %" PRIu32 " partitions", where, count);
    rdd->node.step.bytes = (uint8_t *)firsts;
    rdd->node.step.size_bytes = count * sizeof *firsts;
    if (count <= 1)
        return NULL;
    BARKS_TRY(count_partitions(input, firsts, where));
    for (uint32_t i = 0; i < count; i++) {
        int64_t rows = firsts[i];
        firsts[i] = next;
        next += rows;
    }
    return NULL;
}

static barks_rdd *number_rows(barks_rdd *input, enum number_kind kind, const char *name,
                              const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_NUMBER, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    rdd->node.step.numbers[0] = kind;
    barks_status *status = derive_numbered(rdd, input, name, where);
    if (status == NULL && kind == NUMBER_INDEX)
        status = find_firsts(rdd, input, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_zip_with_index_at(barks_rdd *input, const char *name, const char *where)
{
    return number_rows(input, NUMBER_INDEX, name, where);
}

barks_rdd *barks_zip_with_unique_id_at(barks_rdd *input, const char *name, const char *where)
{
    return number_rows(input, NUMBER_UNIQUE, name, where);
}
