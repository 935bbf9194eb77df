/* The bytes that a task sends to the driver: heads and encoded rows (result_head in
 * exec/task_run.h).
 */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "exec/task_run.h"

struct pool;

/* Adds a head and, when rows is not NULL and has rows, the encoded rows. */
BARKS_CHECKED barks_status *result_add(struct task_result *result, uint32_t partition,
                                       uint64_t partition_rows, const barks_batch *rows);

/* Appends the rows that follow a head, which may be none (strings copied). Errors: BARKS_BAD_INPUT
 * when the bytes are no such rows. */
BARKS_CHECKED barks_status *result_append_rows(const struct result_head *head, const uint8_t *bytes,
                                               struct batch *rows);

/* result_add with bytes of the terminal's own in place of rows. */
BARKS_CHECKED barks_status *result_add_bytes(struct task_result *result, uint32_t partition,
                                             uint64_t partition_rows, const uint8_t *bytes,
                                             size_t size_bytes);
/* Reads the next head at *offset, and where its bytes lie, which stay there; *out_more is false at
 * the end. Errors: BARKS_BAD_INPUT when the bytes are not such a result. */
BARKS_CHECKED barks_status *result_next(const uint8_t *result, size_t result_bytes, size_t *offset,
                                        struct result_head *out_head, const uint8_t **out_bytes,
                                        bool *out_more);
