/* The order of a batch's rows. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

struct pool;

/* Fills out_order (row_count entries) with the rows' indices in the order of keys; equal rows keep
 * theirs. Errors: as pool_acquire. Cost: O(n) for each 8 bits of the keys that are needed to tell
 * rows apart; but O(n log n) comparisons of lists, structs and strings that are alike for long.
 * Source: Graefe, "Implementing Sorting in Database Systems", 2006 (normalised key prefixes). */
BARKS_CHECKED barks_status *rows_order(const barks_batch *batch, const struct sort_key *keys,
                                       uint32_t key_count, struct pool *pool, uint32_t *out_order);

/* The same; and tells where groups begin. out_begins has a bit for each place in the order, in
 * words of 64: set where the row differs in the first group_key_count keys from the one before. */
BARKS_CHECKED barks_status *rows_order_groups(const barks_batch *batch, const struct sort_key *keys,
                                              uint32_t key_count, uint32_t group_key_count,
                                              struct pool *pool, uint32_t *out_order,
                                              uint64_t *out_begins);

/* As rows_order, for rows that lie in a few runs, each in order already: these are merged. Any rows
 * will do. Cost: O(n log r) comparisons for r runs. */
BARKS_CHECKED barks_status *rows_order_runs(const barks_batch *batch, const struct sort_key *keys,
                                            uint32_t key_count, struct pool *pool,
                                            uint32_t *out_order);
