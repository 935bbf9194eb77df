/* Strings: 16-byte views of bytes, short ones held inside. */
#pragma once

#include "barks/api.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { BARKS_STR_INLINE = 12 };

/* Up to 12 bytes stand in the view, the rest of the 12 being zero; a longer string is its first
 * four bytes and a pointer. So equal short strings are equal as 16 bytes, and most unequal ones
 * differ in their first 8. */
typedef struct barks_str {
    uint32_t length;
    char prefix[4]; /* or the first of 12 inlined bytes */
    union {
        char rest[8];
        const char *pointer;
    };
} barks_str;

_Static_assert(sizeof(barks_str) == 16,
               "a view is 16 bytes: batches and the encoding depend on it");

static inline bool barks_str_is_inline(barks_str text) { return text.length <= BARKS_STR_INLINE; }

/* The bytes of a string; not terminated. Valid as long as *text itself and what it points into. */
static inline const char *barks_str_bytes(const barks_str *text)
{
    return text->length <= BARKS_STR_INLINE ? (const char *)text + offsetof(barks_str, prefix)
                                            : text->pointer;
}

/* A view of bytes that stay where they are as long as it is used. */
static inline barks_str barks_str_of(const char *bytes, size_t length)
{
    barks_str text = {.length = (uint32_t)length};
    assert(length <= UINT32_MAX);
    if (length <= BARKS_STR_INLINE) {
        if (length > 0)
            memcpy((char *)&text + offsetof(barks_str, prefix), bytes, length);
    } else {
        memcpy(text.prefix, bytes, sizeof text.prefix);
        text.pointer = bytes;
    }
    return text;
}

#define BARKS_STR_LITERAL(literal) barks_str_of((literal), sizeof(literal) - 1)

static inline bool barks_str_equal(barks_str a, barks_str b)
{
    uint64_t a_head, b_head, a_rest, b_rest;
    memcpy(&a_head, &a, 8);
    memcpy(&b_head, &b, 8);
    if (a_head != b_head)
        return false;
    memcpy(&a_rest, a.rest, 8);
    memcpy(&b_rest, b.rest, 8);
    return a_rest == b_rest ||
           (a.length > BARKS_STR_INLINE && memcmp(a.pointer, b.pointer, a.length) == 0);
}

/* By bytes, unsigned, a prefix being smaller: negative, 0 or positive. */
static inline int barks_str_compare(barks_str a, barks_str b)
{
    uint32_t common = a.length < b.length ? a.length : b.length;
    int order = memcmp(barks_str_bytes(&a), barks_str_bytes(&b), common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

#ifdef __cplusplus
}
#endif
