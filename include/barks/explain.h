/* How a dataset is computed. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/**
 * The steps of a dataset as text, the last one first, each with its partitions, what is known of
 * where rows of equal keys lie, and the place of the call; before them the fields of its rows and
 * how many exchanges there will be: "exchanges: 1". What is kept by executors already is not
 * computed, and what lies below it is not shown.
 *
 * NULL on an error.
 *
 * Ownership: the context's, until barks_finalize or barks_release.
 * Errors:    those that the dataset bears.
 */
#define barks_explain(rdd) barks_explain_at((rdd), BARKS_HERE)
BARKS_API const char *barks_explain_at(barks_rdd *rdd, const char *where);
/* The same, printed to stdout. */
#define barks_print_explain(rdd) barks_print_explain_at((rdd), BARKS_HERE)
BARKS_API void barks_print_explain_at(barks_rdd *rdd, const char *where);
