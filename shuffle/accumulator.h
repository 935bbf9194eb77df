/* The C struct of a record as the engine sees it: its fields one by one, without generated code. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct keeper;

/* What a list is in a struct; the type of its items is known to its record only. */
struct list_value {
    const void *items;
    uint32_t count;
};
/* For how many items a list that accumulator_own has copied has room: so it may grow there. */
static inline size_t list_capacity(uint32_t count)
{
    return count <= 1 ? count : (size_t)1 << (32 - __builtin_clz(count - 1));
}

/* One field of a struct, or the items of a list. Immutable once made.
 * In memory a value is what function.h says: the C type; for a list {const item *; uint32_t}; for a
 * nested record its struct; an optional field is {value; bool valid}. */
struct accumulator_field {
    const barks_type *type; /* borrowed from the record */
    bool nullable;
    bool has_pointers;    /* a string or list is in it */
    size_t offset;        /* in the struct that it is a field of */
    size_t valid_offset;  /* optional: of `valid` in the struct that it is a field of */
    size_t flat_bytes;    /* of a value that is the same in a column; 0: of lists and records */
    uint32_t child_count; /* nested record: its fields */
    struct accumulator_field *children;
};

/* Lays the struct of record out and compares with what its own compiler says.
 * Errors: BARKS_INVALID (a list of lists or of records; another layout), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *accumulator_fields_create(const barks_record *record,
                                                      struct accumulator_field **out_fields);
/* Where a C compiler puts the fields of a struct of schema, and its size; out_offsets has room for
 * field_count. For records that are made at run time. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *record_layout(const barks_schema *schema, uint32_t *out_offsets,
                                          size_t *out_size_bytes);
void accumulator_fields_destroy(struct accumulator_field *fields, uint32_t field_count);

/* Makes hashes[k] the table hash of what it was (of the columns before) and of value first + k of
 * column. Values that group together (S1) hash alike. The same on every machine and in every run.
 */
void accumulator_hash_column(const barks_type *type, const barks_column *column, uint32_t first,
                             uint32_t row_count, uint64_t *hashes);

/* S1: whether the field of accumulator and row of column group together. */
bool accumulator_equals_row(const struct accumulator_field *field, const void *accumulator,
                            const barks_column *column, uint32_t row);

/* A total order of the field's values, null first; 0 where they group together. */
int accumulator_compare(const struct accumulator_field *field, const void *a, const void *b);

/* Sets the field of accumulator to row of column: a view of the column's memory. */
void accumulator_load(const struct accumulator_field *field, const barks_column *column,
                      uint32_t row, void *accumulator);

/* Copies into keeper whatever the field of accumulator points to; canonical: also turns its floats
 * into the one 0.0 and the one NaN (S1). Errors: as pool_acquire; accumulator still points to what
 * it pointed to, or to copies. */
BARKS_CHECKED barks_status *accumulator_own(const struct accumulator_field *field,
                                            void *accumulator, bool canonical,
                                            struct keeper *keeper);

/* Writes the field of accumulator to row of column, a column of batch (or a child of one) that has
 * room for it; items are appended to the child. Strings are copied as views.
 * Errors: as column_reserve_items. */
BARKS_CHECKED barks_status *accumulator_store(const struct accumulator_field *field,
                                              const void *accumulator, struct batch *batch,
                                              barks_column *column, uint32_t row);
