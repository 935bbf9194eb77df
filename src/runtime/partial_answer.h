/* Answers that are merged from a state of each partition (exec/partial.h). */
#pragma once

#include "barks/status.h"
#include "exec/partial.h"
#include "exec/step.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Begins zeroed, ends with partial_answer_drop. */
struct partial_answer {
    struct step question; /* as a terminal of TERMINAL_PARTIAL wants it; owned */
    struct partial_options options;
    const struct partial_kind *kind;
    void *state; /* of all partitions; owned */
};
void partial_answer_drop(struct partial_answer *answer);

/* What is asked: a kind by name, of some columns; bytes: doubles, or ranges (numbers[0] 1). All is
 * copied. Errors: BARKS_NO_MEMORY. */
struct partial_question {
    const char *kind;
    const uint32_t *columns;
    uint32_t column_count;
    const void *bytes;
    size_t size_bytes;
    bool are_ranges;
    double error;
    /* Where it is not NULL it sees the state of each partition, in order; and a job that was ended
     * by action_watch_limit is none that failed. */
    void (*visit)(void *context, const void *state);
    void *visit_context;
};

/* Runs the dataset into states and merges them. Errors: those of the job. */
BARKS_CHECKED barks_status *partial_answer_run(barks_context *context, struct node *node,
                                               const struct partial_question *question,
                                               const char *what, struct partial_answer *out);
