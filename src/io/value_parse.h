/* Texts of files as values of columns: what CSV and partitioned paths share. */
#pragma once

#include "barks/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number that the whole text is. Signs, leading zeros, "1e9", "inf", "nan" in any case; no
 * spaces. Independent of the locale. */
bool parse_i64(const char *bytes, size_t length, int64_t *out);
bool parse_f64(const char *bytes, size_t length, double *out);
bool parse_bool(const char *bytes, size_t length, uint8_t *out); /* true false t f yes no 1 0 */

/* Writes the text's value to row of a column of bool, i32, i64, f32, f64, str or bytes; spaces
 * around all but the last two do not count. Strings longer than BARKS_STR_INLINE point to bytes.
 * False: it is none of the type; the value is then zero. */
bool parse_value(const char *bytes, size_t length, const barks_column *column, uint32_t row);

/* Clears the validity bit and the value. The column must be nullable. */
void put_null(const barks_column *column, uint32_t row);
/* The value of row becomes zero bytes, of lists and structs too. */
void put_zero(const barks_column *column, uint32_t row);
