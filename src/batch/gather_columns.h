/* Rows made of columns of several batches: joined, zipped, grouped. They are built beyond the rows
 * that count, column by column; the caller counts them. Their strings are views into what the
 * batches they come from hold, so they are for passing on, or those lend their blocks. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

/* Writes rows of from's columns to rows [row_count, ...) of to's, which has room and the same types
 * there. rows: of from, BARKS_NO_ROW for nulls. to_columns NULL: the first column_count ones.
 * Errors: as pool_acquire, BARKS_LIMIT: items of lists; to must be cleared then. */
BARKS_CHECKED barks_status *columns_gather(struct batch *to, const uint32_t *to_columns,
                                           const struct batch *from, const uint32_t *from_columns,
                                           uint32_t column_count, const uint32_t *rows,
                                           uint32_t row_count);

/* Writes lists of values of from to rows [to_row, to_row + list_count) of a list column of to: the
 * values at rows (NULL: first_row, first_row + 1, ...), lengths[k] of them for list k.
 * Errors: as above. */
BARKS_CHECKED barks_status *column_gather_lists(struct batch *to, barks_column *list,
                                                uint32_t to_row, const barks_column *from,
                                                const uint32_t *rows, uint32_t first_row,
                                                const uint32_t *lengths, uint32_t list_count);

/* to holds all of from's blocks. */
BARKS_CHECKED barks_status *batch_lend_blocks(struct batch *to, const struct batch *from);

/* Turns the values of the first columns that are equal as keys (-0.0, all NaNs) into one, in
 * row_count rows that are not counted yet. */
void columns_canonicalize(struct batch *batch, uint32_t column_count, uint32_t row_count);
