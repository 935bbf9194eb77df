/* Where rows are in the whole dataset, and exchanges by that. */
#pragma once

#include "rdd/dataset.h"

/* The places of each partition's first row, and after the last one the number of rows: of
 * partition_count + 1. Counts by a job, unless it is known; what was counted is kept with the
 * dataset, which must be sound. action: for people. Borrowed from the dataset. */
BARKS_CHECKED barks_status *places_know(barks_rdd *rdd, const char *action, const char *where,
                                        const uint64_t **out_firsts);

/* input exchanged so that partition i has the rows from place bounds[i] to below bounds[i + 1], the
 * last one the rest. firsts: as places_know. Rows keep their order. */
barks_rdd *dataset_by_place(barks_rdd *input, const uint64_t *firsts, const uint64_t *bounds,
                            uint32_t partition_count, const char *where);

/* input exchanged by a column of it, an i64 that is never null: partition i has the rows of the
 * indices [i * n / p, (i + 1) * n / p), n being index_count and p partition_count. What is no index
 * goes where index 0 does, or to the last partition. */
barks_rdd *dataset_by_index(barks_rdd *input, uint32_t column, uint64_t index_count,
                            uint32_t partition_count, const char *where);
