/* The hash table of aggregation: rows with equal keys are folded into one accumulator. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct combine;
struct pool;

/* An accumulator is the C struct of a record (accumulator->size), which holds the key columns as fields too.
 * Used on the map side (rows into accumulators, then drained into buckets) and on the reduce side (accumulators of many
 * maps into one, then drained in order). */
struct combine_options {
    struct pool *pool;
    const barks_schema *in;              /* of the rows */
    const barks_record *accumulator;
    const uint32_t *key_columns;         /* in the rows; key k is field key_fields[k] of the accumulator, of the same type */
    const uint32_t *key_fields;
    uint32_t key_count;                  /* 0: one accumulator for all rows */
    const barks_function *function;      /* kind REDUCE: accumulator begins as a copy of the first row; kind AGGREGATE: as
                                            initial with the key set, then every row is folded; NULL: keys alone (distinct): the
                                            first row of each key in order is kept */
    const uint32_t *function_columns;    /* of in, one for each field of function->in */
    const void *env;
    const void *initial;                 /* AGGREGATE: a struct of accumulator; NULL: all zero */
};
BARKS_CHECKED barks_status *combine_create(const struct combine_options *options, struct combine **out_combine);
void combine_destroy(struct combine *combine);

/* Folds the rows of batch in order. What long strings it needs it copies.
 * Errors: BARKS_LIMIT, BARKS_NO_MEMORY (out of budget), BARKS_USER_ERROR (fail(...) in the body; *out_row then says which
 * row of the batch). */
BARKS_CHECKED barks_status *combine_add(struct combine *combine, const struct batch *batch, uint32_t *out_row);

uint64_t combine_row_count(const struct combine *combine); /* accumulators */
uint64_t combine_rows_added(const struct combine *combine);

/* Calls visit with the accumulators as batches of accumulator->schema, up to BATCH_ROWS rows each, lent until it returns,
 * and empties the table. ordered: by ascending (table hash, key), the same for any order of adding; else as they lie. */
BARKS_CHECKED barks_status *combine_drain(struct combine *combine, bool ordered,
                                          barks_status *(*visit)(void *context, struct batch *batch), void *context);
