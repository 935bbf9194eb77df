/* Values in the names of directories: .../year=2024/country=de/part-0.csv. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>

struct buffer;

/* Does a directory of the path give the field a value? */
bool path_has_field(const char *path, const char *field);

/* Writes the values that the path gives to fields of the batch into all its rows. Names and values
 * are percent-decoded; __HIVE_DEFAULT_PARTITION__ is null. Errors: BARKS_BAD_INPUT: a value that is
 * none of the field's type, null where the field is not optional; as pool_acquire. */
BARKS_CHECKED barks_status *path_fields_fill(const char *path, struct batch *batch);

/* Calls visit with each name and value of the path, decoded, from the left. */
void path_fields_each(const char *path,
                      void (*visit)(void *context, const char *name, const char *value),
                      void *context);
