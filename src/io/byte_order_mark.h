/* The byte-order mark of UTF-8 that a text file may begin with, which is no text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MARK_BYTES = 3 };

static inline bool mark_begins(const void *bytes, size_t size_bytes)
{
    return size_bytes >= MARK_BYTES && memcmp(bytes, "\xef\xbb\xbf", MARK_BYTES) == 0;
}

/* With so few bytes of a file nobody can tell. */
static inline bool mark_may_begin(const void *bytes, size_t size_bytes)
{
    return size_bytes < MARK_BYTES && memcmp(bytes, "\xef\xbb\xbf", size_bytes) == 0;
}
