/* Schemas that are made at run time, compared, and turned into bytes and text. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

/* A deep copy on the heap, with its names and types. */
BARKS_CHECKED barks_status *schema_copy(const barks_schema *schema, barks_schema **out_schema);
void schema_destroy(barks_schema *schema); /* of schema_copy and schema_decode only; NULL is fine */

/* By names, types and nullability, in order. */
bool schema_equal(const barks_schema *a, const barks_schema *b);
bool type_equal(const barks_type *a, const barks_type *b);

/* Index of the field, or -1. */
int32_t schema_find(const barks_schema *schema, const char *name);
/* The field whose name is nearest (edit distance), for errors; NULL when there is none near. */
const char *schema_nearest(const barks_schema *schema, const char *name);

/* "word str, count i64, price f64?" for errors and explain. */
BARKS_CHECKED barks_status *schema_print(const barks_schema *schema, struct buffer *out);
/* "i64", "list<str>", "struct<word str, count i64>". */
BARKS_CHECKED barks_status *type_print(const barks_type *type, struct buffer *out);
const char *type_id_name(barks_type_id id);

/* Bytes of one value in a column's values: 1, 4, 8 or 16; 0 for a struct. */
size_t type_value_bytes(const barks_type *type);

/* How deep types may nest when they come from outside. */
enum { SCHEMA_DEPTH_MAX = 32, SCHEMA_FIELDS_MAX = 4096 };
/* Layout drawn in schema_codec.c. Errors: as buffer_append, BARKS_LIMIT (too deep, a name too
 * long); out is then as before. */
BARKS_CHECKED barks_status *schema_encode(const barks_schema *schema, struct buffer *out);
/* Reads the schema that bytes begin with. Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *schema_decode(const uint8_t *bytes, size_t size_bytes,
                                          size_t *out_used_bytes, barks_schema **out_schema);
/* Over names, types and nullability; part of the encoding of batches. */
uint64_t schema_hash(const barks_schema *schema);
