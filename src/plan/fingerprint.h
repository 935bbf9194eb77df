/* What the rows of a dataset follow from, as hashes: equal ones have equal rows, whoever computes
 * them, when, and on how many ranks. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct node;
struct terminal;

/* What may differ, so that one can say what did: the first of them, since the others can be
 * compared only where the steps are the same. */
enum fingerprint_part {
    FINGERPRINT_PLAN = 0,  /* the steps, without what follows from the input */
    FINGERPRINT_INPUT,     /* paths, sizes and times of files, the cuts between partitions; rows
                              that the driver has made */
    FINGERPRINT_ENV,       /* of functions; broadcast values and shipped files with it */
    FINGERPRINT_LIBRARY,   /* barks itself */
    FINGERPRINT_PROGRAM,   /* the job's binary, where functions declare no version */
    FINGERPRINT_ARGUMENTS, /* of the job, likewise: globals may have been set from them */
    FINGERPRINT_SETTINGS,  /* those that change rows */
};
enum { FINGERPRINT_PARTS = FINGERPRINT_SETTINGS + 1 };

/* Each part stands for the dataset and all that it is made of. */
struct fingerprint {
    uint64_t parts[FINGERPRINT_PARTS];
    bool is_known; /* false: nobody can say whether the rows would be the same again */
};

/* What holds for the whole job at the time of an action. */
struct fingerprint_basis {
    uint64_t library, program, arguments, settings;
    uint64_t values;  /* broadcast values so far: any function with an env may have a handle */
    uint64_t shipped; /* files that were shipped so far */
};

/**
 * The fingerprints of root and of all that it is made of, by the ids of their nodes; the caller
 * frees them.
 *
 * Not known are datasets that are indeterminate or made of such ones, the output of programs
 * (barks_pipe), sources of the job's own whose function declares no version, and files whose bad
 * rows are put aside. What is kept or was cut by a checkpoint is what it was before.
 *
 * Threads: the planning lock is held. Errors: BARKS_NO_MEMORY. Cost: O(steps, splits and rows of
 * the driver). */
BARKS_CHECKED barks_status *fingerprint_nodes(struct node *root, uint32_t node_count,
                                              const struct fingerprint_basis *basis,
                                              struct fingerprint **out_by_id);

/* That of an action's answer: rows is that of the dataset. */
BARKS_CHECKED barks_status *fingerprint_answer(const struct fingerprint *rows,
                                               const struct terminal *terminal,
                                               const struct fingerprint_basis *basis,
                                               struct fingerprint *out);

/* Adds words of the caller's to the plan. */
void fingerprint_add_text(struct fingerprint *fingerprint, const char *text);

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b);

/* All parts as one name of hexadecimal digits. */
enum { FINGERPRINT_NAME_BYTES = 33 };
void fingerprint_name(const struct fingerprint *fingerprint, char out[FINGERPRINT_NAME_BYTES]);

/* "the input", "the job's program" ...: the first part that differs; NULL: none. */
const char *fingerprint_difference(const struct fingerprint *now, const struct fingerprint *before);
