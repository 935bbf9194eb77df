/* Leaves out rows whose key the other side of a join has not (key_filter.h), where that pays.
 *
 * Rows of a map partition are looked at in windows. After one of which less than an eighth was
 * dropped, the rows of the next ROW_FILTER_SKIPPED windows pass unseen: then a window is looked at
 * again. So what is dropped follows from the map partition's rows in their order alone, whoever
 * computes it, and however they come in batches. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/key_filter.h"

#include <stdint.h>

enum { ROW_FILTER_WINDOW = 1 << 15, ROW_FILTER_SKIPPED = 15 };

/* Threads: one owner at a time. */
struct row_filter;
/* The filter and the columns are borrowed for its life. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *row_filter_create(const struct key_filter *filter,
                                              const uint32_t *key_columns, uint32_t key_count,
                                              struct row_filter **out_filter);
void row_filter_destroy(struct row_filter *filter); /* NULL is fine */

/* The rows of a map partition come next. */
void row_filter_begin(struct row_filter *filter);

/* The rows that stay, ascending, good until the next call. Errors: BARKS_NO_MEMORY. Cost:
 * O(rows). */
BARKS_CHECKED barks_status *row_filter_apply(struct row_filter *filter, const barks_batch *rows,
                                             const uint32_t **out_kept, uint32_t *out_count);
