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
    int64_t integer;
    struct barks_sum real;
    const barks_function *function; /* USER */
    struct batch *rows;             /* TEXTS: all; USER: one; owned */
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

/* Adds what a job that succeeded has accumulated, by stage and partition. Errors: of the user's
 * functions, of memory. */
BARKS_CHECKED barks_status *accumulators_take(barks_context *context, const struct job *job);

void accumulators_drop(barks_context *context);
