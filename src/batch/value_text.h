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

/* Appends bytes as they may be shown on a line: what would move the cursor, and what is no UTF-8,
 * as \xx; cut after so many characters, with "...". *out_width: characters that were appended. */
BARKS_CHECKED barks_status *shown_print(const char *bytes, size_t size_bytes,
                                        uint32_t characters_max, struct buffer *out,
                                        uint32_t *out_width);

/* Appends a row for an error, each value cut: "word 'apple', count 3". Columns that nobody has
 * asked to be read are left out. Errors: as buffer_append. */
BARKS_CHECKED barks_status *row_print(const barks_batch *batch, uint32_t row, struct buffer *out);

/* Appends the first row_count_max rows as a table: names, types, aligned cells that are cut after
 * 40 characters, and how many rows there are. Errors: as buffer_append. */
BARKS_CHECKED barks_status *batch_print(const barks_batch *batch, uint32_t row_count_max,
                                        struct buffer *out);
