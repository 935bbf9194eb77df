/* Batches as struct arrays of the Arrow C data interface, and back. */
#pragma once

#include "barks/arrow.h"
#include "barks/status.h"
#include "batch/batch.h"

struct pool;

/* Takes batch, unless it fails: the array's release destroys it. The schema is a copy. Errors:
 * BARKS_NO_MEMORY; BARKS_LIMIT: a column of more than 2 GiB of strings. */
BARKS_CHECKED barks_status *arrow_export(struct batch *batch, struct ArrowArray *out_array,
                                         struct ArrowSchema *out_schema);

/* The schema of a struct array, for schema_destroy. Errors: BARKS_INVALID: a type that barks has
 * not. */
BARKS_CHECKED barks_status *arrow_import_schema(const struct ArrowSchema *schema,
                                                barks_schema **out_schema);

/* A batch of the array's rows; target is the schema from arrow_import_schema, or an equal one, and
 * outlives the batch. Numbers of the same type, and the bytes of long strings, stay where they are;
 * the rest is copied. Takes the array, unless it fails: its release is called once nothing of it is
 * used, by whoever lets go last of the batch's blocks. Errors: BARKS_INVALID: nulls where there may
 * be none, other buffers than the schema's; BARKS_BAD_INPUT: offsets that go backwards or are
 * negative; BARKS_LIMIT: more than 2^31 rows or items; as pool_acquire. */
BARKS_CHECKED barks_status *arrow_import(struct pool *pool, struct ArrowArray *array,
                                         const struct ArrowSchema *schema,
                                         const barks_schema *target, struct batch **out_batch);
