/* Rows are added to a run that will be merged, cut into pieces as small as that wants them. */
#pragma once

#include "barks/status.h"
#include "store/row_run.h"

#include <stdint.h>

/* All rows of a batch, in pieces of about row_merge_piece_bytes(share_bytes), or of one row.
 * Errors: BARKS_NO_MEMORY, as row_run_add. */
BARKS_CHECKED barks_status *run_add_pieces(struct row_run *run, const barks_batch *rows,
                                           uint64_t share_bytes);
