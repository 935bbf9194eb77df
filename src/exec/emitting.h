/* Rows that a user's loop emits, on their way to the next operator: what barks_out_flush works on.
 */
#pragma once

#include "barks/function.h"
#include "exec/emit.h"
#include "exec/operator.h"

#include <stdint.h>

/* Part of an operator that calls loops. Threads: the task's only. */
struct emitting {
    struct emitter emitter;       /* first: out.operator_self leads here */
    struct operator* op;          /* borrowed: whose next gets the rows */
    struct batch *output;         /* the rows emitted, not handed on yet; owned */
    struct batch *maker;          /* no rows: its blocks hold the strings that bodies make; owned */
    const barks_column **columns; /* the output's, as the function's out record has them; owned */
    const struct batch *inputs[STEP_INPUTS_MAX]; /* lent: what emitted strings may point into */
    uint32_t input_count;
    /* Fills the columns of rows that the loop does not; NULL: there are none. */
    barks_status *(*complete)(struct operator* op, struct batch *output, uint32_t row_count);
};

/* The loop fills the columns of schema from first_column on. Errors: as batch_create. */
BARKS_CHECKED barks_status *emitting_init(struct emitting *emitting, struct operator* op,
                                          const barks_schema *schema, uint32_t first_column);
void emitting_drop(struct emitting *emitting);

static inline void emitting_lend(struct emitting *emitting, const struct batch *input)
{
    emitting->inputs[0] = input;
    emitting->input_count = 1;
}

/* To begin a loop: rows may be emitted again. */
static inline void emitting_begin(struct emitting *emitting)
{
    emitting->emitter.out.stopped = false;
}

/* After a loop: what failed below, which is no failure of the function. */
BARKS_CHECKED barks_status *emitting_end(struct emitting *emitting, barks_call *call);

/* Hands on what was emitted, and gives up the strings made. While inputs are as they were. */
BARKS_CHECKED barks_status *emitting_flush(struct emitting *emitting);

/* What was emitted and not handed on is no more: after a loop, however it ended. */
void emitting_forget(struct emitting *emitting);
