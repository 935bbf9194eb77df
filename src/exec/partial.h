/* Answers of which each partition gives a small part, its state; the driver merges them in the
 * order of the partitions. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct step;

/* What an answer is asked for. Borrowed as long as a state lives. */
struct partial_options {
    const uint32_t *columns; /* of the rows */
    uint32_t column_count;
    const double *values; /* ascending bounds of a histogram */
    uint32_t value_count;
    double error;           /* that is allowed, relative; by kind */
    const uint64_t *ranges; /* of "ranks": first and last, of each range */
    uint32_t range_count;
};

/* States are memory of state_bytes, zeroed before begin, and ended by drop, which takes a zeroed
 * one too. Errors: BARKS_NO_MEMORY; unpack: BARKS_BAD_INPUT. Threads: one owner at a time. */
struct partial_kind {
    const char *name;
    size_t state_bytes;
    barks_status *(*begin)(void *state, const struct partial_options *options);
    barks_status *(*add)(void *state, const barks_batch *rows); /* nulls are skipped */
    barks_status *(*merge)(void *state, const void *other);
    barks_status *(*pack)(const void *state, struct buffer *out);
    barks_status *(*unpack)(void *state, const uint8_t *bytes, size_t size_bytes); /* after begin */
    void (*drop)(void *state);
};

/* "stats", "histogram", "distinct", "quantiles", "ranks"; NULL: none is called so. */
const struct partial_kind *partial_find(const char *name);

/* What a terminal's step says: texts[0] the kind, columns[0], bytes: doubles or ranges (numbers[0]
 * 1), reals[0] the error. */
struct partial_options partial_options_of(const struct step *step);

/* A state on the heap. */
BARKS_CHECKED barks_status *partial_create(const struct partial_kind *kind,
                                           const struct partial_options *options, void **out_state);
void partial_destroy(const struct partial_kind *kind, void *state); /* NULL is fine */
