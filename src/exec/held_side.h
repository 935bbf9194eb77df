/* What operators have in common that hold the rows of input 1 in a partition, let input 0 stream
 * by, and pair rows of both. */
#pragma once

#include "exec/operator.h"
#include "exec/pair.h"

/* The head of such an operator's struct. Threads: the task's only. */
struct held_side {
    struct operator base;
    const struct pipe_node *node; /* borrowed */
    uint32_t partition;
    struct batch *held; /* owned: the rows of input 1 in this partition */
    struct pair_output pairs;
    /* Rows of input 0. */
    barks_status *(*stream)(struct held_side *side, struct batch *left);
};

/* An operator of size_bytes, zero behind its head, which kind's destroy frees by held_side_drop and
 * free; kind's push_port is held_side_push. Errors: as batch_create, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *
held_side_create(size_t size_bytes, const struct operator_kind *kind, struct task *task,
                 const struct pipe_node *node, const struct operator_inputs *inputs,
                 barks_status *(*stream)(struct held_side *side, struct batch *left),
                 struct held_side **out);
void held_side_drop(struct held_side *side);

/* A partition begins, of which nothing is held. */
void held_side_begin(struct held_side *side, uint32_t partition);

/* operator_kind.push_port: input 1 is held, input 0 goes to stream. */
barks_status *held_side_push(struct operator* self, uint32_t port, struct batch *batch);
