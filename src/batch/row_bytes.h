/* How large rows are on their way into a shuffle. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

/* The most that the strings and lists of one row may have in a shuffle: the longest line that text
 * is read with by default. A frame of one row stays far below FRAME_BODY_BYTES_MAX then. */
#define ROW_BYTES_MAX (UINT64_C(1) << 30)

/* A row without what it points to. */
uint32_t row_value_bytes(const barks_schema *schema);
/* Has it strings or lists somewhere? */
bool row_has_pointers(const barks_schema *schema);

/* What each row points to: long strings, items of lists and what these point to; at most
 * UINT32_MAX. Cost: O(rows and items). */
void rows_find_bytes(const barks_batch *rows, uint32_t *out_bytes);

/* Errors: BARKS_LIMIT, where one of them has more than row_bytes_max. */
BARKS_CHECKED barks_status *rows_check_bytes(const uint32_t *bytes, uint32_t row_count,
                                             uint64_t row_bytes_max);
