/* How a dataset is computed, and what is known of it before it is.
 *
 * What holds for the questions here: they run nothing, have no errors of their own, and are for the
 * thread that called barks_init. After barks_finalize they know nothing: 0 or NULL. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/**
 * The steps of a dataset as text, the last one first, each with its partitions, what is known of
 * where rows of equal keys lie, and the place of the call; before them the fields of its rows and
 * how many exchanges there will be: "exchanges: 1". What is kept by executors already is not
 * computed, and what lies below it is not shown. Steps that an action has computed tell how many
 * rows they gave the last time, and the last step of a stage the time that its tasks took together;
 * an action that wants a few rows only leaves off early. Steps whose rows are not the same when
 * they are computed again say so.
 *
 * NULL on an error.
 *
 * Ownership: the context's, until barks_finalize or barks_release.
 * Errors:    those that the dataset bears.
 */
#define barks_explain(rdd) barks_explain_at((rdd), BARKS_HERE)
BARKS_API const char *barks_explain_at(barks_rdd *rdd, const char *where);
/* The same, printed to stdout, which is flushed. False where it could not be written. */
#define barks_print_explain(rdd) barks_print_explain_at((rdd), BARKS_HERE)
BARKS_API bool barks_print_explain_at(barks_rdd *rdd, const char *where);

/* ---- questions ---- */

/* The datasets that it was made of: how many, and number `index` of them, from 0; NULL beyond.
 * Steps that barks has put between (an exchange before a reduce) are parents too. */
BARKS_API uint32_t barks_parent_count(const barks_rdd *rdd);
BARKS_API barks_rdd *barks_parent(const barks_rdd *rdd, uint32_t index);

/* Its name (barks_set_name), or NULL; the dataset's. */
BARKS_API const char *barks_name(const barks_rdd *rdd);

/* The place of the call that made it: "job.c:12"; a literal. */
BARKS_API const char *barks_where(const barks_rdd *rdd);

/* How it lies: "8 partitions by hash of day". NULL where it bears an error. Ownership: the
 * context's, until barks_finalize or barks_release. */
BARKS_API const char *barks_partitioning_text(barks_rdd *rdd);

/* What a dataset is when it is computed again: for another action, or by another attempt. */
typedef enum barks_determinacy {
    BARKS_DETERMINATE = 0, /* the same rows in the same order: all that barks does is so */
    BARKS_UNORDERED,       /* the same rows in some order */
    BARKS_INDETERMINATE,   /* other rows */
} barks_determinacy;

/**
 * Of the dataset, by what was said of it and of what it is made of: what depends on the order of
 * unordered rows (numbers, samples, zips, rows that are dealt in turn, first of a key) is
 * indeterminate. barks_random is determinate, since its numbers follow from the seed.
 */
BARKS_API barks_determinacy barks_determinism(const barks_rdd *rdd);

/**
 * Your word of a dataset whose function reads a clock, asks a server or draws numbers of its own:
 * barks_set_determinism(barks_map(rows, ask, NULL), BARKS_INDETERMINATE). Say it before datasets
 * are made of it. barks_cache it where several actions must see the same rows. Returns rdd.
 *
 * Errors:    (sticky) BARKS_INVALID: not one of the three.
 */
#define barks_set_determinism(rdd, determinacy)                                                    \
    barks_set_determinism_at((rdd), (determinacy), BARKS_HERE)
BARKS_API barks_rdd *barks_set_determinism_at(barks_rdd *rdd, barks_determinacy determinacy,
                                              const char *where);
