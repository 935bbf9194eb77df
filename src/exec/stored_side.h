/* What operators have in common that store the rows of input 1 in a partition as they come, in
 * memory or on disk, let input 0 stream by, and pair rows of both. */
#pragma once

#include "exec/operator.h"
#include "exec/pair.h"
#include "exec/sorted_runs.h"

#include <stdbool.h>

/* The head of such an operator's struct. Threads: the task's only. */
struct stored_side {
    struct operator base;
    const struct pipe_node *node; /* borrowed */
    uint32_t partition;
    struct sorted_runs right; /* of no order */
    bool is_sealed;           /* the right is complete */
    struct row_slice slice;   /* of the right, at hand once it is sealed; no rows: it is over */
    struct pair_output pairs;
    /* Rows of input 0. */
    barks_status *(*stream)(struct stored_side *side, struct batch *left);
};

/* An operator of size_bytes, zero behind its head, which kind's destroy frees by stored_side_drop
 * and free; kind's push_port is stored_side_push. is_rewound: stored_side_rewind is wanted.
 * Errors: as batch_create, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *
stored_side_create(size_t size_bytes, const struct operator_kind *kind, struct task *task,
                   const struct pipe_node *node, const struct operator_inputs *inputs,
                   bool is_rewound,
                   barks_status *(*stream)(struct stored_side *side, struct batch *left),
                   struct stored_side **out);
void stored_side_drop(struct stored_side *side);

/* A partition begins, or has ended: nothing is stored. */
void stored_side_begin(struct stored_side *side, uint32_t partition);

/* operator_kind.push_port: input 1 is stored, input 0 goes to stream, once the right is sealed. */
barks_status *stored_side_push(struct operator* self, uint32_t port, struct batch *batch);

/* The right is complete, and its first slice at hand; again is fine. Errors: as sorted_runs_next.
 */
BARKS_CHECKED barks_status *stored_side_seal(struct stored_side *side);

/* The next slice of the right, or the first one again. Errors: as sorted_runs_next. */
BARKS_CHECKED barks_status *stored_side_next(struct stored_side *side);
BARKS_CHECKED barks_status *stored_side_rewind(struct stored_side *side);
