/* Lines of bytes as views: what the newline kernel finds, turned into strings without copying. */
#pragma once

#include "barks/str.h"
#include "io/newline.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that are cut into lines. bytes[0, end) and 63 more are readable.
 * Invariant: line_begin <= scanned <= end, and no line ends in [line_begin, scanned). */
struct line_cursor {
    const uint8_t *bytes;
    size_t line_begin;
    size_t scanned; /* a long line that comes in pieces is looked at once */
    size_t end;
};

/* Views of the next whole lines, at most view_max, without their \n and one \r before it; returns
 * how many. Short ones are copied into their views, longer ones (up to 4 GiB) point into bytes.
 * Where it returns fewer, all of bytes is scanned. */
uint32_t lines_take(struct line_cursor *cursor, newline_find_fn *find, barks_str *out_views,
                    uint32_t view_max);
