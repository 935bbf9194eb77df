/* Column batches: the unit that flows between operators, is cached, spilled, sent and collected. */
#pragma once

#include "barks/api.h"
#include "barks/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types of values. In memory a value of a column is: bool: uint8_t of 0 or 1; i32, i64, f32,
 * f64: the C type; str, bytes: barks_str; list: barks_list_slice into the one child column; struct:
 * nothing of its own, one child column for each field. The numbers are part of the encoding: never
 * reuse one. */
typedef enum barks_type_id {
    BARKS_BOOL = 1,
    BARKS_I32 = 2,
    BARKS_I64 = 3,
    BARKS_F32 = 4,
    BARKS_F64 = 5,
    BARKS_STR = 6,
    BARKS_BYTES = 7,
    BARKS_LIST = 8,
    BARKS_STRUCT = 9,
} barks_type_id;

typedef struct barks_type barks_type;
typedef struct barks_schema barks_schema;

struct barks_type {
    barks_type_id id;
    const barks_type *item;     /* list: the type of its items (which are never null), else NULL */
    const barks_schema *fields; /* struct: its fields, else NULL */
};

typedef struct barks_field {
    const char *name;
    const barks_type *type;
    bool nullable; /* may hold nulls; a column of a field that is not nullable has no validity
                      bitmap */
} barks_field;

/* Immutable once made. Those of BARKS_RECORD live for ever, others as long as their maker says. */
struct barks_schema {
    uint32_t field_count;
    const barks_field *fields;
};

/* Value of a list column: items [offset, offset + length) of the child column. */
typedef struct barks_list_slice {
    uint32_t offset;
    uint32_t length;
} barks_list_slice;

/* row_count values of one type; how many is said by the batch (or, for a child, by item_count). */
typedef struct barks_column {
    const barks_type *type;
    void *values;       /* row_count values, 64-byte aligned; NULL for a struct */
    uint64_t *validity; /* bit i % 64 of word i / 64 set: value i is there; NULL: all are there.
                           Where it is not, the value is all zero bytes. */
    struct barks_column *children; /* list: one; struct: one for each field; else NULL */
    uint32_t item_count;           /* list: rows of the child column in use */
    uint32_t capacity;             /* rows that values and validity have room for; the engine's */
    bool is_foreign;               /* values are another library's: only read; the engine's */
} barks_column;

/* A batch as functions see it. The memory belongs to the engine: whoever is handed one borrows it
 * until he returns. */
typedef struct barks_batch {
    const barks_schema *schema;
    uint32_t row_count;
    barks_column *columns; /* schema->field_count */
} barks_batch;

static inline bool barks_is_valid(const barks_column *column, uint32_t row)
{
    return column->validity == NULL || ((column->validity[row / 64] >> (row % 64)) & 1) != 0;
}
