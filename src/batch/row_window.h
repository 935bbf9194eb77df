/* Rows of a batch from some place on, as a function sees them: it counts them from 0. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdint.h>

/* Begins zeroed, ends with row_window_drop, which takes one half made too. Threads: one. */
struct row_window {
    const barks_schema *wanted; /* outlives it */
    uint32_t *columns;          /* of the batch, one for each field; owned */
    barks_column *shown;        /* as the batch has them, with values from the place on; owned */
    const barks_column **bound; /* to each of shown; owned */
};

/* A function wants the fields of `wanted` from batches of `given`. Errors: as bind_columns, and
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *row_window_init(struct row_window *window, const barks_schema *given,
                                            const barks_schema *wanted, const char *what,
                                            const char *where);
void row_window_drop(struct row_window *window);

/* A place where values and validity begin at a whole word is a multiple of this. */
enum { ROW_WINDOW_ALIGNMENT = 64 };

/* Shows the rows of batch from first on, until the batch changes. */
void row_window_show(struct row_window *window, const barks_batch *batch, uint32_t first);
