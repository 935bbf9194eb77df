/* Values as text: what files, tables and errors show. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stddef.h>

struct buffer;

enum { NUMBER_TEXT_BYTES = 32 }; /* any number and its final zero byte */

/* The shortest text that reads back as the same number, in the manner of PostgreSQL: 0.1, 1e+21,
 * 1e-07, NaN, -Infinity. Returns its length. Independent of the locale. */
size_t f64_text(double value, char out[NUMBER_TEXT_BYTES]);
size_t f32_text(float value, char out[NUMBER_TEXT_BYTES]);
size_t i64_text(int64_t value, char out[NUMBER_TEXT_BYTES]);

/* Appends the value at row: null, true, a number, a string's bytes as they are; lists as [1, 2],
 * structs as {word: a, count: 1}. Errors: as buffer_append. */
BARKS_CHECKED barks_status *value_print(const barks_column *column, uint32_t row,
                                        struct buffer *out);

/* Appends the first row_count_max rows as a table: names, types, aligned cells that are cut after
 * 40 characters, and how many rows there are. Errors: as buffer_append. */
BARKS_CHECKED barks_status *batch_print(const barks_batch *batch, uint32_t row_count_max,
                                        struct buffer *out);
