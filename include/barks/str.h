/* Strings: 16-byte views of bytes, short ones held inside. Words of a string: words.h.
 *
 * Ownership: a view of more than 12 bytes is borrowed from whatever it points into; nothing here
 *            allocates.
 * Errors:    none, but where a call says so.
 * Threads:   any. */
#pragma once

/* Records and functions are made by macros of C17, and views by its initializers. */
#ifdef __cplusplus
#error "barks: jobs are C17; C++ may include <barks/status.h> and <barks/context.h> alone"
#endif

#include "barks/api.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Views are built and words found with loads that may reach past the end of a string (and four
 * bytes before it), though never into another page. Checkers that know the bounds of objects cannot
 * allow that: for them, and wherever BARKS_EXACT_LOADS is defined before this header, only the
 * string's own bytes are read. */
#if !defined(BARKS_EXACT_LOADS)
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BARKS_EXACT_LOADS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define BARKS_EXACT_LOADS 1
#endif
#endif
#endif

#define BARKS_INLINE static inline __attribute__((always_inline, unused))
#define BARKS_LIKELY(condition) __builtin_expect((condition), 1)
#define BARKS_UNLIKELY(condition) __builtin_expect((condition), 0)

enum { BARKS_STR_INLINE = 12 };
enum { BARKS_PAGE_MIN = 4096 }; /* no machine has smaller pages */

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

BARKS_INLINE barks_str barks_str_of_exactly(const char *bytes, size_t length)
{
    barks_str text = {.length = (uint32_t)length};
    if (length <= BARKS_STR_INLINE) {
        if (length > 0)
            memcpy((char *)&text + offsetof(barks_str, prefix), bytes, length);
    } else {
        memcpy(text.prefix, bytes, sizeof text.prefix);
        text.pointer = bytes;
    }
    return text;
}

/* Near the ends of a page. */
static __attribute__((noinline, cold, unused)) barks_str barks_str_of_slowly(const char *bytes,
                                                                             size_t length)
{
    return barks_str_of_exactly(bytes, length);
}

/* What stays of the first 8 bytes of a view (the prefix is their upper half), by the length of the
 * string; and after them what stays of the last 8. */
enum { BARKS_STR_QUICK = 63 };
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "views, and the encoding of batches, are little-endian"
#endif
#define BARKS_TEN_(value) value, value, value, value, value, value, value, value, value, value
#define BARKS_PREFIX_(bits) (UINT64_C(bits) << 32)
static const uint64_t barks_str_masks[2 * (BARKS_STR_QUICK + 1)]
    __attribute__((unused, aligned(64))) = {
        0,
        BARKS_PREFIX_(0x000000ff),
        BARKS_PREFIX_(0x0000ffff),
        BARKS_PREFIX_(0x00ffffff),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        BARKS_TEN_(BARKS_PREFIX_(0xffffffff)),
        [BARKS_STR_QUICK + 1 + 5] = UINT64_C(0xff),
        UINT64_C(0xffff),
        UINT64_C(0xffffff),
        UINT64_C(0xffffffff),
        UINT64_C(0xffffffffff),
        UINT64_C(0xffffffffffff),
        UINT64_C(0xffffffffffffff),
        UINT64_C(0xffffffffffffffff),
};

/* barks_str_of where 4 bytes before the string and 12 from its first on can be read; mask is the
 * length, but at most BARKS_STR_QUICK. The lengths of words are hard to predict, so nothing here
 * branches on them. */
BARKS_INLINE barks_str barks_str_of_quick(const char *bytes, size_t length, size_t mask)
{
    barks_str text;
    uint64_t head, rest, pointer;
    __asm__("" : "+r"(bytes)); /* the compiler must not reason about the object's bounds */
    memcpy(&head, bytes - 4, 8);
    memcpy(&rest, bytes + 4, 8);
    head = (head & barks_str_masks[mask]) | (uint32_t)length;
    rest &= barks_str_masks[BARKS_STR_QUICK + 1 + mask];
    __asm__("" : "+r"(rest)); /* or gcc 12 branches over the load */
    pointer = length > BARKS_STR_INLINE ? (uint64_t)(uintptr_t)bytes : rest;
    memcpy(&text, &head, 8);
    memcpy((char *)&text + 8, &pointer, 8);
    return text;
}

/* A view of bytes that stay where they are as long as it is used. */
BARKS_INLINE barks_str barks_str_of(const char *bytes, size_t length)
{
    assert(length <= UINT32_MAX);
#if defined(BARKS_EXACT_LOADS)
    return barks_str_of_exactly(bytes, length);
#else
    const uintptr_t page_place = ((uintptr_t)bytes - 4) & (BARKS_PAGE_MIN - 1);
    if (__builtin_constant_p(length))
        return barks_str_of_exactly(bytes, length);
    if (BARKS_UNLIKELY(page_place > BARKS_PAGE_MIN - 16))
        return barks_str_of_slowly(bytes, length);
    return barks_str_of_quick(bytes, length, length < BARKS_STR_QUICK ? length : BARKS_STR_QUICK);
#endif
}

#define BARKS_STR_LITERAL(literal) barks_str_of((literal), sizeof(literal) - 1)

/* For printf: printf("'" BARKS_STR_FORMAT "'\n", BARKS_STR_ARG(in->text)). Prints up to the first
 * NUL. */
#define BARKS_STR_FORMAT "%.*s"
#define BARKS_STR_ARG(text)                                                                        \
    (int)((text).length < INT_MAX ? (text).length : INT_MAX),                                      \
        barks_str_bytes(&(const barks_str[1]){(text)}[0])

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

/**
 * Bytes [from, from + length) of text, or as many of them as there are.
 *
 * Ownership: a long result points into the same bytes as text.
 * Errors:    none: past the end it is empty.
 * Threads:   any.
 */
static inline barks_str barks_str_slice(barks_str text, size_t from, size_t length)
{
    size_t start = from < text.length ? from : text.length;
    size_t left = text.length - start;
    return barks_str_of(barks_str_bytes(&text) + start, length < left ? length : left);
}

static inline bool barks_str_starts_with(barks_str text, barks_str prefix)
{
    return text.length >= prefix.length &&
           memcmp(barks_str_bytes(&text), barks_str_bytes(&prefix), prefix.length) == 0;
}

static inline bool barks_str_ends_with(barks_str text, barks_str suffix)
{
    return text.length >= suffix.length &&
           memcmp(barks_str_bytes(&text) + (text.length - suffix.length), barks_str_bytes(&suffix),
                  suffix.length) == 0;
}

/* Space, \t, \n, \v, \f, \r: whatever the locale. NUL and other control bytes are not among them.
 */
static inline bool barks_is_space(char byte)
{
    return byte == ' ' || (unsigned char)(byte - '\t') <= '\r' - '\t';
}

/* Without the white space (as barks_is_space) at both ends. */
static inline barks_str barks_str_trim(barks_str text)
{
    const char *bytes = barks_str_bytes(&text);
    size_t start = 0, end = text.length;
    while (start < end && barks_is_space(bytes[start]))
        start++;
    while (end > start && barks_is_space(bytes[end - 1]))
        end--;
    return barks_str_of(bytes + start, end - start);
}

/* The linear search that barks_str_find changes to when a text is made to be slow. */
BARKS_API int64_t barks_str_find_from(const char *text, size_t text_bytes, const char *needle,
                                      size_t needle_bytes, size_t from);

/**
 * The place of the first needle in text, or -1. An empty needle is at 0.
 *
 * Errors:    none.
 * Threads:   any.
 * Cost:      O(text); 16 places at a time are ruled out by the needle's first and last byte.
 */
static inline int64_t barks_str_find(barks_str text, barks_str needle)
{
    const char *bytes = barks_str_bytes(&text), *sought = barks_str_bytes(&needle);
    size_t needle_bytes = needle.length, at = 0;
    if (needle_bytes == 0)
        return 0;
    if (needle_bytes > text.length)
        return -1;
#if defined(__SSE2__)
    const size_t place_count = text.length - needle_bytes + 1;
    const __m128i first = _mm_set1_epi8(sought[0]), last = _mm_set1_epi8(sought[needle_bytes - 1]);
    size_t failures_left = 64;
    while (place_count >= 16 && at < place_count) {
        if (at > place_count - 16)
            at = place_count - 16; /* once more over places that were ruled out */
        __m128i starts = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        __m128i ends =
            _mm_loadu_si128((const __m128i *)(const void *)(bytes + at + needle_bytes - 1));
        unsigned places = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(starts, first), _mm_cmpeq_epi8(ends, last)));
        for (; places != 0; places &= places - 1) {
            size_t place = at + (unsigned)__builtin_ctz(places);
            if (memcmp(bytes + place, sought, needle_bytes) == 0)
                return (int64_t)place;
            if (--failures_left == 0)
                return barks_str_find_from(bytes, text.length, sought, needle_bytes, place + 1);
        }
        at += 16;
        failures_left += 2; /* what a block may cost on the average */
    }
    if (place_count >= 16)
        return -1;
#endif
    return barks_str_find_from(bytes, text.length, sought, needle_bytes, at);
}

/* Pieces of a string between separator bytes: "a,,b" has three, "" has one (the empty one). */
typedef struct barks_pieces {
    const char *start; /* of the next piece; NULL after the last */
    const char *end;
    char separator;
} barks_pieces;

/**
 * Begins to split a string: barks_pieces pieces = barks_pieces_of(in->text, ',');
 *
 * Ownership: the pieces point into what text points into. Use it in the block that it was made in.
 * Errors:    none.
 * Threads:   one owner.
 */
#define barks_pieces_of(text, separator)                                                           \
    barks_pieces_begin(&(const barks_str[1]){(text)}[0], (separator))

static inline barks_pieces barks_pieces_begin(const barks_str *text, char separator)
{
    const char *bytes = barks_str_bytes(text);
    return (barks_pieces){bytes, bytes + text->length, separator};
}

/* The next piece, or false after the last one. */
static inline bool barks_next_piece(barks_pieces *pieces, barks_str *out_piece)
{
    const char *start = pieces->start;
    if (start == NULL)
        return false;
    size_t left = (size_t)(pieces->end - start);
    const char *stop = left > 0 ? (const char *)memchr(start, pieces->separator, left) : NULL;
    pieces->start = stop != NULL ? stop + 1 : NULL;
    *out_piece = barks_str_of(start, stop != NULL ? (size_t)(stop - start) : left);
    return true;
}

/**
 * Reads the whole string as a decimal number: an optional sign and digits, for f64 also a decimal
 * point, an exponent, or (in any case) inf, infinity, nan. No white space, no locale.
 *
 * Returns false, and leaves *out_number alone, for anything else; for i64 also out of its range. A
 * f64 is rounded to the nearest; beyond its range it becomes infinity or 0.
 *
 * Errors:    none but false.
 * Threads:   any.
 */
BARKS_API bool barks_str_to_i64(barks_str text, int64_t *out_number);
BARKS_API bool barks_str_to_f64(barks_str text, double *out_number);
