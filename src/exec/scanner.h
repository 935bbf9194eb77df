/* A running value: rows folded one after another by a BARKS_REDUCE, and what it is after each. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/accumulator.h"
#include "shuffle/combine_keep.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* Begins zeroed, ends with scanner_drop. Threads: one owner at a time. */
struct scanner {
    const barks_function *function;
    const void *env;                  /* borrowed */
    struct accumulator_field *fields; /* owned: of function->in */
    void *value;                      /* owned: a struct of it, whose strings lie in kept */
    bool has_value;                   /* else the first row becomes the value */
    struct keeper kept;
};

/* Errors: BARKS_INVALID (a record that cannot be an accumulator), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *scanner_init(struct scanner *scanner, struct pool *pool,
                                         const barks_function *function, const void *env);
void scanner_drop(struct scanner *scanner);

/* The value is none; or a copy of a struct of function->in; or of a row of its columns. */
void scanner_clear(struct scanner *scanner);
BARKS_CHECKED barks_status *scanner_begin(struct scanner *scanner, const void *value);
BARKS_CHECKED barks_status *scanner_begin_row(struct scanner *scanner,
                                              const barks_column *const *columns, uint32_t row);

/* Folds a row of columns (in the order of function->in's fields) into the value. task: for the
 * body, or NULL. Errors: BARKS_USER_ERROR, as pool_acquire. */
BARKS_CHECKED barks_status *scanner_add(struct scanner *scanner, const barks_column *const *columns,
                                        uint32_t row, barks_task_info *task);

/* Writes the value to a row, which there is room for, of the columns that to_columns lists (NULL:
 * 0, 1, ...): views of strings that the scanner keeps. */
BARKS_CHECKED barks_status *scanner_store(const struct scanner *scanner, struct batch *batch,
                                          const uint32_t *to_columns, uint32_t row);
/* The batch holds the blocks that its views point into. */
BARKS_CHECKED barks_status *scanner_lend(const struct scanner *scanner, struct batch *batch);
/* Gives up the strings of earlier values. */
BARKS_CHECKED barks_status *scanner_forget(struct scanner *scanner);
