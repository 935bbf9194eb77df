#include "exec/run_pieces.h"

#include "batch/row_bytes.h"
#include "exec/row_merge.h"

#include <stdlib.h>

/* pointed_bytes: of each row, NULL: none has any. */
BARKS_CHECKED static barks_status *add(struct row_run *run, const barks_batch *rows,
                                       const uint32_t *pointed_bytes, uint64_t piece_bytes)
{
    uint64_t value_bytes = row_value_bytes(rows->schema);
    for (uint32_t first = 0, end = 0; first < rows->row_count; first = end) {
        uint64_t bytes = 0;
        for (; end < rows->row_count && end - first < BATCH_ROWS && bytes < piece_bytes; end++)
            bytes += value_bytes + (pointed_bytes != NULL ? pointed_bytes[end] : 0);
        BARKS_TRY(row_run_add(run, rows, first, end - first));
    }
    return NULL;
}

barks_status *run_add_pieces(struct row_run *run, const barks_batch *rows, uint64_t share_bytes)
{
    uint64_t piece_bytes = row_merge_piece_bytes(share_bytes);
    if (rows->row_count == 0 || !row_has_pointers(rows->schema))
        return add(run, rows, NULL, piece_bytes);
    uint32_t *pointed_bytes = malloc(rows->row_count * sizeof *pointed_bytes);
    if (pointed_bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to measure %u rows", rows->row_count);
    rows_find_bytes(rows, pointed_bytes);
    barks_status *status = add(run, rows, pointed_bytes, piece_bytes);
    free(pointed_bytes);
    return status;
}
