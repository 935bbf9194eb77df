/* Schemas as a person writes them: "name str, price f64?, tags list<str>, at struct<x i32, y i32>".
 */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

/* The schema that text says, for schema_destroy; '?' after a type makes the field optional. Errors:
 * BARKS_INVALID, with what was expected where; BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *schema_parse(const char *text, barks_schema **out_schema);
