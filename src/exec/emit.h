/* Where emitted rows and the bytes that bodies make come to lie: what barks_out points back to. */
#pragma once

#include "barks/function.h"
#include "batch/batch.h"

/* out.operator_self is the emitter itself. Threads: one owner at a time. */
struct emitter {
    barks_out out;
    struct batch *rows;   /* borrowed: out.columns are its columns */
    struct batch *maker;  /* borrowed: no rows, its blocks hold made strings; may be rows itself */
    uint64_t made_bytes;  /* of strings and items, since they were last handed on: see is_full */
    barks_status *failed; /* owned: the first failure, on its way round the user's loop */
};

/* Keeps the first failure, frees later ones, and stops the loop. */
void emitter_fail(struct emitter *emitter, barks_status *status);

/* Appends an array of a record's structs to batch, which has the record's schema; strings are
 * copied. Errors: BARKS_LIMIT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *rows_to_batch(const barks_record *record, const void *rows,
                                          uint32_t row_count, struct pool *pool,
                                          struct batch *batch);
