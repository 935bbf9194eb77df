/* Fields that a function wants, found among the columns of the rows it is given. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdint.h>

/* Index in `columns` of each field of `wanted`. Errors: BARKS_INVALID naming the field, who wants
 * it (what), where, and the nearest name or the types that differ. */
BARKS_CHECKED barks_status *bind_columns(const barks_schema *columns, const barks_schema *wanted,
                                         const char *what, const char *where,
                                         uint32_t *out_columns);
