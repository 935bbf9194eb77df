/* Numbers at equal distances. */
#include "exec/operator.h"

#include <inttypes.h>
#include <stdio.h>

/* The first number of a partition, counted: partitions differ by one at most, and none is larger
 * than a later one. */
static uint64_t first_of(uint64_t count, uint64_t partition, uint64_t partition_count)
{
    return count / partition_count * partition +
           count % partition_count * partition / partition_count;
}

static void fill(struct batch *batch, int64_t first, int64_t step, uint64_t from, uint32_t count)
{
    int64_t *values = batch->base.columns[0].values;
    for (uint32_t i = 0; i < count;
         i++) /* modulo 2^64: the result fits, as the driver has checked */
        values[i] = (int64_t)((uint64_t)first + (from + i) * (uint64_t)step);
    batch->base.row_count = count;
}

BARKS_CHECKED static barks_status *push_numbers(struct task *task, const struct pipe_node *leaf,
                                                uint64_t begin, uint64_t end, struct batch *batch,
                                                struct operator* into)
{
    for (uint64_t i = begin; i < end && !task->partition_done; i += BATCH_ROWS) {
        uint32_t count = end - i < BATCH_ROWS ? (uint32_t)(end - i) : BATCH_ROWS;
        batch_clear(batch);
        BARKS_TRY(batch_reserve(batch, count));
        fill(batch, leaf->step.numbers[0], leaf->step.numbers[1], i, count);
        source_count(task, count, 0);
        BARKS_TRY(operator_push(into, batch));
    }
    return NULL;
}

barks_status *number_source_run(struct task *task, const struct pipe_node *leaf,
                                uint32_t leaf_partition, struct operator* into)
{
    uint64_t count = (uint64_t)leaf->step.numbers[2];
    struct batch *batch = NULL;
    snprintf(task->place, sizeof task->place, "numbers made at %s", leaf->where);
    BARKS_TRY(batch_create(task->services->pool, &leaf->record->schema, BATCH_ROWS, &batch));
    barks_status *status = push_numbers(
        task, leaf, first_of(count, leaf_partition, leaf->partition_count),
        first_of(count, (uint64_t)leaf_partition + 1, leaf->partition_count), batch, into);
    batch_destroy(batch);
    return status;
}
