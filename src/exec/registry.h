/* The functions of the job's binary, found by kind and name on every rank. */
#pragma once

#include "barks/function.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* barks_register (barks/function.h) adds to it while constructors run; after registry_freeze it
 * never changes: what is registered later, by a library that was loaded then, stays unknown.
 * Threads: before the freeze only the one that runs constructors; after it any. */

/**
 * Ends the adding of functions; barks_init calls it first. Twice is fine.
 *
 * Errors:    BARKS_INVALID where two functions have one name (the text says both places);
 *            BARKS_NO_MEMORY where a constructor found none.
 * Threads:   main, before others start.
 */
BARKS_CHECKED barks_status *registry_freeze(void);

/* The function of that name if it is of that kind, else NULL. Borrowed for ever. Cost: O(log n). */
const barks_function *registry_find(const char *name, barks_function_kind kind);

/**
 * As registry_find, for names that come from another rank or a plan.
 *
 * Errors:    BARKS_INVALID: "this binary has no flat_map function 'split_wrods'; the nearest is
 *            'split_words' (flat_map, at job.c:12)".
 * Threads:   any, after the freeze.
 */
BARKS_CHECKED barks_status *registry_require(const char *name, barks_function_kind kind,
                                             const barks_function **out_function);

/* All of them, by ascending name, then in the order of registration: duplicates are neighbours. */
size_t registry_count(void);
const barks_function *registry_at(size_t index);

/* Two functions of one name. */
struct registry_duplicate {
    const barks_function *first;
    const barks_function *second;
};

/* How many pairs of neighbours have one name; the first capacity of them into out_duplicates, which
 * may be NULL where that is 0. */
size_t registry_duplicates(struct registry_duplicate *out_duplicates, size_t capacity);

/* The name nearest to that one by edit distance, of a function of any kind; NULL when none is near.
 */
const barks_function *registry_nearest(const char *name);

/* "map", "flat_map", ...: as in BARKS_MAP, BARKS_FLAT_MAP. */
const char *function_kind_name(barks_function_kind kind);

/**
 * XXH3 of the job's executable, which stands for the functions in it: equal on all ranks, or they
 * run different programs. Computed when first asked for, then kept.
 *
 * Errors:    BARKS_IO.
 * Threads:   any.
 * Cost:      reads the file once.
 */
BARKS_CHECKED barks_status *registry_binary_hash(uint64_t *out_hash);

/* The same of the file that barks itself is in. */
BARKS_CHECKED barks_status *registry_library_hash(uint64_t *out_hash);

/* What the author of a function has declared as the version of its code; NULL: nothing, so the hash
 * of the binary stands for it. */
const char *registry_version(const barks_function *function);

/* The job has said BARKS_TASKS_USE_MPI (barks/together.h). Threads: any, once constructors have
 * run. */
bool registry_wants_mpi(void);
