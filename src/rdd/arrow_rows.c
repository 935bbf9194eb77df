/* Datasets to and from the Arrow C data interface. */
#include "batch/arrow.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "rdd/dataset.h"
#include "runtime/answer.h"

#include <stdio.h>

bool barks_collect_arrow_at(barks_rdd *rdd, struct ArrowArray *out_array,
                            struct ArrowSchema *out_schema, const char *where)
{
    char what[256];
    struct batch *batch = NULL;
    barks_context *context = context_alive();
    snprintf(what, sizeof what, "collect to Arrow at %s", where);
    if (context == NULL) {
        fprintf(stderr, "barks: %s: after barks_finalize nothing can run; move it before\n", what);
        return false;
    }
    barks_status *status = NULL;
    if (rdd->context != context)
        status = barks_status_new(
            BARKS_NO_MEMORY, NULL, BARKS_HERE,
            "%s: the dataset could not be made: no memory, or another context", what);
    if (status == NULL)
        status = answer_collect(context, &rdd->node, what, &batch);
    if (status == NULL)
        status = arrow_export(batch, out_array, out_schema);
    if (status == NULL)
        return true;
    batch_destroy(batch);
    context_fail(context, status);
    return false;
}

/* The rows in a batch that belongs to the node. */
BARKS_CHECKED static barks_status *take_rows(barks_context *context, struct ArrowArray *array,
                                             const struct ArrowSchema *schema, struct node *node)
{
    barks_schema *fields = NULL;
    if (array->release == NULL || schema->release == NULL)
        BARKS_FAIL(BARKS_INVALID, "the Arrow array has been released already");
    BARKS_TRY(arrow_import_schema(schema, &fields));
    barks_status *status = registry_derive_record(fields, &node->record);
    schema_destroy(fields);
    BARKS_TRY(status);
    BARKS_TRY(arrow_import(context->pool, array, schema, &node->record->schema, &node->rows));
    return batch_validate(node->rows, false);
}

barks_rdd *barks_from_arrow_at(barks_context *context, struct ArrowArray *array,
                               struct ArrowSchema *schema, uint32_t partitions, const char *where)
{
    enum { ARROW_PARTITIONS = 64 };
    barks_rdd *rdd = dataset_create(context, STEP_ROWS, NULL, 0, where);
    barks_status *status = NULL;
    rdd->node.record = &barks_record_barks_text; /* until it is known */
    if (rdd->context != NULL)
        status = take_rows(context, array, schema, &rdd->node);
    if (status != NULL)
        status = barks_status_new(barks_status_code(status), status, BARKS_HERE, "%s: from Arrow",
                                  where);
    int64_t rows = array->length < ARROW_PARTITIONS ? array->length : ARROW_PARTITIONS;
    if (array->release != NULL)
        array->release(array);
    if (schema->release != NULL)
        schema->release(schema);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.partition_count = partitions > 0 ? partitions : rows > 0 ? (uint32_t)rows : 1;
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
