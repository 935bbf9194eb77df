/* More answers that actions give: rows chosen by place or key, one value folded from a zero. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "plan/node.h"
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>

/* The rows of one partition. The batch is the caller's. */
BARKS_CHECKED barks_status *answer_partition(barks_context *context, struct node *node,
                                             uint32_t partition, const char *what,
                                             struct batch **out_rows);

/* The places of the partitions' first rows, and behind them the number of rows: partition_count + 1
 * entries, by a counting job. */
BARKS_CHECKED barks_status *answer_places(barks_context *context, struct node *node,
                                          const char *what, uint64_t *out_firsts);

/* Just n rows at random, in random order; with_replacement: n draws. */
BARKS_CHECKED barks_status *answer_sample(barks_context *context, struct node *node, uint64_t n,
                                          bool with_replacement, uint64_t seed, const char *what,
                                          struct batch **out_rows);

/* The rows whose columns equal the fields of key, a struct of key_record. */
BARKS_CHECKED barks_status *answer_lookup(barks_context *context, struct node *node,
                                          const uint32_t *columns, const barks_record *key_record,
                                          const void *key, const char *what,
                                          struct batch **out_rows);

/* Of rows with equal keys the last one, ascending by the keys. Takes rows. */
BARKS_CHECKED barks_status *answer_last_of_keys(barks_context *context, struct batch *rows,
                                                const uint32_t *keys, uint32_t key_count,
                                                struct batch **out_rows);

/* Folds everything into a struct of merge->in that begins as *zero, in each partition and once more
 * here. update: NULL: rows are of merge->in too. */
BARKS_CHECKED barks_status *answer_fold(barks_context *context, struct node *node,
                                        const barks_function *update, const barks_function *merge,
                                        const void *zero, const char *what, void *out);
