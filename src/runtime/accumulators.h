/* Accumulators at the driver: what the actions that succeeded have added. */
#pragma once

#include "barks/status.h"
#include "exec/accumulate.h"
#include "runtime/context.h"

#include <stdint.h>

struct job;

struct accumulator {
    char *name; /* owned */
    enum accumulator_kind kind;
    struct accumulated_number number;
    bool was_beyond;                /* SUM: it was said that the value is beyond an int64_t */
    const barks_function *function; /* USER */
    uint64_t most;                  /* BAD: a job that meets more of them fails; 0: any number */
    struct batch *rows;             /* TEXTS: all; USER, BAD: one; owned */
    void *structs; /* owned: what the user was given of rows; NULL: not asked for */
};

/* A new one; its id is context->accumulator_count then. Takes rows (a USER's zero). Errors:
 * BARKS_NO_MEMORY; rows are destroyed. */
BARKS_CHECKED barks_status *accumulators_add(barks_context *context, const char *name,
                                             enum accumulator_kind kind,
                                             const barks_function *function, struct batch *rows,
                                             uint32_t *out_id);

/* The accumulator of that id and kind (0: any), or NULL. */
struct accumulator *accumulators_find(barks_context *context, uint32_t id, uint32_t kind);

/* A SUM, MIN or MAX within int64_t: a sum beyond it is the largest or least. */
int64_t accumulator_integer(const struct accumulator *accumulator);
/* The value as text, for people: "17"; "" where there is nothing to say. */
enum { ACCUMULATOR_TEXT_BYTES = 512 };
void accumulator_print(const struct accumulator *accumulator, char out[ACCUMULATOR_TEXT_BYTES]);

/* Adds what a job that succeeded has accumulated, by stage and partition. Errors: of the user's
 * functions, of memory; BARKS_BAD_INPUT: more bad rows than are suffered; then nothing is added. */
BARKS_CHECKED barks_status *accumulators_take(barks_context *context, const struct job *job);

void accumulators_drop(barks_context *context);
