/* The answers that actions give: counts, rows, one folded row, files. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "plan/node.h"
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>

struct row_order;

BARKS_CHECKED barks_status *answer_count(barks_context *context, struct node *node,
                                         const char *what, uint64_t *out_row_count);

/* The first n rows (INT64_MAX: all) as an array of the record's structs, kept by the context. */
BARKS_CHECKED barks_status *answer_take(barks_context *context, struct node *node, int64_t n,
                                        const barks_record *record, const char *what,
                                        void **out_rows, uint64_t *out_row_count);

BARKS_CHECKED barks_status *answer_top(barks_context *context, struct node *node, int64_t n,
                                       const struct sort_key *keys, uint32_t key_count,
                                       const barks_record *record, const char *what,
                                       void **out_rows, uint64_t *out_row_count);

/* Folds everything into *out, a struct of function->in, whose strings the context keeps. */
BARKS_CHECKED barks_status *answer_reduce(barks_context *context, struct node *node,
                                          const barks_function *function, const char *what,
                                          void *out);

BARKS_CHECKED barks_status *answer_foreach(barks_context *context, struct node *node,
                                           const barks_function *function, const void *env,
                                           const char *what);

/* format: a name that sink_format_find knows; save_mode: a barks_save_mode. */
BARKS_CHECKED barks_status *answer_write(barks_context *context, struct node *node,
                                         const char *format, const char *path, int save_mode,
                                         const char *what);

/* Removes what was written there; it may already be gone. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *answer_remove(const char *path);

/* All rows, in order, as a batch of the node's record, which is the caller's. */
BARKS_CHECKED barks_status *answer_collect(barks_context *context, struct node *node,
                                           const char *what, struct batch **out_batch);

/* The structs of a batch's rows, which the context keeps with the batch. Takes batch. */
BARKS_CHECKED barks_status *answer_give_rows(barks_context *context, struct batch *batch,
                                             const barks_record *record, const char *what,
                                             void **out_rows);
/* Accumulators, at least one, folded in their order into *out, a struct of function->in. */
BARKS_CHECKED barks_status *answer_fold_rows(barks_context *context,
                                             const struct batch *accumulators,
                                             const barks_function *function, const char *what,
                                             void *out);
/* As answer_take and answer_top, the rows as a batch of the caller's. */
BARKS_CHECKED barks_status *answer_take_rows(barks_context *context, struct node *node, int64_t n,
                                             const char *what, struct batch **out_rows);
BARKS_CHECKED barks_status *answer_top_rows(barks_context *context, struct node *node, int64_t n,
                                            const struct sort_key *keys, uint32_t key_count,
                                            const char *what, struct batch **out_rows);
/* The first n rows by any order. */
BARKS_CHECKED barks_status *answer_first_by(barks_context *context, struct node *node, int64_t n,
                                            const struct row_order *by, const char *what,
                                            struct batch **out_rows);
