/* Rows that every executor holds for its tasks: broadcast values, and what is made of them once. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

/* Threads: any; a lock of rank LOCK_OPERATOR guards it, and is held while an object is made, so
 * that it is made once. Begins with shared_rows_create. */
struct shared_rows;

BARKS_CHECKED barks_status *shared_rows_create(struct shared_rows **out_shared);
void shared_rows_destroy(struct shared_rows *shared); /* NULL is fine */

/* Adds a value, and takes rows. Errors: BARKS_NO_MEMORY; rows are then destroyed. */
BARKS_CHECKED barks_status *shared_rows_put(struct shared_rows *shared, uint64_t id,
                                            struct batch *rows);
/* A stage whose tasks use it is there (by 1) or has gone (by -1): until then what is dropped stays.
 * A value that is not there is left alone. */
void shared_rows_hold(struct shared_rows *shared, uint64_t id, int by);
/* Forgets it, with all that was made of it, when no stage holds it. */
void shared_rows_drop(struct shared_rows *shared, uint64_t id);

/* The rows, borrowed as long as the value is there. Errors: BARKS_INVALID: it was destroyed. */
BARKS_CHECKED barks_status *shared_rows_find(struct shared_rows *shared, uint64_t id,
                                             const struct batch **out_rows);

/* What can be made of a value's rows. */
struct shared_kind {
    /* May be called under the lock. */
    barks_status *(*make)(const void *wanted, const struct batch *rows, void **out_object);
    bool (*is_wanted)(const void *object, const void *wanted); /* it was made for just this */
    void (*destroy)(void *object);
};

/* What kind makes of the rows for `wanted`, once; destroyed with the value. kind is a constant.
 * Errors: those of make, BARKS_INVALID, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *shared_rows_object(struct shared_rows *shared, uint64_t id,
                                               const struct shared_kind *kind, const void *wanted,
                                               void **out_object);

/* An array of the record's structs, made once. */
BARKS_CHECKED barks_status *shared_rows_structs(struct shared_rows *shared, uint64_t id,
                                                const barks_record *record, const void **out_rows,
                                                uint32_t *out_count);
