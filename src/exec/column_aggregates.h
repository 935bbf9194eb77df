/* Sums, counts and the like of columns: accumulators that functions of the library's own fold, told
 * by their env what to do. They travel as all functions do, under these names. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

enum { COLUMN_AGGREGATES_MAX = 64, COLUMN_FIELDS_MAX = 8 };

enum column_op {
    COLUMN_COUNT = 1, /* rows, or values that are there */
    COLUMN_SUM,       /* of integers: i64, an overflow fails; of floats: exact until the end */
    COLUMN_AVERAGE,   /* f64, of numbers */
    COLUMN_MIN,       /* by the order of sorting; null where there are nulls alone */
    COLUMN_MAX,
    COLUMN_FIRST, /* of the first row, in the order of the rows; null too */
    COLUMN_LAST,
    COLUMN_LIST,     /* the values that are there, in the order of the rows */
    COLUMN_DISTINCT, /* about how many differ; null is a value */
};

#define COLUMN_NONE UINT32_MAX

/* One aggregate. Its state is one field of the accumulator, or two: a sum and how many values are
 * in it; for FIRST and LAST a value and whether there was a row. */
struct column_aggregate {
    uint32_t op;           /* enum column_op */
    uint32_t column;       /* of the rows; COLUMN_NONE: COUNT of rows */
    uint32_t fields[2];    /* of the accumulator; the second may be COLUMN_NONE */
    uint32_t offsets[2];   /* of these in its struct */
    uint32_t valid_offset; /* of the first one, where it may be null */
    uint32_t is_float;     /* the state of SUM and AVERAGE is a barks_sum */
    /* Of DISTINCT: */
    uint32_t precision;
    uint32_t columns[COLUMN_FIELDS_MAX], column_count;
};

/* The env of both functions. */
struct column_aggregates {
    uint32_t count;
    uint32_t key_count; /* the accumulator's first fields, and the result's */
    struct column_aggregate items[COLUMN_AGGREGATES_MAX];
};

/* Rows into accumulators (an AGGREGATE), accumulators into accumulators (a REDUCE). in and out are
 * NULL: they take rows of any record, all columns in order. */
extern const barks_function column_aggregates_update, column_aggregates_merge;

/* The accumulator's fields that an aggregate of column needs, and the field of the result; names
 * are borrowed. Errors: BARKS_INVALID: the op does not take such a column; the text begins with
 * where. */
struct column_types {
    barks_field state[2];
    uint32_t state_count;
    barks_field result;
    barks_type list; /* of LIST: what the fields point to */
};
BARKS_CHECKED barks_status *column_aggregate_types(enum column_op op, const barks_field *column,
                                                   const char *where, struct column_types *out);

/* Sets the offsets in plan, whose fields are those of record. Errors: BARKS_NO_MEMORY,
 * BARKS_INVALID: keys that no accumulator can hold. */
BARKS_CHECKED barks_status *column_aggregates_lay_out(const barks_record *record,
                                                      struct column_aggregates *plan);

/* Turns accumulators into rows of the result: out has its schema, and is lent until the next call;
 * its columns are those of accumulators, or its own. */
struct column_results;
BARKS_CHECKED barks_status *column_results_create(struct pool *pool,
                                                  const struct column_aggregates *plan,
                                                  const barks_schema *schema,
                                                  struct column_results **out_results);
void column_results_destroy(struct column_results *results); /* NULL is fine */
BARKS_CHECKED barks_status *column_results_make(struct column_results *results,
                                                const struct batch *accumulators,
                                                struct batch **out_rows);
