/* JSON as rows: an object a line, or one array of objects that is a whole file. */
#pragma once

#include "io/source.h"
#include "io/source_options.h"

struct pool;
struct split;

/**
 * Reads the lines that begin inside of the splits, in their order; lines of spaces are skipped. A
 * file whose first byte (but for spaces) is '[' is one array, and must not be cut; with
 * options->array all are.
 *
 * A field has the value of its key: bool, numbers (of i32 and i64 without a fraction; "NaN",
 * "Infinity" and "-Infinity" as strings for f32 and f64), strings for str and bytes, arrays for
 * lists (which hold no null), objects for structs. A key that is missing is null, as null is. Keys
 * of no field are skipped, with options->strict they are wrong; a key that comes twice is.
 *
 * Ownership, errors: as csv_source_open.
 */
BARKS_CHECKED barks_status *json_source_open(struct pool *pool,
                                             const struct source_options *options,
                                             const barks_schema *schema, const struct split *splits,
                                             size_t split_count, struct bad_rows *bad,
                                             struct source **out_source);
