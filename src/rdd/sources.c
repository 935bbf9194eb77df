/* Datasets of arrays. */
#include "rdd/dataset.h"

enum { PARALLELIZE_PARTITIONS = 64 };

barks_rdd *barks_parallelize_at(barks_context *context, const barks_record *record,
                                const void *rows, size_t row_count, uint32_t partition_count,
                                const char *where)
{
    barks_rdd *rdd = dataset_create(context, STEP_ROWS, NULL, 0, where);
    rdd->node.record = record;
    if (rdd->context == NULL)
        return rdd;
    size_t by_rows = row_count < PARALLELIZE_PARTITIONS ? row_count : PARALLELIZE_PARTITIONS;
    rdd->node.partition_count =
        partition_count > 0 ? partition_count : (uint32_t)(by_rows > 0 ? by_rows : 1);
    barks_status *status = context_copy_rows(context, record, rows, row_count, &rdd->node.rows);
    if (status != NULL)
        status = barks_status_new(barks_status_code(status), status, BARKS_HERE, "%s: parallelize",
                                  where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
