/* Strings of rows that were put in another order lie anywhere: a loop over them asks for each some
 * rows before it gets there. */
#pragma once

#include "barks/str.h"

enum {
    PREFETCH_ROWS = 12,
    PREFETCH_STRING_BYTES = 256
}; /* longer ones the processor goes on with */

/* At row `row` of row_count: the string that comes PREFETCH_ROWS later. */
static inline void prefetch_string(const barks_str *strings, uint32_t row, uint32_t row_count)
{
    enum { LINE_BYTES = 64 };
    if (row_count - row <= PREFETCH_ROWS)
        return;
    const barks_str *ahead = &strings[row + PREFETCH_ROWS];
    if (barks_str_is_inline(*ahead))
        return;
    uint32_t bytes = ahead->length < PREFETCH_STRING_BYTES ? ahead->length : PREFETCH_STRING_BYTES;
    for (uint32_t at = 0; at < bytes; at += LINE_BYTES)
        __builtin_prefetch(ahead->pointer + at);
    __builtin_prefetch(ahead->pointer + bytes - 1);
}
