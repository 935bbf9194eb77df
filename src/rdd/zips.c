/* Datasets side by side, every row with every row, and rows numbered. */
#include "base/copy.h"
#include "exec/number_operator.h"
#include "rdd/pairing.h"
#include "rdd/places.h"

#include <inttypes.h>
#include <stdlib.h>

static bool are_sound(barks_rdd *const *rdds, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (rdds[k]->context == NULL || rdds[k]->node.error != NULL)
            return false;
    return true;
}

/* ---- pairs of rows ---- */

barks_rdd *barks_zip_at(barks_rdd *left, barks_rdd *right, const barks_function *function,
                        const void *env, const char *where)
{
    barks_rdd *sides[2] = {left, right};
    barks_status *status = NULL;
    if (are_sound(sides, 2))
        status = check_partition_counts(sides, 2, "zip", where);
    return dataset_pair(sides, STEP_PAIR, false, function, env, status, where);
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
    return dataset_pair(sides, STEP_CROSS, false, function, env, status, where);
}

/* ---- numbers ---- */

/* The index of the first row of each partition. */
BARKS_CHECKED static barks_status *find_firsts(barks_rdd *rdd, barks_rdd *input, const char *where)
{
    static const uint64_t none[1] = {0};
    const uint64_t *firsts = none;
    if (input->node.partition_count > 1)
        BARKS_TRY(places_know(input, "zip_with_index", where, &firsts));
    rdd->node.step.size_bytes = input->node.partition_count * sizeof *firsts;
    return copy_bytes(firsts, rdd->node.step.size_bytes, (void **)&rdd->node.step.bytes);
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
    barks_status *status = record_with_number(input, name, where, &rdd->node.record);
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
