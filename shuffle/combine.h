/* The hash table of aggregation: rows with equal keys are folded into one accumulator. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "shuffle/combine_keep.h" /* struct call_scope */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* An accumulator is the C struct of a record (accumulator->size), which holds the key columns as
 * fields too. Used on the map side (rows into accumulators, then drained into buckets) and on the
 * reduce side (accumulators of many maps into one, then drained in order).
 * Threads: one owner at a time. */
struct combine;
struct pool;

/* Keys from first_key on, place_count of them; 0: none. */
struct key_window {
    int64_t first_key;
    uint64_t place_count;
};

struct combine_options {
    struct pool *pool;
    const barks_schema *in; /* of the rows */
    const barks_record *accumulator;
    /* Key k is column key_columns[k] of the rows and field key_fields[k] of the accumulator, which
     * are of one type. The body of a function must leave these fields as they are. */
    const uint32_t *key_columns;
    const uint32_t *key_fields;
    uint32_t key_count; /* 0: one accumulator for all rows */
    /* Kind REDUCE: an accumulator begins as a copy of its first row. Kind AGGREGATE, and REDUCE
     * with begins_with_initial: as initial with the key set, then every row is folded. NULL: keys
     * alone (distinct): the first row of each key in order is kept. */
    const barks_function *function; /* in NULL: it takes all columns of in, in order */
    bool begins_with_initial;
    /* Of in, one for each field of function->in (of the accumulator where function is NULL). NULL:
     * 0, 1, ... */
    const uint32_t *function_columns;
    const void *env;
    const void *initial; /* a struct of accumulator; NULL: all zero */
    /* What the table should stay below, strings included; 0: no limit but the pool's. See
     * combine_is_full. */
    uint64_t bytes_limit;
    /* A table of one whole number that grows past so many bytes becomes an array by key, where the
     * keys lie close together; it is then drained as it lies. 0: never. */
    uint64_t array_bytes_min;
    const atomic_bool *cancelled; /* whether nobody wants the result any more; NULL: never */
    struct key_window window;     /* that an array of keys alike had; it is taken for likely */
    /* Tests: the hash of a key becomes (hash & hash_and) | hash_or; 0 in hash_and: all bits. */
    uint64_t hash_and;
    uint64_t hash_or;
};

/**
 * Makes an empty table; it takes memory with the first row.
 *
 * Ownership: copies the arrays of options; schema, records, function, env and initial are borrowed
 * for the table's life.
 * Errors:    BARKS_INVALID (a key that differs in type from its field, a function of another
 *            kind or record, a list of lists or records in the accumulator), BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *combine_create(const struct combine_options *options,
                                           struct combine **out_combine);
void combine_destroy(struct combine *combine); /* NULL is fine */

/**
 * Folds the rows of batch in order. What long strings and lists it needs it copies.
 *
 * Errors:    BARKS_LIMIT, BARKS_NO_MEMORY (out of budget), BARKS_CANCELLED (options.cancelled is
 *            set), BARKS_USER_ERROR (fail(...) in the body; *out_row then says which row of the
 *            batch). Rows before the one that failed, and some after it, may have been folded: what
 *            is in the table then is good for nothing but to be destroyed.
 * Cost:      O(rows), about one cache miss each for a table beyond the caches, 256 of them at a
 *            time.
 */
BARKS_CHECKED barks_status *combine_add(struct combine *combine, const struct batch *batch,
                                        uint32_t *out_row);

uint64_t combine_row_count(const struct combine *combine);  /* accumulators */
uint64_t combine_rows_added(const struct combine *combine); /* in the table's whole life */
uint64_t combine_bytes(const struct combine *combine);      /* taken from the pool now */

/* Of the array that the table was last; else that of the options. */
struct key_window combine_key_window(const struct combine *combine);

/* True when one more batch might bring the table past bytes_limit, or there is no room to let it
 * grow or to clean it up: drain it, then go on. Asked after each combine_add. Never true of an
 * empty table. */
bool combine_is_full(const struct combine *combine);

/* True when slots for row_count more keys would take more than bytes, while of the rows since the
 * last drain at least every other one had a key of its own. */
bool combine_outgrows(const struct combine *combine, uint64_t bytes, uint32_t row_count);

/* True when the rows since the last drain show that combining does not pay: of a million more than
 * nine in ten had a key of their own, of fewer (at least 256 Ki) so many more as that means among
 * them; of 64 Ki in a table that is full nine in ten. Then drain and let rows pass by combine_pass.
 */
bool combine_is_useless(const struct combine *combine);

/**
 * Calls visit with the accumulators as batches of accumulator->schema, up to BATCH_ROWS rows each,
 * fewer where their strings are long, and empties the table, also when visit fails.
 *
 * ordered:   by ascending (table hash, key), the same for any order of adding; else as they lie.
 * Ownership: a batch is lent until visit returns. It holds the blocks that its views point into.
 */
BARKS_CHECKED barks_status *
combine_drain(struct combine *combine, bool ordered,
              barks_status *(*visit)(void *context, struct batch *batch), void *context);

/* The table hashes of what is added from now on to the table, which is empty, agree in their first
 * shared_bits bits: so those do not choose slots. At first: none. */
void combine_begin_part(struct combine *combine, uint32_t shared_bits);

/* Accumulators that were drained go on where they stood; the table must have none of their keys.
 * Errors: as combine_add. */
BARKS_CHECKED barks_status *combine_load(struct combine *combine, const struct batch *accumulators);

/* The table hash of each row, as combine_add and as combine_load take them: by ascending ones
 * accumulators are drained. */
void combine_hash_rows(const struct combine *combine, const barks_batch *rows,
                       uint64_t *out_hashes);
void combine_hash_accumulators(const struct combine *combine, const barks_batch *accumulators,
                               uint64_t *out_hashes);

/**
 * Makes each row an accumulator of its own and hands them to visit as combine_drain would, in the
 * order of the rows, without looking for equal keys. The table, which must be empty, stays so.
 *
 * Errors: as combine_add, and those of visit.
 */
BARKS_CHECKED barks_status *combine_pass(struct combine *combine, const struct batch *batch,
                                         uint32_t *out_row,
                                         barks_status *(*visit)(void *context, struct batch *batch),
                                         void *context);

/* For tests: counts match slots, and each accumulator is found where its hash leads. O(slots). */
bool combine_is_sound(const struct combine *combine);
